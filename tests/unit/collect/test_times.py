from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity_service.collect.refused import Refused
from identity_service.collect.times import (
    MAX_AHEAD_IN_FILE,
    MAX_CLOCK_ERROR,
    MAX_OFFLINE,
    event_time,
    read_time,
    sent_time,
    stated_time,
    time_of_limited,
)
from identity_service.domain.events import RejectionCode

T = 1_772_359_200_000  # 2026-03-01T10:00:00Z
RECEIVED = T + 60_000


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-03-01T10:00:00Z", T),
        ("2026-03-01t10:00:00z", T),
        ("2026-03-01T10:00:00", T),
        ("2026-03-01 10:00", T),
        ("  2026-03-01T10:00:00.000Z\n", T),
        ("2026-03-01T12:00:00+02:00", T),
        ("2026-03-01T05:30:00-0430", T),
        ("2026-03-01T10:00:00.1Z", T + 100),
        ("2026-03-01T10:00:00.123+00:00", T + 123),
        ("2026-03-01T10:00:00.123999Z", T + 123),
        ("2026-03-01T10:00:00.123456789Z", T + 123),
        ("2026-03-01", T - 10 * 3_600_000),
        ("20260301", T - 10 * 3_600_000),
        ("2026-03-01 10:00:00 UTC", T),
        ("2026-03-01 10:00:00 utc", T),
        ("2026-03-01T10:00:00GMT", T),
        ("2026-03-01 12:00:00 +0200", T),
        ("Sun, 01 Mar 2026 10:00:00 +0000", T),
        ("Sun, 01 Mar 2026 10:00:00 GMT", T),
        ("1 Mar 2026 05:00 -0500", T),
        ("1970-01-02", 86_400_000),
        ("2000-01-02T00:00:00Z", 946_771_200_000),
        ("1999-12-31T23:59:59.999Z", 946_684_799_999),
        (T // 1000, T),
        (T / 1000 + 0.123, T + 123),
        (T, T),
        (float(T), T),
        (T * 1000 + 999, T),
        (T * 1_000_000 + 999_999, T),
        (str(T), T),
        (str(T // 1000), T),
    ],
)
def test_a_time_is_read_in_every_form_that_senders_use(value: object, expected: int) -> None:
    assert read_time(value, "timestamp") == expected


@pytest.mark.parametrize(
    "unset", [None, "", "0001-01-01T00:00:00Z", "1899-12-30", -62135596800000, 0]
)
def test_an_unset_time_is_none(unset: object) -> None:
    assert read_time(unset, "timestamp") is None


@pytest.mark.parametrize(
    "value",
    [
        "2026-03-01 10:00:00 CET",
        "2026-03-01 10:00:00+01:00 UTC",
        "Sun, 01 Mar 26 10:00:00 GMT",
        "Sun, 01 Mar 2026 10:00:00",
        "Sun, 01 Mar 2026 10:00:00 CET",
        "Sun, 41 Mar 2026 10:00:00 GMT",
        "Sun, 01 Foo 2026 10:00:00 GMT",
        "yesterday",
        "2026-13-01",
        "9" * 30,
        "٢٠٢٦٠٣٠١",
        "\x00",
        True,
        {},
        [],
        float("inf"),
        "   ",
    ],
)
def test_what_is_no_time_is_refused_by_name(value: object) -> None:
    with pytest.raises(Refused, match="originalTimestamp is not a time") as caught:
        read_time(value, "originalTimestamp")

    assert caught.value.reason is RejectionCode.INVALID_TIME


@pytest.mark.parametrize(
    "day", ["1970-01-01", "1980-01-01", "1980-01-06", "2000-01-01", "2001-01-01"]
)
@pytest.mark.parametrize("clock", ["T00:00:00Z", "T23:59:59.999Z", "T23:30:00-00:29"])
def test_the_day_at_which_devices_restart_is_no_time(day: str, clock: str) -> None:
    assert read_time(day + clock, "timestamp") is None
    assert sent_time(day + clock) is None


def test_a_call_states_its_timestamp_else_its_original_time() -> None:
    assert stated_time({"timestamp": T, "originalTimestamp": T - 5}) == T
    assert stated_time({"timestamp": "2000-01-01", "originalTimestamp": T - 5}) == T - 5
    assert stated_time({"timestamp": None}) is None


@pytest.mark.parametrize(
    ("sent_at", "expected"),
    [
        (None, T),
        (RECEIVED, T),
        (RECEIVED - MAX_CLOCK_ERROR, T),
        (RECEIVED + MAX_CLOCK_ERROR, T),
        (RECEIVED - MAX_CLOCK_ERROR - 1, T + MAX_CLOCK_ERROR + 1),
        (RECEIVED + MAX_CLOCK_ERROR + 1, T - MAX_CLOCK_ERROR - 1),
    ],
)
def test_a_clock_that_is_more_than_ten_seconds_wrong_is_corrected(
    sent_at: int | None, expected: int
) -> None:
    assert event_time(T, sent_at, RECEIVED) == expected


@pytest.mark.parametrize("value", [None, "", "soon", True, {}, "1970-01-01T00:03:21Z"])
def test_what_is_no_time_of_sending_corrects_nothing(value: object) -> None:
    assert sent_time(value) is None


def test_without_a_stated_time_it_is_that_of_receipt() -> None:
    assert event_time(None, T, RECEIVED) == RECEIVED


def test_a_time_that_a_correction_puts_before_1970_is_that_of_receipt() -> None:
    assert event_time(86_400_000, RECEIVED + 2 * 86_400_000, RECEIVED) == RECEIVED


@pytest.mark.parametrize("max_ahead", [MAX_CLOCK_ERROR, MAX_AHEAD_IN_FILE])
def test_a_time_further_ahead_than_may_be_counts_as_receipt(max_ahead: int) -> None:
    last = RECEIVED + max_ahead

    assert event_time(last, None, RECEIVED, max_ahead) == last
    assert event_time(last + 1, None, RECEIVED, max_ahead) == RECEIVED


def test_an_event_that_is_sent_is_no_further_ahead_than_a_right_clock() -> None:
    assert event_time(RECEIVED + MAX_CLOCK_ERROR + 1, None, RECEIVED) == RECEIVED
    assert event_time(86_400_000, None, RECEIVED) == 86_400_000


def test_the_past_of_a_limited_source_is_what_sdks_keep_offline() -> None:
    assert time_of_limited(RECEIVED - MAX_OFFLINE, RECEIVED) == RECEIVED - MAX_OFFLINE
    assert time_of_limited(RECEIVED - MAX_OFFLINE - 1, RECEIVED) == RECEIVED


@pytest.mark.parametrize("stated", ["9999-12-31T23:59:59Z", 2**63])
def test_a_time_in_the_far_future_counts_as_receipt(stated: object) -> None:
    assert event_time(stated_time({"timestamp": stated}), None, RECEIVED) == RECEIVED


def test_a_clock_that_is_centuries_ahead_is_corrected_by_when_it_says_it_sent() -> None:
    centuries = 543 * 365 * 86_400_000

    assert event_time(T + centuries, T + centuries + 60_000, RECEIVED) == RECEIVED - 60_000


STATED = st.none() | st.integers() | st.floats() | st.text() | st.datetimes().map(str)


@given(STATED, STATED, STATED, st.sampled_from([MAX_CLOCK_ERROR, MAX_AHEAD_IN_FILE]))
def test_every_time_is_between_1970_and_as_far_ahead_as_may_be(
    timestamp: object, original: object, sent: object, max_ahead: int
) -> None:
    call = {"timestamp": timestamp, "originalTimestamp": original}

    try:
        at = event_time(stated_time(call), sent_time(sent), RECEIVED, max_ahead)
    except Refused:
        return
    assert 0 <= at <= RECEIVED + max_ahead
