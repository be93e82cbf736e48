"""Pure work on many identifiers, done beside the loop that serves everybody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

MANY: Final = 1_000
"""Identifiers whose resolution takes long enough (some milliseconds) to keep others waiting."""

T = TypeVar("T")


async def offload_if_large(size: int, work: Callable[[], T]) -> T:
    """The result of work on so many identifiers; where they are many, of a thread's."""
    return await asyncio.to_thread(work) if size >= MANY else work()
