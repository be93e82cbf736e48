"""How many events a source may send."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from identity_service.errors import Overloaded
from identity_service.services.kit.clock import Timer


@dataclass(slots=True)
class _Bucket:
    """Events that may be sent as of a time; below 0, more were sent than may be."""

    tokens: float
    filled_at: float


class RateLimit:
    """A token bucket for each source, which has one write key. It is of one process.

    A request is looked at before its body is read as events, so a source may go below 0 with one
    batch; it then waits until that is made up for.
    """

    def __init__(
        self, events_per_s: float | None, burst: int, timer: Timer = time.monotonic
    ) -> None:
        """Events each second, None for any number, and how many at once after a pause."""
        self._events_per_s = events_per_s
        self._burst = burst
        self._timer = timer
        # No stranger adds one: sources are known by their keys.
        self._buckets: dict[str, _Bucket] = {}

    def check(self, source: str) -> None:
        """Raise Overloaded, with when to come back, for a source that sent too many."""
        if self._events_per_s is None:
            return
        missing = 1 - self._bucket(source, self._events_per_s).tokens
        if missing > 0:
            raise Overloaded(
                f"The source “{source}” sends more than {self._events_per_s:g} events per second.",
                retry_after=math.ceil(missing / self._events_per_s),
            )

    def count(self, source: str, events: int) -> None:
        """Note what a source has sent."""
        if self._events_per_s is not None:
            self._bucket(source, self._events_per_s).tokens -= events

    def _bucket(self, source: str, events_per_s: float) -> _Bucket:
        now = self._timer()
        bucket = self._buckets.setdefault(source, _Bucket(self._burst, now))
        bucket.tokens += (now - bucket.filled_at) * events_per_s
        bucket.tokens = min(bucket.tokens, self._burst)
        bucket.filled_at = now
        return bucket
