"""Policy rollouts: settling spaces by a new version of their policy, in the background.

A version is in force at once. Customers that its rollout has not reached yet stay as older
versions settled them. There is one task of this process for each space; it ends when a newer
version is in force. A rollout outlives the process: whoever finds that nobody is at it goes on
where it stopped.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from functools import partial

import structlog

from identity_service.domain.policies.change_scope import EVERYTHING, kept_by_events, reach
from identity_service.domain.policies.parse import parse_policy, parse_stored_policy
from identity_service.domain.policies.value_rules import ValueRules
from identity_service.domain.recorded import PolicyVersion, RolloutProgress
from identity_service.errors import NotFound
from identity_service.graph.rollouts import ClaimedRollout, RolloutStore
from identity_service.graph.spaces import SpaceStore
from identity_service.services.kit.background import supervised
from identity_service.services.kit.clock import Clock
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
        self._due: set[str] = set()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._next_step: dict[str, asyncio.Event] = {}
        self._looking: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

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
        if self._closing.is_set():
            return
        self._due.add(scope.space)
        if scope.space not in self._tasks:
            self._tasks[scope.space] = supervised(
                "settlement",
                partial(self._roll_out_while_due, scope),
                self._closing,
                space=scope.space,
            )

    async def progress(self, scope: SpaceScope) -> AsyncGenerator[RolloutProgress]:
        """How far the rollout in a space is, after every step, until it is done."""
        shown: RolloutProgress | None = None
        while True:
            step = self._next_step.setdefault(scope.space, asyncio.Event())
            found = await self._spaces.policy(scope.space)
            if found is None:
                raise NotFound(f"There is no space “{scope.space}” any more.")
            _, now = found
            if now != shown:
                yield now
                shown = now
            if now.done:
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(step.wait(), self._limits.progress_interval_s)

    def look_after_all(self) -> None:
        """From now on, go on with every rollout that nobody is at, whenever there is one."""
        self._looking = supervised("settlements_watch", self._look, self._closing)

    async def close(self) -> None:
        """End after the steps that are running; another process may go on with the rest."""
        self._closing.set()
        await asyncio.gather(*self._tasks.values(), *([self._looking] if self._looking else []))

    async def _look(self) -> None:
        while not self._closing.is_set():
            for space in await self._rollouts.unattended():
                operator = self._access.operator(space)
                self.go_on(self._access.require(operator, space, Role.ADMIN))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), self._limits.look_interval_s)

    async def _roll_out_while_due(self, scope: SpaceScope) -> None:
        while scope.space in self._due and not self._closing.is_set():
            self._due.discard(scope.space)
            try:
                await self._roll_out(scope)
            except BaseException:
                self._due.add(scope.space)
                raise
        del self._tasks[scope.space]

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
        self._wake_watchers(scope)

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
            self._wake_watchers(scope)
            if not still_ours or self._closing.is_set():
                await steps.aclose()
                return False
        return True

    def _wake_watchers(self, scope: SpaceScope) -> None:
        """Let those who follow the progress read it again."""
        if step := self._next_step.pop(scope.space, None):
            step.set()


def _task(scope: SpaceScope, claimed: ClaimedRollout) -> Task:
    policy = parse_stored_policy(claimed.text)
    in_force = PolicyInForce(claimed.version, policy, ValueRules(policy))
    before = claimed.before
    return Task(
        scope,
        in_force,
        EVERYTHING if before is None else reach(parse_stored_policy(before), policy),
    )
