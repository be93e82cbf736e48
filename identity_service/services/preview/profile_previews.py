"""What another profiles text would change in a space. Nothing is written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

from identity_service.domain.exports import BEGINNING
from identity_service.domain.profiles.comparison import (
    AudienceDifference,
    Comparison,
    FeatureDifference,
)
from identity_service.domain.profiles.definitions import Of, Profiles
from identity_service.domain.profiles.evaluate import evaluate
from identity_service.domain.profiles.occurrences import CustomerEvidence
from identity_service.domain.profiles.parse import parse_profiles
from identity_service.errors import Problem, TooLarge
from identity_service.graph.exports import ExportReader
from identity_service.services.kit.clock import Clock
from identity_service.services.preview.time_limit import in_time
from identity_service.services.read.profile_evidence import ProfileEvidence
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.policies import Policies
from identity_service.services.spaces.profile_texts import ProfileTexts

_AT_ONCE: Final = 2
"""Spaces of this process that are read at a time."""

_CUSTOMERS_AT_ONCE: Final = 100
"""Customers whose evidence is read and evaluated together."""

Progress: TypeAlias = Callable[[int], None]
"""Called with how many customers are done."""

_NOTHING: Final = Profiles({}, {}, {}, {})


@dataclass(frozen=True, slots=True)
class ProfilesPreview:
    """What a text would change: of `customers`, without those `skipped` with too many events.

    `features` and `audiences` are all that either text has, those of the new one first. Audiences
    of accounts are not among them. `warnings` are no mistakes, but probably not meant.
    """

    customers: int
    skipped: int
    audiences: Sequence[AudienceDifference]
    features: Sequence[FeatureDifference]
    warnings: Sequence[Problem]


@dataclass(frozen=True, slots=True)
class _Texts:
    """Both texts, and the instant at which they are compared."""

    before: Profiles
    after: Profiles
    now: int

    @property
    def use_accounts(self) -> bool:
        return self.before.uses_accounts() or self.after.uses_accounts()


class ProfilePreviews:
    """Compares what two texts say of all customers of a space, at one instant.

    Customers are evaluated in a thread, some at a time, so that the loop that serves others goes
    on.
    """

    def __init__(
        self,
        customers: ExportReader,
        evidence: ProfileEvidence,
        texts: ProfileTexts,
        policies: Policies,
        clock: Clock,
        timeout: float | None,
    ) -> None:
        self._customers = customers
        self._evidence = evidence
        self._texts = texts
        self._policies = policies
        self._clock = clock
        self._timeout = timeout
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def preview(
        self, scope: SpaceScope, text: str, progress: Progress = lambda _: None
    ) -> ProfilesPreview:
        """What applying a text would change. Raises ProfilesInvalid, and Unavailable.

        It is exact if nothing arrives while the space is read, page by page; what does arrive is
        seen in part or not at all.
        """
        after = parse_profiles(text)
        in_force = await self._texts.definitions(scope)
        before = in_force.profiles if in_force else _NOTHING
        comparison = Comparison(
            dict.fromkeys([*after.features, *before.features]),
            dict.fromkeys([*_of_customers(after), *_of_customers(before)]),
        )
        async with self._room, in_time(self._timeout):
            skipped = 0
            texts = _Texts(before, after, self._clock())
            async with aclosing(self._read(scope, texts)) as groups:
                async for group, left_out in groups:
                    await asyncio.to_thread(partial(_compare, comparison, texts, group))
                    skipped += left_out
                    progress(comparison.customers + skipped)
        return ProfilesPreview(
            comparison.customers,
            skipped,
            comparison.audiences(),
            comparison.features(),
            after.warnings,
        )

    async def _read(
        self, scope: SpaceScope, texts: _Texts
    ) -> AsyncGenerator[tuple[list[CustomerEvidence], int]]:
        """The evidence of all customers, some at a time; and how many of these have too much."""
        seen = set[str]()
        async for page in self._customers.settled(scope.space, BEGINNING):
            # One that is settled meanwhile comes again.
            ids = [id_ for id_, *_ in page if id_ not in seen]
            seen.update(ids)
            for n in range(0, len(ids), _CUSTOMERS_AT_ONCE):
                group = ids[n : n + _CUSTOMERS_AT_ONCE]
                found, skipped = await self._evidence_of(scope, group, texts)
                yield found, skipped

    async def _evidence_of(
        self, scope: SpaceScope, ids: Sequence[str], texts: _Texts
    ) -> tuple[list[CustomerEvidence], int]:
        limited = (await self._policies.in_force(scope)).policy.limited_sources
        try:
            found = await self._evidence.of_customers(
                scope.space, ids, limited, texts.now, with_accounts=texts.use_accounts
            )
        except TooLarge:
            if len(ids) == 1:
                return [], 1
            halves = [
                await self._evidence_of(scope, half, texts)
                for half in (ids[: len(ids) // 2], ids[len(ids) // 2 :])
            ]
            return [each for some, _ in halves for each in some], sum(n for _, n in halves)
        return list(found.values()), 0


def _of_customers(profiles: Profiles) -> list[str]:
    return [name for name, each in profiles.audiences.items() if each.of is Of.CUSTOMERS]


def _compare(comparison: Comparison, texts: _Texts, group: Sequence[CustomerEvidence]) -> None:
    for evidence in group:
        before, after = (
            evaluate(profiles, evidence, texts.now) for profiles in (texts.before, texts.after)
        )
        comparison.add(evidence.customer_id, before, after)
