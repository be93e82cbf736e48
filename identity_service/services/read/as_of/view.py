"""As of: customers, and all that hangs on them, as the service answered at a moment.

None of it is stored: what was known then is recalled and resolved again, by the policy of then.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from identity_service.domain.explain.explanation import describe_super_connectors
from identity_service.domain.explain.health import Health
from identity_service.domain.identifiers import Identifier
from identity_service.domain.policies.value_rules import WithheldValue
from identity_service.domain.recorded import (
    DecidedLink,
    OverConnectedComponent,
    Page,
    RecordedChange,
    RecordedEvent,
    SeenIdentifier,
    SettledCustomer,
    page_of,
)
from identity_service.domain.resolution.resolve import strength
from identity_service.domain.resolution.subgraph import Sightings, Span
from identity_service.domain.timestamps import iso
from identity_service.domain.traits import Trait
from identity_service.errors import BadInput, TooLarge
from identity_service.graph.customers import CustomerReader, EventWindow
from identity_service.graph.history import HistoryReader
from identity_service.graph.keys import identifier_key
from identity_service.graph.ledger import LedgerReader
from identity_service.services.kit.clock import Clock
from identity_service.services.kit.offload import offload_if_large
from identity_service.services.read.as_of.component_walk import (
    CrowdedComponent,
    HistoricalComponents,
)
from identity_service.services.read.as_of.customers import HistoricalComponent, HistoricalCustomer
from identity_service.services.read.as_of.events import PastEvents
from identity_service.services.read.current import (
    Account,
    Answer,
    Customers,
    Missing,
    MissingReason,
    withheld,
)
from identity_service.services.read.inboxes import DAY_MS, Degree, grown
from identity_service.services.read.presenters import seen_identifier, shown_decision
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.policies import Policies, PolicyInForce

MAX_CLOCK_SKEW_MS: Final = 60_000
"""How far in the future, in milliseconds, a moment may lie: the caller's clock is not ours."""

MAX_COMPONENTS: Final = 200
"""Components that are recalled to find the people who shared one identifier."""


@dataclass(frozen=True, slots=True)
class History:
    """Opens the past of spaces."""

    reader: HistoryReader
    bodies: CustomerReader
    ledger: LedgerReader
    customers: Customers
    policies: Policies
    recall: HistoricalComponents
    clock: Clock

    async def as_of(self, scope: SpaceScope, moment: int) -> AsOf | Missing:
        """A space as it was at a moment in milliseconds since 1970, inclusive.

        Missing when the space was not there yet. Raises BadInput for the future.
        """
        now = self.clock()
        if moment > now + MAX_CLOCK_SKEW_MS:
            raise BadInput(
                f"“asOf” is {iso(moment)}, and now it is {iso(now)}.",
                remedy="Ask as of a moment that has passed, or leave “asOf” out.",
            )
        then = await self.policies.at(scope, moment)
        if isinstance(then, int):
            message = f"The space “{scope.space}” has been there only since {iso(then)}."
            return Missing(MissingReason.NOT_YET, message)
        return AsOf(self, moment, then, now)


class AsOf:
    """One space at one moment: what `Customers` and `Explanations` answer of the present.

    What is asked of a customer, by its id, is told of one that was found here before.
    """

    def __init__(self, history: History, moment: int, then: PolicyInForce, now: int) -> None:
        self._history = history
        self._moment = moment
        self._then = then
        self._now = now
        self._components: dict[Identifier, HistoricalComponent] = {}
        self._found: dict[str, tuple[HistoricalCustomer, PastEvents]] = {}
        self._recalling = asyncio.Lock()

    async def find(self, scope: SpaceScope, raw: Identifier) -> Answer:
        """The customer that an identifier belonged to."""
        identifier = self._then.values.identifier(raw)
        if isinstance(identifier, WithheldValue):
            return withheld(identifier)
        component = await self._component_of(scope, identifier)
        if component is None:
            return await self._not_seen(scope, identifier)
        if isinstance(component, CrowdedComponent):
            return self._over_connected(scope, component)
        found = component.customer_of(identifier)
        if found is None:
            message = f"{identifier} had just been received at {iso(self._moment)}, not settled."
            return Missing(MissingReason.NOT_YET, message)
        return self._settled(found)

    async def find_by_id(self, scope: SpaceScope, customer: str) -> Answer:
        """The customer that an id, current or retired then, stood for."""
        entry = await self._history.reader.id(scope.space, customer)
        if entry is None:
            return Missing(MissingReason.UNKNOWN, f"There is no customer {customer} here.")
        anchor = entry.at(self._moment).anchor
        component = await self._component_of(scope, anchor)
        if isinstance(component, CrowdedComponent):
            return self._over_connected(scope, component)
        found = component.customer_of(anchor) if component else None
        if found and found.id == customer:
            return self._settled(found)
        if entry.minted_at > self._moment:
            message = f"There has been a customer {customer} only since {iso(entry.minted_at)}."
            return Missing(MissingReason.NOT_YET, message)
        if found is None:
            message = f"The customer {customer} stood for nobody at {iso(self._moment)}."
            return Missing(MissingReason.UNKNOWN, message)
        return self._settled(found, redirected_from=customer)

    async def customer_of(
        self, scope: SpaceScope, identifier: SeenIdentifier
    ) -> SettledCustomer | None:
        """The customer of an identifier; None when it had none."""
        answer = await self.find(scope, identifier.identifier)
        return answer if isinstance(answer, SettledCustomer) else None

    async def identifiers(
        self, scope: SpaceScope, identifiers: Sequence[SeenIdentifier]
    ) -> list[SeenIdentifier]:
        """Identifiers of today as they were, in that order; those that did not count left out."""
        found: list[SeenIdentifier] = []
        for identifier in (seen.identifier for seen in identifiers):
            component = await self._component_of(scope, identifier)
            if isinstance(component, HistoricalComponent):
                found.append(component.seen(identifier))
        return found

    async def link_count(self, scope: SpaceScope, identifier: SeenIdentifier) -> int:
        """With how many distinct identifiers that counted it had been seen."""
        return await self._history.recall.link_count(
            scope, self._then, self._moment, identifier.identifier
        )

    async def links_over_time(
        self, scope: SpaceScope, identifier: SeenIdentifier, first: int
    ) -> Sequence[Degree]:
        """How its links had become more: the last `first` days that brought any, in order."""
        met = await self._met(scope, identifier.identifier)
        return grown(sorted(Counter(seen.first // DAY_MS for seen in met.values()).items()), first)

    async def shared_by(
        self, scope: SpaceScope, identifier: SeenIdentifier, first: int
    ) -> list[SettledCustomer]:
        """The people who had been seen with an identifier, those first who were so last.

        Raises TooLarge where they are too scattered to be found.
        """
        met = await self._met(scope, identifier.identifier)
        people: list[tuple[int, SettledCustomer]] = []
        told = set[Identifier]()
        components = set[int]()
        for other in sorted(met, key=lambda other: -met[other].last):
            last_seen = met[other].last
            if len(people) >= first and last_seen < people[-1][0]:
                break
            if other in told:
                continue
            component = await self._component_of(scope, other)
            if component is None:
                continue
            components.add(id(component))
            if isinstance(component, CrowdedComponent) or len(components) > MAX_COMPONENTS:
                raise TooLarge(
                    f"Too much hangs together with what {identifier.identifier} was seen with.",
                    remedy="Ask for fewer people, or without “asOf”.",
                )
            size = len(component.evidence.identifiers)
            person = await offload_if_large(size, partial(component.person_with, other))
            if person:
                told.update(person.identifiers())
                people.append((last_seen, self._settled(person)))
        people.sort(key=lambda each: (-each[0], each[1].customer_id))
        return [customer for _, customer in people[:first]]

    async def previous_ids(self, _: SpaceScope, customer: str) -> Sequence[str]:
        """The retired ids that forwarded to the customer, oldest first."""
        return self._customer(customer).previous_ids

    async def links(
        self, scope: SpaceScope, customer: SettledCustomer, first: int
    ) -> list[DecidedLink]:
        """Links of the customer's identifiers, most often seen first, each with its decision."""
        found = self._customer(customer.customer_id)
        met = {
            super_connector: await self._met(scope, super_connector)
            for super_connector in found.super_connectors
        }
        found = found.with_links_between(met)
        decided = found.links(first)
        for super_connector, seen_with in met.items():
            decided += await self._links_of_super_connector(
                scope, found.component, super_connector, seen_with, first
            )
        return sorted(decided, key=_most_often_seen)[:first]

    def health(self, customer: SettledCustomer) -> Health:
        """How well the customer held together."""
        return self._customer(customer.customer_id).health()

    def had_received(self, event: RecordedEvent) -> bool:
        """Whether an event had been received."""
        return event.received_at <= self._moment

    async def shared_devices(
        self, _: SpaceScope, customer: str, first: int
    ) -> list[SeenIdentifier]:
        """Contested identifiers that the customer's had been seen with, the latest first."""
        return self._customer(customer).shared_devices(first)

    async def changes_of(
        self, scope: SpaceScope, customer: str, before: int, first: int
    ) -> Page[RecordedChange]:
        """Changes that the customer had had a part in, newest first."""
        changes = await self._history.ledger.changes_of(
            scope.space, customer, before, first + 1, until=self._moment
        )
        return page_of(changes, first)

    async def event_count(self, _: SpaceScope, customer: str) -> int:
        """How many events the customer had. Raises TooLarge, as all about its events."""
        return await self._events(customer).count()

    async def events(
        self, _: SpaceScope, customer: str, window: EventWindow, first: int
    ) -> Page[RecordedEvent]:
        """Events of the customer in the order that the window says."""
        return await self._events(customer).page(window, first)

    async def traits(self, _: SpaceScope, customer: str) -> list[Trait[SeenIdentifier]]:
        """The traits, by name."""
        return await self._events(customer).traits()

    async def accounts(self, _: SpaceScope, customer: str) -> list[Account]:
        """The accounts that the customer's events spoke of, by id."""
        return await self._events(customer).accounts()

    async def event_identifiers(
        self, scope: SpaceScope, event: RecordedEvent
    ) -> list[SeenIdentifier]:
        """The identifiers of an event that the policy let through, strongest first."""
        carried = await self._history.customers.event_identifiers(scope, event)
        found = await self.identifiers(scope, carried)
        return sorted(found, key=lambda i: strength(i.identifier, self._then.policy))

    async def _met(
        self, scope: SpaceScope, identifier: Identifier
    ) -> Mapping[Identifier, Sightings]:
        """All that an identifier had been seen with. Raises TooLarge."""
        return await self._history.recall.seen_with(scope, self._then, self._moment, identifier)

    async def _links_of_super_connector(
        self,
        scope: SpaceScope,
        component: HistoricalComponent,
        super_connector: Identifier,
        met: Mapping[Identifier, Sightings],
        first: int,
    ) -> list[DecidedLink]:
        """The first links of a super-connector that its component does not have."""
        outside = {
            pair: seen
            for other, seen in met.items()
            for pair in [(min(super_connector, other), max(super_connector, other))]
            if pair not in component.sightings
        }
        most_often = sorted(outside, key=lambda pair: (-outside[pair].times, *map(str, pair)))
        links: list[DecidedLink] = []
        for pair in most_often[:first]:
            a, b = [await self._seen(scope, end) for end in pair]
            super_connectors = [end.identifier for end in (a, b) if end.super_connector]
            seen = outside[pair]
            links.append(
                DecidedLink(
                    a=a,
                    b=b,
                    first_seen=seen.first,
                    last_seen=seen.last,
                    times_seen=seen.times,
                    sources=sorted(seen.sources),
                    decision=shown_decision(describe_super_connectors(super_connectors), ()),
                )
            )
        return links

    async def _seen(self, scope: SpaceScope, identifier: Identifier) -> SeenIdentifier:
        """An identifier as it was, be it one of a crowd."""
        component = await self._component_of(scope, identifier)
        if isinstance(component, HistoricalComponent):
            return component.seen(identifier)
        sampled = await self._history.reader.sample(scope.space, [identifier], self._moment, 1)
        span, _ = sampled[identifier]
        assert span is not None  # noqa: S101  (it was seen with another)
        return self._of_crowd(scope, identifier, span)

    def _customer(self, customer: str) -> HistoricalCustomer:
        return self._found[customer][0]

    def _events(self, customer: str) -> PastEvents:
        return self._found[customer][1]

    async def _component_of(
        self, scope: SpaceScope, identifier: Identifier
    ) -> HistoricalComponent | CrowdedComponent | None:
        async with self._recalling:
            found = self._components.get(identifier)
            if found is not None:
                return found
            recalled = await self._history.recall.component_of(
                scope, self._then, self._moment, identifier
            )
            if isinstance(recalled, HistoricalComponent):
                self._components |= dict.fromkeys(recalled.whole(), recalled)
                self._components[identifier] = recalled
            return recalled

    def _settled(
        self, found: HistoricalCustomer, redirected_from: str | None = None
    ) -> SettledCustomer:
        if found.id not in self._found:
            events = PastEvents(self._history.reader, self._history.bodies, found)
            self._found[found.id] = (found, events)
        return found.settled(self._then.version, self._now, redirected_from)

    def _over_connected(self, scope: SpaceScope, crowd: CrowdedComponent) -> OverConnectedComponent:
        return OverConnectedComponent(
            crowd.size,
            self._then.policy.max_component,
            [self._of_crowd(scope, identifier, span) for identifier, span in crowd.most_linked],
        )

    def _of_crowd(self, scope: SpaceScope, identifier: Identifier, span: Span) -> SeenIdentifier:
        """One of those that were not settled, hanging together with too many."""
        key = identifier_key(scope.space, identifier)
        row = (key, *identifier, span.first, span.last, False, False)
        return seen_identifier(row, self._then.policy)

    async def _not_seen(self, scope: SpaceScope, identifier: Identifier) -> Missing:
        since = await self._history.reader.known_since(scope.space, identifier)
        if since is None:
            return Missing(MissingReason.UNKNOWN, f"{identifier} was never seen here.")
        message = f"{identifier} has been known here only since {iso(since)}."
        return Missing(MissingReason.NOT_YET, message)


def _most_often_seen(link: DecidedLink) -> tuple[int, str, str]:
    return -link.times_seen, str(link.a.identifier), str(link.b.identifier)
