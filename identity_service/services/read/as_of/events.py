"""The events that a customer had at a moment, and what they told of it.

Which events these are is found once for a customer; they are then paged, counted and read
by their keys.
"""

from __future__ import annotations

import asyncio
from typing import Final

import orjson

from identity_service.domain.recorded import Page, RecordedEvent, SeenIdentifier, page_of
from identity_service.domain.traits import Trait, TraitEvent, merge_account, merge_traits
from identity_service.errors import TooLarge
from identity_service.graph.customers import (
    MAX_ACCOUNTS,
    MAX_TRAIT_EVENTS,
    CustomerReader,
    EventWindow,
)
from identity_service.graph.history import Attributed, HistoryReader
from identity_service.graph.keys import event_key
from identity_service.services.read.as_of.customers import HistoricalCustomer
from identity_service.services.read.current import Account

MAX_EVENTS: Final = 200_000
"""Most events of one customer that its past is told from."""

_MAX_SETS: Final = 1_000
"""Most sets of traits of an account that tell which of a person's traits are the account's."""


class PastEvents:
    """The events of one customer. Every method raises TooLarge beyond `MAX_EVENTS`."""

    def __init__(
        self, reader: HistoryReader, bodies: CustomerReader, customer: HistoricalCustomer
    ) -> None:
        self._reader = reader
        self._bodies = bodies
        self._customer = customer
        self._space = customer.component.space
        self._moment = customer.component.moment
        self._listing = asyncio.Lock()
        self._listed: list[Attributed] | None = None

    async def count(self) -> int:
        """How many there are."""
        return len(await self._list())

    async def page(self, window: EventWindow, first: int) -> Page[RecordedEvent]:
        """Some of them, in the order that the window says."""
        wanted = [event for event in await self._list() if _is_in(window, event)]
        wanted.sort(key=_by_time, reverse=window.newest_first)
        keys = [event_key(self._space, event.message_id) for event in wanted[: first + 1]]
        bodies = await self._bodies.events_by_key(keys)
        return page_of([bodies[key] for key in keys if key in bodies], first)

    async def traits(self) -> list[Trait[SeenIdentifier]]:
        """The traits, by name, from the newest `MAX_TRAIT_EVENTS` events that tell any."""
        telling = [event for event in await self._list() if event.carries_traits]
        telling = sorted(telling, key=_by_time, reverse=True)[:MAX_TRAIT_EVENTS]
        told = await self._reader.told(self._space, [event.message_id for event in telling])
        named = {account for event in telling for account in event.accounts}
        accounts = await self._reader.accounts(sorted(named), self._moment, _MAX_SETS)
        traits_of = {
            key: [orjson.loads(traits) for _, traits in described]
            for key, (_, described) in accounts.items()
        }
        return merge_traits(
            TraitEvent(
                at=event.at,
                message_id=event.message_id,
                source=source,
                owner=self._customer.component.seen(event.owner),
                traits=orjson.loads(traits or "{}"),
                context_traits=orjson.loads(context or "{}"),
                accounts_described=tuple(t for a in event.accounts for t in traits_of.get(a, ())),
            )
            for event in telling
            for source, traits, context in [told[event.message_id]]
        )

    async def accounts(self) -> list[Account]:
        """The accounts that they speak of, by id."""
        named = sorted({account for event in await self._list() for account in event.accounts})
        named = named[:MAX_ACCOUNTS]
        found = await self._reader.accounts(named, self._moment, MAX_ACCOUNTS)
        return [
            Account(account, merge_account((at, orjson.loads(text)) for at, text in described))
            for account, described in (found[key] for key in named if key in found)
        ]

    async def _list(self) -> list[Attributed]:
        async with self._listing:
            if self._listed is None:
                component = self._customer.component
                listed = await self._reader.attributed(
                    self._space,
                    self._customer.identifiers(),
                    self._moment,
                    component.policy,
                    component.withheld,
                    MAX_EVENTS + 1,
                )
                if len(listed) > MAX_EVENTS:
                    raise TooLarge(
                        f"The customer had more than {MAX_EVENTS:,} events.",
                        remedy="Ask for it without “asOf”, or only who it was.",
                    )
                self._listed = listed
            return self._listed


def _is_in(window: EventWindow, event: Attributed) -> bool:
    if window.names is not None and event.name not in window.names:
        return False
    after, here = (window.at, window.message_id), _by_time(event)
    goes_on = here < after if window.newest_first else here > after
    return goes_on and window.since <= event.at <= window.until


def _by_time(event: Attributed) -> tuple[int, str]:
    return event.at, event.message_id
