"""Scalars, as they stand in answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final, NewType

import orjson
import strawberry
from strawberry.types.scalar import ScalarDefinition

Millis = NewType("Millis", int)
"""A moment, in milliseconds since 1970; `DateTime` in the schema."""

Json = NewType("Json", object)
"""Any JSON value, or JSON text as `orjson.Fragment`; `JSON` in the schema."""

_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001  (in UTC, without saying so each time)


def iso(millis: int) -> str:
    """A moment as ISO 8601 in UTC, to the millisecond."""
    moment = _EPOCH + timedelta(milliseconds=millis)
    return moment.isoformat(timespec="milliseconds") + "Z"


def millis(text: object) -> Millis:
    """Read a moment; one without an offset is in UTC. Raises ValueError."""
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        moment = None
    if moment is None:
        msg = f"{text!r} is no DateTime, as 2026-01-31T12:00:00Z is."
        raise ValueError(msg)
    if moment.tzinfo:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return Millis((moment - _EPOCH) // timedelta(milliseconds=1))


def json_fragment(text: str) -> Json:
    """JSON text that goes into the answer as it is, exact to the last digit."""
    return Json(orjson.Fragment(text))


def _as_it_is(value: Any) -> Any:
    return value


SCALARS: Final[dict[object, ScalarDefinition]] = {
    Millis: strawberry.scalar(name="DateTime", serialize=iso, parse_value=millis),
    Json: strawberry.scalar(name="JSON", serialize=_as_it_is, parse_value=_as_it_is),
}
