"""Settling: load what a decision rests on, resolve it, and find what has to be written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from identity_service.domain.changes import Change
from identity_service.domain.customers import Difference, difference
from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.policy import Policy
from identity_service.domain.region import (
    EMPTY_REGION,
    NewEvidence,
    Question,
    Region,
    StoredIdentifier,
    ends_well,
    may_end_at,
    put,
)
from identity_service.domain.resolution import Resolution, resolve
from identity_service.graph.evidence import EvidenceStore, LedgerEntry
from identity_service.services.access import SpaceScope
from identity_service.services.clock import Ids


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

    One identifier of each customer is enough: what is one customer is connected.
    """
    plain: dict[str | Identifier, Identifier] = {other: other for other in others}
    contested: set[Identifier] = set()
    connected: set[Identifier] = set()
    for identifier, stored in known.items():
        if stored.super_connector:
            connected.add(identifier)
        elif stored.contested:
            contested.add(identifier)
        else:
            plain[stored.customer or identifier] = identifier
    return Starts(frozenset(plain.values()), frozenset(contested), frozenset(connected))


@dataclass(frozen=True, slots=True)
class Decision:
    """What was loaded, what was asked, and the answer."""

    region: Region
    question: Question
    resolution: Resolution


class Settlement:
    """Decides regions of a space anew. Writes nothing."""

    def __init__(self, store: EvidenceStore, ids: Ids) -> None:
        self._store = store
        self._ids = ids

    async def decide(
        self,
        scope: SpaceScope,
        policy: Policy,
        new: NewEvidence,
        *,
        touched: Starts,
        most: int,
        withdrawn: str | None = None,
        across: bool = False,
    ) -> Decision | None:
        """Resolve everything that can be reached from what is touched, with what is new.

        `withdrawn` is the id of a judgement to be left out. The walk ends at contested
        identifiers where that changes nothing, unless `across`. None: more than `most`
        identifiers would have to be decided at once.
        """
        if not across and _may_have_edges(policy):
            decision = await self._attempt(
                scope, policy, new, touched, most, withdrawn, across=False
            )
            if decision:
                return decision
        return await self._attempt(scope, policy, new, touched, most, withdrawn, across=True)

    def difference(self, decision: Decision, policy: Policy) -> Difference:
        """What has to be written so that the graph holds what was decided."""
        return difference(
            decision.question.settled, decision.resolution, policy, lambda: self._ids("cus")
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
        policy: Policy,
        new: NewEvidence,
        touched: Starts,
        most: int,
        withdrawn: str | None,
        *,
        across: bool,
    ) -> Decision | None:
        region = await self._load(scope, policy, touched, most, across=across)
        if region is None or (not across and not may_end_at(region, new, policy)):
            return None
        region.judgements[:] = [made for made in region.judgements if made.id != withdrawn]
        question = put(region, new)
        resolution = resolve(question.evidence, policy, question.outside)
        if not across and not ends_well(region, question, resolution, policy):
            return None
        return Decision(region, question, resolution)

    async def _load(
        self,
        scope: SpaceScope,
        policy: Policy,
        touched: Starts,
        most: int,
        *,
        across: bool,
    ) -> Region | None:
        if not touched:
            return EMPTY_REGION
        walk_from = touched.plain | touched.contested if across else set(touched.plain)
        edges = touched.super_connectors
        if not across:
            edges |= touched.contested
        while True:
            region = await self._store.load_region(
                scope.space,
                policy,
                starts=walk_from,
                edges=edges,
                across=across,
                most=most,
            )
            if region is None:
                return None
            # The walk does not leave a super-connector, but a judgement may join it to others.
            pulled = {i for e in region.edges.values() for i in e.judged} - region.nodes.keys()
            if not pulled:
                return region
            walk_from |= pulled


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
