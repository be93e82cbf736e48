"""What events observe besides when a policy no longer withholds what an earlier one did."""

from __future__ import annotations

from dataclasses import dataclass

from identity_service.domain.events import MAX_IDENTIFIERS
from identity_service.domain.identifiers import Identifier, parse_identifier
from identity_service.domain.policies.value_rules import ValueRules, WithheldValue


@dataclass(frozen=True, slots=True)
class EventWithheld:
    """An event that has identifiers which a policy refused, and those that it observed."""

    key: str
    at: int
    source: str
    withheld: tuple[str, ...]
    observed: tuple[Identifier, ...]


@dataclass(frozen=True, slots=True)
class EventAgain:
    """What such an event still withholds, and what it observes `besides`, in text order."""

    event: EventWithheld
    still_withheld: list[str]
    besides: list[Identifier]


def observed_again(event: EventWithheld, values: ValueRules) -> EventAgain | None:
    """What an event observes besides under a policy; None when that is nothing.

    An event that would then observe more identifiers than one may carry stays as it is.
    """
    still_withheld: list[str] = []
    more: set[Identifier] = set()
    for text in event.withheld:
        found = values.identifier(parse_identifier(text))
        if isinstance(found, WithheldValue):
            still_withheld.append(text)
        else:
            more.add(found)
    if len(still_withheld) == len(event.withheld):
        return None
    more -= set(event.observed)
    if len(event.observed) + len(more) > MAX_IDENTIFIERS:
        return None
    return EventAgain(event, still_withheld, sorted(more))
