"""What profiles say of one customer or account at one instant: a pure function of its evidence.

The exact meaning of functions, windows and conditions is on the page *Profiles*.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from identity_service.domain.profiles.definitions import Profiles
from identity_service.domain.profiles.occurrences import AccountEvidence, CustomerEvidence


class FeatureValue(NamedTuple):
    """The value of a feature: None, a boolean, whole number, decimal, text, list or mapping.

    Numbers are integers, else decimals without trailing zeros, so that equal values have equal
    text (`values.json_text`). Instants are ISO 8601 text in UTC. `skipped` counts occurrences whose
    property could not be used; `truncated`: the value holds only as much as its limit allows.
    """

    value: Any
    skipped: int = 0
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Values by the name of the feature, in the order of the text, and the audiences it is in.

    `next_at` is the first moment at which anything can change without an event (None: never).
    Nothing changes before it.
    """

    features: Mapping[str, FeatureValue] = field(default_factory=dict[str, FeatureValue])
    audiences: frozenset[str] = frozenset()
    next_at: int | None = None


def evaluate(profiles: Profiles, evidence: CustomerEvidence, now: int) -> Evaluation:
    """The features and audiences of a customer at an instant."""
    raise NotImplementedError


def evaluate_account(profiles: Profiles, evidence: AccountEvidence, now: int) -> Evaluation:
    """The account features and audiences of an account at an instant."""
    raise NotImplementedError
