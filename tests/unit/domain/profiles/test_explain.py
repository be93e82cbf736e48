"""Which events made a value, and which parts of a condition hold."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from identity_service.domain.profiles.evaluate import FeatureValue
from identity_service.domain.profiles.explain import (
    ConditionOutcome,
    explain_audience,
    explain_feature,
)
from identity_service.domain.profiles.occurrences import AccountEvidence
from identity_service.domain.profiles.parse import parse_profiles
from identity_service.domain.resolution.id_register import CustomerKind
from identity_service.errors import NotFound
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

EVENTS = (
    event("A", 4 * DAY, {"n": 5, "x": "p"}, key="1"),
    event("A", 3 * DAY, {"n": Decimal("0.50"), "x": "q"}, key="2"),
    event("A", 2 * DAY, {"n": 5, "x": "p"}, key="3"),
    event("A", 1 * DAY, {"n": "?"}, key="4"),
    event("B", HOUR, {}, key="5"),
)


@pytest.mark.parametrize(
    ("feature", "made_by"),
    [
        ("count: A", [("4", None), ("3", None), ("2", None), ("1", None)]),
        ("count: A, within: 2d", [("4", None)]),
        ("days: A, within: 3d", [("4", None), ("3", None)]),
        ("sum: n", [("3", 5), ("2", Decimal("0.5")), ("1", 5)]),
        ("max: n", [("3", 5), ("1", 5)]),
        ("min: n", [("2", Decimal("0.5"))]),
        ("median: n", [("3", 5), ("2", Decimal("0.5")), ("1", 5)]),
        ("first: x", [("1", "p")]),
        ("last: x", [("3", "p")]),
        ("most_frequent: x", [("3", "p"), ("1", "p")]),
        ("least_frequent: x", [("2", "q")]),
        ("list: x", [("3", "p"), ("2", "q"), ("1", "p")]),
        ("first_at: A", [("1", None)]),
        ("since_first: any", [("1", None)]),
        ("last_at: A", [("4", None)]),
        ("since_last: any", [("5", None)]),
        ("max: absent", []),
    ],
)
def test_the_events_that_made_a_value(feature: str, made_by: list[tuple[str, Any]]) -> None:
    found = explain_feature(features_text(feature), customer(*EVENTS), NOW, "f")

    assert [(each.event.message_id, each.value) for each in found.events] == made_by
    assert found.more == 0


def test_an_explanation_names_the_latest_events_and_says_how_many_more_there_are() -> None:
    found = explain_feature(features_text("count: A"), customer(*EVENTS), NOW, "f", most=1)

    assert [each.event.message_id for each in found.events] == ["4"]
    assert (found.value.value, found.more) == (4, 3)


def test_an_operation_names_what_it_was_computed_from() -> None:
    profiles = parse_profiles(
        "features: {a: {count: A}, s: {sum: n, of: A}, f: {divide: [s, a, 2]}}"
    )

    found = explain_feature(profiles, customer(*EVENTS), NOW, "f")

    assert found.value.value == Decimal("1.3125")
    assert found.operands == {"s": FeatureValue(Decimal("10.5"), skipped=1), "a": FeatureValue(4)}
    assert found.events == ()


def test_account_features_are_explained() -> None:
    profiles = parse_profiles("account_features: {f: {count: A, by: members}}")
    account = AccountEvidence("acme", members=[customer(*EVENTS)])

    assert len(explain_feature(profiles, account, NOW, "f").events) == 4


def test_there_is_no_explanation_of_what_there_is_not() -> None:
    profiles = parse_profiles("features: {f: {count: A}}\naudiences: {a: {who: {did: A}}}")

    with pytest.raises(NotFound, match="“g”"):
        explain_feature(profiles, customer(), NOW, "g")
    with pytest.raises(NotFound, match="“f”"):
        explain_feature(profiles, AccountEvidence("acme"), NOW, "f")
    with pytest.raises(NotFound, match="“b” of customers"):
        explain_audience(profiles, customer(), NOW, "b")
    with pytest.raises(NotFound, match="“a” of accounts"):
        explain_audience(profiles, AccountEvidence("acme"), NOW, "a")


def test_every_part_of_a_condition_says_whether_it_holds() -> None:
    who = (
        "{all: [{did: A, times: {gte: 2}}, {not: {trait: plan, is: gold}}, {any: [{has: email}]}]}"
    )

    found = explain_audience(audience_text(who), customer(*EVENTS), NOW, "a")

    assert not found.member
    assert found.outcome == ConditionOutcome(
        "all",
        holds=False,
        parts=(
            ConditionOutcome("did A, at least 2 times", holds=True),
            ConditionOutcome(
                "not",
                holds=False,
                unknown=True,
                parts=(ConditionOutcome('trait plan is "gold"', holds=False, unknown=True),),
            ),
            ConditionOutcome(
                "any", holds=False, parts=(ConditionOutcome("has email", holds=False),)
            ),
        ),
    )


def test_who_fulfils_a_condition_and_is_not_in_is_given_the_reason() -> None:
    anonymous = customer(*EVENTS, kind=CustomerKind.ANONYMOUS)
    off = parse_profiles("audiences: {a: {who: {did: A}, enabled: false}}")

    by_kind = explain_audience(audience_text("{did: A}"), anonymous, NOW, "a")
    disabled = explain_audience(off, customer(*EVENTS), NOW, "a")
    member = explain_audience(audience_text("{did: A}"), customer(*EVENTS), NOW, "a")

    assert (by_kind.member, by_kind.outcome.holds) == (False, True)
    assert "takes customers of the kind KNOWN, and this one is ANONYMOUS" in by_kind.reason
    assert disabled.reason == "The audience is not enabled."
    assert (member.member, member.reason) == (True, "")


TEXTS: dict[str, str] = {
    "{did: [B, A], within: 30d}": "did A or B within 30d",
    "{did: any, between: [90d, 36h]}": "did anything between 90d and 36h ago",
    "{did: {call: identify}, since: 2026-01-01}": (
        "did a call identify since 2026-01-01T00:00:00.000Z"
    ),
    "{did: A, where: {x: 1, y: {in: [a, 2]}}, sources: [web, app]}": (
        'did A where x is 1 and y is in ["a", 2] from app or web'
    ),
    "{did: A, where: {any: [{x: {exists: true}}, {not: {y: {gte: 0.5, lt: 2}}}]}}": (
        "did A where (x exists or not (y ≥ 0.5 and < 2))"
    ),
    "{did: A, kinds_of_events: [page]}": "did A by page",
    "{did: A, times: 0}": "did A, never",
    "{did: A, times: 2}": "did A, 2 times",
    "{did: A, times: {lte: 2}}": "did A, at most 2 times",
    "{did: A, times: {gte: 2, lte: 3}}": "did A, 2 to 3 times",
    "{did: A, then: {did: B, within: 1.5s, same: x}}": (
        "did A, then B within 1.5s with the same x"
    ),
    "{did: A, then_not: {did: B, within: 2h}}": "did A, then not B within 2h",
    "{trait: t, starts: a, not: b}": 'trait t is not "b" and starts with "a"',
    "{trait: t, in_last: 3d}": "trait t in the last 3d",
    "{trait: t, before: 2026-01-01}": "trait t before 2026-01-01T00:00:00.000Z",
    "{trait: t, exists: false}": "trait t is absent",
    "{feature: f, gt: 1.50, lte: 3}": "feature f > 1.5 and ≤ 3",
    "{in: b}": "in b",
    "{consent: {purpose: x}}": "consent to x",
}


@pytest.mark.parametrize("who", TEXTS)
def test_a_condition_in_words(who: str) -> None:
    profiles = parse_profiles(
        f"features: {{f: {{count: A}}}}\naudiences: {{a: {{who: {who}}}, b: {{who: {{did: A}}}}}}"
    )

    found = explain_audience(profiles, customer(traits={"t": [reported("x", 1)]}), NOW, "a")

    assert found.outcome.text == TEXTS[who]


def test_a_condition_on_members_in_words() -> None:
    profiles = parse_profiles(
        "audiences: {a: {of: accounts, who: {any: [{members: {none: {did: A}}},"
        " {did: A, by: members}]}}}"
    )

    found = explain_audience(profiles, AccountEvidence("acme"), NOW, "a")

    assert [part.text for part in found.outcome.parts] == ["members: none", "did A by members"]
    assert found.member
