"""Features and audiences of accounts by the profiles text of their space, as they are now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from identity_service.domain.profiles.evaluate import FeatureValue, evaluate_account
from identity_service.domain.profiles.explain import (
    AudienceExplanation,
    FeatureExplanation,
    explain_audience,
    explain_feature,
)
from identity_service.domain.profiles.occurrences import AccountEvidence
from identity_service.errors import NotFound
from identity_service.services.kit.clock import Clock
from identity_service.services.kit.offload import offload_if_large
from identity_service.services.read.profile_evidence import ProfileEvidence
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.policies import Policies
from identity_service.services.spaces.profile_texts import ProfilesInForce, ProfileTexts

T = TypeVar("T")

_READS_AT_ONCE: Final = 2
"""Accounts whose members' events are read at a time."""


@dataclass(frozen=True, slots=True)
class AccountProfile:
    """What the text of a version says of an account at one instant.

    `evaluated_at` in milliseconds since 1970; `audiences` are in text order.
    """

    version: int
    evaluated_at: int
    features: Mapping[str, FeatureValue]
    audiences: Sequence[str]


class AccountProfiles:
    """Computes the profiles of accounts from all events of their members, each time.

    Every method raises TooLarge where the members are too many, or their events.
    """

    def __init__(
        self, texts: ProfileTexts, policies: Policies, evidence: ProfileEvidence, clock: Clock
    ) -> None:
        self._texts = texts
        self._policies = policies
        self._evidence = evidence
        self._clock = clock
        self._one_by_one = asyncio.Semaphore(_READS_AT_ONCE)

    async def profile(self, scope: SpaceScope, account_id: str) -> AccountProfile | None:
        """The profile of an account; None where the text in force says nothing of accounts."""
        in_force = await self._texts.definitions(scope)
        if in_force is None or not in_force.profiles.has_accounts():
            return None
        now = self._clock()
        evidence = await self._read(scope, account_id, now)
        found = await _aside(evidence, lambda: evaluate_account(in_force.profiles, evidence, now))
        return AccountProfile(in_force.version, now, found.features, sorted(found.audiences))

    async def explain_feature(
        self, scope: SpaceScope, account_id: str, name: str, most: int
    ) -> FeatureExplanation:
        """Which events made the value of a feature, at most `most`. Raises NotFound."""
        in_force, now = await self._in_force(scope), self._clock()
        evidence = await self._read(scope, account_id, now)
        return await _aside(
            evidence, lambda: explain_feature(in_force.profiles, evidence, now, name, most=most)
        )

    async def explain_audience(
        self, scope: SpaceScope, account_id: str, name: str
    ) -> AudienceExplanation:
        """Which parts of the condition of an audience hold. Raises NotFound."""
        in_force, now = await self._in_force(scope), self._clock()
        evidence = await self._read(scope, account_id, now)
        return await _aside(
            evidence, lambda: explain_audience(in_force.profiles, evidence, now, name)
        )

    async def _in_force(self, scope: SpaceScope) -> ProfilesInForce:
        in_force = await self._texts.definitions(scope)
        if in_force is None:
            raise NotFound(f"The space “{scope.space}” has no profiles text.")
        return in_force

    async def _read(self, scope: SpaceScope, account_id: str, now: int) -> AccountEvidence:
        limited = (await self._policies.in_force(scope)).policy.limited_sources
        async with self._one_by_one:
            found = await self._evidence.of_accounts(scope.space, [account_id], limited, now)
        if account_id not in found:
            raise NotFound(f"There is no account {account_id} any more.")
        return found[account_id]


async def _aside(evidence: AccountEvidence, work: Callable[[], T]) -> T:
    """The result of work on all events of the members; where they are many, of a thread's."""
    return await offload_if_large(sum(len(each.events) for each in evidence.members), work)
