"""One writer at a time for each space of this process.

Several processes may write to one space. They find out about each other when they write, and the
later one begins again; inside a process the lock avoids that.
"""

from __future__ import annotations

import asyncio

from identity_service.services.spaces.access import SpaceScope


class SpaceLocks:
    """One lock for each space."""

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}

    def of(self, scope: SpaceScope) -> asyncio.Lock:
        """The lock of a space, to be held from what is read until what is written."""
        return self._locks.setdefault(scope.space, asyncio.Lock())
