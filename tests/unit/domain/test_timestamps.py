"""Moments, as people write them."""

from __future__ import annotations

import pytest

from identity_service.domain.timestamps import iso, iso_date, read_last_moment, read_moment

NEW_YEAR = 1_767_225_600_000
DAY = 86_400_000


@pytest.mark.parametrize(
    ("millis", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (NEW_YEAR + 7, "2026-01-01T00:00:00.007Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
    ],
)
def test_a_moment_is_written_in_utc_to_the_millisecond(millis: int, text: str) -> None:
    assert iso(millis) == text
    assert read_moment(text) == millis


@pytest.mark.parametrize(
    "text", ["2026-01-01", "2026-01-01T00:00:00", "2026-01-01T01:00:00+01:00", "2026-01-01 00:00Z"]
)
def test_one_moment_is_written_in_several_ways(text: str) -> None:
    assert read_moment(text) == NEW_YEAR


def test_less_than_a_millisecond_is_left_out() -> None:
    assert read_moment("2026-01-01T00:00:00.000999Z") == NEW_YEAR


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "1767225600000"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"isoformat|month"):
        read_moment(text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-01", NEW_YEAR + DAY - 1),
        ("2026-01-01T00:00", NEW_YEAR),
        ("2026-01-01 00:00Z", NEW_YEAR),
        ("2026-W01-4", NEW_YEAR + DAY - 1),
    ],
)
def test_a_date_alone_ends_with_its_day(text: str, moment: int) -> None:
    assert read_last_moment(text) == moment


def test_a_date_is_the_day_in_utc() -> None:
    assert iso_date(0) == "1970-01-01"
    assert iso_date(86_400_000 - 1) == "1970-01-01"
    assert iso_date(86_400_000) == "1970-01-02"
    assert iso_date(-1) == "1969-12-31"
