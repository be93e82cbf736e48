"""Why a feature has its value, and why a customer is in an audience or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from identity_service.domain.profiles.definitions import Profiles
from identity_service.domain.profiles.evaluate import FeatureValue
from identity_service.domain.profiles.occurrences import (
    AccountEvidence,
    CustomerEvidence,
    ProfileEvent,
)

MOST_EVENTS: Final = 100
"""Most events that an explanation names, unless it is asked for fewer or more."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """An event that made the value, and what it contributed (None: that it happened)."""

    event: ProfileEvent
    value: Any


@dataclass(frozen=True, slots=True)
class FeatureExplanation:
    """Why a feature has its value.

    `events`: those that made it, the latest first; `more` counts further ones. `operands`: the
    features that it was computed from, by name, with their own explanations.
    """

    name: str
    value: FeatureValue
    events: tuple[Contribution, ...] = ()
    more: int = 0
    operands: tuple[FeatureExplanation, ...] = ()


@dataclass(frozen=True, slots=True)
class ConditionOutcome:
    """A part of the condition of an audience: its text, whether it holds, and its own parts."""

    text: str
    holds: bool
    parts: tuple[ConditionOutcome, ...] = ()


@dataclass(frozen=True, slots=True)
class AudienceExplanation:
    """Whether somebody is in an audience, and which parts of its condition hold.

    `member` can be false though the condition holds: of another kind, or not enabled; `reason`
    then says so.
    """

    name: str
    member: bool
    outcome: ConditionOutcome
    reason: str = ""


def explain_feature(
    profiles: Profiles,
    evidence: CustomerEvidence | AccountEvidence,
    now: int,
    name: str,
    *,
    most: int = MOST_EVENTS,
) -> FeatureExplanation:
    """Why a feature of a customer, or of an account, has its value. Raises NotFound."""
    raise NotImplementedError


def explain_audience(
    profiles: Profiles, evidence: CustomerEvidence | AccountEvidence, now: int, name: str
) -> AudienceExplanation:
    """Which parts of an audience's condition hold for a customer or an account. Raises NotFound."""
    raise NotImplementedError
