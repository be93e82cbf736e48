"""Accounts: what is reported of them, their events, and the customers whose events name them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from identity_service.domain.recorded import Page, RecordedEvent
from identity_service.domain.traits import AccountSet, AccountTrait, account_traits
from identity_service.graph.accounts import AccountOfCustomer, AccountReader
from identity_service.graph.customers import EventWindow
from identity_service.services.spaces.access import SpaceScope


@dataclass(frozen=True, slots=True)
class Accounts:
    """Reads the accounts of a space, as they are now."""

    reader: AccountReader

    async def traits(self, scope: SpaceScope, account_id: str) -> Sequence[AccountTrait] | None:
        """The traits of an account, by name; None where there is no such account."""
        sets = await self.reader.sets(scope.space, account_id)
        if sets is None:
            return None
        return account_traits(
            AccountSet(row.at, orjson.loads(row.traits_json), row.source) for row in sets
        )

    async def events(
        self, scope: SpaceScope, account_id: str, window: EventWindow, first: int
    ) -> Page[RecordedEvent]:
        """The events that name an account and that the window selects, in its order."""
        return await self.reader.events(scope.space, account_id, window, first)

    async def customers(
        self, scope: SpaceScope, account_id: str, after: str, first: int
    ) -> Page[str]:
        """Ids of the customers whose events name an account, after an id."""
        return await self.reader.customers(scope.space, account_id, after, first)

    async def of_customer(
        self, scope: SpaceScope, customer_id: str, after: str, first: int
    ) -> Page[AccountOfCustomer]:
        """The accounts that events of a customer name, after an account id."""
        return await self.reader.of_customer((scope.space, customer_id), after, first)
