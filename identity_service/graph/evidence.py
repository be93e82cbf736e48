"""Evidence and settled customers in the graph: what ingest reads and writes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Final

import orjson

from identity_service.domain.customers import (
    NO_DIFFERENCE,
    CustomerKind,
    Difference,
    RegisteredId,
)
from identity_service.domain.events import Observation, Rejection
from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.judgements import Judgement, Verdict
from identity_service.domain.policy import Policy
from identity_service.domain.region import (
    EMPTY_REGION,
    MAX_COMPANIONS,
    MAX_OWNERS,
    Edge,
    NewEvidence,
    Pair,
    Region,
    Sightings,
    Span,
    StoredIdentifier,
)
from identity_service.graph.database import Database, Row
from identity_service.graph.keys import (
    account_key,
    event_key,
    identifier_key,
    identifier_of,
    rejection_key,
)
from identity_service.graph.statements import statement

READ_KNOWN: Final = statement("ingest/read_known")
LOAD_REGION: Final = statement("ingest/load_region")
WRITE_EVENTS: Final = statement("ingest/write_events")
WRITE_REJECTED: Final = statement("ingest/write_rejected")
CLAIM_PROPERTY_NAMES: Final = statement("ingest/claim_property_names")
WRITE_SETTLEMENT: Final = statement("ingest/write_settlement")


@dataclass(frozen=True, slots=True)
class Known:
    """What the graph already holds of a batch.

    `links` maps the known links to when they were first seen. `waiting` are judgements about
    identifiers of the batch that are not known. `blocked` are known identifiers that belong to
    nobody, since a policy blocked them.
    """

    message_ids: frozenset[str]
    identifiers: Mapping[Identifier, StoredIdentifier]
    links: Mapping[Pair, int]
    waiting: Sequence[Judgement]
    blocked: frozenset[Identifier]


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A judgement is withdrawn: which, when, by whom and why."""

    judgement: str
    at: int
    author: str
    reason: str


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to be written: its strongest identifier, and its properties by names `p_…`."""

    observation: Observation
    strongest: Identifier
    scalars: Mapping[str, Any]


@dataclass(slots=True)
class Batch:
    """What one transaction writes of events and evidence.

    `identifiers` and `links` are new, `identifiers_seen` and `links_seen` known; `judged` no
    longer wait; `unsettled` belong to nobody as long as their component is over-connected;
    `made` and `withdrawn` are judgements; `blocked` identifiers belong to nobody from now on;
    `settled` ones no longer wait for the settlement of a policy.
    """

    space: str
    policy_version: int
    now: int
    events: list[NewEvent] = field(default_factory=list[NewEvent])
    identifiers: dict[Identifier, Span] = field(default_factory=dict[Identifier, Span])
    identifiers_seen: dict[Identifier, Span] = field(default_factory=dict[Identifier, Span])
    links: dict[Pair, Sightings] = field(default_factory=dict[Pair, Sightings])
    links_seen: dict[Pair, Sightings] = field(default_factory=dict[Pair, Sightings])
    judged: list[Judgement] = field(default_factory=list[Judgement])
    unsettled: list[Identifier] = field(default_factory=list[Identifier])
    made: list[Judgement] = field(default_factory=list[Judgement])
    withdrawn: list[Withdrawal] = field(default_factory=list[Withdrawal])
    blocked: list[Identifier] = field(default_factory=list[Identifier])
    settled: list[Identifier] = field(default_factory=list[Identifier])


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A change as it is written: its id, and what caused it."""

    id: str
    kind: str
    customer_id: str
    other_id: str | None
    identifiers: tuple[Identifier, ...]
    cause: str


class EvidenceStore:
    """Reads and writes evidence. Knows no rule."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def plan_ahead(self, policy: Policy) -> None:
        """Have the database plan these statements now, so that no sender waits for it.

        They say `replan=skip`: every part of them begins at a unique index, so that no
        growth of the graph makes another plan better, and planning takes up to a second.
        """
        await self.read_known("", (), NewEvidence())
        await self.load_region("", policy, starts=(), edges=(), across=False, most=1)
        nothing = Batch("", 0, 0)
        await self.write_events(nothing)
        await self.write_settlement(nothing, EMPTY_REGION, (), NO_DIFFERENCE, ())

    async def read_known(self, space: str, message_ids: Collection[str], new: NewEvidence) -> Known:
        """What of a batch is known already."""
        identifiers = list(new.identifiers)
        position = {identifier: i for i, identifier in enumerate(identifiers)}
        links = list(new.links)
        row = await self._database.read_one(
            READ_KNOWN,
            w={
                "events": [event_key(space, message_id) for message_id in message_ids],
                "identifiers": [identifier_key(space, i) for i in identifiers],
                "links": [[position[a], position[b]] for a, b in links],
            },
        )
        if row is None:
            return Known(frozenset(), {}, {}, (), frozenset())
        prefix = len(space) + 1
        blocked: set[Identifier] = {
            identifiers[entry[0]] for entry in row["identifiers"] if entry[5]
        }
        return Known(
            message_ids=frozenset(key[prefix:] for key in row["events"]),
            identifiers={
                identifiers[x]: StoredIdentifier(first_seen, customer, contested, connected)
                for x, first_seen, customer, contested, connected, _ in row["identifiers"]
            },
            links={links[x]: first_seen for x, first_seen in row["links"]},
            waiting=[_judgement(*entry) for entry in row["waiting"]],
            blocked=frozenset(blocked),
        )

    async def load_region(
        self,
        space: str,
        policy: Policy,
        *,
        starts: Iterable[Identifier],
        edges: Iterable[Identifier],
        across: bool,
        most: int,
    ) -> Region | None:
        """Walk from `starts`; None when more than `most` identifiers were met.

        `across`: walk through contested identifiers too, so that only super-connectors are
        edges of the region.
        """
        row = await self._database.read_one(
            LOAD_REGION,
            w={
                "starts": [identifier_key(space, i) for i in starts],
                "edges": [identifier_key(space, i) for i in edges],
                "across": across,
                "most": most + 1,
                "owners": MAX_OWNERS,
                "companions": MAX_COMPANIONS,
                **_stronger_persons(policy),
            },
        )
        if row is None or len(row["near"]) > most:
            return None
        return _region(row)

    async def claim_property_names(
        self, space: str, names: Collection[str], most: int
    ) -> frozenset[str]:
        """Take names into use while there is room; returns all in use."""
        row = await self._database.write_one(
            CLAIM_PROPERTY_NAMES, space=space, names=sorted(names), most=most
        )
        return frozenset(row["names"] if row else ())

    async def write_rejected(
        self, space: str, rejected: Iterable[tuple[str, int, str, Rejection]]
    ) -> None:
        """Keep rejected events: each with its id, time of receipt and source.

        One that is sent again under its message id is kept once, as it came first.
        """
        rows = [
            [
                rejection_key(space, rejection.message_id, made),
                made,
                rejection.message_id,
                received_at,
                source,
                rejection.code.value,
                rejection.message,
                json_text(rejection.body),
            ]
            for made, received_at, source, rejection in rejected
        ]
        await self._database.write_one(WRITE_REJECTED, w={"space": space, "rejected": rows})

    async def write_events(self, batch: Batch) -> bool:
        """Write events that bring nothing new. False: the policy is no longer in force."""
        row = await self._database.write_one(WRITE_EVENTS, w=_evidence_rows(batch))
        return bool(row and row["written"])

    async def write_settlement(
        self,
        batch: Batch,
        region: Region,
        identifiers: Sequence[Identifier],
        difference: Difference,
        changes: Iterable[LedgerEntry],
    ) -> bool:
        """Write evidence and what follows from it, or nothing.

        `region` is what the difference rests on; `identifiers` are what its positions refer to.
        False: one of the region's customers has changed, or the policy.
        """
        rows = _evidence_rows(batch) | _settlement_rows(batch, region, identifiers, difference)
        rows["changes"] = [
            [
                entry.id,
                entry.kind,
                entry.customer_id,
                entry.other_id,
                [identifier_key(batch.space, i) for i in entry.identifiers],
                entry.cause,
            ]
            for entry in changes
        ]
        row = await self._database.write_one(WRITE_SETTLEMENT, w=rows)
        return bool(row and row["written"])


def _event_row(space: str, new: NewEvent, place: Mapping[Identifier, int]) -> list[Any]:
    observation, event = new.observation, new.observation.event
    node: dict[str, Any] = {
        "space": space,
        "message_id": event.message_id,
        "type": event.type,
        "at": event.at,
        "received_at": observation.received_at,
        "source": observation.source,
        "properties": json_text(event.properties),
        "context": json_text(event.context),
        **new.scalars,
    }
    if event.name is not None:
        node["name"] = event.name
    if event.traits:
        node["traits"] = json_text(event.traits)
    if event.context_traits:
        node["context_traits"] = json_text(event.context_traits)
    if observation.withheld:
        node["withheld"] = [str(identifier) for identifier in observation.withheld]
    return [
        event_key(space, event.message_id),
        node,
        place[new.strongest],
        [place[i] for i in observation.identifiers if i != new.strongest],
        bool(event.traits or event.context_traits),
    ]


def _account_row(space: str, observation: Observation) -> list[Any] | None:
    event = observation.event
    if event.account_id is None:
        return None
    key = account_key(space, event.account_id)
    traits_key = traits = None
    if event.account_traits:
        traits = orjson.dumps(event.account_traits, option=orjson.OPT_SORT_KEYS).decode()
        traits_key = f"{key}#{hashlib.sha256(traits.encode()).hexdigest()}"
    message_key = event_key(space, event.message_id)
    return [message_key, key, event.account_id, traits_key, traits, event.at]


def json_text(value: Any) -> str:
    """JSON, exact also for integers beyond 64 bits."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _stronger_persons(policy: Policy) -> dict[str, Any]:
    """By type, the types of persons that are stronger: whose customers can be its owners."""
    persons = [(t, r.priority) for t, r in policy.rules.items() if r.kind is IdentifierKind.PERSON]
    weakest = policy.other.priority if policy.other else 0
    return {
        "stronger": {
            kind: [person for person, priority in persons if priority < rule.priority]
            for kind, rule in policy.rules.items()
        },
        "stronger_than_other": [person for person, priority in persons if priority < weakest],
    }


def _region(row: Row) -> Region:
    links: dict[Pair, tuple[int, int, int]] = {}
    for some in (row["near_links"], *row["companies_links"]):
        for a, b, first_seen, last_seen, times_seen in some:
            links[identifier_of(a), identifier_of(b)] = (first_seen, last_seen, times_seen)
    return Region(
        near=frozenset(map(identifier_of, row["near"])),
        nodes={
            identifier_of(key): StoredIdentifier(first_seen, customer, contested, connected)
            for key, first_seen, customer, contested, connected in row["nodes"]
        },
        links=links,
        revisions={customer: rev for customer, rev, *_ in row["customers"]},
        settled_under=min((version for *_, version in row["customers"]), default=None),
        register=[
            RegisteredId(customer, minted_at, identifier_of(anchor), CustomerKind(kind))
            for customer, _, kind, minted_at, anchor, _ in row["customers"]
        ]
        + [
            RegisteredId(customer, minted_at, identifier_of(anchor), None, forwards_to)
            for customer, minted_at, anchor, forwards_to in row["retired"]
        ],
        judgements=[
            _judgement(made, kind.removeprefix("JUDGED_").lower(), a, b, made_at)
            for made, kind, a, b, made_at in row["judgements"]
        ],
        edges={
            identifier_of(key): Edge(
                super_connector=connected,
                degree=degree,
                owners=frozenset(owners),
                companions=companions,
                judged=tuple(map(identifier_of, judged)),
            )
            for key, connected, degree, owners, companions, judged in row["edges"]
        },
    )


def _judgement(made: str, verdict: str, a: str, b: str, made_at: int) -> Judgement:
    return Judgement(made, Verdict(verdict), identifier_of(a), identifier_of(b), made_at)


def _evidence_rows(batch: Batch) -> dict[str, Any]:
    space = batch.space
    known = sorted(batch.identifiers_seen)
    created = sorted(batch.identifiers)
    place = {identifier: x for x, identifier in enumerate((*known, *created))}
    return {
        "space": space,
        "policy_version": batch.policy_version,
        "now": batch.now,
        "known": [
            [identifier_key(space, i), span.first, span.last]
            for i in known
            if (span := batch.identifiers_seen[i])
        ],
        "identifiers": [
            [identifier_key(space, i), i.type, i.value, span.first, span.last]
            for i in created
            if (span := batch.identifiers[i])
        ],
        "links": _link_rows(batch.links, place),
        "links_seen": _link_rows(batch.links_seen, place),
        "events": [_event_row(space, event, place) for event in batch.events],
        "accounts": [
            account for event in batch.events if (account := _account_row(space, event.observation))
        ],
        "judged": [
            [
                j.id,
                j.verdict.value,
                identifier_key(space, j.a),
                identifier_key(space, j.b),
                j.made_at,
            ]
            for j in batch.judged
        ],
    }


def _link_rows(links: Mapping[Pair, Sightings], place: Mapping[Identifier, int]) -> list[list[Any]]:
    """Links in one order in every process, so that two that write the same do not deadlock."""
    return [
        [place[a], place[b], seen.first, seen.last, seen.times, sorted(seen.sources)]
        for (a, b), seen in sorted(links.items(), key=itemgetter(0))
    ]


def _judgement_node(space: str, made: Judgement) -> dict[str, Any]:
    return {
        "id": made.id,
        "space": space,
        "verdict": made.verdict.value,
        "a_type": made.a.type,
        "a_value": made.a.value,
        "a_key": identifier_key(space, made.a),
        "b_type": made.b.type,
        "b_value": made.b.value,
        "b_key": identifier_key(space, made.b),
        "author": made.author,
        "reason": made.reason,
        "made_at": made.made_at,
    }


def identifier_rows(space: str, identifiers: Mapping[Identifier, Span]) -> list[list[Any]]:
    """New identifiers as statements take them."""
    return sorted(
        [identifier_key(space, i), i.type, i.value, span.first, span.last]
        for i, span in identifiers.items()
    )


def link_rows(space: str, links: Mapping[Pair, Sightings]) -> list[list[Any]]:
    """Links as statements take them."""
    return sorted(
        [
            identifier_key(space, a),
            identifier_key(space, b),
            seen.first,
            seen.last,
            seen.times,
            sorted(seen.sources),
        ]
        for (a, b), seen in links.items()
    )


def _settlement_rows(
    batch: Batch,
    region: Region,
    identifiers: Sequence[Identifier],
    found: Difference,
) -> dict[str, Any]:
    def keys(positions: Iterable[int]) -> list[str]:
        return [identifier_key(batch.space, identifiers[i]) for i in positions]

    retired_now = region.revisions.keys()
    moves = [(identifier_key(batch.space, identifiers[i]), b, a) for i, b, a in found.moves]
    joins = [[key, after] for key, before, after in moves if before is None]
    known = {identifier_key(batch.space, i) for i in region.nodes}
    return {
        "unsettled": [identifier_key(batch.space, i) for i in batch.unsettled],
        "blocked": [identifier_key(batch.space, i) for i in batch.blocked],
        "made": [_judgement_node(batch.space, judgement) for judgement in batch.made],
        "withdrawn": [[w.judgement, w.at, w.author, w.reason] for w in batch.withdrawn],
        "settled": [identifier_key(batch.space, i) for i in batch.settled],
        "guards": sorted([customer, rev] for customer, rev in region.revisions.items()),
        "unclaimed": sorted(key for key, _ in joins if key in known),
        "walked": sorted(region.walked_customers),
        "minted": [[customer, kind.value] for customer, kind in found.minted],
        "revived": [[customer, kind.value] for customer, kind in found.revived],
        "joins": joins,
        "moves": [[key, after] for key, before, after in moves if before is not None],
        "retired": [[c, successor] for c, successor in found.retired if c in retired_now],
        "forwarded": [[c, successor] for c, successor in found.retired if c not in retired_now],
        "kinds": [[customer, kind.value] for customer, kind in found.kinds],
        "anchors": [[c, identifier_key(batch.space, identifiers[i])] for c, i in found.anchors],
        "contested": keys(found.contested),
        "released": keys(found.released),
        "connected": keys(found.connected),
        "disconnected": keys(found.disconnected),
    }
