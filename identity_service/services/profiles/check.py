"""Are the stored profiles and memberships what the evidence says?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from identity_service.domain.profiles.memberships import Change
from identity_service.domain.profiles.occurrences import AccountEvidence
from identity_service.graph.profile_evidence import ProfileEvidenceReader
from identity_service.graph.profiles import ProfilesProgress, ProfileStore
from identity_service.services.kit.clock import Clock
from identity_service.services.profiles.account_batches import ACCOUNTS_AT_ONCE
from identity_service.services.profiles.account_computation import compute_accounts
from identity_service.services.profiles.computation import compute, only_ticked
from identity_service.services.read.profile_evidence import (
    ProfileEvidence,
    named_accounts,
    read_in_parts,
)
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.policies import Policies
from identity_service.services.spaces.profile_texts import ProfilesInForce, ProfileTexts

_CUSTOMERS: Final = 500
_ROWS: Final = 10_000
"""So many are read at once."""

Membership: TypeAlias = tuple[str, str]
"""Audience, and the id of its member: a customer, or an account."""


@dataclass(slots=True)
class ProfileCheck:
    """What was compared and what differs.

    `customers` and `accounts` were computed anew. `profiles` are ids of those that are stored
    otherwise, and not only because a value ticked;
    `memberships` differ from the audiences of the profiles, `stream` from what is left when all
    changes are made one after the other. `waiting`: something waits to be computed, so that
    differences are no news.
    """

    progress: ProfilesProgress
    waiting: bool = False
    customers: int = 0
    accounts: int = 0
    profiles: list[str] = field(default_factory=list[str])
    memberships: list[Membership] = field(default_factory=list[Membership])
    stream: list[Membership] = field(default_factory=list[Membership])

    @property
    def is_sound(self) -> bool:
        """Whether nothing differs."""
        return not (self.profiles or self.memberships or self.stream)


class ProfileChecks:
    """Compares what is stored of profiles with what they are computed from."""

    def __init__(
        self,
        texts: ProfileTexts,
        policies: Policies,
        reader: ProfileEvidenceReader,
        evidence: ProfileEvidence,
        store: ProfileStore,
        clock: Clock,
    ) -> None:
        self._texts = texts
        self._policies = policies
        self._reader = reader
        self._evidence = evidence
        self._store = store
        self._clock = clock

    async def check(self, scope: SpaceScope) -> ProfileCheck | None:
        """Compare a whole space; None where it computes no profiles."""
        in_force = await self._texts.definitions(scope)
        if in_force is None:
            return None
        found = ProfileCheck(await self._store.progress(scope.space))
        waiting = await self._store.waiting(scope.space, self._clock(), 1)
        found.waiting = bool(
            waiting.marks
            or waiting.settled
            or waiting.due
            or waiting.accounts
            or not found.progress.done
        )
        named: set[str] = set()
        expected = await self._compare_profiles(scope, in_force, found, named)
        if in_force.profiles.keeps_accounts():
            expected |= await self._compare_accounts(scope, in_force, found, sorted(named))
        stored = {each async for each in self._memberships(scope)}
        found.memberships = sorted(stored ^ expected)
        found.stream = sorted(stored ^ await self._replayed(scope))
        return found

    async def _compare_profiles(
        self, scope: SpaceScope, in_force: ProfilesInForce, found: ProfileCheck, named: set[str]
    ) -> set[Membership]:
        """The memberships of customers that follow from the evidence; `named`: their accounts."""
        limited = (await self._policies.in_force(scope)).policy.limited_sources
        expected: set[Membership] = set()
        place = (0, "")
        while True:
            _, page = await self._store.customers(scope.space, place, _CUSTOMERS)
            if not page:
                return expected
            heads = (await self._reader.heads(scope.space, [each for each, _ in page])).customers
            now = self._clock()
            evidence = await self._evidence.of_heads(
                scope.space,
                heads.values(),
                limited,
                now,
                with_accounts=in_force.profiles.uses_accounts(),
            )
            outcomes = await asyncio.to_thread(
                compute,
                scope.space,
                in_force,
                heads.values(),
                evidence,
                now,
                position=0,
                ticks_interval_ms=0,
            )
            for each in outcomes:
                expected.update((audience, each.head.customer_id) for audience in each.audiences)
                differs = each.changed and not only_ticked(each, in_force.version)
                if differs or "searched" in each.properties:
                    found.profiles.append(each.head.customer_id)
            found.customers += len(outcomes)
            named |= named_accounts(evidence.values())
            place = (page[-1][1], page[-1][0])

    async def _compare_accounts(
        self,
        scope: SpaceScope,
        in_force: ProfilesInForce,
        found: ProfileCheck,
        ids: Sequence[str],
    ) -> set[Membership]:
        """The memberships of accounts that follow from the evidence."""
        limited = (await self._policies.in_force(scope)).policy.limited_sources
        expected: set[Membership] = set()
        for n in range(0, len(ids), ACCOUNTS_AT_ONCE):
            some = ids[n : n + ACCOUNTS_AT_ONCE]
            stored = await self._reader.stored_accounts(scope.space, some)
            now = self._clock()

            async def read(ids: Sequence[str], now: int = now) -> Mapping[str, AccountEvidence]:
                return await self._evidence.of_accounts(scope.space, ids, limited, now)

            evidence, _ = await read_in_parts(read, some)
            outcomes = await asyncio.to_thread(
                compute_accounts,
                in_force,
                [each for each in stored if each.account_id in evidence],
                evidence,
                now,
                position=0,
            )
            # What is too large keeps the memberships that it has.
            expected.update(
                (audience, each.account_id)
                for each in stored
                if each.account_id not in evidence
                for audience in each.audiences
            )
            for each in outcomes:
                expected.update((audience, each.account_id) for audience in each.audiences)
            differing = [each.account_id for each in outcomes if each.differs]
            missing = evidence.keys() - {each.account_id for each in stored}
            found.profiles += sorted({*differing, *missing})
            found.accounts += len(evidence)
        return expected

    async def _memberships(self, scope: SpaceScope) -> AsyncGenerator[Membership]:
        after = ""
        while True:
            after, page = await self._store.memberships(scope.space, after, _ROWS)
            if not page:
                return
            for each in page:
                yield each

    async def _replayed(self, scope: SpaceScope) -> set[Membership]:
        """All changes, made one after the other."""
        members: set[Membership] = set()
        after = 0
        while page := await self._store.membership_changes(scope.space, after, _ROWS):
            for position, audience, member, change in page:
                after = position
                if change is Change.ENTERED:
                    members.add((audience, member))
                else:
                    members.discard((audience, member))
        return members
