"""A copy of one space in a database of its own, node by node as it is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from identity_service.graph.copies import CopyReader, CopyWriter
from identity_service.graph.exports import ExportReader
from identity_service.services.access import SpaceScope

Advanced = Callable[[str, int], None]
"""Is told what was copied just now, and how many of it."""


class Copying:
    """Copies spaces out of one database."""

    def __init__(self, reader: CopyReader, walk: ExportReader) -> None:
        self._reader = reader
        self._walk = walk

    async def copy(
        self, scope: SpaceScope, writer: CopyWriter, advanced: Advanced = lambda _, __: None
    ) -> Mapping[str, int]:
        """Copy a space into an empty database with the schema applied; what was copied, counted.

        All nodes and relationships of the space with their labels and properties, except keys,
        sources and rejected events. Every node is as it was at some moment of the copying; what
        others write meanwhile may be missing. Memory does not grow with the space.
        """
        return await _Copy(self._reader, self._walk, writer, scope.space, advanced).run()


class _Copy:
    """One copy: ends of relationships come before these."""

    def __init__(
        self,
        reader: CopyReader,
        walk: ExportReader,
        writer: CopyWriter,
        space: str,
        advanced: Advanced,
    ) -> None:
        self._reader = reader
        self._walk = walk
        self._writer = writer
        self._space = space
        self._advanced = advanced
        self._copied: Counter[str] = Counter()

    async def run(self) -> Mapping[str, int]:
        await self._writer.nodes(await self._reader.space(self._space))
        await self._identifiers()
        await self._belonging()
        async for links in self._walk.all_links(self._space):
            await self._writer.links([_link(*link) for link in links])
            self._note("links", len(links))
        async for accounts in self._reader.accounts(self._space):
            await self._writer.accounts(accounts)
            self._note("accounts", len(accounts))
        async for events in self._reader.events(self._space):
            await self._writer.events(events)
            self._note("events", len(events))
        async for changes in self._reader.changes(self._space):
            await self._writer.nodes(changes)
            self._note("changes", len(changes))
        async for judgements in self._reader.judgements(self._space):
            await self._writer.nodes(judgements)
            self._note("judgements", len(judgements))
        return dict(self._copied)

    async def _identifiers(self) -> None:
        """Identifiers, and at each the customers and retired ids that are anchored there."""
        async for keys in self._walk.identifier_keys(self._space):
            identifiers, anchored, _ = await self._reader.identifiers(keys)
            await self._writer.nodes(identifiers)
            await self._writer.anchored(anchored)
            self._note("identifiers", len(identifiers))
            self._note("customers", sum("Customer" in labels for labels, *_ in anchored))

    async def _belonging(self) -> None:
        """Who belongs to whom, once more with the customers: an anchor may have moved meanwhile."""
        async for keys in self._walk.identifier_keys(self._space):
            again = await self._reader.identifiers(keys)
            await self._writer.anchored(again.anchored)
            await self._writer.links(again.judged)
            identifiers, retired = await self._walk.identifiers(keys)
            await self._writer.belonging(
                [[key, customer] for key, *_, customer in identifiers if customer is not None],
                [[old, current] for old, current, _ in retired if current is not None],
            )

    def _note(self, what: str, number: int) -> None:
        self._copied[what] += number
        self._advanced(what, number)


def _link(
    a: str, b: str, first_seen: int, last_seen: int, times_seen: int, sources: list[str]
) -> list[Any]:
    properties = {
        "first_seen": first_seen,
        "last_seen": last_seen,
        "times_seen": times_seen,
        "sources": sources,
    }
    return [a, b, "OBSERVED_TOGETHER", properties]
