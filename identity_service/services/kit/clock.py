"""The clock, and ids that follow it. Both are passed to whoever needs them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import TypeAlias

from identity_service.domain.ids import time_sortable

Clock: TypeAlias = Callable[[], int]
"""The time now, in milliseconds since 1970. It may be set, also back."""

Timer: TypeAlias = Callable[[], float]
"""Seconds since some moment. Nobody sets it: durations and ages are measured with it."""


def system_clock() -> int:
    """The time of this machine."""
    return time.time_ns() // 1_000_000


class Ids:
    """Makes ids that sort in the order in which this process made them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0
        self._entropy = 0

    def __call__(self, prefix: str) -> str:
        """A new id, `prefix_…`."""
        now = self._clock()
        if now > self._last:
            # Room to count up from, so that ids of one millisecond keep their order too.
            self._last, self._entropy = now, secrets.randbits(79)
        else:
            self._entropy += 1
        return time_sortable(prefix, self._last, self._entropy)
