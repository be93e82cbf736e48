"""The ledger of a space, page by page: changes and judgements."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final

from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import AnyJudgement
from identity_service.domain.recorded import Page, RecordedChange, page_of
from identity_service.graph.judgements import JudgementStore
from identity_service.graph.ledger import ChangeFilter, JudgementFilter, LedgerReader
from identity_service.services.kit.data_loader import DataLoader
from identity_service.services.spaces.access import SpaceScope

_READS_AT_ONCE: Final = 16
"""Reads for single customers at a time: a thousand may be asked for their changes."""


class Ledger:
    """Reads what was recorded in spaces, newest first."""

    def __init__(self, reader: LedgerReader, judgements: JudgementStore) -> None:
        self._reader = reader
        self._judgement_store = judgements
        self._judgements = DataLoader(self._find_judgements)
        self._one_by_one = asyncio.Semaphore(_READS_AT_ONCE)

    async def changes(
        self, scope: SpaceScope, which: ChangeFilter, before: int, first: int
    ) -> Page[RecordedChange]:
        """Changes of the space before a position."""
        return page_of(await self._reader.changes(scope.space, which, before, first + 1), first)

    async def changes_of(
        self, scope: SpaceScope, customer_id: str, which: ChangeFilter, before: int, first: int
    ) -> Page[RecordedChange]:
        """Changes that a customer took part in under exactly this id, before a position."""
        async with self._one_by_one:
            changes = await self._reader.changes_of(
                scope.space, customer_id, which, before, first + 1
            )
        return page_of(changes, first)

    async def change(self, scope: SpaceScope, change: str) -> RecordedChange | None:
        """One change, by its id."""
        return await self._reader.change(scope.space, change)

    async def judgements(
        self, scope: SpaceScope, which: JudgementFilter, before: str, first: int
    ) -> Page[AnyJudgement]:
        """Judgements of the space before an id, withdrawn ones too."""
        return page_of(await self._reader.judgements(scope.space, which, before, first + 1), first)

    async def judgements_of(
        self,
        scope: SpaceScope,
        about: str | Iterable[Identifier],
        which: JudgementFilter,
        before: str,
        first: int,
    ) -> Page[AnyJudgement]:
        """Judgements about the identifiers of a customer, named by its id, or about some."""
        async with self._one_by_one:
            made = await self._reader.judgements_of(scope.space, about, which, before, first + 1)
        return page_of(made, first)

    async def judgement(self, scope: SpaceScope, judgement: str) -> AnyJudgement | None:
        """One judgement, by its id."""
        return await self._judgements.get((scope.space, judgement))

    async def _find_judgements(
        self, keys: Sequence[tuple[str, str]]
    ) -> dict[tuple[str, str], AnyJudgement]:
        ids: dict[str, list[str]] = {}
        for space, judgement in keys:
            ids.setdefault(space, []).append(judgement)
        return {
            (space, found.id): found
            for space, asked in ids.items()
            for found in await self._judgement_store.find_all(space, asked)
        }
