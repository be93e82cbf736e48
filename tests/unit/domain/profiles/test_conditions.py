"""Which conditions of audiences hold, what is unknown, and what `where` compares."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest

from identity_service.domain.profiles import vocabulary
from identity_service.domain.profiles.definitions import Operator, Quantifier
from identity_service.domain.profiles.evaluate import evaluate, evaluate_account
from identity_service.domain.profiles.occurrences import AccountEvidence, ProfileEvent
from identity_service.domain.profiles.parse import parse_profiles
from identity_service.domain.resolution.id_register import CustomerKind
from tests.support.profile_evidence import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    customer,
    event,
    is_in,
    reported,
    value_of,
)

COMPARED: list[tuple[str, Any, bool]] = [
    ("is: a", "a", True),
    ("is: a", "b", False),
    ("is: 1", 1, True),
    ("is: 1.0", 1, True),
    ("is: 1", "1", False),
    ("is: 1", True, False),
    ("is: true", True, True),
    ("is: true", 1, False),
    ("is: a", ["a"], False),
    ("is: a", None, False),
    ("not: a", "b", True),
    ("not: a", "a", False),
    ("not: a", None, True),
    ("not: 1", "1", True),
    ("in: [a, 1]", "a", True),
    ("in: [a, 1]", 1, True),
    ("in: [a, 1]", True, False),
    ("in: [a, 1]", None, False),
    ("not_in: [a, 1]", "b", True),
    ("not_in: [a, 1]", 1, False),
    ("not_in: [a, 1]", None, True),
    ("gt: 1", 2, True),
    ("gt: 1", 1, False),
    ("gt: 1", "2", False),
    ("gt: 1", None, False),
    ("gt: 0", True, False),
    ("gte: 1", 1, True),
    ("gte: 1.5", 1, False),
    ("lt: 0.3", "0.2", False),
    ("lt: 1", 0, True),
    ("lt: 1", 1, False),
    ("lte: 1", 1, True),
    ("lte: 1", 1.01, False),
    ("gt: a", "b", True),
    ("gt: a", 5, False),
    ("lte: b", "b", True),
    ("lte: b", "ba", False),
    ("contains: bc", "abcd", True),
    ("contains: bc", "b", False),
    ("contains: b", ["a", "b"], True),
    ("contains: b", ["ab"], False),
    ("contains: 1", [1], True),
    ("contains: 1", "1", False),
    ("contains: b", None, False),
    ("starts: ab", "abc", True),
    ("starts: ab", "cab", False),
    ("starts: ab", None, False),
    ("ends: bc", "abc", True),
    ("ends: bc", "bcd", False),
    ("matches: 'a+b'", "aab", True),
    ("matches: 'a+b'", "aabc", False),
    ("matches: 'a+b'", 1, False),
    ("exists: true", 0, True),
    ("exists: true", None, False),
    ("exists: false", None, True),
    ("exists: false", "", False),
    ("gte: 1, lte: 3", 2, True),
    ("gte: 1, lte: 3", 4, False),
]


@pytest.mark.parametrize(("test", "value", "fulfilled"), COMPARED)
def test_a_property_is_compared(test: str, value: Any, fulfilled: bool) -> None:
    found = value_of(f"count: A, where: {{x: {{{test}}}}}", event("A", 1, {"x": value}))

    assert found.value == int(fulfilled)


def test_every_operator_of_properties_is_tried() -> None:
    tried = {test.partition(":")[0] for test, _, _ in COMPARED}

    assert tried == set(Operator) - {Operator.BEFORE, Operator.AFTER, Operator.IN_LAST}


@pytest.mark.parametrize(
    ("where", "fulfilled"),
    [
        ("{x: 1, y: 2}", True),
        ("{x: 1, y: 3}", False),
        ("{any: [{x: 9}, {y: 2}]}", True),
        ("{any: [{x: 9}, {y: 9}]}", False),
        ("{all: [{x: 1}, {y: 9}]}", False),
        ("{x: 1, not: {y: 9}}", True),
        ("{not: {x: 1, y: 2}}", False),
        ("{not: {z: 1}}", True),
        ("{any: [{all: [{x: 1}, {not: {y: 2}}]}, {z: {exists: false}}]}", True),
    ],
)
def test_tests_of_properties_nest(where: str, fulfilled: bool) -> None:
    found = value_of(f"count: A, where: {where}", event("A", 1, {"x": 1, "y": 2}))

    assert found.value == int(fulfilled)


A, C = event("A", 3 * DAY), event("C", DAY)
B = event("B", 2 * DAY, {"y": 2}, source="app")
TEXT = "features: {n: {count: A}, none: {average: x, of: A}, at: {last_at: A}}"
TRAITS = {
    "plan": [reported("gold", DAY)],
    "seats": [reported(12, DAY)],
    "gone": [reported("x", 2 * DAY), reported(None, DAY)],
    "renewal": [reported("2024-10-03T00:00:00Z", 90 * DAY)],
}

CONDITIONS: list[tuple[str, bool]] = [
    ("{did: A}", True),
    ("{did: X}", False),
    ("{did: [X, A]}", True),
    ("{did: any}", True),
    ("{did: any, sources: [web]}", False),
    ("{did: A, within: 4d}", True),
    ("{did: A, within: 3d}", False),
    ("{did: A, between: [4d, 3d]}", True),
    ("{did: A, between: [4d, 3.5d]}", False),
    ("{did: A, since: 2024-10-01}", True),
    ("{did: A, since: 2024-10-02}", False),
    ("{did: A, times: 1}", True),
    ("{did: A, times: 0}", False),
    ("{did: X, times: 0}", True),
    ("{did: A, times: {gte: 2}}", False),
    ("{did: any, times: {gte: 2, lte: 3}}", True),
    ("{did: any, times: {lte: 2}}", False),
    ("{did: X, times: {lte: 2}}", True),
    ("{did: A, where: {x: 1}}", False),
    ("{did: A, then: {did: B}}", True),
    ("{did: B, then: {did: A}}", False),
    ("{did: A, then: {did: B, within: 1d}}", True),
    ("{did: A, then: {did: B, within: 23h}}", False),
    ("{did: A, then_not: {did: B, within: 23h}}", True),
    ("{did: A, then_not: {did: B, within: 1d}}", False),
    ("{did: A, then_not: {did: X, within: 4d}}", False),
    ("{did: A, then: {did: any, within: 1d}}", True),
    ("{did: A, then: {did: B, where: {y: 2}}}", True),
    ("{did: A, then: {did: B, where: {y: 3}}}", False),
    ("{did: A, then: {did: B, sources: [app]}}", True),
    ("{did: A, then: {did: B, sources: [web]}}", False),
    ("{did: A, then: {did: B, kinds_of_events: [track]}}", True),
    ("{did: A, then: {did: B, kinds_of_events: [page]}}", False),
    ("{did: B, sources: [app]}", True),
    ("{did: A, kinds_of_events: [page]}", False),
    ("{did: A, kinds_of_events: [track]}", True),
    ("{feature: n, gte: 1}", True),
    ("{feature: n, gt: 1}", False),
    ("{feature: n, is: 1}", True),
    ("{feature: n, not: 1}", False),
    ("{feature: n, in: [1, 2]}", True),
    ("{feature: at, in_last: 4d}", True),
    ("{feature: at, in_last: 3d}", False),
    ("{feature: at, before: 2024-10-02}", True),
    ("{feature: at, after: 2024-10-02}", False),
    ("{feature: none, exists: false}", True),
    ("{feature: none, exists: true}", False),
    ("{feature: none, not: 1}", False),
    ("{not: {feature: none, is: 1}}", False),
    ("{not: {feature: none, exists: true}}", True),
    ("{trait: plan, is: gold}", True),
    ("{trait: plan, not: silver}", True),
    ("{trait: plan, starts: go, ends: ld}", True),
    ("{trait: seats, gte: 10}", True),
    ("{trait: gone, exists: true}", False),
    ("{trait: gone, is: x}", False),
    ("{trait: absent, not: x}", False),
    ("{not: {trait: absent, is: x}}", False),
    ("{not: {trait: plan, is: silver}}", True),
    ("{any: [{trait: absent, exists: false}, {not: {trait: absent, is: x}}]}", True),
    ("{all: [{not: {trait: absent, is: x}}, {did: A}]}", False),
    ("{any: [{trait: absent, is: x}, {did: A}]}", True),
    ("{not: {any: [{trait: absent, is: x}, {did: X}]}}", False),
    ("{not: {all: [{trait: absent, is: x}, {did: X}]}}", True),
    ("{trait: renewal, in_last: 25h}", True),
    ("{trait: renewal, in_last: 24h}", False),
    ("{trait: renewal, after: 2024-10-02}", True),
    ("{trait: renewal, before: 2024-10-03}", False),
    ("{trait: plan, in_last: 1d}", False),
    ("{trait: plan, before: 2030-01-01}", False),
    ("{has: email}", True),
    ("{has: phone}", False),
    ("{not: {has: phone}}", True),
    ("{in: other}", True),
    ("{not: {in: other}}", False),
    ("{in: off}", False),
    ("{not: {in: off}}", True),
    ("{consent: {purpose: marketing}}", True),
    ("{consent: {purpose: sales}}", False),
    ("{not: {consent: {purpose: sales}}}", True),
    ("{consent: {purpose: research}}", False),
    ("{not: {consent: {purpose: research}}}", False),
    ("{all: [{did: A}, {did: B}]}", True),
    ("{all: [{did: A}, {did: X}]}", False),
    ("{any: [{did: X}, {did: B}]}", True),
    ("{any: [{did: X}, {did: Y}]}", False),
    ("{not: {did: X}}", True),
    ("{not: {did: A}}", False),
]


@pytest.mark.parametrize(("who", "holds"), CONDITIONS)
def test_a_condition(who: str, holds: bool) -> None:
    text = f"""
{TEXT}
audiences:
  a: {{who: {who}}}
  other: {{who: {{did: A}}}}
  off: {{who: {{did: A}}, enabled: false}}
"""
    evidence = customer(
        A,
        B,
        C,
        traits=TRAITS,
        identifier_types={"email"},
        consents={"marketing": True, "sales": False},
    )

    found = evaluate(parse_profiles(text), evidence, NOW)

    assert ("a" in found.audiences) is holds


def test_every_condition_and_every_word_of_what_follows_is_tried() -> None:
    tried = words(*(who for who, _ in CONDITIONS), SAME, ACCOUNTS, *(test for test, *_ in COMPARED))

    assert tried >= {*vocabulary.CONDITIONS, *vocabulary.FOLLOW_UP, *Quantifier, *Operator}
    assert tried >= {"times", "then", "then_not", "within", "between", "since", "by"}


def words(*texts: str) -> set[str]:
    """All words before a colon."""
    return set(re.findall(r"(\w+):", " ".join(texts)))


def test_what_follows_is_strictly_later() -> None:
    assert not is_in("{did: A, then: {did: B}}", A, B._replace(order=A.order._replace(key="b")))


def test_one_that_was_not_followed_is_enough() -> None:
    carts = [event("Cart", 10 * HOUR), event("Cart", 5 * HOUR)]
    order = event("Order", 9 * HOUR)
    who = "{did: Cart, then_not: {did: Order, within: 2h}}"

    assert is_in(who, *carts, order)
    assert not is_in(who, *carts, order, event("Order", 4 * HOUR))
    assert not is_in(who, order, event("Cart", 2 * HOUR - 1))
    assert is_in(who, order, event("Cart", 2 * HOUR))


def test_a_later_event_that_is_dated_ahead_does_not_count_yet() -> None:
    assert not is_in("{did: A, then: {did: B}}", A, event("B", -1))


SAME = "{did: Cart, then: {did: Order, within: 2h, same: cart_id}}"
NOT_SAME = "{did: Cart, then_not: {did: Order, within: 2h, same: cart_id}}"


@pytest.mark.parametrize(
    ("of_cart", "of_order", "followed"),
    [("a", "a", True), ("a", "b", False), (1, 1.0, True), (1, "1", False), (None, None, False)],
)
def test_pairs_may_need_the_same_property(of_cart: Any, of_order: Any, followed: bool) -> None:
    events = [
        event("Cart", 5 * HOUR, {"cart_id": of_cart}),
        event("Order", 4 * HOUR, {"cart_id": of_order}),
    ]

    assert is_in(SAME, *events) is followed
    assert is_in(NOT_SAME, *events) is not followed


@pytest.mark.parametrize("kind", CustomerKind)
def test_only_known_customers_are_in_unless_the_audience_names_others(kind: CustomerKind) -> None:
    text = """
audiences:
  usual: {who: {did: A}}
  all: {who: {did: A}, kinds: [KNOWN, ANONYMOUS, QUARANTINED]}
  ghosts: {who: {did: A}, kinds: [ANONYMOUS]}
"""
    found = evaluate(parse_profiles(text), customer(A, kind=kind), NOW).audiences

    assert "all" in found
    assert ("usual" in found) is (kind is CustomerKind.KNOWN)
    assert ("ghosts" in found) is (kind is CustomerKind.ANONYMOUS)


def test_an_audience_may_name_one_that_comes_later() -> None:
    text = "audiences: {a: {who: {in: b}}, b: {who: {not: {in: c}}}, c: {who: {did: X}}}"

    assert evaluate(parse_profiles(text), customer(A), NOW).audiences == {"a", "b"}


ACCOUNTS = """
features: {n: {count: any}}
account_features:
  people: {distinct: customer, of: any, within: 30d, by: members}
  named: {count: any}
  people_named: {distinct: customer, of: any}
  revenue: {sum: amount, of: Paid, by: members}
  share: {divide: [revenue, people]}
audiences:
  large: {of: accounts, who: {all: [{trait: seats, gte: 50}, {feature: people, gte: 2}]}}
  paying: {of: accounts, who: {did: Paid, by: members}}
  paid_here: {of: accounts, who: {did: Paid}}
  quiet: {of: accounts, who: {members: {none: {did: any, within: 14d}}}}
  busy: {of: accounts, who: {members: {all: {feature: n, gte: 1}}}}
  one_busy: {of: accounts, who: {members: {any: {feature: n, gte: 2}}}}
  with_buyer: {of: accounts, who: {members: {any: {in: buyer}}}}
  both: {of: accounts, who: {all: [{in: large}, {in: busy}]}}
  buyer: {who: {did: Paid}}
  at_large: {who: {in: large}}
"""


def account(*members: tuple[ProfileEvent, ...], seats: int = 50) -> AccountEvidence:
    customers = [
        customer(*events, customer_id=f"cus_{number}") for number, events in enumerate(members)
    ]
    naming = {
        each.customer_id: [e for e in each.events if e.account_id == "acme"] for each in customers
    }
    return AccountEvidence("acme", naming, {"seats": seats}, customers)


PAID = event("Paid", DAY, {"amount": 9})
SIGNED_UP = event("Signed Up", 40 * DAY, account_id="acme")
USED = event("Used", 15 * DAY, account_id="acme")


def test_features_of_an_account_count_events_that_name_it_or_all_of_its_members() -> None:
    found = evaluate_account(
        parse_profiles(ACCOUNTS), account((SIGNED_UP, USED), (PAID, SIGNED_UP)), NOW
    )

    assert {name: value.value for name, value in found.features.items()} == {
        "people": 2,
        "named": 2,
        "people_named": 1,
        "revenue": 9,
        "share": Decimal("4.5"),
    }


def test_audiences_of_accounts() -> None:
    profiles = parse_profiles(ACCOUNTS)

    busy = evaluate_account(profiles, account((SIGNED_UP, USED), (PAID,)), NOW).audiences
    quiet = evaluate_account(profiles, account((USED,), (), seats=49), NOW).audiences
    empty = evaluate_account(profiles, account(), NOW).audiences

    assert busy == {"large", "paying", "busy", "one_busy", "with_buyer", "both"}
    assert quiet == {"quiet"}
    assert empty == {"quiet"}


def test_a_customer_is_in_by_one_of_its_accounts() -> None:
    profiles = parse_profiles(ACCOUNTS)
    large = account((SIGNED_UP, USED), (PAID,))

    assert profiles.uses_accounts()
    assert evaluate(profiles, customer(A, accounts=[large]), NOW).audiences == {"at_large"}
    assert evaluate(profiles, customer(A, accounts=[account()]), NOW).audiences == set()
    assert evaluate(profiles, customer(A), NOW).audiences == set()


def test_a_text_that_asks_no_accounts_says_so() -> None:
    assert not parse_profiles("audiences: {a: {who: {not: {did: A}}}}").uses_accounts()
    assert parse_profiles(
        "audiences: {a: {who: {not: {in: b}}}, b: {of: accounts, who: {did: A}}}"
    ).uses_accounts()


def test_minutes_matter() -> None:
    assert is_in("{did: A, within: 5m}", event("A", 5 * MINUTE - 1))
    assert not is_in("{did: A, within: 5m}", event("A", 5 * MINUTE))
