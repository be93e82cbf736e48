"""The blast radius of an identifier: what falls apart if its value is blocked."""

from __future__ import annotations

import asyncio
from typing import Final

from identity_service.domain.identifiers import Identifier
from identity_service.domain.policies.block_value import with_blocked
from identity_service.domain.policies.parse import parse_policy
from identity_service.domain.policies.policy import Policy
from identity_service.domain.policies.value_rules import Values, Withheld
from identity_service.domain.preview.comparison import Comparison
from identity_service.domain.preview.snapshot_part import snapshot_of
from identity_service.domain.resolution.subgraph import NewEvidence, Region
from identity_service.errors import TooLarge
from identity_service.graph.evidence import EvidenceStore
from identity_service.graph.policies import PolicyStore
from identity_service.services.preview.previews import PolicyPreview
from identity_service.services.read.current import Missing, MissingReason, withheld
from identity_service.services.spaces.access import SpaceScope

MOST_LOADED: Final = 100_000
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

        Raises TooLarge where more than MOST_LOADED identifiers hang together, and PolicyInvalid
        when the policy's text grows too long.
        """
        stored = await self._policy_store.in_force(scope.space)
        before = parse_policy(stored.text)
        identifier = Values(before).identifier(raw)
        if isinstance(identifier, Withheld):
            return withheld(identifier)
        known = await self._store.read_known(
            scope.space, (), NewEvidence.of_identifiers((identifier,))
        )
        if identifier not in known.identifiers:
            return Missing(MissingReason.UNKNOWN, f"{identifier} was never seen here.")
        text = with_blocked(stored.text, identifier)
        policy = parse_policy(text)
        async with self._room:
            region = await self._around(
                scope,
                policy,
                stored.version,
                identifier,
                connector=known.identifiers[identifier].super_connector,
            )
            comparison = await asyncio.to_thread(
                Comparison, snapshot_of(region), policy, Values(policy)
            )
            for group in comparison.groups:
                await asyncio.to_thread(comparison.take, group)
        return PolicyPreview(text, policy, comparison.outcome())

    async def _around(
        self,
        scope: SpaceScope,
        policy: Policy,
        version: int,
        identifier: Identifier,
        *,
        connector: bool,
    ) -> Region:
        """All that hangs together with an identifier, and with what its loss releases.

        A super-connector holds nothing together but what was judged the same with it.
        """
        starts = set[Identifier]() if connector else {identifier}
        edges = {identifier} if connector else set[Identifier]()
        while True:
            region = await self._store.load_region(
                scope.space,
                policy,
                version,
                starts=starts,
                edges=edges,
                across=True,
                most=MOST_LOADED,
            )
            if region is None:
                raise TooLarge(
                    f"More than {MOST_LOADED:,} identifiers hang together with {identifier}.",
                    remedy="Preview a policy that blocks it instead.",
                )
            more = _released(region, identifier, policy) | region.severed
            more |= {other for edge in region.edges.values() for other in edge.judged}
            if more <= region.near | {identifier}:
                return region
            starts |= more


def _released(region: Region, identifier: Identifier, policy: Policy) -> set[Identifier]:
    """Super-connectors that would be none any more with one link less."""
    found: set[Identifier] = set()
    for other, edge in region.edges.items():
        rule = policy.rule_of(other.type)
        linked = (min(identifier, other), max(identifier, other)) in region.links
        if linked and rule and rule.max_links is not None and edge.degree - 1 <= rule.max_links:
            found.add(other)
    return found
