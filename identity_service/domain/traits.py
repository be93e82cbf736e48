"""Traits: what is known of a customer, merged from the events of its identifiers."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final, Generic, NamedTuple, TypeVar

from identity_service.domain.events import EventOrder

Owner = TypeVar("Owner")

MAX_NAME: Final = 256
"""Longest name of a trait, in characters: what has a longer one is no trait."""

MAX_TRAITS_OF_EVENT: Final = 1_000
"""Most traits of one event."""

MAX_TRAITS: Final = 1_000
"""Most traits of one customer: those that were reported first, by receipt."""

OWN: Final = "."
"""A trait key begins with it where the trait is the person's, whatever is known of accounts."""

DIGEST_LENGTH: Final = 16
"""Hexadecimal digits with which all other trait keys begin."""


@dataclass(frozen=True, slots=True)
class TraitEvent(Generic[Owner]):
    """An event that says something of a person.

    `order` is where it stands among the events of its customer. `limited`: it is the word of a
    limited source, without a proof. `owner` is what it is attributed to. `accounts_described` are
    all sets of traits that any event reported about the accounts that this event names.
    """

    order: EventOrder
    source: str
    owner: Owner
    traits: Mapping[str, Any]
    context_traits: Mapping[str, Any]
    accounts_described: tuple[Mapping[str, Any], ...] = ()
    limited: bool = False


@dataclass(frozen=True, slots=True)
class Trait(Generic[Owner]):
    """A trait with its newest value; `updated_at` is the time of its event."""

    name: str
    value: Any
    updated_at: int
    source: str
    owner: Owner


class AccountSet(NamedTuple):
    """A set of traits of an account.

    `at` is when it was reported last (time, receipt and place in the request), `source` by whom;
    None where that is not known.
    """

    at: Sequence[int]
    traits: Mapping[str, Any]
    source: str | None = None


class AccountTrait(NamedTuple):
    """A trait of an account with its newest value, when and by whom it was reported."""

    name: str
    value: Any
    updated_at: int
    source: str | None


class TraitName(NamedTuple):
    """A trait that events of a customer name.

    `newest`: keys of events, newest first: of each of the first variants, which are the events
    with the same trait key and account, the newest. `variants` counts all variants.
    """

    name: str
    newest: Sequence[str]
    variants: int


@dataclass(frozen=True, slots=True)
class Traits(Generic[Owner]):
    """The traits of a customer, by name.

    `omitted` counts those that it has beyond a bound. `undecided`: more variants have to be read
    to know whether it has them.
    """

    items: Sequence[Trait[Owner]]
    omitted: int = 0
    undecided: frozenset[str] = frozenset()


def trait_keys(
    traits: Mapping[str, Any], context_traits: Mapping[str, Any], *, names_account: bool
) -> list[str]:
    """Keys of all traits of an event, by which the newest event with each trait is found.

    A key is `OWN` and the name. Where the event names an account, what its context says may be
    the account's (see `merge_traits`): such a key is a digest of the value and the name, so that
    all events with this key and this account have the trait or none.
    """
    own = traits.keys() if names_account else traits.keys() | context_traits.keys()
    keys = [OWN + name for name in own if len(name) <= MAX_NAME]
    if names_account:
        keys += [
            _digest(value) + name
            for name, value in context_traits.items()
            if name not in traits and len(name) <= MAX_NAME
        ]
    return sorted(keys)


def merge_traits(events: Iterable[TraitEvent[Owner]]) -> list[Trait[Owner]]:
    """The traits of a customer, by name: the latest value wins, and null removes.

    What a limited source says counts where nobody else says anything of that name.

    Some senders mix the traits of an account into `context.traits`: such a trait, equal in name
    and value to one of the account's, is the account's. Since that is decided here and not when
    the event arrives, the order of arrival does not matter.
    """
    newest: dict[str, Trait[Owner]] = {}
    for event in sorted(events, key=lambda event: (not event.limited, event.order)):
        for name, value in _reported(event).items():
            newest[name] = Trait(name, value, event.order.at, event.source, event.owner)
    return sorted(
        (trait for trait in newest.values() if trait.value is not None),
        key=lambda trait: trait.name,
    )


def find_traits(
    names: Sequence[TraitName],
    named: int,
    events: Mapping[str, TraitEvent[Owner]],
    others: Collection[TraitEvent[Owner]] = (),
) -> Traits[Owner]:
    """What `merge_traits` makes of all events of a customer, from the newest with each trait.

    `named` counts the traits of the customer, `names` are the first of them. `events` are those
    that were read, by their keys: a trait that rests on another one is omitted. `others` are
    events without trait keys.
    """
    reported = {key: _reported(event).keys() for key, event in events.items()}
    known = {name for event in others for name in _reported(event)}
    omitted = named - len(names)
    undecided: set[str] = set()
    for name, newest, variants in names:
        decisive = next((k for k in newest if k not in reported or name in reported[k]), None)
        if decisive is None and variants > len(newest):
            undecided.add(name)
        elif decisive is not None and decisive not in reported:
            omitted += 1
            known.discard(name)
        else:
            known.add(name)
    traits = [t for t in merge_traits([*events.values(), *others]) if t.name in known]
    return Traits(traits, omitted, frozenset(undecided))


def account_traits(described: Iterable[AccountSet]) -> list[AccountTrait]:
    """The traits of an account, by name: of its sets the last one wins, and null removes."""
    merged: dict[str, AccountTrait] = {}
    for at, traits, source in sorted(
        described, key=lambda each: (each.at, _canonical(each.traits))
    ):
        for name, value in traits.items():
            merged[name] = AccountTrait(name, value, at[0], source)
    return [merged[name] for name in sorted(merged) if merged[name].value is not None]


def merge_account(described: Iterable[tuple[Sequence[int], Mapping[str, Any]]]) -> dict[str, Any]:
    """The values of `account_traits`, by name, where nobody asks who reported them."""
    sets = (AccountSet(at, traits) for at, traits in described)
    return {trait.name: trait.value for trait in account_traits(sets)}


def _reported(event: TraitEvent[Owner]) -> dict[str, Any]:
    """All that an event says of the person."""
    said = {**_own(event), **event.traits}
    return {name: value for name, value in said.items() if len(name) <= MAX_NAME}


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


def _digest(value: object) -> str:
    return blake2b(_canonical(value).encode(), digest_size=DIGEST_LENGTH // 2).hexdigest()
