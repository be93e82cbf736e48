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
from identity_service.graph.customers import NEWEST, EventWindow
from identity_service.services.read.view import CustomerView, customer_in

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


async def customer_graph(view: CustomerView, identifier: Identifier) -> CustomerGraph:
    """The customer of an identifier with at most `MAX_LINKS` links.

    Raises NotFound, and TooLarge where its component is too large to be resolved.
    """
    customer = customer_in(await view.find(identifier), view.scope)
    links = await view.links(customer, MAX_LINKS + 1)
    return CustomerGraph(customer, links[:MAX_LINKS], len(links) > MAX_LINKS)


async def customer_timeline(view: CustomerView, identifier: Identifier) -> CustomerTimeline:
    """The customer of an identifier with at most `MAX_EVENTS` events.

    Raises as `customer_graph`.
    """
    customer = customer_in(await view.find(identifier), view.scope)
    window = EventWindow(
        names=None,
        since=ALWAYS[0],
        until=ALWAYS[1],
        newest_first=True,
        after=NEWEST,
    )
    page = await view.events(customer, window, MAX_EVENTS)
    events = list(reversed(page.items))
    carried = await asyncio.gather(*(view.event_identifiers(event) for event in events))
    count = await view.event_count(customer)
    return CustomerTimeline(customer, list(zip(events, carried, strict=True)), count)
