"""Cursor values: what is greater, where the next query begins, and what is none."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from identity_service.collect.cursors import CursorValue, read_cursor
from identity_service.errors import BadInput

MINUTE = 60_000
EAST = timezone(timedelta(hours=2))


def local(*when: int) -> datetime:
    """A time without an offset."""
    return datetime(*when, tzinfo=UTC).replace(tzinfo=None)  # pyright: ignore[reportArgumentType]


def value(raw: object) -> CursorValue:
    found = read_cursor(raw)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("raw", "bound"),
    [
        (1_500, 1_490),
        (Decimal("1500.00"), 1_490),
        (local(2026, 3, 1, 10, 5, 1, 7), local(2026, 3, 1, 10, 4, 1, 7)),
        (
            datetime(2026, 3, 1, 12, 5, tzinfo=EAST),
            datetime(2026, 3, 1, 10, 4, tzinfo=UTC),
        ),
        (date(2026, 3, 2), date(2026, 3, 1)),
        ("2026-03-01 10:05:00", "2026-03-01 10:04:00"),
        ("2026-03-01T10:05:00.999Z", "2026-03-01 10:04:00"),
        (local(1, 1, 1), local(1, 1, 1)),
    ],
    ids=repr,
)
def test_a_query_begins_an_overlap_before_the_last_value_in_the_form_of_that(
    raw: object, bound: object
) -> None:
    found = value(raw).bound(MINUTE, 10)

    assert found == bound
    assert type(found) is type(bound)


@pytest.mark.parametrize(
    "spelled",
    [
        "2026-01-01 00:00:59",
        "2026-01-01 00:00:59.000000",
        "2026-01-01T00:00:59",
        "2026-01-01T00:00:59Z",
        "2026-01-01 00:00:59+00:00",
    ],
)
def test_text_is_bound_so_that_no_spelling_of_the_same_time_is_less(spelled: str) -> None:
    for other in ("2026-01-01 00:00:59", "2026-01-01T00:00:59.000000Z"):
        assert spelled >= value(other).bound(0, None)


def test_values_are_stored_as_text_and_found_again() -> None:
    for raw in (7, local(2026, 3, 1, 10, 5, 1, 7), "2026-03-01", date(2026, 3, 1)):
        assert CursorValue.parse(str(value(raw))) == value(raw)


def test_times_are_compared_as_times_whatever_their_spelling() -> None:
    same = [
        local(2026, 3, 1, 10),
        datetime(2026, 3, 1, 12, tzinfo=EAST),
        "2026-03-01 10:00:00",
        "2026-03-01T10:00:00.000Z",
    ]

    assert len({value(each).value for each in same}) == 1
    assert value(same[0]).at == 1_772_359_200_000
    assert value(same[0]).shown == "2026-03-01T10:00:00.000Z"
    assert (value(12).at, value(12).shown) == (None, "12")


def test_null_is_no_value() -> None:
    assert read_cursor(None) is None


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (True, "not bool"),
        (1.5, "not float"),
        (Decimal("1.5"), "not Decimal"),
        ("1500", "not str"),
        ("A-17", "no time in ISO 8601"),
        ("2026-03-01T10:00:00+02:00", "not in UTC"),
    ],
)
def test_what_is_neither_a_time_nor_an_integer_is_refused(raw: Any, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        read_cursor(raw)


def test_an_overlap_of_the_other_kind_is_refused() -> None:
    with pytest.raises(BadInput, match="number of rows"):
        value(5).bound(MINUTE, None)
    with pytest.raises(BadInput, match="such as 10m"):
        value(date(2026, 3, 1)).bound(None, 10)
