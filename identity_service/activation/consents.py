"""What a person has consented to: a pure function of decisions that events carry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, cast


class ConsentEvent(NamedTuple):
    """An event with a decision of a person: when it happened, and its context."""

    at: int
    context: Mapping[str, Any]


def consents(events: Iterable[ConsentEvent]) -> dict[str, bool]:
    """The latest decision for each purpose; of two at one moment, the one that denies.

    A decision is `context.consent.categoryPreferences`, as Segment's SDKs send it.
    """
    decided: dict[str, tuple[int, bool]] = {}
    for event in events:
        for purpose, granted in _preferences(event.context).items():
            before = decided.get(purpose)
            is_newer = before is None or (event.at, not granted) > (before[0], not before[1])
            if isinstance(granted, bool) and is_newer:
                decided[purpose] = event.at, granted
    return {purpose: granted for purpose, (_, granted) in decided.items()}


def _preferences(context: Mapping[str, Any]) -> Mapping[str, Any]:
    consent: object = context.get("consent")
    if not isinstance(consent, Mapping):
        return {}
    preferences = cast("Mapping[str, object]", consent).get("categoryPreferences")
    return cast("Mapping[str, Any]", preferences) if isinstance(preferences, Mapping) else {}
