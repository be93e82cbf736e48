"""Where destinations may be, and how fast they are sent to."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_network
from random import Random

import pytest

from identity_service.services.activation.guard import AddressGuard, AddressRefused, CheckedUrl
from identity_service.services.activation.rate import Breaker, Throttle, backoff_s

PUBLIC = "93.184.215.14"


def _resolves_to(*addresses: str) -> AddressGuard:
    async def resolve(host: str, port: int) -> Sequence[str]:
        del host, port
        return addresses

    return AddressGuard((ip_network("10.1.0.0/16"),), resolve)


async def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    assert await _resolves_to(PUBLIC).checked("https://api.example.com/v1?x=1#y") == CheckedUrl(
        f"https://{PUBLIC}:443/v1?x=1", "api.example.com", "api.example.com"
    )
    assert await _resolves_to("10.1.2.3").checked("http://crm.internal:8080/") == CheckedUrl(
        "http://10.1.2.3:8080/", "crm.internal", "crm.internal:8080"
    )
    found = await _resolves_to("2606:2800:21f::1").checked("https://[2606:2800:21f::1]/")
    assert (found.url, found.host_header) == (
        "https://[2606:2800:21f::1]:443/",
        "[2606:2800:21f::1]",
    )


@pytest.mark.parametrize(
    "addresses",
    [
        ("127.0.0.1",),
        ("10.0.0.1",),
        ("192.168.1.1",),
        ("169.254.169.254",),
        ("0.0.0.0",),  # noqa: S104 - nothing is bound
        ("224.0.0.1",),
        ("100.64.0.1",),
        ("::1",),
        ("fe80::1%eth0",),
        ("fd00::1",),
        ("::ffff:127.0.0.1",),
        ("64:ff9b::a9fe:a9fe",),
        ("2002:7f00:1::",),
        (PUBLIC, "127.0.0.1"),
        (),
    ],
)
async def test_a_name_that_stands_for_a_private_address_is_refused(
    addresses: tuple[str, ...],
) -> None:
    with pytest.raises(AddressRefused):
        await _resolves_to(*addresses).checked("https://api.example.com/")


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com/",
        "ftp://api.example.com/",
        "https://user@api.example.com/",
        "https:///path",
        "https://api.example.com:99999/",
        "api.example.com",
    ],
)
async def test_what_is_no_plain_address_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        await _resolves_to(PUBLIC).checked(url)


def test_a_throttle_lets_a_seconds_worth_through_and_then_as_many_a_second() -> None:
    throttle, now, sent = Throttle(10), 0, list[int]()
    while now < 5_000:
        wait = throttle.wait_s(now)
        if wait:
            now += max(1, round(wait * 1_000))
        else:
            sent.append(now)

    for begin in range(0, 4_000, 50):
        assert sum(begin <= at < begin + 1_000 for at in sent) <= 20
    assert 50 <= len(sent) <= 60


def test_a_throttle_waits_no_longer_when_the_clock_is_set_back() -> None:
    throttle = Throttle(2)
    taken = [throttle.wait_s(3_600_000) for _ in range(2)]

    assert (taken, throttle.wait_s(0), throttle.wait_s(500)) == ([0, 0], 0.5, 0)


def test_a_throttle_is_halved_when_it_was_too_much_and_comes_back_slowly() -> None:
    throttle = Throttle(64)
    throttle.slow_down()
    throttle.slow_down()
    quarter = throttle.share
    for _ in range(20):
        throttle.slow_down()
    least = throttle.share
    for _ in range(200):
        throttle.speed_up()

    assert (quarter, least, throttle.share) == (0.25, 1 / 64, 1.0)


def test_the_time_until_a_new_attempt_doubles_up_to_ten_minutes_and_is_left_to_chance() -> None:
    draw = Random(1)  # noqa: S311 - a test

    longest = [max(backoff_s(attempt, draw) for _ in range(200)) for attempt in (1, 2, 3, 11, 99)]

    assert [
        0.8 * most < each <= most for each, most in zip(longest, (1, 2, 4, 600, 600), strict=True)
    ] == [True] * 5


def test_a_destination_that_keeps_failing_is_left_alone_for_longer_and_longer() -> None:
    breaker = Breaker()
    held: list[int] = []
    for _ in range(12):
        breaker.failed(0)
        held.append(breaker.held_until_ms)
    breaker.succeeded()
    breaker.failed(10_000_000)

    assert held[:7] == [0, 0, 0, 0, 30_000, 60_000, 120_000]
    assert held[-1] == 600_000
    assert breaker.held_until_ms == 600_000
