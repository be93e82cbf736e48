"""Requests that real SDKs sent on one journey, read byte for byte.

The journey is one person: anonymous on the web and on a phone, then `u-1001` with an e-mail and a
phone number, in the group `acct-9`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest

from identity_service.collect.body import decode_body
from identity_service.collect.keys import keys_outside
from identity_service.collect.segment import Collected, read_batch, read_call
from identity_service.domain.events import EventIdentity, ReportedEvent
from identity_service.domain.identifiers import Identifier

RECORDINGS = Path(__file__).parent / "recordings"
CLIENTS = sorted(path.stem for path in RECORDINGS.glob("*.json"))
BATCH_ROUTES = {"batch", "b"}
KINDS = {
    name: kind
    for kind in ("track", "identify", "page", "screen", "group", "alias")
    for name in (kind, kind[0])
}
NETWORK_DELAY = 100


def requests_of(client: str) -> Iterator[dict[str, Any]]:
    recording = json.loads((RECORDINGS / f"{client}.json").read_text())
    return (one for one in recording["requests"] if one["method"] == "POST")


def raw_body(request: dict[str, Any]) -> bytes:
    if "wire_base64" in request:
        return base64.b64decode(request["wire_base64"])
    return orjson.dumps(request["body"])


def milliseconds(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return int(moment.timestamp()) * 1000 + moment.microsecond // 1000


def calls_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    return body.get("batch", [body])


def received_at(body: dict[str, Any]) -> int:
    sent_at = body.get("sentAt") or calls_of(body)[0]["sentAt"]
    return milliseconds(sent_at) + NETWORK_DELAY


def new_id() -> str:
    raise AssertionError("every SDK gives its calls an id")


def collect(request: dict[str, Any]) -> Collected:
    body = decode_body(raw_body(request))
    return read(request, body, received_at(body))


def read(request: dict[str, Any], body: Any, received_at: int) -> Collected:
    route = request["path"].rsplit("/", 1)[1]
    if route in BATCH_ROUTES:
        return read_batch(body, received_at, new_id)
    return read_call(KINDS[route], body, received_at, new_id)


def events_of(client: str) -> list[ReportedEvent]:
    return [event for request in requests_of(client) for event in collect(request).events]


@pytest.mark.parametrize("client", CLIENTS)
def test_every_call_of_every_sdk_is_taken(client: str) -> None:
    for request in requests_of(client):
        collected = collect(request)

        assert collected.rejections == ()
        sent = [call["messageId"] for call in calls_of(request["body"])]
        assert [event.message_id for event in collected.events] == sent


@pytest.mark.parametrize("client", CLIENTS)
def test_the_events_of_every_sdk_have_the_time_that_their_sender_means(client: str) -> None:
    for request in requests_of(client):
        collected = collect(request)

        for call, event in zip(calls_of(request["body"]), collected.events, strict=True):
            stated = call["timestamp"] if "timestamp" in call else call["originalTimestamp"]
            assert event.at == milliseconds(stated)


@pytest.mark.parametrize("client", CLIENTS)
def test_what_every_sdk_sends_again_a_day_later_is_the_same(client: str) -> None:
    for request in requests_of(client):
        body = decode_body(raw_body(request))
        again = json.loads(json.dumps(body))
        for one in (again, *calls_of(again)):
            if "sentAt" in one:
                one["sentAt"] = "2031-01-01T00:00:00.000Z"

        assert identities(request, body) == identities(request, again)


def identities(request: dict[str, Any], body: Any) -> list[EventIdentity]:
    return [event.identity for event in read(request, body, received_at(body)).events]


@pytest.mark.parametrize("client", CLIENTS)
def test_the_journey_leads_from_an_anonymous_visitor_to_u_1001(client: str) -> None:
    events = events_of(client)

    first = events[0]
    [sign_up, *_] = [
        event
        for event in events
        if event.type == "identify" and "phone" in {**event.traits, **event.context_traits}
    ]

    assert [identifier.type for identifier in first.identifiers] == ["anonymous_id"]
    assert sign_up.identifiers == (
        Identifier("user_id", "u-1001"),
        first.identifiers[0],
        Identifier("email", "Ada.Lovelace@example.com"),
        Identifier("phone", "+14155550123"),
    )


@pytest.mark.parametrize("client", CLIENTS)
def test_the_name_of_the_group_is_the_account_s_and_never_the_person_s(client: str) -> None:
    groups = [event for event in events_of(client) if event.type == "group"]

    assert groups
    for group in groups:
        assert group.account_id == "acct-9"
        assert group.account_traits["name"] == "Analytical Engines Ltd"
        assert group.traits == {}
        assert "name" not in group.context_traits


def test_an_account_s_trait_among_the_person_s_comes_with_the_account_s_name() -> None:
    mixed = [event for event in events_of("jitsu-js-browser") if "name" in event.context_traits]

    assert mixed
    for event in mixed:
        assert event.context_traits["name"] == "Analytical Engines Ltd"
        assert event.account_id == "acct-9"


# Jitsu's browser SDK has no alias call.
@pytest.mark.parametrize("client", [one for one in CLIENTS if one != "jitsu-js-browser"])
def test_an_alias_names_the_previous_id_as_an_anonymous_one(client: str) -> None:
    aliases = [event for event in events_of(client) if event.type == "alias"]

    assert aliases
    for alias in aliases:
        assert Identifier("user_id", "u-1001") in alias.identifiers
        assert Identifier("anonymous_id", "legacy-77") in alias.identifiers


def test_a_phone_s_ids_are_read_where_its_owner_allows_tracking() -> None:
    device = "B5372DB0-C21E-11E4-8DFC-AA07A5B093DB"
    [opened, *_] = [e for e in events_of("segment-analytics-python") if "device" in e.context]

    types = {identifier.type: identifier.value for identifier in opened.identifiers}

    assert types["ios.id"] == device
    assert types["ios.idfa"] == "7A3CBEA0-BDF5-11E4-8DFC-AA07A5B093DB"
    assert types["ios.push_token"].startswith("ff15bc0c")


@pytest.mark.parametrize("client", CLIENTS)
def test_every_request_carries_its_write_key(client: str) -> None:
    for request in requests_of(client):
        headers = {name.lower().encode(): value.encode() for name, value in request["headers"]}
        query = urlencode(dict(request["query"])).encode()

        key = keys_outside(headers, query).write_key(request["body"])

        assert key in {"WRITE_KEY", "WRITE_KEY_0123456789abcdefghi", "KEYID"}


@pytest.mark.parametrize("client", CLIENTS)
def test_no_write_key_is_kept_with_an_event(client: str) -> None:
    for event in events_of(client):
        assert b"WRITE_KEY" not in orjson.dumps([event.properties, event.context])
        assert b"KEYID" not in orjson.dumps([event.properties, event.context])
