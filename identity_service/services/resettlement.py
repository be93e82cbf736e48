"""Settling a whole space anew after its policy changed.

Customers remember the policy version that they were settled under, so the work is simply: as
long as there are customers of an older version, settle the components of some of them. That
can be stopped and taken up again, and goes on beside ingest.

Super-connectors come last: whether one still is one shows in its links, those to identifiers that
are blocked now left out, and by then these are known.
"""

from __future__ import annotations

from collections.abc import Mapping

from identity_service.domain.changes import Change
from identity_service.domain.identifiers import Identifier
from identity_service.domain.recorded import PolicyVersion
from identity_service.domain.region import NewEvidence, StoredIdentifier
from identity_service.domain.values import Values, Withheld
from identity_service.domain.withheld import observed_again
from identity_service.errors import Stale
from identity_service.graph.batches import Batch
from identity_service.graph.evidence import EvidenceStore
from identity_service.graph.policies import PolicyStore
from identity_service.services.access import SpaceScope
from identity_service.services.clock import Clock
from identity_service.services.policies import Policies, PolicyInForce
from identity_service.services.settlement import Settlement, starts
from identity_service.services.turns import Turns, step_back

EVENTS_AT_ONCE = 500
"""Events that observe in one transaction what was withheld from them."""

CUSTOMERS_AT_ONCE = 200
"""Customers whose components are settled in one transaction."""

_PLAIN = StoredIdentifier(0, None, contested=False, super_connector=False)


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
        version = await self._policies.put_in_force(
            scope, text, expected_version, note, self._clock()
        )
        await self.settle(scope)
        return version

    async def settle(self, scope: SpaceScope) -> None:
        """Settle whatever the policy in force has not reached yet."""
        self._policies.forget(scope)
        in_force = await self._policies.in_force(scope)
        await self._policy_store.await_writers()
        await self._unblock(scope, in_force.values)
        while not await self._observe_again(scope, in_force):
            if await self._is_over(scope, in_force):
                return  # a newer version will settle all of this
        passed_by = await self._settle_customers(scope, in_force)
        await self._release_super_connectors(scope, in_force, passed_by)
        await self._policy_store.attribute_events(scope.space, in_force.policy)

    async def _settle_customers(
        self, scope: SpaceScope, in_force: PolicyInForce
    ) -> set[Identifier]:
        """Settle customers of older versions; returns where that was not possible."""
        passed_by: set[Identifier] = set()
        while not await self._is_over(scope, in_force):
            found = await self._policy_store.to_settle(
                scope.space, in_force.version, CUSTOMERS_AT_ONCE
            )
            begin_at = dict(found.starts) | dict.fromkeys(found.waiting - passed_by, _PLAIN)
            if not begin_at:
                break
            if not await self._settle_some(scope, in_force, begin_at):
                passed_by |= await self._settle_each(scope, in_force, begin_at)
            # What was passed by stays as it is, and super-connectors were not walked through:
            # neither says by itself that the version has reached it.
            await self._policy_store.keep_as_settled(scope.space, found.customers, in_force.version)
            await self._policy_store.record_progress(scope.space, in_force.version)
        return passed_by

    async def _release_super_connectors(
        self, scope: SpaceScope, in_force: PolicyInForce, passed_by: set[Identifier]
    ) -> None:
        """Settle super-connectors anew that have not so many links as to be any."""

        def is_none(identifier: Identifier, links: int) -> bool:
            rule = in_force.policy.rule_of(identifier.type)
            return rule is None or rule.max_links is None or links <= rule.max_links

        while not await self._is_over(scope, in_force):
            found = await self._policy_store.super_connectors(scope.space)
            released = {i for i, links in found.items() if is_none(i, links)}
            begin_at = dict.fromkeys(released - passed_by, _PLAIN)
            if not begin_at:
                return
            if not await self._settle_some(scope, in_force, begin_at):
                passed_by |= await self._settle_each(scope, in_force, begin_at)

    async def _settle_each(
        self,
        scope: SpaceScope,
        in_force: PolicyInForce,
        begin_at: Mapping[Identifier, StoredIdentifier],
    ) -> set[Identifier]:
        """Settle one component at a time; returns where that was not possible."""
        passed_by: set[Identifier] = set()
        for start, stored in begin_at.items():
            if not await self._settle_some(scope, in_force, {start: stored}):
                passed_by.add(start)
        return passed_by

    async def _settle_some(
        self,
        scope: SpaceScope,
        in_force: PolicyInForce,
        begin_at: Mapping[Identifier, StoredIdentifier],
    ) -> bool:
        """Settle the components of some identifiers. False: too much hangs together."""
        attempt = 0
        while True:
            try:
                async with self._turns.of(scope):
                    decision = await self._settlement.decide(
                        scope,
                        in_force,
                        NewEvidence(),
                        touched=starts(begin_at),
                        across=True,
                    )
                    if decision is None:
                        return False
                    found = self._settlement.difference(decision, in_force.policy)
                    batch = Batch(scope.space, in_force.version, self._clock())
                    batch.blocked = decision.blocked
                    batch.settled = list(decision.region.near)

                    def cause(_: Change) -> str:
                        return f"policy:{in_force.version}"

                    written = await self._store.write_settlement(
                        batch,
                        decision.region,
                        decision.question.evidence.identifiers,
                        found,
                        self._settlement.entries(found.changes, cause),
                    )
                    if written:
                        return True
            except Stale:
                pass
            if await self._is_over(scope, in_force):
                return True  # a newer version will settle all of this
            attempt += 1
            await step_back(min(attempt, 8))

    async def _is_over(self, scope: SpaceScope, in_force: PolicyInForce) -> bool:
        return (await self._policy_store.in_force(scope.space)).version != in_force.version

    async def _unblock(self, scope: SpaceScope, values: Values) -> None:
        """Give back known identifiers that the policy no longer blocks."""
        blocked = await self._policy_store.blocked(scope.space)
        free = [i for i in blocked if not isinstance(values.identifier(i), Withheld)]
        if free:
            await self._policy_store.unblock(scope.space, free)

    async def _observe_again(self, scope: SpaceScope, in_force: PolicyInForce) -> bool:
        """Let events observe what earlier policies withheld from them and this one does not.

        False: somebody else does the same, or the policy is no longer in force.
        """
        async for page in self._policy_store.events_withheld_from(scope.space):
            again = [found for event in page if (found := observed_again(event, in_force.values))]
            for i in range(0, len(again), EVENTS_AT_ONCE):
                async with self._turns.of(scope):
                    written = await self._policy_store.observe_again(
                        scope.space, in_force.version, again[i : i + EVENTS_AT_ONCE]
                    )
                if not written:
                    return False
        return True
