"""The one place that writes customers.

Whoever has something to write brings a *proposal*: evidence, what has to be resolved because of
it, and the cause of the changes that follow. The settler holds the lock of the space, loads and
resolves the components, compares them with what is stored, and writes evidence, customers and
ledger in one transaction. Other processes may change meanwhile what the decision rests on; then
nothing is written, and the proposal is drafted again by what is known then.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeAlias, TypeVar

import structlog

from identity_service.domain.identifiers import Identifier
from identity_service.domain.recorded import RecordedChange
from identity_service.domain.resolution.changes import Change, ChangeKind
from identity_service.domain.resolution.id_register import change_set
from identity_service.errors import Stale
from identity_service.graph.evidence import EvidenceStore
from identity_service.graph.keys import identifier_key
from identity_service.graph.write_rows import (
    EvidenceWrite,
    LedgerEntry,
    Settlement,
    SettlementWrite,
)
from identity_service.services.kit.clock import Clock, Ids
from identity_service.services.resolution.component_resolver import (
    ComponentResolver,
    ResolutionRequest,
    Resolved,
)
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.policies import Policies, PolicyInForce
from identity_service.services.write.space_locks import SpaceLocks

MAX_ATTEMPTS = 12
"""How often a proposal is drafted while others keep changing what it rests on."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A proposal as it is at one attempt, by what was known then.

    `evidence` is None where nothing has to be written any more. `request` is None where the
    evidence cannot change any customer. `confirm` is called when all that the decision rests on
    was read; it raises to have nothing written.

    Of `causes`, each at an identifier, the last one in the same component caused a change; where
    there is none, `cause` did. Both are written as `parse_cause` reads them. A policy rollout also
    says which customers are `decided` by it. A `prompt` draft is not resolved where that would keep
    other writers of the space waiting.
    """

    evidence: EvidenceWrite | None
    request: ResolutionRequest | None = None
    confirm: Callable[[], Awaitable[None]] | None = None
    cause: str
    causes: Sequence[tuple[Identifier, str]] = ()
    decided: Collection[str] = ()
    prompt: bool = False

    def keeps_unsettled(self) -> bool:
        """Whether the evidence of an over-connected component is written, and nothing settled."""
        return False


D = TypeVar("D", bound=Draft)

Proposal: TypeAlias = Callable[[PolicyInForce], Awaitable[D]]
"""Drafts what is to be written, by the policy that is in force. Called at every attempt."""


@dataclass(frozen=True, slots=True)
class Applied(Generic[D]):
    """A proposal that is in the graph, as `draft` had it.

    `resolved` is None where nothing was resolved; `write` is None where nothing was written.
    `last_position` is the position of the last change in the ledger, if there is any.
    """

    draft: D
    resolved: Resolved | None = None
    write: SettlementWrite | None = None
    last_position: int | None = None

    def changes(self) -> list[RecordedChange]:
        """The changes as they are in the ledger."""
        write = self.write
        if write is None or write.settlement is None or self.last_position is None:
            return []
        entries = write.settlement.entries
        first = self.last_position - len(entries) + 1
        return [_recorded(write, entry, first + place) for place, entry in enumerate(entries)]


@dataclass(frozen=True, slots=True)
class OverConnected(Generic[D]):
    """A component of the proposal is too large to be resolved, or to be resolved promptly, or all
    of its components together are too much at once. Nothing was written.

    `limit`: the most identifiers that a component may hold.
    """

    draft: D
    limit: int


@dataclass(frozen=True, slots=True)
class Superseded:
    """At every attempt others had changed what the proposal rests on. Nothing was written."""


class Settler:
    """Applies proposals to spaces."""

    def __init__(
        self,
        store: EvidenceStore,
        resolver: ComponentResolver,
        policies: Policies,
        locks: SpaceLocks,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._store = store
        self._resolver = resolver
        self._policies = policies
        self._locks = locks
        self._clock = clock
        self._ids = ids

    async def apply(
        self, scope: SpaceScope, proposal: Proposal[D], *, max_attempts: int = MAX_ATTEMPTS
    ) -> Applied[D] | OverConnected[D] | Superseded:
        """Write a proposal and what follows from it, all or nothing.

        Raises what `proposal` and `Draft.confirm` raise, and Unavailable when the database does
        not answer.
        """
        for attempt in range(max_attempts):
            try:
                outcome = await self._attempt(scope, proposal)
                if outcome is not None:
                    return outcome
                self._policies.forget(scope)
            except Stale:
                pass
            _log.debug("proposal_refused", space=scope.space, attempt=attempt)
            await _backoff(attempt)
        return Superseded()

    async def _attempt(
        self, scope: SpaceScope, proposal: Proposal[D]
    ) -> Applied[D] | OverConnected[D] | None:
        """None: what the draft rests on has changed meanwhile, and nothing was written."""
        async with self._locks.of(scope):
            in_force = await self._policies.in_force(scope)
            draft = await proposal(in_force)
            if draft.evidence is None or draft.request is None:
                return await self._write(scope, in_force, draft, None)
            resolved = await self._resolver.resolve(scope, in_force, draft.request, promptly=True)
            if resolved is not None:
                return await self._write(scope, in_force, draft, resolved)
        if not draft.prompt:
            # Beside the lock: large components keep only their own people waiting.
            resolved = await self._resolver.resolve(scope, in_force, draft.request)
            if resolved is not None:
                # Links that come meanwhile belong to what is put off, and is settled next.
                links_may_come = replace(resolved.subgraph, link_counts={})
                resolved = replace(resolved, subgraph=links_may_come)
            if resolved is not None or draft.keeps_unsettled():
                async with self._locks.of(scope):
                    return await self._write(scope, in_force, draft, resolved)
        return OverConnected(draft, in_force.policy.max_component)

    async def _write(
        self, scope: SpaceScope, in_force: PolicyInForce, draft: D, resolved: Resolved | None
    ) -> Applied[D] | None:
        """None: nothing was written, since what the draft rests on has changed meanwhile."""
        if draft.evidence is None:
            return Applied(draft)
        if draft.request is None and not draft.evidence.deferred:
            write = SettlementWrite(
                scope.space,
                in_force.version,
                self._clock(),
                draft.evidence,
                retractions_rev=in_force.retractions_rev,
            )
            taken = await self._store.write_events(write)
            return Applied(draft, None, write) if taken else None
        if resolved is not None and resolved.subgraph.torn:
            raise Stale("Others wrote while this was read.")
        if draft.confirm is not None:
            await draft.confirm()
        write = SettlementWrite(
            scope.space,
            in_force.version,
            self._clock(),
            draft.evidence,
            None if resolved is None else self._settlement(in_force, draft, resolved),
            in_force.retractions_rev,
        )
        write_it = (
            self._store.write_new_customers
            if draft.evidence.unread
            else self._store.write_settlement
        )
        written = await write_it(write)
        return None if written is None else Applied(draft, resolved, write, written.last_position)

    def _settlement(self, in_force: PolicyInForce, draft: Draft, resolved: Resolved) -> Settlement:
        """What has to be written so that the graph holds what was resolved."""
        found = change_set(
            resolved.resolution_input.settled,
            resolved.resolution,
            in_force.policy,
            lambda: self._ids("cus"),
        )
        return Settlement(
            subgraph=resolved.subgraph,
            identifiers=resolved.resolution_input.evidence.identifiers,
            changes=found,
            entries=self._entries(found.changes, draft, resolved),
            blocked=resolved.blocked,
            decided=draft.decided,
        )

    def _entries(
        self, changes: Sequence[Change], draft: Draft, resolved: Resolved
    ) -> list[LedgerEntry]:
        if not changes:
            return []
        cause_of = _causes(draft, resolved)
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


def _causes(draft: Draft, resolved: Resolved) -> Callable[[Change], str]:
    """Names the cause of each change."""
    if not draft.causes:
        return lambda _: draft.cause
    component_of = resolved.component_of
    identifiers = resolved.resolution_input.evidence.identifiers
    position_of = {identifier: position for position, identifier in enumerate(identifiers)}
    last = {
        component_of[position_of[identifier]]: cause
        for identifier, cause in draft.causes
        if identifier in position_of
    }

    def cause_of(change: Change) -> str:
        return last.get(component_of[position_of[change.identifiers[0]]], draft.cause)

    return cause_of


def _recorded(write: SettlementWrite, entry: LedgerEntry, position: int) -> RecordedChange:
    return RecordedChange(
        id=entry.id,
        kind=ChangeKind(entry.kind),
        at=write.now,
        customer_id=entry.customer_id,
        other_customer_id=entry.other_id,
        identifier_keys=tuple(identifier_key(write.space, i) for i in entry.identifiers),
        cause=entry.cause,
        policy_version=write.policy_version,
        position=position,
    )


async def _backoff(attempt: int) -> None:
    """Wait before another attempt: whoever was faster needs a moment.

    At most 5 ms after the first (0), twice that after the next, and so on; at random, since two
    that try again in step would meet again.
    """
    await asyncio.sleep(random.uniform(0, 0.005 * 2**attempt))  # noqa: S311 - no secret
