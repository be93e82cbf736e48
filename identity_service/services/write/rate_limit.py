"""How many events a source may send."""

from __future__ import annotations

import math
import time
from typing import Final

from identity_service.errors import Overloaded
from identity_service.services.kit.clock import Timer
from identity_service.services.kit.token_bucket import TokenBucket
from identity_service.services.spaces.access import Sender

BURST_S: Final = 10
"""Seconds of a source's own limit that it may send at once after a pause."""


class RateLimit:
    """A token bucket for each source. It is of one process.

    A request is looked at before its body is read as events, so a source may go below 0 with one
    batch; it then waits until that is made up for.
    """

    def __init__(
        self, events_per_s: float | None, burst: int, timer: Timer = time.monotonic
    ) -> None:
        """Events each second of any source, None for any number, and how many after a pause.

        A source with a limit of its own, which is lower, may send what is due in `BURST_S` after a
        pause, if that is less.
        """
        self._events_per_s = events_per_s
        self._burst = burst
        self._timer = timer
        # No stranger adds one: sources are known by their keys.
        self._buckets: dict[str, TokenBucket] = {}

    def check(self, sender: Sender) -> None:
        """Raise Overloaded, with when to come back, for a source that sent too many."""
        events_per_s = self._limit_of(sender)
        if events_per_s is None:
            return
        missing = 1 - self._bucket(sender, events_per_s).tokens
        if missing > 0:
            raise Overloaded(
                f"The source “{sender.source}” sends more than {events_per_s:g} events per second.",
                retry_after=math.ceil(missing / events_per_s),
            )

    def count(self, sender: Sender, events: int) -> None:
        """Record what a source has sent."""
        events_per_s = self._limit_of(sender)
        if events_per_s is not None:
            self._bucket(sender, events_per_s).tokens -= events

    def _limit_of(self, sender: Sender) -> float | None:
        limits = [each for each in (self._events_per_s, sender.events_per_s) if each is not None]
        return min(limits, default=None)

    def _bucket(self, sender: Sender, events_per_s: float) -> TokenBucket:
        now = self._timer()
        burst: float = self._burst
        if sender.events_per_s == events_per_s:
            burst = min(burst, max(1, events_per_s * BURST_S))
        bucket = self._buckets.setdefault(sender.source, TokenBucket(burst, now))
        bucket.fill(now, events_per_s, burst)
        return bucket
