"""Reading a whole space out of the graph, as lists of numbers."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from itertools import compress, repeat
from typing import Any, Final

from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import Judgement
from identity_service.domain.preview.snapshot import Snapshot
from identity_service.domain.resolution.id_register import CustomerKind, RegisteredId
from identity_service.graph.database import Database, Row
from identity_service.graph.judgements import judgement_of
from identity_service.graph.keys import identifier_key, identifier_of
from identity_service.graph.pages import ahead
from identity_service.graph.statements import statement

READ_IDENTIFIERS: Final = statement("snapshot/read_identifiers")
LIST_JUDGEMENTS_IN_FORCE: Final = statement("snapshot/list_judgements_in_force")
READ_STATE: Final = statement("snapshot/read_state")
COUNT_EVENTS: Final = statement("snapshot/count_events")
READ_LINK_SOURCES: Final = statement("snapshot/read_link_sources")

IDENTIFIERS_AT_ONCE: Final = 2_000
"""Identifiers of one page: what the event loop unpacks in some milliseconds."""


class SnapshotReader:
    """Reads whole spaces. Knows no rule."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(
        self, space: str, progress: Callable[[int], None], *, with_claims: bool
    ) -> Snapshot:
        """All of a space, of links the claims only if `with_claims`.

        `progress` is called with how many identifiers were read so far.

        Every page is as it was committed when it was read. Nothing arriving in between, that is
        the space at one moment; else what arrives may be seen in part, and links to identifiers
        that came after their page are left out, as are such anchors that a customer had before.
        """
        gathering = _Gathering()
        async with aclosing(ahead(self._pages(space, with_claims))) as pages:
            async for page in pages:
                await asyncio.to_thread(gathering.add, page)
                progress(len(gathering.snapshot.identifiers))
        row = await self._database.read_one(LIST_JUDGEMENTS_IN_FORCE, space=space)
        judgements = [judgement_of(*each) for each in row["judgements"]] if row else []
        return await asyncio.to_thread(gathering.complete, judgements)

    async def _pages(self, space: str, with_claims: bool) -> AsyncGenerator[Row]:
        """All identifiers, in the order of their keys."""
        after, end = f"{space}/", f"{space}0"  # the character after the slash
        while True:
            row = await self._database.read_one(
                READ_IDENTIFIERS,
                w={
                    "after": after,
                    "end": end,
                    "most": IDENTIFIERS_AT_ONCE,
                    "with_claims": with_claims,
                },
            )
            if not row or not row["keys"]:
                return
            yield row
            after = row["keys"][-1]

    async def state(self, space: str) -> tuple[int, ...]:
        """Numbers that change with the customers, the judgements and the policy of a space.

        Events that bring nothing new leave them as they are.
        """
        row = await self._database.read_one(READ_STATE, space=space)
        return tuple(row["state"]) if row else ()

    async def event_counts(self, keys: Sequence[str]) -> dict[str, int]:
        """By identifier key, how many events are attributed to it; only identifiers that exist."""
        row = await self._database.read_one(COUNT_EVENTS, w={"keys": list(keys)})
        return dict(row["counts"]) if row else {}

    async def link_sources(
        self, space: str, links: Iterable[tuple[Identifier, Identifier]]
    ) -> dict[frozenset[Identifier], list[str]]:
        """The sources that reported some links, by their two ends; only links that exist."""
        row = await self._database.read_one(
            READ_LINK_SOURCES,
            w={"links": [[identifier_key(space, a), identifier_key(space, b)] for a, b in links]},
        )
        found: list[tuple[str, str, list[str]]] = row["links"] if row else []
        return {frozenset((identifier_of(a), identifier_of(b))): sources for a, b, sources in found}


class _Gathering:
    """Pages put together. Nodes go by numbers until all are known."""

    def __init__(self) -> None:
        self.snapshot = Snapshot()
        self._position: dict[int, int] = {}
        self._types: dict[str, str] = {}
        self._customer: list[int | None] = []
        self._register: list[list[Any]] = []
        self._a, self._b = array("q"), array("q")

    def add(self, row: Row) -> None:
        """Take in a page."""
        snapshot, position = self.snapshot, self._position
        for number, key in zip(row["numbers"], row["keys"], strict=True):
            kind, value = identifier_of(key)
            position[number] = len(snapshot.identifiers)
            # One text for each type: a million identifiers have a dozen.
            snapshot.identifiers.append(Identifier(self._types.setdefault(kind, kind), value))
        snapshot.first_seen.extend(row["first_seen"])
        snapshot.contested.update(position[number] for number in row["contested"])
        snapshot.super_connectors.update(position[number] for number in row["super_connectors"])
        self._customer += row["customers"]
        self._register += row["register"]
        self._a.extend(row["a"])
        self._b.extend(row["b"])
        links = snapshot.links
        links.first_seen.extend(row["first_seen_together"])
        links.last_seen.extend(row["last_seen_together"])
        links.times_seen.extend(row["times_seen"])
        links.add_claims(map(frozenset, row["claims"] or repeat((), len(row["a"]))))

    def complete(self, judgements: list[Judgement]) -> Snapshot:
        """The snapshot; to be called once, after all pages."""
        snapshot, position = self.snapshot, self._position
        snapshot.judgements = judgements
        id_of: dict[int | None, str] = {number: id_ for number, id_, *_ in self._register}
        snapshot.customer_of = [id_of.get(number) for number in self._customer]
        for _, id_, minted_at, kind, anchor, heir, left in self._register:
            place, kept = position[anchor], CustomerKind(kind) if kind else None
            anchored_at = snapshot.identifiers[place]
            earlier = tuple(
                snapshot.identifiers[position[each]] for each in left if each in position
            )
            snapshot.register.append(
                RegisteredId(id_, minted_at, anchored_at, kept, id_of.get(heir), earlier)
            )
            snapshot.anchors.append(place)
        self._complete_links()
        return snapshot

    def _complete_links(self) -> None:
        links, unknown = self.snapshot.links, -1
        links.a = array("i", (self._position.get(number, unknown) for number in self._a))
        links.b = array("i", (self._position.get(number, unknown) for number in self._b))
        if unknown in links.b:
            known = [b != unknown for b in links.b]
            links.a = array("i", compress(links.a, known))
            links.b = array("i", compress(links.b, known))
            links.first_seen = array("q", compress(links.first_seen, known))
            links.last_seen = array("q", compress(links.last_seen, known))
            links.times_seen = array("q", compress(links.times_seen, known))
            links.claim_numbers = array("i", compress(links.claim_numbers, known))
