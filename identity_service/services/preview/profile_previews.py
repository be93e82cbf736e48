"""What another profiles text would change in a space. Nothing is written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias, TypeVar

from identity_service.domain.exports import BEGINNING
from identity_service.domain.profiles.comparison import (
    AudienceDifference,
    Comparison,
    FeatureDifference,
)
from identity_service.domain.profiles.definitions import Of, Profiles
from identity_service.domain.profiles.evaluate import (
    Evaluation,
    evaluate,
    evaluate_account,
)
from identity_service.domain.profiles.occurrences import AccountEvidence, CustomerEvidence
from identity_service.domain.profiles.parse import parse_profiles
from identity_service.errors import Problem
from identity_service.graph.exports import ExportReader
from identity_service.services.kit.clock import Clock
from identity_service.services.preview.time_limit import in_time
from identity_service.services.read.profile_evidence import (
    ProfileEvidence,
    named_accounts,
    read_in_parts,
)
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.policies import Policies
from identity_service.services.spaces.profile_texts import ProfileTexts

T = TypeVar("T")

_AT_ONCE: Final = 2
"""Spaces of this process that are read at a time."""

_CUSTOMERS_AT_ONCE: Final = 100
_ACCOUNTS_AT_ONCE: Final = 20
"""So many have their evidence read and evaluated together."""

Progress: TypeAlias = Callable[[int], None]
"""Called with how many customers are done."""

_NOTHING: Final = Profiles({}, {}, {}, {})


@dataclass(frozen=True, slots=True)
class AccountsPreview:
    """What a text would change of `accounts`, without those `skipped` with too many events.

    None are looked at where neither text says anything of accounts.
    """

    accounts: int
    skipped: int
    audiences: Sequence[AudienceDifference]
    features: Sequence[FeatureDifference]


@dataclass(frozen=True, slots=True)
class ProfilesPreview:
    """What a text would change: of `customers`, without those `skipped` with too many events.

    `features` and `audiences` are all of customers that either text has, those of the new one
    first; `of_accounts`: likewise of accounts. `warnings` are no mistakes, but probably not meant.
    """

    customers: int
    skipped: int
    audiences: Sequence[AudienceDifference]
    features: Sequence[FeatureDifference]
    of_accounts: AccountsPreview
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

    @property
    def have_accounts(self) -> bool:
        return self.before.has_accounts() or self.after.has_accounts()


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
            _audiences(Of.CUSTOMERS, after, before),
        )
        async with self._room, in_time(self._timeout):
            skipped = 0
            accounts = set[str]()
            texts = _Texts(before, after, self._clock())
            async with aclosing(self._read(scope, texts)) as groups:
                async for group, left_out in groups:
                    await asyncio.to_thread(partial(_compare, comparison, texts, evaluate, group))
                    skipped += left_out
                    progress(comparison.compared + skipped)
                    if texts.have_accounts:
                        accounts |= await asyncio.to_thread(named_accounts, group.values())
            of_accounts = await self._of_accounts(scope, texts, sorted(accounts))
        return ProfilesPreview(
            comparison.compared,
            skipped,
            comparison.audiences(),
            comparison.features(),
            of_accounts,
            after.warnings,
        )

    async def _of_accounts(
        self, scope: SpaceScope, texts: _Texts, ids: Sequence[str]
    ) -> AccountsPreview:
        comparison = Comparison(
            dict.fromkeys([*texts.after.account_features, *texts.before.account_features]),
            _audiences(Of.ACCOUNTS, texts.after, texts.before),
        )
        skipped = 0
        limited = (await self._policies.in_force(scope)).policy.limited_sources

        async def read(some: Sequence[str]) -> Mapping[str, AccountEvidence]:
            return await self._evidence.of_accounts(scope.space, some, limited, texts.now)

        for n in range(0, len(ids), _ACCOUNTS_AT_ONCE):
            group, left_out = await read_in_parts(read, ids[n : n + _ACCOUNTS_AT_ONCE])
            await asyncio.to_thread(partial(_compare, comparison, texts, evaluate_account, group))
            skipped += left_out
        return AccountsPreview(
            comparison.compared, skipped, comparison.audiences(), comparison.features()
        )

    async def _read(
        self, scope: SpaceScope, texts: _Texts
    ) -> AsyncGenerator[tuple[Mapping[str, CustomerEvidence], int]]:
        """The evidence of all customers, some at a time, by id; how many of these have too much."""
        seen = set[str]()
        limited = (await self._policies.in_force(scope)).policy.limited_sources

        async def read(some: Sequence[str]) -> Mapping[str, CustomerEvidence]:
            return await self._evidence.of_customers(
                scope.space, some, limited, texts.now, with_accounts=texts.use_accounts
            )

        async for page in self._customers.settled(scope.space, BEGINNING):
            # One that is settled meanwhile comes again.
            ids = [id_ for id_, *_ in page if id_ not in seen]
            seen.update(ids)
            for n in range(0, len(ids), _CUSTOMERS_AT_ONCE):
                group = ids[n : n + _CUSTOMERS_AT_ONCE]
                yield await read_in_parts(read, group)


def _audiences(of: Of, *texts: Profiles) -> dict[str, None]:
    return dict.fromkeys(
        name for text in texts for name, each in text.audiences.items() if each.of is of
    )


def _compare(
    comparison: Comparison,
    texts: _Texts,
    evaluated: Callable[[Profiles, T, int], Evaluation],
    group: Mapping[str, T],
) -> None:
    for id_, evidence in group.items():
        before, after = (
            evaluated(profiles, evidence, texts.now) for profiles in (texts.before, texts.after)
        )
        comparison.add(id_, before, after)
