from __future__ import annotations

import json
import time
from itertools import count
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity_service.collect.body import decode_json
from identity_service.collect.identifiers import second_values_as_anonymous
from identity_service.collect.refused import MAX_KEPT_BODY
from identity_service.collect.segment import (
    MAX_BATCH,
    MAX_BATCH_ELEMENTS,
    MAX_EVENT_BYTES,
    MAX_NESTING,
    read_batch,
    read_call,
    read_line,
)
from identity_service.domain.events import Rejection, RejectionCode, ReportedEvent
from identity_service.domain.identifiers import Identifier
from identity_service.domain.traits import MAX_TRAITS_OF_EVENT
from identity_service.errors import BadInput, TooLarge

NOW = 1_772_359_200_000


def new_id() -> str:
    return f"msg_{next(NUMBERS)}"


NUMBERS = count()


def event_of(kind: str, call: dict[str, Any]) -> ReportedEvent:
    collected = read_call(kind, call, NOW, new_id)
    assert collected.rejections == ()
    [event] = collected.events
    return event


def rejection_of(kind: str, call: dict[str, Any]) -> Rejection:
    collected = read_call(kind, call, NOW, new_id)
    assert collected.events == ()
    [rejection] = collected.rejections
    return rejection


def identifiers_of(kind: str, call: dict[str, Any]) -> list[str]:
    return [str(identifier) for identifier in event_of(kind, call).identifiers]


def nested(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


# What an event says


def test_a_track_call_carries_its_event_and_properties() -> None:
    event = event_of(
        "track",
        {
            "type": "track",
            "messageId": "m-1",
            "userId": "u-1",
            "event": "Order Completed",
            "properties": {"total": 59.9},
            "timestamp": "2026-03-01T09:00:00Z",
            "context": {"ip": "203.0.113.7"},
            "writeKey": "secret",
        },
    )

    assert event == ReportedEvent(
        message_id="m-1",
        type="track",
        name="Order Completed",
        at=NOW - 3_600_000,
        identifiers=(Identifier("user_id", "u-1"),),
        properties={"total": 59.9},
        context={"ip": "203.0.113.7", "userId": "u-1", "timestamp": "2026-03-01T09:00:00Z"},
        traits={},
        context_traits={},
        account_id=None,
        account_traits={},
        digest=event.digest,
        place=0,
    )


@pytest.mark.parametrize("kind", ["page", "screen"])
def test_a_page_or_screen_is_named_by_its_name(kind: str) -> None:
    event = event_of(kind, {"anonymousId": "a", "name": "Home", "category": "Shop"})

    assert event.name == "Home"
    assert event.context["category"] == "Shop"


def test_the_traits_of_an_identify_call_are_the_persons() -> None:
    call = {"userId": "u", "traits": {"plan": "pro"}, "context": {"traits": {"city": "Ulm"}}}

    event = event_of("identify", call)

    assert event.properties == event.traits == {"plan": "pro"}
    assert event.context_traits == {"city": "Ulm"}
    assert event.account_traits == {}


def test_the_traits_of_a_group_call_are_the_accounts() -> None:
    call = {
        "userId": "u",
        "groupId": 9,
        "traits": {"name": "Analytical Engines Ltd", "email": "info@example.com"},
        "context": {"traits": {"email": "info@example.com", "phone": "+1"}},
    }

    event = event_of("group", call)

    assert event.account_id == "9"
    assert event.account_traits["name"] == "Analytical Engines Ltd"
    assert event.traits == {}
    assert [str(one) for one in event.identifiers] == ["user_id:u", "phone:+1"]


@pytest.mark.parametrize("call", [{"groupId": "g"}, {"context": {"groupId": " g "}}])
def test_any_call_may_name_an_account(call: dict[str, Any]) -> None:
    assert event_of("track", {"userId": "u", **call}).account_id == "g"


def test_the_route_decides_the_kind_and_a_differing_type_is_kept() -> None:
    event = event_of("track", {"type": "identify", "userId": "u", "traits": {"a": 1}})

    assert event.type == "track"
    assert event.traits == {}
    assert event.context["type"] == "identify"
    assert event.context["traits"] == {"a": 1}


def test_nothing_that_was_sent_is_lost() -> None:
    call = {
        "userId": " u ",
        "event": "bell\x07",
        "messageId": "m" * 300,
        "properties": ["no object"],
        "context": {"ip": "1", "_ip": "2"},
        "ip": "3",
    }

    event = event_of("track", call)

    assert event.properties == {}
    assert event.context == {
        "ip": "1",
        "_ip": "2",
        "__ip": "3",
        "userId": " u ",
        "event": "bell\x07",
        "messageId": "m" * 300,
        "properties": ["no object"],
    }


def test_php_s_empty_lists_are_empty_objects() -> None:
    event = event_of("identify", {"userId": "u", "traits": [], "context": []})

    assert event.traits == event.context_traits == {}


def test_a_long_name_is_cut_and_kept_whole_beside() -> None:
    event = event_of("track", {"userId": "u", "event": "x" * 2_000})

    assert event.name == "x" * 1_024
    assert event.context["event"] == "x" * 2_000


# Identifiers


def test_each_place_of_an_identifier_is_read() -> None:
    call = {
        "userId": " u-1 ",
        "anonymousId": "a-1",
        "traits": {"email": "Ann@example.com", "phone": 49123},
        "context": {
            "traits": {"email": "ann@work.example", "phone": "+49 123"},
            "device": {
                "type": "Android",
                "id": "d-1",
                "advertisingId": "ad-1",
                "adTrackingEnabled": True,
                "token": "t-1",
            },
            "externalIds": [
                {"id": "s-1", "type": "stripe", "collection": "users", "encoding": "none"},
                {"id": "x-1", "type": "org", "collection": "accounts", "encoding": "none"},
                {"id": "x-2", "type": "email", "collection": "users", "encoding": "sha256"},
                {"id": "x-3", "type": "org"},
                "x-4",
            ],
        },
    }

    assert identifiers_of("identify", call) == [
        "user_id:u-1",
        "anonymous_id:a-1",
        "email:Ann@example.com",
        "phone:49123",
        "android.id:d-1",
        "android.idfa:ad-1",
        "android.push_token:t-1",
        "stripe:s-1",
    ]


@pytest.mark.parametrize("allowed", [{}, {"adTrackingEnabled": False}])
def test_an_advertising_id_needs_the_owners_consent(allowed: dict[str, bool]) -> None:
    device = {"type": "ios", "id": "d", "advertisingId": "ad", **allowed}

    call = {"anonymousId": "a", "context": {"device": device}}

    assert identifiers_of("track", call) == ["anonymous_id:a", "ios.id:d"]


@pytest.mark.parametrize("device", [None, "ios", {"type": "tv", "id": "d"}, {"type": 7, "id": "d"}])
def test_a_device_of_another_kind_brings_no_identifier(device: object) -> None:
    call = {"anonymousId": "a", "context": {"device": device}}

    assert identifiers_of("track", call) == ["anonymous_id:a"]


def test_the_email_in_an_event_s_properties_is_not_the_senders() -> None:
    call = {"userId": "u", "properties": {"email": "a-gift-for@example.com"}}

    assert identifiers_of("track", call) == ["user_id:u"]


def test_an_email_address_as_anonymous_id_is_an_email() -> None:
    assert identifiers_of("track", {"anonymousId": "ann@example.com"}) == ["email:ann@example.com"]
    assert identifiers_of("track", {"anonymousId": "ann@home"}) == ["anonymous_id:ann@home"]


def test_the_previous_id_of_an_alias_is_never_a_second_user_id() -> None:
    call = {"userId": "u-1", "previousId": "u-2"}

    assert identifiers_of("alias", call) == ["user_id:u-1", "anonymous_id:u-2"]
    assert identifiers_of("track", call) == ["user_id:u-1"]


def test_a_merge_call_brings_its_typed_identifiers() -> None:
    call = {
        "mergeProperties": [
            {"type": "email", "value": "ann@example.com"},
            {"type": "mobile", "value": 49123},
            {"type": "", "value": "x"},
            {"value": "x"},
            None,
        ]
    }

    assert identifiers_of("merge", call) == ["email:ann@example.com", "mobile:49123"]


def test_a_second_value_of_a_type_with_limit_one_counts_as_anonymous() -> None:
    call = {
        "mergeProperties": [
            {"type": "user_id", "value": "u-1"},
            {"type": "user_id", "value": "u-2"},
            {"type": "email", "value": "a@example.com"},
            {"type": "email", "value": "b@example.com"},
        ]
    }
    identifiers = event_of("merge", call).identifiers

    taken = second_values_as_anonymous(identifiers, {"user_id": 1, "email": 5}.get)

    assert [str(one) for one in taken] == [
        "user_id:u-1",
        "anonymous_id:u-2",
        "email:a@example.com",
        "email:b@example.com",
    ]


@pytest.mark.parametrize("value", [12, 12.5, -1, 2**64 - 1])
def test_a_number_is_an_identifier_as_its_json_text(value: float) -> None:
    assert identifiers_of("track", {"userId": value}) == [f"user_id:{orjson.dumps(value).decode()}"]


def test_every_digit_of_a_large_number_is_kept() -> None:
    event = read_line(
        b'{"type":"track","userId":123456789012345678901234567890}', NOW, "events.jsonl", 1
    )

    assert isinstance(event, ReportedEvent)
    assert event.identifiers == (Identifier("user_id", "123456789012345678901234567890"),)


@pytest.mark.parametrize("value", ["", " \n", None, True, False, [], {}, ["u"], {"id": "u"}])
def test_what_is_no_text_or_number_is_no_identifier(value: object) -> None:
    rejection = rejection_of("track", {"userId": value, "messageId": "m"})

    assert rejection.code is RejectionCode.NO_IDENTIFIER
    assert rejection.message_id == "m"
    assert rejection.body == {"userId": value, "messageId": "m"}


@pytest.mark.parametrize("value", ["é" * 513, "a\x00b", "a\nb", "a\x85b"])
def test_what_an_identifier_may_hold_is_for_the_policy_to_say(value: str) -> None:
    assert identifiers_of("track", {"anonymousId": value}) == [f"anonymous_id:{value}"]


def test_a_login_that_is_the_events_own_anonymous_id_names_no_account() -> None:
    assert identifiers_of("identify", {"userId": "a-1", "anonymousId": "a-1"}) == [
        "anonymous_id:a-1"
    ]


def test_an_id_that_is_no_text_is_said_where_the_event_names_nobody_else() -> None:
    rejection = rejection_of("track", {"anonymousId": {"id": "a"}, "userId": ["u"]})

    assert "userId is a list, not text; anonymousId is an object, not text" in rejection.message
    assert identifiers_of("track", {"userId": ["u"], "anonymousId": "a"}) == [
        "anonymous_id:a",
        'user_id:["u"]',
    ]


def test_traits_outrank_what_the_context_still_holds_of_somebody_else() -> None:
    call = {
        "userId": "u",
        "traits": {"email": "new@example.com", "phone": ""},
        "context": {"traits": {"email": "old@example.com", "phone": "+3161"}},
    }

    assert identifiers_of("identify", call) == ["user_id:u", "email:new@example.com", "phone:+3161"]
    assert identifiers_of("track", call) == ["user_id:u", "email:old@example.com", "phone:+3161"]


@pytest.mark.parametrize(
    "sent", ["undefined", "null", "{{groupId}}", "groupId", "a\tb", "x" * 2_000]
)
def test_a_placeholder_names_no_account(sent: str) -> None:
    assert event_of("track", {"userId": "u", "groupId": sent}).account_id is None


def external_ids(count: int) -> dict[str, Any]:
    return {
        "context": {
            "externalIds": [
                {"id": number, "type": "n", "collection": "users", "encoding": "none"}
                for number in range(count)
            ]
        }
    }


def test_fifty_identifiers_are_taken_and_one_more_is_not() -> None:
    assert len(event_of("track", external_ids(50)).identifiers) == 50
    assert rejection_of("track", external_ids(51)).code is RejectionCode.TOO_MANY_IDENTIFIERS
    assert len(event_of("track", {"userId": "u"} | external_ids(49)).identifiers) == 50


def test_very_many_identifiers_are_refused_quickly_and_kept_in_part() -> None:
    entry = {"id": 1, "type": "n", "collection": "users", "encoding": "none"}
    call = {"messageId": "m", "context": {"externalIds": [entry] * 60_000}}

    started = time.process_time()
    rejection = rejection_of("track", call)
    took = time.process_time() - started

    assert rejection.code is RejectionCode.TOO_MANY_IDENTIFIERS
    assert rejection.body.startswith('{"messageId":"m","context":{"externalIds":[{"id":1')
    assert rejection.body.endswith("more bytes)")
    assert len(rejection.body) < MAX_KEPT_BODY + 100
    assert took < 2


# Message ids


TIMED = {"userId": "u", "event": "e", "timestamp": "2026-03-01T09:00:00Z"}


def test_a_call_with_a_time_of_its_own_and_no_message_id_is_known_by_its_content() -> None:
    call = TIMED | {"properties": {"a": 1, "b": 2}}

    first = event_of("track", call | {"sentAt": "2026-03-01T10:00:00Z"})
    again = event_of("track", call | {"sentAt": "2026-03-01T10:05:00Z", "writeKey": "k"})
    reordered = event_of("track", dict(reversed(call.items())) | {"messageId": ""})
    other = event_of("track", call | {"properties": {"a": 1, "b": 3}})
    screen = event_of("screen", call)

    assert first.message_id == f"content:{first.digest}"
    assert first.identity == again.identity == reordered.identity
    assert len({first.message_id, other.message_id, screen.message_id}) == 3


@pytest.mark.parametrize("time_of_its_own", [{}, {"timestamp": "1970-01-01T00:00:05Z"}])
def test_without_a_message_id_and_a_time_every_call_is_another(
    time_of_its_own: dict[str, Any],
) -> None:
    call = {"userId": "u", "event": "e", "sentAt": NOW, **time_of_its_own}

    ids = {event_of("track", call).message_id for _ in range(3)}

    assert len(ids) == 3


def test_a_call_is_known_alike_by_its_route_and_in_a_batch() -> None:
    [in_batch] = read_batch({"batch": [TIMED | {"type": "track"}]}, NOW, new_id).events

    assert in_batch.identity == event_of("track", TIMED).identity


SAID_IN_CONTEXT: dict[str, Any] = {
    "traits": {"email": "ann@example.com"},
    "groupId": "g",
    "device": {"type": "ios", "id": "d"},
    "externalIds": [],
}
SAID: dict[str, Any] = {
    "messageId": "m",
    "userId": "u",
    "anonymousId": "a",
    "groupId": "g",
    "event": "e",
    "properties": {"a": 1},
    "timestamp": NOW,
    "originalTimestamp": NOW,
    "context": SAID_IN_CONTEXT,
}


@pytest.mark.parametrize(
    "other",
    [
        {"userId": "v"},
        {"anonymousId": "b"},
        {"groupId": "h"},
        {"event": "f"},
        {"properties": {"a": True}},
        {"timestamp": NOW + 1},
        {"originalTimestamp": NOW + 1},
        {"context": {}},
        {"context": SAID_IN_CONTEXT | {"traits": {"email": "bob@example.com"}}},
        {"context": SAID_IN_CONTEXT | {"device": {"type": "ios", "id": "e"}}},
    ],
    ids=str,
)
def test_a_message_id_with_other_content_is_another_event(other: dict[str, Any]) -> None:
    assert event_of("track", SAID).identity != event_of("track", SAID | other).identity


def test_what_is_written_anew_when_an_event_is_sent_again_is_not_its_content() -> None:
    anew = {
        "sentAt": NOW + 9,
        "receivedAt": NOW + 9,
        "integrations": {"All": False},
        "context": SAID_IN_CONTEXT
        | {"ip": "203.0.113.9", "library": {"version": "2"}, "device": {"type": "ios", "id": "d"}},
    }

    assert event_of("track", SAID).identity == event_of("track", SAID | anew).identity


def test_a_line_without_a_message_id_is_known_by_its_content_and_its_place() -> None:
    lines = [b'{"type":"track","userId":"u","event":"e"}', b'{"type":"track","userId":"u"}']

    def id_of(line: bytes, file: str, number: int) -> str | None:
        return read_line(line, NOW, file, number).message_id

    first = id_of(lines[0], "a.jsonl", 1)
    others = {
        id_of(lines[0], "a.jsonl", 2),
        id_of(lines[0], "b.jsonl", 1),
        id_of(lines[1], "a.jsonl", 1),
        id_of(b"not JSON", "a.jsonl", 1),
    }
    assert first == id_of(lines[0] + b"\r\n", "a.jsonl", 1)
    assert len(others - {first, None}) == 4


def test_the_place_of_an_event_is_its_position_in_the_batch_or_its_line() -> None:
    calls = [{"type": "track", "userId": "u"}, 7, {"type": "track", "userId": "u"}]

    collected = read_batch({"batch": calls}, NOW, new_id)
    line = read_line(b'{"type":"track","userId":"u"}', NOW, "a.jsonl", 12)

    assert [event.place for event in collected.events] == [0, 2]
    assert isinstance(line, ReportedEvent)
    assert line.place == 12


# Clocks


def test_the_clock_of_a_sender_is_corrected_and_what_it_sent_is_kept() -> None:
    body = {
        "sentAt": NOW - 3_600_000,
        "batch": [
            {"type": "track", "userId": "u", "timestamp": NOW - 3_605_000},
            {"type": "track", "userId": "u", "timestamp": NOW - 70_000, "sentAt": NOW - 60_000},
        ],
    }

    by_batch, by_call = read_batch(body, NOW, new_id).events

    assert (by_batch.at, by_call.at) == (NOW - 5_000, NOW - 10_000)
    assert by_batch.context["timestamp"] == NOW - 3_605_000
    assert (by_batch.context["sentAt"], by_call.context["sentAt"]) == (
        NOW - 3_600_000,
        NOW - 60_000,
    )


def test_what_another_collector_received_was_corrected_there() -> None:
    times = {"timestamp": NOW - 7_200_000, "sentAt": NOW - 7_200_000}

    assert event_of("track", {"userId": "u", **times}).at == NOW
    assert event_of("track", {"userId": "u", **times, "receivedAt": NOW - 7_100_000}).at == (
        NOW - 7_200_000
    )


def test_the_time_of_a_line_is_not_corrected_by_when_it_is_loaded() -> None:
    line = b'{"type":"track","userId":"u","timestamp":"2020-01-01T10:00:00Z","sentAt":"2020-01-01"}'

    event = read_line(line, NOW, "old.jsonl", 1)

    assert isinstance(event, ReportedEvent)
    assert event.at == 1_577_872_800_000


# Message ids that are sent


@pytest.mark.parametrize("message_id", ["m" * 257, "a\x00b", "a\nb"])
def test_a_message_id_that_cannot_be_a_key_is_hashed(message_id: str) -> None:
    event = event_of("track", {"userId": "u", "messageId": message_id})

    assert event.message_id.startswith("sha256:")
    assert event.message_id == event_of("page", {"userId": "v", "messageId": message_id}).message_id


def test_a_message_id_of_256_characters_or_a_number_is_kept() -> None:
    assert event_of("track", {"userId": "u", "messageId": "m" * 256}).message_id == "m" * 256
    assert event_of("track", {"userId": "u", "messageId": 7}).message_id == "7"


# Batches


def test_a_bad_event_is_set_aside_and_the_others_are_taken() -> None:
    good = {"type": "track", "userId": "u", "messageId": "good"}
    bad: list[Any] = [
        7,
        None,
        [good],
        {"type": "track", "userId": "u", "timestamp": "soon"},
        {"type": "charge", "userId": "u"},
        {"userId": "u"},
        {"type": "track"},
        {"type": "track", "userId": "u", "properties": nested(MAX_NESTING)},
    ]

    collected = read_batch({"batch": [*bad, good]}, NOW, new_id)

    assert [event.message_id for event in collected.events] == ["good"]
    assert [rejection.code.value for rejection in collected.rejections] == [
        "NOT_AN_OBJECT",
        "NOT_AN_OBJECT",
        "NOT_AN_OBJECT",
        "INVALID_TIME",
        "INVALID_FIELD",
        "INVALID_FIELD",
        "NO_IDENTIFIER",
        "INVALID_FIELD",
    ]


def test_nesting_up_to_the_bound_is_taken_and_can_be_written() -> None:
    event = event_of("track", {"userId": "u", "properties": {"deep": nested(MAX_NESTING - 2)}})

    assert orjson.loads(orjson.dumps(event.properties)) == event.properties


def test_lists_beside_each_other_do_not_nest_however_many_they_are() -> None:
    beside: list[object] = [[]] * (2 * MAX_NESTING)

    event = event_of("track", {"userId": "u", "properties": {"beside": beside}})

    assert event.properties == {"beside": beside}


def test_the_batch_says_when_it_was_sent_and_its_context_where_the_call_does_not() -> None:
    body: dict[str, Any] = {
        "sentAt": NOW - 3_600_000,
        "context": {"ip": "1", "traits": {"email": "ann@example.com"}},
        "batch": [
            {"type": "track", "userId": "u", "originalTimestamp": NOW - 3_600_500},
            {"type": "track", "userId": "u", "context": {"ip": "2", "traits": {}}},
        ],
    }

    first, second = read_batch(body, NOW, new_id).events

    assert first.at == NOW - 500
    assert first.context["ip"] == "1"
    assert Identifier("email", "ann@example.com") in first.identifiers
    assert second.context["ip"] == "2"
    assert second.identifiers == (Identifier("user_id", "u"),)


def test_events_beyond_ten_thousand_are_rejected_one_by_one() -> None:
    calls = [{"type": "track", "userId": "u", "messageId": str(n)} for n in range(MAX_BATCH + 2)]

    collected = read_batch({"batch": calls}, NOW, new_id)

    assert len(collected.events) == MAX_BATCH
    assert [one.code for one in collected.rejections] == [RejectionCode.TOO_LARGE] * 2
    assert [one.message_id for one in collected.rejections] == ["10000", "10001"]
    assert collected.rejections[0].body == calls[MAX_BATCH]


def test_an_event_with_more_traits_than_are_taken_is_rejected() -> None:
    def call(number: int) -> dict[str, Any]:
        traits = {f"t{n}": n for n in range(number)}
        return {"userId": "u", "traits": traits, "context": {"traits": traits}}

    assert len(event_of("identify", call(MAX_TRAITS_OF_EVENT)).traits) == MAX_TRAITS_OF_EVENT
    rejection = rejection_of("identify", call(MAX_TRAITS_OF_EVENT + 1))
    assert rejection.code is RejectionCode.TOO_LARGE
    assert "1,001 traits" in rejection.message


def test_a_line_that_is_too_large_for_an_event_is_rejected() -> None:
    call = {"type": "track", "userId": "u", "properties": {"text": "x" * MAX_EVENT_BYTES}}

    rejection = read_line(orjson.dumps(call), NOW, "file", 1)

    assert isinstance(rejection, Rejection)
    assert rejection.code is RejectionCode.TOO_LARGE
    assert "4,194,304" in rejection.message


def test_the_size_of_an_event_holds_the_context_of_its_batch() -> None:
    context = {"text": "x" * 1_000}
    call = {"type": "track", "userId": "u"}

    [event] = read_batch({"context": context, "batch": [call]}, NOW, new_id).events

    assert event.size == len(orjson.dumps(context)) + len(orjson.dumps(call))


def test_a_flood_of_elements_is_refused_whole() -> None:
    with pytest.raises(TooLarge, match="100,001 events"):
        read_batch({"batch": [0] * (MAX_BATCH_ELEMENTS + 1)}, NOW, new_id)


def test_an_empty_batch_brings_nothing() -> None:
    collected = read_batch({"batch": []}, NOW, new_id)

    assert (collected.events, collected.rejections) == ((), ())


@pytest.mark.parametrize("body", [None, 7, "x", [], [{}], True])
def test_a_body_that_is_no_object_is_bad_input(body: object) -> None:
    with pytest.raises(BadInput, match="not a JSON object"):
        read_batch(body, NOW, new_id)
    with pytest.raises(BadInput, match="not a JSON object"):
        read_call("track", body, NOW, new_id)


@pytest.mark.parametrize("body", [{}, {"batch": None}, {"batch": {}}, {"type": "track"}])
def test_a_batch_without_a_list_is_bad_input(body: object) -> None:
    with pytest.raises(BadInput, match="no list “batch”"):
        read_batch(body, NOW, new_id)


def test_a_batch_context_that_nests_without_end_is_bad_input() -> None:
    with pytest.raises(BadInput, match="context nests deeper"):
        read_batch({"batch": [], "context": {"deep": nested(300)}}, NOW, new_id)


def test_a_kind_that_does_not_exist_is_bad_input() -> None:
    with pytest.raises(BadInput, match="no “charge” calls"):
        read_call("charge", {"userId": "u"}, NOW, new_id)


# Rejections


def test_a_rejection_keeps_no_write_key() -> None:
    rejection = rejection_of("track", {"writeKey": "secret", "event": "e"})

    assert rejection.body == {"event": "e"}


def test_a_rejected_body_that_cannot_be_written_is_kept_as_text() -> None:
    rejection = rejection_of("track", {"userId": "u", "properties": nested(300)})

    assert rejection.code is RejectionCode.INVALID_FIELD
    assert rejection.body.startswith('{"userId": "u", "properties": [[[')


def test_a_rejected_body_that_nests_without_end_is_replaced_by_a_note() -> None:
    rejection = rejection_of("track", {"userId": "u", "properties": nested(5_000)})

    assert rejection.code is RejectionCode.INVALID_FIELD
    assert rejection.body == "(not kept: it cannot be written as JSON)"


# Lines


def test_a_line_is_one_call_with_its_type_inside() -> None:
    event = read_line(
        b'{"type":"identify","userId":"u","traits":{"a":1}}\n', NOW, "events.jsonl", 1
    )

    assert isinstance(event, ReportedEvent)
    assert event.type == "identify"
    assert event.traits == {"a": 1}


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b'{"type":"track"', RejectionCode.NOT_JSON),
        (b"\xff", RejectionCode.NOT_JSON),
        (b"\n", RejectionCode.NOT_JSON),
        (b"7", RejectionCode.NOT_AN_OBJECT),
        (b'{"userId":"u"}', RejectionCode.INVALID_FIELD),
    ],
)
def test_a_bad_line_is_a_rejection(line: bytes, code: RejectionCode) -> None:
    rejection = read_line(line, NOW, "events.jsonl", 1)

    assert isinstance(rejection, Rejection)
    assert rejection.code is code


def test_a_long_line_that_is_not_json_is_kept_in_part() -> None:
    rejection = read_line(b"x" * (MAX_KEPT_BODY + 5), NOW, "events.jsonl", 1)

    assert isinstance(rejection, Rejection)
    assert rejection.body == "x" * MAX_KEPT_BODY + "… (cut: 5 more bytes)"


# Whatever is sent

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters())
    | st.sampled_from(["track", "u", "ios", "users", "none", "2026-03-01", "ann@example.com"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip
ENTRY = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("id", "type", "value", "collection", "encoding"), VALUES)
)
DEVICE = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("id", "type", "token", "advertisingId"), VALUES)
)
TRAITS = st.fixed_dictionaries({}, optional=dict.fromkeys(("email", "phone"), VALUES))
CONTEXT = st.fixed_dictionaries(
    {},
    optional={
        "traits": TRAITS | VALUES,
        "device": DEVICE | VALUES,
        "externalIds": st.lists(ENTRY, max_size=4) | VALUES,
        "groupId": VALUES,
    },
)
KIND = st.sampled_from(["track", "identify", "page", "screen", "group", "alias", "merge"])
CALL = st.fixed_dictionaries(
    {},
    optional={
        "type": KIND | VALUES,
        "context": CONTEXT | VALUES,
        "traits": TRAITS | VALUES,
        "mergeProperties": st.lists(ENTRY, max_size=4) | VALUES,
        **dict.fromkeys(
            ("userId", "anonymousId", "previousId", "groupId", "messageId", "event", "name",
             "properties", "timestamp", "originalTimestamp", "sentAt"),
            VALUES,
        ),
    },
)  # fmt: skip


@given(st.lists(CALL | VALUES, max_size=4), CONTEXT | VALUES, VALUES)
def test_every_element_of_any_batch_is_an_event_or_a_rejection(
    batch: list[object], context: object, sent_at: object
) -> None:
    body = decode_json(json.dumps({"batch": batch, "context": context, "sentAt": sent_at}).encode())

    collected = read_batch(body, NOW, new_id)

    assert len(collected.events) + len(collected.rejections) == len(batch)
    for event in collected.events:
        assert event.identifiers
        assert len(event.message_id) <= 256
        orjson.dumps([event.properties, event.context])
    for rejection in collected.rejections:
        orjson.dumps([rejection.message, rejection.message_id, rejection.body])


@given(st.lists(CALL | VALUES, max_size=4), CONTEXT | VALUES)
def test_values_that_no_json_brings_raise_nothing_either(
    batch: list[object], context: object
) -> None:
    try:
        collected = read_batch({"batch": batch, "context": context}, NOW, new_id)
    except BadInput:
        return
    assert len(collected.events) + len(collected.rejections) == len(batch)


@given(KIND, CALL)
def test_any_call_is_an_event_or_a_rejection(kind: str, call: dict[str, Any]) -> None:
    collected = read_call(kind, call, NOW, new_id)

    assert len(collected.events) + len(collected.rejections) == 1


@given(st.binary(max_size=100))
def test_any_line_is_an_event_or_a_rejection(line: bytes) -> None:
    assert isinstance(read_line(line, NOW, "events.jsonl", 1), Rejection)


@pytest.mark.parametrize(
    ("group", "named"),
    [
        ({"groupId": "acme"}, set[str]()),
        ({"context": {"groupId": "acme"}}, set[str]()),
        ({}, {"email", "phone"}),
        ({"groupId": ""}, {"email", "phone"}),
        ({"groupId": "undefined"}, {"email", "phone"}),
    ],
)
def test_where_a_sender_mixes_accounts_in_traits_of_the_context_name_nobody_beside_an_account(
    group: dict[str, Any], named: set[str]
) -> None:
    context = {"traits": {"email": "a@b.example", "phone": "+1"}, **group.get("context", {})}
    call = {"userId": "u", **group, "context": context}

    collected = read_call("track", call, NOW, new_id, mixes_accounts=True)

    assert {each.type for each in collected.events[0].identifiers} == {"user_id", *named}
    assert collected.events[0].context_traits == context["traits"]


def test_what_an_identify_says_itself_names_the_person_beside_an_account_too() -> None:
    call = {"userId": "u", "groupId": "acme", "traits": {"email": "a@b.example"}}

    collected = read_call("identify", call, NOW, new_id, mixes_accounts=True)

    assert Identifier("email", "a@b.example") in collected.events[0].identifiers
