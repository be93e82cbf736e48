"""The rows of a batch: what one transaction writes, in the shape that the statements take."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import orjson

from identity_service.domain.events import Observation
from identity_service.domain.identifiers import Identifier
from identity_service.domain.journeys.steps import channel_of, step_of
from identity_service.domain.judgements import Judgement
from identity_service.domain.resolution.id_register import ChangeSet
from identity_service.domain.resolution.subgraph import Pair, Sightings, Span, Subgraph
from identity_service.graph.keys import account_key, event_key, identifier_key


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A judgement is withdrawn: which, when, by whom and why."""

    judgement: str
    at: int
    author: str
    reason: str


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to be written: the identifier it belongs to, and the properties of its node."""

    observation: Observation
    strongest: Identifier
    node: Mapping[str, Any]

    @property
    def message_id(self) -> str:
        """The event's message id."""
        return self.observation.event.message_id

    @classmethod
    def of(
        cls,
        space: str,
        observation: Observation,
        strongest: Identifier,
        scalars: Mapping[str, Any],
    ) -> NewEvent:
        """Prepare an event. `scalars`: its properties by the names `p_…`."""
        event = observation.event
        node: dict[str, Any] = {
            "space": space,
            "message_id": event.message_id,
            "type": event.type,
            "at": event.at,
            "received_at": observation.received_at,
            "source": observation.source,
            "properties": json_text(event.properties),
            "context": json_text(event.context),
            **scalars,
        }
        if event.name is not None:
            node["name"] = event.name
        step, channel = step_of(event), channel_of(event)
        if step is not None:
            node["step"] = step
        if channel is not None:
            node["channel"] = channel
        if event.traits:
            node["traits"] = json_text(event.traits)
        if event.context_traits:
            node["context_traits"] = json_text(event.context_traits)
        if observation.withheld:
            node["withheld"] = [str(identifier) for identifier in observation.withheld]
        return cls(observation, strongest, node)


@dataclass(slots=True)
class Batch:
    """What one transaction writes of events and evidence.

    `identifiers` and `links` are new, `identifiers_seen` and `links_seen` known; `judged` no
    longer wait; `unsettled` belong to nobody as long as their component is over-connected;
    `made` and `withdrawn` are judgements; `blocked` identifiers belong to nobody from now on;
    `settled` ones no longer wait for the settlement of a policy; all was decided about the
    customers `reached`, besides those that were walked. `judgements_rev` is what was
    read, None where nothing rests on judgements that wait; `unguarded`: a judgement made or
    withdrawn here speaks of an identifier that no customer guards, so that it raises that.
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
    judgements_rev: int | None = None
    unguarded: bool = False
    reached: Collection[str] = ()

    @property
    def brings_nothing(self) -> bool:
        """Whether it only settles what was known, so that no other decision rests on it."""
        return not (
            self.events
            or self.identifiers
            or self.identifiers_seen
            or self.links
            or self.links_seen
            or self.judged
            or self.unsettled
            or self.made
            or self.withdrawn
            or self.blocked
        )


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A change as it is written: its id, and what caused it."""

    id: str
    kind: str
    customer_id: str
    other_id: str | None
    identifiers: tuple[Identifier, ...]
    cause: str


def evidence_rows(batch: Batch) -> dict[str, Any]:
    """Events and evidence; identifiers of links and events by their places in the batch."""
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


def settlement_rows(
    batch: Batch,
    subgraph: Subgraph,
    identifiers: Sequence[Identifier],
    found: ChangeSet,
    changes: Iterable[LedgerEntry],
) -> dict[str, Any]:
    """What follows from a batch. `identifiers` are what the positions of `found` refer to."""
    space = batch.space

    def keys(named: Iterable[Identifier]) -> list[str]:
        return [identifier_key(space, identifier) for identifier in named]

    def keys_at(positions: Iterable[int]) -> list[str]:
        return keys(identifiers[position] for position in positions)

    moves = [(identifier_key(space, identifiers[i]), old, new) for i, old, new in found.moves]
    joins = [[key, customer] for key, before, customer in moves if before is None]
    known = set(keys(subgraph.nodes))
    return {
        "judgements_rev": batch.judgements_rev,
        "unguarded": batch.unguarded,
        "unsettled": keys(batch.unsettled),
        "blocked": keys(batch.blocked),
        "made": [_judgement_node(space, judgement) for judgement in batch.made],
        "withdrawn": [[w.judgement, w.at, w.author, w.reason] for w in batch.withdrawn],
        "settled": keys(batch.settled),
        # In one order in every process, so that two that meet here do not deadlock.
        "guards": sorted([customer, rev] for customer, rev in subgraph.revisions.items()),
        "unclaimed": sorted(key for key, _ in joins if key in known),
        "walked": sorted(subgraph.walked_customers.union(batch.reached)),
        "outdated": _outdated(batch, subgraph),
        "unchanged": _unchanged(subgraph, found, identifiers) if batch.brings_nothing else [],
        "minted": [[customer, kind.value] for customer, kind in found.minted],
        "revived": [[customer, kind.value] for customer, kind in found.revived],
        "joins": joins,
        "moves": [[key, customer] for key, before, customer in moves if before is not None],
        "retired": [[old, new] for old, new in found.retired if old in subgraph.revisions],
        "forwarded": [[old, new] for old, new in found.retired if old not in subgraph.revisions],
        "kinds": [[customer, kind.value] for customer, kind in found.kinds],
        "anchors": [[c, identifier_key(space, identifiers[i])] for c, i in found.anchors],
        "contested": keys_at(found.contested),
        "released": keys_at(found.released),
        "super_connectors": keys_at(found.super_connectors),
        "no_super_connectors": keys_at(found.no_super_connectors),
        "changes": [
            [
                entry.id,
                entry.kind,
                entry.customer_id,
                entry.other_id,
                keys(entry.identifiers),
                entry.cause,
            ]
            for entry in changes
        ],
    }


def _outdated(batch: Batch, subgraph: Subgraph) -> list[str]:
    """The customers of a subgraph in which an older policy had settled some."""
    oldest = subgraph.settled_under
    return (
        sorted(subgraph.revisions) if oldest is not None and oldest < batch.policy_version else []
    )


def _unchanged(
    subgraph: Subgraph, found: ChangeSet, identifiers: Sequence[Identifier]
) -> list[str]:
    """The customers of a subgraph of which the difference says nothing."""
    flags = (*found.contested, *found.released, *found.super_connectors, *found.no_super_connectors)
    flagged = [subgraph.nodes[identifiers[position]].customer for position in flags]
    changed = {
        *(customer for customer, _ in (*found.retired, *found.kinds, *found.anchors)),
        *(heir for _, heir in found.retired),
        *(customer for _, *customers in found.moves for customer in customers),
        *flagged,
    }
    return sorted(subgraph.revisions.keys() - changed)


def _event_row(space: str, new: NewEvent, place: Mapping[Identifier, int]) -> list[Any]:
    observation = new.observation
    return [
        event_key(space, new.message_id),
        new.node,
        place[new.strongest],
        [place[i] for i in observation.identifiers if i != new.strongest],
        bool(observation.event.traits or observation.event.context_traits),
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
