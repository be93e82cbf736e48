"""Settling: load what a decision rests on, resolve it, and find what has to be written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.policies.policy import Policy
from identity_service.domain.policies.value_rules import ValueRules, WithheldValue
from identity_service.domain.resolution.boundary import boundary_is_stable, boundary_unchanged
from identity_service.domain.resolution.changes import Change
from identity_service.domain.resolution.components import components
from identity_service.domain.resolution.id_register import ChangeSet, change_set
from identity_service.domain.resolution.resolve import Resolution, resolve
from identity_service.domain.resolution.subgraph import (
    EMPTY_SUBGRAPH,
    NewEvidence,
    ResolutionInput,
    StoredIdentifier,
    Subgraph,
    merge_evidence,
)
from identity_service.errors import TooLarge
from identity_service.graph.evidence import EvidenceStore
from identity_service.graph.write_rows import LedgerEntry
from identity_service.services.kit.clock import Ids
from identity_service.services.kit.offload import offload_if_large
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.policies import PolicyInForce

ROOM_FOR_SEVERAL = 10_000
"""Identifiers beyond the bound of one component that may be loaded at once."""


@dataclass(frozen=True, slots=True)
class Starts:
    """Known identifiers to begin at, by how the walk treats them."""

    plain: frozenset[Identifier] = frozenset()
    contested: frozenset[Identifier] = frozenset()
    super_connectors: frozenset[Identifier] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.plain or self.contested or self.super_connectors)


def starts(
    known: Mapping[Identifier, StoredIdentifier], others: Iterable[Identifier] = ()
) -> Starts:
    """Where to begin so that all these identifiers are decided, also `others` if they exist.

    One identifier of each customer is enough: what is one customer is super_connectors.
    """
    plain: dict[str | Identifier, Identifier] = {other: other for other in others}
    contested: set[Identifier] = set()
    super_connectors: set[Identifier] = set()
    for identifier, stored in known.items():
        if stored.super_connector:
            super_connectors.add(identifier)
        elif stored.contested:
            contested.add(identifier)
        else:
            plain[stored.customer or identifier] = identifier
    return Starts(frozenset(plain.values()), frozenset(contested), frozenset(super_connectors))


@dataclass(frozen=True, slots=True)
class Decision:
    """What was loaded, what was asked, and the answer; and what was left out as blocked.

    `component_of` tells by position which identifiers hang together.
    """

    subgraph: Subgraph
    resolution_input: ResolutionInput
    resolution: Resolution
    component_of: list[int]
    blocked: list[Identifier]


def too_much(limit: int) -> TooLarge:
    """The error where more identifiers hang together than a component may hold."""
    return TooLarge(
        f"More than {limit:,} identifiers hang together here.",
        remedy="Block the identifiers that have the most links.",
    )


class ComponentResolver:
    """Decides regions of a space anew. Writes nothing."""

    def __init__(self, store: EvidenceStore, ids: Ids) -> None:
        self._store = store
        self._ids = ids

    async def decide(
        self,
        scope: SpaceScope,
        in_force: PolicyInForce,
        new: NewEvidence,
        *,
        touched: Starts,
        withdrawn: str | None = None,
        cross_boundary: bool = False,
    ) -> Decision | None:
        """Resolve everything that can be reached from `touched`, together with `new`.

        `withdrawn` is the id of a judgement to be left out. Unless `cross_boundary`, the walk
        ends at contested identifiers where that changes nothing. None: a component holds more
        identifiers than the policy's `max_component`, or all components together hold so many
        that they must be decided one by one.
        """
        if not cross_boundary and _may_have_edges(in_force.policy):
            decision = await self._attempt(
                scope, in_force, new, touched, withdrawn, cross_boundary=False
            )
            if decision:
                return decision
        return await self._attempt(scope, in_force, new, touched, withdrawn, cross_boundary=True)

    def change_set(self, decision: Decision, policy: Policy) -> ChangeSet:
        """What has to be written so that the graph holds what was decided."""
        return change_set(
            decision.resolution_input.settled, decision.resolution, policy, lambda: self._ids("cus")
        )

    def entries(
        self, changes: Iterable[Change], cause_of: Callable[[Change], str]
    ) -> list[LedgerEntry]:
        """The changes as entries of the ledger."""
        return [
            LedgerEntry(
                id=self._ids("chg"),
                kind=change.kind.value,
                customer_id=change.customer_id,
                other_id=change.other_id,
                identifiers=change.identifiers,
                cause=cause_of(change),
            )
            for change in changes
        ]

    async def _attempt(
        self,
        scope: SpaceScope,
        in_force: PolicyInForce,
        new: NewEvidence,
        touched: Starts,
        withdrawn: str | None,
        *,
        cross_boundary: bool,
    ) -> Decision | None:
        policy = in_force.policy
        subgraph = await self._load(scope, in_force, touched, cross_boundary=cross_boundary)
        if subgraph is None:
            return None
        # Who was settled by an older policy may hold what is blocked now, and meet boundary that
        # are none any more.
        outdated = subgraph.settled_under is not None and subgraph.settled_under < in_force.version
        if not cross_boundary and (outdated or not boundary_is_stable(subgraph, new, policy)):
            return None
        subgraph.judgements[:] = [made for made in subgraph.judgements if made.id != withdrawn]
        left_out = _leave_out_blocked(subgraph, in_force.values) if outdated else []

        def decided() -> Decision | None:
            resolution_input = merge_evidence(subgraph, new)
            component_of = components(resolution_input.evidence)
            if _largest(component_of) > policy.max_component:
                return None
            resolution = resolve(resolution_input.evidence, policy, resolution_input.outside)
            if not cross_boundary and not boundary_unchanged(
                subgraph, resolution_input, resolution, policy
            ):
                return None
            return Decision(subgraph, resolution_input, resolution, component_of, left_out)

        return await offload_if_large(len(subgraph.nodes), decided)

    async def _load(
        self,
        scope: SpaceScope,
        in_force: PolicyInForce,
        touched: Starts,
        *,
        cross_boundary: bool,
    ) -> Subgraph | None:
        if not touched:
            return EMPTY_SUBGRAPH
        walk_from = touched.plain | touched.contested if cross_boundary else set(touched.plain)
        boundary = touched.super_connectors
        if not cross_boundary:
            boundary |= touched.contested
        while True:
            subgraph = await self._store.load_subgraph(
                scope.space,
                in_force.policy,
                in_force.version,
                starts=walk_from,
                boundary=boundary,
                cross_boundary=cross_boundary,
                most=in_force.policy.max_component + ROOM_FOR_SEVERAL,
            )
            if subgraph is None:
                return None
            # The walk does not leave a super-connector, but a judgement may join it to others; and
            # of a customer that holds what is blocked now it may not reach all.
            pulled = {
                i for e in subgraph.boundary.values() for i in e.judged
            } | subgraph.cut_off_by_block
            # Across, what lies with an node counts as known only once it was walked itself.
            pulled -= (
                subgraph.interior | subgraph.boundary.keys()
                if cross_boundary
                else subgraph.nodes.keys()
            )
            if not pulled:
                return subgraph
            walk_from |= pulled


def _leave_out_blocked(subgraph: Subgraph, values: ValueRules) -> list[Identifier]:
    """Take identifiers that are blocked now out of a subgraph; returns them."""
    blocked = [i for i in subgraph.nodes if isinstance(values.identifier(i), WithheldValue)]
    for identifier in blocked:
        del subgraph.nodes[identifier]
    return blocked


def _largest(component_of: list[int]) -> int:
    return max(Counter(component_of).values(), default=0)


def _may_have_edges(policy: Policy) -> bool:
    """Whether a contested identifier can be judged by what lies next to it.

    With dominance everybody's sightings count; and the owners that lie outside can only be
    asked for by type, which `other` does not name.
    """
    rules = policy.rules.values()
    person_without_name = policy.other and policy.other.kind is IdentifierKind.PERSON
    return not person_without_name and not any(
        rule.dominance for rule in (*rules, policy.other) if rule
    )
