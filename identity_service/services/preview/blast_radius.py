"""The blast radius of an identifier: what falls apart if its value is blocked."""

from __future__ import annotations

import asyncio
from typing import Final

from identity_service.domain.identifiers import Identifier
from identity_service.domain.policies.block_value import with_blocked
from identity_service.domain.policies.parse import parse_stored_policy
from identity_service.domain.policies.policy import LINKS_PER_IDENTIFIER, Policy
from identity_service.domain.policies.value_rules import ValueRules, WithheldValue
from identity_service.domain.preview.preview import PreviewRun
from identity_service.domain.preview.snapshot import Snapshot
from identity_service.domain.resolution.subgraph import NewEvidence, Subgraph
from identity_service.errors import TooLarge
from identity_service.graph.evidence import EvidenceStore
from identity_service.graph.policies import PolicyStore
from identity_service.services.preview.previews import PolicyPreview
from identity_service.services.read.view import Missing, MissingReason, missing
from identity_service.services.resolution.subgraph_loader import beyond_the_walk, load_until_closed
from identity_service.services.spaces.access import SpaceScope

_AT_ONCE: Final = 2


class BlastRadius:
    """Compares the customers around an identifier with what they would be without it."""

    def __init__(self, store: EvidenceStore, policy_store: PolicyStore, most: int) -> None:
        """`most` identifiers may be connected with the one that is asked about."""
        self._store = store
        self._policy_store = policy_store
        self._most = most
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def of(self, scope: SpaceScope, raw: Identifier) -> PolicyPreview | Missing:
        """What the policy in force would change with this value blocked besides.

        Raises TooLarge where too many identifiers are connected with it, and PolicyInvalid when
        the policy's text grows too long.
        """
        stored = await self._policy_store.in_force(scope.space)
        before = parse_stored_policy(stored.text)
        identifier = ValueRules(before).identifier(raw)
        if isinstance(identifier, WithheldValue):
            return missing(identifier)
        known = await self._store.read_known(
            scope.space, (), NewEvidence.of_identifiers((identifier,))
        )
        if identifier not in known.identifiers:
            return Missing(MissingReason.UNKNOWN, f"{identifier} was never seen here.")
        text = with_blocked(stored.text, identifier)
        policy = parse_stored_policy(text)
        async with self._room:
            subgraph = await self._around(
                scope,
                policy,
                stored.version,
                identifier,
                is_super_connector=known.identifiers[identifier].super_connector,
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
        is_super_connector: bool,
    ) -> Subgraph:
        """All that is connected with an identifier, and with what is released without it.

        A super-connector connects nothing but what was judged the same with it.
        """

        values = ValueRules(policy)

        def missing(subgraph: Subgraph) -> set[Identifier]:
            found = _released(subgraph, identifier, policy) | beyond_the_walk(
                subgraph, values.lets_through
            )
            return found - subgraph.interior - {identifier}

        subgraph = await load_until_closed(
            self._store,
            scope.space,
            policy,
            version,
            starts=() if is_super_connector else (identifier,),
            boundary=(identifier,) if is_super_connector else (),
            cross_boundary=True,
            most=self._most,
            most_links=LINKS_PER_IDENTIFIER * self._most,
            missing=missing,
        )
        if subgraph is None:
            raise TooLarge(
                f"More than {self._most:,} identifiers are connected with {identifier}.",
                remedy="Preview a policy that blocks it instead.",
            )
        return subgraph


def _released(subgraph: Subgraph, identifier: Identifier, policy: Policy) -> set[Identifier]:
    """Super-connectors that would have few enough links without the one to `identifier`."""
    found: set[Identifier] = set()
    for other, node in subgraph.boundary.items():
        rule = policy.rule_of(other.type)
        linked = (min(identifier, other), max(identifier, other)) in subgraph.links
        if linked and rule and rule.max_links is not None and node.degree - 1 <= rule.max_links:
            found.add(other)
    return found
