"""What a new version of a policy has to visit before a space is settled by it, step by step.

Every phase goes through something of the space in small steps and says after each how far it is,
so that a rollout can stop there and any process can go on. A step that is done twice writes
nothing the second time. Between two steps other writers, above all ingest, have their turn.

1. *values*: identifiers that the policy blocks are marked, so that no walk crosses them; those that
   it does not block any more are released.
2. *withheld*: events observe what earlier policies withheld from them and this one does not.
3. *customers*: those of older versions are settled. They keep the version that settled them, so
   that this phase needs no other place. Where the rules are the same, only the version changes.
4. *waiting*: identifiers that were released and still belong to no customer.
5. *super-connectors*: those that have few enough links under this policy are released. They come
   late, when it is known which of their neighbours are blocked.
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
from identity_service.domain.resolution.subgraph import StoredIdentifier
from identity_service.graph.keys import identifier_key
from identity_service.graph.policies import PolicyStore
from identity_service.graph.write_rows import EvidenceWrite
from identity_service.services.limits import Limits
from identity_service.services.resolution.component_resolver import ResolutionRequest, Starts
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.policies import PolicyInForce
from identity_service.services.write.settler import (
    Draft,
    OverConnected,
    Settler,
    Superseded,
)
from identity_service.services.write.space_locks import SpaceLocks

_SMALLER = 8
"""By how much a step becomes smaller when its components are too much to be resolved at once."""

_MAX_ATTEMPTS = 8
"""Then the waits between attempts begin at their shortest again, so that none nears the lease."""

_PLAIN = StoredIdentifier(0, None, contested=False, super_connector=False)


class Phase(StrEnum):
    """A part of a rollout; they come in this order."""

    VALUES = "values"
    WITHHELD = "withheld"
    CUSTOMERS = "customers"
    WAITING = "waiting"
    SUPER_CONNECTORS = "super-connectors"
    EVENTS = "events"


@dataclass(frozen=True, slots=True)
class Task:
    """A space to be settled by a version of its policy, and what that can change."""

    scope: SpaceScope
    in_force: PolicyInForce
    reach: Reach


Places = AsyncGenerator[str]
"""How far a phase is after each of its steps."""


class RolloutPhases:
    """Goes through the phases of policy rollouts."""

    def __init__(
        self,
        policies: PolicyStore,
        settler: Settler,
        locks: SpaceLocks,
        limits: Limits,
    ) -> None:
        self._policies = policies
        self._settler = settler
        self._locks = locks
        self._limits = limits.rollout
        self._spare_identifiers = limits.spare_identifiers

    async def steps(
        self, task: Task, phase: str | None, place: str
    ) -> AsyncGenerator[tuple[Phase, str]]:
        """Settle a space, beginning at the place where the last rollout stopped.

        Yields the phase and the place after each step. All is done when this ends, if the policy
        was in force until then.
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
        """The phases that the change of policy makes necessary, in order."""
        phases: dict[Phase, Callable[[Task, str], Places]] = {}
        if reach.values:
            phases |= {Phase.VALUES: self._mark_blocked, Phase.WITHHELD: self._reinstate_withheld}
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
            last, page = await self._policies.identifiers(
                space, last, self._limits.identifiers_per_step
            )
            withheld = {
                i: isinstance(in_force.values.identifier(i), WithheldValue) for i, _ in page
            }
            blocked = [i for i, marked in page if withheld[i] and not marked]
            free = [i for i, marked in page if marked and not withheld[i]]
            if blocked or free:
                await self._policies.mark_blocked(space, in_force.version, blocked, free)
            if last is not None:
                yield last

    async def _reinstate_withheld(self, task: Task, place: str) -> Places:
        space, in_force = task.scope.space, task.in_force
        last: str | None = place
        while last is not None:
            after = last
            last, page = await self._policies.withheld(space, after, self._limits.events_per_step)
            again = [found for event in page if (found := observed_again(event, in_force.values))]
            if again:
                async with self._locks.of(task.scope):
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
                    raise _TooMuchAtOnce
                around = task.in_force.policy.max_component + self._spare_identifiers
                await self._policies.skip_oversized(
                    space, version, found.customers, found.starts, around
                )
            return ""

        async for place in self._in_steps(settle_some, ""):
            yield place

    async def _bump_policy_version(self, task: Task, _: str) -> Places:
        space, version = task.scope.space, task.in_force.version
        while await self._policies.bump_policy_version(
            space, version, self._limits.bumped_per_step
        ):
            yield ""

    async def _settle_waiting(self, task: Task, place: str) -> Places:
        space = task.scope.space

        async def settle_some(after: str, most: int) -> str | None:
            waiting = await self._policies.waiting(space, after, most)
            if not waiting:
                return None
            starts = dict.fromkeys((each.identifier for each in waiting), _PLAIN)
            if not await self._settle(task, starts) and most > 1:
                raise _TooMuchAtOnce
            return identifier_key(space, waiting[-1].identifier)

        async for reached in self._in_steps(settle_some, place):
            yield reached

    async def _release_super_connectors(self, task: Task, place: str) -> Places:
        space, policy = task.scope.space, task.in_force.policy

        def has_few_links(identifier: Identifier, links: int) -> bool:
            rule = policy.rule_of(identifier.type)
            return rule is None or rule.max_links is None or links <= rule.max_links

        async def settle_some(after: str, most: int) -> str | None:
            found = await self._policies.super_connectors(space, after, most)
            if not found:
                return None
            released = dict.fromkeys((i for i, links in found if has_few_links(i, links)), _PLAIN)
            if released and not await self._settle(task, released) and most > 1:
                raise _TooMuchAtOnce
            return identifier_key(space, found[-1][0])

        async for reached in self._in_steps(settle_some, place):
            yield reached

    async def _attribute_events(self, task: Task, place: str) -> Places:
        space, in_force = task.scope.space, task.in_force
        last: str | None = place
        while last is not None:
            async with self._locks.of(task.scope):
                last = await self._policies.attribute_events(
                    space, in_force.version, in_force.policy, last, self._limits.events_per_step
                )
            if last is not None:
                yield last

    async def _settle(
        self,
        task: Task,
        begin_at: Mapping[Identifier, StoredIdentifier],
        customers: Collection[str] = (),
    ) -> bool:
        """Settle the components of some identifiers. False: they are too much to be resolved.

        That decides everything about `customers`. True also when a newer version of the policy is
        in force, whose rollout will settle all of this.
        """
        version = task.in_force.version
        cause = f"policy:{version}"

        async def draft(in_force: PolicyInForce) -> Draft:
            if in_force.version > version:
                return Draft(evidence=None, cause=cause)
            return Draft(
                evidence=EvidenceWrite(),
                request=ResolutionRequest(Starts.of(begin_at), cross_boundary=True),
                cause=cause,
                decided=customers,
            )

        while True:
            outcome = await self._settler.apply(task.scope, draft, max_attempts=_MAX_ATTEMPTS)
            if not isinstance(outcome, Superseded):
                return not isinstance(outcome, OverConnected)

    async def _in_steps(
        self, settle_some: Callable[[str, int], Awaitable[str | None]], place: str
    ) -> Places:
        """Call `settle_some` with the place that it returned last, until it returns None.

        It is also passed how many customers or identifiers to take: fewer after `_TooMuchAtOnce`,
        then more again.
        """
        reached: str | None = place
        most = self._limits.customers_per_step
        while reached is not None:
            try:
                reached = await settle_some(reached, most)
            except _TooMuchAtOnce:
                most = max(1, most // _SMALLER)
            else:
                most = min(self._limits.customers_per_step, 2 * most)
            if reached is not None:
                yield reached


class _TooMuchAtOnce(Exception):
    """The components are too much to be resolved at once; fewer of them may not be."""
