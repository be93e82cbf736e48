"""Profiles and memberships, kept up to date in the background.

Whoever writes evidence marks what it touched, and settling a customer marks its profile. Here the
customers of marked identifiers, those that were settled, and those whose profile can change by now
are computed from all their events, and what differs is written. That marks the accounts that they
name, of which memberships are kept likewise. The marks are in the graph: what one process leaves,
another computes. When the text of a space changes, all of its customers are
computed; until then they keep the values that they had.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Final

import structlog

from identity_service.domain.profiles.definitions import Profiles
from identity_service.domain.profiles.sorting import Moved
from identity_service.graph.policies import PolicyStore
from identity_service.graph.profile_writes import ProfilesWrite
from identity_service.graph.profiles import ProfilesProgress, ProfileStore, Waiting, Work
from identity_service.observability import PROFILES_WAIT_SECONDS
from identity_service.services.kit.background import DueWork
from identity_service.services.kit.clock import Clock
from identity_service.services.kit.progress import Watchers
from identity_service.services.limits import ProfileLimits
from identity_service.services.profiles.account_batches import AccountBatches
from identity_service.services.profiles.batches import Batches, TakenOver
from identity_service.services.profiles.computation import Batch
from identity_service.services.spaces.access import Access, Role, SpaceScope
from identity_service.services.spaces.profile_texts import ProfilesInForce, ProfileTexts

NO_TEXT: Final = ProfilesInForce(0, Profiles({}, {}, {}, {}), 0)
"""A space that has only destinations computes nothing, but sees which customers change."""

_log = structlog.get_logger(__name__)


class ProfileWorker:
    """Keeps the profiles of all spaces up to date. To be closed."""

    def __init__(
        self,
        access: Access,
        texts: ProfileTexts,
        policy_store: PolicyStore,
        batches: Batches,
        accounts: AccountBatches,
        store: ProfileStore,
        clock: Clock,
        limits: ProfileLimits,
    ) -> None:
        self._access = access
        self._texts = texts
        self._policy_store = policy_store
        self._batches = batches
        self._accounts = accounts
        self._store = store
        self._clock = clock
        self._limits = limits
        self._work = DueWork("profiles", "profiles_watch")
        self._watchers = Watchers(limits.progress_interval_s)
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._looks_after_all = False

    def wake(self, space: str) -> None:
        """Compute in the background what waits in a space."""
        self._work.due(space, partial(self._catch_up, space), space=space)

    def look_after_all(self) -> None:
        """From now on, compute what waits in any space, whoever left it, and when it is due."""
        self._looks_after_all = True
        self._work.watch(self._look, self._limits.look_interval_s)

    async def computed(self, scope: SpaceScope) -> None:
        """Return when this process has computed all that waits in a space by now."""
        self.wake(scope.space)
        await self._work.done(scope.space)

    async def done(self) -> None:
        """Return when this process computes nothing more."""
        await self._work.done()

    async def progress(self, scope: SpaceScope) -> AsyncGenerator[ProfilesProgress]:
        """How far all customers are computed by the text in force, after every step."""
        read = partial(self._store.progress, scope.space)
        async with aclosing(self._watchers.follow(scope.space, read)) as steps:
            async for now in steps:
                yield now

    async def close(self) -> None:
        """End after the step that is running; another process may go on."""
        for timer in self._timers.values():
            timer.cancel()
        await self._work.close()

    async def _look(self) -> None:
        spaces, next_due = await self._store.look(self._clock())
        for space in spaces:
            self.wake(space)
        for space, due in next_due.items():
            self._wake_at(space, due)

    def _wake_at(self, space: str, due: int) -> None:
        """Compute a space at the moment at which one of its profiles can change."""
        if timer := self._timers.pop(space, None):
            timer.cancel()
        if not self._work.is_closing:
            seconds = max(due - self._clock(), 0) / 1_000
            self._timers[space] = asyncio.get_running_loop().call_later(seconds, self.wake, space)

    async def _catch_up(self, space: str) -> None:
        """Compute what waits in a space, if nobody else does."""
        scope = self._access.require(self._access.operator(space), space, Role.ADMIN)
        work = await self._store.claim(space, self._limits.lease_ms)
        if work is None:
            return
        try:
            due = await self._compute_all(scope, work)
        except TakenOver:
            return
        await self._store.release(space)
        PROFILES_WAIT_SECONDS.labels(space).set(0)
        if due is not None and self._looks_after_all:
            self._wake_at(space, due)

    async def _compute_all(self, scope: SpaceScope, work: Work) -> int | None:
        """Compute step after step until nothing waits; when the next profile is due."""
        while True:
            in_force = await self._texts.definitions(scope) or NO_TEXT
            waiting = await self._store.waiting(
                scope.space, self._clock(), self._limits.customers_per_step
            )
            found = await self._compute_waiting(scope, in_force, work, waiting)
            if in_force.version != work.version:
                work = await self._compute_page(scope, in_force, work)
                self._watchers.wake(scope.space)
            elif work.findable_to is not None:
                work = await self._make_findable(scope, work, work.findable_to)
            elif not found:
                return waiting.next_due
            elif found < self._limits.customers_per_step // 2:
                await self._work.pause(self._limits.gather_s)
            if self._work.is_closing:
                return None

    async def _compute_waiting(
        self, scope: SpaceScope, in_force: ProfilesInForce, work: Work, waiting: Waiting
    ) -> int:
        """Compute what was touched, or is due; how many customers, marks and accounts that was."""
        space = scope.space
        if waiting.marks:
            waited = max(self._clock() - waiting.marks[0].at, 0) / 1_000
            PROFILES_WAIT_SECONDS.labels(space).set(waited)
        marked = _distinct(m.customer_id for m in waiting.marks)
        touched = _distinct((*waiting.settled, *marked))
        # Where both are many, neither waits for the other.
        most = self._limits.customers_per_step
        touched = touched[: max(most - len(waiting.due), most // 2)]
        customers = _distinct((*touched, *waiting.due))[:most]
        rolled_out = work.version == in_force.version
        batch = Batch(
            customers, frozenset(touched), frozenset(marked), waiting.position, rolled_out
        )
        written = await self._batches.compute(scope, in_force, batch)
        await self._store.clear(
            space,
            [m for m in waiting.marks if m.customer_id is None or m.customer_id in written],
        )
        await self._compute_accounts(scope, in_force, waiting, rolled_out=rolled_out)
        return len(customers) + len(waiting.marks) + len(waiting.accounts)

    async def _compute_accounts(
        self, scope: SpaceScope, in_force: ProfilesInForce, waiting: Waiting, *, rolled_out: bool
    ) -> int:
        """Compute some of the accounts that wait; how many are written."""
        return await self._accounts.compute(
            scope, in_force, waiting.accounts, waiting.position, rolled_out=rolled_out
        )

    async def _compute_page(self, scope: SpaceScope, in_force: ProfilesInForce, work: Work) -> Work:
        """Compute some of the customers that another version of the text computed."""
        space, version = scope.space, in_force.version
        if work.computing != version:
            # Whoever writes from now on marks what it touches.
            await self._policy_store.await_writers()
            if not await self._store.begin_text(space, version):
                raise TakenOver
            work = replace(work, computing=version, place=(0, ""))
            _log.info("profiles_begun", space=space, version=version)
        most = self._limits.customers_per_step
        position, page = await self._store.customers(space, work.place, most)
        batch = Batch([each for each, _ in page], (), (), position, rolled_out=False)
        await self._batches.compute(scope, in_force, batch, outdated_only=True)
        await self._compute_named(scope, in_force)
        is_done = len(page) < most
        place = (page[-1][1], page[-1][0]) if page else work.place
        held = await self._store.record(
            space,
            self._limits.lease_ms,
            computed=len(page),
            place=place,
            version=version if is_done else None,
        )
        if not held:
            raise TakenOver
        if is_done:
            _log.info("profiles_done", space=space, version=version)
            return replace(work, version=version, computing=None, place=place)
        return replace(work, place=place)

    async def _make_findable(self, scope: SpaceScope, work: Work, place: tuple[int, str]) -> Work:
        """Let some of the customers be found by the values that an earlier release has stored."""
        most, lease = self._limits.customers_per_step, self._limits.lease_ms
        next_place, page = await self._store.stored(scope.space, place, most)
        write = ProfilesWrite(
            work.version,
            self._clock(),
            guards={each.customer_id: each.revision for each in page},
            profiles={each.customer_id: (None, {}) for each in page},
            values={each.customer_id: Moved(each.places, each.places) for each in page},
        )
        written = await self._store.write(scope.space, lease, write)
        if next_place is None and written is not None and len(written) < len(page):
            next_place = place  # who was settled meanwhile comes again
        held = await self._store.record(scope.space, lease, findable=next_place is None)
        if written is None or not held:
            raise TakenOver
        return replace(work, findable_to=next_place)

    async def _compute_named(self, scope: SpaceScope, in_force: ProfilesInForce) -> None:
        """Compute the accounts of customers that a new text computed, so that they are done too."""
        most, written = self._limits.customers_per_step, 1
        while written:
            waiting = await self._store.waiting(scope.space, self._clock(), most)
            written = await self._compute_accounts(scope, in_force, waiting, rolled_out=False)


def _distinct(customers: Iterable[str | None]) -> list[str]:
    return [each for each in dict.fromkeys(customers) if each is not None]
