"""A share of the event loop's time, for those who are not known."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Final

from identity_service.errors import Overloaded

MAX_WAITING: Final = 100
"""Who may wait for a turn."""


class Share:
    """Turns, one after the other, that together take at most a share of the time.

    After a turn that took one second, the next begins nine seconds later where the share is a
    tenth. So who takes turns waits for others who do, and nobody else waits for them.
    """

    def __init__(self, share: float) -> None:
        self._rest = 1 / share - 1
        self._turn = asyncio.Lock()
        self._waiting = 0

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[None]:
        """A turn; raises Overloaded when too many wait for theirs."""
        if self._waiting >= MAX_WAITING:
            raise Overloaded(
                f"{self._waiting} requests without a valid key wait, as many as may.",
            )
        self._waiting += 1
        try:
            await self._turn.acquire()
        finally:
            self._waiting -= 1
        began = perf_counter()
        try:
            yield
        finally:
            took = perf_counter() - began
            asyncio.get_running_loop().call_later(took * self._rest, self._turn.release)
