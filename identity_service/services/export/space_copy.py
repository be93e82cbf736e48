"""A copy of one space, node by node as it is stored, as files that a new database is made of."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from identity_service.graph.copies import CopyReader, StoredIdentifiers
from identity_service.graph.exports import ExportReader
from identity_service.graph.import_files import ImportFiles
from identity_service.graph.pages import Row, ahead
from identity_service.services.export.disk_set import DiskSet
from identity_service.services.spaces.access import SpaceScope

Advanced = Callable[[str, int], None]
"""Is called with what was just copied, and how many."""

Page = TypeVar("Page")

_CONTAINERS: Final = 500_000
"""After so many new ones Python looks for cycles: some pages have as many."""

_LINK: Final = ("first_seen", "last_seen", "times_seen", "sources")

_BOTH: Final = ("Identifier", "Identifier")

_OF_EVENT: Final = {
    "ATTRIBUTED_TO": "Identifier",
    "OBSERVED": "Identifier",
    "DETACHED": "Identifier",
    "NAMES": "Account",
    "TOLD": "AccountTraits",
}
"""Relationships of an event and to which kind."""

_OF_ID: Final = (
    ("ANCHORED_AT", "Identifier"),
    ("WAS_ANCHORED_AT", "Identifier"),
    ("FORWARDS_TO", "Customer"),
)
"""Relationships of a customer or a retired id and to which kind, as they stand in a row of it."""


class SpaceCopier:
    """Copies spaces out of one database."""

    def __init__(self, reader: CopyReader, walk: ExportReader) -> None:
        self._reader = reader
        self._walk = walk

    async def copy(
        self, scope: SpaceScope, directory: Path, advanced: Advanced = lambda _, __: None
    ) -> tuple[Mapping[str, int], tuple[str, ...]]:
        """Write a space into files of an empty directory; what was copied, counted, and the
        arguments of the offline import that reads them.

        All nodes and relationships of the space with their labels and properties, except keys,
        sources and rejected events. Every node is as it was at some moment of the copying; what
        others write meanwhile may be missing. Memory does not grow with the space.
        """
        with (
            ImportFiles(directory) as files,
            DiskSet(directory / ".seen") as seen,
            _rarely_collected(),
        ):
            copied = await _Copy(self._reader, self._walk, scope.space, files, seen, advanced).run()
        return copied, files.arguments()


class _Copy:
    """One copy. Events come first: all that they name is there when it is read after them."""

    def __init__(
        self,
        reader: CopyReader,
        walk: ExportReader,
        space: str,
        files: ImportFiles,
        seen: DiskSet,
        advanced: Advanced,
    ) -> None:
        self._reader = reader
        self._walk = walk
        self._space = space
        self._files = files
        self._seen = seen
        self._advanced = advanced
        self._copied: Counter[str] = Counter()

    async def run(self) -> Mapping[str, int]:
        walk, reader, space = self._walk, self._reader, self._space
        await self._each(reader.events(space), self._events)
        await self._each(self._stored_identifiers(), self._identifiers)
        await self._each(walk.all_links(space), self._links)
        await self._each(reader.accounts(space), self._accounts)
        await self._each(reader.account_traits(space), self._account_traits)
        await self._each(reader.changes(space), partial(self._alone, "changes", "Change"))
        judgements = partial(self._alone, "judgements", "Judgement")
        await self._each(reader.judgements(space), judgements)
        self._files.nodes(await reader.space(space), "Space")
        return dict(self._copied)

    async def _each(self, pages: AsyncGenerator[Page], write: Callable[[Page], None]) -> None:
        async with aclosing(ahead(pages)) as read:
            async for page in read:
                await asyncio.to_thread(write, page)

    async def _stored_identifiers(self) -> AsyncGenerator[StoredIdentifiers]:
        for listed in (
            self._walk.identifier_keys(self._space),
            self._reader.unseen_identifiers(self._space),
        ):
            async with aclosing(listed) as pages:
                async for keys in pages:
                    yield await self._reader.identifiers(keys)

    def _events(self, events: list[Row]) -> None:
        self._files.nodes(events, "Event", "key")
        ends: defaultdict[str, list[tuple[str, str, Row]]] = defaultdict(list)
        for _, its, related in events:
            key = its["key"]
            for name, other, properties in related:
                ends[name].append((key, other, properties))
        for name, kind in _OF_EVENT.items():
            self._files.relationships(name, ("Event", kind), ends[name])
        self._note("events", len(events))

    def _identifiers(self, found: StoredIdentifiers) -> None:
        """Identifiers, and each customer and retired id where it is met first."""
        files = self._files
        files.nodes(found.identifiers, "Identifier", "key")
        files.relationships("BELONGS_TO", ("Identifier", "Customer"), found.belonging)
        for a, b, verdict, its in found.judged:
            files.relationships(verdict, _BOTH, [(a, b, its)])
        new = self._seen.add("id", (its["id"] for _, its, *_ in found.ids))
        self._ids([row for row in found.ids if row[1]["id"] in new])
        self._note("identifiers", len(found.identifiers))

    def _ids(self, ids: Sequence[Row]) -> None:
        """Customers and retired ids, with their place in the register."""
        files = self._files
        files.nodes(ids, "Customer", "id")
        for place, (name, kind) in enumerate(_OF_ID, start=2):
            rows = [(its[1]["id"], *other) for its in ids for other in its[place]]
            files.relationships(name, ("Customer", kind), rows)
        self._note("customers", sum("Customer" in labels for labels, *_ in ids))

    def _links(self, links: list[Row]) -> None:
        rows = (
            (a, b, dict(zip(_LINK, facts, strict=True)) | ({"proven": True} if proven else {}))
            for a, b, *facts, proven in links
        )
        self._files.relationships("OBSERVED_TOGETHER", _BOTH, rows)
        self._note("links", len(links))

    def _accounts(self, accounts: list[Row]) -> None:
        self._files.nodes(accounts, "Account", "key")
        self._note("accounts", len(accounts))

    def _account_traits(self, sets: list[Row]) -> None:
        self._files.nodes(sets, "AccountTraits", "key")
        rows = [(account, its["key"]) for _, its, accounts in sets for account in accounts]
        self._files.relationships("DESCRIBED_AS", ("Account", "AccountTraits"), rows)

    def _alone(self, what: str, kind: str, nodes: list[Row]) -> None:
        """Nodes that nothing relates to."""
        self._files.nodes(nodes, kind)
        self._note(what, len(nodes))

    def _note(self, what: str, number: int) -> None:
        self._copied[what] += number
        self._advanced(what, number)


@contextmanager
def _rarely_collected() -> Generator[None]:
    """Pages are thousands of containers without a cycle; looking for one takes most of the time."""
    before = gc.get_threshold()
    gc.set_threshold(_CONTAINERS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
