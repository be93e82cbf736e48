"""How fast a destination is sent to: a throttle, a breaker, and when to try again."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from identity_service.activation.exchange import Later, Unknown
from identity_service.services.kit.token_bucket import TokenBucket

LONGEST_BACKOFF_S: Final = 600.0
FAILURES_TO_BREAK: Final = 5
"""So many requests in a row that failed, and the destination is left alone for a while."""

FIRST_BREAK_S: Final = 30.0
_SLOWEST: Final = 1 / 64
_REGAINED: Final = 1.05


def backoff_s(attempt: int, draw: random.Random) -> float:
    """Seconds until a new attempt after so many that failed: up to 1, 2, 4 … 600, at random."""
    return draw.uniform(0, min(LONGEST_BACKOFF_S, 2.0 ** min(attempt - 1, 20)))


@dataclass(frozen=True, slots=True)
class NextAttempt:
    """The number of an attempt, when the first one was, and when this one is due."""

    number: int
    since: int
    due: int


def next_attempt(
    outcome: Later | Unknown,
    attempt: int,
    since: int | None,
    now: int,
    give_up_ms: int,
    draw: random.Random,
) -> NextAttempt | None:
    """When to try again what was not taken `attempt` times before; None: never more."""
    since = now if since is None else since
    if now - since >= give_up_ms:
        return None
    asked_s = outcome.after_s if isinstance(outcome, Later) else None
    wait_s = backoff_s(attempt + 1, draw) if asked_s is None else asked_s
    return NextAttempt(attempt + 1, since, now + round(wait_s * 1_000))


@dataclass(slots=True)
class Throttle:
    """At most `per_s` requests a second, a second's worth at once.

    Half as many after each time that the destination said it is too much; then slowly more again.
    """

    per_s: float
    share: float = 1.0
    _bucket: TokenBucket | None = None

    def wait_s(self, now_ms: int) -> float:
        """Take a token: 0, or the seconds after which to ask again."""
        now, rate = now_ms / 1_000, self.per_s * self.share
        most = max(rate, 1.0)
        bucket = self._bucket = self._bucket or TokenBucket(most, now)
        bucket.fill(now, rate, most)
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return 0.0
        return (1 - bucket.tokens) / rate

    def slow_down(self) -> None:
        """It was too much."""
        self.share = max(self.share / 2, _SLOWEST)

    def speed_up(self) -> None:
        """A request was taken."""
        self.share = min(self.share * _REGAINED, 1.0)


@dataclass(slots=True)
class Breaker:
    """Leaves a destination alone that keeps failing, each time for twice as long."""

    failures: int = 0
    held_until_ms: int = 0

    def succeeded(self) -> None:
        """It answers."""
        self.failures = 0

    def failed(self, now_ms: int) -> None:
        """It did not take a request."""
        self.failures += 1
        over = self.failures - FAILURES_TO_BREAK
        if over >= 0:
            self.hold(now_ms, min(FIRST_BREAK_S * 2.0 ** min(over, 10), LONGEST_BACKOFF_S))

    def hold(self, now_ms: int, seconds: float) -> None:
        """Send nothing for so long."""
        self.held_until_ms = max(self.held_until_ms, now_ms + round(seconds * 1_000))
