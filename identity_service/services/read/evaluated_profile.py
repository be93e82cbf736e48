"""What a profiles text says of a customer or an account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from identity_service.domain.profiles.evaluate import FeatureValue


@dataclass(frozen=True, slots=True)
class EvaluatedProfile:
    """What the text of a version says of a customer, or of an account, at one instant.

    `evaluated_at` in milliseconds since 1970; `audiences` are in text order.
    """

    version: int
    evaluated_at: int
    features: Mapping[str, FeatureValue]
    audiences: Sequence[str]
