"""Reading rules: which names and identifiers they give to what an adapter has read."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity_service.collect.reading_rules import (
    MAX_RULES_BYTES,
    ReadingRules,
    apply,
    parse_rules,
    with_sent_name,
)
from identity_service.collect.segment import Collected, read_batch
from identity_service.domain.events import RejectionCode, ReportedEvent
from identity_service.errors import ReadingRulesInvalid

RECEIVED = 1_700_000_000_000
"""2023-11-14T22:13:20Z."""

SHOP = """
rename: {Order Placed: Order Completed}
drop: [Heartbeat]
identifiers:
  userId: shop_user_id
  properties.order.id: order_id
region: NL
time_zone: Europe/Amsterdam
"""


def collected(*calls: Mapping[str, Any]) -> Collected:
    batch = [{"type": "track", "messageId": f"m{n}", **call} for n, call in enumerate(calls)]
    return read_batch({"batch": batch}, RECEIVED, str)


def read(rules: str, call: Mapping[str, Any]) -> ReportedEvent:
    found, _ = apply(parse_rules(rules), collected(call), RECEIVED)
    assert found.rejections == ()
    [event] = found.events
    return event


def identifiers(event: ReportedEvent) -> list[str]:
    return [str(each) for each in event.identifiers]


def test_events_are_renamed_and_dropped_by_the_names_they_are_sent_with() -> None:
    calls = [{"event": name, "userId": "u"} for name in ("Order Placed", "Heartbeat", "Other")]

    found, dropped = apply(parse_rules(SHOP), collected(*calls), RECEIVED)

    assert [event.name for event in found.events] == ["Order Completed", "Other"]
    assert (found.rejections, dropped) == ((), 1)


def test_a_field_names_another_type_than_by_default_and_one_that_named_none() -> None:
    event = read(SHOP, {"userId": "7", "anonymousId": "a", "properties": {"order": {"id": 12}}})

    assert sorted(identifiers(event)) == ["anonymous_id:a", "order_id:12", "shop_user_id:7"]


def test_an_event_stays_the_one_that_it_was() -> None:
    call = {"event": "Order Placed", "userId": "7", "timestamp": "2023-11-14 12:00"}
    [as_sent] = collected(call).events

    event = read(SHOP, call)

    assert event.identity == as_sent.identity
    assert event.properties == as_sent.properties
    assert event.context == {**as_sent.context, "sentName": "Order Placed"}


@pytest.mark.parametrize(
    ("rules", "call", "expected"),
    [
        ("identifiers: {userId: email}", {"userId": "a@x.org"}, ["email:a@x.org"]),
        ("identifiers: {userId: null}", {"userId": "7", "anonymousId": "a"}, ["anonymous_id:a"]),
        ("identifiers: {anonymousId: visitor}", {"anonymousId": "a@x.org"}, ["visitor:a@x.org"]),
        (
            "identifiers: {traits.email: work_email}",
            {"type": "identify", "userId": "7", "traits": {"email": "a@x.org"}},
            ["user_id:7", "work_email:a@x.org"],
        ),
        (
            "identifiers: {traits.number: customer}",
            {"userId": "7", "context": {"traits": {"number": 5}}},
            ["user_id:7", "customer:5"],
        ),
        (
            "identifiers: {context.app.install: install}",
            {"userId": "7", "context": {"app": {"install": "i"}}},
            ["user_id:7", "install:i"],
        ),
        ("identifiers: {userId: shop}", {"userId": "a", "anonymousId": "a"}, ["anonymous_id:a"]),
        (
            "identifiers: {userId: shop}",
            {"anonymousId": "a", "context": {"userId": "7"}},
            ["anonymous_id:a"],
        ),
        (
            "identifiers: {traits.email: work_email}",
            {"type": "group", "userId": "7", "groupId": "g", "traits": {"email": "g@x.org"}}
            | {"context": {"traits": {"email": "g@x.org"}}},
            ["user_id:7"],
        ),
        ("identifiers: {properties.x: y}", {"userId": "7"}, ["user_id:7"]),
        ("identifiers: {properties.x: y}", {"userId": "7", "properties": {"x": {}}}, ["user_id:7"]),
        (
            "identifiers: {properties.x.y: z}",
            {"userId": "7", "properties": {"x": "text"}},
            ["user_id:7"],
        ),
    ],
)
def test_identifiers_of_fields(rules: str, call: Mapping[str, Any], expected: list[str]) -> None:
    assert identifiers(read(rules, call)) == expected


def test_an_event_that_named_nobody_may_name_somebody() -> None:
    event = read("identifiers: {properties.mail: email}", {"properties": {"mail": "a@x.org"}})

    assert identifiers(event) == ["email:a@x.org"]


def test_an_event_that_names_nobody_any_more_is_rejected_as_it_was_sent() -> None:
    found, _ = apply(
        parse_rules("identifiers: {userId: null}"), collected({"userId": "7"}, {}), RECEIVED
    )

    assert found.events == ()
    assert [each.code for each in found.rejections] == [RejectionCode.NO_IDENTIFIER] * 2
    first = next(each for each in found.rejections if each.message_id == "m0")
    assert "reading rules" in first.message
    assert first.body["identifiers"] == [{"type": "user_id", "value": "7"}]


def test_what_could_not_be_read_stays_rejected_and_the_order_stays() -> None:
    calls = [{"userId": "a"}, {"properties": {"mail": "b@x.org"}}, {"userId": "c"}]
    broken = {"userId": "d", "timestamp": "soon"}
    rules = parse_rules("identifiers: {properties.mail: email}")

    found, dropped = apply(rules, collected(*calls, broken), RECEIVED)

    assert [event.place for event in found.events] == [0, 1, 2]
    assert [each.code for each in found.rejections] == [RejectionCode.INVALID_TIME]
    assert dropped == 0


@pytest.mark.parametrize(
    ("stated", "at"),
    [
        ("2023-11-14 12:00", 1_699_959_600_000),
        ("2023-07-14T12:00:00", 1_689_328_800_000),
        ("2023-11-14T12:00:00Z", 1_699_963_200_000),
        ("2023-11-14T12:00:00+05:00", 1_699_945_200_000),
        (1_699_963_200, 1_699_963_200_000),
        ("1699963200", 1_699_963_200_000),
        ("20231114", 1_699_916_400_000),
        ("0001-01-01T00:00:00", RECEIVED),
        # An hour ahead in UTC, so it would count as the time of receipt.
        ("2023-11-14T23:13:00", 1_699_999_980_000),
        (None, RECEIVED),
    ],
)
def test_times_without_a_zone_are_of_the_zone_of_the_rules(stated: object, at: int) -> None:
    assert read(SHOP, {"userId": "7", "timestamp": stated}).at == at


def test_a_clock_that_is_wrong_is_corrected_in_the_zone_too() -> None:
    call = {"userId": "7", "timestamp": "2023-11-14 12:00", "sentAt": "2023-11-14 22:13:20"}

    event = read(SHOP, call)

    assert event.at == 1_699_959_600_000 + 3_600_000


def test_a_renamed_event_is_read_again_under_the_name_it_was_sent_with() -> None:
    call = {"event": "Order Placed", "userId": "7"}
    [as_sent] = collected(call).events

    assert with_sent_name(read("rename: {Order Placed: Other}", call)) == as_sent
    assert with_sent_name(as_sent) == as_sent


def test_without_rules_everything_stays() -> None:
    calls = collected({"userId": "a", "event": "Seen"}, {})

    for text in ("", "{}", "# none"):
        found, dropped = apply(parse_rules(text), calls, RECEIVED)
        assert (found, dropped) == (calls, 0)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("- a", "rules"),
        ("colour: red", "colour"),
        ("rename: [a]", "rename"),
        ("rename: {a: 7}", "rename.a"),
        ("rename: {a: ''}", "rename.a"),
        ("drop: Heartbeat", "drop"),
        ("drop: [a, {b: c}]", "drop.1"),
        ("identifiers: {userid: email}", "identifiers.userid"),
        ("identifiers: {properties: email}", "identifiers.properties"),
        ("identifiers: {properties..x: email}", "identifiers.properties..x"),
        ("identifiers: {userId: 'no type!'}", "identifiers.userId"),
        ("identifiers: {userId: 7}", "identifiers.userId"),
        ("region: XX", "region"),
        ("time_zone: Middle/Earth", "time_zone"),
        ("time_zone: ../../etc/passwd", "time_zone"),
        ("time_zone: 7", "time_zone"),
        ("a: [", "line 2, column 1"),
        ("identifiers: {userId: a, userId: b}", "identifiers.userId"),
    ],
)
def test_a_mistake_is_named_with_its_path(text: str, path: str) -> None:
    with pytest.raises(ReadingRulesInvalid) as refused:
        parse_rules(text)

    assert [problem.path for problem in refused.value.problems] == [path]


@pytest.mark.parametrize(
    "text",
    [
        "#" * (MAX_RULES_BYTES + 1),
        f"drop: [{', '.join(f'n{n}' for n in range(501))}]",
        f"identifiers: {{{', '.join(f'properties.p{n}: t' for n in range(51))}}}",
        f"rename: {{{', '.join(f'n{n}: m' for n in range(501))}}}",
    ],
)
def test_rules_are_bounded(text: str) -> None:
    with pytest.raises(ReadingRulesInvalid, match="too many"):
        parse_rules(text)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(ReadingRulesInvalid):
        assert isinstance(parse_rules(text), ReadingRules)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab@.", max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("xy"), inner),
    max_leaves=4,
)


@given(
    call=st.fixed_dictionaries(
        {},
        optional={
            "userId": st.none() | st.integers(-9, 9) | st.text("ab@.", max_size=4),
            "anonymousId": VALUES,
            "properties": VALUES,
            "context": VALUES,
            "traits": VALUES,
        },
    )
)
def test_whatever_a_call_holds_is_an_event_or_a_rejection_once(call: dict[str, Any]) -> None:
    brought = collected(call)
    rules = parse_rules("identifiers: {userId: shop, properties.x.y: deep, traits.x: other}")

    found, dropped = apply(rules, brought, RECEIVED)

    assert len(found.events) + len(found.rejections) == 1
    assert dropped == 0
    for event in found.events:
        assert not any(each.type == "user_id" for each in event.identifiers)
        assert len(set(event.identifiers)) == len(event.identifiers)
