"""What events observe besides when a policy no longer withholds what an earlier one did."""

from __future__ import annotations

from dataclasses import dataclass

from identity_service.domain.events import MAX_IDENTIFIERS
from identity_service.domain.identifiers import Identifier, parse_identifier
from identity_service.domain.policies.value_rules import ValueRules


@dataclass(frozen=True, slots=True)
class EventWithheld:
    """An event that has identifiers which a policy refused, and those that it observed."""

    key: str
    at: int
    source: str
    withheld: tuple[str, ...]
    observed: tuple[Identifier, ...]
    proven: bool = False


@dataclass(frozen=True, slots=True)
class EventAgain:
    """What such an event still withholds, and what it observes `besides`, in text order."""

    event: EventWithheld
    still_withheld: list[str]
    besides: list[Identifier]


def observed_again(event: EventWithheld, values: ValueRules) -> EventAgain | None:
    """What an event observes besides under a policy; None when that is nothing.

    What it observes already it keeps. An event that would then observe more identifiers than one
    may carry stays as it is.
    """
    found = {text: values.identifier(parse_identifier(text)) for text in event.withheld}
    let_through = {text: each for text, each in found.items() if isinstance(each, Identifier)}
    observed = [i for i in event.observed if isinstance(values.identifier(i), Identifier)]
    too_many = values.too_many_of((*observed, *let_through.values()))
    besides = {text: each for text, each in let_through.items() if each.type not in too_many}
    still_withheld = [text for text in event.withheld if text not in besides]
    more = set(besides.values())
    if len(still_withheld) == len(event.withheld):
        return None
    more -= set(event.observed)
    if len(event.observed) + len(more) > MAX_IDENTIFIERS:
        return None
    return EventAgain(event, still_withheld, sorted(more))
