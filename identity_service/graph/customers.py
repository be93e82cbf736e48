"""Settled customers in the graph, with their identifiers, events, traits and accounts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

from identity_service.domain.events import EventOrder
from identity_service.domain.identifiers import Identifier
from identity_service.domain.recorded import Page, RecordedEvent
from identity_service.domain.traits import MAX_TRAITS, TraitName
from identity_service.graph.database import Database, Row
from identity_service.graph.keys import earlier_event_key, events_key
from identity_service.graph.pages import PAGE_BYTES
from identity_service.graph.statements import statement

READ_SETTLED: Final = statement("resolve/read_settled")
READ_IDENTIFIERS: Final = statement("resolve/read_identifiers")
COUNT_LINKS: Final = statement("resolve/count_links")
COUNT_EVENTS: Final = statement("resolve/count_events")
READ_PREVIOUS_IDS: Final = statement("resolve/read_previous_ids")
READ_TRAITS: Final = statement("resolve/read_traits")
READ_EVENTS: Final = statement("resolve/read_events")
FIND_EVENT: Final = statement("resolve/find_event")
READ_EVENT_IDENTIFIERS: Final = statement("resolve/read_event_identifiers")
LIST_EVENTS_NEWEST_FIRST: Final = statement("resolve/list_events_newest_first")
LIST_EVENTS_OLDEST_FIRST: Final = statement("resolve/list_events_oldest_first")
READ_EVENT_CONTEXTS: Final = statement("resolve/read_event_contexts")
READ_EARLIEST_EVENTS: Final = statement("resolve/read_earliest_events")
LIST_ACCOUNTS: Final = statement("resolve/list_accounts")
MEASURE_COMPONENT: Final = statement("resolve/measure_component")

MAX_IDENTIFIERS: Final = 1_000
"""Most identifiers that one customer is read with; its `identifier_count` counts all."""

MAX_EARLIER_EVENTS: Final = 1_000
"""Most events without trait keys that traits are read from: the newest that an earlier version
wrote."""

MAX_TRAIT_BYTES: Final = 4 * 1024 * 1024
"""Most bytes of events, and of an account's sets of traits, that one reading of traits takes."""

MAX_TRAIT_SETS: Final = 1_000
"""Most sets of traits of an account that are compared with those of a person: the newest."""

FEW_VARIANTS: Final = 3
"""Events with each trait that are read at first. Nearly always the newest one decides."""

_CUSTOMERS_OF_TRAITS: Final = 50
"""Most customers whose traits one statement reads."""

MAX_ACCOUNTS: Final = 100
"""Most accounts of a customer, and most sets of traits of one account (the newest)."""

MAX_ACCOUNT_BYTES: Final = 1024 * 1024
"""Most bytes of the sets of traits of one account, though at least the newest is read."""

NEWEST: Final = EventOrder(2**53, 2**53, 0, "")
OLDEST: Final = EventOrder(-(2**53), -(2**53), 0, "")
"""After every event, and before every one."""

MAX_MOST_LINKED: Final = 10
"""How many identifiers of an over-connected component are named."""

CustomerKey: TypeAlias = tuple[str, str]
"""Space and customer id."""


class ById(NamedTuple):
    """The key under which a customer is looked up by its id, current or retired."""

    space: str
    customer: str


class IdentifierRow(NamedTuple):
    """An identifier as it is stored. Times in milliseconds since 1970."""

    key: str
    type: str
    value: str
    first_seen: int
    last_seen: int
    contested: bool
    super_connector: bool

    @property
    def identifier(self) -> Identifier:
        """The typed value alone."""
        return Identifier(self.type, self.value)


class CustomerRow(NamedTuple):
    """A customer as it is stored. Its identifiers come in no particular order."""

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
    """What is stored of an identifier or id. No `customer`: it belongs to nobody."""

    customer: CustomerRow | None
    blocked: bool = False


class TraitsOf(NamedTuple):
    """Whose traits are asked for, and the sources whose word gives way to that of others."""

    space: str
    customer: str
    limited_sources: tuple[str, ...]


class EventTraitsRow(NamedTuple):
    """What one event says about a person. `accounts` are keys of the accounts that it names.

    `has_keys`: it was found by its trait keys. `limited`: it is the word of a limited source.
    """

    order: EventOrder
    has_keys: bool
    source: str
    limited: bool
    traits_json: str | None
    context_traits_json: str | None
    accounts: Sequence[str]
    owner: IdentifierRow


class TraitRows(NamedTuple):
    """What events of a customer say of a person, and what is said of their accounts.

    `named` counts the traits, `names` are the first of them; `events` are those of the newest
    ones that fit, and those without trait keys. `accounts`: by account key, each set of traits as
    JSON.
    """

    named: int
    names: Sequence[TraitName]
    events: Sequence[EventTraitsRow]
    accounts: Mapping[str, Sequence[str]]


class AccountRow(NamedTuple):
    """An account with its sets of traits (JSON).

    Each comes with when it was sent last: time, receipt and place in the request.
    """

    account_id: str
    traits: Sequence[tuple[Sequence[int], str]]


class EventContext(NamedTuple):
    """The context in which an event was sent, and the traits in it; None where it has none."""

    context_json: str | None
    context_traits_json: str | None


class EarliestEvent(NamedTuple):
    """The message id and the source of the earliest event that carries an identifier."""

    message_id: str
    source: str


class ComponentSize(NamedTuple):
    """The size of a component, counted up to a bound, and its most linked identifiers.

    `met`: which of the identifier keys asked about are in it.
    """

    size: int
    most_linked: Sequence[IdentifierRow]
    met: frozenset[str]


@dataclass(frozen=True, slots=True)
class EventWindow:
    """Which events of a customer, and where to go on.

    `names`: only events with one of these names; `excluded`: none with one of these. `since` and
    `until` are inclusive, in milliseconds since 1970. `after` is where the last event stands that
    was read before, or `NEWEST` or `OLDEST`.
    """

    names: Sequence[str] | None
    since: int
    until: int
    newest_first: bool
    after: EventOrder
    excluded: Sequence[str] = ()


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
        stored = (_customer(*entry) for entry in row["customers"])
        customers = {customer.id: customer for customer in stored}
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
        return {found.key: found for found in identifier_rows(row["identifiers"])} if row else {}

    async def link_counts(self, keys: Sequence[str]) -> Mapping[str, int]:
        """By identifier key, how many distinct identifiers were seen with it."""
        row = await self._database.read_one(COUNT_LINKS, w={"keys": list(keys)})
        return dict(row["counts"]) if row else {}

    async def event_identifiers(self, keys: Sequence[str]) -> Mapping[str, Sequence[IdentifierRow]]:
        """By event key, the identifiers that the event carries."""
        row = await self._database.read_one(READ_EVENT_IDENTIFIERS, w={"keys": list(keys)})
        return {key: identifier_rows(carried) for key, carried in row["events"]} if row else {}

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
        self, customers: Sequence[TraitsOf], variants: int = FEW_VARIANTS
    ) -> Mapping[TraitsOf, TraitRows]:
        """What events say of each customer: the newest with each trait, of so many variants."""
        asked = {(each.space, each.customer): each for each in customers}
        found: dict[TraitsOf, TraitRows] = {}
        for n in range(0, len(customers), _CUSTOMERS_OF_TRAITS):
            row = await self._database.read_one(
                READ_TRAITS,
                w={
                    "customers": [
                        [each.space, each.customer, list(each.limited_sources)]
                        for each in customers[n : n + _CUSTOMERS_OF_TRAITS]
                    ],
                    "traits": MAX_TRAITS,
                    "variants": variants,
                    "bytes": MAX_TRAIT_BYTES,
                    "sets": MAX_TRAIT_SETS,
                    "earlier": MAX_EARLIER_EVENTS,
                },
            )
            for space, customer, *entry in row["traits"] if row else ():
                found[asked[space, customer]] = _traits(*entry)
        return found

    async def events_by_key(self, keys: Sequence[str]) -> Mapping[str, RecordedEvent]:
        """Events by their keys; those that do not exist are left out."""
        found: dict[str, RecordedEvent] = {}
        asked = keys
        while asked:
            page = await self.first_events(asked)
            found |= {event.key: event for event in page.items}
            asked = [key for key in asked if key not in found] if page.more else ()
        return found

    async def first_events(self, keys: Sequence[str]) -> Page[RecordedEvent]:
        """Events by their keys, in this order, as many as fit into a page."""
        row = await self._database.read_one(
            READ_EVENTS, w={"keys": list(keys), "bytes": PAGE_BYTES}
        )
        if row is None:
            return Page((), more=False)
        return Page([RecordedEvent(*event) for event in row["events"]], more=row["missing"] > 0)

    async def event_with(self, space: str, message_id: str, until: int) -> RecordedEvent | None:
        """The event with a message id; of several the last that was received until a moment."""
        row = await self._database.read_one(
            FIND_EVENT,
            w={
                "earlier_key": earlier_event_key(space, message_id),
                "keys": events_key(space, message_id),
                "until": until,
            },
        )
        return RecordedEvent(*row["events"][0]) if row and row["events"] else None

    async def events(
        self, customer: CustomerKey, window: EventWindow, first: int
    ) -> Page[RecordedEvent]:
        """Events of a customer, in their order: `first`, or as many as fit into a page."""
        row = await self._database.read_one(
            LIST_EVENTS_NEWEST_FIRST if window.newest_first else LIST_EVENTS_OLDEST_FIRST,
            w={"space": customer[0], "customer": customer[1], **window_parameters(window, first)},
        )
        return events_page(row, first)

    async def event_contexts(self, keys: Sequence[str]) -> Mapping[str, EventContext]:
        """By event key, the context in which it was sent."""
        row = await self._database.read_one(READ_EVENT_CONTEXTS, w={"keys": list(keys)})
        return {key: EventContext(*sent) for key, *sent in row["contexts"]} if row else {}

    async def earliest_events(self, keys: Sequence[str]) -> Mapping[str, EarliestEvent]:
        """By identifier key, the earliest event that carries it."""
        row = await self._database.read_one(READ_EARLIEST_EVENTS, w={"keys": list(keys)})
        return {key: EarliestEvent(*event) for key, *event in row["events"]} if row else {}

    async def accounts(self, customer: CustomerKey) -> list[AccountRow]:
        """Accounts that a customer's events name, at most `MAX_ACCOUNTS`, by id."""
        row = await self._database.read_one(
            LIST_ACCOUNTS,
            w={
                "space": customer[0],
                "customer": customer[1],
                "most": MAX_ACCOUNTS,
                "bytes": MAX_ACCOUNT_BYTES,
            },
        )
        return [AccountRow(*entry) for entry in row["accounts"]] if row else []

    async def component_size(self, key: str, others: Sequence[str], bound: int) -> ComponentSize:
        """The size of an identifier's component, counted up to `bound`.

        Also which keys of `others` are in it.
        """
        row = await self._database.read_one(
            MEASURE_COMPONENT,
            w={"key": key, "others": list(others), "bound": bound, "most": MAX_MOST_LINKED},
        )
        if row is None:
            return ComponentSize(0, (), frozenset())
        most_linked = identifier_rows(row["most_linked"])
        return ComponentSize(row["size"], most_linked, frozenset(row["members"]))


def window_parameters(window: EventWindow, first: int) -> dict[str, Any]:
    """What statements that list events take of a window, and one event more than `first`."""
    return {
        "names": None if window.names is None else list(window.names),
        "excluded": list(window.excluded),
        "since": window.since,
        "until": window.until,
        "after": list(window.after),
        "most": first + 1,
        "bytes": PAGE_BYTES,
    }


def events_page(row: Row | None, first: int) -> Page[RecordedEvent]:
    """What such a statement answered: `first` events, or as many as fit into a page."""
    if row is None:
        return Page((), more=False)
    events = [RecordedEvent(*event) for event in row["events"][:first]]
    return Page(events, more=row["found"] > len(events))


def identifier_rows(rows: Iterable[Sequence[Any]]) -> list[IdentifierRow]:
    """Identifiers as statements list them."""
    return list(map(IdentifierRow._make, rows))


def _customer(*entry: Any) -> CustomerRow:
    *fields, identifiers = entry
    return CustomerRow._make((*fields, identifier_rows(identifiers)))


def _traits(
    named: int,
    names: Sequence[Sequence[Any]],
    events: Sequence[Sequence[Any]],
    accounts: Sequence[Sequence[str]],
) -> TraitRows:
    traits_of: dict[str, list[str]] = {}
    for account, traits_json in accounts:
        traits_of.setdefault(account, []).append(traits_json)
    return TraitRows(
        named,
        list(map(TraitName._make, names)),
        [_event_traits(*event) for event in events],
        traits_of,
    )


def _event_traits(*entry: Any) -> EventTraitsRow:
    order, *fields, owner = entry
    return EventTraitsRow._make((EventOrder(*order), *fields, IdentifierRow(*owner)))


def _lists(customers: Sequence[CustomerKey]) -> list[list[str]]:
    return [list(customer) for customer in customers]
