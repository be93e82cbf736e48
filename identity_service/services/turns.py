"""Turns: who writes to a space of this process at a time.

Several processes may write to one space; they find out about each other when they write, and
the later starts again. Inside a process that can be avoided.
"""

from __future__ import annotations

import asyncio

from identity_service.services.access import SpaceScope


class Turns:
    """One lock for each space."""

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}

    def of(self, scope: SpaceScope) -> asyncio.Lock:
        """The lock of a space, to be held from what is read until what is written."""
        return self._locks.setdefault(scope.space, asyncio.Lock())
