"""Events of Snowplow's trackers, as events of the tracking API."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from identity_service.collect.snowplow import read_payload, read_pixel
from identity_service.domain.events import ReportedEvent
from identity_service.errors import BadInput, TooLarge

NOW = 1_795_293_256_500
MOBILE = "iglu:com.snowplowanalytics.snowplow/mobile_context/jsonschema/1-0-3"
SESSION = "iglu:com.snowplowanalytics.snowplow/client_session/jsonschema/1-0-2"
SCREEN = "iglu:com.snowplowanalytics.mobile/screen_view/jsonschema/1-0-0"
ORDER = "iglu:com.example/order_completed/jsonschema/1-0-0"


def new_id() -> str:
    return "new"


def one(**event: Any) -> ReportedEvent:
    collected = read_payload({"schema": "s", "data": [event]}, NOW, new_id)
    assert collected.rejections == ()
    [read] = collected.events
    return read


def named(event: ReportedEvent) -> list[str]:
    return [f"{each.type}:{each.value}" for each in event.identifiers]


def enveloped(schema: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"schema": "envelope", "data": {"schema": schema, "data": data}}


def contexts(**of_schema: Any) -> dict[str, Any]:
    schemas = {"mobile": MOBILE, "session": SESSION}
    return {"data": [{"schema": schemas[n], "data": data} for n, data in of_schema.items()]}


def padded(value: object) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def bare(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_ids_of_person_browser_and_network() -> None:
    event = one(e="pv", page="Home", uid="u", duid="d", tnuid="t", nuid="n", eid="m")

    assert named(event) == ["user_id:u", "anonymous_id:d", "network_userid:t"]
    assert (event.type, event.name, event.message_id) == ("page", "Home", "m")


@pytest.mark.parametrize("encode", [padded, bare])
def test_base64_is_read_padded_and_not(encode: Any) -> None:
    described = enveloped(ORDER, {"total": 59.9, "note": "Ünï>>>???"})
    event = one(
        e="ue", uid="u", ue_px=encode(described), cx=encode(contexts(mobile={"osType": "x"}))
    )

    assert (event.type, event.name) == ("track", "order_completed")
    assert event.properties == {"total": 59.9, "note": "Ünï>>>???"}


def test_what_is_not_encoded_is_read_too() -> None:
    event = one(e="ue", uid="u", ue_pr=json.dumps(enveloped(ORDER, {"total": 1})))

    assert (event.name, event.properties) == ("order_completed", {"total": 1})


@pytest.mark.parametrize(
    ("mobile", "ids"),
    [
        ({"osType": "ios", "appleIdfv": "V", "appleIdfa": "A"}, ["ios.id:V", "ios.idfa:A"]),
        ({"osType": "android", "androidIdfa": "G"}, ["android.idfa:G"]),
        ({"osType": "linux", "androidIdfa": "G"}, []),
    ],
)
def test_ids_of_phones(mobile: dict[str, Any], ids: list[str]) -> None:
    described = enveloped(SCREEN, {"name": "Home"})
    co = contexts(mobile=mobile, session={"userId": "s"})
    event = one(e="ue", ue_pr=json.dumps(described), co=json.dumps(co))

    assert named(event) == ["anonymous_id:s", *ids]
    assert (event.type, event.name) == ("screen", "Home")


def test_a_structured_event_has_its_action_as_name() -> None:
    event = one(e="se", uid="u", se_ca="auth", se_ac="login", se_la="mobile")

    assert (event.name, event.properties) == ("login", {"category": "auth", "label": "mobile"})


def test_its_time_is_that_of_the_device_corrected_by_that_of_sending() -> None:
    right = one(e="pv", uid="u", dtm=str(NOW - 1_000), stm=str(NOW - 500))
    behind = one(e="pv", uid="u", dtm=str(NOW - 86_400_000), stm=str(NOW - 86_399_000))
    true = one(e="pv", uid="u", dtm=str(NOW - 1_000), ttm=str(NOW - 9_000), stm=str(NOW))

    assert (right.at, behind.at, true.at) == (NOW - 1_000, NOW - 1_000, NOW - 9_000)


def test_an_event_in_an_address_is_read_as_one_in_a_body() -> None:
    event = {"e": "pv", "page": "Home", "uid": "u", "eid": "m", "writeKey": "k"}

    [read] = read_pixel(event, NOW, new_id).events

    assert (read.name, named(read), read.message_id) == ("Home", ["user_id:u"], "m")
    assert "writeKey" not in json.dumps(dict(read.context))


@pytest.mark.parametrize("junk", ["%%%", "eyJ", "", 7, None, padded([1]), padded("x")])
def test_what_cannot_be_decoded_costs_only_itself(junk: Any) -> None:
    event = one(e="ue", uid="u", duid="d", ue_px=junk, cx=junk)

    assert named(event) == ["user_id:u", "anonymous_id:d"]


def test_bad_events_cost_no_other() -> None:
    data = [7, {"e": "pv"}, {"e": "pv", "uid": "u", "dtm": "soon"}, {"e": "pp", "uid": "u"}]

    collected = read_payload({"data": data}, NOW, new_id)

    assert [event.name for event in collected.events] == ["page_ping"]
    assert [each.code.value for each in collected.rejections] == [
        "NOT_AN_OBJECT",
        "NO_IDENTIFIER",
        "INVALID_TIME",
    ]


@pytest.mark.parametrize("body", [[], {}, {"data": {}}, "x", None])
def test_a_body_without_events_is_refused(body: object) -> None:
    with pytest.raises(BadInput):
        read_payload(body, NOW, new_id)


def test_what_is_hidden_in_base64_counts_as_what_is_not() -> None:
    hidden = base64.b64encode(b"[" + b"0," * 300_000 + b"0]").decode()
    events = [{"e": "ue", "uid": "u", "ue_px": hidden}] * 4

    with pytest.raises(TooLarge):
        read_payload({"data": events}, NOW, new_id)
    assert len(read_payload({"data": events[:3]}, NOW, new_id).events) == 3
