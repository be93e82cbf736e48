"""When something can change next without an event."""

from __future__ import annotations

import pytest

from identity_service.domain.profiles.evaluate import evaluate, evaluate_account
from identity_service.domain.profiles.occurrences import AccountEvidence, ProfileEvent
from identity_service.domain.profiles.parse import parse_profiles
from tests.support.profile_evidence import (
    DAY,
    HOUR,
    NOW,
    audience_text,
    customer,
    event,
    features_text,
    reported,
)

A, B = event("A", 3 * DAY, {"x": 1}), event("B", HOUR)
AHEAD = event("A", -2 * HOUR)


@pytest.mark.parametrize(
    ("feature", "events", "expected"),
    [
        ("count: A", [A, B], None),
        ("count: A, within: 7d", [A, B], 4 * DAY),
        ("count: A, within: 3d", [A, B], None),
        ("count: any, within: 3d", [A, B], 3 * DAY - HOUR),
        ("count: A, within: 7d, where: {x: 2}", [A, B], None),
        ("count: A, between: [7d, 5d]", [A, B], 2 * DAY),
        ("count: A, between: [7d, 2d]", [A, B], 4 * DAY),
        ("count: A", [A, AHEAD], 2 * HOUR),
        ("count: A, where: {x: 1}", [A, AHEAD], None),
        ("count: A, since: 2030-01-01", [A, AHEAD], None),
        ("since_last: A", [A], DAY),
        ("since_last: any, unit: h", [A, B], HOUR),
        ("since_first: A, within: 80h", [A], 8 * HOUR),
        ("since_last: X", [A], None),
        ("plus: [1, 2]", [A], None),
    ],
)
def test_the_next_moment_of_a_feature(
    feature: str, events: list[ProfileEvent], expected: int | None
) -> None:
    found = evaluate(features_text(feature), customer(*events), NOW).next_at

    assert found == (None if expected is None else NOW + expected)


MINUTE = 60_000
TICKING = """
features:
  idle: {since_last: B, unit: m}
  of_a: {since_last: A, unit: s, within: 4d}
  half: {divide: [idle, 2]}
  never: {since_last: X, unit: s}
audiences:
  a: {who: WHO}
"""


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        # The window of `of_a` ends; nothing waits for a value that ticks.
        ("{did: A}", DAY),
        ("{feature: idle, gte: 90}", 30 * MINUTE),
        ("{feature: idle, gt: 90}", 30 * MINUTE),
        ("{feature: idle, gt: 89.5}", 30 * MINUTE),
        ("{feature: idle, is: 60}", MINUTE),
        ("{feature: idle, is: 61}", MINUTE),
        ("{feature: idle, in: [70, 59, x]}", 10 * MINUTE),
        ("{feature: idle, lt: 60}", MINUTE),
        ("{feature: idle, lt: 59}", DAY),
        ("{feature: idle, is: x}", DAY),
        ("{feature: idle, exists: true}", DAY),
        ("{feature: idle, before: 2030-01-01}", MINUTE),
        ("{feature: half, gte: 40}", MINUTE),
        ("{feature: never, gte: 40}", DAY),
    ],
)
def test_an_audience_waits_for_a_value_that_ticks_only_until_it_decides(
    who: str, expected: int
) -> None:
    evidence = customer(A, B)

    found = evaluate(parse_profiles(TICKING.replace("WHO", who)), evidence, NOW)

    assert found.next_at == NOW + expected
    assert found.ticks_at == NOW + 1_000


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ("{did: A, within: 7d}", 4 * DAY),
        ("{did: A, then_not: {did: X, within: 4d}}", DAY),
        ("{did: A, then_not: {did: B, within: 4d}}", None),
        ("{did: A, then: {did: B}}", None),
        ("{did: A, within: 7d, then: {did: B}}", 4 * DAY),
        # The first part decides: until it changes, the second one does not matter.
        ("{all: [{did: X}, {did: A, within: 7d}]}", None),
        ("{any: [{did: A}, {did: B, within: 7d}]}", None),
        ("{all: [{trait: none, is: 1}, {did: A, within: 7d}]}", 4 * DAY),
        ("{trait: plan, is: gold}", 5 * HOUR),
        ("{trait: renewal, in_last: 3d}", 2 * DAY),
        ("{trait: trial_end, in_last: 3d}", DAY),
        ("{has: email}", None),
    ],
)
def test_the_next_moment_of_an_audience(who: str, expected: int | None) -> None:
    evidence = customer(
        A,
        B,
        traits={
            "plan": [reported("free", DAY), reported("gold", -5 * HOUR)],
            "renewal": [reported("2024-10-03T00:00:00Z", 9 * DAY)],
            "trial_end": [reported("2024-10-05T00:00:00Z", 9 * DAY)],
        },
    )

    found = evaluate(audience_text(who), evidence, NOW).next_at

    assert found == (None if expected is None else NOW + expected)


ACCOUNTS = parse_profiles("""
audiences:
  quiet: {of: accounts, who: {members: {none: {did: any, within: 14d}}}}
  colleague: {who: {in: quiet}}
""")


def test_an_account_changes_when_one_of_its_members_does() -> None:
    account = AccountEvidence("acme", members=[customer(A), customer(B, customer_id="cus_2")])

    found = evaluate_account(ACCOUNTS, account, NOW)
    later = evaluate_account(ACCOUNTS, account, NOW + 14 * DAY - HOUR)

    # The first member decides as long as it was active; then the second one does.
    assert found.next_at == NOW + 11 * DAY
    assert (later.audiences, later.next_at) == ({"quiet"}, None)


def test_a_customer_changes_when_an_account_that_it_asks_does() -> None:
    account = AccountEvidence("acme", members=[customer(A)])

    found = evaluate(ACCOUNTS, customer(accounts=[account]), NOW)
    later = evaluate(ACCOUNTS, customer(accounts=[account]), NOW + 11 * DAY)

    assert (found.audiences, found.next_at) == (set(), NOW + 11 * DAY)
    assert (later.audiences, later.next_at) == ({"colleague"}, None)


def test_an_audience_that_is_not_enabled_is_not_waited_for() -> None:
    profiles = parse_profiles("audiences: {a: {who: {did: A, within: 7d}, enabled: false}}")

    assert evaluate(profiles, customer(A), NOW).next_at is None
