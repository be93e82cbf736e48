"""Waiting for a condition instead of for a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable


def wait_until(holds: Callable[[], bool], *, seconds: float = 30) -> None:
    """Return once it holds; fail when it does not in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"Not within {seconds} s."
        time.sleep(0.02)


async def a_later_moment() -> int:
    """A moment (milliseconds) that lies between all before this call and all after it."""
    begun = time.time_ns() // 1_000_000

    async def clock_passes(moment: int) -> int:
        while (now := time.time_ns() // 1_000_000) <= moment:  # noqa: ASYNC110  (only the clock goes on)
            await asyncio.sleep(0)
        return now

    between = await clock_passes(begun)
    await clock_passes(between)
    return between


async def until(holds: Callable[[], Awaitable[bool]], *, seconds: float = 30) -> None:
    """As `wait_until`, beside other tasks."""
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110  (what is waited for happens elsewhere)
            await asyncio.sleep(0.02)
