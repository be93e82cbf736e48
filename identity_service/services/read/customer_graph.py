"""What pictures of one customer are made of: its links, and its latest events."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from identity_service.domain.identifiers import Identifier
from identity_service.domain.journeys.parameters import ALWAYS
from identity_service.domain.recorded import (
    DecidedLink,
    RecordedEvent,
    SeenIdentifier,
    SettledCustomer,
)
from identity_service.errors import NotFound
from identity_service.graph.customers import EventWindow
from identity_service.services.read.current import Customers, Missing
from identity_service.services.read.explanations import Explanations, Loaded
from identity_service.services.resolution.component_resolver import too_much
from identity_service.services.spaces.access import SpaceScope

MAX_LINKS: Final = 300
MAX_EVENTS: Final = 200


@dataclass(frozen=True, slots=True)
class CustomerGraph:
    """A customer and its links, most often seen first; `more` where there are others."""

    customer: SettledCustomer
    links: Sequence[DecidedLink]
    more: bool


@dataclass(frozen=True, slots=True)
class CustomerTimeline:
    """A customer and its latest events, oldest first, each with its identifiers, strongest first.

    `event_count` counts all of its events.
    """

    customer: SettledCustomer
    events: Sequence[tuple[RecordedEvent, Sequence[SeenIdentifier]]]
    event_count: int


class CustomerGraphs:
    """Gathers what is drawn of a customer."""

    def __init__(self, customers: Customers, explanations: Explanations) -> None:
        self._customers = customers
        self._explanations = explanations

    async def linked(self, scope: SpaceScope, identifier: Identifier) -> CustomerGraph:
        """The customer of an identifier with at most `MAX_LINKS` links.

        Raises NotFound, and TooLarge where more hangs together than can be resolved.
        """
        customer = await self._customer(scope, identifier)
        links = await self._explanations.links(scope, customer, MAX_LINKS + 1, Loaded())
        return CustomerGraph(customer, links[:MAX_LINKS], len(links) > MAX_LINKS)

    async def lived(self, scope: SpaceScope, identifier: Identifier) -> CustomerTimeline:
        """The customer of an identifier with at most `MAX_EVENTS` events. Raises as `linked`."""
        customer = await self._customer(scope, identifier)
        window = EventWindow(
            names=None,
            since=ALWAYS[0],
            until=ALWAYS[1],
            newest_first=True,
            at=ALWAYS[1],
            message_id="",
        )
        page = await self._customers.events(scope, customer.customer_id, window, MAX_EVENTS)
        events = list(reversed(page.items))
        carried = await asyncio.gather(
            *(self._customers.event_identifiers(scope, event) for event in events)
        )
        count = await self._customers.event_count(scope, customer.customer_id)
        return CustomerTimeline(customer, list(zip(events, carried, strict=True)), count)

    async def _customer(self, scope: SpaceScope, identifier: Identifier) -> SettledCustomer:
        found = await self._customers.find(scope, identifier)
        if isinstance(found, Missing):
            raise NotFound(found.message, remedy=f"Nobody was found in the space “{scope.space}”.")
        if not isinstance(found, SettledCustomer):
            raise too_much(found.limit)
        return found
