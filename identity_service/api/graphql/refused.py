# ruff: noqa: D101  (the schema's descriptions say what a type is)
"""What was sent and not taken: an answer, not an error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import strawberry

from identity_service import errors
from identity_service.api.graphql.types import shows
from identity_service.errors import (
    DestinationInvalid,
    DoneBefore,
    FeedsOthers,
    FieldInvalid,
    NameTaken,
    NotFound,
    PolicyInvalid,
    ProfilesInvalid,
    ReadingRulesInvalid,
    Stale,
)


@strawberry.enum
class InvalidCode(StrEnum):
    """The codes of the errors that are answers."""

    BAD_INPUT = FieldInvalid.code
    NAME_TAKEN = NameTaken.code
    NOT_FOUND = NotFound.code
    DONE_BEFORE = DoneBefore.code
    FEEDS_OTHERS = FeedsOthers.code
    STALE = Stale.code
    POLICY_INVALID = PolicyInvalid.code
    PROFILES_INVALID = ProfilesInvalid.code
    READING_RULES_INVALID = ReadingRulesInvalid.code
    DESTINATION_INVALID = DestinationInvalid.code


@dataclass(frozen=True, slots=True)
class Refused:
    """What was sent was not taken, and why."""

    code: InvalidCode
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
    return Refused(InvalidCode(error.code), str(error), error.problems)


def refused_id(error: NotFound | Stale) -> Refused:
    """An id that names nothing, or what somebody else is changing, as an answer."""
    return Refused(InvalidCode(error.code), str(error), [errors.Problem("id", str(error))])


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
    code: InvalidCode
    message: str
    problems: list[Problem]
