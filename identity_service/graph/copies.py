"""A space as it is stored: every node of it with its labels, properties and relationships."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from identity_service.graph.database import Database
from identity_service.graph.keys import without_space
from identity_service.graph.pages import PAGE, Row, pages
from identity_service.graph.statements import Statement, statement

READ_SPACE: Final = statement("sandbox/read_space")
LIST_CHANGES: Final = statement("sandbox/list_changes")
LIST_JUDGEMENTS: Final = statement("sandbox/list_judgements")
LIST_RETRACTIONS: Final = statement("sandbox/list_retractions")
LIST_RETRACTION_STEPS: Final = statement("sandbox/list_retraction_steps")
LIST_ACCOUNTS: Final = statement("sandbox/list_accounts")
LIST_ACCOUNT_TRAITS: Final = statement("sandbox/list_account_traits")
LIST_EVENTS: Final = statement("sandbox/list_events")
LIST_UNSEEN_KEYS: Final = statement("sandbox/list_unseen_keys")
READ_IDENTIFIERS: Final = statement("sandbox/read_identifiers")


EVENTS: Final = 5_000
"""Most events of a page."""

STEPS: Final = 500
"""Steps of retractions of a page, each with some hundred keys of events."""


class StoredIdentifiers(NamedTuple):
    """Identifiers as [labels, properties], and what hangs on them.

    `belonging`: [identifier key, customer id]. `judged`: [a_key, b_key, type, properties].
    `ids`: customers and retired ids, [labels, properties, anchored at, was anchored at, forwards
    to]; each of these is a list of [key or id, properties of the relationship].
    """

    identifiers: list[Row]
    belonging: list[Row]
    judged: list[Row]
    ids: list[Row]


class CopyReader:
    """Reads a space, and of it nothing that opens a door: no keys, sources or rejected events.

    What is kept of sources stays behind with them: rules, statistics, upstream notices, loads.

    Every page is a transaction of its own, and retried by itself.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def events(self, space: str) -> AsyncGenerator[list[Row]]:
        """[labels, properties, relationships], each of these [type, key of its end, properties]."""
        return self._by_key(LIST_EVENTS, space, EVENTS)

    def unseen_identifiers(self, space: str) -> AsyncGenerator[list[str]]:
        """Keys of the identifiers that judgements took from every event."""
        return pages(
            self._database,
            LIST_UNSEEN_KEYS,
            {"space": space, "key": ""},
            lambda last: {"key": without_space(last)},
        )

    async def identifiers(self, keys: Sequence[str]) -> StoredIdentifiers:
        """Identifiers by their keys."""
        row = await self._database.read_one(READ_IDENTIFIERS, w={"keys": list(keys)})
        return StoredIdentifiers(**row) if row else StoredIdentifiers([], [], [], [])

    def accounts(self, space: str) -> AsyncGenerator[list[Row]]:
        """[labels, properties]."""
        return self._by_key(LIST_ACCOUNTS, space)

    def account_traits(self, space: str) -> AsyncGenerator[list[Row]]:
        """Sets of traits, [labels, properties, keys of the accounts that they describe]."""
        return self._by_key(LIST_ACCOUNT_TRAITS, space)

    def changes(self, space: str) -> AsyncGenerator[list[Row]]:
        """[labels, properties]."""
        first = {"space": space, "key": ""}
        return pages(self._database, LIST_CHANGES, first, lambda last: {"key": last[1]["id"]})

    def judgements(self, space: str) -> AsyncGenerator[list[Row]]:
        """[labels, properties]."""
        first = {"space": space, "key": ""}
        return pages(self._database, LIST_JUDGEMENTS, first, lambda last: {"key": last[1]["id"]})

    def retractions(self, space: str) -> AsyncGenerator[list[Row]]:
        """[labels, properties]."""
        first = {"space": space, "key": ""}
        return pages(self._database, LIST_RETRACTIONS, first, lambda last: {"key": last[1]["id"]})

    def retraction_steps(self, space: str) -> AsyncGenerator[list[Row]]:
        """[labels, properties]."""
        first = {"space": space, "id": "", "number": 0}

        def place_of(last: Row) -> Mapping[str, Any]:
            return {"id": last[1]["retraction"], "number": last[1]["number"]}

        return pages(self._database, LIST_RETRACTION_STEPS, first, place_of, STEPS)

    async def space(self, space: str) -> list[Row]:
        """The node of the space, its policies and its profiles texts, as [labels, properties]."""
        row = await self._database.read_one(READ_SPACE, w={"space": space})
        return row["nodes"] if row else []

    def _by_key(
        self, listing: Statement, space: str, page: int = PAGE
    ) -> AsyncGenerator[list[Row]]:
        """Nodes in the order of their keys; the properties are the second value of a row."""
        return pages(
            self._database,
            listing,
            {"space": space, "key": ""},
            lambda last: {"key": without_space(last[1]["key"])},
            page,
        )
