"""Work in the background, which goes on whatever happens to it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import Context
from functools import partial
from typing import Final

import structlog

from identity_service.errors import Unavailable
from identity_service.observability import BACKGROUND_FAILURES, places

FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 5.0
"""Seconds before work that failed is done again: at first, and after many failures in a row."""

_log = structlog.get_logger(__name__)


class DueWork:
    """Work that becomes due, by key: a task for each key, which ends when nothing is due there.

    Nobody waits for it. What fails is due again, as `supervised` has it. To be closed.
    """

    def __init__(self, name: str, watch_name: str) -> None:
        """`name` is that of the tasks in log and metrics, `watch_name` of the one of `watch`."""
        self._name = name
        self._watch_name = watch_name
        self._due: set[str] = set()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._watching: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    @property
    def is_closing(self) -> bool:
        """Whether work is to end after its next step."""
        return self._closing.is_set()

    def is_due(self, key: str) -> bool:
        """Whether work that is being done became due once more."""
        return key in self._due

    def due(self, key: str, work: Callable[[], Awaitable[None]], **about: str) -> None:
        """Have `work` done for a key; once more if it is being done now. `about` is logged."""
        if self._closing.is_set():
            return
        self._due.add(key)
        if key not in self._tasks:
            self._tasks[key] = supervised(
                self._name, partial(self._do_while_due, key, work), self._closing, **about
            )

    def due_again(self, key: str) -> None:
        """Have the work that is being done for a key done once more."""
        self._due.add(key)

    def watch(self, look: Callable[[], Awaitable[None]], interval_s: float) -> None:
        """From now on, look now and every `interval_s` seconds for work that nobody is at."""

        async def keep_looking() -> None:
            while not self._closing.is_set():
                await look()
                await self.pause(interval_s)

        self._watching = supervised(self._watch_name, keep_looking, self._closing)

    async def pause(self, seconds: float) -> None:
        """Wait for so long, or until work is to end."""
        await _wait(self._closing, seconds)

    async def done(self, *keys: str) -> None:
        """Return when nothing is due any more, at these keys or, without any, at all."""
        tasks = [task for key, task in self._tasks.items() if not keys or key in keys]
        await asyncio.gather(*map(asyncio.shield, tasks))

    async def close(self) -> None:
        """End after the steps that are running; another process may go on with the rest."""
        self._closing.set()
        await asyncio.gather(*self._tasks.values(), *([self._watching] if self._watching else []))

    async def _do_while_due(self, key: str, work: Callable[[], Awaitable[None]]) -> None:
        while key in self._due and not self._closing.is_set():
            self._due.discard(key)
            try:
                await work()
            except BaseException:
                self._due.add(key)
                raise
        del self._tasks[key]


def supervised(
    name: str, work: Callable[[], Awaitable[None]], ending: asyncio.Event, **about: str
) -> asyncio.Task[None]:
    """A task that does `work` until it returns, and again from its beginning after an error.

    An error is logged as `NAME_interrupted` where the database does not answer, else as
    `NAME_failed`, together with `about`, and counted. No pause and no new attempt once `ending`
    is set. The task belongs to the service, not to the request that began it, and raises nothing.
    """
    return asyncio.create_task(_keep_on(name, work, ending, about), name=name, context=Context())


async def _keep_on(
    name: str, work: Callable[[], Awaitable[None]], ending: asyncio.Event, about: dict[str, str]
) -> None:
    pause = FIRST_PAUSE_S
    while True:
        begun = time.monotonic()
        try:
            await work()
        except Unavailable as error:
            _log.warning(f"{name}_interrupted", error=str(error), **about)
        except Exception as error:  # noqa: BLE001 - whatever it is, the work goes on
            _log.error(f"{name}_failed", error=type(error).__name__, at=places(error), **about)
        else:
            return
        BACKGROUND_FAILURES.labels(name).inc()
        if time.monotonic() - begun > LONGEST_PAUSE_S:
            pause = FIRST_PAUSE_S
        await _wait(ending, pause)
        if ending.is_set():
            return
        pause = min(2 * pause, LONGEST_PAUSE_S)


async def _wait(ending: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(ending.wait(), seconds)
