"""The evidence of customers that profiles are computed from, put together from what is stored."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from identity_service.domain.profiles.occurrences import (
    AccountEvidence,
    CustomerEvidence,
    ProfileEvent,
    ReportedValue,
)
from identity_service.domain.profiles.values import read_json
from identity_service.domain.resolution.id_register import CustomerKind
from identity_service.domain.traits import TraitEvent, merge_account, reported_traits
from identity_service.errors import TooLarge
from identity_service.graph.customers import MAX_TRAIT_SETS
from identity_service.graph.history import HistoryReader
from identity_service.graph.ledger import MOST
from identity_service.graph.profile_evidence import EventRow, ProfileEvidenceReader

MAX_EVENTS: Final = 200_000
"""Most events that one reading takes, of all its customers together."""

MAX_MEMBERS: Final = 1_000
"""Most members of an account whose evidence is read."""


@dataclass(frozen=True, slots=True)
class ReadEvidence:
    """The evidence of a customer, and by event key that of the identifier it is attributed to."""

    evidence: CustomerEvidence
    owners: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CustomerEvents:
    """A customer and the types of its identifiers.

    `owners`: by the key of each event, that of the identifier to which it is attributed.
    """

    customer_id: str
    kind: CustomerKind
    identifier_types: Collection[str]
    owners: Mapping[str, str]


class ProfileEvidence:
    """Reads evidence. Every method raises TooLarge beyond `MAX_EVENTS`."""

    def __init__(self, reader: ProfileEvidenceReader, history: HistoryReader) -> None:
        self._reader = reader
        self._history = history

    async def of_customers(
        self,
        space: str,
        customers: Sequence[str],
        limited_sources: Collection[str],
        *,
        with_accounts: bool,
    ) -> dict[str, ReadEvidence]:
        """Customers of a space as they are now, by id; those that are not there are left out.

        `with_accounts`: each with the accounts that its events name, and the evidence of all of
        their members.
        """
        found = await self._events_of(space, customers)
        read = await self.of_events(found, limited_sources)
        if not with_accounts:
            return read
        accounts = await self._accounts(space, read, limited_sources)
        return {
            customer: replace(
                each,
                evidence=replace(
                    each.evidence,
                    accounts=[accounts[id_] for id_ in _accounts_of(each) if id_ in accounts],
                ),
            )
            for customer, each in read.items()
        }

    async def of_events(
        self,
        customers: Iterable[CustomerEvents],
        limited_sources: Collection[str],
        as_of: int = MOST,
    ) -> dict[str, ReadEvidence]:
        """Customers whose events are known by their keys, without their accounts.

        What was said of accounts counts as it had been received at `as_of`.
        """
        listed = list(customers)
        keys = [key for each in listed for key in each.owners]
        if len(keys) > MAX_EVENTS:
            raise TooLarge(
                f"More than {MAX_EVENTS:,} events would have to be read.",
                remedy="Ask for fewer customers at a time; one with so many is computed in the"
                " background only.",
            )
        rows: dict[str, EventRow] = {}
        while keys:
            page, answered = await self._reader.events(keys)
            rows |= {row.order.key: row for row in page}
            keys = keys[answered:]
        described = await self._described(rows.values(), as_of)
        return {
            each.customer_id: _evidence(
                each,
                [rows[key] for key in each.owners if key in rows],
                described,
                limited_sources,
            )
            for each in listed
        }

    async def _events_of(self, space: str, customers: Sequence[str]) -> list[CustomerEvents]:
        found = await self._reader.customers([(space, id_) for id_ in customers], MAX_EVENTS + 1)
        return [
            CustomerEvents(
                id_, CustomerKind(row.kind), frozenset(row.identifier_types), dict(row.events)
            )
            for (_, id_), row in found.items()
        ]

    async def _described(
        self, rows: Iterable[EventRow], as_of: int
    ) -> dict[str, list[Mapping[str, Any]]]:
        """By account key, what was said of the accounts of events whose context has traits."""
        keys = {key for row in rows if row.context_traits_json for key, _ in row.accounts}
        accounts = await self._history.accounts(sorted(keys), as_of, MAX_TRAIT_SETS) if keys else {}
        return {
            key: [orjson.loads(text) for _, text in account.traits]
            for key, account in accounts.items()
        }

    async def _accounts(
        self, space: str, read: Mapping[str, ReadEvidence], limited_sources: Collection[str]
    ) -> dict[str, AccountEvidence]:
        """By account id, the accounts of customers with the evidence of all their members."""
        ids = sorted({id_ for each in read.values() for id_ in _accounts_of(each)})
        keys = [f"{space}/{id_}" for id_ in ids]
        if not keys:
            return {}
        members = await self._reader.members(keys, MAX_MEMBERS + 1)
        if any(len(each.customers) > MAX_MEMBERS for each in members.values()):
            raise TooLarge(
                f"An account has more than {MAX_MEMBERS:,} members.",
                remedy="Audiences that speak of it are computed in the background only.",
            )
        others = sorted({id_ for each in members.values() for id_ in each.customers} - read.keys())
        evidence = {
            **read,
            **await self.of_events(await self._events_of(space, others), limited_sources),
        }
        said = await self._history.accounts(keys, MOST, MAX_TRAIT_SETS)
        return {
            each.account_id: AccountEvidence(
                each.account_id,
                events={
                    id_: [
                        event
                        for event in evidence[id_].evidence.events
                        if event.account_id == each.account_id
                    ]
                    for id_ in each.customers
                    if id_ in evidence
                },
                traits=merge_account(
                    [(reported, orjson.loads(text)) for reported, text in said[key].traits]
                )
                if key in said
                else {},
                members=[evidence[id_].evidence for id_ in each.customers if id_ in evidence],
            )
            for key, each in members.items()
        }


def _accounts_of(read: ReadEvidence) -> list[str]:
    named = {event.account_id for event in read.evidence.events}
    return sorted(id_ for id_ in named if id_ is not None)


def _evidence(
    customer: CustomerEvents,
    rows: Sequence[EventRow],
    described: Mapping[str, Sequence[Mapping[str, Any]]],
    limited_sources: Collection[str],
) -> ReadEvidence:
    reported: dict[str, list[ReportedValue]] = {}
    for row in rows:
        limited = row.source in limited_sources and not row.is_proven
        for name, value in _said(row, described).items():
            reported.setdefault(name, []).append(
                ReportedValue(row.order, row.source, value, limited)
            )
    evidence = CustomerEvidence(
        customer.customer_id,
        customer.kind,
        [_event(row) for row in rows],
        reported,
        customer.identifier_types,
    )
    return ReadEvidence(evidence, customer.owners)


def _said(row: EventRow, described: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """What an event says of the person, its numbers exact."""
    if row.traits_json is None and row.context_traits_json is None:
        return {}
    traits, context = row.traits_json or "{}", row.context_traits_json or "{}"
    own = reported_traits(
        TraitEvent(
            row.order,
            row.source,
            None,
            orjson.loads(traits),
            orjson.loads(context),
            tuple(each for key, _ in row.accounts for each in described.get(key, ())),
        )
    )
    exact = {**read_json(context), **read_json(traits)}
    return {name: exact[name] for name in own}


def _event(row: EventRow) -> ProfileEvent:
    return ProfileEvent(
        order=row.order,
        message_id=row.message_id,
        type=row.type,
        step=row.step,
        name=row.name,
        properties_json=row.properties_json,
        traits_json=row.traits_json,
        source=row.source,
        channel=row.channel,
        account_id=row.accounts[0][1] if row.accounts else None,
    )
