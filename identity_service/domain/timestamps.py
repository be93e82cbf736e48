"""Moments: milliseconds since 1970 in UTC, and how people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001  (in UTC, without saying so each time)


def iso(millis: int) -> str:
    """A moment as ISO 8601 in UTC, to the millisecond."""
    moment = _EPOCH + timedelta(milliseconds=millis)
    return moment.isoformat(timespec="milliseconds") + "Z"


def iso_date(millis: int) -> str:
    """The day of a moment in UTC, as ISO 8601."""
    return (_EPOCH + timedelta(milliseconds=millis)).date().isoformat()


def read_moment(text: str) -> int:
    """Read a moment; one without an offset is in UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def read_last_moment(text: str) -> int:
    """As `read_moment`; a date alone is its last millisecond, and so that day as a whole."""
    moment = read_moment(text)
    is_date = len(text) == len("2026-01-31") and "T" not in text
    return moment + 86_400_000 - 1 if is_date else moment
