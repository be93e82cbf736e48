"""Policy rollouts: settling spaces by a new version of their policy, in the background.

A version is in force at once. Customers that its rollout has not reached yet stay as older
versions settled them. There is one task of this process for each space; it ends when a newer
version is in force. A rollout outlives the process: whoever finds that nobody is at it goes on
where it stopped.
"""

from __future__ import annotations

import math
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial

import structlog

from identity_service.domain.policies.change_scope import EVERYTHING, kept_by_events, reach
from identity_service.domain.policies.parse import parse_policy, parse_stored_policy
from identity_service.domain.policies.value_rules import ValueRules
from identity_service.domain.recorded import PolicyVersion, RolloutProgress
from identity_service.errors import NotFound
from identity_service.graph.rollouts import ClaimedRollout, RolloutStore
from identity_service.graph.spaces import SpaceStore
from identity_service.services.kit.background import DueWork
from identity_service.services.kit.clock import Clock
from identity_service.services.kit.progress import Watchers
from identity_service.services.limits import RolloutLimits
from identity_service.services.spaces.access import Access, Role, SpaceScope
from identity_service.services.spaces.policies import Policies, PolicyInForce
from identity_service.services.write.rollout_phases import RolloutPhases, Task

_log = structlog.get_logger(__name__)


class PolicyRollout:
    """Puts policies in force and rolls them out. To be closed."""

    def __init__(
        self,
        access: Access,
        spaces: SpaceStore,
        rollouts: RolloutStore,
        policies: Policies,
        phases: RolloutPhases,
        clock: Clock,
        limits: RolloutLimits,
    ) -> None:
        self._access = access
        self._spaces = spaces
        self._rollouts = rollouts
        self._policies = policies
        self._phases = phases
        self._clock = clock
        self._limits = limits
        self._work = DueWork("settlement", "settlements_watch")
        self._watchers = Watchers(limits.progress_interval_s)

    async def set_policy(
        self, scope: SpaceScope, text: str, expected_version: int, note: str | None
    ) -> PolicyVersion:
        """Put a policy in force; the space is settled by it in the background.

        Raises PolicyInvalid, FieldInvalid for a note that is too long, and VersionConflict when
        `expected_version` is not in force.
        """
        version = await self._policies.put_in_force(
            scope, text, expected_version, note, self._clock()
        )
        self.go_on(scope)
        return version

    async def kept_by_events(self, scope: SpaceScope, text: str) -> tuple[str, ...]:
        """What stored events keep although a policy, once in force, would withhold it.

        A sentence for each type. Raises PolicyInvalid.
        """
        before = await self._policies.in_force(scope)
        return kept_by_events(before.policy, parse_policy(text))

    def go_on(self, scope: SpaceScope) -> None:
        """Settle in the background what the policy in force has not reached yet, if anything."""
        self._work.due(scope.space, partial(self._roll_out, scope), space=scope.space)

    async def progress(self, scope: SpaceScope) -> AsyncGenerator[RolloutProgress]:
        """How far the rollout in a space is, after every step, until it is done."""

        async def read() -> RolloutProgress:
            found = await self._spaces.policy(scope.space)
            if found is None:
                raise NotFound(f"There is no space “{scope.space}” any more.")
            return found[1]

        async with aclosing(self._watchers.follow(scope.space, read)) as steps:
            async for now in steps:
                yield now

    def look_after_all(self) -> None:
        """From now on, go on with every rollout that nobody is at, whenever there is one."""
        self._work.watch(self._look, self._limits.look_interval_s)

    async def close(self) -> None:
        """End after the steps that are running; another process may go on with the rest."""
        await self._work.close()

    async def _look(self) -> None:
        for space in await self._rollouts.unattended():
            operator = self._access.operator(space)
            self.go_on(self._access.require(operator, space, Role.ADMIN))

    async def _roll_out(self, scope: SpaceScope) -> None:
        """Roll out the policy in force, if that is to be done and nobody else does it."""
        claimed = await self._rollouts.claim(scope.space, self._limits.lease_ms)
        if claimed is None:
            return
        self._policies.forget(scope)
        _log.info("settlement_begun", space=scope.space, version=claimed.version)
        if await self._go_through(scope, claimed):
            await self._rollouts.finish(scope.space, claimed.version)
            _log.info("settlement_done", space=scope.space, version=claimed.version)
        else:
            await self._rollouts.release(scope.space, claimed.version)
        self._watchers.wake(scope.space)

    async def _go_through(self, scope: SpaceScope, claimed: ClaimedRollout) -> bool:
        """Settle step by step. False: this process ends, or the rollout is no longer its task."""
        counted_at = -math.inf
        steps = self._phases.steps(_task(scope, claimed), claimed.phase, claimed.place)
        async for phase, place in steps:
            now = time.monotonic()
            count = now - counted_at >= self._limits.count_interval_ms / 1_000
            counted_at = now if count else counted_at
            still_ours = await self._rollouts.record(
                scope.space, claimed.version, self._limits.lease_ms, phase, place, count=count
            )
            self._watchers.wake(scope.space)
            if not still_ours or self._work.is_closing:
                await steps.aclose()
                return False
        return True


def _task(scope: SpaceScope, claimed: ClaimedRollout) -> Task:
    policy = parse_stored_policy(claimed.text)
    in_force = PolicyInForce(claimed.version, policy, ValueRules(policy))
    before = claimed.before
    return Task(
        scope,
        in_force,
        EVERYTHING if before is None else reach(parse_stored_policy(before), policy),
    )
