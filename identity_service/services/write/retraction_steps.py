"""What a retraction does to the evidence, step by step: events lose their identifiers, or get them
back.

Every step is one transaction with the settlement that follows from it, so that customers are at
any time what the evidence says. A step that is done twice writes nothing the second time. Between
two steps other writers, above all ingest, have their turn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from identity_service.domain.retractions import Retraction
from identity_service.graph.detachments import StoredEvent
from identity_service.graph.retractions import RetractionStore
from identity_service.graph.write_rows import RetractionStep
from identity_service.services.limits import RetractionLimits
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.policies import PolicyInForce
from identity_service.services.write.corrections import (
    CorrectionDraft,
    Corrections,
    EventCorrection,
    returning,
    taking,
)
from identity_service.services.write.settler import (
    Applied,
    Draft,
    OverConnected,
    Settler,
)

_MAX_ATTEMPTS = 8
"""Then the waits between attempts begin at their shortest again, so that none nears the lease."""

_SMALLER = 8
"""By how much a step becomes smaller when its components are too much to be resolved at once."""


class NotOurs(Exception):
    """Another process is at the retraction, or it was withdrawn or begun anew."""


class RetractionSteps:
    """Takes events out of the evidence, and gives them back."""

    def __init__(
        self,
        store: RetractionStore,
        corrections: Corrections,
        settler: Settler,
        limits: RetractionLimits,
    ) -> None:
        self._store = store
        self._corrections = corrections
        self._settler = settler
        self._limits = limits

    async def take_out(self, scope: SpaceScope, made: Retraction, keys: Sequence[str]) -> int:
        """Take some events out of the evidence.

        Returns how many could not be, since too many identifiers are connected with them. Raises
        NotOurs.
        """
        portions = self._portions(await self._store.events(keys))
        return sum([await self._move(scope, made, some) for some in portions])

    async def give_back(
        self, scope: SpaceScope, made: Retraction, number: int, keys: Sequence[str]
    ) -> int:
        """Give back the events that a step took out; the steps in reverse, so that each finds the
        ids as it left them. Otherwise as `take_out`.
        """
        skipped = await self._move(scope, made, keys, number)
        if not await self._store.forget_step(made.id, self._limits.lease_ms, number):
            raise NotOurs
        return skipped

    async def draft(
        self, scope: SpaceScope, in_force: PolicyInForce, made: Retraction, keys: Sequence[str]
    ) -> CorrectionDraft | None:
        """What is to be written of some events; None where they follow the retraction already."""
        stored = await self._store.events(keys)
        if made.withdrawn_at is None:
            changed = [_taken(event, made) for event in stored]
            changed = [each for each in changed if each.moved or each.recorded]
            drafted = self._corrections.take
        else:
            changed = [_given_back(event, made, made.withdrawn_at) for event in stored]
            changed = [each for each in changed if each.moved or each.recorded]
            drafted = self._corrections.give_back
        if not changed:
            return None
        found = await drafted(scope, in_force, changed)
        most = max(self._limits.component_identifiers, in_force.policy.max_component)
        return replace(found, request=replace(found.request, most=most))

    def _portions(self, events: Sequence[StoredEvent]) -> Iterator[list[str]]:
        """The keys of the events, in parts that one transaction takes."""
        portion: list[str] = []
        links = 0
        for event in events:
            portion.append(event.key)
            carried = len(event.observed) + len(event.detached)
            links += carried * (carried - 1) // 2
            full = len(portion) == self._limits.events_per_transaction
            if full or links >= self._limits.links_per_transaction:
                yield portion
                portion, links = [], 0
        if portion:
            yield portion

    async def _move(
        self, scope: SpaceScope, made: Retraction, keys: Sequence[str], number: int | None = None
    ) -> int:
        outcome = await self._applied(scope, made, keys, number)
        if not isinstance(outcome, OverConnected):
            return 0
        if len(keys) == 1:
            return 1
        size = -(-len(keys) // _SMALLER)
        parts = [keys[begin : begin + size] for begin in range(0, len(keys), size)]
        return sum([await self._move(scope, made, part) for part in parts])

    async def _applied(
        self, scope: SpaceScope, made: Retraction, keys: Sequence[str], number: int | None
    ) -> Applied[Draft] | OverConnected[Draft]:
        cause = f"retraction:{made.id}{'' if made.withdrawn_at is None else ' withdrawn'}"

        async def proposal(in_force: PolicyInForce) -> Draft:
            found = await self.draft(scope, in_force, made, keys)
            if found is None:
                return Draft(evidence=None, cause=cause)
            return Draft(
                evidence=replace(
                    found.evidence,
                    retraction=RetractionStep(
                        made.id,
                        self._store.worker,
                        self._limits.lease_ms,
                        [each.key for each in found.events],
                        gives_back=made.withdrawn_at is not None,
                        number=number,
                    ),
                ),
                request=found.request,
                confirm=partial(self._confirm, made),
                cause=cause,
            )

        while True:
            outcome = await self._settler.apply(scope, proposal, max_attempts=_MAX_ATTEMPTS)
            if isinstance(outcome, Applied | OverConnected):
                return outcome

    async def _confirm(self, made: Retraction) -> None:
        """Raise NotOurs where somebody else is at it, so that it is not tried for ever."""
        if not await self._store.is_held(made.id):
            raise NotOurs


def _taken(event: StoredEvent, made: Retraction) -> EventCorrection:
    untouched = [
        identifier
        for identifier in (*event.observed, *event.detached)
        if all(cause != made.id for cause, *_ in event.of(identifier))
    ]
    return taking(event, untouched, (made.id, made.made_at, None))


def _given_back(event: StoredEvent, made: Retraction, at: int) -> EventCorrection:
    retracted = [
        identifier
        for identifier, periods in event.periods.items()
        if any(cause == made.id and until is None for cause, _, until in periods)
    ]
    return returning(event, retracted, made.id, at)
