"""What one transaction writes, and its rows in the shape that the statements take."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Final

import orjson

from identity_service.domain.events import EventIdentity, Observation
from identity_service.domain.identifiers import Identifier
from identity_service.domain.journeys.steps import channel_of, step_of
from identity_service.domain.judgements import AnyJudgement, Detachment, Judgement
from identity_service.domain.resolution.id_register import ChangeSet
from identity_service.domain.resolution.subgraph import (
    EMPTY_SUBGRAPH,
    Correction,
    Pair,
    Sightings,
    Span,
    Subgraph,
)
from identity_service.domain.traits import trait_keys
from identity_service.graph.keys import (
    account_key,
    event_key,
    event_key_range,
    identifier_key,
)
from identity_service.graph.search import event_properties, identifier_properties

NEVER: Final = "never"
"""When a judgement in force was withdrawn: an empty text does not pass through a copy either."""

_NOTHING_LEFT: Final[Sequence[Any]] = (None, None, 0, [], None)
"""What is written of a link that no event saw any more."""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A judgement is withdrawn: which, when, by whom and why."""

    judgement: AnyJudgement
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
    def identity(self) -> EventIdentity:
        """What tells the event from all others."""
        return self.observation.event.identity

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
        said = {"properties": event.properties, "context": event.context}
        if event.traits:
            said["traits"] = event.traits
        if event.context_traits:
            said["context_traits"] = event.context_traits
        texts = {name: json_text(each) for name, each in said.items()}
        node: dict[str, Any] = {
            "space": space,
            "message_id": event.message_id,
            "type": event.type,
            "at": event.at,
            "received_at": observation.received_at,
            "place": event.place,
            "source": observation.source,
            "stored_bytes": sum(len(text.encode()) for text in texts.values()),
            **texts,
            **scalars,
            **event_properties(space, event),
        }
        if event.name is not None:
            node["name"] = event.name
        step, channel = step_of(event), channel_of(event)
        if step is not None:
            node["step"] = step
        if channel is not None:
            node["channel"] = channel
        if event.traits or event.context_traits:
            node["trait_keys"] = trait_keys(
                event.traits, event.context_traits, names_account=event.account_id is not None
            )
        if observation.proven:
            node["proven"] = True
        if observation.withheld:
            node["withheld"] = [str(identifier) for identifier in observation.withheld]
        return cls(observation, strongest, node)


Period = tuple[str, int, int | None]
"""A judgement, when it was made, and when it was withdrawn (None: it is in force)."""

Periods = Mapping[Identifier, Sequence[Period]]
"""By identifier of one event, all judgements that take it from the event, or did."""


@dataclass(frozen=True, slots=True)
class JudgedEvent:
    """An event from which identifiers are taken, or to which they are given back.

    `carried` counts the identifiers that it carried when it was read, `strongest` is the one that
    it belongs to from now on. `moved` are those that are taken or given back, `recorded` those that
    stay away as before.
    """

    key: str
    carried: int
    strongest: Identifier | None
    moved: Periods
    recorded: Periods = field(default_factory=dict[Identifier, Sequence[Period]])


@dataclass(frozen=True, slots=True)
class DetachmentWrite:
    """Events lose the identifiers that `correction` is about.

    `observed` counts the events that carried each when it was read, `carried` names all
    identifiers of the events.
    """

    correction: Correction
    observed: Mapping[Identifier, int]
    carried: Collection[Identifier]
    events: Sequence[JudgedEvent]


@dataclass(frozen=True, slots=True)
class AttachmentWrite:
    """Events get identifiers back; `attached` names all identifiers of these events."""

    attached: Collection[Identifier]
    events: Sequence[JudgedEvent]


@dataclass(frozen=True, slots=True)
class RetractionStep:
    """A step of a retraction: which, the process that is at it, and the keys of the events.

    `lease_ms`: for how long nobody else may take the retraction up. `gives_back`: they are given
    back; `number` is then that of the step that took them out, None unless they are all of it.
    """

    retraction: str
    worker: str
    lease_ms: int
    events: Sequence[str]
    gives_back: bool
    number: int | None = None


@dataclass(frozen=True, slots=True)
class EvidenceWrite:
    """Evidence that one transaction writes.

    `identifiers` and `links` are new; `known_identifiers` and `known_links` were seen again.
    `made` and `withdrawn` are judgements that are made or withdrawn now; `in_effect` are those
    whose identifiers are both known from now on, so that they no longer wait. `judgements_rev` is
    the space's number of changes of judgements as it was read, None where nothing rests on
    judgements that wait; `touches_unclaimed` says that a judgement made or withdrawn here names an
    identifier without a customer, so that only a higher number can show it to other writers.
    `corrections` counts, for known identifiers, how often judgements have changed what events
    say of them, as it was read; where it is 0, it is left out. `returning` are those new ones that
    the graph holds as unseen; `withheld` those that the policy blocks, so that they belong to
    nobody. `retraction` is the one because of which this is written; `retracted_late` are those
    that cover one of the events. `deferred` are identifiers whose component is settled later, each
    with the cause of the changes that this will bring. `unread`: whether the events are stored was
    not read.
    """

    events: Sequence[NewEvent] = ()
    identifiers: Mapping[Identifier, Span] = field(default_factory=dict[Identifier, Span])
    known_identifiers: Mapping[Identifier, Span] = field(default_factory=dict[Identifier, Span])
    links: Mapping[Pair, Sightings] = field(default_factory=dict[Pair, Sightings])
    known_links: Mapping[Pair, Sightings] = field(default_factory=dict[Pair, Sightings])
    corrections: Mapping[Identifier, int] = field(default_factory=dict[Identifier, int])
    returning: Collection[Identifier] = ()
    withheld: Collection[Identifier] = ()
    deferred: Mapping[Identifier, str] = field(default_factory=dict[Identifier, str])
    detachment: DetachmentWrite | None = None
    attachment: AttachmentWrite | None = None
    retraction: RetractionStep | None = None
    retracted_late: Collection[str] = ()
    made: Sequence[AnyJudgement] = ()
    withdrawn: Sequence[Withdrawal] = ()
    in_effect: Sequence[Judgement] = ()
    judgements_rev: int | None = None
    touches_unclaimed: bool = False
    unread: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing is added to what is known, so that no other decision rests on it."""
        return not (
            self.events
            or self.identifiers
            or self.known_identifiers
            or self.links
            or self.known_links
            or self.made
            or self.withdrawn
            or self.in_effect
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


@dataclass(frozen=True, slots=True)
class Settlement:
    """What one transaction writes of customers.

    It rests on `subgraph`: nothing is written when one of its customers has changed since.
    Positions in `changes` refer to `identifiers`. `blocked` identifiers belong to nobody from now
    on. Everything is decided about the customers `decided`, as about those that lie wholly in the
    interior of the subgraph.
    """

    subgraph: Subgraph
    identifiers: Sequence[Identifier]
    changes: ChangeSet
    entries: Sequence[LedgerEntry]
    blocked: Sequence[Identifier] = ()
    decided: Collection[str] = ()


NOTHING_SETTLED = Settlement(EMPTY_SUBGRAPH, (), ChangeSet(), ())
"""Customers stay as they are."""


@dataclass(frozen=True, slots=True)
class SettlementWrite:
    """What one transaction writes: evidence, and the settlement that follows from it.

    `settlement` is None where nothing was resolved: for events that cannot change any customer, or
    of which all that can is deferred. `now` is in milliseconds. It rests on the policy of this
    version, and on the retractions as of `retractions_rev`.
    """

    space: str
    policy_version: int
    now: int
    evidence: EvidenceWrite
    settlement: Settlement | None = None
    retractions_rev: int = 0


def evidence_rows(write: SettlementWrite) -> dict[str, Any]:
    """Events and evidence; links and events name identifiers by their places in these rows."""
    space, evidence = write.space, write.evidence
    known = sorted(evidence.known_identifiers)
    created = sorted(evidence.identifiers)
    place = {identifier: x for x, identifier in enumerate((*known, *created))}
    return {
        "space": space,
        "policy_version": write.policy_version,
        "retractions_rev": write.retractions_rev,
        "now": write.now,
        "known": [
            [identifier_key(space, i), span.first, span.last, evidence.corrections.get(i, 0)]
            for i in known
            if (span := evidence.known_identifiers[i])
        ],
        "identifiers": [_new_identifier(space, i, evidence.identifiers[i]) for i in created],
        "links": _link_rows(evidence.links, place),
        "links_seen": _link_rows(evidence.known_links, place),
        "events": [_event_row(space, event, place) for event in evidence.events],
        "accounts": sorted(
            (
                account
                for event in evidence.events
                if (account := _account_row(space, event.observation))
            ),
            key=itemgetter(1),
        ),
        "judged": [
            [
                j.id,
                j.verdict.value,
                identifier_key(space, j.a),
                identifier_key(space, j.b),
                j.made_at,
            ]
            for j in evidence.in_effect
        ],
    }


def _new_identifier(space: str, identifier: Identifier, span: Span) -> list[Any]:
    key, looked_up_by = identifier_key(space, identifier), identifier_properties(space, identifier)
    return [key, identifier.type, identifier.value, span.first, span.last, looked_up_by]


def unread_rows(write: SettlementWrite) -> dict[str, Any]:
    """Between which keys an event with one of the message ids may be stored, where nobody read
    whether it is.
    """
    events = write.evidence.events if write.evidence.unread else ()
    message_ids = (each.identity.message_id for each in events)
    return {"unread": [event_key_range(write.space, each) for each in message_ids]}


def new_customer_rows(write: SettlementWrite) -> dict[str, Any]:
    """Evidence of which every identifier is new, and the customers that follow from it.

    Links, events and customers name identifiers by their places in these rows.
    """
    settlement = write.settlement or NOTHING_SETTLED
    found, identifiers = settlement.changes, settlement.identifiers
    place_of = {i: place for place, i in enumerate(sorted(write.evidence.identifiers))}
    place = [place_of[identifier] for identifier in identifiers]
    anchors = dict(found.anchors)
    members: dict[str, list[int]] = {}
    for position, _, customer in found.moves:
        members.setdefault(customer, []).append(place[position])
    return (
        evidence_rows(write)
        | unread_rows(write)
        | {
            "customers": [
                [customer, kind.value, place[anchors[customer]], members[customer]]
                for customer, kind in found.minted
            ],
            "contested": [place[position] for position in found.contested],
            "super_connectors": [place[position] for position in found.super_connectors],
            "changes": _change_rows(write.space, settlement.entries),
        }
    )


def _link_rows(links: Mapping[Pair, Sightings], place: Mapping[Identifier, int]) -> list[list[Any]]:
    """Links in one order in every process, so that two that write the same do not deadlock."""
    return [
        [place[a], place[b], seen.first, seen.last, seen.times, *_who_saw(seen)]
        for (a, b), seen in sorted(links.items(), key=itemgetter(0))
    ]


def _who_saw(seen: Sightings) -> tuple[list[str], bool | None]:
    """The sources of a link, and true or null: whether one of them proved it."""
    return sorted(seen.sources), seen.proven or None


def _judgement_node(space: str, made: AnyJudgement) -> dict[str, Any]:
    node: dict[str, Any] = {
        "id": made.id,
        "space": space,
        "verdict": made.verdict.value,
        "a_type": made.a.type,
        "a_value": made.a.value,
        "a_key": identifier_key(space, made.a),
        "author": made.author,
        "reason": made.reason,
        "made_at": made.made_at,
    }
    if isinstance(made, Detachment):
        return node | {"message_id": made.message_id}
    return node | {
        "b_type": made.b.type,
        "b_value": made.b.value,
        "b_key": identifier_key(space, made.b),
    }


def detachment_rows(space: str, write: DetachmentWrite) -> dict[str, Any]:
    """What `detachments/detach` takes."""
    correction = write.correction
    return {
        "space": space,
        "identifiers": [
            [
                identifier_key(space, identifier),
                write.observed[identifier],
                *((seen.first, seen.last) if seen else (None, None)),
            ]
            for identifier, seen in sorted(correction.seen.items(), key=itemgetter(0))
        ],
        "carried": sorted(identifier_key(space, i) for i in write.carried),
        "events": [_judged_event_row(space, event) for event in write.events],
        "links": [
            [
                identifier_key(space, a),
                identifier_key(space, b),
                *((left.first, left.last, left.times, *_who_saw(left)) if left else _NOTHING_LEFT),
            ]
            for (a, b), left in sorted(correction.links.items(), key=itemgetter(0))
        ],
    }


def attachment_rows(space: str, write: AttachmentWrite) -> dict[str, Any]:
    """What `detachments/attach` takes."""
    return {
        "space": space,
        "attached": sorted(identifier_key(space, i) for i in write.attached),
        "events": [_judged_event_row(space, event) for event in write.events],
    }


def _judged_event_row(space: str, event: JudgedEvent) -> list[Any]:
    return [
        event.key,
        event.carried,
        identifier_key(space, event.strongest) if event.strongest else None,
        _period_rows(space, event.moved),
        _period_rows(space, event.recorded),
    ]


def _period_rows(space: str, periods: Periods) -> list[list[Any]]:
    """Times as texts: lists of numbers do not pass through the files of a copy."""
    return [
        [
            identifier_key(space, identifier),
            [judgement for judgement, _, _ in each],
            [str(made_at) for _, made_at, _ in each],
            [NEVER if until is None else str(until) for *_, until in each],
        ]
        for identifier, each in sorted(periods.items(), key=itemgetter(0))
    ]


def identifier_rows(space: str, identifiers: Mapping[Identifier, Span]) -> list[list[Any]]:
    """New identifiers as statements take them."""
    rows = (_new_identifier(space, i, span) for i, span in identifiers.items())
    return sorted(rows, key=itemgetter(0))


def link_rows(space: str, links: Mapping[Pair, Sightings]) -> list[list[Any]]:
    """Links as statements take them."""
    return sorted(
        [
            identifier_key(space, a),
            identifier_key(space, b),
            seen.first,
            seen.last,
            seen.times,
            *_who_saw(seen),
        ]
        for (a, b), seen in links.items()
    )


def settlement_rows(write: SettlementWrite) -> dict[str, Any]:
    """Evidence, as `evidence_rows` has it, and what is written of customers and judgements."""
    space, evidence = write.space, write.evidence
    settlement = write.settlement or NOTHING_SETTLED
    subgraph, found = settlement.subgraph, settlement.changes
    identifiers = settlement.identifiers

    def keys(named: Iterable[Identifier]) -> list[str]:
        return [identifier_key(space, identifier) for identifier in named]

    def key_at(position: int) -> str:
        return identifier_key(space, identifiers[position])

    moves = [(key_at(i), old, new) for i, old, new in found.moves]
    joins = [[key, customer] for key, before, customer in moves if before is None]
    known = set(keys(subgraph.nodes))
    changes_nothing_else = evidence.is_empty and not settlement.blocked
    return evidence_rows(write) | {
        "locked": keys(sorted(_touched(write) - evidence.identifiers.keys())),
        "judgements_rev": evidence.judgements_rev,
        "unguarded": evidence.touches_unclaimed,
        "returning": keys(evidence.returning),
        "deferred": sorted([identifier_key(space, i), c] for i, c in evidence.deferred.items()),
        "blocked": keys((*settlement.blocked, *evidence.withheld)),
        "made": [_judgement_node(space, judgement) for judgement in evidence.made],
        "withdrawn": [[w.judgement.id, w.at, w.author, w.reason] for w in evidence.withdrawn],
        "settled": sorted([identifier_key(space, i), n] for i, n in subgraph.unsettled.items()),
        # In one order in every process, so that two that meet here do not deadlock.
        "guards": sorted(
            [customer, rev, subgraph.member_counts[customer]]
            for customer, rev in subgraph.revisions.items()
        ),
        "link_counts": [[identifier_key(space, i), n] for i, n in subgraph.link_counts.items()],
        "unclaimed": sorted(key for key, _ in joins if key in known),
        "walked": sorted(subgraph.walked_customers.union(settlement.decided)),
        "outdated": _outdated(subgraph, write.policy_version),
        "unchanged": _unchanged(settlement) if changes_nothing_else else [],
        "minted": [[customer, kind.value] for customer, kind in found.minted],
        "revived": [[customer, kind.value] for customer, kind in found.revived],
        "joins": joins,
        "moves": [[key, customer] for key, before, customer in moves if before is not None],
        "retired": [[old, new] for old, new in found.retired if old in subgraph.revisions],
        "forwarded": [[old, new] for old, new in found.retired if old not in subgraph.revisions],
        "kinds": [[customer, kind.value] for customer, kind in found.kinds],
        "anchors": [
            [customer, key_at(i), found.unanchored.get(customer)] for customer, i in found.anchors
        ],
        "reserves": [[customer, key_at(i)] for customer, i in found.reserves],
        "contested": [key_at(i) for i in found.contested],
        "released": [key_at(i) for i in found.released],
        "super_connectors": [key_at(i) for i in found.super_connectors],
        "no_super_connectors": [key_at(i) for i in found.no_super_connectors],
        "changes": _change_rows(space, settlement.entries),
    }


def _touched(write: SettlementWrite) -> set[Identifier]:
    """All identifiers of which the transaction writes a property, a label or a relationship."""
    evidence, settlement = write.evidence, write.settlement or NOTHING_SETTLED
    found, subgraph = settlement.changes, settlement.subgraph
    positions = (
        *(position for position, *_ in found.moves),
        *(position for _, position in (*found.anchors, *found.reserves)),
        *found.contested,
        *found.released,
        *found.super_connectors,
        *found.no_super_connectors,
    )
    anchors = {entry.id: entry.anchor for entry in subgraph.register}
    judgements = (*evidence.made, *(each.judgement for each in evidence.withdrawn))
    return {
        *evidence.known_identifiers,
        *evidence.deferred,
        *evidence.withheld,
        *settlement.blocked,
        *subgraph.unsettled,
        *(settlement.identifiers[position] for position in positions),
        *(anchors[customer] for customer, _ in found.anchors if customer in anchors),
        *(i for each in (*evidence.in_effect, *judgements) for i in (each.a, each.b) if i),
        *(evidence.detachment.carried if evidence.detachment else ()),
        *(evidence.attachment.attached if evidence.attachment else ()),
    }


def _change_rows(space: str, entries: Iterable[LedgerEntry]) -> list[list[Any]]:
    return [
        [
            entry.id,
            entry.kind,
            entry.customer_id,
            entry.other_id,
            [identifier_key(space, identifier) for identifier in entry.identifiers],
            entry.cause,
        ]
        for entry in entries
    ]


def _outdated(subgraph: Subgraph, policy_version: int) -> list[str]:
    """All customers of a subgraph if an older policy settled one of them, else none."""
    oldest = subgraph.settled_under
    return sorted(subgraph.revisions) if oldest is not None and oldest < policy_version else []


def _unchanged(settlement: Settlement) -> list[str]:
    """The customers of the subgraph that the change set does not name."""
    subgraph, found = settlement.subgraph, settlement.changes
    flags = (*found.contested, *found.released, *found.super_connectors, *found.no_super_connectors)
    flagged = [subgraph.nodes[settlement.identifiers[position]].customer for position in flags]
    changed = {
        *(
            customer
            for customer, _ in (*found.retired, *found.kinds, *found.anchors, *found.reserves)
        ),
        *(successor for _, successor in found.retired),
        *(customer for _, *customers in found.moves for customer in customers),
        *flagged,
    }
    return sorted(subgraph.revisions.keys() - changed)


def _event_row(space: str, new: NewEvent, place: Mapping[Identifier, int]) -> list[Any]:
    observation = new.observation
    return [
        event_key(space, new.identity),
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
    message_key = event_key(space, event.identity)
    return [
        message_key,
        key,
        event.account_id,
        traits_key,
        traits,
        event.at,
        observation.received_at,
        event.place,
    ]


def json_text(value: Any) -> str:
    """JSON, exact also for integers beyond 64 bits."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
