"""Following records as they are added: every one after a position, once, in order.

So changes of customers are followed, and changes of memberships.

All who follow one space in one process share one reader. It is woken by what this process
writes, and looks every now and then for what others wrote. Who follows has a position of its own
and takes page by page, from what was read last or, further behind, from the graph: nothing waits
for the slow, and nothing piles up for them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Collection, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import takewhile
from typing import Any, Final, Generic, Protocol, TypeVar

from identity_service.errors import BadInput, Unavailable
from identity_service.services.kit.background import supervised
from identity_service.services.spaces.access import SpaceScope

T = TypeVar("T")


class Positioned(Protocol):
    """A record that has a place in the order of commits: 1, 2, 3, … in its space."""

    @property
    def position(self) -> int:
        """Its place."""
        ...


R = TypeVar("R", bound=Positioned)

POLL_INTERVAL_S: Final = 0.5
"""Seconds after which the reader looks for what other processes wrote."""

RECENT: Final = 1_000
"""Changes of a space that are kept for all who follow it."""

PAGE: Final = 200
"""Changes that one who follows takes at a time."""


class FeedReader(Protocol[R]):
    """Reads records of one sort. A selection names some by what they have in common."""

    async def last_position(self, space: str) -> int:
        """The position of the newest record; 0 before the first."""
        ...

    async def changes_after(self, space: str, after: int, most: int) -> list[R]:
        """Records after a position, in their order; what follows a gap may not be all."""
        ...

    async def selected_after(
        self, space: str, selection: Collection[str], after: int, until: int, most: int
    ) -> list[R]:
        """Selected records after one position and up to another, in their order."""
        ...

    def is_selected(self, record: R, selection: Collection[str]) -> bool:
        """Whether a record is one of the selection."""
        ...


class Feed(Generic[R]):
    """The records of spaces that somebody follows, each space read once for all."""

    def __init__(self, reader: FeedReader[R]) -> None:
        self._reader = reader
        self._tails: dict[str, _Tail[R]] = {}

    def wake(self, space: str) -> None:
        """Say that this process has written changes."""
        if tail := self._tails.get(space):
            tail.wake()

    async def changes(
        self, scope: SpaceScope, selection: Collection[str] | None, after: int | None
    ) -> AsyncGenerator[R]:
        """Changes of a space after a position, without it those that are committed from now on.

        Never ends. Raises BadInput for a position that the space has not reached, and
        Unavailable when the database does not answer at the beginning; later it is waited for.
        """
        async with self._tail(scope.space) as tail:
            last = await _whole(self._reader.last_position(scope.space))
            if after is not None and not 0 <= after <= last:
                raise BadInput(
                    "“after” is no cursor of this space.",
                    remedy="Send the cursor of a change that you received.",
                )
            position = last if after is None else after
            while True:
                page, position = await tail.page(position, selection)
                for change in page:
                    yield change

    @asynccontextmanager
    async def _tail(self, space: str) -> AsyncGenerator[_Tail[R]]:
        tail = self._tails.get(space)
        if tail is None:
            tail = self._tails[space] = _Tail(space, self._reader)
        tail.followers += 1
        try:
            yield tail
        finally:
            tail.followers -= 1
            if not tail.followers:
                del self._tails[space]
                tail.close()


class _Tail(Generic[R]):
    """The newest changes of one space, and all that are to come."""

    def __init__(self, space: str, reader: FeedReader[R]) -> None:
        self.followers = 0
        self._space = space
        self._reader = reader
        self._position = 0
        """All changes up to here are committed, and can be read."""
        self._recent: deque[R] = deque(maxlen=RECENT)
        self._begun = False
        self._closed = asyncio.Event()
        self._woken = asyncio.Event()
        self._grown = asyncio.Event()
        self._reading = supervised("following", self._read, self._closed, space=space)

    def wake(self) -> None:
        """Look for changes now."""
        self._woken.set()

    def close(self) -> None:
        """Stop reading, as soon as what is being read is there."""
        self._closed.set()
        self._woken.set()

    async def page(
        self, position: int, selection: Collection[str] | None
    ) -> tuple[Sequence[R], int]:
        """Some changes after a position, once there are any, and the position to go on from."""
        while position >= self._position:
            await self._grown.wait()
        recent = self._recent
        if recent and recent[0].position <= position + 1:
            fresh = list(takewhile(lambda change: change.position > position, reversed(recent)))
            page = fresh[::-1][:PAGE]
            last = page[-1].position
            if selection is not None:
                page = [each for each in page if self._reader.is_selected(each, selection)]
            return page, last
        try:
            return await _whole(self._page_of_old(position, selection))
        except Unavailable:
            await asyncio.sleep(POLL_INTERVAL_S)
            return (), position

    async def _page_of_old(
        self, position: int, selection: Collection[str] | None
    ) -> tuple[Sequence[R], int]:
        until = self._position
        if selection is None:
            found = await self._reader.changes_after(self._space, position, PAGE)
            page = [change for change in found if change.position <= until]
        else:
            page = await self._reader.selected_after(self._space, selection, position, until, PAGE)
        return page, page[-1].position if len(page) == PAGE else until

    async def _read(self) -> None:
        if not self._begun:
            await self._begin()
        gap: int | None = None
        while not self._closed.is_set():
            self._woken.clear()
            gap = await self._read_on(gap)
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_INTERVAL_S):
                    await self._woken.wait()

    async def _begin(self) -> None:
        last = await self._reader.last_position(self._space)
        # Somewhat earlier, so that the newest are not taken as complete unseen, and those who
        # come back after a moment find what they missed at hand.
        self._position = max(0, last - RECENT)
        self._begun = True

    async def _read_on(self, gap: int | None) -> int | None:
        """Take in what is new, up to a gap; returns where that is.

        A transaction becomes visible bit by bit, so what is missing in a gap comes within
        moments. One that was met before (`gap`) is there to stay.
        """
        while True:
            found = await self._reader.changes_after(self._space, self._position, RECENT)
            for place, change in enumerate(found):
                expected = self._position + 1
                if change.position != expected and gap != expected:
                    self._grow(found[:place])
                    return expected
                self._position = change.position
            self._grow(found)
            if len(found) < RECENT:
                return None

    def _grow(self, changes: Sequence[R]) -> None:
        self._recent.extend(changes)
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()


async def _whole(reading: Coroutine[Any, Any, T]) -> T:
    """A reading that goes on when who waits for it leaves: broken off, it costs a connection."""
    return await asyncio.shield(asyncio.create_task(reading))
