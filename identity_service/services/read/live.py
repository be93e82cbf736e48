"""Live resolution: walk and resolve a component now, writing nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from identity_service.domain.identifiers import Identifier
from identity_service.domain.policies.policy import Policy
from identity_service.domain.resolution.evidence import Evidence, SeenPair, union
from identity_service.domain.resolution.id_register import customers_after
from identity_service.domain.resolution.resolve import BoundaryState, Resolution, resolve
from identity_service.domain.resolution.subgraph import NewEvidence
from identity_service.graph.evidence import EvidenceStore
from identity_service.services.resolution.component_resolver import (
    ComponentResolver,
    ResolutionRequest,
    Starts,
)
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.policies import PolicyInForce


@dataclass(frozen=True, slots=True)
class Component:
    """All identifiers that hang together with one of them, resolved.

    By position in the evidence: `customer_of` names the customer whose id the register gives
    to the identifier's cluster (None where none was minted yet). Links to contested identifiers
    are all there; evidence beyond super-connectors is not: those are `outside`.
    """

    evidence: Evidence
    resolution: Resolution
    customer_of: Sequence[str | None]
    outside: BoundaryState

    def link_numbers(self) -> dict[frozenset[Identifier], int]:
        """The position of each link, by the two identifiers that it joins."""
        identifiers = self.evidence.identifiers
        return {
            frozenset((identifiers[link.a], identifiers[link.b])): number
            for number, link in enumerate(self.evidence.links)
        }


class LiveResolution:
    """Resolves components on demand."""

    def __init__(self, store: EvidenceStore, resolver: ComponentResolver) -> None:
        self._store = store
        self._resolver = resolver

    async def component_of(
        self, scope: SpaceScope, in_force: PolicyInForce, identifier: Identifier
    ) -> Component | None:
        """The component of an identifier that was seen; None when it is over-connected."""
        known = await self._store.read_known(
            scope.space, (), NewEvidence.of_identifiers((identifier,))
        )
        request = ResolutionRequest(Starts.of(known.identifiers), cross_boundary=True)
        resolved = await self._resolver.resolve(scope, in_force, request)
        if resolved is None:
            return None
        given = resolved.resolution_input
        return Component(
            given.evidence,
            resolved.resolution,
            customers_after(given.settled, resolved.resolution, in_force.policy),
            given.outside,
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
