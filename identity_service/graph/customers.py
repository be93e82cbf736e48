"""Settled customers in the graph, and all that hangs on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

from identity_service.domain.recorded import RecordedEvent
from identity_service.graph.database import Database
from identity_service.graph.statements import statement

READ_SETTLED: Final = statement("resolve/read_settled")
READ_IDENTIFIERS: Final = statement("resolve/read_identifiers")
COUNT_LINKS: Final = statement("resolve/count_links")
COUNT_EVENTS: Final = statement("resolve/count_events")
READ_PREVIOUS_IDS: Final = statement("resolve/read_previous_ids")
READ_TRAITS: Final = statement("resolve/read_traits")
READ_EVENTS: Final = statement("resolve/read_events")
READ_EVENT_IDENTIFIERS: Final = statement("resolve/read_event_identifiers")
LIST_EVENTS_NEWEST_FIRST: Final = statement("resolve/list_events_newest_first")
LIST_EVENTS_OLDEST_FIRST: Final = statement("resolve/list_events_oldest_first")
LIST_ACCOUNTS: Final = statement("resolve/list_accounts")
MEASURE_COMPONENT: Final = statement("resolve/measure_component")

MAX_IDENTIFIERS: Final = 1_000
"""Most identifiers that one customer is read with; its count tells of the others."""

MAX_TRAIT_EVENTS: Final = 1_000
"""Most events that traits are read from: the newest of a customer."""

MAX_ACCOUNTS: Final = 100
"""Most accounts of a customer, and most sets of traits of one account (the newest)."""

MAX_LINKED: Final = 10
"""How many identifiers of an over-connected component are named."""

IdentifierRow: TypeAlias = Sequence[Any]
"""[key, type, value, first_seen, last_seen, contested, super-connector]"""

CustomerKey: TypeAlias = tuple[str, str]
"""Space and customer id."""


class ById(NamedTuple):
    """Asks for a customer by its id, current or retired."""

    space: str
    customer: str


class FoundCustomer(NamedTuple):
    """A customer as it is stored. Its identifiers come in no order that means anything."""

    id: str
    kind: str
    revision: int
    policy_version: int
    settled_at: int
    first_seen: int
    last_seen: int
    identifier_count: int
    identifiers: Sequence[IdentifierRow]


class Lookup(NamedTuple):
    """What is known of an identifier or id asked for. No `customer`: it belongs to nobody."""

    customer: FoundCustomer | None
    blocked: bool = False


@dataclass(frozen=True, slots=True)
class EventWindow:
    """Which events of a customer, and where to go on: `at` and `message_id` of the last read."""

    names: Sequence[str] | None
    since: int
    until: int
    newest_first: bool
    at: int
    message_id: str


class CustomerReader:
    """Reads settled customers. Methods with many keys take one round trip for all of them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def settled(self, asked: Sequence[str | ById]) -> Mapping[str | ById, Lookup]:
        """Look up identifier keys and ids. What does not exist is left out."""
        row = await self._database.read_one(
            READ_SETTLED,
            w={
                "keys": [key for key in asked if isinstance(key, str)],
                "ids": [list(key) for key in asked if not isinstance(key, str)],
                "most": MAX_IDENTIFIERS,
            },
        )
        if row is None:
            return {}
        customers = {customer[0]: FoundCustomer(*customer) for customer in row["customers"]}
        found: dict[str | ById, Lookup] = {
            key: Lookup(customers.get(customer), blocked)
            for key, customer, blocked in row["by_key"]
        }
        for space, asked_id, customer in row["by_id"]:
            found[ById(space, asked_id)] = Lookup(customers.get(customer))
        return found

    async def identifiers(self, keys: Sequence[str]) -> Mapping[str, IdentifierRow]:
        """Identifiers by their keys; those that do not exist are left out."""
        row = await self._database.read_one(READ_IDENTIFIERS, w={"keys": list(keys)})
        return {entry[0]: entry for entry in row["identifiers"]} if row else {}

    async def link_counts(self, keys: Sequence[str]) -> Mapping[str, int]:
        """By identifier key, how many distinct identifiers were seen with it."""
        row = await self._database.read_one(COUNT_LINKS, w={"keys": list(keys)})
        return dict(row["counts"]) if row else {}

    async def event_identifiers(self, keys: Sequence[str]) -> Mapping[str, Sequence[IdentifierRow]]:
        """By event key, the identifiers that the event carries."""
        row = await self._database.read_one(READ_EVENT_IDENTIFIERS, w={"keys": list(keys)})
        return dict(row["events"]) if row else {}

    async def event_counts(self, customers: Sequence[CustomerKey]) -> Mapping[CustomerKey, int]:
        """How many events each customer has."""
        row = await self._database.read_one(COUNT_EVENTS, w={"customers": _lists(customers)})
        return {(s, c): count for s, c, count in row["counts"]} if row else {}

    async def previous_ids(
        self, customers: Sequence[CustomerKey]
    ) -> Mapping[CustomerKey, Sequence[str]]:
        """The retired ids that each customer carries on, oldest first."""
        row = await self._database.read_one(READ_PREVIOUS_IDS, w={"customers": _lists(customers)})
        return {(s, c): ids for s, c, ids in row["previous"]} if row else {}

    async def traits(
        self, customers: Sequence[CustomerKey]
    ) -> Mapping[CustomerKey, tuple[list[Any], list[Any]]]:
        """What events tell of each customer, and of the accounts that they name.

        Lists of [at, message id, source, traits JSON, context traits JSON, account keys,
        identifier row] and of [account key, traits JSON].
        """
        row = await self._database.read_one(
            READ_TRAITS, w={"customers": _lists(customers), "most": MAX_TRAIT_EVENTS}
        )
        return {(s, c): (events, accounts) for s, c, events, accounts in row["told"]} if row else {}

    async def events_by_key(self, keys: Sequence[str]) -> Mapping[str, RecordedEvent]:
        """Events by their keys; those that do not exist are left out."""
        row = await self._database.read_one(READ_EVENTS, w={"keys": list(keys)})
        return {event[0]: RecordedEvent(*event) for event in row["events"]} if row else {}

    async def events(
        self, customer: CustomerKey, window: EventWindow, most: int
    ) -> list[RecordedEvent]:
        """Events of a customer, by time and message id."""
        newest_first = window.newest_first
        row = await self._database.read_one(
            LIST_EVENTS_NEWEST_FIRST if newest_first else LIST_EVENTS_OLDEST_FIRST,
            w={
                "space": customer[0],
                "customer": customer[1],
                "names": None if window.names is None else list(window.names),
                "since": window.since,
                "until": window.until,
                "at": window.at,
                "message_id": window.message_id,
                "most": most,
            },
        )
        return [RecordedEvent(*event) for event in row["events"]] if row else []

    async def accounts(self, customer: CustomerKey) -> list[tuple[str, list[tuple[int, str]]]]:
        """Account ids, each with every set of traits (JSON) and when it was told last."""
        row = await self._database.read_one(
            LIST_ACCOUNTS, w={"space": customer[0], "customer": customer[1], "most": MAX_ACCOUNTS}
        )
        return [(account, described) for account, described in row["accounts"]] if row else []

    async def component(
        self, key: str, others: Sequence[str], bound: int
    ) -> tuple[int, list[IdentifierRow], set[str]]:
        """The size of an identifier's component, counted up to `bound`; the most linked of it.

        Also which keys of `others` were met in it.
        """
        row = await self._database.read_one(
            MEASURE_COMPONENT,
            w={"key": key, "others": list(others), "bound": bound, "most": MAX_LINKED},
        )
        return (row["size"], row["most_linked"], set(row["members"])) if row else (0, [], set())


def _lists(customers: Sequence[CustomerKey]) -> list[list[str]]:
    return [list(customer) for customer in customers]
