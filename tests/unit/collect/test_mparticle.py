"""Batches of mParticle, as events of the tracking API."""

from __future__ import annotations

from typing import Any

import pytest

from identity_service.collect.mparticle import MAX_BATCHES, read_bulk_events, read_events
from identity_service.domain.events import ReportedEvent
from identity_service.errors import BadInput, TooLarge

NOW = 1_795_000_000_000


def new_id() -> str:
    return "new"


def batch(**given: Any) -> dict[str, Any]:
    event = {"event_type": "custom_event", "data": {"event_name": "signed up"}}
    return {"events": [event], "environment": "production", **given}


def one(body: dict[str, Any]) -> ReportedEvent:
    collected = read_events(body, NOW, new_id)
    assert collected.rejections == ()
    [event] = collected.events
    return event


def named(body: dict[str, Any]) -> list[str]:
    return [f"{each.type}:{each.value}" for each in one(body).identifiers]


@pytest.mark.parametrize("spelling", ["customerid", "customer_id"])
def test_identities_are_read_in_both_spellings(spelling: str) -> None:
    identities = {
        spelling: "u-1",
        "email": "Ada@example.com",
        "other": "x",
        "other_id_2": "y",
        "mobile_number": "+14155550123",
        "phone_number_2": "+14155550124",
        "facebook": None,
    }

    assert named(batch(user_identities=identities)) == [
        "user_id:u-1",
        "email:Ada@example.com",
        "other:x",
        "other_id_2:y",
        "phone:+14155550123",
        "phone:+14155550124",
    ]


@pytest.mark.parametrize("mpid", [-5384384720837470000, 2**63 - 1, -(2**63)])
def test_an_mpid_keeps_every_digit_and_its_sign(mpid: int) -> None:
    assert named(batch(mpid=mpid)) == [f"mpid:{mpid}"]


@pytest.mark.parametrize(
    ("info", "ids"),
    [
        (
            {"platform": "iOS", "ios_idfv": "V", "ios_advertising_id": "A", "push_token": "T"},
            ["ios.id:V", "ios.idfa:A", "ios.push_token:T"],
        ),
        (
            {"platform": "iOS", "ios_idfv": "V", "ios_advertising_id": "A"}
            | {"att_authorization_status": "denied"},
            ["ios.id:V"],
        ),
        (
            {"platform": "Android", "android_uuid": "U", "android_advertising_id": "G"},
            ["android.id:U", "android.idfa:G"],
        ),
        (
            {"platform": "Android", "android_uuid": "U", "android_advertising_id": "G"}
            | {"limit_ad_tracking": True},
            ["android.id:U"],
        ),
        ({"platform": "web", "android_uuid": "U"}, []),
    ],
)
def test_device_ids_are_read_where_tracking_is_allowed(
    info: dict[str, Any], ids: list[str]
) -> None:
    body = batch(device_info=info, user_identities={"customerid": "u"})

    assert named(body) == ["user_id:u", *ids]


def test_attributes_are_traits_and_the_mobile_number_is_a_phone() -> None:
    attributes = {"$FirstName": "Ada", "$Mobile": "+14155550123", "plan": "pro"}

    event = one(batch(user_identities={"customerid": "u"}, user_attributes=attributes))

    assert event.context_traits == {"firstName": "Ada", "phone": "+14155550123", "plan": "pro"}
    assert "phone:+14155550123" in [f"{i.type}:{i.value}" for i in event.identifiers]


def test_a_batch_without_events_says_who_somebody_is() -> None:
    body = {"user_identities": {"customerid": "u"}, "user_attributes": {"plan": "pro"}}

    event = one(body)

    assert (event.type, event.traits) == ("identify", {"plan": "pro"})


@pytest.mark.parametrize(
    ("event", "kind", "name", "properties"),
    [
        (
            {
                "event_type": "custom_event",
                "data": {"event_name": "n", "custom_attributes": {"url": "u"}},
            },
            "track",
            "n",
            {"event_name": "n", "url": "u"},
        ),
        (
            {"event_type": "screen_view", "data": {"screen_name": "Home"}},
            "screen",
            "Home",
            {"screen_name": "Home"},
        ),
        (
            {
                "event_type": "commerce_event",
                "data": {"product_action": {"action": "purchase", "total_amount": 59.9}},
            },
            "track",
            "purchase",
            {"product_action": {"action": "purchase", "total_amount": 59.9}},
        ),
        ({"event_type": "session_start", "data": {}}, "track", "session_start", {}),
        ({"event_type": "session_end"}, "track", "session_end", {}),
    ],
)
def test_each_kind_of_event_has_its_name(
    event: dict[str, Any], kind: str, name: str, properties: dict[str, Any]
) -> None:
    read = one(batch(events=[event], user_identities={"customerid": "u"}))

    assert (read.type, read.name, read.properties) == (kind, name, properties)


def test_the_time_of_an_event_outranks_that_of_its_batch() -> None:
    of_event = {"timestamp_unixtime_ms": 1_709_287_200_000, "event_name": "n"}
    events = [
        {"event_type": "custom_event", "data": of_event},
        {"event_type": "custom_event", "data": {"event_name": "n"}},
    ]
    body = batch(
        events=events,
        timestamp_unixtime_ms=1_709_287_300_000,
        user_identities={"customerid": "u"},
    )

    read = read_events(body, NOW, new_id).events

    assert [event.at for event in read] == [1_709_287_200_000, 1_709_287_300_000]


def test_an_event_is_one_by_its_id() -> None:
    data = {"event_name": "n", "source_message_id": "m-1"}
    event = {"event_type": "custom_event", "data": data}

    assert one(batch(events=[event], user_identities={"customerid": "u"})).message_id == "m-1"


def test_a_bad_event_costs_no_other() -> None:
    bad = {"event_type": "custom_event", "data": {"timestamp_unixtime_ms": "Home"}}
    good = {"event_type": "custom_event", "data": {"event_name": "n"}}

    collected = read_bulk_events(
        [batch(events=[bad, good, 7], user_identities={"customerid": "u"}), batch()], NOW, new_id
    )

    assert [event.name for event in collected.events] == ["n"]
    assert [each.code.value for each in collected.rejections] == [
        "INVALID_TIME",
        "NOT_AN_OBJECT",
        "NO_IDENTIFIER",
    ]


@pytest.mark.parametrize("body", [[], {}, [7], "x", None])
def test_what_is_no_list_of_batches_is_refused(body: object) -> None:
    if body == []:
        assert read_bulk_events(body, NOW, new_id).events == ()
        return
    with pytest.raises(BadInput):
        read_bulk_events(body, NOW, new_id)


def test_a_request_has_so_many_batches_at_most() -> None:
    assert len(read_bulk_events([batch(mpid=1)] * MAX_BATCHES, NOW, new_id).events) == MAX_BATCHES
    with pytest.raises(TooLarge):
        read_bulk_events([batch(mpid=1)] * (MAX_BATCHES + 1), NOW, new_id)
