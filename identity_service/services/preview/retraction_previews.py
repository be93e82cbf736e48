"""What a retraction would change. Nothing is written."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from identity_service.domain.policies.parse import parse_policy
from identity_service.domain.policies.value_rules import ValueRules
from identity_service.domain.retractions import Retraction
from identity_service.graph.policies import PolicyStore
from identity_service.services.kit.offload import offload_if_large
from identity_service.services.preview.judgement_previews import compared
from identity_service.services.preview.previews import PolicyPreview
from identity_service.services.preview.time_limit import in_time
from identity_service.services.resolution.component_resolver import ComponentResolver
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.policies import PolicyInForce
from identity_service.services.write.retraction_steps import RetractionSteps
from identity_service.services.write.retractions import Retractions

MAX_COMPARED: Final = 2_000
"""Most events of which a preview says what becomes of the customers."""

MAX_COUNTED: Final = 1_000_000
"""Most events that a preview counts."""

_AT_ONCE: Final = 1
"""Retractions that this process previews at a time."""


@dataclass(frozen=True, slots=True)
class RetractionPreview:
    """What a retraction would do.

    `events` are retracted by it, `more` says that these are not all, since no more were counted.
    Of them `identifiers` and `links` lose sightings; `unseen` identifiers would be carried by no
    other event. These three and `comparison`, the customers before and after, are None where the
    events, or what is connected with them, are too many to be resolved while somebody waits.
    """

    events: int
    more: bool
    identifiers: int | None = None
    unseen: int | None = None
    links: int | None = None
    comparison: PolicyPreview | None = None

    @property
    def message(self) -> str:
        """That in a sentence."""
        counted = f"{'More than ' if self.more else ''}{self.events:,} events would not count"
        if self.comparison is not None:
            return f"{counted}; {self.unseen:,} identifiers are carried by no other event."
        if self.events > MAX_COMPARED:
            return f"{counted}: too many to say what becomes of the customers."
        if self.identifiers == 0:
            return f"{counted}; none of them counts now."
        return f"{counted}. Too many identifiers are connected with them to say what becomes of it."


class RetractionPreviews:
    """Resolves what a retraction would touch, as retracting does, and compares."""

    def __init__(
        self,
        retractions: Retractions,
        steps: RetractionSteps,
        policy_store: PolicyStore,
        resolver: ComponentResolver,
        timeout: float | None,
    ) -> None:
        """`timeout`: seconds that a preview may take, None for any time."""
        self._retractions = retractions
        self._steps = steps
        self._policy_store = policy_store
        self._resolver = resolver
        self._timeout = timeout
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def preview(
        self, scope: SpaceScope, source: str, begin: int, until: int
    ) -> RetractionPreview:
        """What retracting would do. Raises FieldInvalid as `Retractions.named`, and Unavailable."""
        made = await self._retractions.named(scope, source, begin, until)
        async with self._room, in_time(self._timeout):
            events, keys = await self._events(scope, made)
            if events > MAX_COMPARED:
                return RetractionPreview(min(events, MAX_COUNTED), events > MAX_COUNTED)
            return await self._compared(scope, made, keys)

    async def _events(self, scope: SpaceScope, made: Retraction) -> tuple[int, list[str]]:
        """How many events it covers, and the keys of the first ones."""
        count, first = 0, list[str]()
        async for _, keys in self._retractions.pages(scope, made, (made.begin, "")):
            count += len(keys)
            first += keys[: MAX_COMPARED - len(first)]
            if count > MAX_COUNTED:
                break
        return count, first

    async def _compared(
        self, scope: SpaceScope, made: Retraction, keys: list[str]
    ) -> RetractionPreview:
        stored = await self._policy_store.in_force(scope.space)
        policy = parse_policy(stored.text)
        in_force = PolicyInForce(stored.version, policy, ValueRules(policy))
        draft = await self._steps.draft(scope, in_force, made, keys)
        detachment = draft.evidence.detachment if draft else None
        if draft is None or detachment is None or not draft.is_seen:
            return RetractionPreview(len(keys), more=False, identifiers=0, unseen=0, links=0)
        resolved = await self._resolver.resolve(scope, in_force, draft.request)
        if resolved is None:
            return RetractionPreview(len(keys), more=False)
        found = await offload_if_large(len(resolved.subgraph.nodes), compared(resolved, in_force))
        return RetractionPreview(
            len(keys),
            more=False,
            identifiers=len(draft.is_seen),
            unseen=sum(not seen for seen in draft.is_seen.values()),
            links=len(detachment.correction.links),
            comparison=PolicyPreview(stored.text, policy, found),
        )
