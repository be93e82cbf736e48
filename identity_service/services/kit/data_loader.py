"""Readings that are asked for at the same time, done as one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Final, Generic, TypeVar

from identity_service.graph.deadlines import deadline, later, waiting_until

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MAX_KEYS: Final = 1_000
"""Most keys of one reading."""

SIDE_BY_SIDE: Final = 2
"""Readings of one kind at a time; what is asked for meanwhile gathers for the next."""


SLICE: Final = 16
"""Keys that are answered in one turn of the event loop: who asked has work to go on with."""


class DataLoader(Generic[K, V]):
    """Gathers the keys that tasks of one event loop ask for, and reads them together.

    There is no timer: an idle batcher reads at once. A reading never answers who asked after it
    began, so that everybody sees what was written before they asked. It has the time of whoever
    waits longest for it.
    """

    def __init__(self, read: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]]) -> None:
        self._read = read
        self._waiting: dict[K, asyncio.Future[V | None]] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._scheduled = False
        self._until: float | None = None

    async def get(self, key: K) -> V | None:
        """The value of a key; None when the reading does not hold it."""
        # Shielded: one who gives up must not take the answer from the others.
        return await asyncio.shield(self._ask(key))

    async def get_many(self, keys: Iterable[K]) -> dict[K, V]:
        """The values of several keys; those without are left out."""
        asked = {key: self._ask(key) for key in keys}
        found = {key: await asyncio.shield(future) for key, future in asked.items()}
        return {key: value for key, value in found.items() if value is not None}

    def _ask(self, key: K) -> asyncio.Future[V | None]:
        self._until = later(self._until, deadline()) if self._waiting else deadline()
        future = self._waiting.get(key)
        if future is None:
            loop = asyncio.get_running_loop()
            future = self._waiting[key] = loop.create_future()
            if not self._scheduled and len(self._running) < SIDE_BY_SIDE:
                self._scheduled = True
                loop.call_soon(self._start)
        return future

    def _start(self) -> None:
        self._scheduled = False
        while self._waiting and len(self._running) < SIDE_BY_SIDE:
            batch = dict(islice(self._waiting.items(), MAX_KEYS))
            for key in batch:
                del self._waiting[key]
            with waiting_until(self._until):
                task = asyncio.create_task(self._answer(batch))
            self._running.add(task)
            task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._start()

    async def _answer(self, batch: Mapping[K, asyncio.Future[V | None]]) -> None:
        try:
            found = await self._read(list(batch))
        except BaseException as error:
            for future in batch.values():
                if not future.done():
                    future.set_exception(
                        asyncio.CancelledError()
                        if isinstance(error, asyncio.CancelledError)
                        else error
                    )
                    future.exception()  # who asked may be gone; that is no news for the log
            if not isinstance(error, Exception):
                raise
            return
        for number, (key, future) in enumerate(batch.items(), start=1):
            if not future.done():
                future.set_result(found.get(key))
            if number % SLICE == 0:
                # Whoever is answered goes on at the next turn of the loop, and others between.
                await asyncio.sleep(0)
