"""The history of a source in the graph, and how far it was replayed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import orjson

from identity_service.domain.events import ReportedEvent
from identity_service.domain.identifiers import Identifier
from identity_service.graph.database import Database
from identity_service.graph.keys import identifier_of, space_key
from identity_service.graph.statements import statement

LIST_EVENTS: Final = statement("replays/list_events")
COUNT_EVENTS: Final = statement("replays/count_events")
READ_PROGRESS: Final = statement("replays/read_progress")
RECORD_PROGRESS: Final = statement("replays/record_progress")

_MAX_BYTES: Final = 16 * 1024 * 1024


class Place(NamedTuple):
    """An event in the order of receipt, by its receipt and its key."""

    at: int
    key: str


BEGINNING: Final = Place(0, "")


@dataclass(frozen=True, slots=True)
class HistoricalEvent:
    """An event as it was read when it was received, and whether it carried a valid proof.

    Its identifiers are as the policy of its space made them, with those that it withheld.
    """

    event: ReportedEvent
    received_at: int
    proven: bool


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Events in the order of their receipt, and the last one looked at; None at the end."""

    events: Sequence[HistoricalEvent]
    last: Place | None


class ReplayStore:
    """Reads histories, and records how far they were replayed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def events(self, space: str, source: str, after: Place, most: int) -> HistoryPage:
        """Events of a source after a place; `most` of the space are looked at."""
        row = await self._database.read_one(
            LIST_EVENTS,
            w={
                "space": space,
                "source": source,
                "at": after.at,
                "key": after.key,
                "most": most,
                "bytes": _MAX_BYTES,
            },
        )
        if row is None or row["last"] is None:
            return HistoryPage((), None)
        found = [_historical(*entry) for entry in row["events"]]
        found.sort(key=lambda each: (each.received_at, each.event.place))
        return HistoryPage(found, Place(*row["last"]))

    async def count(self, space: str, source: str) -> int:
        """Events of a source."""
        row = await self._database.read_one(COUNT_EVENTS, w={"space": space, "source": source})
        return row["number"] if row else 0

    async def progress(self, space: str, source: str, into: str) -> tuple[Place, int]:
        """The last event of a source that was looked at, and how many were sent into a space."""
        row = await self._database.read_one(READ_PROGRESS, key=_key(space, source, into))
        return (BEGINNING, 0) if row is None else (Place(*row["place"]), row["events"])

    async def record(self, space: str, source: str, into: str, place: Place, events: int) -> None:
        """Record them."""
        await self._database.write_all(
            RECORD_PROGRESS,
            w={
                "key": _key(space, source, into),
                "space": into,
                "source": source,
                "at": place.at,
                "place_key": place.key,
                "events": events,
            },
        )


def _key(space: str, source: str, into: str) -> str:
    return space_key(into, f"{space}\t{source}")


def _historical(
    node: Mapping[str, Any], identifier_keys: Sequence[str], accounts: Sequence[str]
) -> HistoricalEvent:
    def held(name: str) -> dict[str, Any]:
        return orjson.loads(node[name]) if node.get(name) else {}

    properties = held("properties")
    identifiers = [
        *map(identifier_of, sorted(identifier_keys)),
        *(Identifier(*text.split(":", 1)) for text in node.get("withheld") or ()),
    ]
    event = ReportedEvent(
        message_id=node["message_id"],
        type=node["type"],
        name=node.get("name"),
        at=node["at"],
        identifiers=tuple(dict.fromkeys(identifiers)),
        properties=properties,
        context=held("context"),
        traits=held("traits"),
        context_traits=held("context_traits"),
        account_id=accounts[0] if accounts else None,
        account_traits=properties if node["type"] == "group" else {},
        digest=node["key"].partition("\t")[2],
        place=node.get("place") or 0,
        size=node.get("stored_bytes") or len(node["properties"]),
    )
    return HistoricalEvent(event, node["received_at"], bool(node.get("proven")))
