"""The customers of a space as they were at a moment: `AsOfView`.

Nothing of it is stored. What had been received by then is read and resolved again, by the policy
that was in force.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from identity_service.domain.explain.explanation import describe_super_connectors
from identity_service.domain.explain.health import Health
from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import AnyJudgement, judgement_as_of
from identity_service.domain.policies.value_rules import WithheldValue
from identity_service.domain.profiles.occurrences import CustomerEvidence
from identity_service.domain.recorded import (
    DecidedLink,
    OverConnectedComponent,
    Page,
    RecordedChange,
    RecordedEvent,
    SeenIdentifier,
    SettledCustomer,
)
from identity_service.domain.resolution.as_of import AnchoredId
from identity_service.domain.resolution.resolve import strength
from identity_service.domain.resolution.subgraph import Sightings
from identity_service.domain.timestamps import iso
from identity_service.domain.traits import Traits
from identity_service.errors import BadInput, TooLarge
from identity_service.graph.customers import CustomerReader, EventWindow
from identity_service.graph.history import HistoryReader
from identity_service.graph.keys import identifier_of
from identity_service.graph.ledger import ChangeFilter, JudgementFilter
from identity_service.services.changes.ledger import Ledger
from identity_service.services.kit.offload import offload_if_large
from identity_service.services.read.as_of.component_walk import HistoricalComponents
from identity_service.services.read.as_of.customers import (
    HistoricalComponent,
    HistoricalCustomer,
    historical_identifier,
)
from identity_service.services.read.as_of.events import HistoricalEvents
from identity_service.services.read.current import CurrentView
from identity_service.services.read.presenters import (
    DAY_MS,
    degrees,
    link_decision,
    sources_of_links,
)
from identity_service.services.read.profile_evidence import HistoricalEvidence, ProfileEvidence
from identity_service.services.read.view import (
    Account,
    CustomerAnswer,
    Degree,
    Missing,
    MissingReason,
    SourceOfLinks,
    customer_in,
    missing,
)
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.policies import PolicyInForce


@dataclass(frozen=True, slots=True)
class HistoricalReads:
    """What the views of all moments read through, made once for a process.

    `max_shared_by_components`: how many components `shared_by` may load.
    """

    history: HistoryReader
    components: HistoricalComponents
    customers: CustomerReader
    ledger: Ledger
    profile_evidence: ProfileEvidence
    max_shared_by_components: int


@dataclass(frozen=True, slots=True)
class _Found:
    """A customer of the view, and its events."""

    customer: HistoricalCustomer
    events: HistoricalEvents


class AsOfView:
    """The `CustomerView` of one moment: what the service answered then.

    `as_of` is the moment in milliseconds since 1970, inclusive; `policy_as_of` is the policy that
    was in force. The view keeps the components that it has loaded. All methods that take a
    customer, but `changes`, raise NotFound for one whose id stood for nobody then.
    """

    def __init__(
        self,
        reads: HistoricalReads,
        current: CurrentView,
        as_of: int,
        policy_as_of: PolicyInForce,
        now: int,
    ) -> None:
        self._reads = reads
        self._current = current
        self._as_of = as_of
        self._policy_as_of = policy_as_of
        self._now = now
        self._loading = asyncio.Lock()
        self._components: dict[Identifier, HistoricalComponent] = {}
        self._found: dict[str, _Found] = {}

    @property
    def scope(self) -> SpaceScope:
        """The space, and the right to read it."""
        return self._current.scope

    async def find(self, raw: Identifier) -> CustomerAnswer:
        """The customer that an identifier belonged to."""
        [identifier] = await self._current.spelled([raw], self._policy_as_of.values)
        if isinstance(identifier, WithheldValue):
            return missing(identifier)
        component = await self._component_of(identifier)
        if component is None:
            return await self._not_seen(identifier)
        if isinstance(component, OverConnectedComponent):
            return component
        found = component.customer_of(identifier)
        if found is None:
            message = f"{identifier} had just been received at {iso(self._as_of)}, not settled."
            return Missing(MissingReason.NOT_YET, message)
        return self._settled(found)

    async def find_by_id(self, customer_id: str) -> CustomerAnswer:
        """The customer that an id, current or retired then, stood for."""
        entry = await self._reads.history.id(self.scope.space, customer_id)
        if entry is None:
            return Missing(MissingReason.UNKNOWN, f"There is no customer {customer_id} here.")
        found = await self._holder_of(entry)
        if isinstance(found, OverConnectedComponent):
            return found
        if found and found.id == customer_id:
            return self._settled(found)
        if entry.minted_at > self._as_of:
            message = f"There has been a customer {customer_id} only since {iso(entry.minted_at)}."
            return Missing(MissingReason.NOT_YET, message)
        if found is None:
            message = f"The customer {customer_id} stood for nobody at {iso(self._as_of)}."
            return Missing(MissingReason.UNKNOWN, message)
        return self._settled(found, redirected_from=customer_id)

    async def _holder_of(
        self, entry: AnchoredId
    ) -> HistoricalCustomer | OverConnectedComponent | None:
        """The customer at whose identifiers an id stood; None when it stood nowhere."""
        then = entry.at(self._as_of)
        for anchor in (then.anchor, *then.earlier):
            if not self._policy_as_of.values.lets_through(anchor):
                continue
            component = await self._component_of(anchor)
            if component is None or isinstance(component, OverConnectedComponent):
                return component
            found = component.customer_of(anchor)
            # Another id may have taken over an anchor that this one left.
            if anchor is then.anchor or (found and entry.id in (found.id, *found.previous_ids)):
                return found
        return None

    async def customer_of(self, identifier: SeenIdentifier) -> SettledCustomer | None:
        """The customer that an identifier belonged to; None when it belonged to nobody."""
        answer = await self.find(identifier.identifier)
        return answer if isinstance(answer, SettledCustomer) else None

    async def identifiers(self, keys: Sequence[str]) -> list[SeenIdentifier]:
        """Identifiers by their graph keys; those that did not count then are left out."""
        return await self._seen_of(map(identifier_of, keys))

    async def link_count(self, identifier: SeenIdentifier) -> int:
        """How many distinct identifiers that counted it had been seen with."""
        return await self._reads.components.link_count(
            self.scope, self._policy_as_of, self._as_of, identifier.identifier
        )

    async def links_over_time(self, identifier: SeenIdentifier, first: int) -> Sequence[Degree]:
        """How its links had become more: the last `first` days that brought any, in order."""
        met = await self._seen_with(identifier.identifier)
        new_links = Counter(seen.first // DAY_MS for seen in met.values())
        return degrees(sorted(new_links.items()), first)

    async def links_by_source(
        self, identifier: SeenIdentifier, first: int
    ) -> Sequence[SourceOfLinks]:
        """Which sources had brought its links, at most `first`, those of most first."""
        met = await self._seen_with(identifier.identifier)
        new_links = Counter(
            (seen.first // DAY_MS, source) for seen in met.values() for source in seen.sources
        )
        days = [(source, day, added) for (day, source), added in sorted(new_links.items())]
        return sources_of_links(days, first)

    async def shared_by(self, identifier: SeenIdentifier, first: int) -> list[SettledCustomer]:
        """The known customers that had been seen with it, the latest seen first.

        Raises TooLarge where too many components would have to be loaded.
        """
        most = self._reads.max_shared_by_components
        met = await self._seen_with(identifier.identifier)
        people: list[tuple[int, SettledCustomer]] = []
        examined = set[Identifier]()
        components = set[int]()
        for other in sorted(met, key=lambda other: -met[other].last):
            last_seen = met[other].last
            if len(people) >= first and last_seen < people[-1][0]:
                break
            if other in examined:
                continue
            component = await self._component_of(other)
            if component is None:
                continue
            components.add(id(component))
            if isinstance(component, OverConnectedComponent) or len(components) > most:
                raise TooLarge(
                    f"Too much is connected with what {identifier.identifier} was seen with.",
                    remedy="Ask for fewer people, or without “asOf”.",
                )
            size = len(component.evidence.identifiers)
            person = await offload_if_large(size, partial(component.person_with, other))
            if person:
                examined.update(person.identifiers())
                people.append((last_seen, self._settled(person)))
        people.sort(key=lambda each: (-each[0], each[1].customer_id))
        return [customer for _, customer in people[:first]]

    async def previous_ids(self, customer: SettledCustomer) -> Sequence[str]:
        """The retired ids that forwarded to the customer, oldest first."""
        return (await self._known(customer)).customer.previous_ids

    async def traits(self, customer: SettledCustomer) -> Traits[SeenIdentifier]:
        """The traits, by name."""
        return await (await self._known(customer)).events.traits()

    async def accounts(self, customer: SettledCustomer) -> list[Account]:
        """The accounts that the customer's events named, by id."""
        return await (await self._known(customer)).events.accounts()

    async def events(
        self, customer: SettledCustomer, window: EventWindow, first: int
    ) -> Page[RecordedEvent]:
        """The events of the customer that the window selects, in its order."""
        return await (await self._known(customer)).events.page(window, first)

    async def event_count(self, customer: SettledCustomer) -> int:
        """How many events the customer had."""
        return await (await self._known(customer)).events.count()

    async def event_identifiers(self, event: RecordedEvent) -> list[SeenIdentifier]:
        """The identifiers of an event that the policy let through, strongest first."""
        carried = await self._reads.history.event_identifiers(event.key, self._as_of)
        found = await self._seen_of(carried)
        policy = self._policy_as_of.policy
        return sorted(found, key=lambda seen: strength(seen.identifier, policy))

    async def profile_evidence(
        self, customer: SettledCustomer, now: int, *, with_accounts: bool
    ) -> CustomerEvidence:
        """All that its profile is computed from. Raises BadInput `with_accounts`."""
        if with_accounts:
            raise BadInput(
                "Audiences that speak of accounts are not computed as of a moment.",
                remedy="Ask for features, or leave “asOf” out.",
            )
        known = await self._known(customer)
        evidence = HistoricalEvidence(
            customer.customer_id,
            customer.kind,
            frozenset(each.type for each in known.customer.identifiers()),
            await known.events.keys(),
        )
        limited = self._policy_as_of.policy.limited_sources
        return await self._reads.profile_evidence.of_moment(evidence, limited, now)

    async def links(self, customer: SettledCustomer, first: int) -> list[DecidedLink]:
        """Links of the customer's identifiers, most often seen first, each with its decision."""
        found = (await self._known(customer)).customer
        met = {
            super_connector: await self._seen_with(super_connector)
            for super_connector in found.super_connectors
        }
        found = found.with_links_between(met)
        decided = found.links(first)
        for super_connector, seen_with in met.items():
            decided += await self._links_of_super_connector(
                found.component, super_connector, seen_with, first
            )
        return sorted(decided, key=_most_often_seen)[:first]

    async def example_event(self, link: DecidedLink) -> RecordedEvent | None:
        """The latest event of today that saw both ends; None when it was received later."""
        found = await self._current.example_event(link)
        return found if found and found.received_at <= self._as_of else None

    async def shared_devices(self, customer: SettledCustomer, first: int) -> list[SeenIdentifier]:
        """Contested identifiers that the customer's had been seen with, the latest seen first."""
        return (await self._known(customer)).customer.shared_devices(first)

    async def health(self, customer: SettledCustomer) -> Health:
        """How well the customer held together."""
        return (await self._known(customer)).customer.health()

    async def changes(
        self, customer: SettledCustomer, before: int, first: int
    ) -> Page[RecordedChange]:
        """The changes that the customer had taken part in, newest first, before a position."""
        return await self._reads.ledger.changes_of(
            self.scope, customer.customer_id, ChangeFilter(until=self._as_of), before, first
        )

    async def judgements(
        self, customer: SettledCustomer, before: str, first: int
    ) -> Page[AnyJudgement]:
        """The judgements that had been made about its identifiers, newest first, before an id.

        One that was withdrawn later is as it was then.
        """
        identifiers = (await self._known(customer)).customer.identifiers()
        page = await self._reads.ledger.judgements_of(
            self.scope, identifiers, JudgementFilter(until=self._as_of), before, first
        )
        return replace(page, items=[judgement_as_of(made, self._as_of) for made in page.items])

    async def _known(self, customer: SettledCustomer) -> _Found:
        """A customer of this view, which may have been found by another one."""
        found = self._found.get(customer.customer_id)
        if found is None:
            there = customer_in(await self.find_by_id(customer.customer_id), self.scope)
            found = self._found[there.customer_id]
        return found

    async def _seen_with(self, identifier: Identifier) -> Mapping[Identifier, Sightings]:
        """All that an identifier had been seen with. Raises TooLarge."""
        return await self._reads.components.seen_with(
            self.scope, self._policy_as_of, self._as_of, identifier
        )

    async def _links_of_super_connector(
        self,
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
            a, b = [await self._seen(end) for end in pair]
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
                    decision=link_decision(describe_super_connectors(super_connectors), ()),
                )
            )
        return links

    async def _seen_of(self, identifiers: Iterable[Identifier]) -> list[SeenIdentifier]:
        """Identifiers as they were; those that were not settled are left out."""
        found: list[SeenIdentifier] = []
        for identifier in identifiers:
            component = await self._component_of(identifier)
            if isinstance(component, HistoricalComponent):
                found.append(component.seen(identifier))
        return found

    async def _seen(self, identifier: Identifier) -> SeenIdentifier:
        """An identifier that had been seen, also one of an over-connected component."""
        component = await self._component_of(identifier)
        if isinstance(component, HistoricalComponent):
            return component.seen(identifier)
        space = self.scope.space
        sampled = await self._reads.history.sample(space, [identifier], self._as_of, 1)
        span, _ = sampled[identifier]
        assert span is not None  # noqa: S101  (it was seen with another)
        return historical_identifier(space, identifier, span, self._policy_as_of.policy)

    async def _component_of(
        self, identifier: Identifier
    ) -> HistoricalComponent | OverConnectedComponent | None:
        async with self._loading:
            known = self._components.get(identifier)
            if known is not None:
                return known
            loaded = await self._reads.components.component_of(
                self.scope, self._policy_as_of, self._as_of, identifier
            )
            if isinstance(loaded, HistoricalComponent):
                self._components |= dict.fromkeys(loaded.whole(), loaded)
                self._components[identifier] = loaded
            return loaded

    def _settled(
        self, customer: HistoricalCustomer, redirected_from: str | None = None
    ) -> SettledCustomer:
        if customer.id not in self._found:
            reads = self._reads
            withheld_with = partial(
                reads.components.withheld_with, self.scope, self._policy_as_of, self._as_of
            )
            events = HistoricalEvents(reads.history, reads.customers, withheld_with, customer)
            self._found[customer.id] = _Found(customer, events)
        return customer.settled(self._policy_as_of.version, self._now, redirected_from)

    async def _not_seen(self, identifier: Identifier) -> Missing:
        since = await self._reads.history.known_since(self.scope.space, identifier)
        if since is None or since <= self._as_of:
            return Missing(MissingReason.UNKNOWN, f"{identifier} was never seen here.")
        message = f"{identifier} has been known here only since {iso(since)}."
        return Missing(MissingReason.NOT_YET, message)


def _most_often_seen(link: DecidedLink) -> tuple[int, str, str]:
    return -link.times_seen, str(link.a.identifier), str(link.b.identifier)
