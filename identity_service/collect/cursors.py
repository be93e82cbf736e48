"""Cursor values: by them a query is asked for what came since.

A cursor is a time or an integer that only grows. Times come as a database has them: with an offset,
without one (then in UTC), as a date, or as ISO 8601 text, which SQLite keeps them as. They are
compared as times, and bound in the form in which they came.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, Self

from identity_service.domain.timestamps import iso
from identity_service.errors import BadInput

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_FIRST: Final = (datetime(1, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND


class CursorForm(StrEnum):
    """How a value came, and is bound."""

    INTEGER = "integer"
    WITH_OFFSET = "with_offset"
    WITHOUT_OFFSET = "without_offset"
    DATE = "date"
    TEXT = "text"


@dataclass(frozen=True, slots=True, order=True)
class CursorValue:
    """An integer, or a time in microseconds since 1970, UTC; the greater one is the later one."""

    value: int
    form: CursorForm

    @property
    def at(self) -> int | None:
        """The time in milliseconds since 1970; None of an integer."""
        return None if self.form is CursorForm.INTEGER else self.value // 1000

    @property
    def shown(self) -> str:
        """For people: the integer, or the time in ISO 8601."""
        return str(self.value) if self.at is None else iso(self.at)

    def bound(self, overlap_ms: int | None, overlap_rows: int | None) -> Any:
        """Where a query begins that is to see all from here on, and the overlap before.

        Text is cut to the second and has a space where ISO 8601 has a T: so it is not greater than
        any spelling of the same or a later time. Raises BadInput where the overlap is of the other
        kind.
        """
        if self.form is CursorForm.INTEGER:
            if overlap_rows is None:
                raise BadInput("The cursor is an integer, so its overlap is a number of rows.")
            return self.value - overlap_rows
        if overlap_ms is None:
            raise BadInput("The cursor is a time, so its overlap is a duration, such as 10m.")
        since = max(self.value - overlap_ms * 1000, _FIRST)
        return _BOUND[self.form](_EPOCH + timedelta(microseconds=since))

    def __str__(self) -> str:
        """As it is stored, and hashed."""
        return f"{self.form} {self.value}"

    @classmethod
    def of_time(cls, at: int) -> Self:
        """A time in milliseconds since 1970."""
        return cls(at * 1000, CursorForm.WITH_OFFSET)

    @classmethod
    def parse(cls, stored: str) -> Self:
        """The value that was stored as text."""
        form, _, value = stored.partition(" ")
        return cls(int(value), CursorForm(form))


def read_cursor(raw: object) -> CursorValue | None:
    """The cursor value of a row, as the database's driver gives it; None for null.

    Raises BadInput for what is neither an integer nor a time, and for text of a time that is not in
    UTC, since such texts do not sort by time.
    """
    match raw:
        case None:
            return None
        case bool():
            pass
        case int():
            return CursorValue(raw, CursorForm.INTEGER)
        case Decimal() if raw == raw.to_integral_value():
            return CursorValue(int(raw), CursorForm.INTEGER)
        case datetime():
            form = CursorForm.WITH_OFFSET if raw.tzinfo else CursorForm.WITHOUT_OFFSET
            return _of_time(raw, form)
        case date():
            return _of_time(datetime(raw.year, raw.month, raw.day, tzinfo=UTC), CursorForm.DATE)
        case str() if not raw.isdigit():
            return _of_text(raw)
        case _:
            pass
    raise BadInput(
        f"A cursor is a time or an integer, not {type(raw).__name__}.",
        remedy="Have the query cast it.",
    )


def _of_text(text: str) -> CursorValue:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise BadInput(
            f"The cursor {text[:40]!r} is text, and no time in ISO 8601.",
            remedy="Have the query return a time or an integer.",
        ) from None
    if moment.utcoffset():
        raise BadInput(
            f"The cursor {text[:40]!r} is text of a time that is not in UTC.",
            remedy="Have the query return it in UTC: such texts do not sort by time.",
        )
    return _of_time(moment, CursorForm.TEXT)


def _of_time(moment: datetime, form: CursorForm) -> CursorValue:
    in_utc = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return CursorValue((in_utc - _EPOCH) // _MICROSECOND, form)


_BOUND: Final[dict[CursorForm, Callable[[datetime], Any]]] = {
    CursorForm.WITH_OFFSET: lambda since: since,
    CursorForm.WITHOUT_OFFSET: lambda since: since.replace(tzinfo=None),
    CursorForm.DATE: lambda since: since.date(),
    CursorForm.TEXT: lambda since: f"{since:%Y-%m-%d %H:%M:%S}".rjust(19, "0"),
}
