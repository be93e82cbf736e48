"""Consents of a customer by purpose: of the events named `Consent Updated`, the last one wins."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, cast

from identity_service.domain.profiles.occurrences import ProfileEvent
from identity_service.domain.profiles.values import read_json

CONSENT_UPDATED: Final = "Consent Updated"
"""The name of an event whose properties are `purpose`, text, and `granted`, a boolean."""


def consents(events: Iterable[ProfileEvent], now: int) -> dict[str, bool]:
    """By purpose, whether consent was given last; what is dated after `now` waits."""
    return {purpose: granted for _, purpose, granted in _decisions(events, now)}


def granted_since(events: Iterable[ProfileEvent], now: int) -> dict[str, int]:
    """By purpose for which consent is given, since when it was given without a break."""
    since: dict[str, int] = {}
    for at, purpose, granted in _decisions(events, now):
        if granted:
            since.setdefault(purpose, at)
        else:
            since.pop(purpose, None)
    return since


def next_consent_at(events: Iterable[ProfileEvent], now: int) -> int | None:
    """When the next consent that is dated after `now` counts; None where there is none."""
    return min(
        (event.at for event in events if event.name == CONSENT_UPDATED and event.at > now),
        default=None,
    )


def withdraws(event: ProfileEvent) -> bool:
    """Whether an event takes a consent back."""
    found = _said(event) if event.name == CONSENT_UPDATED else None
    return found is not None and not found[1]


def _decisions(events: Iterable[ProfileEvent], now: int) -> list[tuple[int, str, bool]]:
    """What was decided until now, in order: when, for which purpose, and whether it was given."""
    said = sorted(
        (event for event in events if event.name == CONSENT_UPDATED and event.at <= now),
        key=lambda event: event.order,
    )
    return [(event.at, *found) for event in said if (found := _said(event))]


def _said(event: ProfileEvent) -> tuple[str, bool] | None:
    properties = cast("dict[str, Any]", read_json(event.properties_json))
    purpose, granted = properties.get("purpose"), properties.get("granted")
    if isinstance(purpose, str) and isinstance(granted, bool):
        return purpose, granted
    return None
