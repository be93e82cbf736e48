"""What a policy rejected is read again as it was, or as somebody repaired it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from identity_service.collect.event_bodies import is_event_body, read_event_body
from identity_service.collect.segment import read_again, read_batch, read_call, read_line
from identity_service.domain.events import Rejection, RejectionCode, ReportedEvent, event_body

RECEIVED = 1_700_000_000_000

CALL: dict[str, Any] = {
    "type": "identify",
    "messageId": "m1",
    "userId": "null",
    "traits": {"email": "ann@example.com", "plan": "pro"},
    "context": {"groupId": "acme", "device": {"id": "d", "type": "ios"}},
    "timestamp": "2023-11-14T10:00:00Z",
}


def never() -> str:
    raise AssertionError("It has a message id.")


def event_of(call: dict[str, Any]) -> ReportedEvent:
    [event] = read_batch({"batch": [call]}, RECEIVED, never).events
    return event


def kept(body: object) -> Any:
    """A body as it comes back from the graph."""
    return orjson.loads(orjson.dumps(body))


def test_an_event_is_read_again_as_it_was() -> None:
    event = event_of(CALL)

    again = read_event_body(kept(event_body(event)), event.place, event.digest)

    assert again == event
    assert isinstance(again, ReportedEvent)
    assert again.identity == event.identity


def test_one_that_was_repaired_is_another_event_and_always_the_same() -> None:
    event = event_of(CALL)
    repaired = kept(event_body(event))
    repaired["identifiers"][0]["value"] = "u-1"

    first, second = (read_event_body(repaired, 0, None) for _ in range(2))

    assert first == second
    assert isinstance(first, ReportedEvent)
    assert first.identity != event.identity
    assert str(first.identifiers[0]) == "user_id:u-1"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"at": "yesterday"}, "at: "),
        ({"messageId": ""}, "messageId: "),
        ({"identifiers": [{"type": "email"}]}, "identifiers.0.value: "),
        ({"colour": "red"}, "colour: "),
    ],
)
def test_a_mistake_is_named_with_its_place(change: dict[str, Any], said: str) -> None:
    found = read_event_body({**event_body(event_of(CALL)), **change}, 0, None)

    assert isinstance(found, Rejection)
    assert found.code is RejectionCode.INVALID_FIELD
    assert said in found.message


def test_the_form_of_an_event_is_told_from_a_call() -> None:
    assert is_event_body(event_body(event_of(CALL)))
    assert not is_event_body(CALL)
    assert not is_event_body("text")


def rejection_of(batch: dict[str, Any]) -> Rejection:
    [rejection] = read_batch(batch, RECEIVED, never).rejections
    return rejection


def again(rejection: Rejection, **repaired: Any) -> ReportedEvent | Rejection:
    body = {**rejection.body, **repaired}
    return read_again(body, kept(rejection.sent_with or {}), RECEIVED, lambda: "made")


def test_a_repaired_call_gets_time_context_and_place_of_its_first_receipt() -> None:
    calls = [{"type": "page", "userId": "a", "messageId": "m0"}, {**CALL, "timestamp": "soon"}]
    batch = {
        "batch": calls,
        "context": {"app": "shop", "userHash": "secret"},
        "sentAt": "2023-11-14T00:00:00Z",
    }
    rejection = rejection_of(batch)
    as_sent = read_batch({**batch, "batch": [calls[0], CALL]}, RECEIVED, never).events[1]

    repaired = again(rejection, timestamp=CALL["timestamp"])

    assert isinstance(repaired, ReportedEvent)
    assert (repaired.at, repaired.place) == (as_sent.at, 1)
    assert repaired.context["app"] == "shop"
    assert repaired.identity == as_sent.identity
    assert "secret" not in str(rejection.sent_with)


def test_a_call_of_a_route_keeps_its_kind() -> None:
    [rejection] = read_call("track", {"event": "Paid"}, RECEIVED, lambda: "lost").rejections

    repaired = again(rejection, userId="u")

    assert isinstance(repaired, ReportedEvent)
    assert (repaired.type, repaired.name, repaired.message_id) == ("track", "Paid", "made")


def test_a_call_of_jitsu_still_gives_no_identifier_of_its_account() -> None:
    call = {
        "messageId": "m",
        "context": {"traits": {"email": "info@acme.example"}},
        "groupId": "acme",
    }
    [rejection] = read_call("track", call, RECEIVED, never, mixes_accounts=True).rejections

    repaired = again(rejection, userId="u")

    assert isinstance(repaired, ReportedEvent)
    assert [str(each) for each in repaired.identifiers] == ["user_id:u"]


def test_a_repaired_line_is_not_corrected_by_when_it_was_loaded() -> None:
    line = orjson.dumps({**CALL, "timestamp": "soon", "sentAt": "2020-01-01T00:00:00Z"})
    rejection = read_line(line, RECEIVED, "file", 7)
    assert isinstance(rejection, Rejection)

    repaired = again(rejection, timestamp=CALL["timestamp"])

    assert isinstance(repaired, ReportedEvent)
    assert (repaired.at, repaired.place) == (1_699_956_000_000, 7)


def test_what_is_still_wrong_is_rejected_again() -> None:
    rejection = rejection_of({"batch": [{**CALL, "timestamp": "soon"}]})

    found = again(rejection)

    assert isinstance(found, Rejection)
    assert found.code is RejectionCode.INVALID_TIME
