"""When an event happened, from the times that its sender states."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from identity_service.collect.refused import Refused
from identity_service.domain.events import RejectionCode

MAX_AHEAD = 24 * 60 * 60 * 1000
"""How far after its receipt an event may claim to have happened, in milliseconds.

A day, since a sender that leaves out its offset is at most 14 hours ahead of UTC.
"""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_WITHOUT_ZONE = datetime(1970, 1, 1)  # noqa: DTZ001 - a time without an offset is UTC

# A number has its unit by its size: these are all times between 1973 and 5138.
_LEAST_MILLISECONDS = 10**11
_LEAST_MICROSECONDS = 10**14
_LEAST_NANOSECONDS = 10**17

# Fewer digits are a date (20260301), more are no number of 64 bits.
_LEAST_DIGITS = 9
_MAX_DIGITS = 19


def event_time(call: Mapping[str, Any], batch_sent_at: int | None, received_at: int) -> int:
    """When the call happened, in milliseconds since 1970.

    Its `timestamp`; without one `received_at - (sentAt - originalTimestamp)`, which takes the
    error out of the sender's clock; at last `received_at`.
    A time after `received_at + MAX_AHEAD` comes from a wrong clock: it is corrected by `sentAt`
    where that helps, else it counts as the time of receipt, as vendors do it, since the event
    itself is good. A time before 1970 is an unset one (.NET and Go write year 1) and counts as
    not stated. What is no time at all raises Refused: any guess would enter first-seen times,
    which decide who owns an identifier, for good; a rejected event can be sent again.
    """
    stated = read_time(call.get("timestamp"), "timestamp")
    if stated is not None and stated <= received_at + MAX_AHEAD:
        return stated
    original = read_time(call.get("originalTimestamp"), "originalTimestamp")
    if original is None:
        original = stated
    if original is None:
        return received_at
    sent = sent_time(call)
    if sent is None:
        sent = batch_sent_at
    corrected = original if sent is None else received_at - (sent - original)
    return corrected if 0 <= corrected <= received_at + MAX_AHEAD else received_at


def sent_time(message: Mapping[str, Any]) -> int | None:
    """The `sentAt` of a call or a batch; None when it is not stated or not to be read."""
    try:
        return read_time(message.get("sentAt"), "sentAt")
    except Refused:
        return None


def read_time(value: object, where: str) -> int | None:
    """A stated time in milliseconds since 1970; None when there is none.

    ISO 8601 in all its forms (no offset means UTC), or a number since 1970 in seconds,
    milliseconds, microseconds or nanoseconds, also as text. Raises Refused for anything else.
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
    return milliseconds if milliseconds >= 0 else None


def _read_text(text: str) -> int | None:
    if len(text) >= _LEAST_DIGITS and text.isascii() and text.isdigit():
        return _read_number(int(text)) if len(text) <= _MAX_DIGITS else None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            moment = datetime.fromisoformat(text.upper())  # RFC 3339 allows t and z
        except ValueError:
            return None
    since = moment - (_EPOCH if moment.tzinfo else _EPOCH_WITHOUT_ZONE)
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000


def _read_number(number: float) -> int | None:
    size = abs(number)
    if size < _LEAST_MILLISECONDS:
        return round(number * 1000)
    if size < _LEAST_MICROSECONDS:
        return int(number)
    if size < _LEAST_NANOSECONDS:
        return int(number // 1000)
    return int(number // 1_000_000) if size < float("inf") else None
