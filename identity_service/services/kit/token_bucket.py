"""What somebody may spend, filled as time passes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class TokenBucket:
    """What may be spent as of a time; below 0, more was spent than may be."""

    tokens: float
    filled_at: float

    def fill(self, now: float, per_s: float, burst: float) -> None:
        """Put in what is due since it was filled last; it holds no more than `burst`.

        Nothing is due where the clock was set back.
        """
        self.tokens = min(self.tokens + max(now - self.filled_at, 0) * per_s, burst)
        self.filled_at = now
