"""A source that sends too many events waits, and how long it is said."""

from __future__ import annotations

import pytest

from identity_service.errors import Overloaded
from identity_service.services.spaces.access import Sender
from identity_service.services.write.rate_limit import RateLimit

PAGE, SHOP = Sender("page", ()), Sender("shop", ())


class Clock:
    """A timer that stands still."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_source_may_send_its_burst_and_then_waits_until_that_is_made_up_for() -> None:
    clock = Clock()
    limit = RateLimit(2, 10, clock)

    limit.check(PAGE)
    limit.count(PAGE, 14)

    with pytest.raises(Overloaded, match="more than 2 events per second") as refused:
        limit.check(PAGE)
    assert refused.value.retry_after == 3  # from -4 to 1
    clock.now += 2.4
    with pytest.raises(Overloaded) as refused:
        limit.check(PAGE)
    assert refused.value.retry_after == 1
    clock.now += 0.1
    limit.check(PAGE)


def test_a_pause_fills_no_more_than_the_burst() -> None:
    clock = Clock()
    limit = RateLimit(2, 10, clock)
    limit.count(PAGE, 5)
    clock.now += 1_000

    limit.count(PAGE, 10)

    with pytest.raises(Overloaded):
        limit.check(PAGE)


def test_sources_have_buckets_of_their_own() -> None:
    limit = RateLimit(1, 1, Clock())

    limit.count(PAGE, 100)

    limit.check(SHOP)


def test_without_a_rate_any_number_may_be_sent() -> None:
    limit = RateLimit(None, 1, Clock())

    limit.count(PAGE, 1_000_000)

    limit.check(PAGE)


def test_the_lower_of_two_limits_counts_with_the_burst_that_goes_with_it() -> None:
    clock = Clock()
    limit = RateLimit(5, 100, clock)
    slow, fast = Sender("slow", (), events_per_s=2), Sender("fast", (), events_per_s=9)

    limit.count(slow, 20)
    limit.count(fast, 99)

    with pytest.raises(Overloaded, match="“slow” sends more than 2 events") as refused:
        limit.check(slow)
    assert refused.value.retry_after == 1
    limit.check(fast)
    limit.count(fast, 1)
    with pytest.raises(Overloaded, match="“fast” sends more than 5 events"):
        limit.check(fast)


def test_a_limit_below_one_event_a_second_lets_one_through_and_says_when_the_next_is_due() -> None:
    limit = RateLimit(None, 100, Clock())
    rare = Sender("rare", (), events_per_s=0.05)

    limit.check(rare)
    limit.count(rare, 1)

    with pytest.raises(Overloaded) as refused:
        limit.check(rare)
    assert refused.value.retry_after == 20


def test_a_limit_that_is_lowered_takes_what_was_saved_up() -> None:
    clock = Clock()
    limit = RateLimit(None, 1_000, clock)
    limit.count(Sender("page", (), events_per_s=100), 1)

    limit.count(Sender("page", (), events_per_s=1), 10)

    with pytest.raises(Overloaded):
        limit.check(Sender("page", (), events_per_s=1))
    limit.check(PAGE)
