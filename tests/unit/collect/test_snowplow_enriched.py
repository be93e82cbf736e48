"""Snowplow's enriched events are read as what their trackers sent."""

from __future__ import annotations

import json
from typing import Any

from identity_service.collect.snowplow import read_payload
from identity_service.collect.snowplow_enriched import COLUMNS, read_line
from identity_service.domain.events import Rejection, RejectionCode, ReportedEvent

NOW = 1_790_000_000_000

MOBILE = {
    "schema": "iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-0",
    "data": [
        {
            "schema": "iglu:com.snowplowanalytics.snowplow/mobile_context/jsonschema/1-0-2",
            "data": {"osType": "ios", "appleIdfv": "idfv-1"},
        }
    ],
}
ADDED = {
    "schema": "iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0",
    "data": {"schema": "iglu:com.shop/cart_added/jsonschema/1-0-0", "data": {"sku": "s-1"}},
}


def line_of(**columns: str) -> bytes:
    assert columns.keys() <= set(COLUMNS)
    return "\t".join(columns.get(name, "") for name in COLUMNS).encode() + b"\n"


def event_of(**columns: str) -> ReportedEvent:
    event = read_line(line_of(**columns), NOW, "part-00000.gz", 7)
    assert isinstance(event, ReportedEvent), event
    return event


def rejection_of(line: bytes) -> Rejection:
    rejection = read_line(line, NOW, "part-00000.gz", 7)
    assert isinstance(rejection, Rejection)
    return rejection


def test_the_columns_stand_where_snowplow_puts_them() -> None:
    places = {6: "event_id", 12: "user_id", 52: "contexts", 58: "unstruct_event"}
    more = {119: "dvce_sent_tstamp", 124: "derived_tstamp", 130: "true_tstamp"}

    assert len(COLUMNS) == len(set(COLUMNS)) == 131
    assert all(COLUMNS[place] == name for place, name in (places | more).items())


def test_an_event_is_read_as_the_tracker_sent_it() -> None:
    sent: dict[str, Any] = {
        "e": "ue",
        "eid": "e-1",
        "uid": "u-1",
        "duid": "d-1",
        "nuid": "n-1",
        "ue_pr": json.dumps(ADDED),
        "co": json.dumps(MOBILE),
        "dtm": "1789999999000",
    }

    [tracked] = read_payload({"data": [sent]}, NOW, str).events
    enriched = event_of(
        event="unstruct",
        event_id="e-1",
        user_id="u-1",
        domain_userid="d-1",
        network_userid="n-1",
        unstruct_event=json.dumps(ADDED),
        contexts=json.dumps(MOBILE),
        derived_tstamp="2026-09-21 14:13:19.000",
    )

    for name in ("message_id", "type", "name", "identifiers", "properties"):
        assert getattr(enriched, name) == getattr(tracked, name), name
    assert {f"{i.type}:{i.value}" for i in enriched.identifiers} == {
        *("user_id:u-1", "anonymous_id:d-1", "network_userid:n-1", "ios.id:idfv-1")
    }


def test_an_event_happened_when_snowplow_says_that_it_did() -> None:
    times = {"collector_tstamp": "2026-02-01 10:00:05.123", "dvce_created_tstamp": "2020-01-02"}

    corrected = event_of(user_id="u", derived_tstamp="2026-02-01 10:00:01.500", **times)
    not_corrected = event_of(user_id="u", **times)

    assert corrected.at == 1_769_940_001_500
    assert not_corrected.at == 1_769_940_005_123


def test_what_enrichment_added_is_kept_with_the_event() -> None:
    derived: dict[str, Any] = {"schema": "iglu:x/contexts/jsonschema/1-0-0", "data": []}

    event = event_of(
        event="page_view",
        domain_userid="d-1",
        page_url="https://shop.example/",
        geo_city="Utrecht",
        refr_domain_userid="d-0",
        derived_contexts=json.dumps(derived),
    )

    assert (event.type, event.properties["url"]) == ("page", "https://shop.example/")
    kept = event.context["snowplow"]
    assert (kept["geo_city"], kept["refr_domain_userid"]) == ("Utrecht", "d-0")
    assert kept["derived_contexts"] == derived
    assert [i.value for i in event.identifiers] == ["d-1"]


def test_a_line_with_other_columns_is_rejected_with_how_many_it_has() -> None:
    rejection = rejection_of(b"shop\tweb\tx\n")

    assert rejection.code is RejectionCode.INVALID_FIELD
    assert rejection.message == "An enriched event has 131 columns; this line has 3."
    assert rejection.body == "shop\tweb\tx\n"


def test_an_event_of_nobody_is_rejected() -> None:
    assert rejection_of(line_of(event="page_view")).code is RejectionCode.NO_IDENTIFIER


def test_json_that_is_none_stays_text() -> None:
    event = event_of(user_id="u", contexts="{", derived_contexts="[", event="struct")

    assert event.context["snowplow"]["co"] == "{"
    assert event.context["snowplow"]["derived_contexts"] == "["
