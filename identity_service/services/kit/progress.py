"""Following how far work is that some process makes in the background."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from typing import Protocol, TypeVar


class HasEnd(Protocol):
    """How far something is, and whether that is its end."""

    @property
    def done(self) -> bool:
        """Whether nothing follows."""
        ...


P = TypeVar("P", bound=HasEnd)


class Watchers:
    """Those who follow work, by its key. Work of other processes is looked for now and then."""

    def __init__(self, interval_s: float) -> None:
        """Every `interval_s` seconds, and after every step of this process, it is read again."""
        self._interval_s = interval_s
        self._next_step: dict[str, asyncio.Event] = {}

    async def follow(self, key: str, read: Callable[[], Awaitable[P]]) -> AsyncGenerator[P]:
        """What `read` says, whenever that is something else, until it is done."""
        shown: P | None = None
        while True:
            step = self._next_step.setdefault(key, asyncio.Event())
            now = await read()
            if now != shown:
                yield now
                shown = now
            if now.done:
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(step.wait(), self._interval_s)

    def wake(self, key: str) -> None:
        """A step was made: let those who follow read again."""
        if step := self._next_step.pop(key, None):
            step.set()
