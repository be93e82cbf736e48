"""The customers of a space as they are now: `CurrentView`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import orjson

from identity_service.domain.explain.health import Health, health
from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import AnyJudgement
from identity_service.domain.policies.normalise import normalise_phone
from identity_service.domain.policies.policy import Policy
from identity_service.domain.policies.value_rules import ValueRules, WithheldValue
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
from identity_service.domain.resolution.id_register import CustomerKind
from identity_service.domain.traits import TraitEvent, Traits, find_traits
from identity_service.errors import NotFound, TooLarge
from identity_service.graph.customers import (
    FEW_VARIANTS,
    ById,
    CustomerReader,
    CustomerRow,
    EarliestEvent,
    EventContext,
    EventTraitsRow,
    EventWindow,
    Lookup,
    TraitRows,
    TraitsOf,
)
from identity_service.graph.inboxes import InboxReader
from identity_service.graph.keys import identifier_key, space_key
from identity_service.graph.ledger import ALL_CHANGES, ALL_JUDGEMENTS
from identity_service.graph.links import KeyPair, LinkReader
from identity_service.graph.spaces import SpaceStore
from identity_service.services.changes.ledger import Ledger
from identity_service.services.kit.clock import Clock
from identity_service.services.kit.data_loader import DataLoader
from identity_service.services.kit.offload import offload_if_large
from identity_service.services.read.link_decisions import DecidedRow, decided_link, decided_rows
from identity_service.services.read.live import (
    Component,
    ComponentCache,
    LiveResolution,
    resolved_customer,
)
from identity_service.services.read.over_connected import ComponentMeasurer
from identity_service.services.read.presenters import (
    account,
    degrees,
    seen_identifier,
    sources_of_links,
    strongest_first,
)
from identity_service.services.read.profile_evidence import ProfileEvidence
from identity_service.services.read.trait_variants import decided_traits
from identity_service.services.read.view import (
    Account,
    CustomerAnswer,
    Degree,
    Missing,
    MissingReason,
    SourceOfLinks,
    missing,
)
from identity_service.services.resolution.component_resolver import too_much
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.policies import Policies, PolicyInForce

MAX_LOOKED_UP: Final = 1_000
"""Most identifiers of one lookup."""

MAX_TYPES_TRIED: Final = 50
"""Most types of the policy that a value of an unknown identifier is looked for in."""

_SLICE: Final = 100
"""Customers that are made of what was read without a pause for others."""

_READS_AT_ONCE: Final = 16
"""Reads for single customers at a time: a thousand customers may be asked for their events."""


class CurrentReads:
    """What the current views of all requests read through, made once for a process.

    A `DataLoader` reads what is asked for at the same time in one statement; what is read
    customer by customer waits for `one_by_one`.
    """

    def __init__(
        self,
        customers: CustomerReader,
        spaces: SpaceStore,
        links: LinkReader,
        inboxes: InboxReader,
        ledger: Ledger,
        policies: Policies,
        live: LiveResolution,
        profile_evidence: ProfileEvidence,
        clock: Clock,
    ) -> None:
        self.customers = customers
        self.spaces = spaces
        self.links = links
        self.ledger = ledger
        self.policies = policies
        self.live = live
        self.profile_evidence = profile_evidence
        self.clock = clock
        self.over_connected = ComponentMeasurer(customers)
        self.one_by_one = asyncio.Semaphore(_READS_AT_ONCE)
        self.settled: DataLoader[str | ById, Lookup] = DataLoader(customers.settled)
        self.identifiers = DataLoader(customers.identifiers)
        self.link_counts = DataLoader(customers.link_counts)
        self.links_by_day = DataLoader(inboxes.links_by_day)
        self.links_by_source = DataLoader(inboxes.links_by_source)
        self.people = DataLoader(inboxes.people)
        self.previous_ids = DataLoader(customers.previous_ids)
        self.traits = DataLoader(customers.traits)
        self.events = DataLoader(customers.events_by_key)
        self.event_counts = DataLoader(customers.event_counts)
        self.event_identifiers = DataLoader(customers.event_identifiers)
        self.example_events: DataLoader[KeyPair, RecordedEvent] = DataLoader(links.example_events)


@dataclass(frozen=True, slots=True)
class CurrentView:
    """The `CustomerView` of now: customers as they were settled last.

    Why a link joins or not is resolved anew from the evidence; `components` keeps what was loaded
    for that, so a view is not to be used for longer than one request that writes nothing.
    """

    scope: SpaceScope
    reads: CurrentReads
    components: ComponentCache

    async def find(self, raw: Identifier, *, live: bool = False) -> CustomerAnswer:
        """The customer of an identifier, as settled last, or `live`: resolved now."""
        in_force = await self.in_force()
        [identifier] = await self.spelled([raw], in_force.values)
        if isinstance(identifier, WithheldValue):
            return missing(identifier)
        lookup = await self.reads.settled.get(identifier_key(self.scope.space, identifier))
        if _is_older(in_force, [lookup]):
            self.reads.policies.forget(self.scope)
            return await self.find(raw, live=live)
        answer = _answer(identifier, lookup, in_force.policy)
        if answer is None:
            return await self.over_connected(in_force.policy, identifier)
        if isinstance(answer, Missing) and answer.reason is MissingReason.UNKNOWN:
            return replace(answer, unknown=raw)
        if live and isinstance(answer, SettledCustomer):
            return await self._resolved_now(in_force, identifier, answer)
        return answer

    async def find_by_id(self, customer_id: str, *, live: bool = False) -> CustomerAnswer:
        """The customer of an id, current or retired; `live` as for `find`."""
        [found] = await self.find_all_by_id([customer_id])
        if live and isinstance(found, SettledCustomer):
            identifier = found.identifiers[0].identifier
            return await self._resolved_now(await self.in_force(), identifier, found)
        return found

    async def find_all_by_id(self, ids: Sequence[str]) -> list[CustomerAnswer]:
        """The customers of many ids, current or retired, in the order asked; raises TooLarge."""
        _check_number(len(ids), "ids")
        space = self.scope.space
        lookups = await self.reads.settled.get_many([ById(space, each) for each in ids])
        in_force = await self.in_force()
        if _is_older(in_force, lookups.values()):
            self.reads.policies.forget(self.scope)
            in_force = await self.in_force()
        answers: list[CustomerAnswer] = []
        for number, each in enumerate(ids, start=1):
            answers.append(_of_id(each, lookups.get(ById(space, each)), in_force.policy))
            if number % _SLICE == 0:
                await asyncio.sleep(0)
        return answers

    async def find_all(self, raw: Sequence[Identifier]) -> list[CustomerAnswer]:
        """The customers of many identifiers, in the order asked; raises TooLarge."""
        _check_number(len(raw), "identifiers")
        in_force = await self.in_force()
        asked = await self.spelled(raw, in_force.values)
        space = self.scope.space
        key_of = {i: identifier_key(space, i) for i in asked if isinstance(i, Identifier)}
        lookups = await self.reads.settled.get_many(key_of.values())
        if _is_older(in_force, lookups.values()):
            self.reads.policies.forget(self.scope)
            return await self.find_all(raw)
        answer_of: dict[Identifier, CustomerAnswer | None] = {}
        for number, (identifier, key) in enumerate(key_of.items(), start=1):
            answer_of[identifier] = _answer(identifier, lookups.get(key), in_force.policy)
            if number % _SLICE == 0:
                await asyncio.sleep(0)
        unsettled = [identifier for identifier, answer in answer_of.items() if answer is None]
        answers: dict[Identifier, CustomerAnswer] = {
            **{identifier: answer for identifier, answer in answer_of.items() if answer},
            **await self.reads.over_connected.measure(self.scope, in_force.policy, unsettled),
        }
        return [missing(i) if isinstance(i, WithheldValue) else answers[i] for i in asked]

    async def spelled(
        self, raw: Sequence[Identifier], values: ValueRules
    ) -> list[Identifier | WithheldValue]:
        """Identifiers as the graph spells them, in that order, or why one is withheld.

        A phone number without its country that was never seen as such stands for the one number
        that it is in a country which a source of the space names, if only one of these was seen.
        """
        asked = [values.identifier(identifier) for identifier in raw]
        national = {i for i in asked if isinstance(i, Identifier) and values.is_national(i)}
        if not national:
            return asked
        regions = await self.reads.spaces.regions(self.scope.space)
        numbers = {
            number: {
                Identifier(number.type, normalise_phone(number.value, region) or number.value)
                for region in regions
            }
            for number in national
        }
        key_of = {i: identifier_key(self.scope.space, i) for i in national.union(*numbers.values())}
        stored = await self.reads.identifiers.get_many(key_of.values())
        meant: dict[Identifier | WithheldValue, Identifier] = {}
        for number, abroad in numbers.items():
            seen = [i for i in abroad if key_of[i] in stored]
            if key_of[number] not in stored and len(seen) == 1:
                meant[number] = seen[0]
        return [meant.get(identifier, identifier) for identifier in asked]

    async def customer_of(self, identifier: SeenIdentifier) -> SettledCustomer | None:
        """The settled customer of an identifier; None when it belongs to nobody."""
        lookup = await self.reads.settled.get(identifier.key)
        if lookup is None or lookup.customer is None:
            return None
        return _settled(lookup.customer, (await self.in_force()).policy)

    async def identifier(self, identifier: Identifier) -> SeenIdentifier | None:
        """An identifier exactly as it is spelled in the graph."""
        found = await self.identifiers([identifier_key(self.scope.space, identifier)])
        return found[0] if found else None

    async def identifiers(self, keys: Sequence[str]) -> list[SeenIdentifier]:
        """Identifiers by their graph keys, in that order; those that are gone are left out."""
        rows = await self.reads.identifiers.get_many(keys)
        policy = (await self.in_force()).policy
        return [seen_identifier(rows[key], policy) for key in keys if key in rows]

    async def link_count(self, identifier: SeenIdentifier) -> int:
        """How many distinct identifiers were seen with it."""
        return await self.reads.link_counts.get(identifier.key) or 0

    async def links_over_time(self, identifier: SeenIdentifier, first: int) -> Sequence[Degree]:
        """How its links became more: the last `first` days that brought any, in order."""
        return degrees(await self.reads.links_by_day.get(identifier.key) or (), first)

    async def links_by_source(
        self, identifier: SeenIdentifier, first: int
    ) -> Sequence[SourceOfLinks]:
        """Which sources brought its links, at most `first`, those of most first."""
        return sources_of_links(await self.reads.links_by_source.get(identifier.key) or (), first)

    async def shared_by(self, identifier: SeenIdentifier, first: int) -> list[SettledCustomer]:
        """The known customers that were seen with it, at most `MAX_PEOPLE`, the latest first."""
        people = await self.reads.people.get(identifier.key) or ()
        asked = [ById(self.scope.space, person) for person in people[:first]]
        found = await self.reads.settled.get_many(asked)
        policy = (await self.in_force()).policy
        return [
            _settled(lookup.customer, policy)
            for each in asked
            if (lookup := found.get(each)) and lookup.customer
        ]

    async def previous_ids(self, customer: SettledCustomer) -> Sequence[str]:
        """The retired ids that forward to the customer, oldest first."""
        return await self.reads.previous_ids.get(self._key(customer)) or ()

    async def traits(self, customer: SettledCustomer) -> Traits[SeenIdentifier]:
        """The traits, by name."""
        policy = (await self.in_force()).policy
        key = TraitsOf(*self._key(customer), tuple(sorted(policy.limited_sources)))

        async def read(variants: int) -> Traits[SeenIdentifier]:
            if variants == FEW_VARIANTS:
                rows = await self.reads.traits.get(key)
            else:
                async with self.reads.one_by_one:
                    rows = (await self.reads.customers.traits([key], variants)).get(key)
            return _traits(rows, policy) if rows else Traits(())

        return await decided_traits(read)

    async def accounts(self, customer: SettledCustomer) -> list[Account]:
        """The accounts that the customer's events name, by id."""
        async with self.reads.one_by_one:
            rows = await self.reads.customers.accounts(self._key(customer))
        return [account(row) for row in rows]

    async def event(self, key: str) -> RecordedEvent | None:
        """One event of the space, by its key without the space."""
        return await self.reads.events.get(space_key(self.scope.space, key))

    async def event_with(self, message_id: str, until: int) -> RecordedEvent | None:
        """The event with a message id; of several the last that was received until a moment."""
        async with self.reads.one_by_one:
            return await self.reads.customers.event_with(self.scope.space, message_id, until)

    async def events(
        self, customer: SettledCustomer, window: EventWindow, first: int
    ) -> Page[RecordedEvent]:
        """The events of the customer that the window selects, in its order."""
        async with self.reads.one_by_one:
            return await self.reads.customers.events(self._key(customer), window, first)

    async def event_count(self, customer: SettledCustomer) -> int:
        """How many events the customer has."""
        return await self.reads.event_counts.get(self._key(customer)) or 0

    async def event_identifiers(self, event: RecordedEvent) -> list[SeenIdentifier]:
        """The identifiers that an event carries, strongest first."""
        rows = await self.reads.event_identifiers.get(event.key) or ()
        return strongest_first(rows, (await self.in_force()).policy)

    async def profile_evidence(
        self, customer: SettledCustomer, now: int, *, with_accounts: bool
    ) -> CustomerEvidence:
        """All that its profile is computed from, at the instant `now`.

        `with_accounts`: also the evidence of all members of its accounts.
        """
        limited = (await self.in_force()).policy.limited_sources
        space, customer_id = self._key(customer)
        found = await self.reads.profile_evidence.of_customers(
            space, [customer_id], limited, now, with_accounts=with_accounts
        )
        if customer_id not in found:
            raise NotFound(f"There is no customer {customer_id} any more.")
        return found[customer_id]

    async def event_contexts(self, events: Sequence[RecordedEvent]) -> Mapping[str, EventContext]:
        """By event key, the context in which it was sent."""
        async with self.reads.one_by_one:
            return await self.reads.customers.event_contexts([event.key for event in events])

    async def earliest_events(
        self, identifiers: Sequence[SeenIdentifier]
    ) -> Mapping[str, EarliestEvent]:
        """By identifier key, the earliest event that carries it."""
        async with self.reads.one_by_one:
            return await self.reads.customers.earliest_events([each.key for each in identifiers])

    async def links(self, customer: SettledCustomer, first: int) -> list[DecidedLink]:
        """Links of the customer's identifiers, most often seen first, each with its decision."""
        policy = (await self.in_force()).policy
        component = await self._component(customer)
        async with self.reads.one_by_one:
            links = await self.reads.links.of_customer(self._key(customer), first)
        decided = await offload_if_large(
            len(component.evidence.identifiers), lambda: decided_rows(links, component, policy)
        )
        return await self.decided_links(decided)

    async def example_event(self, link: DecidedLink) -> RecordedEvent | None:
        """The latest event that saw both ends; None where none was found soon enough."""
        return await self.reads.example_events.get((link.a.key, link.b.key))

    async def shared_devices(self, customer: SettledCustomer, first: int) -> list[SeenIdentifier]:
        """Contested identifiers that the customer's were seen with, the latest seen first."""
        async with self.reads.one_by_one:
            rows = await self.reads.links.shared_devices(self._key(customer), first)
        policy = (await self.in_force()).policy
        return [seen_identifier(row, policy) for row in rows]

    async def health(self, customer: SettledCustomer) -> Health:
        """How well the customer holds together."""
        policy = (await self.in_force()).policy
        component = await self._component(customer)
        evidence, resolution = component.evidence, component.resolution
        members = component.cluster_with(_strongest(customer))
        keys = {
            position: identifier_key(self.scope.space, evidence.identifiers[position])
            for position in members
            if position in component.outside.super_connectors
        }
        counts = await self.reads.link_counts.get_many(keys.values())
        degree_of = {position: counts.get(key, 0) for position, key in keys.items()}
        return await offload_if_large(
            len(evidence.identifiers),
            lambda: health(members[0], evidence, resolution, policy, degree_of),
        )

    async def changes(
        self, customer: SettledCustomer, before: int, first: int
    ) -> Page[RecordedChange]:
        """The changes that the customer took part in, newest first, before a position."""
        return await self.reads.ledger.changes_of(
            self.scope, customer.customer_id, ALL_CHANGES, before, first
        )

    async def judgements(
        self, customer: SettledCustomer, before: str, first: int
    ) -> Page[AnyJudgement]:
        """The judgements about its identifiers, withdrawn ones too, newest first, before an id."""
        return await self.reads.ledger.judgements_of(
            self.scope, customer.customer_id, ALL_JUDGEMENTS, before, first
        )

    async def in_force(self) -> PolicyInForce:
        """The policy of the space."""
        return await self.reads.policies.in_force(self.scope)

    async def known_elsewhere(self, unknown: Identifier) -> list[Identifier]:
        """The identifiers of other types that have the value of one that was never seen."""
        in_force = await self.in_force()
        others = [name for name in in_force.policy.rules if name != unknown.type][:MAX_TYPES_TRIED]
        asked = await self.spelled(
            [Identifier(each, unknown.value) for each in others], in_force.values
        )
        space = self.scope.space
        keys = [identifier_key(space, each) for each in asked if isinstance(each, Identifier)]
        return [each.identifier for each in await self.identifiers(keys)]

    async def component_of(self, identifier: Identifier) -> Component | None:
        """The component of an identifier, resolved now; None when it is over-connected.

        Its judgements have author and reason.
        """
        in_force = await self.in_force()
        return await self.components.get(
            (self.scope.space, identifier),
            lambda: self.reads.live.component_of(self.scope, in_force, identifier),
        )

    async def over_connected(
        self, policy: Policy, identifier: Identifier
    ) -> OverConnectedComponent:
        """The component of an identifier that is over-connected, measured."""
        found = await self.reads.over_connected.measure(self.scope, policy, [identifier])
        return found[identifier]

    async def decided_links(self, rows: Sequence[DecidedRow]) -> list[DecidedLink]:
        """Links with their decisions, as they are answered."""
        conflicts = {identifier for row in rows for identifier in row.decision.conflict}
        keys = [identifier_key(self.scope.space, identifier) for identifier in conflicts]
        seen = {found.identifier: found for found in await self.identifiers(keys)}
        policy = (await self.in_force()).policy
        return [decided_link(row, seen, policy) for row in rows]

    def _key(self, customer: SettledCustomer) -> tuple[str, str]:
        return self.scope.space, customer.customer_id

    async def _component(self, customer: SettledCustomer) -> Component:
        component = await self.component_of(_strongest(customer))
        if component is None:
            raise too_much((await self.in_force()).policy.max_component)
        return component

    async def _resolved_now(
        self, in_force: PolicyInForce, identifier: Identifier, settled: SettledCustomer
    ) -> CustomerAnswer:
        """The same customer, resolved from the evidence instead of read."""
        component = await self.reads.live.component_of(self.scope, in_force, identifier)
        if component is None:
            found = await self.over_connected(in_force.policy, identifier)
            return replace(found, settled=settled)
        members = component.cluster_with(identifier)
        names = [component.evidence.identifiers[position] for position in members]
        seen = await self.identifiers([identifier_key(self.scope.space, name) for name in names])
        return resolved_customer(settled, component, members, seen, in_force, self.reads.clock())


def _is_older(in_force: PolicyInForce, lookups: Iterable[Lookup | None]) -> bool:
    """Whether a customer is settled by a newer policy than we know: another process set it."""
    return any(
        lookup is not None
        and lookup.customer is not None
        and lookup.customer.policy_version > in_force.version
        for lookup in lookups
    )


def _check_number(asked: int, what: str) -> None:
    if asked > MAX_LOOKED_UP:
        raise TooLarge(
            f"{asked:,} {what} are more than {MAX_LOOKED_UP:,}.", remedy="Ask several times."
        )


def _of_id(asked: str, lookup: Lookup | None, policy: Policy) -> SettledCustomer | Missing:
    if lookup is None or lookup.customer is None:
        return Missing(MissingReason.UNKNOWN, f"There is no customer {asked} here.")
    found = _settled(lookup.customer, policy)
    return found if asked == found.customer_id else replace(found, redirected_from=asked)


def _answer(
    identifier: Identifier, lookup: Lookup | None, policy: Policy
) -> SettledCustomer | Missing | None:
    """What a lookup means; None for an identifier whose component is over-connected."""
    if lookup is None:
        return Missing(MissingReason.UNKNOWN, f"{identifier} was never seen here.")
    if lookup.customer is not None:
        return _settled(lookup.customer, policy)
    if lookup.blocked:
        return Missing(
            MissingReason.BLOCKED_VALUE,
            f"{identifier} was seen, but the policy blocks it, so it belongs to nobody.",
        )
    return None


def _settled(found: CustomerRow, policy: Policy) -> SettledCustomer:
    return SettledCustomer(
        customer_id=found.id,
        kind=CustomerKind(found.kind),
        revision=found.revision,
        policy_version=found.policy_version,
        settled_at=found.settled_at,
        first_seen=found.first_seen,
        last_seen=found.last_seen,
        identifier_count=found.identifier_count,
        identifiers=strongest_first(found.identifiers, policy),
    )


def _traits(rows: TraitRows, policy: Policy) -> Traits[SeenIdentifier]:
    accounts = {key: list(map(orjson.loads, sets)) for key, sets in rows.accounts.items()}

    def said(row: EventTraitsRow) -> TraitEvent[SeenIdentifier]:
        return TraitEvent(
            order=row.order,
            source=row.source,
            owner=seen_identifier(row.owner, policy),
            traits=orjson.loads(row.traits_json or "{}"),
            context_traits=orjson.loads(row.context_traits_json or "{}"),
            accounts_described=tuple(t for key in row.accounts for t in accounts.get(key, ())),
            limited=row.limited,
        )

    return find_traits(
        rows.names,
        rows.named,
        {row.order.key: said(row) for row in rows.events if row.has_keys},
        [said(row) for row in rows.events if not row.has_keys],
    )


def _strongest(customer: SettledCustomer) -> Identifier:
    return customer.identifiers[0].identifier
