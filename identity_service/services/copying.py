"""A copy of one space, node by node as it is stored, as files that a new database is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from identity_service.graph.copies import CopyReader
from identity_service.graph.exports import ExportReader
from identity_service.graph.import_files import ImportFiles
from identity_service.graph.pages import Row
from identity_service.services.access import SpaceScope
from identity_service.services.noted import Noted

Advanced = Callable[[str, int], None]
"""Is told what was copied just now, and how many of it."""

_LINK: Final = ("first_seen", "last_seen", "times_seen", "sources")

_BOTH: Final = ("Identifier", "Identifier")

_OF_EVENT: Final = (
    ("ATTRIBUTED_TO", "Identifier"),
    ("OBSERVED", "Identifier"),
    ("NAMES", "Account"),
    ("TOLD", "AccountTraits"),
)
"""Relationships of an event and to which kind, as they stand in a row of it."""

_OF_ID: Final = (
    ("ANCHORED_AT", "Identifier"),
    ("WAS_ANCHORED_AT", "Identifier"),
    ("FORWARDS_TO", "Customer"),
)
"""Likewise of a customer or a retired id."""


class Copying:
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
        with ImportFiles(directory) as files, Noted(directory / ".noted") as noted:
            copied = await _Copy(
                self._reader, self._walk, scope.space, files, noted, advanced
            ).run()
        return copied, files.arguments()


class _Copy:
    """One copy. Events come first: all that they name is there when it is read after them."""

    def __init__(
        self,
        reader: CopyReader,
        walk: ExportReader,
        space: str,
        files: ImportFiles,
        noted: Noted,
        advanced: Advanced,
    ) -> None:
        self._reader = reader
        self._walk = walk
        self._space = space
        self._files = files
        self._noted = noted
        self._advanced = advanced
        self._copied: Counter[str] = Counter()

    async def run(self) -> Mapping[str, int]:
        await self._events()
        await self._identifiers()
        async for links in self._walk.all_links(self._space):
            rows = ((a, b, dict(zip(_LINK, facts, strict=True))) for a, b, *facts in links)
            self._files.relationships("OBSERVED_TOGETHER", _BOTH, rows)
            self._note("links", len(links))
        await self._accounts()
        async for changes in self._reader.changes(self._space):
            self._files.nodes(changes, "Change")
            self._note("changes", len(changes))
        async for judgements in self._reader.judgements(self._space):
            self._files.nodes(judgements, "Judgement")
            self._note("judgements", len(judgements))
        self._files.nodes(await self._reader.space(self._space), "Space")
        return dict(self._copied)

    async def _events(self) -> None:
        async for events in self._reader.events(self._space):
            self._files.nodes(events, "Event", "key")
            for place, (name, kind) in enumerate(_OF_EVENT, start=2):
                rows = [(event[1]["key"], other) for event in events for other in event[place]]
                self._files.relationships(name, ("Event", kind), rows)
            self._note("events", len(events))

    async def _identifiers(self) -> None:
        """Identifiers, and each customer and retired id where it is met first."""
        files = self._files
        async for keys in self._walk.identifier_keys(self._space):
            found = await self._reader.identifiers(keys)
            files.nodes(found.identifiers, "Identifier", "key")
            files.relationships("BELONGS_TO", ("Identifier", "Customer"), found.belonging)
            for a, b, verdict, its in found.judged:
                files.relationships(verdict, _BOTH, [(a, b, its)])
            new = self._noted.add("id", (its["id"] for _, its, *_ in found.ids))
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

    async def _accounts(self) -> None:
        files = self._files
        async for accounts in self._reader.accounts(self._space):
            files.nodes(accounts, "Account", "key")
            files.nodes((told for *_, each in accounts for told in each), "AccountTraits", "key")
            rows = [(its["key"], told["key"]) for _, its, each in accounts for _, told in each]
            files.relationships("DESCRIBED_AS", ("Account", "AccountTraits"), rows)
            self._note("accounts", len(accounts))

    def _note(self, what: str, number: int) -> None:
        self._copied[what] += number
        self._advanced(what, number)
