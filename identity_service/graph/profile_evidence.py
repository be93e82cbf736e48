"""What profiles are computed from: customers, their events, and what those report of traits."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from identity_service.domain.events import EventOrder
from identity_service.domain.profiles.causes import Computed
from identity_service.domain.profiles.consents import consents
from identity_service.domain.profiles.occurrences import CustomerEvidence, ProfileEvent
from identity_service.domain.profiles.reported import TraitsOfEvent, reported_values
from identity_service.domain.resolution.id_register import CustomerKind
from identity_service.graph.database import Database
from identity_service.graph.keys import account_key
from identity_service.graph.statements import statement

READ_CUSTOMERS: Final = statement("profiles/read_customers")
READ_ACCOUNTS: Final = statement("profiles/read_accounts")
READ_EVENTS: Final = statement("profiles/read_events")

EVENTS_OF_A_PAGE: Final = 25_000
BYTES_OF_A_PAGE: Final = 32 * 1024 * 1024
"""So much is read at once."""

_MANY_EVENTS: Final = 500
"""Events whose rows take some milliseconds to read, so that others would be kept waiting."""


@dataclass(frozen=True, slots=True)
class StoredProfile:
    """What is stored of a profile.

    `values_json`: by the name of the feature, its value. `due`: when it can change next, None:
    never. `position`: of the ledger up to which changes were known, and `revision` that of the
    customer. `mark`: the customer was settled since. `accounts`: ids of those that its events
    named, where the text asks for accounts. `searched`: the traits that it is found by (JSON).
    """

    customer_id: str
    version: int
    values_json: str
    audiences: tuple[str, ...]
    evaluated_at: int
    due: int | None
    position: int
    revision: int
    mark: int | None
    accounts: tuple[str, ...]
    searched: str | None


@dataclass(frozen=True, slots=True)
class CustomerHead:
    """A customer without its events: how many there are, and what is stored of its profile."""

    customer_id: str
    kind: CustomerKind
    revision: int
    created_at: int
    identifier_types: frozenset[str]
    events: int
    profile: StoredProfile | None


@dataclass(frozen=True, slots=True)
class Heads:
    """Those of the customers asked for that are there, and the profiles of the others."""

    customers: Mapping[str, CustomerHead] = field(default_factory=dict[str, CustomerHead])
    gone: Sequence[StoredProfile] = ()


@dataclass(frozen=True, slots=True)
class StoredAccount:
    """What is stored of an account: the audiences that it is in, and what it was computed from.

    `mark`: it is to be computed again. `last`: when that was done, None: never. `position`: of the
    ledger up to which changes were known. `members` are ids of customers; `events` counts theirs.
    """

    account_id: str
    mark: int | None
    last: Computed | None
    audiences: tuple[str, ...]
    position: int
    members: tuple[str, ...]
    events: int


class ProfileEvidenceReader:
    """Reads the evidence of customers, and what is stored of it, where writes go."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def heads(self, space: str, customers: Sequence[str]) -> Heads:
        """The customers with these ids, without their events."""
        if not customers:
            return Heads()
        row = await self._database.read_latest(
            READ_CUSTOMERS, w={"space": space, "customers": list(customers)}
        )
        if row is None:
            return Heads()
        profiles = {each[0]: _profile(each) for each in row["profiles"]}
        heads = {
            customer: CustomerHead(
                customer,
                CustomerKind(kind),
                revision,
                created_at,
                frozenset(types),
                events,
                profiles.pop(customer, None),
            )
            for customer, kind, revision, created_at, types, events in row["customers"]
        }
        return Heads(heads, list(profiles.values()))

    async def stored_accounts(self, space: str, ids: Collection[str]) -> list[StoredAccount]:
        """Those of the accounts of which something is stored, by id."""
        if not ids:
            return []
        row = await self._database.read_latest(
            READ_ACCOUNTS, w={"keys": [account_key(space, id_) for id_ in sorted(ids)]}
        )
        return [
            StoredAccount(
                id_,
                mark,
                None if version is None else Computed(version, evaluated_at, due),
                tuple(audiences or ()),
                position or 0,
                tuple(members or ()),
                events or 0,
            )
            for id_, mark, version, audiences, evaluated_at, due, position, members, events in (
                row["accounts"] if row else ()
            )
        ]

    async def evidence(
        self, space: str, heads: Iterable[CustomerHead], limited_sources: Iterable[str], now: int
    ) -> dict[str, CustomerEvidence]:
        """By id, all that is known of customers; consents are those at the time `now`."""
        ordered = sorted(heads, key=lambda head: head.customer_id)
        rows, described = await self._rows(
            space, [head.customer_id for head in ordered], sorted(limited_sources)
        )
        if len(rows) < _MANY_EVENTS:
            return _evidence(ordered, rows, described, now)
        return await asyncio.to_thread(_evidence, ordered, rows, described, now)

    async def _rows(
        self, space: str, customers: Sequence[str], limited: Sequence[str]
    ) -> tuple[list[list[Any]], dict[str, list[str]]]:
        rows: list[list[Any]] = []
        described: dict[str, list[str]] = {}
        key = ""
        left = list(customers)
        while left:
            row = await self._database.read_latest(
                READ_EVENTS,
                w={
                    "space": space,
                    "customers": left,
                    "limited": list(limited),
                    "key": key,
                    "most": EVENTS_OF_A_PAGE,
                    "bytes": BYTES_OF_A_PAGE,
                },
            )
            page: list[list[Any]] = row["events"] if row else []
            rows += page
            described |= dict(row["accounts"] if row else ())
            if row is None or len(page) == row["found"] < EVENTS_OF_A_PAGE:
                break
            last, key = page[-1][0], page[-1][4]
            left = [each for each in left if each >= last]
        return rows, described


def _profile(row: Sequence[Any]) -> StoredProfile:
    customer, version, values, audiences, evaluated_at, due, position, revision, *others = row
    mark, accounts, searched = others
    return StoredProfile(
        customer,
        version or 0,
        values or "{}",
        tuple(audiences or ()),
        evaluated_at or 0,
        due,
        position or 0,
        revision or 0,
        mark,
        tuple(accounts or ()),
        searched,
    )


def _evidence(
    heads: Iterable[CustomerHead],
    rows: Iterable[list[Any]],
    described: Mapping[str, Iterable[str]],
    now: int,
) -> dict[str, CustomerEvidence]:
    by_customer = {
        customer: [_event(row) for row in group] for customer, group in groupby(rows, itemgetter(0))
    }
    found: dict[str, CustomerEvidence] = {}
    for head in heads:
        read = by_customer.get(head.customer_id, ())
        events = [each.event for each in read]
        found[head.customer_id] = CustomerEvidence(
            customer_id=head.customer_id,
            kind=head.kind,
            events=events,
            traits=reported_values(
                (each for each in read if each.event.traits_json or each.context_json), described
            ),
            identifier_types=head.identifier_types,
            consents=consents(events, now),
        )
    return found


def _event(row: Sequence[Any]) -> TraitsOfEvent:
    (_, at, received_at, place, key, message_id, kind, step, name, properties, traits) = row[:11]
    context_traits, source, channel, limited, account_id, account_key = row[11:]
    event = ProfileEvent(
        EventOrder(at, received_at, place, key),
        message_id,
        kind,
        step,
        name,
        properties,
        traits,
        source,
        channel,
        account_id,
    )
    return TraitsOfEvent(event, context_traits, limited, account_key)
