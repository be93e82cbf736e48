"""Events that go to destinations, in the graph: what waits, and what became of each that was sent.

An event is named by `event`: its key in the graph without the space.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from identity_service.graph.database import Database
from identity_service.graph.keys import DestinationKey
from identity_service.graph.statements import statement

READ: Final = statement("destinations/read_events")
CLAIM: Final = statement("destinations/claim_events")
WRITE: Final = statement("destinations/write_events")
DROP: Final = statement("destinations/drop_events")
DELETE: Final = statement("destinations/delete_events")
DELETE_OF_CUSTOMERS: Final = statement("destinations/delete_events_of_customers")
LIST: Final = statement("destinations/list_events")
SEND_AGAIN: Final = statement("destinations/send_events_again")
COUNT: Final = statement("destinations/count_events")

_PAGE: Final = 2_000


class WaitingEvent(NamedTuple):
    """An event that is to go to a destination, and whose it is now. Times are in milliseconds.

    `attempt`: how often it was not taken; `since`: when that was so first.
    """

    customer_id: str
    event: str
    message_id: str
    name: str
    at: int
    properties_json: str
    attempt: int | None
    since: int | None


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event that was sent to a destination, or is to be sent again. Times as above.

    `state`: `sent`, `waiting` (for a new attempt), `dead`, or `unknown`: nobody knows whether the
    destination took it. It was added to `record`, for `customer_id`. `request` and `answer`: the
    last ones that failed, as JSON text and as text.
    """

    event: str
    message_id: str
    customer_id: str
    record: str
    state: str
    sent_at: int | None = None
    attempt: int = 0
    request: str | None = None
    answer: str | None = None


class OutgoingEvents:
    """Reads and writes them. Knows no rule and no secret."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def waiting(
        self,
        key: DestinationKey,
        customers: Mapping[str, int],
        owners: Mapping[str, int],
        since: Mapping[str, int],
        most: int,
    ) -> tuple[list[WaitingEvent], list[str]]:
        """Events of customers that are to go, in order, and those that waited and are not to.

        `customers` have the time from which on their events go there, `since` that of each name.
        For `owners`, these customers and ids that they had before, it is what waited until now.
        """
        w = _of(
            key,
            customers=[list(each) for each in customers.items()],
            owners=[list(each) for each in owners.items()],
            since=dict(since),
            most=most,
        )
        row = await self._database.read_latest(READ, w=w)
        if row is None:
            return [], []
        return [WaitingEvent(*each) for each in row["events"]], row["dropped"]

    async def claim(
        self, key: DestinationKey, events: Iterable[tuple[str, WaitingEvent]]
    ) -> set[str]:
        """Record that nobody knows what becomes of events; those that may be sent.

        `events` are by the keys of the records that they are added to.
        """
        rows = [[record, each.event, each.message_id, each.customer_id] for record, each in events]
        row = await self._database.write_one(CLAIM, w=_of(key, events=sorted(rows)))
        return set(row["claimed"]) if row else set()

    async def write(
        self, key: DestinationKey, events: Mapping[str, tuple[str, Mapping[str, Any]]]
    ) -> None:
        """Record what became of events: for each, the key of the record, and what is to be set."""
        rows = [[record, event, dict(changes)] for event, (record, changes) in events.items()]
        await self._database.write_one(
            WRITE, w=_of(key, events=sorted(rows, key=lambda row: (row[0], row[1])))
        )

    async def drop(self, key: DestinationKey, events: Sequence[str]) -> None:
        """Forget events that waited."""
        await self._database.write_one(DROP, w=_of(key, events=sorted(events)))

    async def delete(self, key: DestinationKey) -> None:
        """Forget all events of a destination."""
        w = _of(key, most=_PAGE)
        while (row := await self._database.write_one(DELETE, w=w)) and row["deleted"]:
            pass

    async def delete_of(self, space: str, customers: Sequence[str]) -> None:
        """Forget all events of customers, at every destination."""
        w = {"space": space, "customers": sorted(customers), "most": _PAGE}
        while (row := await self._database.write_one(DELETE_OF_CUSTOMERS, w=w)) and row["deleted"]:
            pass

    async def in_state(
        self, key: DestinationKey, state: str, after: str, most: int
    ) -> list[StoredEvent]:
        """Events of a destination in a state, by `event`, those after one."""
        row = await self._database.read_one(LIST, w=_of(key, state=state, after=after, most=most))
        return [_event(each) for each in row["events"]] if row else []

    async def send_again(
        self, key: DestinationKey, states: Sequence[str], messages: Sequence[str] | None
    ) -> int:
        """Have events in states sent again, all or those with these message ids; how many."""
        w = _of(
            key,
            states=list(states),
            messages=None if messages is None else list(messages),
            most=_PAGE,
        )
        sent = 0
        while (row := await self._database.write_one(SEND_AGAIN, w=w)) and row["sent"]:
            sent += row["sent"]
        return sent

    async def counts(self, key: DestinationKey) -> dict[str, int]:
        """Events by state."""
        row = await self._database.read_one(COUNT, w=_of(key))
        return dict(row["states"]) if row else {}


def _of(key: DestinationKey, **more: Any) -> dict[str, Any]:
    return {"space": key.space, "destination": key.name, **more}


def _event(found: Mapping[str, Any]) -> StoredEvent:
    return StoredEvent(
        event=found["event"],
        message_id=found["message_id"],
        customer_id=found["customer_id"],
        record=found["record"],
        state=found["state"],
        sent_at=found.get("sent_at"),
        attempt=found.get("attempt", 0),
        request=found.get("request"),
        answer=found.get("answer"),
    )
