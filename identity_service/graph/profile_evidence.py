"""What profiles are computed from, as the graph holds it: customers, events, accounts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from identity_service.domain.events import EventOrder
from identity_service.graph.customers import CustomerKey
from identity_service.graph.database import Database
from identity_service.graph.pages import PAGE, PAGE_BYTES
from identity_service.graph.statements import statement

LIST_EVENTS: Final = statement("profile_evidence/list_events")
READ_EVENTS: Final = statement("profile_evidence/read_events")
LIST_MEMBERS: Final = statement("profile_evidence/list_members")


class CustomerRow(NamedTuple):
    """A customer with the types of its identifiers.

    `events`: their keys, each with that of the identifier to which the event is attributed.
    """

    kind: str
    identifier_types: Sequence[str]
    events: Sequence[tuple[str, str]]


class EventRow(NamedTuple):
    """An event. `accounts`: key and id of the account that it names."""

    order: EventOrder
    message_id: str
    type: str
    step: str | None
    name: str | None
    properties_json: str
    traits_json: str | None
    context_traits_json: str | None
    source: str
    channel: str | None
    is_proven: bool
    accounts: Sequence[tuple[str, str]]


class AccountMembers(NamedTuple):
    """An account and the customers that belong to it."""

    account_id: str
    customers: Sequence[str]


class ProfileEvidenceReader:
    """Reads evidence. Methods with many keys take one round trip for all of them, or a few."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def customers(
        self, customers: Sequence[CustomerKey], most: int
    ) -> dict[CustomerKey, CustomerRow]:
        """Customers by their keys, each with at most `most` events; others are left out."""
        row = await self._database.read_one(
            LIST_EVENTS, w={"customers": [list(each) for each in customers], "most": most}
        )
        found = row["customers"] if row else ()
        return {(space, customer): CustomerRow(*entry) for space, customer, *entry in found}

    async def events(self, keys: Sequence[str]) -> tuple[list[EventRow], int]:
        """The first of some events, and how many of the keys they answer."""
        asked = keys[:PAGE]
        row = await self._database.read_one(READ_EVENTS, w={"keys": asked, "bytes": PAGE_BYTES})
        if row is None:
            return [], len(asked)
        rows = [
            EventRow(EventOrder(*order), *fields, [(key, id_) for key, id_ in accounts])
            for order, *fields, accounts in row["events"]
        ]
        return rows, len(asked) - row["missing"]

    async def members(self, accounts: Sequence[str], most: int) -> dict[str, AccountMembers]:
        """Accounts by their keys, each with at most `most` members."""
        row = await self._database.read_one(LIST_MEMBERS, w={"keys": list(accounts), "most": most})
        return {key: AccountMembers(*entry) for key, *entry in row["accounts"]} if row else {}
