"""What is written when events lose identifiers or get them back: the one place that counts anew.

Judgements and retractions say which events and which identifiers; here the evidence that is left
of them, or comes back with them, is drafted, and what has to be resolved because of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

from identity_service.domain.identifiers import Identifier
from identity_service.domain.policies.policy import Policy
from identity_service.domain.policies.value_rules import WithheldValue
from identity_service.domain.resolution.resolve import strongest
from identity_service.domain.resolution.subgraph import (
    Correction,
    NewEvidence,
    Pair,
    Span,
    StoredIdentifier,
)
from identity_service.graph.detachments import DetachmentStore, StoredEvent
from identity_service.graph.evidence import EvidenceStore, Known
from identity_service.graph.write_rows import (
    AttachmentWrite,
    DetachmentWrite,
    EvidenceWrite,
    JudgedEvent,
    Period,
    Periods,
)
from identity_service.services.resolution.component_resolver import ResolutionRequest, Starts
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.policies import PolicyInForce


@dataclass(frozen=True, slots=True)
class EventCorrection:
    """An event as it was read, the identifiers that it loses or gets back (`moved`), and those of
    which only the judgements change (`noted`), each with all judgements from now on.
    """

    event: StoredEvent
    moved: Periods
    noted: Periods = field(default_factory=dict[Identifier, Sequence[Period]])


@dataclass(frozen=True, slots=True)
class CorrectionDraft:
    """What is to be written, what has to be resolved because of it, and the events as they will be.

    `is_seen` says of the identifiers that are taken whether another event carries them.
    """

    evidence: EvidenceWrite
    request: ResolutionRequest
    events: Sequence[JudgedEvent]
    is_seen: Mapping[Identifier, bool] = field(default_factory=dict[Identifier, bool])


def taking(event: StoredEvent, identifiers: Iterable[Identifier], now: Period) -> EventCorrection:
    """An event from which something takes identifiers now, some of them perhaps not for the first
    time."""
    periods = {identifier: (*event.of(identifier), now) for identifier in identifiers}
    return EventCorrection(
        event,
        moved={i: each for i, each in periods.items() if i in event.observed},
        noted={i: each for i, each in periods.items() if i not in event.observed},
    )


def returning(
    event: StoredEvent, identifiers: Iterable[Identifier], ended: str, at: int
) -> EventCorrection:
    """An event for which `ended` no longer takes identifiers, from a moment on.

    It gets back those that nothing else takes.
    """
    periods = {
        identifier: [
            (cause, since, at if cause == ended else until)
            for cause, since, until in event.of(identifier)
        ]
        for identifier in identifiers
    }
    free = {i for i, each in periods.items() if all(until is not None for *_, until in each)}
    return EventCorrection(
        event,
        moved={i: each for i, each in periods.items() if i in free},
        noted={i: each for i, each in periods.items() if i not in free},
    )


class Corrections:
    """Drafts what is written about events. Writes nothing."""

    def __init__(self, store: EvidenceStore, events: DetachmentStore) -> None:
        self._store = store
        self._events = events

    async def take(
        self, scope: SpaceScope, in_force: PolicyInForce, corrections: Sequence[EventCorrection]
    ) -> CorrectionDraft:
        """Events lose identifiers."""
        policy = in_force.policy
        losing = [each for each in corrections if each.moved]
        carried = {i: blocked for each in losing for i, blocked in each.event.observed.items()}
        known = await self._store.read_known(scope.space, (), NewEvidence.of_identifiers(carried))
        left = await self._events.left(
            scope.space,
            [each.event.key for each in losing],
            {i for each in losing for i in each.moved},
            {pair for each in losing for pair in _links_lost(each)},
            [i for i, stored in known.identifiers.items() if stored.super_connector],
        )
        judged = [_without(each, policy) for each in corrections]
        starts = _as_they_will_be(known, left.correction, left.degrees, carried, policy)
        return CorrectionDraft(
            evidence=EvidenceWrite(
                known_identifiers=_unchanged(known.identifiers),
                corrections=known.corrections,
                detachment=DetachmentWrite(left.correction, left.observed, list(carried), judged),
                # Shows others that read what events carry that something changes now.
                touches_unclaimed=True,
            ),
            request=ResolutionRequest(
                Starts.of(starts), correction=left.correction, cross_boundary=True
            ),
            events=judged,
            is_seen={i: seen is not None for i, seen in left.correction.seen.items()},
        )

    async def give_back(
        self, scope: SpaceScope, in_force: PolicyInForce, corrections: Sequence[EventCorrection]
    ) -> CorrectionDraft:
        """Events get identifiers back."""
        again = _Again(in_force)
        for each in corrections:
            again.add(each)
        known = await self._store.read_known(scope.space, (), again.asked())
        return CorrectionDraft(again.evidence(known), again.request(known), again.events)


class _Again:
    """What events say of the identifiers that they get back."""

    def __init__(self, in_force: PolicyInForce) -> None:
        self._in_force = in_force
        self._new = NewEvidence()
        self._carried: dict[Identifier, bool] = {}
        self.events: list[JudgedEvent] = []

    def add(self, each: EventCorrection) -> None:
        """Take in one of the events."""
        event = each.event
        given = {i: self._is_blocked(i) for i in each.moved}
        carried = {**event.observed, **given}
        if given:
            self._carried |= carried
            self._new.add_to_event(
                event.observed, list(given), event.at, event.source, proven=event.proven
            )
        owner = belongs_to(carried, self._in_force.policy) if given else None
        self.events.append(
            JudgedEvent(event.key, len(event.observed), owner, each.moved, each.noted)
        )

    def asked(self) -> NewEvidence:
        """All that has to be known about it."""
        return NewEvidence(NewEvidence.of_identifiers(self._carried).identifiers, self._new.links)

    def evidence(self, known: Known) -> EvidenceWrite:
        """What is written."""
        spans, links = self._new.identifiers, self._new.links
        new = {i: span for i, span in spans.items() if i not in known.identifiers}
        seen_again = {i: span for i, span in spans.items() if i in known.identifiers}
        return EvidenceWrite(
            identifiers=new,
            known_identifiers=_unchanged(known.identifiers) | seen_again,
            links={pair: seen for pair, seen in links.items() if pair not in known.links},
            known_links={pair: seen for pair, seen in links.items() if pair in known.links},
            corrections=known.corrections,
            returning=known.unseen,
            withheld=[i for i in new if self._carried[i]],
            in_effect=known.waiting,
            judgements_rev=known.judgements_rev if new else None,
            attachment=AttachmentWrite(sorted(self._carried), self.events),
            touches_unclaimed=True,
        )

    def request(self, known: Known) -> ResolutionRequest:
        """What has to be resolved because of it."""
        blocked = {i for i, is_blocked in self._carried.items() if is_blocked}
        spans = {i: span for i, span in self._new.identifiers.items() if i not in blocked}
        links = {p: seen for p, seen in self._new.links.items() if not blocked & {*p}}
        seen = {i: it for i, it in known.identifiers.items() if i not in known.blocked | blocked}
        judged = {
            end
            for made in known.waiting
            for end in (made.a, made.b)
            if end not in spans and not self._is_blocked(end)
        }
        return ResolutionRequest(
            Starts.of(seen, judged),
            NewEvidence(spans, links, [*known.waiting]),
            returning=known.unseen - blocked,
            cross_boundary=True,
        )

    def _is_blocked(self, identifier: Identifier) -> bool:
        return isinstance(self._in_force.values.identifier(identifier), WithheldValue)


def belongs_to(carried: Mapping[Identifier, bool], policy: Policy) -> Identifier | None:
    """What an event belongs to (rule 8): a blocked one only if there is no other."""
    free = [identifier for identifier, blocked in carried.items() if not blocked]
    return strongest(free or list(carried), policy) if carried else None


def _without(each: EventCorrection, policy: Policy) -> JudgedEvent:
    observed = each.event.observed
    left = {i: blocked for i, blocked in observed.items() if i not in each.moved}
    return JudgedEvent(
        each.event.key, len(observed), belongs_to(left, policy), each.moved, each.noted
    )


def _links_lost(each: EventCorrection) -> Iterable[Pair]:
    pairs = combinations(sorted(each.event.observed), 2)
    return (pair for pair in pairs if not each.moved.keys().isdisjoint(pair))


def _unchanged(known: Mapping[Identifier, StoredIdentifier]) -> dict[Identifier, Span]:
    """Known identifiers, whose times stay, to be locked."""
    return {i: Span(stored.first_seen, stored.first_seen) for i, stored in known.items()}


def _as_they_will_be(
    known: Known,
    correction: Correction,
    degrees: Mapping[Identifier, int],
    carried: Mapping[Identifier, bool],
    policy: Policy,
) -> dict[Identifier, StoredIdentifier]:
    """What is stored of identifiers; super-connectors only if they have enough links left."""
    lost = Counter(
        end
        for pair, left in correction.links.items()
        if left is None and not any(map(carried.get, pair))
        for end in pair
    )

    def will_be(identifier: Identifier, stored: StoredIdentifier) -> StoredIdentifier:
        rule = policy.rule_of(identifier.type)
        if not stored.super_connector or rule is None or rule.max_links is None:
            return stored
        links = degrees[identifier] - lost[identifier]
        return replace(stored, super_connector=links > rule.max_links)

    return {
        i: will_be(i, stored) for i, stored in known.identifiers.items() if i not in known.blocked
    }
