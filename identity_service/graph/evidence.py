"""Evidence and settled customers in the graph: what ingest reads and writes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from identity_service.domain.events import EventIdentity
from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.judgements import Judgement, Verdict
from identity_service.domain.policies.policy import Policy
from identity_service.domain.resolution.evidence import NO_CLAIM, Claim
from identity_service.domain.resolution.id_register import CustomerKind, RegisteredId
from identity_service.domain.resolution.subgraph import (
    MAX_CO_MEMBERS,
    MAX_OWNERS,
    BoundaryNode,
    NewEvidence,
    Pair,
    StoredIdentifier,
    StoredLink,
    Subgraph,
    is_torn,
    put_off_meanwhile,
)
from identity_service.graph.database import Database, Row
from identity_service.graph.keys import (
    earlier_event_key,
    event_key,
    events_key,
    identifier_key,
    identifier_of,
)
from identity_service.graph.statements import Statement, statement
from identity_service.graph.write_rows import (
    EvidenceWrite,
    RetractionStep,
    SettlementWrite,
    attachment_rows,
    detachment_rows,
    evidence_rows,
    new_customer_rows,
    settlement_rows,
    unread_rows,
)

READ_KNOWN: Final = statement("ingest/read_known")
LOAD_SUBGRAPH: Final = statement("ingest/load_subgraph")
WRITE_EVENTS: Final = statement("ingest/write_events")
CLAIM_PROPERTY_NAMES: Final = statement("ingest/claim_property_names")
WRITE_NEW_CUSTOMERS: Final = statement("ingest/write_new_customers")
WRITE_SETTLEMENT: Final = statement("ingest/write_settlement")
READ_ANCHORED: Final = statement("ingest/read_anchored")
DETACH: Final = statement("detachments/detach")
ATTACH: Final = statement("detachments/attach")
BEGIN_ANEW: Final = statement("retractions/begin_anew")
RECORD_STEP: Final = statement("retractions/record_step")
UNDO_STEP: Final = statement("retractions/undo_step")
DESCRIBE_ACCOUNTS: Final = statement("retractions/describe_accounts")

_MANY_NODES: Final = 1_000
"""Identifiers whose rows take some milliseconds to read, so that others would be kept waiting."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the graph already holds of a batch.

    `events` are known; `reused` are those whose message id another event has, with other content.
    `links` maps the known links to when they were first seen; `claims`, where they were asked for,
    those to their claims that rest on the word of sources alone. `waiting` are judgements about
    identifiers of the batch that are not known, as of `judgements_rev`. `blocked` are known
    identifiers that belong to nobody, since a policy blocked them. `corrections` counts how often
    judgements have changed what events say of known identifiers, where they have. `unseen` are
    identifiers of the batch that every event lost which carried them: they are not known.
    `deferred` are known identifiers whose component is to be settled later.
    """

    events: frozenset[EventIdentity]
    reused: frozenset[EventIdentity]
    identifiers: Mapping[Identifier, StoredIdentifier]
    links: Mapping[Pair, int]
    waiting: Sequence[Judgement]
    judgements_rev: int
    blocked: frozenset[Identifier]
    corrections: Mapping[Identifier, int]
    unseen: frozenset[Identifier]
    deferred: frozenset[Identifier]
    claims: Mapping[Pair, Claim] = field(default_factory=dict[Pair, Claim])

    @property
    def is_nothing(self) -> bool:
        """Whether no event and no identifier was ever met, not even by a judgement."""
        return not (self.events or self.reused or self.identifiers or self.unseen or self.waiting)

    def identifier_since(self, identifier: Identifier) -> int | None:
        """When an identifier was first seen; None where it is not known."""
        stored = self.identifiers.get(identifier)
        return None if stored is None else stored.first_seen

    def link_since(self, pair: Pair) -> int | None:
        """When a link was first seen; None where it is not known."""
        return self.links.get(pair)

    def claim_of(self, pair: Pair) -> Claim:
        """Which sources alone a link rests on."""
        return self.claims.get(pair, NO_CLAIM)


NOTHING_KNOWN: Final = Known(
    events=frozenset(),
    reused=frozenset(),
    identifiers={},
    links={},
    waiting=(),
    judgements_rev=0,
    blocked=frozenset(),
    corrections={},
    unseen=frozenset(),
    deferred=frozenset(),
)
"""Nothing of a batch was ever met, by a graph in which nobody judged."""


@dataclass(frozen=True, slots=True)
class Written:
    """A settlement that was written; `last_position`: of the last of its changes, if any."""

    last_position: int | None


class EvidenceStore:
    """Reads and writes evidence. Knows no rule.

    It reads where writes go, since what is read is what a write rests on.
    """

    def __init__(
        self,
        database: Database,
        changes_written: Callable[[str], None] = lambda _: None,
        marked: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`changes_written` is called with the space whenever its ledger has grown, `marked`
        whenever something was marked from which profiles are computed.
        """
        self._database = database
        self._changes_written = changes_written
        self._marked = marked

    async def plan_ahead(self, policy: Policy) -> None:
        """Have the database plan these statements now, so that no sender waits for it.

        They say `replan=skip`: every part of them begins at a unique index, so that no
        growth of the graph makes another plan better, and planning takes up to a second.
        """
        await self.read_known("", (), NewEvidence())
        await self.load_subgraph(
            "", policy, 1, starts=(), boundary=(), cross_boundary=False, most=1, most_links=1
        )
        nothing = SettlementWrite("", 0, 0, EvidenceWrite())
        await self.write_events(nothing)
        await self.write_new_customers(nothing)
        await self.write_settlement(nothing)

    async def read_known(
        self,
        space: str,
        events: Collection[EventIdentity],
        new: NewEvidence,
        *,
        with_claims: bool = False,
    ) -> Known:
        """What of a batch is known already; of links also the claims if `with_claims`."""
        identifiers = list(new.identifiers)
        position = {identifier: i for i, identifier in enumerate(identifiers)}
        links = list(new.links)
        asked = list(events)
        row = await self._database.read_latest(
            READ_KNOWN,
            w={
                "space": space,
                "events": [
                    [
                        event_key(space, event),
                        earlier_event_key(space, event.message_id),
                        events_key(space, event.message_id),
                    ]
                    for event in asked
                ],
                "identifiers": [identifier_key(space, i) for i in identifiers],
                "links": [[position[a], position[b]] for a, b in links],
                "with_claims": with_claims,
            },
        )
        if row is None:
            return NOTHING_KNOWN
        known = _those(asked, row["events"])
        blocked: set[Identifier] = {
            identifiers[entry[0]] for entry in row["identifiers"] if entry[5]
        }
        corrections: dict[Identifier, int] = {
            identifiers[entry[0]]: entry[6] for entry in row["identifiers"] if entry[6]
        }
        deferred: set[Identifier] = {
            identifiers[entry[0]] for entry in row["identifiers"] if entry[7]
        }
        unseen: set[Identifier] = {identifiers[x] for x in row["unseen"]}
        return Known(
            events=known,
            reused=_those(asked, row["named"]) - known,
            identifiers={
                identifiers[x]: StoredIdentifier(first_seen, customer, contested, super_connector)
                for x, first_seen, customer, contested, super_connector, *_ in row["identifiers"]
            },
            links={links[x]: first_seen for x, first_seen, _ in row["links"]},
            claims={links[x]: frozenset(claim) for x, _, claim in row["links"] if claim},
            waiting=[_judgement(*entry) for entry in row["waiting"]],
            judgements_rev=row["judgements_rev"],
            blocked=frozenset(blocked),
            corrections=corrections,
            unseen=frozenset(unseen),
            deferred=frozenset(deferred),
        )

    async def load_subgraph(
        self,
        space: str,
        policy: Policy,
        policy_version: int,
        *,
        starts: Iterable[Identifier],
        boundary: Iterable[Identifier],
        cross_boundary: bool,
        most: int,
        most_links: int,
    ) -> Subgraph | None:
        """Walk from `starts`; None when more than `most` identifiers or `most_links` were met.

        It is `torn` when another writer committed meanwhile and its parts do not fit together.

        `cross_boundary`: walk through contested identifiers too, so that only super-connectors are
        boundary of the subgraph.
        """
        row = await self._database.read_latest(
            LOAD_SUBGRAPH,
            w={
                "starts": [identifier_key(space, i) for i in starts],
                "boundary": [identifier_key(space, i) for i in boundary],
                "cross_boundary": cross_boundary,
                "most": most + 1,
                "most_link_ends": 2 * most_links,
                "policy_version": policy_version,
                "owners": MAX_OWNERS,
                "co_members": MAX_CO_MEMBERS,
                "limited_sources": sorted(policy.limited_sources),
                **_persons(policy),
            },
        )
        if row is None or row["interior"] is None:
            return None
        if len(row["nodes"]) < _MANY_NODES:
            return _subgraph(row)
        return await asyncio.to_thread(_subgraph, row)

    async def ids_anchored_at(
        self, space: str, identifiers: Iterable[Identifier]
    ) -> tuple[list[RegisteredId], dict[str, Identifier]]:
        """The ids anchored at unseen identifiers, as ids that forward to nobody; and by id, the
        unseen identifier that it left last because no event carried that any more.
        """
        row = await self._database.read_latest(
            READ_ANCHORED, w={"keys": [identifier_key(space, i) for i in identifiers]}
        )
        if row is None:
            return [], {}
        ids = [
            RegisteredId(
                id=customer,
                minted_at=minted_at,
                anchor=identifier_of(anchor),
                kind=None,
                earlier=tuple(identifier_of(key) for _, _, key in sorted(earlier, reverse=True)),
            )
            for customer, minted_at, anchor, earlier in row["ids"]
        ]
        return ids, {customer: identifier_of(key) for customer, key in row["left"]}

    async def claim_property_names(
        self, space: str, source: str, names: Collection[str], most_of_source: int, most: int
    ) -> frozenset[str]:
        """Take names that a source sends into use while there is room; returns all in use."""
        row = await self._database.write_one(
            CLAIM_PROPERTY_NAMES,
            space=space,
            source=source,
            names=sorted(names),
            most_of_source=most_of_source,
            most=most,
        )
        return frozenset(row["names"] if row else ())

    async def write_events(self, write: SettlementWrite) -> bool:
        """Write events that bring nothing new. False: the policy is no longer in force, a
        retraction was made or withdrawn, or an identifier is not known; or, of evidence that is
        `unread`, one of the message ids is stored.

        Raises Stale when evidence changed that the write rests on.
        """
        row = await self._database.write_one(
            WRITE_EVENTS, w=evidence_rows(write) | unread_rows(write)
        )
        if row is None or not row["written"]:
            return False
        if row["marked"]:
            self._marked(write.space)
        return True

    async def write_new_customers(self, write: SettlementWrite) -> Written | None:
        """Write `unread` evidence of which every identifier is new, and its customers, or nothing.

        None: nothing was written, since the policy is no longer in force, or a retraction was made
        or withdrawn, or one of the message ids is stored, or an identifier is known, or a judgement
        waits for one. Raises Stale when an identifier was known before, or came meanwhile.
        """
        row = await self._database.write_one(WRITE_NEW_CUSTOMERS, w=new_customer_rows(write))
        return self._written(write, row)

    async def write_settlement(self, write: SettlementWrite) -> Written | None:
        """Write evidence and the settlement that follows from it, or nothing.

        None: nothing was written, since the policy is no longer in force, or a retraction was made
        or withdrawn, or a customer or the links that the settlement rests on have changed, or a
        judgement that may wait for what is new, or since another process is at the retraction.
        """
        steps: list[tuple[Statement, Mapping[str, Any]]] = [
            (WRITE_SETTLEMENT, {"w": settlement_rows(write)})
        ]
        detachment, attachment = write.evidence.detachment, write.evidence.attachment
        if detachment is not None:
            steps.append((DETACH, {"w": detachment_rows(write.space, detachment)}))
        if attachment is not None:
            steps.append((ATTACH, {"w": attachment_rows(write.space, attachment)}))
        if write.evidence.retracted_late:
            steps.append((BEGIN_ANEW, {"ids": list(write.evidence.retracted_late)}))
        if (step := write.evidence.retraction) is not None:
            steps.append(_retraction_step(step))
            steps.append((DESCRIBE_ACCOUNTS, {"events": list(step.events)}))
        if len(steps) == 1:
            row = await self._database.write_one(WRITE_SETTLEMENT, **steps[0][1])
        else:
            rows = await self._database.write_together(steps)
            row = rows[0] if rows else None
        return self._written(write, row)

    def _written(self, write: SettlementWrite, row: Row | None) -> Written | None:
        if row is None or not row["written"]:
            return None
        written = Written(row["last_position"])
        if written.last_position is not None:
            self._changes_written(write.space)
        if row["marked"]:
            self._marked(write.space)
        return written


def _retraction_step(step: RetractionStep) -> tuple[Statement, Mapping[str, Any]]:
    held = {"id": step.retraction, "worker": step.worker, "lease": step.lease_ms}
    if step.gives_back:
        return UNDO_STEP, held | {"events": len(step.events), "number": step.number}
    return RECORD_STEP, held | {"events": list(step.events)}


def _those(events: Sequence[EventIdentity], positions: Iterable[int]) -> frozenset[EventIdentity]:
    return frozenset(events[x] for x in positions)


def _persons(policy: Policy) -> dict[str, Any]:
    """The types of persons; by type, those that are stronger: whose customers can be its owners."""
    persons = [(t, r.priority) for t, r in policy.rules.items() if r.kind is IdentifierKind.PERSON]
    weakest = policy.other.priority if policy.other else 0
    return {
        "persons": [kind for kind, _ in persons],
        "stronger": {
            kind: [person for person, priority in persons if priority < rule.priority]
            for kind, rule in policy.rules.items()
        },
        "stronger_than_other": [person for person, priority in persons if priority < weakest],
    }


def _subgraph(row: Row) -> Subgraph:
    links: dict[Pair, StoredLink] = {}
    for some in (row["interior_links"], *row["co_member_links"]):
        for a, b, first_seen, last_seen, times_seen, claim in some:
            links[identifier_of(a), identifier_of(b)] = StoredLink(
                first_seen, last_seen, times_seen, frozenset(claim) if claim else NO_CLAIM
            )
    # A customer that was read twice counts as it was read first.
    guards: list[tuple[str, int, int]] = row["guards"][::-1]
    linked = _link_counts(row)
    interior = frozenset(map(identifier_of, row["interior"]))
    found = Subgraph(
        interior=interior,
        nodes={
            identifier_of(key): StoredIdentifier(first_seen, customer, contested, super_connector)
            for key, first_seen, customer, contested, super_connector in row["nodes"]
        },
        links=links,
        unsettled={identifier_of(key): times for key, times in row["unsettled"]},
        revisions={customer: rev for customer, rev, _ in guards},
        member_counts={customer: members for customer, _, members in guards},
        link_counts={identifier_of(key): linked[key] for key in row["interior"]},
        opened=frozenset(map(identifier_of, row["opened"])) - interior,
        cut_off_by_block=frozenset(map(identifier_of, row["cut_off_by_block"])),
        settled_under=min((each[4] for each in row["customers"]), default=None),
        register=_register(row),
        displaced={
            customer: identifier_of(member)
            for customer, member in row["displaced"]
            if member is not None
        },
        judgements=[
            _judgement(made, kind.removeprefix("JUDGED_").lower(), a, b, made_at)
            for made, kind, a, b, made_at in row["judgements"]
        ],
        boundary={
            identifier_of(key): BoundaryNode(
                super_connector=super_connector,
                degree=degree,
                owners=frozenset(owners),
                co_members=co_members,
                judged=tuple(map(identifier_of, judged)),
            )
            for key, super_connector, degree, owners, co_members, judged in row["boundary"]
        },
    )
    beyond = put_off_meanwhile(found, map(identifier_of, row["waiting"]))
    joined = [
        (identifier_of(a), identifier_of(b))
        for a, b, *_ in (*row["interior_links"], *row["interior_same"])
    ]
    if beyond:
        joined = [pair for pair in joined if beyond.isdisjoint(pair)]
        kept = {pair: link for pair, link in links.items() if beyond.isdisjoint(pair)}
        found = replace(found, links=kept)
    return replace(found, torn=is_torn(found, joined))


def _link_counts(row: Row) -> Counter[str]:
    """By key, how many links were read of an identifier.

    A link of a blocked identifier that was walked from is among both kinds.
    """
    links = [(a, b) for a, b, *_ in row["interior_links"]]
    seen = set(links) if row["blocked_links"] else ()
    links += [(a, b) for a, b in row["blocked_links"] if (a, b) not in seen]
    return Counter(end for pair in links for end in pair)


def _register(row: Row) -> list[RegisteredId]:
    """The ids of the customers, then the others."""
    found = [
        RegisteredId(customer, minted_at, identifier_of(anchor), CustomerKind(kind), None, left)
        for customer, kind, minted_at, anchor, _, keys in row["customers"]
        for left in [tuple(map(identifier_of, keys))]
    ]
    known = {entry.id for entry in found}
    return found + [
        RegisteredId(
            customer,
            minted_at,
            identifier_of(anchor),
            CustomerKind(kind) if kind else None,
            forwards_to,
            tuple(map(identifier_of, keys)),
        )
        for customer, minted_at, kind, anchor, forwards_to, keys in row["anchored"]
        if customer not in known
    ]


def _judgement(made: str, verdict: str, a: str, b: str, made_at: int) -> Judgement:
    return Judgement(made, Verdict(verdict), identifier_of(a), identifier_of(b), made_at)
