"""Scalars, as they stand in answers."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final, NewType

import orjson
import strawberry
from graphql import GraphQLError
from graphql.pyutils import inspect
from strawberry.types.scalar import ScalarDefinition

from identity_service.domain.profiles.values import json_text
from identity_service.domain.timestamps import iso, read_moment
from identity_service.graph.ledger import MOST

Millis = NewType("Millis", int)
"""A moment, in milliseconds since 1970; `DateTime` in the schema."""

Json = NewType("Json", object)
"""Any JSON value, or JSON text as `orjson.Fragment`; `JSON` in the schema."""

Representation = NewType("Representation", object)
"""A key as a gateway sends it; `_Any` in the schema."""


def millis(text: object) -> Millis:
    """Read a moment; one without an offset is in UTC. Raises GraphQLError."""
    if isinstance(text, str):
        with suppress(ValueError, OverflowError):
            return Millis(read_moment(text))
    msg = f"{inspect(text)} is no DateTime, as “2026-01-31T12:00:00Z” is."
    raise GraphQLError(msg)


def earliest(since: Millis | object | None) -> int:
    """The first moment of a span that may be open: earlier than all where none is given."""
    return since if isinstance(since, int) else -MOST


def latest(until: Millis | object | None) -> int:
    """The last moment of a span, likewise."""
    return until if isinstance(until, int) else MOST


def json_fragment(text: str) -> Json:
    """JSON text that goes into the answer as it is, exact to the last digit."""
    return Json(orjson.Fragment(text))


def exact_json(value: object) -> Json:
    """A value whose numbers are integers and decimals, exact to the last digit."""
    return json_fragment(json_text(value))


def _as_it_is(value: Any) -> Any:
    return value


SCALARS: Final[dict[object, ScalarDefinition]] = {
    Millis: strawberry.scalar(
        name="DateTime",
        specified_by_url="https://datatracker.ietf.org/doc/html/rfc3339",
        serialize=iso,
        parse_value=millis,
    ),
    Json: strawberry.scalar(
        name="JSON",
        specified_by_url="https://datatracker.ietf.org/doc/html/rfc8259",
        serialize=_as_it_is,
        parse_value=_as_it_is,
    ),
    Representation: strawberry.scalar(name="_Any", parse_value=_as_it_is),
}
