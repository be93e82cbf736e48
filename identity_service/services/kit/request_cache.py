"""Readings that one request needs several times and does once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class RequestCache(Generic[K, V]):
    """What was read is kept: not for longer than a request that writes nothing."""

    def __init__(self) -> None:
        self._turns: dict[K, asyncio.Lock] = {}
        self._read: dict[K, V] = {}

    async def get(self, key: K, read: Callable[[], Awaitable[V]]) -> V:
        """The value of a key; the first to ask for it reads it. Raises what `read` raises."""
        async with self._turns.setdefault(key, asyncio.Lock()):
            if key not in self._read:
                self._read[key] = await read()
            return self._read[key]
