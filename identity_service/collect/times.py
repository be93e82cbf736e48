"""When an event happened, from the times that its sender states."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from email.utils import parsedate_to_datetime
from typing import Any

from identity_service.collect.refused import Refused
from identity_service.domain.events import RejectionCode

MAX_CLOCK_ERROR = 10 * 1000
"""How far `sentAt` may be from the receipt of a sender whose clock is right, in milliseconds."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_WITHOUT_ZONE = datetime(1970, 1, 1)  # noqa: DTZ001 - a time without an offset is UTC

_DAY = 24 * 60 * 60 * 1000


MAX_AHEAD_IN_FILE = _DAY
"""How far after its receipt a line of a file may claim to have happened, in milliseconds.

A day, since a writer that left out its offset is at most 14 hours ahead of UTC.
"""

MAX_OFFLINE = 30 * _DAY
"""How long SDKs keep the events of a page or an app that is offline, in milliseconds."""

_RESTART_DAYS = frozenset(
    (datetime(*day, tzinfo=UTC) - _EPOCH).days
    for day in ((1970, 1, 1), (1980, 1, 1), (1980, 1, 6), (2000, 1, 1), (2001, 1, 1))
)
"""The first days of the epochs at which devices without a battery start, in days since 1970.

Unix, DOS, GPS, embedded clocks and Apple's.
"""

_UTC_BEHIND = re.compile(r"\s*(?:UTC|GMT)$")
_RFC_2822 = re.compile(
    r"(?:[a-z]{3},\s*)?\d{1,2} [a-z]{3} \d{4} \d\d:\d\d(?::\d\d)? (?:[+-]\d{4}|UTC?|GMT|Z)",
    re.ASCII | re.IGNORECASE,
)

# A number has its unit by its size: these are all times between 1973 and 5138.
_LEAST_MILLISECONDS = 10**11
_LEAST_MICROSECONDS = 10**14
_LEAST_NANOSECONDS = 10**17

# Fewer digits are a date (20260301), more are no number of 64 bits.
_LEAST_DIGITS = 9
_MAX_DIGITS = 19


def stated_time(call: Mapping[str, Any]) -> int | None:
    """When a call says that it happened, in milliseconds since 1970: None when it does not say.

    Its `timestamp`, else its `originalTimestamp`. Raises Refused for what is no time at all: any
    guess would enter first-seen times, which decide who owns an identifier, for good; a rejected
    event can be sent again.
    """
    stated = read_time(call.get("timestamp"), "timestamp")
    if stated is None:
        stated = read_time(call.get("originalTimestamp"), "originalTimestamp")
    return stated


def event_time(
    stated: int | None, sent_at: int | None, received_at: int, max_ahead: int = MAX_CLOCK_ERROR
) -> int:
    """When an event happened, all in milliseconds since 1970.

    The stated time, corrected by `received_at - sent_at` where the two are more than
    `MAX_CLOCK_ERROR` apart: that is Segment's rule, and takes the error out of the sender's clock.
    Without a stated time, and where the result lies before 1970 or after
    `received_at + max_ahead`, it is the time of receipt, as vendors do it, since the event itself
    is good: what is sent has happened. `sent_at` is None where nothing is to be corrected.
    """
    if stated is None:
        return received_at
    error = 0 if sent_at is None else received_at - sent_at
    at = stated + error if abs(error) > MAX_CLOCK_ERROR else stated
    return at if 0 <= at <= received_at + max_ahead else received_at


def time_of_limited(at: int, received_at: int) -> int:
    """When an event of a source that is not fully trusted happened.

    No clock of a page was right so long ago that its SDK would have given the event up: such a
    time would win devices by being the first, and is that of receipt.
    """
    return at if at >= received_at - MAX_OFFLINE else received_at


def with_zone(value: object, zone: tzinfo) -> object:
    """A time as it was stated, in this zone where it names none; anything else as it is.

    Of a time that a clock showed twice, the first is meant.
    """
    text = value.strip() if isinstance(value, str) else ""
    is_number = text.isdigit() and len(text) >= _LEAST_DIGITS
    moment = None if is_number else _read_iso(text)
    if moment is None or moment.tzinfo is not None:
        return value
    return moment.replace(tzinfo=zone).isoformat()


def sent_time(value: object) -> int | None:
    """The `sentAt` of a call or a batch; None when it is not stated or not to be read."""
    try:
        return read_time(value, "sentAt")
    except Refused:
        return None


def read_time(value: object, where: str) -> int | None:
    """A stated time in milliseconds since 1970; None when there is none.

    ISO 8601 in all its forms (no offset means UTC), also with “UTC” or “GMT” behind it; a date of
    RFC 2822; or a number since 1970 in seconds, milliseconds, microseconds or nanoseconds, also as
    text. Raises Refused for anything else. A time before 1970 is an unset one (.NET and Go write
    year 1), and one on a day of `_RESTART_DAYS` comes from a clock that was not set.
    """
    if value is None or value == "":
        return None
    milliseconds: int | None = None
    if isinstance(value, str):
        milliseconds = _read_text(value.strip())
    elif isinstance(value, int | float) and not isinstance(value, bool):
        milliseconds = _read_number(value)
    if milliseconds is None:
        shown = f": {value[:64]!r}" if isinstance(value, str) else ""
        raise Refused(
            RejectionCode.INVALID_TIME,
            f"{where} is not a time{shown}. Send ISO 8601, as in 2026-03-01T10:00:00.000Z.",
        )
    is_set = milliseconds >= 0 and milliseconds // _DAY not in _RESTART_DAYS
    return milliseconds if is_set else None


def _read_text(text: str) -> int | None:
    if len(text) >= _LEAST_DIGITS and text.isascii() and text.isdigit():
        return _read_number(int(text)) if len(text) <= _MAX_DIGITS else None
    moment = _read_iso(text) or _read_rfc_2822(text)
    if moment is None:
        return None
    since = moment - (_EPOCH if moment.tzinfo else _EPOCH_WITHOUT_ZONE)
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000


def _read_iso(text: str) -> datetime | None:
    if text.isascii() and (moment := _parse_iso(text)):
        return moment
    return _parse_iso(_UTC_BEHIND.sub("+00:00", text.upper()))  # RFC 3339 allows t and z


def _parse_iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _read_rfc_2822(text: str) -> datetime | None:
    if not _RFC_2822.fullmatch(text):
        return None  # the library would guess the century and the zone
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return None


def _read_number(number: float) -> int | None:
    size = abs(number)
    if size < _LEAST_MILLISECONDS:
        return round(number * 1000)
    if size < _LEAST_MICROSECONDS:
        return int(number)
    if size < _LEAST_NANOSECONDS:
        return int(number // 1000)
    return int(number // 1_000_000) if size < float("inf") else None
