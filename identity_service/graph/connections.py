"""How the connections to the database are shared out: no reader takes those of senders.

Events, keys and health have all that nobody else uses, and some that nobody else may use. Readers
have places: a query waits for one. Each reader has some of them at most, so that one of them
leaves places to the others; journeys, which take long, have few of their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final

MAX_CONNECTIONS: Final = 100
"""All that one process opens."""

READERS: Final = 32
ONE_READER: Final = 8
"""Statements of readers that run at a time: of all together, and of one."""

ONE_READERS_LARGE: Final = 2
"""As the second, of large queries: each takes much of the database's time, and can wait."""

JOURNEYS: Final = 8
JOURNEYS_OF_ONE_READER: Final = 2
"""As above, of journeys."""

_reader: ContextVar[str | None] = ContextVar("reader", default=None)


def read_for(reader: str) -> None:
    """From now on, what this task and tasks begun by it ask of the database is for this reader.

    `reader` names a key of a space. What nobody reads for needs no place.
    """
    _reader.set(reader)


@dataclass(slots=True)
class _Own:
    """The places of one reader, and how many of its statements hold one or wait for one."""

    places: asyncio.Semaphore
    users: int = 0


@dataclass(slots=True)
class Places:
    """Places for one class of statements: `most` in all, `each` for one reader."""

    most: int
    each: int
    _all: asyncio.Semaphore = field(init=False)
    _own: dict[str, _Own] = field(init=False, default_factory=dict[str, _Own])

    def __post_init__(self) -> None:
        self._all = asyncio.Semaphore(self.most)

    @asynccontextmanager
    async def one(self) -> AsyncGenerator[None]:
        """Wait for a place of the reader whose task this is, and hold it; in turn."""
        reader = _reader.get()
        if reader is None:
            yield
            return
        own = self._own.setdefault(reader, _Own(asyncio.Semaphore(self.each)))
        own.users += 1
        try:
            # One's own first: who waits for the others' must not hold up those of the same key.
            async with own.places, self._all:
                yield
        finally:
            own.users -= 1
            if not own.users:
                del self._own[reader]
