"""Rows of warehouse tables are the calls that they were."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

import pytest

from identity_service.collect.segment import read_call
from identity_service.collect.warehouse import Table, check_columns, read_row, table_of
from identity_service.domain.events import Rejection, RejectionCode, ReportedEvent
from identity_service.errors import BadInput

NOW = 1_790_000_000_000
WHEN = "2026-03-01T10:00:00.000Z"


def event_of(table: Table, **row: Any) -> ReportedEvent:
    event = read_row(row, table, NOW, "rows.csv", 3)
    assert isinstance(event, ReportedEvent), event
    return event


def called(kind: str, **call: Any) -> ReportedEvent:
    [event] = read_call(kind, call, NOW, str).events
    return event


def assert_same(row: ReportedEvent, call: ReportedEvent) -> None:
    for name in (
        *("message_id", "type", "name", "at", "identifiers", "properties", "traits"),
        *("context_traits", "account_id", "account_traits"),
    ):
        assert getattr(row, name) == getattr(call, name), name


def test_a_row_of_identifies_is_an_identify_call() -> None:
    row = event_of(
        Table.IDENTIFIES,
        id="m-1",
        user_id="u-1",
        anonymous_id="a-1",
        timestamp=WHEN,
        received_at=WHEN,
        uuid_ts=WHEN,
        email="ann@example.com",
        plan="pro",
        city="",
        context_traits_phone="+31612345678",
        context_ip="203.0.113.9",
    )

    assert_same(
        row,
        called(
            "identify",
            messageId="m-1",
            userId="u-1",
            anonymousId="a-1",
            timestamp=WHEN,
            traits={"email": "ann@example.com", "plan": "pro"},
            context={"traits": {"phone": "+31612345678"}},
        ),
    )
    assert row.context["ip"] == "203.0.113.9"


def test_a_row_of_a_table_of_one_event_is_a_track_call_with_its_properties() -> None:
    row = event_of(
        Table.EVENT,
        id="m-2",
        user_id="u-1",
        event="order_completed",
        event_text="Order Completed",
        timestamp=WHEN,
        revenue=12.5,
        context_device_id="ABC",
        context_device_type="iOS",
        context_device_advertising_id="IDFA",
        context_device_ad_tracking_enabled="true",
    )

    assert_same(
        row,
        called(
            "track",
            messageId="m-2",
            userId="u-1",
            event="Order Completed",
            timestamp=WHEN,
            properties={"revenue": 12.5},
            context={
                "device": {
                    "id": "ABC",
                    "type": "iOS",
                    "advertisingId": "IDFA",
                    "adTrackingEnabled": True,
                }
            },
        ),
    )


def test_an_event_of_tracks_is_the_one_of_the_table_of_its_name() -> None:
    ids = {"id": "m-2", "user_id": "u-1", "event": "order_completed", "timestamp": WHEN}

    in_tracks = event_of(Table.TRACKS, **ids)
    in_its_own = event_of(Table.EVENT, **ids, revenue=12.5)
    another = event_of(Table.EVENT, **(ids | {"id": "m-3"}))

    assert in_tracks.identity == in_its_own.identity
    assert in_tracks.identity != another.identity


@pytest.mark.parametrize(
    ("table", "row", "kind", "call"),
    [
        (
            Table.PAGES,
            {"name": "Home", "url": "https://shop.example/"},
            "page",
            {"name": "Home", "properties": {"name": "Home", "url": "https://shop.example/"}},
        ),
        (
            Table.SCREENS,
            {"name": "Cart"},
            "screen",
            {"name": "Cart", "properties": {"name": "Cart"}},
        ),
        (
            Table.GROUPS,
            {"group_id": "acme", "email": "info@acme.example"},
            "group",
            {"groupId": "acme", "traits": {"email": "info@acme.example"}},
        ),
        (Table.ALIASES, {"previous_id": "a-0"}, "alias", {"previousId": "a-0"}),
    ],
    ids=str,
)
def test_rows_of_the_other_tables_are_the_calls_of_their_kind(
    table: Table, row: dict[str, Any], kind: str, call: dict[str, Any]
) -> None:
    found = event_of(table, id="m", user_id="u-1", timestamp=WHEN, **row)

    assert_same(found, called(kind, messageId="m", userId="u-1", timestamp=WHEN, **call))


def test_a_row_of_users_says_what_somebody_is_now() -> None:
    row = {"id": "u-1", "email": "ann@example.com", "received_at": WHEN, "uuid_ts": "x"}

    event = event_of(Table.USERS, **row)
    loaded_later = event_of(Table.USERS, **(row | {"uuid_ts": "y"}))
    changed = event_of(Table.USERS, **(row | {"email": "ann@new.example"}))
    changed_back = event_of(Table.USERS, **(row | {"received_at": "2026-03-02"}))

    assert (event.type, event.at) == ("identify", 1_772_359_200_000)
    assert event.traits == {"email": "ann@example.com"}
    assert [f"{i.type}:{i.value}" for i in event.identifiers] == [
        "user_id:u-1",
        "email:ann@example.com",
    ]
    assert event.identity == loaded_later.identity
    assert len({event.identity, changed.identity, changed_back.identity}) == 3


def test_without_a_time_of_its_own_a_row_happened_when_the_vendor_received_it() -> None:
    received = datetime(2026, 3, 1, 10, tzinfo=UTC)

    assert event_of(Table.TRACKS, user_id="u", received_at=received).at == 1_772_359_200_000
    assert event_of(Table.TRACKS, user_id="u", original_timestamp=WHEN).at == 1_772_359_200_000


def test_a_time_as_postgresql_writes_it_is_read() -> None:
    event = event_of(Table.TRACKS, user_id="u", timestamp="2026-03-01 11:00:00.000+01")

    assert event.at == 1_772_359_200_000


def test_external_ids_are_read_from_their_text() -> None:
    listed = '[{"type": "crm_id", "id": "c-1", "collection": "users", "encoding": "none"}]'

    event = event_of(Table.TRACKS, user_id="u", context_external_ids=listed)

    assert [f"{i.type}:{i.value}" for i in event.identifiers] == ["user_id:u", "crm_id:c-1"]


def test_a_row_without_an_id_is_known_by_what_it_says_and_its_place() -> None:
    def identity(number: int, **row: Any) -> object:
        event = read_row(row, Table.TRACKS, NOW, "rows.csv", number)
        assert isinstance(event, ReportedEvent)
        return event.identity

    first = identity(1, user_id="u", event="seen")

    assert first == identity(1, user_id="u", event="seen")
    assert first != identity(2, user_id="u", event="seen")
    assert first != identity(1, user_id="u", event="gone")


def test_a_row_of_nobody_is_rejected() -> None:
    rejection = read_row({"id": "m", "event": "seen"}, Table.TRACKS, NOW, "rows.csv", 1)

    assert isinstance(rejection, Rejection)
    assert rejection.code is RejectionCode.NO_IDENTIFIER


@pytest.mark.parametrize(
    ("path", "table"),
    [
        ("identifies.csv", Table.IDENTIFIES),
        ("IDENTIFIES.csv.gz", Table.IDENTIFIES),
        ("identifies_0001_part_00.parquet", Table.IDENTIFIES),
        ("tracks000000000012.csv", Table.TRACKS),
        ("shop/pages/part-00000-5c1b.snappy.parquet", Table.PAGES),
        ("shop/users.parquet/part-0.parquet", Table.USERS),
        ("shop/aliases/day=2026-03-01/0001.parquet", Table.ALIASES),
        ("_groups.csv", Table.GROUPS),
        ("screens/data_0_0_0.csv", Table.SCREENS),
        ("order_completed.csv", Table.EVENT),
        ("tracks/order_completed.csv", Table.EVENT),
        ("0001.csv", Table.EVENT),
    ],
)
def test_a_file_holds_the_table_of_its_name_or_of_its_folder(path: str, table: Table) -> None:
    assert table_of(PurePath(path)) is table


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        (Table.EVENT, ["id", "user_id", "total"]),
        (Table.USERS, ["user_id", "email"]),
        (Table.PAGES, ["id", "url"]),
    ],
)
def test_a_file_that_cannot_be_the_table_is_refused_with_the_column_that_is_missing(
    table: Table, columns: list[str]
) -> None:
    with pytest.raises(BadInput, match=f"It has no column .+ as the table “{table}” would"):
        check_columns(table, columns)
