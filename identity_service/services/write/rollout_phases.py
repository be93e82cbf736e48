"""What a version of a policy has to visit before a space is settled by it, step by step.

Every phase is a walk in small steps through something of the space, and says after each how far
it is: it can be left there, and taken up again by anybody. A step that is done twice writes
nothing the second time. Between steps others, above all ingest, may have their turn.

1. *values*: identifiers that the policy blocks are marked, so that no walk crosses them, and those
   that it does not block any more are given back.
2. *withheld*: events observe what earlier policies withheld from them and this one does not.
3. *customers*: those of older versions are settled; they remember the version, so that this
   phase needs no other place. Where the rules are the same, they are carried over as they are.
4. *waiting*: identifiers that were given back and met no customer.
5. *super-connectors*: those with not so many links any more as to be any. They come late, when
   it is known which of their neighbours are blocked.
6. *events* are attributed to the strongest of their identifiers.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from identity_service.domain.identifiers import Identifier
from identity_service.domain.policies.change_scope import Reach
from identity_service.domain.policies.reinstatement import observed_again
from identity_service.domain.policies.value_rules import WithheldValue
from identity_service.domain.resolution.changes import Change
from identity_service.domain.resolution.subgraph import NewEvidence, StoredIdentifier
from identity_service.errors import Stale
from identity_service.graph.evidence import EvidenceStore
from identity_service.graph.keys import identifier_key
from identity_service.graph.policies import PolicyStore
from identity_service.graph.write_rows import Batch
from identity_service.services.kit.clock import Clock
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.policies import PolicyInForce
from identity_service.services.write.settler import ROOM_FOR_SEVERAL, ComponentResolver, starts
from identity_service.services.write.space_locks import SpaceLocks, backoff

IDENTIFIERS_AT_ONCE = 2_000
"""Identifiers whose values are looked at in one step."""

EVENTS_AT_ONCE = 500
"""Events that are looked at in one step."""

CUSTOMERS_AT_ONCE = 40
"""Customers, or other places to begin at, whose components are settled in one step."""

BUMPED_AT_ONCE = 2_000
"""Customers that a version of the same rules takes over in one step."""

_SMALLER = 8
"""How much less is tried at once when what was tried hangs together too much."""

_PLAIN = StoredIdentifier(0, None, contested=False, super_connector=False)


class Phase(StrEnum):
    """A part of a settlement; the order is that in which they are gone through."""

    VALUES = "values"
    WITHHELD = "withheld"
    CUSTOMERS = "customers"
    WAITING = "waiting"
    SUPER_CONNECTORS = "super-connectors"
    EVENTS = "events"


@dataclass(frozen=True, slots=True)
class Task:
    """A space to be settled by the policy in force, and what that can reach."""

    scope: SpaceScope
    in_force: PolicyInForce
    reach: Reach


Places = AsyncGenerator[str]
"""How far a phase is after each of its steps."""


class RolloutPhases:
    """Settles spaces by the policy in force."""

    def __init__(
        self,
        store: EvidenceStore,
        policies: PolicyStore,
        settlement: ComponentResolver,
        turns: SpaceLocks,
        clock: Clock,
    ) -> None:
        self._store = store
        self._policies = policies
        self._settlement = settlement
        self._turns = turns
        self._clock = clock

    async def steps(
        self, task: Task, phase: str | None, place: str
    ) -> AsyncGenerator[tuple[Phase, str]]:
        """Settle a space from where it was left; after each step, where that is.

        Everything is done when this ends, provided that the policy was in force to the end.
        """
        await self._policies.await_writers()
        todo = self._phases(task.reach)
        left_at = next((name for name in todo if name == phase), None)
        for name, work in todo.items():
            if left_at in (None, name):
                async for reached in work(task, place if name == left_at else ""):
                    yield name, reached
                left_at = None

    def _phases(self, reach: Reach) -> Mapping[Phase, Callable[[Task, str], Places]]:
        """Those that the change of policy makes necessary, in order."""
        phases: dict[Phase, Callable[[Task, str], Places]] = {}
        if reach.values:
            phases |= {Phase.VALUES: self._mark_blocked, Phase.WITHHELD: self._observe_again}
        if reach.customers:
            phases |= {
                Phase.CUSTOMERS: self._settle_customers,
                Phase.WAITING: self._settle_waiting,
                Phase.SUPER_CONNECTORS: self._release_super_connectors,
            }
        else:
            phases[Phase.CUSTOMERS] = self._bump_policy_version
        if reach.attribution:
            phases[Phase.EVENTS] = self._attribute_events
        return phases

    async def _mark_blocked(self, task: Task, place: str) -> Places:
        space, in_force = task.scope.space, task.in_force
        last: str | None = place
        while last is not None:
            last, page = await self._policies.identifiers(space, last, IDENTIFIERS_AT_ONCE)
            withheld = {
                i: isinstance(in_force.values.identifier(i), WithheldValue) for i, _ in page
            }
            blocked = [i for i, marked in page if withheld[i] and not marked]
            free = [i for i, marked in page if marked and not withheld[i]]
            if blocked or free:
                await self._policies.mark_blocked(space, in_force.version, blocked, free)
            if last is not None:
                yield last

    async def _observe_again(self, task: Task, place: str) -> Places:
        space, in_force = task.scope.space, task.in_force
        last: str | None = place
        while last is not None:
            after = last
            last, page = await self._policies.withheld(space, after, EVENTS_AT_ONCE)
            again = [found for event in page if (found := observed_again(event, in_force.values))]
            if again:
                async with self._turns.of(task.scope):
                    if not await self._policies.reinstate_withheld(space, in_force.version, again):
                        last = after  # somebody else has done it for some of them
            if last is not None:
                yield last

    async def _settle_customers(self, task: Task, _: str) -> Places:
        space, version = task.scope.space, task.in_force.version

        async def settle_some(_: str, most: int) -> str | None:
            found = await self._policies.to_settle(space, version, most)
            if not found.customers:
                return None
            if not await self._settle(task, found.starts, found.customers):
                if most > 1:
                    raise _TooMuch
                around = task.in_force.policy.max_component + ROOM_FOR_SEVERAL
                await self._policies.skip_oversized(
                    space, version, found.customers, found.starts, around
                )
            return ""

        async for place in _in_steps(settle_some, ""):
            yield place

    async def _bump_policy_version(self, task: Task, _: str) -> Places:
        space, version = task.scope.space, task.in_force.version
        while await self._policies.bump_policy_version(space, version, BUMPED_AT_ONCE):
            yield ""

    async def _settle_waiting(self, task: Task, place: str) -> Places:
        space = task.scope.space

        async def settle_some(after: str, most: int) -> str | None:
            waiting = await self._policies.waiting(space, after, most)
            if not waiting:
                return None
            if not await self._settle(task, dict.fromkeys(waiting, _PLAIN)) and most > 1:
                raise _TooMuch
            return identifier_key(space, waiting[-1])

        async for reached in _in_steps(settle_some, place):
            yield reached

    async def _release_super_connectors(self, task: Task, place: str) -> Places:
        space, policy = task.scope.space, task.in_force.policy

        def is_none(identifier: Identifier, links: int) -> bool:
            rule = policy.rule_of(identifier.type)
            return rule is None or rule.max_links is None or links <= rule.max_links

        async def settle_some(after: str, most: int) -> str | None:
            found = await self._policies.super_connectors(space, after, most)
            if not found:
                return None
            released = dict.fromkeys((i for i, links in found if is_none(i, links)), _PLAIN)
            if released and not await self._settle(task, released) and most > 1:
                raise _TooMuch
            return identifier_key(space, found[-1][0])

        async for reached in _in_steps(settle_some, place):
            yield reached

    async def _attribute_events(self, task: Task, place: str) -> Places:
        space, in_force = task.scope.space, task.in_force
        last: str | None = place
        while last is not None:
            async with self._turns.of(task.scope):
                last = await self._policies.attribute_events(
                    space, in_force.version, in_force.policy, last, EVENTS_AT_ONCE
                )
            if last is not None:
                yield last

    async def _settle(
        self,
        task: Task,
        begin_at: Mapping[Identifier, StoredIdentifier],
        reached: Collection[str] = (),
    ) -> bool:
        """Settle the components of some identifiers. False: too much hangs together.

        `reached` are customers about which that decides all.
        """
        attempt = 0
        while True:
            try:
                async with self._turns.of(task.scope):
                    done = await self._attempt(task, begin_at, reached)
                if done is not None:
                    return done
            except Stale:
                pass
            if (await self._policies.in_force(task.scope.space)).version != task.in_force.version:
                return True  # a newer version will settle all of this
            attempt += 1
            await backoff(min(attempt, 8))

    async def _attempt(
        self,
        task: Task,
        begin_at: Mapping[Identifier, StoredIdentifier],
        reached: Collection[str],
    ) -> bool | None:
        """None: what was decided rests on something that others have changed meanwhile."""
        scope, in_force = task.scope, task.in_force
        decision = await self._settlement.decide(
            scope, in_force, NewEvidence(), touched=starts(begin_at), cross_boundary=True
        )
        if decision is None:
            return False
        found = self._settlement.change_set(decision, in_force.policy)
        batch = Batch(scope.space, in_force.version, self._clock())
        batch.blocked = decision.blocked
        batch.settled = list(decision.subgraph.interior)
        batch.reached = reached

        def cause(_: Change) -> str:
            return f"policy:{in_force.version}"

        written = await self._store.write_settlement(
            batch,
            decision.subgraph,
            decision.resolution_input.evidence.identifiers,
            found,
            self._settlement.entries(found.changes, cause),
        )
        return None if written is None else True


class _TooMuch(Exception):
    """More hangs together than can be decided at once; with fewer to begin at it may do."""


async def _in_steps(settle_some: Callable[[str, int], Awaitable[str | None]], place: str) -> Places:
    """Call `settle_some` with the place it returned last and how many to take, until None."""
    reached: str | None = place
    most = CUSTOMERS_AT_ONCE
    while reached is not None:
        try:
            reached = await settle_some(reached, most)
        except _TooMuch:
            most = max(1, most // _SMALLER)
        else:
            most = min(CUSTOMERS_AT_ONCE, 2 * most)
        if reached is not None:
            yield reached
