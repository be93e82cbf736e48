"""Settling a whole space anew after its policy changed.

Customers remember the policy version that they were settled under, so the work is simply: as
long as there are customers of an older version, settle the components of some of them. That
can be stopped and taken up again, and goes on beside ingest.
"""

from __future__ import annotations

import asyncio
import random

from identity_service.domain.changes import Change
from identity_service.domain.identifiers import Identifier
from identity_service.domain.policy import Policy
from identity_service.domain.recorded import PolicyVersion
from identity_service.domain.region import NewEvidence, StoredIdentifier
from identity_service.domain.values import Values, Withheld
from identity_service.errors import Stale
from identity_service.graph.evidence import Batch, EvidenceStore
from identity_service.graph.policies import PolicyStore, ToSettle
from identity_service.services.access import SpaceScope
from identity_service.services.clock import Clock
from identity_service.services.policies import Policies, PolicyInForce
from identity_service.services.settlement import Settlement, starts
from identity_service.services.turns import Turns

CUSTOMERS_AT_ONCE = 200
"""Customers whose components are settled in one transaction."""


class Resettlement:
    """Puts policies in force and settles spaces by them."""

    def __init__(
        self,
        store: EvidenceStore,
        policy_store: PolicyStore,
        policies: Policies,
        settlement: Settlement,
        turns: Turns,
        clock: Clock,
    ) -> None:
        self._store = store
        self._policy_store = policy_store
        self._policies = policies
        self._settlement = settlement
        self._turns = turns
        self._clock = clock

    async def set_policy(
        self, scope: SpaceScope, text: str, expected_version: int, note: str | None
    ) -> PolicyVersion:
        """Put a policy in force and settle the space by it before this returns.

        Raises PolicyInvalid, and VersionConflict when `expected_version` is not in force.
        """
        before = await self._policies.in_force(scope)
        version = await self._policies.put_in_force(
            scope, text, expected_version, note, self._clock()
        )
        after = await self._policies.in_force(scope)
        await self.settle(scope)
        if _priorities(before.policy) != _priorities(after.policy):
            await self._policy_store.attribute_events(scope.space, after.policy)
        return version

    async def settle(self, scope: SpaceScope) -> None:
        """Settle whatever the policy in force has not reached yet."""
        in_force = await self._policies.in_force(scope)
        await self._unblock(scope, in_force.values)
        passed_by: set[Identifier] = set()
        while True:
            found = await self._policy_store.to_settle(
                scope.space, in_force.version, CUSTOMERS_AT_ONCE
            )
            remaining = {i: s for i, s in found.starts.items() if i not in passed_by}
            if not found.customers and not remaining:
                break
            if not await self._settle_some(scope, in_force, remaining):
                passed_by |= await self._settle_each(scope, in_force, found)
            await self._policy_store.record_progress(scope.space, in_force.version)

    async def _settle_each(
        self, scope: SpaceScope, in_force: PolicyInForce, found: ToSettle
    ) -> set[Identifier]:
        """Settle one component at a time; returns where that was not possible."""
        passed_by: set[Identifier] = set()
        for start, stored in found.starts.items():
            if not await self._settle_some(scope, in_force, {start: stored}):
                passed_by.add(start)
        if passed_by:
            await self._policy_store.keep_as_settled(scope.space, found.customers, in_force.version)
        return passed_by

    async def _settle_some(
        self,
        scope: SpaceScope,
        in_force: PolicyInForce,
        begin_at: dict[Identifier, StoredIdentifier],
    ) -> bool:
        """Settle the components of some identifiers. False: too much hangs together."""
        attempt = 0
        while True:
            try:
                async with self._turns.of(scope):
                    decision = await self._settlement.decide(
                        scope,
                        in_force.policy,
                        NewEvidence(),
                        touched=starts(begin_at),
                        across=True,
                        blocked=lambda i: isinstance(in_force.values.identifier(i), Withheld),
                    )
                    if decision is None:
                        return False
                    found = self._settlement.difference(decision, in_force.policy)
                    batch = Batch(scope.space, in_force.version, self._clock())
                    batch.blocked = decision.blocked

                    def cause(_: Change) -> str:
                        return f"policy:{in_force.version}"

                    if await self._store.write_settlement(
                        batch,
                        decision.region.revisions,
                        decision.question.evidence.identifiers,
                        found,
                        self._settlement.entries(found.changes, cause),
                    ):
                        return True
            except Stale:
                pass
            if (await self._policy_store.in_force(scope.space)).version != in_force.version:
                return True  # a newer version will settle all of this
            attempt += 1
            await asyncio.sleep(random.uniform(0, 0.005 * 2 ** min(attempt, 8)))  # noqa: S311

    async def _unblock(self, scope: SpaceScope, values: Values) -> None:
        """Give back known identifiers that the policy no longer blocks."""
        blocked = await self._policy_store.blocked(scope.space)
        free = [i for i in blocked if not isinstance(values.identifier(i), Withheld)]
        if free:
            await self._policy_store.unblock(scope.space, free)


def _priorities(policy: Policy) -> tuple[dict[str, int], int | None]:
    other = policy.other.priority if policy.other else None
    return {kind: rule.priority for kind, rule in policy.rules.items()}, other
