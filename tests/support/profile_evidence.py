"""Evidence for tests of profiles: written short, in words of hours and days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from identity_service.domain.events import EventOrder
from identity_service.domain.profiles.definitions import Profiles
from identity_service.domain.profiles.evaluate import Evaluation, FeatureValue, evaluate
from identity_service.domain.profiles.occurrences import (
    CustomerEvidence,
    ProfileEvent,
    ReportedValue,
)
from identity_service.domain.profiles.parse import parse_profiles
from identity_service.domain.profiles.values import json_text
from identity_service.domain.resolution.id_register import CustomerKind

SECOND: Final = 1_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
NOW: Final = 20_000 * DAY
"""A midnight of the year 2024, in UTC: a Friday."""


def event(
    step: str | None,
    ago: int,
    properties: Mapping[str, Any] | str | None = None,
    *,
    key: str = "",
    call: str = "track",
    **more: Any,
) -> ProfileEvent:
    """An event that happened so many milliseconds before `NOW`; its properties as JSON or not."""
    at = NOW - ago
    key = key or f"{step} {at} {properties}"
    text = properties if isinstance(properties, str) else json_text(properties or {})
    order = EventOrder(at, more.pop("received_at", at), more.pop("place", 0), key)
    return ProfileEvent(order, key, call, step, step, text, **more)


def reported(value: Any, ago: int, source: str = "app", *, limited: bool = False) -> ReportedValue:
    """A value of a trait that was reported so long before `NOW`."""
    at = NOW - ago
    return ReportedValue(EventOrder(at, at, 0, f"{value} {at} {source}"), source, value, limited)


def customer(*events: ProfileEvent, **more: Any) -> CustomerEvidence:
    """A known customer with these events."""
    return replace(CustomerEvidence("cus_1", CustomerKind.KNOWN, events), **more)


def features_text(feature: str) -> Profiles:
    """A text with one feature, `f`."""
    return parse_profiles(f"features:\n  f: {{{feature}}}\n")


def value_of(feature: str, *events: ProfileEvent, now: int = NOW) -> FeatureValue:
    """What a feature comes to."""
    return evaluate(features_text(feature), customer(*events), now).features["f"]


def audience_text(who: str, more: str = "") -> Profiles:
    """A text with one audience, `a`."""
    return parse_profiles(f"{more}\naudiences:\n  a: {{who: {who}}}\n")


def is_in(who: str, *events: ProfileEvent, now: int = NOW, text: str = "", **more: Any) -> bool:
    """Whether a customer is in an audience with this condition."""
    return "a" in evaluate(audience_text(who, text), customer(*events, **more), now).audiences


def stored(evaluation: Evaluation) -> str:
    """All that an evaluation says, as text."""
    return json_text(
        {
            "features": {name: list(value) for name, value in evaluation.features.items()},
            "audiences": sorted(evaluation.audiences),
            "next": evaluation.next_at,
        }
    )
