"""What a judgement would change. Nothing is written."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import Detachment, Judgement, Verdict, require_two
from identity_service.domain.policies.parse import parse_policy
from identity_service.domain.policies.value_rules import ValueRules
from identity_service.domain.preview.report import Preview
from identity_service.domain.preview.resolved import preview_resolved
from identity_service.domain.resolution.subgraph import NewEvidence
from identity_service.errors import FieldInvalid
from identity_service.graph.evidence import EvidenceStore
from identity_service.graph.policies import PolicyStore
from identity_service.services.kit.clock import Clock
from identity_service.services.kit.offload import offload_if_large
from identity_service.services.preview.previews import PolicyPreview
from identity_service.services.preview.time_limit import in_time
from identity_service.services.resolution.component_resolver import (
    ComponentResolver,
    ResolutionRequest,
    Resolved,
    Starts,
    too_much,
)
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.policies import PolicyInForce
from identity_service.services.write.detachments import Detachments

_AT_ONCE: Final = 2
"""Judgements that this process previews at a time."""


class JudgementPreviews:
    """Resolves what a judgement would touch, as judging does, and compares."""

    def __init__(
        self,
        store: EvidenceStore,
        policy_store: PolicyStore,
        detachments: Detachments,
        resolver: ComponentResolver,
        clock: Clock,
        timeout: float | None,
    ) -> None:
        """`timeout`: seconds that a preview may take, None for any time."""
        self._store = store
        self._policy_store = policy_store
        self._detachments = detachments
        self._resolver = resolver
        self._clock = clock
        self._timeout = timeout
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def of_pair(
        self, scope: SpaceScope, verdict: Verdict, a: Identifier, b: Identifier
    ) -> PolicyPreview:
        """What judging two identifiers, as they were typed, would change.

        Nothing where one was not seen yet: the judgement would wait for it. Raises FieldInvalid,
        at `a` or `b`, TooLarge where a component is over-connected, and Unavailable.
        """
        text, in_force = await self._in_force(scope)
        ends = in_force.normalised("a", a), in_force.normalised("b", b)
        require_two(*ends)
        made = Judgement("", verdict, *ends, made_at=self._clock())

        async def request() -> ResolutionRequest:
            known = await self._store.read_known(scope.space, (), NewEvidence.of_identifiers(ends))
            seen = {i: at for i, at in known.identifiers.items() if i not in known.blocked}
            new = NewEvidence(judgements=[made])
            return ResolutionRequest(Starts.of(seen), new, cross_boundary=True)

        found = await self._previewed(scope, in_force, request)
        return PolicyPreview(text, in_force.policy, found)

    async def of_event(
        self, scope: SpaceScope, message_id: str, identifier: Identifier
    ) -> PolicyPreview:
        """What taking an identifier, as it was typed, from an event would change.

        Raises FieldInvalid, at `messageId` or `a`, TooLarge and Unavailable likewise.
        """
        text, in_force = await self._in_force(scope)
        named = in_force.normalised("a", identifier)
        made = Detachment("", named, message_id, made_at=self._clock())

        async def request() -> ResolutionRequest:
            try:
                return (await self._detachments.detach(scope, in_force, made)).request
            except FieldInvalid as error:
                path = error.problems[0].path.replace("identifier", "a")
                raise FieldInvalid(path, str(error)) from None

        found = await self._previewed(scope, in_force, request)
        return PolicyPreview(text, in_force.policy, found)

    async def _in_force(self, scope: SpaceScope) -> tuple[str, PolicyInForce]:
        """The policy in force, as text and read."""
        stored = await self._policy_store.in_force(scope.space)
        policy = parse_policy(stored.text)
        return stored.text, PolicyInForce(stored.version, policy, ValueRules(policy))

    async def _previewed(
        self,
        scope: SpaceScope,
        in_force: PolicyInForce,
        drafted: Callable[[], Awaitable[ResolutionRequest]],
    ) -> Preview:
        async with self._room, in_time(self._timeout):
            request = await drafted()
            resolved = await self._resolver.resolve(scope, in_force, request)
            if resolved is None:
                raise too_much(in_force.policy.max_component)
            return await offload_if_large(
                len(resolved.subgraph.nodes), compared(resolved, in_force)
            )


def compared(resolved: Resolved, in_force: PolicyInForce) -> Callable[[], Preview]:
    """Compares what was resolved with what is stored, once it is called."""
    given = resolved.resolution_input
    return lambda: preview_resolved(
        given.settled, given.evidence, resolved.resolution, in_force.policy, resolved.gone
    )
