# ruff: noqa: D101  (the schema's descriptions say what a type is)
"""What was sent and not taken: an answer, not an error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import strawberry

from identity_service import errors
from identity_service.api.graphql.types import shows
from identity_service.errors import (
    DestinationInvalid,
    FieldInvalid,
    PolicyInvalid,
    ProfilesInvalid,
    ReadingRulesInvalid,
)


@dataclass(frozen=True, slots=True)
class Refused:
    """What was sent was not taken, and why."""

    message: str
    problems: Sequence[errors.Problem]


@dataclass(frozen=True, slots=True)
class Overtaken:
    """Another version is in force than the one expected."""

    message: str
    current_version: int


def refused(
    error: DestinationInvalid
    | FieldInvalid
    | PolicyInvalid
    | ProfilesInvalid
    | ReadingRulesInvalid,
) -> Refused:
    """A mistake as an answer."""
    return Refused(str(error), error.problems)


@strawberry.type
@shows(Overtaken)
class VersionConflict:
    message: str
    current_version: int


@strawberry.type
class Problem:
    path: str
    message: str


@strawberry.type
@shows(Refused)
class Invalid:
    message: str
    problems: list[Problem]
