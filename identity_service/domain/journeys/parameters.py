"""Parameters of journeys, and how what callers write for them is read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, cast

from identity_service.domain.events import property_key
from identity_service.domain.identifiers import Identifier, parse_identifier
from identity_service.domain.policies.durations import DURATION_HELP, parse_duration
from identity_service.domain.resolution.id_register import CustomerKind
from identity_service.domain.timestamps import read_moment
from identity_service.errors import FieldInvalid

ALWAYS: Final = (-(2**53), 2**53)
"""A time range that holds every event, in milliseconds."""

MAX_TEXT: Final = 1_024
"""Characters of a text."""
MAX_ROWS: Final = 10_000
"""Most rows of one answer."""


class Kind(StrEnum):
    """What a parameter takes."""

    TEXT = "text"
    TEXTS = "texts"
    KINDS = "kinds"
    PROPERTY = "property"
    FEATURE = "feature"
    MOMENT = "moment"
    DURATION = "duration"
    COUNT = "count"
    IDENTIFIER = "identifier"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a journey.

    `default` is as a person would write it; None: there is none, and nothing is asked for by it.
    The bounds are those of a count, or of the length of a list.
    """

    name: str
    kind: Kind
    meaning: str
    default: Any = None
    required: bool = False
    least: int = 1
    most: int = MAX_ROWS

    def read(self, given: Any, journey: str) -> Any:
        """What a caller gave, as the statement takes it; None: nothing. Raises FieldInvalid."""
        if given is None:
            if self.required:
                raise FieldInvalid(
                    self.name,
                    f"The journey {journey} needs “{self.name}”.",
                    remedy=f"It is {self.meaning}.",
                )
            given = self.default
        if given is None:
            return None
        try:
            return _READERS[self.kind](given, self)
        except ValueError as error:
            raise FieldInvalid(self.name, f"“{self.name}” cannot be taken: {error}.") from error


def _read_text(given: object, _: Parameter) -> str:
    if not isinstance(given, str) or not 0 < len(given) <= MAX_TEXT:
        msg = f"write a text of 1 to {MAX_TEXT:,} characters"
        raise ValueError(msg)
    return given


def _read_texts(given: object, parameter: Parameter) -> list[str]:
    if isinstance(given, str):
        given = [part.strip() for part in given.split(",")]
    if not isinstance(given, Sequence):
        msg = "give a list"
        raise ValueError(msg)
    values = cast("Sequence[object]", given)
    if not parameter.least <= len(values) <= parameter.most:
        msg = f"give {parameter.least} to {parameter.most} values"
        raise ValueError(msg)
    return [_read_text(value, parameter) for value in values]


def _read_kinds(given: object, parameter: Parameter) -> list[str]:
    kinds = _read_texts(given, parameter)
    unknown = sorted(set(kinds) - set(CustomerKind))
    if unknown:
        msg = f"there is no kind {unknown[0]}; there are {', '.join(CustomerKind)}"
        raise ValueError(msg)
    return sorted(set(kinds))


def _read_property(given: object, parameter: Parameter) -> str:
    return property_key(_read_text(given, parameter))


def _read_feature(given: object, parameter: Parameter) -> str:
    return f"f_{_read_text(given, parameter)}"


def _read_moment(given: object, _: Parameter) -> int:
    if isinstance(given, int):
        return max(ALWAYS[0], min(given, ALWAYS[1]))
    try:
        return read_moment(str(given))
    except ValueError as error:
        msg = "write a time as 2026-01-31 or 2026-01-31T12:00:00Z"
        raise ValueError(msg) from error


def _read_duration(given: object, _: Parameter) -> int:
    if isinstance(given, str):
        return parse_duration(given)
    if isinstance(given, int) and given > 0:
        return given
    msg = f"write {DURATION_HELP}"
    raise ValueError(msg)


def _read_identifier(given: object, parameter: Parameter) -> Identifier:
    return parse_identifier(_read_text(given, parameter))


def _read_count(given: object, parameter: Parameter) -> int:
    if isinstance(given, str) and re.fullmatch(r"[0-9]{1,9}", given):
        given = int(given)
    if (
        not isinstance(given, int)
        or isinstance(given, bool)
        or not parameter.least <= given <= parameter.most
    ):
        msg = f"it may be {parameter.least:,} to {parameter.most:,}"
        raise ValueError(msg)
    return given


_READERS: Final = {
    Kind.TEXT: _read_text,
    Kind.TEXTS: _read_texts,
    Kind.KINDS: _read_kinds,
    Kind.PROPERTY: _read_property,
    Kind.FEATURE: _read_feature,
    Kind.MOMENT: _read_moment,
    Kind.DURATION: _read_duration,
    Kind.COUNT: _read_count,
    Kind.IDENTIFIER: _read_identifier,
}
