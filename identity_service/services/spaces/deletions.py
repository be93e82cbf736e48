"""Spaces are deleted: at once for whoever asks for them, and step by step in the graph.

A deletion that was begun is not taken back. From then on there is no such space: nobody can enter
it, and what somebody still writes is refused or comes to nothing. The graph follows in the
background, in steps of a bounded size. A deletion outlives the process: whoever finds that nobody
is at it goes on where it stopped. Until it is done the name is taken.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Final

import structlog

from identity_service.domain.recorded import SpaceDeletion
from identity_service.errors import FieldInvalid, NoSuch
from identity_service.graph.space_deletions import STEPS, SpaceDeletionStore
from identity_service.graph.statements import Statement
from identity_service.services.kit.background import DueWork
from identity_service.services.kit.clock import Clock
from identity_service.services.kit.progress import Watchers
from identity_service.services.limits import SpaceDeletionLimits
from identity_service.services.spaces.access import Access, Caller, Role, forbidden

_POLL_INTERVAL_S: Final = 0.1

_log = structlog.get_logger(__name__)


class SpaceDeletions:
    """Deletes spaces. To be closed."""

    def __init__(
        self, store: SpaceDeletionStore, access: Access, clock: Clock, limits: SpaceDeletionLimits
    ) -> None:
        self._store = store
        self._access = access
        self._clock = clock
        self._limits = limits
        self._work = DueWork("space_deletion", "space_deletions_watch")
        self._watchers = Watchers(limits.progress_interval_s)

    async def delete(self, caller: Caller | None, name: str, again: str) -> SpaceDeletion:
        """Delete a space and all that it holds; of one that is being deleted, how far that is.

        What destinations hold stays there. Raises Forbidden unless called by the instance
        administrator, and FieldInvalid where the two names differ, or there is no such space.
        """
        author = _administrator(caller).name
        if name != again:
            raise FieldInvalid("again", "The two names differ.")
        hashes = await self._store.begin(name, author, self._clock())
        for key_hash in hashes or ():
            self._access.forget(key_hash)
        found = await self._store.find(name)
        if found is None:
            raise NoSuch("name", f"There is no space “{name}”.")
        if hashes is not None:
            _log.info("space_deletion_begun", space=name, author=author)
        self._go_on(name)
        return found

    async def list(self, caller: Caller | None) -> list[SpaceDeletion]:
        """Spaces that are being deleted, by name. Raises Forbidden, as `delete` does."""
        _administrator(caller)
        return await self._store.all()

    async def progress(self, begun: SpaceDeletion) -> AsyncGenerator[SpaceDeletion]:
        """How far a deletion is, after every step, until it is done."""
        last = begun

        async def read() -> SpaceDeletion:
            nonlocal last
            found = await self._store.find(begun.space)
            if found is None or found.begun_at != begun.begun_at:
                found = replace(last, done=True)
            last = found
            return found

        async with aclosing(self._watchers.follow(begun.space, read)) as steps:
            async for now in steps:
                yield now

    def look_after_all(self) -> None:
        """From now on, go on with every deletion that nobody is at, whenever there is one."""
        self._work.watch(self._look, self._limits.look_interval_s)

    async def close(self) -> None:
        """End after the step that is running; another process may go on with the rest."""
        await self._work.close()

    def _go_on(self, space: str) -> None:
        self._work.due(space, partial(self._delete, space), space=space)

    async def _look(self) -> None:
        for space in await self._store.unattended():
            self._go_on(space)

    async def _delete(self, space: str) -> None:
        """Delete what is left of a space, if nobody else is at that."""
        begun_at = await self._store.claim(space, self._limits.lease_ms)
        if begun_at is None:
            return
        try:
            await self._writers_ended(space)
            await self._delete_all(space)
            await self._keys_forgotten(space, begun_at)
            if await self._store.finish(space):
                _log.info("space_deleted", space=space)
        except _Left:
            await self._store.release(space)
        self._watchers.wake(space)

    async def _writers_ended(self, space: str) -> None:
        """Return once every transaction has ended that began to write before the deletion did.

        Those that begin later find no such space. Raises _Left.
        """
        running = await self._store.writing()
        while running:
            await self._hold(space)
            running &= await self._store.writing()

    async def _delete_all(self, space: str) -> None:
        """Make all steps, and all of them again, until there was nothing left for any.

        Raises _Left.
        """
        found = True
        while found:
            found = False
            for step in STEPS:
                while await self._delete_some(step, space):
                    found = True

    async def _delete_some(self, step: Statement, space: str) -> bool:
        """Whether there was something left. Raises _Left."""
        gone = await self._store.delete_some(
            step, space, self._limits.lease_ms, self._limits.nodes_per_step
        )
        if gone is None or self._work.is_closing:
            raise _Left
        self._watchers.wake(space)
        return gone > 0

    async def _keys_forgotten(self, space: str, begun_at: int) -> None:
        """Return once no process takes a key any more that opened the space. Raises _Left.

        Another space of that name must not be opened by them.
        """
        while self._clock() < begun_at + self._limits.keys_forgotten_ms:
            await self._hold(space)

    async def _hold(self, space: str) -> None:
        """Wait a moment, and stay at it. Raises _Left."""
        await self._work.pause(_POLL_INTERVAL_S)
        is_ours = await self._store.claim(space, self._limits.lease_ms) is not None
        if not is_ours or self._work.is_closing:
            raise _Left


class _Left(Exception):
    """This process is not at it any more: another is, or it ends."""


def _administrator(caller: Caller | None) -> Caller:
    if caller is None or caller.role is not Role.INSTANCE:
        raise forbidden(Role.INSTANCE)
    return caller
