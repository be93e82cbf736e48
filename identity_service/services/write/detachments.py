"""What is written when a judgement takes an identifier from an event, or is withdrawn."""

from __future__ import annotations

from dataclasses import dataclass, replace

from identity_service.domain.explain import detachment_outcome
from identity_service.domain.judgements import Detachment
from identity_service.errors import NoSuch
from identity_service.graph.detachments import DetachmentStore, StoredEvent
from identity_service.graph.write_rows import EvidenceWrite, Withdrawal
from identity_service.services.resolution.component_resolver import ResolutionRequest
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.policies import PolicyInForce
from identity_service.services.write.corrections import (
    Corrections,
    belongs_to,
    returning,
    taking,
)


@dataclass(frozen=True, slots=True)
class EventsChange:
    """What is to be written, what has to be resolved because of it, and that in a sentence."""

    evidence: EvidenceWrite
    request: ResolutionRequest
    message: str


class Detachments:
    """Drafts what is written about events. Writes nothing."""

    def __init__(self, events: DetachmentStore, corrections: Corrections) -> None:
        self._events = events
        self._corrections = corrections

    async def detach(
        self, scope: SpaceScope, in_force: PolicyInForce, made: Detachment
    ) -> EventsChange:
        """Events lose an identifier.

        Raises FieldInvalid, at `messageId` or `identifier`, where no event carries it.
        """
        identifier = made.a
        stored = await self._carrying(scope, made)
        losing = [event for event in stored if identifier in event.observed]
        draft = await self._corrections.take(
            scope,
            in_force,
            [taking(event, [identifier], (made.id, made.made_at, None)) for event in stored],
        )
        if losing:
            of_first = next(each for each in draft.events if each.key == losing[0].key)
            message = detachment_outcome.detached(
                losing[0].name,
                identifier,
                before=belongs_to(losing[0].observed, in_force.policy),
                after=of_first.strongest,
                is_seen=draft.is_seen[identifier],
            )
        else:
            periods = stored[0].of(identifier)
            standing = [judgement for judgement, _, until in periods if until is None]
            message = detachment_outcome.detached_before(stored[0].name, identifier, standing)
        return EventsChange(replace(draft.evidence, made=[made]), draft.request, message)

    async def withdraw(
        self,
        scope: SpaceScope,
        in_force: PolicyInForce,
        made: Detachment,
        withdrawal: Withdrawal,
    ) -> EventsChange:
        """Events get an identifier back, unless another judgement stands that takes it."""
        identifier = made.a
        stored = [
            event
            for event in await self._events.events(scope.space, made.message_id)
            if any(judgement == made.id for judgement, _, _ in event.of(identifier))
        ]
        draft = await self._corrections.give_back(
            scope,
            in_force,
            [returning(event, [identifier], made.id, withdrawal.at) for event in stored],
        )
        standing = [
            judgement
            for event in stored
            for judgement, _, until in event.of(identifier)
            if until is None and judgement != made.id
        ]
        message = detachment_outcome.withdrawn(
            stored[0].name, identifier, draft.events[0].strongest, standing
        )
        return EventsChange(replace(draft.evidence, withdrawn=[withdrawal]), draft.request, message)

    async def _carrying(self, scope: SpaceScope, made: Detachment) -> list[StoredEvent]:
        """The events that carry the identifier, or did before a judgement took it."""
        stored = await self._events.events(scope.space, made.message_id)
        if not stored:
            raise NoSuch(
                "messageId", f"No event of this space has the message id “{made.message_id}”."
            )
        found = [e for e in stored if made.a in e.observed or made.a in e.detached]
        if not found:
            carried = ", ".join(str(i) for event in stored for i in event.observed)
            raise NoSuch(
                "identifier", f"The event does not carry {made.a}. It carries {carried or 'none'}."
            )
        return found
