"""Accounts in the graph: what is reported of them, their events, and their customers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from identity_service.domain.recorded import Page, RecordedEvent, page_of
from identity_service.graph.customers import (
    MAX_ACCOUNT_BYTES,
    MAX_ACCOUNTS,
    CustomerKey,
    EventWindow,
    events_page,
    window_parameters,
)
from identity_service.graph.database import Database
from identity_service.graph.keys import account_key
from identity_service.graph.statements import statement

READ_ACCOUNT: Final = statement("accounts/read_account")
LIST_EVENTS_NEWEST_FIRST: Final = statement("accounts/list_events_newest_first")
LIST_EVENTS_OLDEST_FIRST: Final = statement("accounts/list_events_oldest_first")
LIST_CUSTOMERS: Final = statement("accounts/list_customers")
LIST_OF_CUSTOMER: Final = statement("accounts/list_of_customer")

_EXAMINED: Final = 100
"""Most events that are looked at for the source of a set of traits."""


class AccountSetRow(NamedTuple):
    """A set of traits of an account (JSON).

    `at` is when it was reported last (time, receipt and place in the request), `source` by whom,
    None where that was not found.
    """

    at: Sequence[int]
    traits_json: str
    source: str | None


class AccountOfCustomer(NamedTuple):
    """An account that a customer's events name: when, and by which source, first.

    In milliseconds since 1970.
    """

    account_id: str
    first_seen: int
    source: str


class AccountReader:
    """Reads accounts. Knows no rule."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def sets(self, space: str, account_id: str) -> list[AccountSetRow] | None:
        """The newest sets of traits of an account; None where there is no such account."""
        row = await self._database.read_one(
            READ_ACCOUNT,
            w={
                "key": account_key(space, account_id),
                "most": MAX_ACCOUNTS,
                "bytes": MAX_ACCOUNT_BYTES,
                "examined": _EXAMINED,
            },
        )
        return None if row is None else [AccountSetRow(*each) for each in row["described"]]

    async def events(
        self, space: str, account_id: str, window: EventWindow, first: int
    ) -> Page[RecordedEvent]:
        """Events that name an account, in their order: `first`, or as many as fit into a page."""
        row = await self._database.read_one(
            LIST_EVENTS_NEWEST_FIRST if window.newest_first else LIST_EVENTS_OLDEST_FIRST,
            w={"key": account_key(space, account_id), **window_parameters(window, first)},
        )
        return events_page(row, first)

    async def customers(self, space: str, account_id: str, after: str, first: int) -> Page[str]:
        """Ids of the customers whose events name an account, after an id."""
        row = await self._database.read_one(
            LIST_CUSTOMERS,
            w={"key": account_key(space, account_id), "after": after, "most": first + 1},
        )
        return page_of(row["customers"] if row else (), first)

    async def of_customer(
        self, customer: CustomerKey, after: str, first: int
    ) -> Page[AccountOfCustomer]:
        """The accounts that events of a customer name, after an account id."""
        row = await self._database.read_one(
            LIST_OF_CUSTOMER,
            w={
                "space": customer[0],
                "customer": customer[1],
                "after": after,
                "most": first + 1,
            },
        )
        return page_of([AccountOfCustomer(*each) for each in row["accounts"]] if row else (), first)
