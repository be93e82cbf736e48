"""Inboxes: identifiers that a person should look at, and who and what hangs on them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from identity_service.domain.recorded import Page, SeenIdentifier, SettledCustomer, page_of
from identity_service.graph.inboxes import InboxReader
from identity_service.services.kit.data_loader import DataLoader
from identity_service.services.read.current import Customers
from identity_service.services.spaces.access import SpaceScope

DAY_MS: Final = 86_400_000
"""Milliseconds."""


@dataclass(frozen=True, slots=True)
class Degree:
    """How many distinct identifiers were seen with one until the end of a day.

    `day`: its first moment (UTC), in milliseconds since 1970.
    """

    day: int
    link_count: int


def grown(added: Iterable[Sequence[int]], first: int) -> list[Degree]:
    """The last `first` degrees, from [days since 1970, new links], in order of the days."""
    link_count = 0
    degrees: list[Degree] = []
    for day, links in added:
        link_count += links
        degrees.append(Degree(day * DAY_MS, link_count))
    return degrees[-first:] if first else []


class Inboxes:
    """Reads inboxes. What is asked for at the same time is read together."""

    def __init__(self, reader: InboxReader, customers: Customers) -> None:
        self._reader = reader
        self._customers = customers
        self._people = DataLoader(reader.people)
        self._links_by_day = DataLoader(reader.links_by_day)

    async def contested(
        self, scope: SpaceScope, people: int, key: str, first: int
    ) -> Page[tuple[int, SeenIdentifier]]:
        """Contested identifiers with how many people share them, most first.

        They begin after the one with that many people and that key. Of the `MAX_RANKED` that
        have the most links.
        """
        found = await self._reader.contested(scope.space, people, key, first + 1)
        return await self._page(scope, found, first)

    async def super_connectors(
        self, scope: SpaceScope, links: int, key: str, first: int
    ) -> Page[tuple[int, SeenIdentifier]]:
        """Super-connectors with their links, most first, after the one named."""
        found = await self._reader.super_connectors(scope.space, links, key, first + 1)
        return await self._page(scope, found, first)

    async def shared_by(
        self, scope: SpaceScope, identifier: SeenIdentifier, first: int
    ) -> list[SettledCustomer]:
        """The people who were seen with an identifier, those first who were so last."""
        people = await self._people.get(identifier.key) or ()
        return await self._customers.settled(scope, people[:first])

    async def links_over_time(
        self, _: SpaceScope, identifier: SeenIdentifier, first: int
    ) -> Sequence[Degree]:
        """How its links became more: the last `first` days that brought any, in order."""
        by_day = await self._links_by_day.get(identifier.key) or ()
        return grown(by_day, first)

    async def _page(
        self, scope: SpaceScope, found: Sequence[tuple[int, str]], first: int
    ) -> Page[tuple[int, SeenIdentifier]]:
        count_of = {key: count for count, key in found}
        seen = await self._customers.identifiers(scope, list(count_of))
        return page_of([(count_of[identifier.key], identifier) for identifier in seen], first)
