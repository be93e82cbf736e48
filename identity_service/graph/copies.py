"""A space as it is stored, read from one database and written into another."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Final, NamedTuple

from identity_service.domain.exports import BEGINNING
from identity_service.graph.database import Database
from identity_service.graph.pages import Row, pages, without_space
from identity_service.graph.statements import statement

READ_SPACE: Final = statement("sandbox/read_space")
LIST_CHANGES: Final = statement("sandbox/list_changes")
LIST_JUDGEMENTS: Final = statement("sandbox/list_judgements")
LIST_ACCOUNTS: Final = statement("sandbox/list_accounts")
LIST_EVENTS: Final = statement("sandbox/list_events")
READ_IDENTIFIERS: Final = statement("sandbox/read_identifiers")
WRITE_NODES: Final = statement("sandbox/write_nodes")
WRITE_ANCHORED: Final = statement("sandbox/write_anchored")
WRITE_BELONGING: Final = statement("sandbox/write_belonging")
WRITE_LINKS: Final = statement("sandbox/write_links")
WRITE_ACCOUNTS: Final = statement("sandbox/write_accounts")
WRITE_EVENTS: Final = statement("sandbox/write_events")


class StoredIdentifiers(NamedTuple):
    """Identifiers as nodes; [labels, properties, identifier key] of customers and retired ids.

    `judged` are relationships between identifiers: [a_key, b_key, type, properties].
    """

    identifiers: list[Row]
    anchored: list[Row]
    judged: list[Row]


class CopyReader:
    """Reads a space, and of it nothing that opens a door: no keys, sources or rejected events."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def space(self, space: str) -> list[Row]:
        """The node of the space and its policies, as [labels, properties]."""
        row = await self._database.read_one(READ_SPACE, w={"space": space})
        return row["nodes"] if row else []

    def changes(self, space: str) -> AsyncGenerator[list[Row]]:
        """[labels, properties]."""
        first = {"space": space, "key": ""}
        return pages(self._database, LIST_CHANGES, first, lambda last: {"key": last[1]["id"]})

    def judgements(self, space: str) -> AsyncGenerator[list[Row]]:
        """[labels, properties]."""
        first = {"space": space, "key": ""}
        return pages(self._database, LIST_JUDGEMENTS, first, lambda last: {"key": last[1]["id"]})

    def accounts(self, space: str) -> AsyncGenerator[list[Row]]:
        """[properties, list of the properties of its traits]."""
        return pages(
            self._database,
            LIST_ACCOUNTS,
            {"space": space, "key": ""},
            lambda last: {"key": without_space(last[0]["key"])},
        )

    def events(self, space: str) -> AsyncGenerator[list[Row]]:
        """[labels, properties, strongest identifier, all identifiers, accounts], by their keys."""
        return pages(
            self._database,
            LIST_EVENTS,
            {"space": space, "since": BEGINNING, "key": ""},
            lambda last: {"since": last[1]["received_at"], "key": last[1]["key"]},
        )

    async def identifiers(self, keys: Sequence[str]) -> StoredIdentifiers:
        """Identifiers by their keys, and what hangs on them."""
        row = await self._database.read_one(READ_IDENTIFIERS, w={"keys": list(keys)})
        if row is None:
            return StoredIdentifiers([], [], [])
        return StoredIdentifiers(row["identifiers"], row["anchored"], row["judged"])


class CopyWriter:
    """Writes what a `CopyReader` read into an empty database with the schema applied."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def nodes(self, nodes: Sequence[Row]) -> None:
        """[labels, properties]."""
        await self._database.write_one(WRITE_NODES, w={"nodes": list(nodes)})

    async def anchored(self, anchored: Sequence[Row]) -> None:
        """[labels, properties, identifier key] of customers and retired ids."""
        await self._database.write_one(WRITE_ANCHORED, w={"anchored": list(anchored)})

    async def belonging(self, belonging: Sequence[Row], forwarded: Sequence[Row]) -> None:
        """[identifier key, customer id] and [retired id, customer id]."""
        w = {"belonging": list(belonging), "forwarded": list(forwarded)}
        await self._database.write_one(WRITE_BELONGING, w=w)

    async def links(self, links: Sequence[Row]) -> None:
        """[a_key, b_key, type, properties]."""
        await self._database.write_one(WRITE_LINKS, w={"links": list(links)})

    async def accounts(self, accounts: Sequence[Row]) -> None:
        """[properties, list of the properties of its traits]."""
        await self._database.write_one(WRITE_ACCOUNTS, w={"accounts": list(accounts)})

    async def events(self, events: Sequence[Row]) -> None:
        """[labels, properties, strongest identifier, all identifiers, accounts]."""
        await self._database.write_one(WRITE_EVENTS, w={"events": list(events)})
