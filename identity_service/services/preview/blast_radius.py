"""The blast radius of an identifier: what falls apart if its value is blocked."""

from __future__ import annotations

import asyncio
from typing import Final

from identity_service.domain.identifiers import Identifier
from identity_service.domain.policies.block_value import with_blocked
from identity_service.domain.policies.parse import parse_policy
from identity_service.domain.policies.policy import Policy
from identity_service.domain.policies.value_rules import ValueRules, WithheldValue
from identity_service.domain.preview.preview import PreviewRun
from identity_service.domain.preview.snapshot import Snapshot
from identity_service.domain.resolution.subgraph import NewEvidence, Subgraph
from identity_service.errors import TooLarge
from identity_service.graph.evidence import EvidenceStore
from identity_service.graph.policies import PolicyStore
from identity_service.services.preview.previews import PolicyPreview
from identity_service.services.read.current import Missing, MissingReason, withheld
from identity_service.services.spaces.access import SpaceScope

MAX_LOADED: Final = 100_000
"""Identifiers that may hang together with the one that is asked about: far beyond what a policy
lets be resolved, since a value that holds too many together is the first to be blocked."""

_AT_ONCE: Final = 2


class BlastRadius:
    """Compares what is settled around an identifier with what is left without it."""

    def __init__(self, store: EvidenceStore, policy_store: PolicyStore) -> None:
        self._store = store
        self._policy_store = policy_store
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def of(self, scope: SpaceScope, raw: Identifier) -> PolicyPreview | Missing:
        """What the policy in force would change with this value blocked besides.

        Raises TooLarge where more than MAX_LOADED identifiers hang together, and PolicyInvalid
        when the policy's text grows too long.
        """
        stored = await self._policy_store.in_force(scope.space)
        before = parse_policy(stored.text)
        identifier = ValueRules(before).identifier(raw)
        if isinstance(identifier, WithheldValue):
            return withheld(identifier)
        known = await self._store.read_known(
            scope.space, (), NewEvidence.of_identifiers((identifier,))
        )
        if identifier not in known.identifiers:
            return Missing(MissingReason.UNKNOWN, f"{identifier} was never seen here.")
        text = with_blocked(stored.text, identifier)
        policy = parse_policy(text)
        async with self._room:
            subgraph = await self._around(
                scope,
                policy,
                stored.version,
                identifier,
                connector=known.identifiers[identifier].super_connector,
            )
            run = await asyncio.to_thread(
                PreviewRun, Snapshot.of(subgraph), policy, ValueRules(policy)
            )
            for group in run.groups:
                await asyncio.to_thread(run.compare, group)
        return PolicyPreview(text, policy, run.result())

    async def _around(
        self,
        scope: SpaceScope,
        policy: Policy,
        version: int,
        identifier: Identifier,
        *,
        connector: bool,
    ) -> Subgraph:
        """All that hangs together with an identifier, and with what its loss releases.

        A super-connector holds nothing together but what was judged the same with it.
        """
        starts = set[Identifier]() if connector else {identifier}
        boundary = {identifier} if connector else set[Identifier]()
        while True:
            subgraph = await self._store.load_subgraph(
                scope.space,
                policy,
                version,
                starts=starts,
                boundary=boundary,
                cross_boundary=True,
                most=MAX_LOADED,
            )
            if subgraph is None:
                raise TooLarge(
                    f"More than {MAX_LOADED:,} identifiers hang together with {identifier}.",
                    remedy="Preview a policy that blocks it instead.",
                )
            more = _released(subgraph, identifier, policy) | subgraph.cut_off_by_block
            more |= {other for node in subgraph.boundary.values() for other in node.judged}
            if more <= subgraph.interior | {identifier}:
                return subgraph
            starts |= more


def _released(subgraph: Subgraph, identifier: Identifier, policy: Policy) -> set[Identifier]:
    """Super-connectors that would be none any more with one link less."""
    found: set[Identifier] = set()
    for other, node in subgraph.boundary.items():
        rule = policy.rule_of(other.type)
        linked = (min(identifier, other), max(identifier, other)) in subgraph.links
        if linked and rule and rule.max_links is not None and node.degree - 1 <= rule.max_links:
            found.add(other)
    return found
