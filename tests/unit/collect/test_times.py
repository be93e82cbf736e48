from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity_service.collect.refused import Refused
from identity_service.collect.times import MAX_AHEAD, event_time, read_time
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
        ("1970-01-01T00:00:00Z", 0),
        (T // 1000, T),
        (T / 1000 + 0.123, T + 123),
        (T, T),
        (float(T), T),
        (T * 1000 + 999, T),
        (T * 1_000_000 + 999_999, T),
        (str(T), T),
        (str(T // 1000), T),
        (0, 0),
    ],
)
def test_a_time_is_read_in_every_form_that_senders_use(value: object, expected: int) -> None:
    assert read_time(value, "timestamp") == expected


@pytest.mark.parametrize("unset", [None, "", "0001-01-01T00:00:00Z", "1899-12-30", -62135596800000])
def test_an_unset_time_is_none(unset: object) -> None:
    assert read_time(unset, "timestamp") is None


@pytest.mark.parametrize(
    "value",
    ["yesterday", "2026-13-01", "9" * 30, "٢٠٢٦٠٣٠١", "\x00", True, {}, [], float("inf"), "   "],
)
def test_what_is_no_time_is_refused_by_name(value: object) -> None:
    with pytest.raises(Refused, match="originalTimestamp is not a time") as caught:
        read_time(value, "originalTimestamp")

    assert caught.value.reason is RejectionCode.INVALID_TIME


def test_the_timestamp_is_the_time() -> None:
    call = {"timestamp": T, "originalTimestamp": T - 5, "sentAt": T - 4}

    assert event_time(call, None, RECEIVED) == T


def test_without_a_timestamp_the_error_of_the_senders_clock_is_taken_out() -> None:
    call = {"originalTimestamp": T - 3_600_000, "sentAt": T - 3_600_000 + 500}

    assert event_time(call, T, RECEIVED) == RECEIVED - 500


def test_the_batch_says_when_it_was_sent_where_the_call_does_not() -> None:
    assert event_time({"originalTimestamp": T}, T + 500, RECEIVED) == RECEIVED - 500


@pytest.mark.parametrize("sent_at", [None, "", "soon"])
def test_an_original_time_counts_as_it_is_when_nothing_says_when_it_was_sent(
    sent_at: str | None,
) -> None:
    call = {"originalTimestamp": T, "sentAt": sent_at}

    assert event_time(call, None, RECEIVED) == T


@pytest.mark.parametrize(
    "call", [{}, {"timestamp": None, "sentAt": T}, {"timestamp": "0001-01-01"}]
)
def test_at_last_the_time_is_that_of_receipt(call: dict[str, object]) -> None:
    assert event_time(call, None, RECEIVED) == RECEIVED


def test_a_time_up_to_a_day_ahead_is_believed() -> None:
    assert event_time({"timestamp": RECEIVED + MAX_AHEAD}, None, RECEIVED) == RECEIVED + MAX_AHEAD


@pytest.mark.parametrize("stated", ["9999-12-31T23:59:59Z", RECEIVED + MAX_AHEAD + 1, 2**63])
def test_a_time_in_the_far_future_counts_as_receipt(stated: object) -> None:
    assert event_time({"timestamp": stated}, None, RECEIVED) == RECEIVED


def test_a_clock_that_is_centuries_ahead_is_corrected_by_when_it_says_it_sent() -> None:
    call = {"timestamp": "2569-03-01T09:59:00Z", "sentAt": "2569-03-01T10:00:00Z"}

    assert event_time(call, None, RECEIVED) == RECEIVED - 60_000


STATED = st.none() | st.integers() | st.floats() | st.text() | st.datetimes().map(str)


@given(STATED, STATED, STATED)
def test_every_time_is_between_1970_and_a_day_ahead(
    timestamp: object, original: object, sent: object
) -> None:
    call = {"timestamp": timestamp, "originalTimestamp": original, "sentAt": sent}

    try:
        at = event_time(call, None, RECEIVED)
    except Refused:
        return
    assert 0 <= at <= RECEIVED + MAX_AHEAD
