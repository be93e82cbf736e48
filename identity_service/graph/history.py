"""What the graph held at a moment: only what had been received, judged and minted by then."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from identity_service.domain.events import EventOrder
from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import Judgement
from identity_service.domain.policies.policy import Policy
from identity_service.domain.resolution.as_of import AnchoredId
from identity_service.domain.resolution.subgraph import Sightings, Span
from identity_service.domain.traits import MAX_TRAITS, TraitName
from identity_service.graph.customers import (
    MAX_ACCOUNT_BYTES,
    MAX_EARLIER_EVENTS,
    MAX_TRAIT_BYTES,
    AccountRow,
)
from identity_service.graph.database import Database
from identity_service.graph.judgements import judgement_of
from identity_service.graph.keys import identifier_key, identifier_of
from identity_service.graph.statements import statement

FIND_IDENTIFIERS: Final = statement("history/find_identifiers")
READ_NEIGHBOURS: Final = statement("history/read_neighbours")
SAMPLE_NEIGHBOURS: Final = statement("history/sample_neighbours")
LIST_JUDGEMENTS_AT: Final = statement("history/list_judgements_at")
READ_REGISTER: Final = statement("history/read_register")
READ_ID: Final = statement("history/read_id")
READ_KNOWN_SINCE: Final = statement("history/read_known_since")
LIST_ATTRIBUTED: Final = statement("history/list_attributed")
READ_EVENT_IDENTIFIERS: Final = statement("history/read_event_identifiers")
READ_TRAIT_NAMES: Final = statement("history/read_trait_names")
READ_EVENT_TRAITS: Final = statement("history/read_event_traits")
READ_ACCOUNTS: Final = statement("history/read_accounts")

MAX_SCANNED: Final = 1_000_000
"""Events of one super-connector that are looked through for when it was seen."""


@dataclass(frozen=True, slots=True)
class IdentifierNow:
    """An identifier as it is today: a super-connector or not, and in how many events."""

    super_connector: bool
    events: int


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The neighbours of identifiers until a moment.

    `spans`: when each of the identifiers was seen itself; one that was not has no entry.
    `neighbours`: by identifier, what it was seen with. `now`: every neighbour as it is today.
    """

    spans: Mapping[Identifier, Span]
    neighbours: Mapping[Identifier, Mapping[Identifier, Sightings]]
    now: Mapping[Identifier, IdentifierNow]


@dataclass(frozen=True, slots=True)
class AttributedEvent:
    """An event of an identifier; `accounts` are keys of the accounts that it names.

    `limited`: it is the word of a source that the policy limits, without a proof.
    """

    owner: Identifier
    order: EventOrder
    name: str | None
    carries_traits: bool
    accounts: tuple[str, ...]
    limited: bool


class EventTraits(NamedTuple):
    """What one event says about a person, as JSON."""

    source: str
    traits_json: str | None
    context_traits_json: str | None


class TraitNames(NamedTuple):
    """The traits that events name. `named` counts them, `names` are the first of them.

    `earlier`: keys of events of which it is not known.
    """

    named: int
    names: Sequence[TraitName]
    earlier: Sequence[str]


class HistoryReader:
    """Reads what was known at a moment `as_of`, in milliseconds since 1970, inclusive."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def identifiers_now(
        self, space: str, identifiers: Collection[Identifier]
    ) -> dict[Identifier, IdentifierNow]:
        """Identifiers as they are today; those that do not exist are left out."""
        row = await self._database.read_one(FIND_IDENTIFIERS, w={"keys": _keys(space, identifiers)})
        found = row["found"] if row else ()
        return {identifier_of(key): IdentifierNow(*entry) for key, *entry in found}

    async def neighbours(
        self, space: str, identifiers: Collection[Identifier], as_of: int
    ) -> Neighbours:
        """What identifiers had been seen with."""
        row = await self._database.read_one(
            READ_NEIGHBOURS, w={"keys": _keys(space, identifiers), "at": as_of}
        )
        spans: dict[Identifier, Span] = {}
        neighbours: dict[Identifier, dict[Identifier, Sightings]] = {}
        now: dict[Identifier, IdentifierNow] = {}
        for key, others in row["seen"] if row else ():
            identifier = identifier_of(key)
            seen_with = neighbours[identifier] = {}
            for other_key, first, last, times, sources, proven, super_connector, events in others:
                if other_key == key:
                    spans[identifier] = Span(first, last)
                    continue
                other = identifier_of(other_key)
                seen_with[other] = Sightings(first, last, times, set(sources), proven)
                now[other] = IdentifierNow(super_connector, events)
        return Neighbours(spans, neighbours, now)

    async def judgements(
        self, space: str, identifiers: Iterable[Identifier], as_of: int
    ) -> list[Judgement]:
        """The judgements about identifiers that were in force."""
        row = await self._database.read_one(
            LIST_JUDGEMENTS_AT, w={"keys": _keys(space, identifiers), "at": as_of}
        )
        return [judgement_of(*entry) for entry in row["judgements"]] if row else []

    async def sample(
        self, space: str, identifiers: Collection[Identifier], as_of: int, most: int
    ) -> dict[Identifier, tuple[Span | None, list[Identifier]]]:
        """When identifiers had been seen (None: not yet), and at most `most` neighbours of each."""
        row = await self._database.read_one(
            SAMPLE_NEIGHBOURS,
            w={
                "keys": _keys(space, identifiers),
                "at": as_of,
                "most": most,
                "scanned": MAX_SCANNED,
            },
        )
        return {
            identifier_of(key): (
                None if first is None else Span(first, last),
                [identifier_of(other) for other in others],
            )
            for key, first, last, others in (row["seen"] if row else ())
        }

    async def register(self, space: str, identifiers: Iterable[Identifier]) -> list[AnchoredId]:
        """Every id that was ever anchored at one of some identifiers."""
        row = await self._database.read_one(READ_REGISTER, w={"keys": _keys(space, identifiers)})
        return [_anchored(*entry) for entry in row["register"]] if row else []

    async def id(self, space: str, customer: str) -> AnchoredId | None:
        """An id of the register, current or retired."""
        row = await self._database.read_one(READ_ID, space=space, id=customer)
        return _anchored(*row["entry"]) if row else None

    async def known_since(self, space: str, identifier: Identifier) -> int | None:
        """When the first event with an identifier was received."""
        row = await self._database.read_one(READ_KNOWN_SINCE, key=identifier_key(space, identifier))
        return row["since"] if row else None

    async def attributed_events(
        self,
        space: str,
        identifiers: Iterable[Identifier],
        as_of: int,
        policy: Policy,
        withheld: Iterable[Identifier],
        most: int,
    ) -> list[AttributedEvent]:
        """At most `most` events of which one of these identifiers is the strongest (rule 8)."""
        row = await self._database.read_one(
            LIST_ATTRIBUTED,
            w={
                "keys": _keys(space, identifiers),
                "at": as_of,
                "withheld": _keys(space, withheld),
                "most": most,
                **_priorities(policy),
            },
        )
        rows: list[Sequence[Any]] = row["events"] if row else []
        return [
            AttributedEvent(
                identifier_of(key),
                EventOrder(*order),
                name,
                carries,
                tuple(accounts),
                limited=source in policy.limited_sources and not proven,
            )
            for key, order, name, carries, accounts, source, proven in rows
        ]

    async def event_identifiers(self, key: str, as_of: int) -> list[Identifier]:
        """What an event carried, without what judgements in force had taken from it."""
        row = await self._database.read_one(READ_EVENT_IDENTIFIERS, w={"keys": [key], "at": as_of})
        carried = row["carried"] if row else ()
        return [identifier_of(each) for _, keys in carried for each in keys]

    async def trait_names(self, keys: Sequence[str], variants: int) -> TraitNames:
        """Which traits events name; the events by their keys, newest first."""
        row = await self._database.read_one(
            READ_TRAIT_NAMES,
            w={
                "keys": list(keys),
                "traits": MAX_TRAITS,
                "variants": variants,
                "earlier": MAX_EARLIER_EVENTS,
            },
        )
        if row is None:
            return TraitNames(0, (), ())
        return TraitNames(row["named"], list(map(TraitName._make, row["names"])), row["earlier"])

    async def event_traits(self, keys: Iterable[str]) -> dict[str, EventTraits]:
        """By their keys, what events say about a person: the small ones, as many as fit."""
        row = await self._database.read_one(
            READ_EVENT_TRAITS, w={"keys": list(keys), "bytes": MAX_TRAIT_BYTES}
        )
        return {key: EventTraits(*said) for key, *said in row["traits"]} if row else {}

    async def accounts(self, keys: Iterable[str], as_of: int, most: int) -> dict[str, AccountRow]:
        """Accounts by their keys, each with at most `most` sets of traits, the newest."""
        row = await self._database.read_one(
            READ_ACCOUNTS,
            w={"keys": list(keys), "at": as_of, "most": most, "bytes": MAX_ACCOUNT_BYTES},
        )
        return {key: AccountRow(*account) for key, *account in row["accounts"]} if row else {}


def _priorities(policy: Policy) -> dict[str, Any]:
    """The priority of each identifier type, as statements take it; `other` is for all others."""
    return {
        "priority": {kind: rule.priority for kind, rule in policy.rules.items()},
        "other": policy.other.priority if policy.other else 2**31,
    }


def _keys(space: str, identifiers: Iterable[Identifier]) -> list[str]:
    return [identifier_key(space, identifier) for identifier in identifiers]


def _anchored(
    customer: str, minted_at: int, anchors: Sequence[tuple[str, int | None, int | None]]
) -> AnchoredId:
    left = sorted(
        (rev or 0, until, identifier_of(key)) for key, until, rev in anchors if until is not None
    )
    (anchor,) = (identifier_of(key) for key, until, _ in anchors if until is None)
    return AnchoredId(customer, minted_at, anchor, [(until, key) for _, until, key in left])
