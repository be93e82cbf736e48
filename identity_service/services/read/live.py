"""Live resolution: load and resolve a component now, writing nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import Judgement
from identity_service.domain.policies.policy import Policy
from identity_service.domain.recorded import SeenIdentifier, SettledCustomer
from identity_service.domain.resolution.evidence import Evidence, SeenPair, union
from identity_service.domain.resolution.id_register import customers_after, kind_of
from identity_service.domain.resolution.resolve import BoundaryState, Resolution, resolve, strength
from identity_service.domain.resolution.subgraph import NewEvidence
from identity_service.graph.evidence import EvidenceStore
from identity_service.graph.judgements import JudgementStore
from identity_service.services.kit.request_cache import RequestCache
from identity_service.services.kit.shared_work import SharedWork
from identity_service.services.resolution.component_resolver import (
    ComponentResolver,
    ResolutionRequest,
    Starts,
)
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.policies import PolicyInForce

_SIDE_BY_SIDE: Final = 4
"""Components of a space that are resolved at a time. More that are large would only hold each
other up, until all run into their time limits."""


@dataclass(frozen=True, slots=True)
class Component:
    """All identifiers that are connected with one of them, resolved.

    By position in the evidence: `customer_of` names the customer whose id the register gives
    to the identifier's cluster (None where none was minted yet). Links to contested identifiers
    are all there; evidence beyond super-connectors is not: those are `outside`.
    """

    evidence: Evidence
    resolution: Resolution
    customer_of: Sequence[str | None]
    outside: BoundaryState

    def cluster_with(self, identifier: Identifier) -> list[int]:
        """The positions of the identifiers that are one customer with an identifier."""
        cluster_of = self.resolution.cluster_of
        cluster = cluster_of[self.evidence.identifiers.index(identifier)]
        return [position for position, its in enumerate(cluster_of) if its == cluster]

    def link_numbers(self) -> dict[frozenset[Identifier], int]:
        """The position of each link, by the two identifiers that it joins."""
        identifiers = self.evidence.identifiers
        return {
            frozenset((identifiers[link.a], identifiers[link.b])): number
            for number, link in enumerate(self.evidence.links)
        }


ComponentCache: TypeAlias = RequestCache[tuple[str, Identifier], Component | None]
"""The components that a request has loaded, by space and one of their identifiers."""


class LiveResolution:
    """Resolves components on demand: one once for all who ask for it at the same time."""

    def __init__(
        self, store: EvidenceStore, judgements: JudgementStore, resolver: ComponentResolver
    ) -> None:
        self._store = store
        self._judgements = judgements
        self._resolver = resolver
        self._resolving: SharedWork[tuple[str, int], Identifier, Component | None] = SharedWork(
            _is_of, _SIDE_BY_SIDE
        )

    async def component_of(
        self, scope: SpaceScope, in_force: PolicyInForce, identifier: Identifier
    ) -> Component | None:
        """The component of an identifier that was seen; None when it is over-connected.

        Its judgements have author and reason.
        """
        return await self._resolving.get(
            (scope.space, in_force.version),
            identifier,
            lambda: self._resolve(scope, in_force, identifier),
        )

    async def _resolve(
        self, scope: SpaceScope, in_force: PolicyInForce, identifier: Identifier
    ) -> Component | None:
        known = await self._store.read_known(
            scope.space, (), NewEvidence.of_identifiers((identifier,))
        )
        request = ResolutionRequest(Starts.of(known.identifiers), cross_boundary=True)
        resolved = await self._resolver.resolve(scope, in_force, request)
        if resolved is None:
            return None
        given = resolved.resolution_input
        return Component(
            await self._signed(scope, given.evidence),
            resolved.resolution,
            customers_after(given.settled, resolved.resolution, in_force.policy),
            given.outside,
        )

    async def _signed(self, scope: SpaceScope, evidence: Evidence) -> Evidence:
        """Evidence whose judgements have author and reason."""
        if not evidence.judgements:
            return evidence
        ids = [made.id for made in evidence.judgements]
        found = await self._judgements.find_all(scope.space, ids)
        return replace(evidence, judgements=[m for m in found if isinstance(m, Judgement)])


def _is_of(component: Component | None, identifier: Identifier) -> bool:
    """Whether a component is that of an identifier, too. It ends at super-connectors."""
    if component is None or identifier not in component.evidence.identifiers:
        return False
    position = component.evidence.identifiers.index(identifier)
    return position not in component.outside.super_connectors


def resolved_customer(
    settled: SettledCustomer,
    component: Component,
    members: Sequence[int],
    seen: Sequence[SeenIdentifier],
    in_force: PolicyInForce,
    now: int,
) -> SettledCustomer:
    """A settled customer as its component has just been resolved, with the id that it would get.

    `members` are positions in the component; `seen` are these identifiers as they are stored.
    """
    resolution = component.resolution
    identifiers = [
        each._replace(
            contested=position in resolution.contested,
            super_connector=position in resolution.super_connectors,
        )
        for position, each in zip(members, seen, strict=True)
    ]
    return replace(
        settled,
        customer_id=component.customer_of[members[0]] or settled.customer_id,
        kind=kind_of(members, component.evidence.identifiers, resolution, in_force.policy),
        policy_version=in_force.version,
        settled_at=now,
        first_seen=min(each.first_seen for each in identifiers),
        last_seen=max(each.last_seen for each in identifiers),
        identifier_count=len(identifiers),
        identifiers=sorted(identifiers, key=lambda i: strength(i.identifier, in_force.policy)),
        live=True,
    )


def unite(
    first: Component, second: Component, between: Iterable[SeenPair], policy: Policy
) -> Component:
    """Two components of a space as one; `between` are links that neither holds."""
    evidence = union(first.evidence, second.evidence, between)
    position_of = {identifier: i for i, identifier in enumerate(evidence.identifiers)}
    customer_of: list[str | None] = [None] * len(position_of)
    contested: set[int] = set()
    super_connectors: set[int] = set()
    for part in (first, second):
        at = [position_of[identifier] for identifier in part.evidence.identifiers]
        for position, customer in zip(at, part.customer_of, strict=True):
            customer_of[position] = customer
        contested |= {at[i] for i in part.outside.contested}
        super_connectors |= {at[i] for i in part.outside.super_connectors}
    outside = BoundaryState(frozenset(contested), frozenset(super_connectors))
    return Component(evidence, resolve(evidence, policy, outside), customer_of, outside)
