"""What waits for a person to look at: identifiers that are shared, or linked with too much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from identity_service.graph.database import Database
from identity_service.graph.statements import statement

LIST_CONTESTED: Final = statement("inboxes/list_contested")
LIST_SUPER_CONNECTORS: Final = statement("inboxes/list_super_connectors")
LIST_PEOPLE: Final = statement("inboxes/list_people")
COUNT_LINKS_BY_DAY: Final = statement("inboxes/count_links_by_day")
COUNT_LINKS_BY_SOURCE: Final = statement("inboxes/count_links_by_source")

MAX_RANKED: Final = 10_000
"""Most contested identifiers that are put in order of their people: those with the most links."""

MAX_LINKS: Final = 10_000
"""Most links of one identifier that are looked at for the people who share it."""

MAX_PEOPLE: Final = 100
"""Most people who are named for one identifier."""


class InboxReader:
    """Reads inboxes, and what is to be known of the identifiers in them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def contested(
        self, space: str, people: int, key: str, most: int
    ) -> list[tuple[int, str]]:
        """People and keys of contested identifiers, after one with that many and that key."""
        row = await self._database.read_one(
            LIST_CONTESTED,
            w={"space": space, "bound": MAX_RANKED, "people": people, "key": key, "most": most},
        )
        return [(count, found) for count, found in row["identifiers"]] if row else []

    async def super_connectors(
        self, space: str, links: int, key: str, most: int
    ) -> list[tuple[int, str]]:
        """Links and keys of super-connectors, after one with that many and that key."""
        row = await self._database.read_one(
            LIST_SUPER_CONNECTORS, w={"space": space, "links": links, "key": key, "most": most}
        )
        return [(count, found) for count, found in row["identifiers"]] if row else []

    async def people(self, keys: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """By identifier key, the ids of known customers that were seen with it."""
        row = await self._database.read_one(
            LIST_PEOPLE, w={"keys": list(keys), "bound": MAX_LINKS, "most": MAX_PEOPLE}
        )
        return dict(row["shared"]) if row else {}

    async def links_by_day(self, keys: Sequence[str]) -> Mapping[str, Sequence[Sequence[int]]]:
        """By identifier key, [days since 1970, new links] for each day that brought any."""
        row = await self._database.read_one(COUNT_LINKS_BY_DAY, w={"keys": list(keys)})
        return dict(row["grown"]) if row else {}

    async def links_by_source(
        self, keys: Sequence[str]
    ) -> Mapping[str, Sequence[tuple[str, int, int]]]:
        """By identifier key, (source, days since 1970, new links) for each day that brought any."""
        row = await self._database.read_one(COUNT_LINKS_BY_SOURCE, w={"keys": list(keys)})
        return {
            key: [(source, day, added) for source, day, added in days]
            for key, days in (row["grown"] if row else ())
        }
