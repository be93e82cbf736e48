"""One batch of events: what of it is new, and what has to be resolved because of that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from identity_service.domain.events import Observation
from identity_service.domain.identifiers import Identifier
from identity_service.domain.policies.policy import Policy
from identity_service.domain.policies.value_rules import WithheldValue
from identity_service.domain.resolution.components import components
from identity_service.domain.resolution.evidence import gather
from identity_service.domain.resolution.repetition import only_repeats
from identity_service.domain.resolution.subgraph import NewEvidence, Pair, Sightings, Span
from identity_service.domain.retractions import retracted_by
from identity_service.errors import Contended
from identity_service.graph.evidence import NOTHING_KNOWN, EvidenceStore, Known
from identity_service.graph.write_rows import EvidenceWrite, NewEvent
from identity_service.observability import MESSAGE_ID_COLLISIONS
from identity_service.services.resolution.component_resolver import ResolutionRequest, Starts
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.policies import PolicyInForce
from identity_service.services.write.deferred_settlement import DeferredSettlement
from identity_service.services.write.evidence_cache import CachedEvidence, EvidenceCache
from identity_service.services.write.novelty import Novelty
from identity_service.services.write.property_names import PropertyNames
from identity_service.services.write.received import (
    Received,
    RejectedEvent,
    Written,
    new_events,
    observe_all,
)
from identity_service.services.write.settler import (
    Applied,
    Draft,
    OverConnected,
    Settler,
    Superseded,
)
from identity_service.services.write.source_counts import SourceCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDraft(Draft):
    """A batch under one policy.

    `observations` are all events that the policy takes, `rejected` the others. `learn` takes
    the evidence once it is written, and keeps it with what was read. `collisions` are
    those to be written whose message id another event has too. `groups` are those that may change
    customers and are to be settled with this write, the connected ones together.
    """

    observations: Sequence[Observation]
    rejected: Sequence[RejectedEvent]
    learn: Callable[[EvidenceWrite], None] | None = None
    collisions: Sequence[Observation] = ()
    groups: Sequence[Sequence[Observation]] = ()
    prompt: bool = True


@dataclass(frozen=True, slots=True)
class Unstored:
    """The events of a batch that are not stored yet, and `evidence`: what all of them say.

    `known` is what the graph holds of the whole batch. `unread`: it was not asked; all of it is
    taken to be new.
    """

    events: Sequence[NewEvent]
    evidence: NewEvidence
    known: Known
    unread: bool = False


@dataclass(slots=True)
class Batch:
    """A batch while it is drafted, attempt after attempt.

    `defer`: its settlement is put off. `taken_as_new`: at one attempt nothing was read before.
    """

    received: Sequence[Received]
    defer: bool
    taken_as_new: bool = False


class BatchWriter:
    """Writes batches of events into spaces."""

    def __init__(
        self,
        store: EvidenceStore,
        settler: Settler,
        deferred: DeferredSettlement,
        names: PropertyNames,
        cache: EvidenceCache,
        counts: SourceCounts,
    ) -> None:
        """`cache` learns what is read and written here."""
        self._counts = counts
        self._store = store
        self._settler = settler
        self._deferred = deferred
        self._names = names
        self._cache = cache
        self._novelty = Novelty()

    async def write(
        self,
        scope: SpaceScope,
        batch: Sequence[Received],
        max_attempts: int,
        *,
        defer: bool = False,
    ) -> Written:
        """Write a batch; events that are stored already are skipped.

        What belongs to a component that cannot be settled promptly is stored and settled later;
        with `defer` that is said of the whole batch. Raises Contended when others kept changing the
        same customers at `max_attempts` attempts; part of the batch may be written then, and
        sending it again does no harm. Raises Unavailable when the database does not answer.
        """
        drafting = Batch(batch, defer)
        outcome = await self._settler.apply(
            scope, partial(self._draft, scope, drafting), max_attempts=max_attempts
        )
        match outcome:
            case Applied(draft):
                if drafting.taken_as_new:
                    was_new = draft.evidence is not None and draft.evidence.unread
                    self._novelty.note(scope.space, was_new=was_new)
                if draft.evidence and draft.learn:
                    draft.learn(draft.evidence)
                if draft.evidence and draft.evidence.deferred:
                    self._deferred.wake(scope)
                self._counts.collided(scope.space, draft.collisions)
                for observation in draft.collisions:
                    MESSAGE_ID_COLLISIONS.labels(scope.space, observation.source).inc()
                events = draft.evidence.events if draft.evidence else ()
                return Written(frozenset(each.identity for each in events), draft.rejected)
            case OverConnected(draft):
                if len(draft.groups) == 1:
                    return await self.write(scope, batch, max_attempts, defer=True)
                written = Written(rejected=draft.rejected)
                for half in _halves(connected_groups(draft.observations)):
                    written += await self.write(scope, half, max_attempts)
                return written
            case Superseded():
                raise Contended(remedy="Send the events again.")

    async def _draft(self, scope: SpaceScope, batch: Batch, in_force: PolicyInForce) -> EventDraft:
        observations, rejected = observe_all(batch.received, in_force)
        draft = EventDraft(
            evidence=None,
            # Of a component without a decisive event: a newer policy took it apart, and this batch
            # settles it before the policy rollout does.
            cause=f"policy:{in_force.version}",
            observations=observations,
            rejected=rejected,
        )
        if not observations:
            return draft
        unstored = await self._unstored(scope, in_force, batch, observations)
        if not unstored.events:
            return draft
        prompt: list[Sequence[Observation]] = []
        deferred: dict[Identifier, str] = {}
        for group in _connected(decisive_observations(unstored, in_force.policy)):
            plain = _plain(group, unstored.known)
            if batch.defer or self._is_large(plain, unstored.known):
                deferred |= _causes_of(group, plain)
            else:
                prompt.append(group)
        decisive = [observation for group in prompt for observation in group]
        retracted = _retracted_late((each.observation for each in unstored.events), in_force)
        request = _request(decisive, unstored.known, deferred, in_force)
        return replace(
            draft,
            evidence=replace(
                _evidence_write(unstored), deferred=deferred, retracted_late=retracted
            ),
            learn=partial(self._cached(scope, in_force).learn, unstored.known),
            collisions=_collisions(unstored),
            request=request if decisive or retracted else None,
            causes=[(o.identifiers[0], _cause(o)) for o in decisive],
            groups=prompt,
        )

    def _cached(self, scope: SpaceScope, in_force: PolicyInForce) -> CachedEvidence:
        return self._cache.of(scope.space, with_claims=bool(in_force.policy.limited_sources))

    def _is_large(self, identifiers: Iterable[Identifier], known: Known) -> bool:
        """Whether one of them was found in a component that is too large to be settled promptly."""
        return any(
            identifier in known.deferred
            or (
                (stored := known.identifiers.get(identifier))
                and stored.customer
                and self._deferred.is_large(stored.customer)
            )
            for identifier in identifiers
        )

    async def _unstored(
        self,
        scope: SpaceScope,
        in_force: PolicyInForce,
        batch: Batch,
        observations: Sequence[Observation],
    ) -> Unstored:
        evidence = NewEvidence.of(observations)
        scalars = await self._names.used_by(scope.space, observations)
        seems_new = not batch.defer and self._seems_new(scope, in_force, observations, evidence)
        if seems_new and not batch.taken_as_new and self._novelty.is_likely(scope.space):
            batch.taken_as_new = True
            events = new_events(scope.space, observations, scalars, in_force.policy)
            return Unstored(events, evidence, NOTHING_KNOWN, unread=True)
        reading = asyncio.create_task(
            self._store.read_known(
                scope.space,
                [o.event.identity for o in observations],
                evidence,
                with_claims=bool(in_force.policy.limited_sources),
            )
        )
        # While the database reads, what does not depend on its answer is prepared.
        await asyncio.sleep(0)
        events = new_events(scope.space, observations, scalars, in_force.policy)
        known = await reading
        if seems_new and not batch.taken_as_new:
            self._novelty.note(scope.space, was_new=known.is_nothing)
        if known.events:
            events = [event for event in events if event.identity not in known.events]
            evidence = NewEvidence.of(event.observation for event in events)
        return Unstored(events, evidence, known)

    def _seems_new(
        self,
        scope: SpaceScope,
        in_force: PolicyInForce,
        observations: Sequence[Observation],
        evidence: NewEvidence,
    ) -> bool:
        """Whether all identifiers may be new, and no retraction covers one of the events."""
        if _retracted_late(observations, in_force):
            return False
        return all(map(self._cached(scope, in_force).may_be_new, evidence.identifiers))


def decisive_observations(unstored: Unstored, policy: Policy) -> list[Observation]:
    """The observations that may change customers. All others only repeat what is known."""
    return [
        event.observation
        for event in unstored.events
        if not only_repeats(event.observation, unstored.known, policy)
    ]


def _retracted_late(observations: Iterable[Observation], in_force: PolicyInForce) -> list[str]:
    """The retractions that cover one of the events, received before they were made."""
    return sorted(
        {
            each.id
            for observation in (observations if in_force.retracted else ())
            for each in retracted_by(
                in_force.retracted, observation.source, observation.received_at
            )
        }
    )


def _collisions(unstored: Unstored) -> list[Observation]:
    """The new events whose message id a stored one has, or one before them in the batch."""
    taken = {event.message_id for event in unstored.known.reused}
    collisions: list[Observation] = []
    for new in unstored.events:
        message_id = new.identity.message_id
        if message_id in taken:
            collisions.append(new.observation)
        taken.add(message_id)
    return collisions


def connected_groups(observations: Sequence[Observation]) -> list[list[Received]]:
    """The events in groups: two are in one group exactly if identifiers connect them."""
    return [
        [
            Received(
                o.source,
                o.received_at,
                (o.event,),
                o.region,
                frozenset({o.event.identity} if o.proven else ()),
            )
            for o in group
        ]
        for group in _connected(observations)
    ]


def _connected(observations: Sequence[Observation]) -> list[list[Observation]]:
    if not observations:
        return []
    evidence = gather((o.event.at, o.identifiers) for o in observations)
    position_of = {identifier: i for i, identifier in enumerate(evidence.identifiers)}
    component_of = components(evidence)
    groups: dict[int, list[Observation]] = {}
    for observation in observations:
        component = component_of[position_of[observation.identifiers[0]]]
        groups.setdefault(component, []).append(observation)
    return list(groups.values())


def _halves(groups: Sequence[Sequence[Received]]) -> list[list[Received]]:
    middle = len(groups) // 2
    return [
        [received for group in half for received in group]
        for half in (groups[:middle], groups[middle:])
    ]


def _plain(group: Iterable[Observation], known: Known) -> list[Identifier]:
    """The identifiers of connected events that lie in one component only, if any, else all."""
    identifiers = {identifier for observation in group for identifier in observation.identifiers}
    plain = [
        identifier
        for identifier in identifiers
        if not (stored := known.identifiers.get(identifier))
        or not (stored.contested or stored.super_connector)
    ]
    return plain or list(identifiers)


def _causes_of(
    group: Iterable[Observation], identifiers: Iterable[Identifier]
) -> dict[Identifier, str]:
    """By identifier, the last of the events that carries it."""
    causes = {identifier: _cause(o) for o in group for identifier in o.identifiers}
    return {identifier: causes[identifier] for identifier in identifiers}


def _cause(observation: Observation) -> str:
    return f"event:{observation.event.message_id}"


def _evidence_write(unstored: Unstored) -> EvidenceWrite:
    known = unstored.known
    identifiers: dict[Identifier, Span] = {}
    known_identifiers: dict[Identifier, Span] = {}
    for identifier, span in unstored.evidence.identifiers.items():
        is_known = identifier in known.identifiers
        (known_identifiers if is_known else identifiers)[identifier] = span
    links: dict[Pair, Sightings] = {}
    known_links: dict[Pair, Sightings] = {}
    for pair, seen in unstored.evidence.links.items():
        (known_links if pair in known.links else links)[pair] = seen
    return EvidenceWrite(
        events=unstored.events,
        identifiers=identifiers,
        known_identifiers=known_identifiers,
        links=links,
        known_links=known_links,
        corrections=known.corrections,
        returning=known.unseen & identifiers.keys(),
        in_effect=known.waiting,
        # A judgement can have waited only for an identifier that is new.
        judgements_rev=known.judgements_rev if identifiers and not unstored.unread else None,
        unread=unstored.unread,
    )


def _request(
    decisive: Iterable[Observation],
    known: Known,
    deferred: Container[Identifier],
    in_force: PolicyInForce,
) -> ResolutionRequest:
    """All that the decisive events touch, and the judgements that waited for their identifiers."""
    new = NewEvidence.of(decisive)
    waiting = [j for j in known.waiting if j.a not in deferred and j.b not in deferred]
    new.judgements.extend(waiting)
    touched = {
        identifier: stored
        for identifier, stored in known.identifiers.items()
        if identifier in new.identifiers
    }
    judged = {
        end
        for judgement in waiting
        for end in (judgement.a, judgement.b)
        if not isinstance(in_force.values.identifier(end), WithheldValue)
    }
    return ResolutionRequest(
        Starts.of(touched, judged - new.identifiers.keys()),
        new,
        returning=known.unseen & new.identifiers.keys(),
    )
