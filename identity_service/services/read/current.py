"""Who is this? Customers as they are settled, or resolved now, and all that hangs on them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, TypeAlias

import orjson

from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import Judgement
from identity_service.domain.policies.policy import Policy
from identity_service.domain.policies.value_rules import WithheldValue
from identity_service.domain.recorded import (
    OverConnectedComponent,
    Page,
    RecordedEvent,
    RecordedRejection,
    SeenIdentifier,
    SettledCustomer,
    page_of,
)
from identity_service.domain.resolution.id_register import CustomerKind, kind_of
from identity_service.domain.resolution.resolve import strength
from identity_service.domain.traits import Trait, TraitEvent, merge_account, merge_traits
from identity_service.errors import TooLarge
from identity_service.graph.customers import (
    ById,
    CustomerReader,
    EventWindow,
    FoundCustomer,
    IdentifierRow,
    Lookup,
)
from identity_service.graph.keys import event_key, identifier_key
from identity_service.graph.ledger import LedgerReader
from identity_service.services.kit.clock import Clock
from identity_service.services.kit.data_loader import DataLoader
from identity_service.services.read.live import LiveResolution
from identity_service.services.read.presenters import seen_identifier, strongest_first
from identity_service.services.spaces.access import Role, SpaceScope, forbidden
from identity_service.services.spaces.policies import Policies, PolicyInForce

MAX_LOOKED_UP: Final = 1_000
"""Most identifiers of one lookup."""

_READS_AT_ONCE: Final = 16
"""Readings for single customers at a time: a thousand customers may be asked for their events."""

_COUNTED: Final = 10
"""An over-connected component is counted up to this many times what it may hold."""


class MissingReason(StrEnum):
    """Why there is no customer."""

    UNKNOWN = "UNKNOWN"
    BLOCKED_VALUE = "BLOCKED_VALUE"
    INVALID_VALUE = "INVALID_VALUE"
    NOT_YET = "NOT_YET"


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no such customer."""

    reason: MissingReason
    message: str


Answer: TypeAlias = SettledCustomer | Missing | OverConnectedComponent


@dataclass(frozen=True, slots=True)
class Account:
    """An account that a customer's events speak of."""

    account_id: str
    traits: dict[str, Any]


class Customers:
    """Reads customers. What is asked for at the same time is read together."""

    def __init__(
        self,
        reader: CustomerReader,
        ledger: LedgerReader,
        policies: Policies,
        live: LiveResolution,
        clock: Clock,
    ) -> None:
        self._reader = reader
        self._ledger = ledger
        self._policies = policies
        self._live = live
        self._clock = clock
        self._settled: DataLoader[str | ById, Lookup] = DataLoader(reader.settled)
        self._identifiers = DataLoader(reader.identifiers)
        self._link_counts = DataLoader(reader.link_counts)
        self._events = DataLoader(reader.events_by_key)
        self._event_identifiers = DataLoader(reader.event_identifiers)
        self._event_counts = DataLoader(reader.event_counts)
        self._previous_ids = DataLoader(reader.previous_ids)
        self._traits = DataLoader(reader.traits)
        self._one_by_one = asyncio.Semaphore(_READS_AT_ONCE)

    async def find(self, scope: SpaceScope, raw: Identifier, *, live: bool = False) -> Answer:
        """The customer of an identifier, as settled last, or `live`: resolved now."""
        in_force = await self._policies.in_force(scope)
        identifier = in_force.values.identifier(raw)
        if isinstance(identifier, WithheldValue):
            return withheld(identifier)
        lookup = await self._settled.get(identifier_key(scope.space, identifier))
        if _is_older(in_force, [lookup]):
            self._policies.forget(scope)
            return await self.find(scope, raw, live=live)
        answer = _answer(identifier, lookup, in_force.policy)
        if answer is None:
            return await self.over_connected(scope, in_force, identifier)
        if live and isinstance(answer, SettledCustomer):
            return await self._resolved_now(scope, in_force, identifier, answer)
        return answer

    async def find_by_id(self, scope: SpaceScope, customer: str, *, live: bool = False) -> Answer:
        """The customer of an id, current or retired."""
        lookup = await self._settled.get(ById(scope.space, customer))
        if lookup is None or lookup.customer is None:
            return Missing(MissingReason.UNKNOWN, f"There is no customer {customer} here.")
        in_force = await self._policies.in_force(scope)
        if _is_older(in_force, [lookup]):
            self._policies.forget(scope)
            in_force = await self._policies.in_force(scope)
        found = _settled(lookup.customer, in_force.policy)
        if customer != found.customer_id:
            found = replace(found, redirected_from=customer)
        if live:
            identifier = found.identifiers[0].identifier
            return await self._resolved_now(scope, in_force, identifier, found)
        return found

    async def find_all(self, scope: SpaceScope, raw: Sequence[Identifier]) -> list[Answer]:
        """The customers of many identifiers, in the order asked; raises TooLarge."""
        if len(raw) > MAX_LOOKED_UP:
            raise TooLarge(
                f"{len(raw):,} identifiers are more than {MAX_LOOKED_UP:,}.",
                remedy="Ask several times.",
            )
        in_force = await self._policies.in_force(scope)
        asked = [in_force.values.identifier(identifier) for identifier in raw]
        key_of = {i: identifier_key(scope.space, i) for i in asked if isinstance(i, Identifier)}
        lookups = await self._settled.get_many(key_of.values())
        if _is_older(in_force, lookups.values()):
            self._policies.forget(scope)
            return await self.find_all(scope, raw)
        answer_of = {
            identifier: _answer(identifier, lookups.get(key), in_force.policy)
            for identifier, key in key_of.items()
        }
        unsettled = [identifier for identifier, answer in answer_of.items() if answer is None]
        answers: dict[Identifier, Answer] = {
            **{identifier: answer for identifier, answer in answer_of.items() if answer},
            **await self._all_over_connected(scope, in_force, unsettled),
        }
        return [withheld(i) if isinstance(i, WithheldValue) else answers[i] for i in asked]

    async def customer_of(
        self, scope: SpaceScope, identifier: SeenIdentifier
    ) -> SettledCustomer | None:
        """The settled customer of an identifier that was read; None when it has none."""
        lookup = await self._settled.get(identifier.key)
        if lookup is None or lookup.customer is None:
            return None
        return _settled(lookup.customer, (await self._policies.in_force(scope)).policy)

    async def settled(self, scope: SpaceScope, customers: Sequence[str]) -> list[SettledCustomer]:
        """Customers by their ids, in that order; those that are gone are left out."""
        asked = [ById(scope.space, customer) for customer in customers]
        found = await self._settled.get_many(asked)
        policy = (await self._policies.in_force(scope)).policy
        return [
            _settled(lookup.customer, policy)
            for each in asked
            if (lookup := found.get(each)) and lookup.customer
        ]

    async def identifier(self, scope: SpaceScope, identifier: Identifier) -> SeenIdentifier | None:
        """An identifier of the graph, exactly as it is spelled there."""
        found = await self.identifiers(scope, [identifier_key(scope.space, identifier)])
        return found[0] if found else None

    async def identifiers(self, scope: SpaceScope, keys: Sequence[str]) -> list[SeenIdentifier]:
        """Identifiers by their graph keys, in that order; those that are gone are left out."""
        rows = await self._identifiers.get_many(keys)
        return await self._seen(scope, [rows[key] for key in keys if key in rows])

    async def link_count(self, _: SpaceScope, identifier: SeenIdentifier) -> int:
        """How many distinct identifiers were seen with it."""
        return await self._link_counts.get(identifier.key) or 0

    async def link_counts(self, keys: Sequence[str]) -> dict[str, int]:
        """The same of many identifiers, by their graph keys."""
        return await self._link_counts.get_many(keys)

    async def previous_ids(self, scope: SpaceScope, customer: str) -> Sequence[str]:
        """The retired ids that the customer carries on, oldest first."""
        return await self._previous_ids.get((scope.space, customer)) or ()

    async def event_count(self, scope: SpaceScope, customer: str) -> int:
        """How many events the customer has."""
        return await self._event_counts.get((scope.space, customer)) or 0

    async def traits(self, scope: SpaceScope, customer: str) -> list[Trait[SeenIdentifier]]:
        """The traits, by name, from the newest `MAX_TRAIT_EVENTS` events that tell any."""
        told, described = await self._traits.get((scope.space, customer)) or ((), ())
        policy = (await self._policies.in_force(scope)).policy
        traits_of: dict[str, list[Any]] = {}
        for account, traits_json in described:
            traits_of.setdefault(account, []).append(orjson.loads(traits_json))
        return merge_traits(
            TraitEvent(
                at=at,
                message_id=message_id,
                source=source,
                owner=seen_identifier(owner, policy),
                traits=orjson.loads(traits_json or "{}"),
                context_traits=orjson.loads(context_json or "{}"),
                accounts_described=tuple(t for a in accounts for t in traits_of.get(a, ())),
            )
            for at, message_id, source, traits_json, context_json, accounts, owner in told
        )

    async def accounts(self, scope: SpaceScope, customer: str) -> list[Account]:
        """The accounts that the customer's events speak of, by id."""
        async with self._one_by_one:
            accounts = await self._reader.accounts((scope.space, customer))
        return [
            Account(account, merge_account((at, orjson.loads(text)) for at, text in described))
            for account, described in accounts
        ]

    async def event(self, scope: SpaceScope, message_id: str) -> RecordedEvent | None:
        """One event."""
        return await self._events.get(event_key(scope.space, message_id))

    async def events(
        self, scope: SpaceScope, customer: str, window: EventWindow, first: int
    ) -> Page[RecordedEvent]:
        """Events of a customer in the order that the window says."""
        async with self._one_by_one:
            events = await self._reader.events((scope.space, customer), window, first + 1)
        return page_of(events, first)

    async def event_identifiers(
        self, scope: SpaceScope, event: RecordedEvent
    ) -> list[SeenIdentifier]:
        """The identifiers that an event carries, strongest first."""
        rows = await self._event_identifiers.get(event.key) or ()
        policy = (await self._policies.in_force(scope)).policy
        return strongest_first(rows, policy)

    async def over_connected(
        self, scope: SpaceScope, in_force: PolicyInForce, identifier: Identifier
    ) -> OverConnectedComponent:
        """The component of an identifier, measured: more hangs together there than allowed."""
        found = await self._all_over_connected(scope, in_force, [identifier])
        return found[identifier]

    async def judgements(self, scope: SpaceScope, before: str, first: int) -> Page[Judgement]:
        """Judgements of the space, withdrawn ones too, newest first."""
        return page_of(await self._ledger.judgements(scope.space, before, first + 1), first)

    async def rejected(self, scope: SpaceScope, before: str, first: int) -> Page[RecordedRejection]:
        """Events that were set aside, newest first. Raises Forbidden below AGENT."""
        if not scope.allows(Role.AGENT):
            raise forbidden(Role.AGENT, scope.space)
        return page_of(await self._ledger.rejected(scope.space, before, first + 1), first)

    async def _all_over_connected(
        self, scope: SpaceScope, in_force: PolicyInForce, identifiers: Sequence[Identifier]
    ) -> dict[Identifier, OverConnectedComponent]:
        """Measure the components of identifiers, each only once: that takes long."""
        policy = in_force.policy
        remaining = {identifier_key(scope.space, i): i for i in identifiers}
        found: dict[Identifier, OverConnectedComponent] = {}
        while remaining:
            key = next(iter(remaining))
            async with self._one_by_one:
                size, rows, met = await self._reader.component(
                    key, list(remaining), policy.max_component * _COUNTED
                )
            component = OverConnectedComponent(
                size, policy.max_component, [seen_identifier(row, policy) for row in rows]
            )
            for member in met | {key}:
                found[remaining.pop(member)] = component
        return found

    async def _resolved_now(
        self,
        scope: SpaceScope,
        in_force: PolicyInForce,
        identifier: Identifier,
        settled: SettledCustomer,
    ) -> Answer:
        """The same customer, resolved from the evidence instead of read."""
        component = await self._live.component_of(scope, in_force, identifier)
        if component is None:
            return await self.over_connected(scope, in_force, identifier)
        evidence, resolution = component.evidence, component.resolution
        position = list(evidence.identifiers).index(identifier)
        members = [
            i
            for i, cluster in enumerate(resolution.cluster_of)
            if cluster == resolution.cluster_of[position]
        ]
        keys = [identifier_key(scope.space, evidence.identifiers[i]) for i in members]
        identifiers = [
            seen._replace(
                contested=i in resolution.contested,
                super_connector=i in resolution.super_connectors,
            )
            for i, seen in zip(members, await self.identifiers(scope, keys), strict=True)
        ]
        return replace(
            settled,
            customer_id=component.customer_of[position] or settled.customer_id,
            kind=kind_of(members, evidence.identifiers, resolution, in_force.policy),
            policy_version=in_force.version,
            settled_at=self._clock(),
            first_seen=min(seen.first_seen for seen in identifiers),
            last_seen=max(seen.last_seen for seen in identifiers),
            identifier_count=len(identifiers),
            identifiers=sorted(identifiers, key=lambda i: strength(i.identifier, in_force.policy)),
            live=True,
        )

    async def _seen(self, scope: SpaceScope, rows: Sequence[IdentifierRow]) -> list[SeenIdentifier]:
        policy = (await self._policies.in_force(scope)).policy
        return [seen_identifier(row, policy) for row in rows]


def _is_older(in_force: PolicyInForce, lookups: Iterable[Lookup | None]) -> bool:
    """Whether a customer is settled by a newer policy than we know: another process set it."""
    return any(
        lookup is not None
        and lookup.customer is not None
        and lookup.customer.policy_version > in_force.version
        for lookup in lookups
    )


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


def withheld(found: WithheldValue) -> Missing:
    """The answer about a value that is no identifier."""
    return Missing(MissingReason(found.reason.value), str(found))


def _settled(found: FoundCustomer, policy: Policy) -> SettledCustomer:
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
