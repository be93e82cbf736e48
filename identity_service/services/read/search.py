"""Finds anybody by a piece of what is known of them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

from identity_service.domain.misspelling import Misspelt
from identity_service.domain.recorded import Page, SettledCustomer
from identity_service.domain.search import (
    MAX_TEXT,
    MIN_TEXT,
    Clue,
    Likeness,
    Lookup,
    SearchText,
    found_in,
)
from identity_service.errors import BadInput
from identity_service.graph.search import PLACES, Found, Hit, Near, SearchReader
from identity_service.services.read.customers import Customers
from identity_service.services.spaces.access import SpaceScope

MAX_FOUND: Final = 200
"""Most customers that one text finds."""

_CUSTOMER_ID: Final = re.compile(r"cus_[0-9a-f]{32}")

_FEWEST: Final = 40
"""How many identifiers, events and profiles are looked at for one text, at first and at least."""

_MOST: Final = 2_000
"""How many at last, if these are of few customers."""

_OF_ONE: Final = 2
"""How many of them one customer is expected to have."""

_FURTHER: Final = 5
"""How many times as many are looked at where they were of fewer customers."""

_MAX_REASONS: Final = 5
"""Most matches that are named for one customer."""


_Why: TypeAlias = tuple[Likeness, Hit]


@dataclass(frozen=True, slots=True)
class Match:
    """Why a customer was found: `value` is an identifier of the type `name`, what an event says
    under that name, or an id of the customer; `likeness` is how it is like the text.
    """

    name: str
    value: str
    likeness: Likeness


@dataclass(frozen=True, slots=True)
class FoundCustomer:
    """A customer with the reasons, the closest first, and its place among all that were found."""

    customer_id: str
    matches: Sequence[Match]
    place: int


class Search:
    """Finds customers of a space."""

    def __init__(self, reader: SearchReader, customers: Customers) -> None:
        self._reader = reader
        self._customers = customers

    async def find(
        self, scope: SpaceScope, text: str, after: int, first: int
    ) -> Page[FoundCustomer]:
        """The customers that a text leads to, the closest first, from the place `after` on.

        At most MAX_FOUND. What begins with the text comes first; where nothing does, what holds
        all its words; where nothing does either, what it would be without one slip. Raises BadInput
        for a text without anything to look for, or one that is too long.
        """
        asked = _read(text)
        if _CUSTOMER_ID.fullmatch(text.strip()):
            return await self._of_id(scope, text.strip())
        found = await self._found(scope.space, asked, min(after + first, MAX_FOUND))
        places = list(enumerate(list(found.items())[:MAX_FOUND], start=1))
        page = places[after : after + first]
        events = {each.event for _, (_, why) in page for _, each in why if each.event}
        clues = await self._reader.clues(sorted(events))
        return Page(
            [
                FoundCustomer(customer, _matches(why, clues), place)
                for place, (customer, why) in page
            ],
            more=len(places) > after + first,
        )

    async def _of_id(self, scope: SpaceScope, customer_id: str) -> Page[FoundCustomer]:
        found = await self._customers.current(scope).find_by_id(customer_id)
        if not isinstance(found, SettledCustomer):
            return Page([], more=False)
        why = Match("customer id", customer_id, Likeness.WHOLE)
        return Page([FoundCustomer(found.customer_id, [why], 1)], more=False)

    async def _found(self, space: str, asked: SearchText, customers: int) -> dict[str, list[_Why]]:
        """Customers, more than so many if there are, with what was found of each."""
        found: dict[str, list[_Why]] = {}
        for likeness, hit in await self._likely(space, asked, customers):
            found.setdefault(hit.customer_id, []).append((likeness, hit))
        return found

    async def _likely(self, space: str, asked: SearchText, customers: int) -> list[_Why]:
        reader = self._reader
        if hits := await _enough(partial(reader.find, space, asked.phrase), customers):
            return [(asked.likeness(hit.found, hit.whole), hit) for hit in hits]
        if (words := asked.words) and (
            hits := await _enough(partial(reader.find_words, space, words), customers)
        ):
            return [(Likeness.WORDS, hit) for hit in hits]
        if not asked.misspelt:
            return []
        hits = await self._similar(space, asked.misspelt, customers)
        return [(Likeness.SIMILAR, hit) for hit in hits]

    async def _similar(self, space: str, text: Misspelt, customers: int) -> Sequence[Hit]:
        """What is found where the slip is late in the text; where nothing is, where it is early.

        In each place that beginnings are looked up in, the slip is late where what comes before it
        leaves few values: one of these is meant.
        """
        reader = self._reader
        near = await reader.near(space, text.beginnings)
        meant = {each for place in near.values() for each in place.values if text.may_mean(each)}
        late = partial(reader.find, space, Lookup(sorted(meant)))
        if meant and (hits := await _enough(late, customers)):
            return hits
        all_of_it = Near(len(text.text), ())
        early = {
            place: text.without_slip(before=near.get(place, all_of_it).alike) for place in PLACES
        }
        return await _enough(partial(reader.find_in, space, early), customers)


async def _enough(look: Callable[[int], Awaitable[Found]], customers: int) -> Sequence[Hit]:
    """What is found of more than so many customers, or of all, looking at few at first."""
    most = max(_FEWEST, _OF_ONE * (customers + 1))
    while True:
        hits, more = await look(most)
        if not more or most == _MOST or len({hit.customer_id for hit in hits}) > customers:
            return hits
        most = min(_FURTHER * most, _MOST)


def _read(text: str) -> SearchText:
    if len(text) > MAX_TEXT:
        raise BadInput(f"“text” is longer than {MAX_TEXT} characters.")
    asked = SearchText.of(text)
    if len(asked.spelled) < MIN_TEXT:
        raise BadInput(
            "“text” has nothing to look for.",
            remedy=f"Give at least {MIN_TEXT} letters or digits.",
        )
    return asked


def _matches(why: Iterable[_Why], clues: Mapping[str, Sequence[Clue]]) -> list[Match]:
    matches: dict[Clue, Match] = {}
    for likeness, hit in why:
        of_hit = clues.get(hit.event, ()) if hit.event else hit.clues
        said = of_hit[0] if len(of_hit) == 1 else found_in(of_hit, hit.found)
        if said is None:
            continue  # erased meanwhile
        matches.setdefault(said, Match(said.name, said.value, likeness))
    return list(matches.values())[:_MAX_REASONS]
