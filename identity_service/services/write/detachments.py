"""What is written when a judgement takes an identifier from an event, or is withdrawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from identity_service.domain.explain import detachment_outcome
from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import Detachment
from identity_service.domain.policies.policy import Policy
from identity_service.domain.policies.value_rules import WithheldValue
from identity_service.domain.resolution.resolve import strongest
from identity_service.domain.resolution.subgraph import (
    Correction,
    NewEvidence,
    Span,
    StoredIdentifier,
)
from identity_service.errors import FieldInvalid
from identity_service.graph.detachments import DetachmentStore, Period, StoredEvent
from identity_service.graph.evidence import EvidenceStore, Known
from identity_service.graph.write_rows import (
    AttachmentWrite,
    DetachmentWrite,
    EvidenceWrite,
    JudgedEvent,
    Withdrawal,
)
from identity_service.services.resolution.component_resolver import ResolutionRequest, Starts
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.policies import PolicyInForce


@dataclass(frozen=True, slots=True)
class EventsChange:
    """What is to be written, what has to be resolved because of it, and that in a sentence."""

    evidence: EvidenceWrite
    request: ResolutionRequest
    message: str


class Detachments:
    """Drafts what is written about events. Writes nothing."""

    def __init__(self, store: EvidenceStore, events: DetachmentStore) -> None:
        self._store = store
        self._events = events

    async def detach(
        self, scope: SpaceScope, in_force: PolicyInForce, made: Detachment
    ) -> EventsChange:
        """Events lose an identifier.

        Raises FieldInvalid, at `messageId` or `identifier`, where no event carries it.
        """
        identifier = made.a
        stored = await self._carrying(scope, made)
        losing = [event for event in stored if identifier in event.observed]
        now: Period = (made.id, made.made_at, None)
        lost_before = [
            JudgedEvent(event.key, len(event.observed), None, (*event.periods, now))
            for event in stored
            if identifier not in event.observed
        ]
        lost_already = AttachmentWrite(identifier, (), lost_before) if lost_before else None
        if not losing:
            standing = [judgement for judgement, _, until in stored[0].periods if until is None]
            return EventsChange(
                EvidenceWrite(made=[made], attachment=lost_already, touches_unclaimed=True),
                ResolutionRequest(Starts()),
                detachment_outcome.detached_before(stored[0].name, identifier, standing),
            )
        return await self._taken(scope, in_force, made, losing, lost_already)

    async def _taken(
        self,
        scope: SpaceScope,
        in_force: PolicyInForce,
        made: Detachment,
        losing: Sequence[StoredEvent],
        lost_already: AttachmentWrite | None,
    ) -> EventsChange:
        identifier, policy = made.a, in_force.policy
        carried = {i: blocked for event in losing for i, blocked in event.observed.items()}
        left = await self._events.left(
            scope.space,
            identifier,
            [event.key for event in losing],
            [other for other in carried if other != identifier],
        )
        known = await self._store.read_known(scope.space, (), NewEvidence.of_identifiers(carried))
        judged = [
            JudgedEvent(
                event.key,
                len(event.observed),
                _strongest({i: b for i, b in event.observed.items() if i != identifier}, policy),
                (*event.periods, (made.id, made.made_at, None)),
            )
            for event in losing
        ]
        evidence = EvidenceWrite(
            known_identifiers=_unchanged(known.identifiers),
            corrections=known.corrections,
            detachment=DetachmentWrite(left.correction, left.observed, list(carried), judged),
            attachment=lost_already,
            made=[made],
            # Shows others that read what events carry that something changes now.
            touches_unclaimed=True,
        )
        starts = {
            i: _as_it_will_be(i, stored, left.correction, left.degrees, carried, policy)
            for i, stored in known.identifiers.items()
            if i not in known.blocked
        }
        request = ResolutionRequest(
            Starts.of(starts), correction=left.correction, cross_boundary=True
        )
        message = detachment_outcome.detached(
            losing[0].name,
            identifier,
            before=_strongest(losing[0].observed, policy),
            after=judged[0].strongest,
            is_seen=left.correction.seen is not None,
        )
        return EventsChange(evidence, request, message)

    async def withdraw(
        self,
        scope: SpaceScope,
        in_force: PolicyInForce,
        made: Detachment,
        withdrawal: Withdrawal,
    ) -> EventsChange:
        """Events get an identifier back, unless another judgement stands that takes it."""
        identifier, policy = made.a, in_force.policy
        stored = [
            replace(event, periods=_ended(event.periods, withdrawal))
            for event in await self._events.events(scope.space, made.message_id, identifier)
            if any(judgement == made.id for judgement, _, _ in event.periods)
        ]
        gaining = [
            event for event in stored if all(until is not None for *_, until in event.periods)
        ]
        is_blocked = isinstance(in_force.values.identifier(identifier), WithheldValue)
        again = _Again(identifier, is_blocked=is_blocked)
        for event in gaining:
            again.add(event)
        known = await self._store.read_known(scope.space, (), again.asked())
        judged = [
            JudgedEvent(
                event.key,
                len(event.observed),
                _strongest({**event.observed, identifier: is_blocked}, policy)
                if event in gaining
                else None,
                event.periods,
            )
            for event in stored
        ]
        evidence = replace(
            again.evidence(known),
            attachment=AttachmentWrite(identifier, sorted(again.carried), judged),
            withdrawn=[withdrawal],
            touches_unclaimed=True,
        )
        standing = [
            judgement for event in stored for judgement, _, until in event.periods if until is None
        ]
        message = detachment_outcome.withdrawn(
            stored[0].name, identifier, judged[0].strongest, standing
        )
        return EventsChange(evidence, again.request(known), message)

    async def _carrying(self, scope: SpaceScope, made: Detachment) -> list[StoredEvent]:
        """The events that carry the identifier, or did before a judgement took it."""
        stored = await self._events.events(scope.space, made.message_id, made.a)
        if not stored:
            raise FieldInvalid(
                "messageId", f"No event of this space has the message id “{made.message_id}”."
            )
        found = [e for e in stored if made.a in e.observed or made.a in e.detached]
        if not found:
            carried = ", ".join(str(i) for event in stored for i in event.observed)
            raise FieldInvalid(
                "identifier", f"The event does not carry {made.a}. It carries {carried or 'none'}."
            )
        return found


@dataclass(slots=True)
class _Again:
    """What events say of an identifier that they get back."""

    identifier: Identifier
    is_blocked: bool
    new: NewEvidence = field(default_factory=NewEvidence)
    carried: dict[Identifier, bool] = field(default_factory=dict[Identifier, bool])

    def add(self, event: StoredEvent) -> None:
        """Take in one of the events."""
        self.carried |= {**event.observed, self.identifier: self.is_blocked}
        self.new.add_to_event(event.observed, [self.identifier], event.at, event.source)

    def asked(self) -> NewEvidence:
        """All that has to be known about it."""
        return NewEvidence(NewEvidence.of_identifiers(self.carried).identifiers, self.new.links)

    def evidence(self, known: Known) -> EvidenceWrite:
        """What is written of identifiers and links."""
        is_known = self.identifier in known.identifiers
        span = self.new.identifiers.get(self.identifier)
        new = {self.identifier: span} if span and not is_known else {}
        seen_again = {self.identifier: span} if span and is_known else {}
        links = self.new.links
        return EvidenceWrite(
            identifiers=new,
            known_identifiers=_unchanged(known.identifiers) | seen_again,
            links={pair: seen for pair, seen in links.items() if pair not in known.links},
            known_links={pair: seen for pair, seen in links.items() if pair in known.links},
            corrections=known.corrections,
            returning=known.unseen,
            withheld=new if self.is_blocked else (),
            in_effect=known.waiting,
            judgements_rev=known.judgements_rev if new else None,
        )

    def request(self, known: Known) -> ResolutionRequest:
        """What has to be resolved because of it."""
        seen = {i: it for i, it in known.identifiers.items() if i not in known.blocked}
        if self.is_blocked:
            return ResolutionRequest(Starts.of(seen), cross_boundary=True)
        judged = {end for made in known.waiting for end in (made.a, made.b)} - {self.identifier}
        links = {p: s for p, s in self.new.links.items() if not any(map(self.carried.get, p))}
        return ResolutionRequest(
            Starts.of(seen, judged),
            NewEvidence(self.new.identifiers, links, [*known.waiting]),
            returning=known.unseen,
            cross_boundary=True,
        )


def _ended(periods: Iterable[Period], withdrawal: Withdrawal) -> list[Period]:
    return [
        (judgement, made_at, withdrawal.at if judgement == withdrawal.judgement else until)
        for judgement, made_at, until in periods
    ]


def _strongest(carried: Mapping[Identifier, bool], policy: Policy) -> Identifier | None:
    """What an event belongs to (rule 8): a blocked one only if there is no other."""
    free = [identifier for identifier, blocked in carried.items() if not blocked]
    return strongest(free or list(carried), policy) if carried else None


def _unchanged(known: Mapping[Identifier, StoredIdentifier]) -> dict[Identifier, Span]:
    """Known identifiers, whose times stay, to be locked."""
    return {i: Span(stored.first_seen, stored.first_seen) for i, stored in known.items()}


def _as_it_will_be(
    identifier: Identifier,
    stored: StoredIdentifier,
    correction: Correction,
    degrees: Mapping[Identifier, int],
    carried: Mapping[Identifier, bool],
    policy: Policy,
) -> StoredIdentifier:
    """What is stored of an identifier; a super-connector only if it has enough links left."""
    rule = policy.rule_of(identifier.type)
    if not stored.super_connector or rule is None or rule.max_links is None:
        return stored
    lost = sum(
        left is None and identifier in pair and not any(map(carried.get, pair))
        for pair, left in correction.links.items()
    )
    return replace(stored, super_connector=degrees[identifier] - lost > rule.max_links)
