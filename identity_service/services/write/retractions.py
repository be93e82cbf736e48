"""Retractions: what a source said in a range of time is taken out of the evidence, and given back.

A retraction is in force at once; the evidence follows it in the background. There is one task of
this process for each retraction. A retraction outlives the process: whoever finds that nobody is
at it goes on where it stopped.

Events that were received in the range may be stored only after the retraction was made. Nothing is
written any more that was drafted without knowing of it, and whoever writes such an event has the
retraction look for its events once more.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from functools import partial

import structlog

from identity_service.domain.recorded import Page, RecordedEvent, page_of
from identity_service.domain.retractions import Retraction, RetractionProgress, retracted_by
from identity_service.errors import DoneBefore, FieldInvalid, NoSuch, NotFound
from identity_service.graph.policies import PolicyStore
from identity_service.graph.retractions import Place, RetractionStore
from identity_service.services.kit.background import DueWork
from identity_service.services.kit.clock import Clock, Ids
from identity_service.services.kit.data_loader import DataLoader
from identity_service.services.kit.progress import Watchers
from identity_service.services.limits import RetractionLimits
from identity_service.services.spaces.access import Access, Role, SpaceScope
from identity_service.services.spaces.policies import Policies
from identity_service.services.write.judgements import MAX_REASON
from identity_service.services.write.retraction_steps import NotOurs, RetractionSteps

_log = structlog.get_logger(__name__)


class Retractions:
    """Makes and withdraws retractions, and has the evidence follow them. To be closed."""

    def __init__(
        self,
        access: Access,
        store: RetractionStore,
        policies: Policies,
        policy_store: PolicyStore,
        steps: RetractionSteps,
        clock: Clock,
        ids: Ids,
        limits: RetractionLimits,
    ) -> None:
        self._access = access
        self._store = store
        self._policies = policies
        self._policy_store = policy_store
        self._steps = steps
        self._clock = clock
        self._ids = ids
        self._limits = limits
        self._ranges = DataLoader(store.ranges)
        self._work = DueWork("retraction", "retractions_watch")
        self._watchers = Watchers(limits.progress_interval_s)

    async def named(
        self, scope: SpaceScope, source: str, begin: int, until: int, reason: str = ""
    ) -> Retraction:
        """A retraction that is not made yet; it has no id.

        Raises FieldInvalid: at `until` where that is not after `begin`, or still to come; at
        `source` where nothing was received from it in that time.
        """
        now = self._clock()
        if until > now:
            raise FieldInvalid("until", "A retraction is about the past: this is still to come.")
        if begin >= until:
            raise FieldInvalid("until", "The time ends before it begins.")
        made = Retraction("", source, begin, until, now, scope.author, reason)
        if not await self._store.has_events(scope.space, source, begin, until):
            raise NoSuch("source", f"Nothing was received from “{source}” in that time.")
        return made

    async def retract(
        self, scope: SpaceScope, source: str, begin: int, until: int, reason: str
    ) -> RetractionProgress:
        """Retract what was received from a source from `begin` on and before `until`.

        The evidence follows in the background. Raises FieldInvalid as `named` does, and at
        `reason`.
        """
        _check_reason(reason)
        named = await self.named(scope, source, begin, until, reason)
        made = replace(named, id=self._ids("ret"))
        await self._store.create(scope.space, made)
        self._policies.forget(scope)
        self.go_on(scope, made.id)
        return await self.find(scope, made.id)

    async def withdraw(self, scope: SpaceScope, retraction: str, reason: str) -> RetractionProgress:
        """Withdraw a retraction; its events are given back in the background.

        Raises NotFound, and FieldInvalid when it was withdrawn before.
        """
        _check_reason(reason)
        found = await self.find(scope, retraction)
        now = self._clock()
        if not await self._store.withdraw(scope.space, retraction, now, scope.author, reason):
            by = (await self.find(scope, retraction)).withdrawn_by
            raise DoneBefore("id", f"The retraction was withdrawn before, by {by}.")
        self._policies.forget(scope)
        self.go_on(scope, found.id)
        return await self.find(scope, retraction)

    async def find(self, scope: SpaceScope, retraction: str) -> RetractionProgress:
        """A retraction, and how far it is. Raises NotFound."""
        found = await self._store.find(scope.space, retraction)
        if found is None:
            raise NotFound(
                f"There is no retraction “{retraction}” in this space.",
                remedy="The list of retractions has their ids.",
            )
        return found

    async def is_retracted(self, scope: SpaceScope, event: RecordedEvent) -> bool:
        """Whether a retraction in force covers an event."""
        ranges = await self._ranges.get((scope.space, event.source)) or []
        return bool(retracted_by(ranges, event.source, event.received_at))

    async def list(self, scope: SpaceScope, before: str, first: int) -> Page[RetractionProgress]:
        """Retractions before an id, newest first, withdrawn ones too."""
        return page_of(await self._store.retractions(scope.space, before, first + 1), first)

    async def progress(
        self, scope: SpaceScope, retraction: str
    ) -> AsyncGenerator[RetractionProgress]:
        """How far a retraction is, after every step, until it is done. Raises NotFound."""
        read = partial(self.find, scope, retraction)
        async with aclosing(self._watchers.follow(retraction, read)) as steps:
            async for now in steps:
                yield now

    async def pages(
        self, scope: SpaceScope, made: Retraction, place: Place
    ) -> AsyncGenerator[tuple[Place, list[str]]]:
        """The events of a retraction from a place on: where each page ends, and its keys."""
        while True:
            reached, keys = await self._store.events_of(
                scope.space, made.source, place, made.until, self._limits.events_per_page
            )
            if reached is None:
                return
            yield reached, keys
            place = reached

    def go_on(self, scope: SpaceScope, retraction: str) -> None:
        """Have the evidence follow a retraction, in the background, if nobody is at that."""
        self._work.due(retraction, partial(self._follow, scope, retraction), id=retraction)

    def look_after_all(self) -> None:
        """From now on, go on with every retraction that nobody is at, whenever there is one."""
        self._work.watch(self._look, self._limits.look_interval_s)

    async def close(self) -> None:
        """End after the steps that are running; another process may go on with the rest."""
        await self._work.close()

    async def _look(self) -> None:
        for space, retraction in await self._store.unattended():
            operator = self._access.operator(space)
            self.go_on(self._access.require(operator, space, Role.ADMIN), retraction)

    async def _follow(self, scope: SpaceScope, retraction: str) -> None:
        """Have the evidence follow a retraction, if that is to be done and nobody else does it."""
        place = await self._store.claim(scope.space, retraction, self._limits.lease_ms)
        if place is None:
            return
        made = await self.find(scope, retraction)
        # Those that begin later know of the retraction.
        await self._policy_store.await_writers()
        self._policies.forget(scope)
        _log.info("retraction_begun", space=scope.space, id=retraction)
        try:
            if not await self._go_through(scope, made, place):
                await self._store.release(retraction)
            elif await self._store.finish(retraction):
                _log.info("retraction_done", space=scope.space, id=retraction)
        except NotOurs:
            # To be claimed again, if it was withdrawn or begun anew.
            self._work.due_again(retraction)
        self._watchers.wake(retraction)

    async def _go_through(self, scope: SpaceScope, made: Retraction, place: Place) -> bool:
        """False: this process ends. Raises NotOurs."""
        back = made.withdrawn_at is not None
        steps = self._given_back(scope, made) if back else self._taken_out(scope, made, place)
        async for reached, skipped in steps:
            if not await self._store.record(made.id, self._limits.lease_ms, reached, skipped):
                raise NotOurs
            self._watchers.wake(made.id)
            if self._work.is_closing:
                await steps.aclose()
                return False
        return True

    async def _taken_out(
        self, scope: SpaceScope, made: Retraction, place: Place
    ) -> AsyncGenerator[tuple[Place | None, int]]:
        """Take out page after page: how far that is, and how many events could not be."""
        async for reached, keys in self.pages(scope, made, place):
            yield reached, await self._steps.take_out(scope, made, keys) if keys else 0

    async def _given_back(
        self, scope: SpaceScope, made: Retraction
    ) -> AsyncGenerator[tuple[Place | None, int]]:
        """Give back step after step, likewise."""
        while (step := await self._store.last_step(scope.space, made.id)) is not None:
            yield None, await self._steps.give_back(scope, made, *step)


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise FieldInvalid("reason", "A retraction needs a reason: say how you know.")
    if len(reason) > MAX_REASON:
        raise FieldInvalid("reason", f"The reason is longer than {MAX_REASON:,} characters.")
