"""Traits: what is known of a customer, merged from the events of its identifiers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from identity_service.domain.events import EventOrder

Owner = TypeVar("Owner")


@dataclass(frozen=True, slots=True)
class TraitEvent(Generic[Owner]):
    """An event that says something of a person.

    `order` is where it stands among the events of its customer. `owner` is what it is attributed
    to. `accounts_described` are all sets of traits that any event reported about the accounts that
    this event names.
    """

    order: EventOrder
    source: str
    owner: Owner
    traits: Mapping[str, Any]
    context_traits: Mapping[str, Any]
    accounts_described: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Trait(Generic[Owner]):
    """A trait with its newest value; `updated_at` is the time of its event."""

    name: str
    value: Any
    updated_at: int
    source: str
    owner: Owner


def merge_traits(events: Iterable[TraitEvent[Owner]]) -> list[Trait[Owner]]:
    """The traits of a customer, by name: the latest value wins, and null removes.

    Some senders mix the traits of an account into `context.traits`: such a trait, equal in name
    and value to one of the account's, is the account's. Since that is decided here and not when
    the event arrives, the order of arrival does not matter.
    """
    newest: dict[str, Trait[Owner]] = {}
    for event in sorted(events, key=lambda event: event.order):
        for name, value in {**_own(event), **event.traits}.items():
            newest[name] = Trait(name, value, event.order.at, event.source, event.owner)
    return sorted(
        (trait for trait in newest.values() if trait.value is not None),
        key=lambda trait: trait.name,
    )


def merge_account(described: Iterable[tuple[Sequence[int], Mapping[str, Any]]]) -> dict[str, Any]:
    """The traits of an account, by name: of its sets the last one wins, and null removes.

    Each set comes with when it was reported last: time, receipt and place in the request.
    """
    merged: dict[str, Any] = {}
    for _, traits in sorted(described, key=lambda reported: (reported[0], _canonical(reported[1]))):
        merged |= traits
    return {name: merged[name] for name in sorted(merged) if merged[name] is not None}


def _own(event: TraitEvent[Owner]) -> dict[str, Any]:
    """The context's traits without those of the accounts that the event names."""
    if not event.accounts_described:
        return dict(event.context_traits)
    of_account = {
        (name, _canonical(value))
        for traits in event.accounts_described
        for name, value in traits.items()
    }
    return {
        name: value
        for name, value in event.context_traits.items()
        if (name, _canonical(value)) not in of_account
    }


def _canonical(value: object) -> str:
    """JSON text that is equal exactly for equal JSON values (1 and true are not)."""
    return json.dumps(value, sort_keys=True)
