"""How much each of many may spend in a second."""

from __future__ import annotations

import time
from collections.abc import Hashable
from typing import Final

from identity_service.services.kit.clock import Timer
from identity_service.services.kit.token_bucket import TokenBucket

MAX_HOLDERS: Final = 10_000
"""Of whom it is known what they have spent: those who asked last."""


class Allowances:
    """A token bucket for each holder of a key. It is of one process."""

    def __init__(self, per_s: float, burst: float, timer: Timer = time.monotonic) -> None:
        """What is due in each second, and how much may be spent at once after a pause."""
        self.per_s = per_s
        self.burst = burst
        self._timer = timer
        self._buckets: dict[Hashable, TokenBucket] = {}

    def spend(self, holder: Hashable, amount: float) -> float:
        """Spend, and answer 0; or spend nothing, and answer in how many seconds that may be spent.

        What is more than may be spent at once can be spent after a pause all the same.
        """
        bucket = self._bucket(holder)
        missing = min(amount, self.burst) - bucket.tokens
        if missing > 0:
            return missing / self.per_s
        bucket.tokens -= amount
        return 0.0

    def left(self, holder: Hashable) -> float:
        """What may be spent now."""
        return max(0.0, self._bucket(holder).tokens)

    def _bucket(self, holder: Hashable) -> TokenBucket:
        now = self._timer()
        # Put in anew each time, so that who asked longest ago comes first.
        bucket = self._buckets.pop(holder, None) or TokenBucket(self.burst, now)
        self._buckets[holder] = bucket
        if len(self._buckets) > MAX_HOLDERS:
            del self._buckets[next(iter(self._buckets))]
        bucket.fill(now, self.per_s, self.burst)
        return bucket
