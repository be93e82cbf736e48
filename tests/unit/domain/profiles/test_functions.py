"""What each function and modifier of features comes to."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from identity_service.domain.profiles.definitions import Function
from identity_service.domain.profiles.evaluate import FeatureValue, evaluate
from identity_service.domain.profiles.functions import OF_A_PROPERTY
from identity_service.domain.profiles.parse import parse_profiles
from tests.support.profile_evidence import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    SECOND,
    customer,
    event,
    value_of,
)

ORDERS = (
    event("Order Completed", 40 * DAY, {"revenue": Decimal("0.1"), "city": "Bonn", "paid": True}),
    event("Order Completed", 20 * DAY, {"revenue": 3, "city": "Aachen", "paid": "yes"}),
    event("Order Completed", 10 * DAY, {"revenue": Decimal("0.2"), "city": "Bonn"}),
    event("Page", 5 * DAY, {"revenue": 1_000, "city": "Köln"}, call="page"),
)

VALUES: dict[str, tuple[str, Any]] = {
    "count": ("count: Order Completed", 3),
    "count of several steps": ("count: [Order Completed, Page]", 4),
    "count of any": ("count: any", 4),
    "count of none": ("count: Nothing", 0),
    "sum is exact": ("sum: revenue, of: Order Completed", Decimal("3.3")),
    "sum of none": ("sum: revenue, of: Nothing", 0),
    "average to 28 digits": ("average: revenue, of: Order Completed", Decimal("1.1")),
    "average of none": ("average: revenue, of: Nothing", None),
    "min": ("min: revenue, of: Order Completed", Decimal("0.1")),
    "max": ("max: revenue", 1_000),
    "max of none": ("max: revenue, of: Nothing", None),
    "min of none": ("min: revenue, of: Nothing", None),
    "median of three": ("median: revenue, of: Order Completed", Decimal("0.2")),
    "median of four": ("median: revenue", Decimal("1.6")),
    "median of none": ("median: revenue, of: Nothing", None),
    "first": ("first: city", "Bonn"),
    "first of none": ("first: nothing", None),
    "last": ("last: city", "Köln"),
    "last of none": ("last: nothing", None),
    "most_frequent": ("most_frequent: city", "Bonn"),
    "most_frequent below at_least": ("most_frequent: city, at_least: 3", None),
    "least_frequent, tie": ("least_frequent: city", "Aachen"),
    "least_frequent of those that are frequent": ("least_frequent: city, at_least: 2", "Bonn"),
    "list in the order of values": ("list: city", ["Aachen", "Bonn", "Köln"]),
    "list in the order of time": ("list: city, order: first", ["Bonn", "Aachen", "Köln"]),
    "list, the latest first": ("list: city, order: last", ["Köln", "Bonn", "Aachen"]),
    "list of none": ("list: nothing", []),
    "list of several types": ("list: paid", [True, "yes"]),
    "distinct": ("distinct: city", 3),
    "distinct of none": ("distinct: nothing", 0),
    "counts": ("counts: city", {"Bonn": 2, "Aachen": 1, "Köln": 1}),
    "counts of numbers": (
        "counts: revenue",
        {"0.1": 1, "0.2": 1, "3": 1, "1000": 1},
    ),
    "days": ("days: any", 4),
    "days of none": ("days: Nothing", 0),
    "first_at": ("first_at: any", "2024-08-25T00:00:00.000Z"),
    "last_at": ("last_at: any", "2024-09-29T00:00:00.000Z"),
    "last_at of none": ("last_at: Nothing", None),
    "first_at of none": ("first_at: Nothing", None),
    "since_first": ("since_first: any", 40),
    "since_last in hours": ("since_last: any, unit: h", 120),
    "since_last in minutes": ("since_last: any, unit: m", 7_200),
    "since_last in seconds": ("since_last: any, unit: s", 432_000),
    "since_last of none": ("since_last: Nothing", None),
    "sessions of none": ("sessions: Nothing", 0),
    "sessions on average of none": ("sessions: Nothing, average: seconds", None),
    "within": ("count: any, within: 20d", 2),
    "between": ("count: any, between: [40d, 5d]", 3),
    "since": ("count: any, since: 2024-09-14", 3),
    "since a later moment": ("count: any, since: '2024-09-14T00:00:00.001Z'", 2),
    "where": ("count: any, where: {city: Bonn}", 2),
    "kinds_of_events": ("count: any, kinds_of_events: [page, screen]", 1),
}


@pytest.mark.parametrize(("feature", "expected"), VALUES.values(), ids=VALUES)
def test_the_value_of_a_feature(feature: str, expected: Any) -> None:
    assert value_of(feature, *ORDERS).value == expected


def test_every_function_has_a_value_here() -> None:
    tried = {feature.partition(":")[0] for feature, _ in VALUES.values()}

    assert tried == set(Function)


def test_whole_numbers_come_as_integers() -> None:
    value = value_of("sum: n", event("A", 2, '{"n": 0.50}'), event("A", 1, '{"n": 1.50}')).value

    assert (value, type(value)) == (2, int)


def test_a_tenth_ten_times_is_one() -> None:
    events = [event("A", n, '{"n": 0.1}') for n in range(10)]

    assert value_of("sum: n", *events).value == 1


def test_the_average_is_rounded_to_28_digits_half_even() -> None:
    events = [event("A", n, {"n": n}) for n in (0, 0, 1)]
    events = [e._replace(order=e.order._replace(key=f"{n}")) for n, e in enumerate(events)]

    assert value_of("average: n", *events).value == Decimal("0.3333333333333333333333333333")


def test_a_sum_has_all_its_digits() -> None:
    large, small = "1" + "0" * 60, "0." + "0" * 60 + "1"
    events = [event("A", 1, f'{{"n": {large}}}'), event("A", 2, f'{{"n": {small}}}')]

    assert str(value_of("sum: n", *events).value) == large + small[1:]


@pytest.mark.parametrize(
    "number", ["1e999999999", "-1e400", "1e-401", "1" + "0" * 5_000, '"12"', "true", "[1]", "{}"]
)
def test_what_is_no_number_is_skipped_and_counted(number: str) -> None:
    found = value_of("sum: n", event("A", 1, f'{{"n": {number}}}'), event("A", 2, {"n": 5}))

    assert found == FeatureValue(5, skipped=1)


def test_a_property_that_is_absent_or_null_is_not_skipped() -> None:
    assert value_of("sum: n", event("A", 1, {"n": None}), event("A", 2)) == FeatureValue(0)


def test_text_is_a_number_when_it_is_said_to_be_one() -> None:
    events = [event("A", n, {"n": text}) for n, text in enumerate(("12.50", " 1e1 ", "x", "NaN"))]

    assert value_of("sum: n, as: number", *events) == FeatureValue(Decimal("22.5"), skipped=2)


def test_lists_and_mappings_are_no_values_and_counted() -> None:
    events = [event("A", 1, {"x": ["a"]}), event("A", 2, {"x": {"a": 1}}), event("A", 3, {"x": 0})]

    assert value_of("list: x", *events) == FeatureValue([0], skipped=2)
    assert value_of("first: x", *events[:2]) == FeatureValue(None, skipped=2)


def test_values_are_told_apart_by_type_and_equal_numbers_are_one() -> None:
    texts = ("1", "1.0", "1e0", '"1"', "true", "false", "0", "2", "10", '"a"', '"B"')
    events = [event("A", n, f'{{"x": {text}}}') for n, text in enumerate(texts)]

    assert value_of("list: x", *events).value == [False, True, 0, 1, 2, 10, "1", "B", "a"]
    assert value_of("distinct: x", *events).value == 9


def test_ties_of_frequency_go_to_the_first_in_the_order_of_values() -> None:
    events = [event("A", n, {"x": x}) for n, x in enumerate(("b", "a", 2, True, False))]

    assert value_of("most_frequent: x", *events).value is False
    assert value_of("least_frequent: x", *events).value is False
    assert value_of("most_frequent: x", *events[:3]).value == 2


def test_a_list_over_its_limit_keeps_the_first_of_its_order_and_says_so() -> None:
    events = [event("A", 10 - n, {"x": x}) for n, x in enumerate("cbad")]

    assert value_of("list: x, limit: 2", *events) == FeatureValue(["a", "b"], truncated=True)
    assert value_of("list: x, limit: 2, order: first", *events).value == ["c", "b"]
    assert value_of("list: x, limit: 2, order: last", *events).value == ["d", "a"]
    assert value_of("list: x, limit: 4", *events) == FeatureValue(["a", "b", "c", "d"])


def test_counts_keep_the_largest() -> None:
    events = [event("A", n, {"x": x}) for n, x in enumerate("aabbbc")]

    assert value_of("counts: x, limit: 2", *events) == FeatureValue(
        {"b": 3, "a": 2}, truncated=True
    )


def test_counts_of_a_number_and_the_same_text_are_added() -> None:
    events = [event("A", n, {"x": x}) for n, x in enumerate((1, "1", 1))]

    assert value_of("counts: x", *events).value == {"1": 3}


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        ("sessions: any", 2),
        ("sessions: any, pause: 20m", 3),
        ("sessions: any, measure: seconds", 1_800),
        ("sessions: any, average: seconds", 900),
        ("sessions: any, measure: seconds, pause: 1s", 0),
    ],
)
def test_sessions_end_after_a_longer_pause(feature: str, expected: int) -> None:
    events = [
        event("A", 10 * HOUR),
        event("B", 10 * HOUR - 30 * MINUTE),
        event("A", 9 * HOUR - MINUTE),
    ]

    assert value_of(feature, *events).value == expected


def test_parts_of_seconds_in_sessions_are_exact() -> None:
    assert value_of(
        "sessions: any, measure: seconds", event("A", 1_500), event("A", 250)
    ).value == Decimal("1.25")


@pytest.mark.parametrize(
    ("part", "zone", "expected"),
    [
        ("hour", "UTC", {"0": 1, "23": 1}),
        ("hour", "Europe/Berlin", {"2": 1, "1": 1}),
        ("weekday", "UTC", {"4": 1, "5": 1}),
        ("weekday", "Europe/Berlin", {"5": 2}),
        ("month", "America/New_York", {"10": 2}),
    ],
)
def test_parts_of_the_time(part: str, zone: str, expected: dict[str, int]) -> None:
    events = [event("A", 0), event("A", HOUR)]

    found = value_of(f"counts: at, part: {part}, timezone: {zone}", *events)

    assert found.value == expected


def test_days_of_a_time_zone() -> None:
    events = [event("A", 0), event("A", HOUR)]

    assert value_of("days: any", *events).value == 2
    assert value_of("days: any, timezone: Europe/Berlin", *events).value == 1


def test_a_part_of_a_property_that_is_a_time() -> None:
    events = [
        event("A", 3, {"due": "2026-02-28T10:00:00Z"}),
        event("A", 2, {"due": 1_700_000_000}),
        event("A", 1, {"due": "soon"}),
    ]

    assert value_of("list: due, part: month", *events) == FeatureValue([2, 11], skipped=1)


def test_every_element_of_a_list_is_an_occurrence() -> None:
    order = event(
        "Order",
        1,
        {
            "currency": "EUR",
            "price": 99,
            "products": [{"sku": "a", "price": 2}, {"sku": "b"}, "c"],
        },
    )

    assert value_of("count: Order, each: products", order).value == 3
    assert value_of("list: sku, of: Order, each: products", order).value == ["a", "b"]
    assert value_of("list: products, of: Order, each: products", order) == FeatureValue(
        ["c"], skipped=2
    )
    # Its own price comes first, then the event's.
    assert value_of("sum: price, of: Order, each: products", order).value == 200
    assert (
        value_of(
            "sum: price, of: Order, each: products, where: {sku: a, currency: EUR}", order
        ).value
        == 2
    )


def test_a_property_that_holds_no_list_has_no_elements() -> None:
    assert value_of("count: A, each: x", event("A", 1, {"x": "a"}), event("A", 2)).value == 0


def test_properties_are_found_by_dots() -> None:
    found = event("A", 1, {"a": {"b": {"c": 1}}, "a.d": 2, "e": 3})

    assert value_of("sum: a.b.c", found).value == 1
    assert value_of("sum: a.d", found).value == 2
    assert value_of("sum: a.x.c", found).value == 0
    assert value_of("sum: e.x", found).value == 0


def test_names_that_speak_of_the_event() -> None:
    found = event(
        "A", DAY, {"at": "x", "channel": "mail"}, source="web", channel="ads", account_id="acme"
    )
    bare = found._replace(properties_json="{}")

    assert value_of("first: at", found).value == "2024-10-03T00:00:00.000Z"
    assert value_of("first: customer", found).value == "cus_1"
    assert value_of("first: channel", found).value == "mail"
    assert value_of("first: channel", bare).value == "ads"
    assert value_of("first: step", found).value == "A"
    assert value_of("first: source", found).value == "web"
    assert value_of("first: account", found).value == "acme"


def test_calls_that_are_no_steps_count_only_when_they_are_named() -> None:
    identify = event(
        None, 2, {"plan": "gold"}, call="identify", traits_json='{"plan": "x", "age": 31}'
    )
    events = (identify, event("A", 1))

    assert value_of("count: any", *events).value == 1
    assert value_of("count: {call: identify}", *events).value == 1
    assert value_of("count: {call: track}", *events).value == 1
    assert value_of("last: age, of: {call: identify}", *events).value == 31
    assert value_of("last: plan, of: {call: identify}", *events).value == "gold"


def test_sources_are_told_apart() -> None:
    events = [event("A", 1, source="web"), event("A", 2, source="app")]

    assert value_of("count: A, sources: [web]", *events).value == 1


def test_of_the_same_time_the_order_of_receipt_decides_then_the_place_then_the_key() -> None:
    events = [
        event("A", 1, {"x": "key b"}, key="b", received_at=NOW, place=2),
        event("A", 1, {"x": "place"}, key="z", received_at=NOW, place=1),
        event("A", 1, {"x": "receipt"}, key="y", received_at=NOW - 1, place=9),
        event("A", 1, {"x": "key a"}, key="a", received_at=NOW, place=2),
    ]

    found = value_of("list: x, order: first", *events).value

    assert found == ["receipt", "place", "key a", "key b"]


def test_an_event_counts_once() -> None:
    once = event("A", 1, {"n": 1}, key="m")
    again = once._replace(order=once.order._replace(received_at=NOW + 5))

    assert value_of("sum: n", again, once, once).value == 1


def test_an_event_that_is_dated_ahead_waits_for_its_time() -> None:
    events = [event("A", -HOUR, {"n": 1}), event("A", HOUR, {"n": 2})]

    assert value_of("sum: n", *events).value == 2
    assert value_of("last: n", *events).value == 2
    assert value_of("since_last: A, unit: h", *events, now=NOW + HOUR - 1).value == 1
    assert value_of("sum: n", *events, now=NOW + HOUR).value == 3


ARITHMETIC: dict[str, Any] = {
    "{plus: [one, half, 2]}": Decimal("3.5"),
    "{minus: [one, half, 2]}": Decimal("-1.5"),
    "{multiply: [half, half, 0.1]}": Decimal("0.025"),
    "{divide: [one, 3]}": Decimal("0.3333333333333333333333333333"),
    "{divide: [2, half]}": 4,
    "{divide: [one, zero]}": None,
    "{plus: [one, absent]}": None,
    "{divide: [one, absent]}": None,
    "{plus: [one, text]}": None,
    "{plus: [one, yes]}": None,
}


@pytest.mark.parametrize(("feature", "expected"), ARITHMETIC.items())
def test_operations_on_features(feature: str, expected: Any) -> None:
    text = f"""
features:
  f: {feature}
  one: {{count: A}}
  half: {{last: n, of: A}}
  zero: {{count: B}}
  absent: {{average: n, of: B}}
  text: {{last: t, of: A}}
  "yes": {{last: b, of: A}}
"""
    found = evaluate(
        parse_profiles(text),
        customer(event("A", 1, {"n": Decimal("0.5"), "t": "x", "b": True})),
        NOW,
    )

    assert found.features["f"].value == expected


def test_operations_on_operations_come_in_any_order_of_the_text() -> None:
    text = "features: {c: {plus: [b, 1]}, b: {multiply: [a, 2]}, a: {count: A}}"

    found = evaluate(parse_profiles(text), customer(event("A", 1)), NOW)

    assert [(name, value.value) for name, value in found.features.items()] == [
        ("c", 3),
        ("b", 2),
        ("a", 1),
    ]


def test_a_result_beyond_all_bounds_is_null() -> None:
    squares = "\n".join(f"  x{n + 1}: {{multiply: [x{n}, x{n}]}}" for n in range(12))

    found = evaluate(
        parse_profiles(f"features:\n  x0: {{max: n}}\n{squares}"),
        customer(event("A", 1, {"n": 10})),
        NOW,
    )

    assert found.features["x8"].value == 10**256
    assert found.features["x9"].value is None
    assert found.features["x12"].value is None


def test_five_hundred_features_may_stand_on_each_other() -> None:
    chain = "\n".join(f"  x{n + 1}: {{plus: [x{n}, 1]}}" for n in range(499))

    found = evaluate(parse_profiles(f"features:\n  x0: {{count: A}}\n{chain}"), customer(), NOW)

    assert found.features["x499"].value == 499


def test_functions_of_a_property_are_those_that_take_an_of() -> None:
    assert {Function.SUM, Function.DISTINCT, Function.FIRST} < OF_A_PROPERTY
    assert not OF_A_PROPERTY & {Function.COUNT, Function.DAYS, Function.SESSIONS}


@pytest.mark.parametrize("seconds", [0, 1, 59])
def test_units_are_whole_and_rounded_down(seconds: int) -> None:
    found = value_of("since_last: A, unit: m", event("A", 3 * MINUTE + seconds * SECOND))

    assert found.value == 3
