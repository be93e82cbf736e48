"""A batch of accounts, computed from all events of their members, and written."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from identity_service.errors import TooLarge
from identity_service.graph.profile_evidence import ProfileEvidenceReader, StoredAccount
from identity_service.graph.profile_writes import ComputedAccount, ProfilesWrite
from identity_service.graph.profiles import ProfileStore
from identity_service.observability import PROFILES_POSTPONED, PROFILES_TOO_LARGE
from identity_service.services.kit.clock import Clock
from identity_service.services.limits import ProfileLimits
from identity_service.services.profiles.account_computation import (
    AccountOutcome,
    compute_accounts,
)
from identity_service.services.profiles.batches import TakenOver, put_off
from identity_service.services.profiles.membership_changes import changes_of_accounts
from identity_service.services.read.profile_evidence import ProfileEvidence
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.policies import Policies
from identity_service.services.spaces.profile_texts import ProfilesInForce

ACCOUNTS_AT_ONCE: Final = 20
"""So many have the events of their members read together."""

_log = structlog.get_logger(__name__)


class AccountBatches:
    """Computes accounts and writes how their memberships change."""

    def __init__(
        self,
        policies: Policies,
        reader: ProfileEvidenceReader,
        evidence: ProfileEvidence,
        store: ProfileStore,
        clock: Clock,
        limits: ProfileLimits,
    ) -> None:
        self._policies = policies
        self._reader = reader
        self._evidence = evidence
        self._store = store
        self._clock = clock
        self._limits = limits

    async def compute(
        self,
        scope: SpaceScope,
        in_force: ProfilesInForce,
        ids: Sequence[str],
        position: int,
        *,
        rolled_out: bool,
    ) -> int:
        """Compute the first of these accounts; how many are written. Raises TakenOver.

        `position`: of the ledger when they were found. What is not written has a member that was
        settled meanwhile.
        """
        space, now = scope.space, self._clock()
        stored = await self._reader.stored_accounts(space, ids[:ACCOUNTS_AT_ONCE])
        later = {
            each.account_id: ComputedAccount(each.mark, {"due": due})
            for each in stored
            if (
                due := put_off(each.events, each.last and each.last.evaluated_at, now, self._limits)
            )
        }
        written = 0
        if later:
            PROFILES_POSTPONED.labels(space).inc(len(later))
            write = ProfilesWrite(in_force.version, now, accounts=later)
            written = await self._written(space, write)
        return written + await self._write_or_halve(
            scope,
            in_force,
            [each for each in stored if each.account_id not in later],
            position,
            rolled_out=rolled_out,
        )

    async def _write_or_halve(
        self,
        scope: SpaceScope,
        in_force: ProfilesInForce,
        stored: Sequence[StoredAccount],
        position: int,
        *,
        rolled_out: bool,
    ) -> int:
        """Compute accounts and write them; what is too much together in halves, or else later."""
        if not stored:
            return 0
        try:
            return await self._write(scope, in_force, stored, position, rolled_out=rolled_out)
        except TooLarge:
            if len(stored) == 1:
                return await self._postpone(scope.space, in_force, stored[0])
        middle = len(stored) // 2
        return sum(
            [
                await self._write_or_halve(scope, in_force, half, position, rolled_out=rolled_out)
                for half in (stored[:middle], stored[middle:])
            ]
        )

    async def _postpone(self, space: str, in_force: ProfilesInForce, stored: StoredAccount) -> int:
        """Let an account that cannot be computed keep its memberships, and try again later."""
        PROFILES_TOO_LARGE.labels(space).inc()
        _log.warning("account_too_large", space=space, events=stored.events)
        now = self._clock()
        due = {"due": now + self._limits.large_interval_ms}
        accounts = {stored.account_id: ComputedAccount(stored.mark, due)}
        return await self._written(space, ProfilesWrite(in_force.version, now, accounts=accounts))

    async def _write(
        self,
        scope: SpaceScope,
        in_force: ProfilesInForce,
        stored: Sequence[StoredAccount],
        position: int,
        *,
        rolled_out: bool,
    ) -> int:
        space, now = scope.space, self._clock()
        limited = (await self._policies.in_force(scope)).policy.limited_sources
        members = await self._evidence.members(space, [each.account_id for each in stored])
        evidence = await self._evidence.of_members(space, members, limited, now)
        outcomes = await asyncio.to_thread(
            compute_accounts, in_force, stored, evidence, now, position
        )
        changes = await changes_of_accounts(
            self._store,
            space,
            in_force,
            outcomes,
            await self._gone(space, outcomes),
            now,
            rolled_out=rolled_out,
        )
        revisions = {each.account_id: each.customers for each in members.values()}
        write = ProfilesWrite(
            in_force.version,
            now,
            accounts={
                each.account_id: ComputedAccount(
                    each.stored.mark, each.properties, revisions.get(each.account_id, {})
                )
                for each in outcomes
            },
            changes=changes,
        )
        return await self._written(space, write)

    async def _gone(self, space: str, outcomes: Sequence[AccountOutcome]) -> set[str]:
        """Former members of accounts that enter or leave something, who are no longer there."""
        former = {
            member
            for each in outcomes
            if each.differs
            for member in set(each.stored.members).difference(each.members)
        }
        heads = await self._reader.heads(space, sorted(former))
        return former - heads.customers.keys()

    async def _written(self, space: str, write: ProfilesWrite) -> int:
        written = await self._store.write(space, self._limits.lease_ms, write)
        if written is None:
            raise TakenOver
        return len(written)
