"""Durations as people write them."""

from __future__ import annotations

import pytest

from identity_service.domain.policies.durations import MAX_DURATION_DAYS, parse_duration

DAY = 86_400_000


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("90s", 90_000),
        ("30m", 1_800_000),
        ("1.5h", 5_400_000),
        ("7d", 7 * DAY),
        (" 1d ", DAY),
        ("0.001s", 1),
        (f"{MAX_DURATION_DAYS}d", MAX_DURATION_DAYS * DAY),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text: str, milliseconds: int) -> None:
    assert parse_duration(text) == milliseconds


@pytest.mark.parametrize(
    "text", ["", "7", "d", "7 d", "-1d", "7w", "1.2345s", "1,5h", "7D", "1e3s"]
)
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration: write a number and s, m, h or d"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["0s", "0.0d", f"{MAX_DURATION_DAYS}.001d", "999999999999d"])
def test_nothing_and_more_than_a_hundred_years_are_out_of_bounds(text: str) -> None:
    with pytest.raises(ValueError, match=f"more than nothing and at most {MAX_DURATION_DAYS}d"):
        parse_duration(text)
