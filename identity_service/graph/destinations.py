"""Destinations in the graph: their definitions, what waits for them, and what they hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import orjson

from identity_service.domain.events import EventOrder
from identity_service.domain.profiles.consents import CONSENT_UPDATED
from identity_service.domain.profiles.occurrences import ProfileEvent
from identity_service.graph.database import Database
from identity_service.graph.keys import DestinationKey
from identity_service.graph.outgoing_events import OutgoingEvents
from identity_service.graph.statements import statement

LIST_TO_SERVE: Final = statement("instance/list_destinations")
CREATE: Final = statement("destinations/create_destination")
LIST: Final = statement("destinations/list_destinations")
READ: Final = statement("destinations/read_destination")
CHANGE: Final = statement("destinations/change_destination")
DELETE: Final = statement("destinations/delete_destination")
DELETE_OUTGOING: Final = statement("destinations/delete_outgoing")
DELETE_RECORDS: Final = statement("destinations/delete_records")
CLAIM: Final = statement("destinations/claim_destination")
RELEASE: Final = statement("destinations/release_destination")
BEGIN_SYNC: Final = statement("destinations/begin_sync")
MARK_NEXT: Final = statement("destinations/mark_next_customers")
MARK: Final = statement("destinations/mark_customers")
TAKE: Final = statement("destinations/take_outgoing")
LIST_OUTGOING: Final = statement("destinations/list_outgoing")
LIST_CUSTOMERS: Final = statement("destinations/list_customers")
READ_CUSTOMERS: Final = statement("destinations/read_customers")
READ_RECORDS: Final = statement("destinations/read_records")
WRITE_OUTCOMES: Final = statement("destinations/write_outcomes")
LIST_RECORDS: Final = statement("destinations/list_records")
LIST_RECORDS_OF: Final = statement("destinations/list_records_of_customers")
SEND_AGAIN: Final = statement("destinations/send_again")
ERASE: Final = statement("destinations/erase_customers")
COUNT: Final = statement("destinations/count_records")

_PAGE: Final = 2_000
_MAX_CONSENT_EVENTS: Final = 100


@dataclass(frozen=True, slots=True)
class StoredDestination:
    """A destination. Times are milliseconds since 1970.

    `definition` is a text of YAML, `secrets` are encrypted. `events_since`: the names of the events
    that go there, each with the time from which on. `paused_by` is None where the service
    paused it by itself, for `paused_reason`. A sync marks all customers, one after the other:
    `sync_marked` of them since `sync_begun_at`.
    """

    key: DestinationKey
    vendor: str
    definition: str
    created_at: int
    created_by: str
    secrets: str = field(repr=False)
    events_since: Mapping[str, int] = field(default_factory=dict[str, int])
    paused_at: int | None = None
    paused_by: str | None = None
    paused_reason: str | None = None
    sync_begun_at: int | None = None
    sync_marked: int = 0
    sync_done_at: int | None = None

    @property
    def is_syncing(self) -> bool:
        """Whether customers are still to be marked."""
        return self.sync_begun_at is not None and self.sync_done_at is None


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record at a destination. Times are milliseconds since 1970.

    `state`: `held`, `waiting` (for its first answer, or a new attempt), `dead`, `erasing` or
    `erased`. `acknowledged` is the digest of what the destination holds, with the `names` of its
    attributes; `wanted` the digest of what it did not take. `request` and `answer`: the last ones
    that failed, as JSON text and as text. `note` says what cannot be undone there.
    """

    destination: str
    record: str
    customer_id: str
    state: str
    acknowledged: str | None = None
    acknowledged_at: int | None = None
    names: tuple[str, ...] = ()
    wanted: str | None = None
    attempt: int = 0
    since: int | None = None
    request: str | None = None
    answer: str | None = None
    merged: bool = False
    erase: bool = False
    note: str | None = None


class CustomerFacts(NamedTuple):
    """What is stored of a customer beside its identifiers and traits.

    `decisions` are the events that say what it consented to.
    """

    values_json: str | None
    audiences: Sequence[str]
    decisions: Sequence[ProfileEvent]


class DestinationStore:
    """Reads and writes them for `worker`, the id of this process. Knows no rule and no secret.

    `events` are those that go there.
    """

    def __init__(self, database: Database, worker: str) -> None:
        self.events = OutgoingEvents(database)
        self._database = database
        self._worker = worker

    async def create(
        self,
        key: DestinationKey,
        vendor: str,
        definition: str,
        events: Iterable[str],
        secrets: str,
        author: str,
        at: int,
    ) -> bool | None:
        """Create a destination, which is sent these `events` from now on.

        False: there is one of that name; None: there is no such space.
        """
        w = {
            "space": key.space,
            "name": key.name,
            "vendor": vendor,
            "definition": definition,
            "events_since": events_since_json(dict.fromkeys(events, at)),
            "secrets": secrets,
            "author": author,
            "at": at,
        }
        row = await self._database.write_one(CREATE, w=w)
        return None if row is None else row["created"]

    async def of_space(self, space: str, after: str, most: int) -> list[StoredDestination]:
        """Destinations of a space, by name, those after a name."""
        w = {"space": space, "after": after, "most": most}
        row = await self._database.read_one(LIST, w=w)
        return [_destination(each) for each in row["destinations"]] if row else []

    async def read(self, key: DestinationKey) -> StoredDestination | None:
        """One destination."""
        row = await self._database.read_latest(READ, key=str(key))
        return None if row is None else _destination(row["destination"])

    async def change(
        self, key: DestinationKey, changes: Mapping[str, Any]
    ) -> StoredDestination | None:
        """Set properties; those that are None are removed. None: there is no such destination."""
        row = await self._database.write_one(CHANGE, w={"key": str(key), "changes": dict(changes)})
        return None if row is None else _destination(row["destination"])

    async def delete(self, key: DestinationKey) -> bool:
        """Delete a destination, with all that is kept of it. False: there is none."""
        row = await self._database.write_one(DELETE, key=str(key))
        w = {"space": key.space, "destination": key.name, "most": _PAGE}
        for statement_ in (DELETE_OUTGOING, DELETE_RECORDS):
            while (page := await self._database.write_one(statement_, w=w)) and page["deleted"]:
                pass
        await self.events.delete(key)
        return row is not None and row["deleted"] > 0

    async def to_serve(self, now: int) -> list[DestinationKey]:
        """Destinations that have something to send, and are not paused."""
        row = await self._database.read_latest(LIST_TO_SERVE, now=now)
        return [DestinationKey(*each) for each in row["destinations"]] if row else []

    async def claim(self, key: DestinationKey, lease_ms: int) -> StoredDestination | None:
        """Claim a destination, or extend the claim; None: it is paused, gone, or another's."""
        w = {"key": str(key), "worker": self._worker, "lease": lease_ms}
        row = await self._database.write_one(CLAIM, w=w)
        return None if row is None else _destination(row["destination"])

    async def release(self, key: DestinationKey) -> None:
        """Leave a destination to whoever serves it next."""
        await self._database.write_one(RELEASE, w={"key": str(key), "worker": self._worker})

    async def begin_sync(self, key: DestinationKey, at: int) -> StoredDestination | None:
        """Begin to go through all customers."""
        row = await self._database.write_one(BEGIN_SYNC, w={"key": str(key), "at": at})
        return None if row is None else _destination(row["destination"])

    async def mark_next(self, key: DestinationKey, most: int, now: int) -> int:
        """Mark the next customers of a sync; how many."""
        w = {"space": key.space, "destination": key.name, "most": most, "now": now}
        row = await self._database.write_one(MARK_NEXT, w=w)
        return row["marked"] if row else 0

    async def mark(self, key: DestinationKey, customers: Sequence[str]) -> None:
        """Have customers looked at, now."""
        w = {"space": key.space, "destination": key.name, "customers": sorted(customers)}
        await self._database.write_one(MARK, w=w)

    async def take(self, key: DestinationKey, now: int, until: int, most: int) -> list[str]:
        """Take up customers that are due; they are due again at `until` if nothing comes of it."""
        w = {
            "space": key.space,
            "destination": key.name,
            "now": now,
            "until": until,
            "most": most,
        }
        row = await self._database.write_one(TAKE, w=w)
        return row["customers"] if row else []

    async def due(self, key: DestinationKey, now: int, most: int) -> list[str]:
        """Customers that are due, without taking them up."""
        w = {"space": key.space, "destination": key.name, "now": now, "most": most}
        row = await self._database.read_one(LIST_OUTGOING, w=w)
        return row["customers"] if row else []

    async def first_customers(self, space: str, most: int) -> list[str]:
        """The first customers of a space, in the order of a sync."""
        row = await self._database.read_one(LIST_CUSTOMERS, w={"space": space, "most": most})
        return row["customers"] if row else []

    async def facts(
        self, space: str, customers: Sequence[str], *, consents: bool
    ) -> dict[str, CustomerFacts]:
        """What is stored of customers beside identifiers and traits."""
        w = {
            "customers": [[space, each] for each in customers],
            "consents": consents,
            "named": CONSENT_UPDATED,
            "events": _MAX_CONSENT_EVENTS,
        }
        row = await self._database.read_latest(READ_CUSTOMERS, w=w)
        return {
            customer: CustomerFacts(
                values, audiences or (), [_decision(*each) for each in decisions]
            )
            for customer, values, audiences, decisions in (row["customers"] if row else ())
        }

    async def records(
        self, key: DestinationKey, customers: Sequence[str], keys: Sequence[str]
    ) -> dict[str, StoredRecord]:
        """The records of customers at a destination, and others by their keys."""
        w = {
            "space": key.space,
            "destination": key.name,
            "customers": list(customers),
            "keys": list(keys),
        }
        row = await self._database.read_latest(READ_RECORDS, w=w)
        records = map(_record, row["records"] if row else ())
        return {each.record: each for each in records}

    async def write_outcomes(
        self,
        key: DestinationKey,
        until: int,
        records: Mapping[str, Mapping[str, Any]],
        customers: Mapping[str, int | None],
    ) -> None:
        """Record what became of records, and when customers taken up until then are due again."""
        w = {
            "space": key.space,
            "destination": key.name,
            "until": until,
            "records": [
                [record, dict(properties)] for record, properties in sorted(records.items())
            ],
            "customers": [[customer, due] for customer, due in sorted(customers.items())],
        }
        await self._database.write_one(WRITE_OUTCOMES, w=w)

    async def in_state(
        self, key: DestinationKey, state: str, after: str, most: int
    ) -> list[StoredRecord]:
        """Records of a destination in a state, by key, those after one."""
        w = {
            "space": key.space,
            "destination": key.name,
            "state": state,
            "after": after,
            "most": most,
        }
        row = await self._database.read_one(LIST_RECORDS, w=w)
        return [_record(each) for each in row["records"]] if row else []

    async def of_customers(
        self, space: str, customers: Sequence[str], most: int
    ) -> list[StoredRecord]:
        """What the destinations of a space hold of customers."""
        w = {"space": space, "customers": list(customers), "most": most}
        row = await self._database.read_one(LIST_RECORDS_OF, w=w)
        return [_record(each) for each in row["records"]] if row else []

    async def send_again(self, key: DestinationKey, records: Sequence[str] | None) -> int:
        """Have dead records sent again, all or these; how many."""
        w = {
            "space": key.space,
            "destination": key.name,
            "records": None if records is None else sorted(records),
            "most": _PAGE,
        }
        sent = 0
        while (row := await self._database.write_one(SEND_AGAIN, w=w)) and row["sent"]:
            sent += row["sent"]
        return sent

    async def erase(self, space: str, customers: Sequence[str], at: int) -> int:
        """Have every destination erase what it holds of customers; how many records."""
        w = {"space": space, "customers": sorted(customers), "at": at}
        row = await self._database.write_one(ERASE, w=w)
        await self.events.delete_of(space, customers)
        return row["records"] if row else 0

    async def counts(self, key: DestinationKey) -> tuple[dict[str, int], int]:
        """Records by state, and the number of customers that wait."""
        w = {"space": key.space, "destination": key.name}
        row = await self._database.read_one(COUNT, w=w)
        return (dict(row["states"]), row["waiting"]) if row else ({}, 0)


def events_since_json(since: Mapping[str, int]) -> str:
    """`events_since` of a destination as it is stored."""
    return orjson.dumps(dict(since)).decode()


def _destination(found: Mapping[str, Any]) -> StoredDestination:
    return StoredDestination(
        key=DestinationKey(found["space"], found["name"]),
        vendor=found["vendor"],
        definition=found["definition"],
        created_at=found["created_at"],
        created_by=found["created_by"],
        secrets=found["secrets"],
        events_since=orjson.loads(found.get("events_since", "{}")),
        paused_at=found.get("paused_at"),
        paused_by=found.get("paused_by"),
        paused_reason=found.get("paused_reason"),
        sync_begun_at=found.get("sync_begun_at"),
        sync_marked=found.get("sync_marked", 0),
        sync_done_at=found.get("sync_done_at"),
    )


def _decision(
    at: int, received_at: int, place: int, key: str, message_id: str, kind: str, properties: str
) -> ProfileEvent:
    order = EventOrder(at, received_at, place, key)
    return ProfileEvent(order, message_id, kind, name=CONSENT_UPDATED, properties_json=properties)


def _record(found: Mapping[str, Any]) -> StoredRecord:
    return StoredRecord(
        destination=found["destination"],
        record=found["record"],
        customer_id=found["customer_id"],
        state=found["state"],
        acknowledged=found.get("acknowledged"),
        acknowledged_at=found.get("acknowledged_at"),
        names=tuple(found.get("names", ())),
        wanted=found.get("wanted"),
        attempt=found.get("attempt", 0),
        since=found.get("since"),
        request=found.get("request"),
        answer=found.get("answer"),
        merged=found.get("merged", False),
        erase=found.get("erase", False),
        note=found.get("note"),
    )
