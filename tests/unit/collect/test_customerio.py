"""Calls of Customer.io's Track API, as events of the tracking API."""

from __future__ import annotations

from typing import Any

import pytest

from identity_service.collect.customerio import reader_of
from identity_service.collect.segment import Collected
from identity_service.domain.events import ReportedEvent
from identity_service.domain.upstream import NoticeKind
from identity_service.errors import BadInput

NOW = 1_795_000_000_000
CUSTOMERS = "/api/v1/customers"


def new_id() -> str:
    return "new"


def read(method: str, path: str, body: object) -> Collected:
    reader = reader_of(method, path)
    assert reader is not None
    return reader(body, NOW, new_id)


def one(method: str, path: str, body: object) -> ReportedEvent:
    collected = read(method, path, body)
    assert collected.rejections == ()
    [event] = collected.events
    return event


def named(event: ReportedEvent) -> list[str]:
    return [f"{each.type}:{each.value}" for each in event.identifiers]


@pytest.mark.parametrize(
    ("segment", "who"),
    [
        ("u-1001", "user_id:u-1001"),
        ("a%2Fb%20c", "user_id:a/b c"),
        ("Ada.Lovelace%40example.com", "email:Ada.Lovelace@example.com"),
        ("cio_03000001", "cio_id:cio_03000001"),
    ],
)
def test_whom_the_path_names(segment: str, who: str) -> None:
    identified = one("PUT", f"{CUSTOMERS}/{segment}", {"plan": "pro"})
    tracked = one("POST", f"{CUSTOMERS}/{segment}/events", {"name": "n"})

    assert named(identified) == named(tracked) == [who]
    assert (identified.type, identified.traits) == ("identify", {"plan": "pro"})
    assert (tracked.type, tracked.name) == ("track", "n")


def test_attributes_name_the_person_and_the_browser() -> None:
    body = {"email": "a@b.example", "phone": "+14155550123", "anonymous_id": "x"}

    event = one("PUT", f"{CUSTOMERS}/u", body)

    assert sorted(named(event)) == [
        "anonymous_id:x",
        "email:a@b.example",
        "phone:+14155550123",
        "user_id:u",
    ]
    assert "anonymous_id" not in event.traits


def test_an_event_has_its_id_its_time_and_its_data() -> None:
    body = {
        "name": "order completed",
        "id": "01HB4HBDKTFWYZCK01DMRSWRFD",
        "timestamp": 1_709_290_000,
        "data": {"total": 59.9},
        "anonymous_id": "x",
    }

    event = one("POST", "/api/v1/events", body)

    assert named(event) == ["anonymous_id:x"]
    assert (event.name, event.at, event.properties, event.message_id) == (
        "order completed",
        1_709_290_000_000,
        {"total": 59.9},
        "01HB4HBDKTFWYZCK01DMRSWRFD",
    )


@pytest.mark.parametrize("kind", ["page", "screen"])
def test_pages_and_screens_are_such(kind: str) -> None:
    event = one("POST", f"{CUSTOMERS}/u/events", {"type": kind, "name": "Home"})

    assert (event.type, event.name) == (kind, "Home")


@pytest.mark.parametrize("who", ["u", "a%40b.example"])
def test_a_device_is_a_push_token_beside_the_person(who: str) -> None:
    body = {"device": {"id": "T", "platform": "ios", "last_used": 1_709_287_300}}

    event = one("PUT", f"{CUSTOMERS}/{who}/devices", body)

    assert named(event)[0] in {"user_id:u", "ios.push_token:T"}
    assert len(event.identifiers) == 2
    assert "ios.push_token:T" in named(event)


@pytest.mark.parametrize(
    ("method", "rest", "name"),
    [
        ("DELETE", "", "Person Deleted"),
        ("POST", "/suppress", "Person Suppressed"),
        ("POST", "/unsuppress", "Person Unsuppressed"),
        ("DELETE", "/devices/T", "Device Removed"),
    ],
)
def test_what_takes_somebody_away_is_an_event_and_no_more(
    method: str, rest: str, name: str
) -> None:
    event = one(method, f"{CUSTOMERS}/u{rest}", {})

    assert (event.type, event.name, named(event)) == ("track", name, ["user_id:u"])


def test_a_merge_names_both_and_is_a_merge() -> None:
    body = {"primary": {"id": "u-1"}, "secondary": {"email": "a@b.example", "cio_id": "cio_1"}}

    event = one("POST", "/api/v1/merge_customers", body)

    assert event.type == "merge"
    assert named(event) == ["user_id:u-1", "email:a@b.example", "cio_id:cio_1"]


def test_a_batch_holds_people_and_names_their_accounts() -> None:
    ids = {"identifiers": {"object_type_id": "1", "object_id": "acct-9"}}
    batch = [
        {
            "type": "person",
            "identifiers": {"id": "u"},
            "action": "identify",
            "attributes": {"plan": "pro"},
            "cio_relationships": [ids],
        },
        {
            "type": "person",
            "identifiers": {"email": "a@b.example"},
            "action": "event",
            "name": "opened",
            "attributes": {"campaign": 7},
        },
        {"type": "object", **ids, "action": "identify", "attributes": {"name": "Engines"}},
        7,
    ]

    collected = read("POST", "/api/v2/batch", {"batch": batch})

    assert [(event.type, named(event)) for event in collected.events] == [
        ("identify", ["user_id:u"]),
        ("group", ["user_id:u"]),
        ("track", ["email:a@b.example"]),
    ]
    assert collected.events[0].traits == {"plan": "pro"}
    assert collected.events[1].account_id == "acct-9"
    assert collected.events[2].properties == {"campaign": 7}
    assert [each.code.value for each in collected.rejections] == [
        "NO_IDENTIFIER",
        "NOT_AN_OBJECT",
    ]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"{CUSTOMERS}/u"),
        ("POST", f"{CUSTOMERS}/u"),
        ("PUT", f"{CUSTOMERS}/u/events"),
        ("PUT", CUSTOMERS),
        ("PUT", f"{CUSTOMERS}/"),
        ("DELETE", f"{CUSTOMERS}/u/devices"),
        ("GET", "/api/v1/events"),
        ("POST", "/api/v1/other"),
        ("POST", "/api/v2/batch/"),
    ],
)
def test_there_are_no_other_routes(method: str, path: str) -> None:
    assert reader_of(method, path) is None


@pytest.mark.parametrize("body", [[], "x", 7, None])
def test_a_body_that_is_no_object_is_refused(body: object) -> None:
    for method, path in (("PUT", f"{CUSTOMERS}/u"), ("POST", "/api/v2/batch")):
        with pytest.raises(BadInput):
            read(method, path, body)


def test_a_batch_that_is_none_is_refused() -> None:
    with pytest.raises(BadInput):
        read("POST", "/api/v2/batch", {"batch": {}})


def test_values_of_the_wrong_kind_cost_only_themselves() -> None:
    body: dict[str, Any] = {"name": ["n"], "data": "x", "anonymous_id": {"a": 1}}

    event = one("POST", f"{CUSTOMERS}/u/events", body)

    assert "user_id:u" in named(event)
    assert event.properties == {}


@pytest.mark.parametrize(
    ("primary", "secondary", "named"),
    [
        ({"id": "u-1"}, {"email": "a@x.org"}, [["user_id:u-1", "email:a@x.org"]]),
        ({"id": "u-1"}, {"id": "u-2"}, [["user_id:u-1", "user_id:u-2"]]),
        ({"id": "u-1"}, {"id": "u-1"}, []),
        ({"id": "u-1"}, {}, []),
        ({"id": "u-1", "email": "a@x.org"}, {"id": "u-2"}, []),
    ],
)
def test_the_two_of_a_merge_are_for_an_agent_to_decide_about(
    primary: dict[str, str], secondary: dict[str, str], named: list[list[str]]
) -> None:
    merge = {"type": "person", "action": "merge", "primary": primary, "secondary": secondary}

    collected = read("POST", "/api/v2/batch", {"batch": [merge, "junk"]})

    assert [[str(each) for each in notice.identifiers] for notice in collected.notices] == named
    assert all(notice.kind is NoticeKind.MERGE for notice in collected.notices)
