"""The events that a customer had at a moment, and the traits and accounts in them.

Which events these are is found once for a customer; they are then paged, counted and read
by their keys.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

import orjson

from identity_service.domain.events import EventOrder
from identity_service.domain.identifiers import Identifier
from identity_service.domain.recorded import Page, RecordedEvent, SeenIdentifier
from identity_service.domain.traits import TraitEvent, Traits, find_traits
from identity_service.errors import TooLarge
from identity_service.graph.customers import (
    MAX_ACCOUNTS,
    MAX_TRAIT_SETS,
    CustomerReader,
    EventWindow,
)
from identity_service.graph.history import AttributedEvent, HistoryReader
from identity_service.services.read.as_of.customers import HistoricalCustomer
from identity_service.services.read.presenters import account
from identity_service.services.read.trait_variants import decided_traits
from identity_service.services.read.view import Account

MAX_EVENTS: Final = 200_000
"""Most events of one customer that are read for its past."""


class HistoricalEvents:
    """The events of one customer. Every method raises TooLarge beyond `MAX_EVENTS`.

    `withheld_with` finds the identifiers that were withheld beside a super-connector.
    """

    def __init__(
        self,
        reader: HistoryReader,
        bodies: CustomerReader,
        withheld_with: Callable[[Identifier], Awaitable[Iterable[Identifier]]],
        customer: HistoricalCustomer,
    ) -> None:
        self._reader = reader
        self._bodies = bodies
        self._withheld_with = withheld_with
        self._customer = customer
        self._space = customer.component.space
        self._as_of = customer.component.as_of
        self._listing = asyncio.Lock()
        self._listed: list[AttributedEvent] | None = None

    async def count(self) -> int:
        """How many there are."""
        return len(await self._list())

    async def keys(self) -> list[str]:
        """Their keys, in no particular order."""
        return [event.order.key for event in await self._list()]

    async def page(self, window: EventWindow, first: int) -> Page[RecordedEvent]:
        """Some of them, in the order that the window says."""
        wanted = [event for event in await self._list() if _is_in(window, event)]
        wanted.sort(key=_order, reverse=window.newest_first)
        page = await self._bodies.first_events([event.order.key for event in wanted[:first]])
        return replace(page, more=page.more or len(wanted) > first)

    async def traits(self) -> Traits[SeenIdentifier]:
        """The traits, by name."""
        carrying = [event for event in await self._list() if event.carries_traits]
        carrying.sort(key=lambda event: (not event.limited, event.order), reverse=True)
        newest_first = {event.order.key: event for event in carrying}
        return await decided_traits(partial(self._traits, newest_first))

    async def _traits(
        self, newest_first: Mapping[str, AttributedEvent], variants: int
    ) -> Traits[SeenIdentifier]:
        found = await self._reader.trait_names(list(newest_first), variants)
        wanted = {key for name in found.names for key in name.newest}
        said = await self._reader.event_traits([*wanted, *found.earlier])
        named = sorted({account for key in said for account in newest_first[key].accounts})
        accounts = {
            key: [orjson.loads(traits_json) for _, traits_json in row.traits]
            for key, row in (
                await self._reader.accounts(named, self._as_of, MAX_TRAIT_SETS)
            ).items()
        }
        events = {
            key: TraitEvent(
                order=event.order,
                source=traits.source,
                owner=self._customer.component.seen(event.owner),
                traits=orjson.loads(traits.traits_json or "{}"),
                context_traits=orjson.loads(traits.context_traits_json or "{}"),
                accounts_described=tuple(t for a in event.accounts for t in accounts.get(a, ())),
                limited=event.limited,
            )
            for key, traits in said.items()
            for event in [newest_first[key]]
        }
        return find_traits(
            found.names,
            found.named,
            {key: event for key, event in events.items() if key in wanted},
            [event for key, event in events.items() if key not in wanted],
        )

    async def accounts(self) -> list[Account]:
        """The accounts that they name, by id."""
        named = sorted({key for event in await self._list() for key in event.accounts})
        rows = await self._reader.accounts(named[:MAX_ACCOUNTS], self._as_of, MAX_ACCOUNTS)
        return [account(rows[key]) for key in named if key in rows]

    async def _list(self) -> list[AttributedEvent]:
        async with self._listing:
            if self._listed is None:
                component = self._customer.component
                withheld = {*component.withheld}
                for super_connector in self._customer.super_connectors:
                    withheld.update(await self._withheld_with(super_connector))
                listed = await self._reader.attributed_events(
                    self._space,
                    self._customer.identifiers(),
                    self._as_of,
                    component.policy,
                    withheld,
                    MAX_EVENTS + 1,
                )
                if len(listed) > MAX_EVENTS:
                    raise TooLarge(
                        f"The customer had more than {MAX_EVENTS:,} events.",
                        remedy="Ask for it without “asOf”, or only who it was.",
                    )
                self._listed = listed
            return self._listed


def _is_in(window: EventWindow, event: AttributedEvent) -> bool:
    if window.names is not None and event.name not in window.names:
        return False
    if event.name in window.excluded:
        return False
    here, after = event.order, window.after
    goes_on = here < after if window.newest_first else here > after
    return goes_on and window.since <= here.at <= window.until


def _order(event: AttributedEvent) -> EventOrder:
    return event.order
