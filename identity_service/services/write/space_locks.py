"""SpaceLocks: who writes to a space of this process at a time.

Several processes may write to one space; they find out about each other when they write, and
the later starts again. Inside a process that can be avoided.
"""

from __future__ import annotations

import asyncio
import random

from identity_service.services.spaces.access import SpaceScope

MAX_ATTEMPTS = 12
"""How often something is tried that others keep changing under its feet."""


async def backoff(attempt: int) -> None:
    """Wait before another attempt: whoever was faster needs a moment.

    At most 5 ms after the first (0), twice that after the next, and so on; at random, since two
    that try again in step would meet again.
    """
    await asyncio.sleep(random.uniform(0, 0.005 * 2**attempt))  # noqa: S311 - no secret


class SpaceLocks:
    """One lock for each space."""

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}

    def of(self, scope: SpaceScope) -> asyncio.Lock:
        """The lock of a space, to be held from what is read until what is written."""
        return self._locks.setdefault(scope.space, asyncio.Lock())
