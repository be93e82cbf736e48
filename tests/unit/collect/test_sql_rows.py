"""Rows of queries as calls, and by what they are known again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from identity_service.collect.polled import CallKind, PolledCall
from identity_service.collect.sql_rows import gone_row, read_row
from identity_service.domain.events import Rejection, RejectionCode, ReportedEvent
from identity_service.errors import BadInput

NOW = 1_790_000_000_000
UPDATED = datetime(2026, 3, 1, 10, tzinfo=UTC)

IDENTIFY = PolledCall(
    kind=CallKind.IDENTIFY,
    event=None,
    label="identify",
    query="SELECT 1",
    cursor="updated_at",
    overlap_ms=1,
    overlap_rows=None,
    key=("id",),
    at=None,
    user_id="id",
    anonymous_id=None,
    group_id=None,
    identifiers={},
    carried=("email", "plan"),
    is_ordered=True,
)
TRACK = replace(
    IDENTIFY,
    kind=CallKind.TRACK,
    event="Subscription Started",
    label="track Subscription Started",
    at="started_at",
    carried=("amount",),
)
USER = {"id": 7, "email": "ann@example.com", "plan": None, "updated_at": UPDATED}
STARTED = {"id": 7, "amount": 9.5, "started_at": "2026-02-01", "updated_at": UPDATED}


def read(call: PolledCall, row: dict[str, Any], source: str = "crm") -> ReportedEvent | Rejection:
    one = read_row(source, call, row, NOW, 3).call
    assert one is not None
    return one


def event_of(call: PolledCall, row: dict[str, Any], source: str = "crm") -> ReportedEvent:
    event = read(call, row, source)
    assert isinstance(event, ReportedEvent), event
    return event


def identifiers(event: ReportedEvent) -> list[str]:
    return [f"{i.type}:{i.value}" for i in event.identifiers]


def test_a_row_of_an_identify_call_says_the_traits_at_the_time_of_its_cursor() -> None:
    event = event_of(IDENTIFY, USER)

    assert (event.type, event.at) == ("identify", 1_772_359_200_000)
    assert identifiers(event) == ["user_id:7", "email:ann@example.com"]
    assert event.traits == {"email": "ann@example.com"}


def test_a_row_of_a_track_call_happened_at_its_own_time() -> None:
    event = event_of(TRACK, STARTED)

    assert (event.type, event.name) == ("track", "Subscription Started")
    assert event.at == 1_769_904_000_000
    assert event.properties == {"amount": 9.5}


def test_a_row_of_a_group_call_describes_the_account() -> None:
    call = replace(
        IDENTIFY, kind=CallKind.GROUP, label="group", group_id="plan", carried=("email",)
    )

    event = event_of(call, USER | {"plan": "acme"})

    assert (event.type, event.account_id) == ("group", "acme")
    assert event.account_traits == {"email": "ann@example.com"}
    assert identifiers(event) == ["user_id:7"]


def test_other_columns_can_be_identifiers_of_any_type() -> None:
    call = replace(
        IDENTIFY,
        user_id=None,
        anonymous_id="cookie",
        identifiers={"crm_id": "id", "stripe_customer_id": "stripe"},
    )

    event = event_of(call, USER | {"cookie": "a-1", "stripe": None})

    assert identifiers(event) == ["anonymous_id:a-1", "email:ann@example.com", "crm_id:7"]


def test_an_integer_as_cursor_says_no_time() -> None:
    assert event_of(IDENTIFY, USER | {"updated_at": 12}).at == NOW


def test_a_row_that_is_read_again_is_the_same_event() -> None:
    again = USER | {"updated_at": datetime(2026, 3, 1, 10, tzinfo=UTC)}

    assert event_of(IDENTIFY, USER).identity == event_of(IDENTIFY, again).identity


def test_a_row_of_an_identify_call_that_has_changed_is_another_event() -> None:
    changed = [
        event_of(IDENTIFY, USER),
        event_of(IDENTIFY, USER | {"plan": "pro"}),
        event_of(IDENTIFY, USER | {"id": 8}),
        event_of(IDENTIFY, USER | {"updated_at": datetime(2026, 3, 2, tzinfo=UTC)}),
        event_of(IDENTIFY, USER, source="other"),
        event_of(replace(IDENTIFY, label="identify 2"), USER),
    ]

    assert len({event.identity for event in changed}) == len(changed)


def test_a_row_of_a_track_call_is_known_whatever_else_changes_in_it() -> None:
    corrected = event_of(TRACK, STARTED | {"amount": 12})

    assert corrected.identity == event_of(TRACK, STARTED).identity


def test_a_row_of_nobody_is_rejected_and_says_where_it_comes_from() -> None:
    call = replace(IDENTIFY, user_id="who", carried=())

    rejection = read(call, USER | {"who": None})

    assert isinstance(rejection, Rejection)
    assert rejection.code is RejectionCode.NO_IDENTIFIER
    assert rejection.message.endswith("(crm, identify, key 7)")
    assert (rejection.message_id or "").startswith("polled:")


def test_a_row_that_is_gone_is_an_event_of_whoever_it_was() -> None:
    call = replace(IDENTIFY, identifiers={"crm_id": "id"})
    row = read_row("crm", call, USER, NOW, 3)

    gone = gone_row("crm", call, row.key, row.who, 17, NOW)
    again = gone_row("crm", call, row.key, row.who, 17, NOW + 1)
    later = gone_row("crm", call, row.key, row.who, 18, NOW)

    assert isinstance(gone, ReportedEvent)
    assert isinstance(again, ReportedEvent)
    assert isinstance(later, ReportedEvent)
    assert (row.key, gone.type, gone.name, gone.at) == ("[7]", "track", "Deleted", NOW)
    assert identifiers(gone) == ["user_id:7", "crm_id:7"]
    assert gone.identity == again.identity != later.identity


def test_a_column_that_is_missing_is_named() -> None:
    with pytest.raises(BadInput, match="“identify” gives no column “plan”"):
        read(IDENTIFY, {"id": 7, "email": "", "updated_at": 1})
