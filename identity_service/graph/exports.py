"""A whole space, or what changed of it, read page by page."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Final

from identity_service.domain.exports import BEGINNING
from identity_service.graph.database import Database
from identity_service.graph.keys import without_space
from identity_service.graph.pages import PAGE, Row, pages
from identity_service.graph.statements import statement

LIST_EVENTS: Final = statement("export/list_events")
LIST_SETTLED: Final = statement("export/list_settled")
LIST_IDENTIFIER_KEYS: Final = statement("export/list_identifier_keys")
READ_IDENTIFIERS: Final = statement("export/read_identifiers")
READ_CUSTOMERS: Final = statement("export/read_customers")
LIST_LINKS: Final = statement("export/list_links")
READ_LINKS: Final = statement("export/read_links")
LIST_CHANGES: Final = statement("export/list_changes")


class ExportReader:
    """Reads rows of a space. Every page is a transaction of its own, and retried by itself."""

    def __init__(self, database: Database, page: int = PAGE) -> None:
        self._database = database
        self._page = page

    def events(self, space: str, since: int | None) -> AsyncGenerator[list[Row]]:
        """[properties, strongest identifier, customer id, all identifiers], in order of receipt.

        Identifiers by their keys. `since`: only those that were received then or later.
        """
        return pages(
            self._database,
            LIST_EVENTS,
            {"space": space, "since": BEGINNING if since is None else since, "key": ""},
            lambda last: {"since": last[0]["received_at"], "key": last[0]["key"]},
            self._page,
        )

    def settled(self, space: str, since: int) -> AsyncGenerator[list[Row]]:
        """[id, settled_at, identifier keys] of customers that were settled then or later."""
        return pages(
            self._database,
            LIST_SETTLED,
            {"space": space, "since": since, "key": ""},
            lambda last: {"since": last[1], "key": last[0]},
            self._page,
        )

    def identifier_keys(self, space: str) -> AsyncGenerator[list[str]]:
        """Keys of all identifiers."""
        return pages(
            self._database,
            LIST_IDENTIFIER_KEYS,
            {"space": space, "key": ""},
            lambda last: {"key": without_space(last)},
            self._page,
        )

    def all_links(self, space: str) -> AsyncGenerator[list[Row]]:
        """[a_key, b_key, first_seen, last_seen, times_seen, sources, proven]."""
        return pages(
            self._database,
            LIST_LINKS,
            {"space": space, "key": "", "other": ""},
            lambda last: {"key": without_space(last[0]), "other": last[1]},
            self._page,
        )

    def changes(self, space: str, after: str) -> AsyncGenerator[list[Row]]:
        """[id, kind, at, customer, other one, identifier keys, cause, policy_version, position].

        Those whose id is greater than `after`, in the order of their ids.
        """
        return pages(
            self._database,
            LIST_CHANGES,
            {"space": space, "key": after},
            lambda last: {"key": last[0]},
            self._page,
        )

    async def identifiers(self, keys: Sequence[str]) -> tuple[list[Row], list[Row]]:
        """[key, type, value, first_seen, last_seen, contested, super-connector, blocked, customer].

        And the retired ids that are anchored at them: [id, current id or None, created_at].
        """
        row = await self._database.read_one(READ_IDENTIFIERS, w={"keys": list(keys)})
        return (row["identifiers"], row["retired"]) if row else ([], [])

    async def customers(self, space: str, ids: Sequence[str]) -> list[Row]:
        """[id, kind, created_at, policy_version, identifiers, events, first_seen, last_seen]."""
        row = await self._database.read_one(
            READ_CUSTOMERS, w={"customers": [[space, each] for each in ids]}
        )
        return row["customers"] if row else []

    async def links(self, pairs: Sequence[tuple[str, str]]) -> list[Row]:
        """As `all_links`, those between the pairs of keys, each with the lower identifier first."""
        row = await self._database.read_one(READ_LINKS, w={"pairs": [list(pair) for pair in pairs]})
        return row["links"] if row else []
