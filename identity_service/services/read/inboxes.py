"""Inboxes: identifiers that a person should look at."""

from __future__ import annotations

from collections.abc import Sequence

from identity_service.domain.recorded import Page, SeenIdentifier, page_of
from identity_service.graph.inboxes import InboxReader
from identity_service.services.read.customers import Customers
from identity_service.services.spaces.access import SpaceScope


class Inboxes:
    """Lists contested identifiers and super-connectors."""

    def __init__(self, reader: InboxReader, customers: Customers) -> None:
        self._reader = reader
        self._customers = customers

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

    async def _page(
        self, scope: SpaceScope, found: Sequence[tuple[int, str]], first: int
    ) -> Page[tuple[int, SeenIdentifier]]:
        count_of = {key: count for count, key in found}
        seen = await self._customers.current(scope).identifiers(list(count_of))
        return page_of([(count_of[identifier.key], identifier) for identifier in seen], first)
