"""Finds anybody by a piece of what is known of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from identity_service.domain.recorded import Page, SettledCustomer
from identity_service.domain.search import (
    MAX_TEXT,
    MIN_TEXT,
    Clue,
    Likeness,
    SearchText,
    found_in,
)
from identity_service.errors import BadInput
from identity_service.graph.search import Hit, SearchReader
from identity_service.services.read.customers import Customers
from identity_service.services.spaces.access import SpaceScope

MAX_FOUND: Final = 200
"""Most customers that one text finds."""

_CUSTOMER_ID: Final = re.compile(r"cus_[0-9a-f]{32}")

_MAX_HITS: Final = 500
_MAX_REASONS: Final = 5
"""Most matches that are named for one customer."""


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


@dataclass(frozen=True, slots=True)
class _Likely:
    likeness: Likeness
    hit: Hit

    @property
    def order(self) -> tuple[int, int, int, str]:
        """The closest first, then the shortest, then who was seen last."""
        return self.likeness, len(self.hit.found), -self.hit.last_seen, self.hit.customer_id


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
        found: dict[str, list[_Likely]] = {}
        for each in sorted(await self._likely(scope.space, asked), key=lambda each: each.order):
            found.setdefault(each.hit.customer_id, []).append(each)
        places = list(enumerate(list(found.items())[:MAX_FOUND], start=1))
        page = places[after : after + first]
        events = {each.hit.event for _, (_, why) in page for each in why if each.hit.event}
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

    async def _likely(self, space: str, asked: SearchText) -> list[_Likely]:
        hits = await self._reader.find(space, asked.phrase, _MAX_HITS)
        if hits:
            return [_Likely(asked.likeness(hit.found, hit.whole), hit) for hit in hits]
        for lookup, likeness in (
            (asked.words, Likeness.WORDS),
            (asked.similar, Likeness.SIMILAR),
        ):
            if lookup and (hits := await self._reader.find(space, lookup, _MAX_HITS)):
                return [_Likely(likeness, hit) for hit in hits]
        return []


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


def _matches(why: Iterable[_Likely], clues: Mapping[str, Sequence[Clue]]) -> list[Match]:
    matches: dict[tuple[str, str], Match] = {}
    for each in why:
        hit = each.hit
        name, value = hit.type, hit.value
        if hit.event is not None:
            said = found_in(clues.get(hit.event, ()), hit.found)
            if said is None:
                continue  # erased meanwhile
            name, value = said
        matches.setdefault((name, value), Match(name, value, each.likeness))
    return list(matches.values())[:_MAX_REASONS]
