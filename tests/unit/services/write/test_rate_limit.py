"""A source that sends too many events waits, and how long it is said."""

from __future__ import annotations

import pytest

from identity_service.errors import Overloaded
from identity_service.services.write.rate_limit import RateLimit


class Clock:
    """A timer that stands still."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_source_may_send_its_burst_and_then_waits_until_that_is_made_up_for() -> None:
    clock = Clock()
    limit = RateLimit(2, 10, clock)

    limit.check("page")
    limit.count("page", 14)

    with pytest.raises(Overloaded, match="more than 2 events per second") as refused:
        limit.check("page")
    assert refused.value.retry_after == 3  # from -4 to 1
    clock.now += 2.4
    with pytest.raises(Overloaded) as refused:
        limit.check("page")
    assert refused.value.retry_after == 1
    clock.now += 0.1
    limit.check("page")


def test_a_pause_fills_no_more_than_the_burst() -> None:
    clock = Clock()
    limit = RateLimit(2, 10, clock)
    limit.count("page", 5)
    clock.now += 1_000

    limit.count("page", 10)

    with pytest.raises(Overloaded):
        limit.check("page")


def test_sources_have_buckets_of_their_own() -> None:
    limit = RateLimit(1, 1, Clock())

    limit.count("page", 100)

    limit.check("shop")


def test_without_a_rate_any_number_may_be_sent() -> None:
    limit = RateLimit(None, 1, Clock())

    limit.count("page", 1_000_000)

    limit.check("page")
