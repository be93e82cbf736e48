"""Upstream notices, and what people decide about them.

A merge that an agent accepts becomes a judgement. A request is for an administrator to deal with:
here it is only marked as handled.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from identity_service.domain.judgements import Verdict
from identity_service.domain.recorded import Page, page_of
from identity_service.domain.upstream import NoticeKind, NoticeState, RecordedNotice
from identity_service.errors import DoneBefore, FieldInvalid, NotFound, Stale, TooLarge
from identity_service.graph.upstream import MERGES, REQUESTS, UpstreamStore
from identity_service.services.kit.clock import Clock
from identity_service.services.spaces.access import Role, SpaceScope, forbidden
from identity_service.services.write.judgements import Judged, Judgements, check_reason

CLAIM_MS: Final = 60_000
"""How long who decides about a notice has it alone: longer than a judgement may take."""

MAX_ACCEPTED: Final = 100
"""Most merges that one call accepts: each is a judgement, settled by itself."""


@dataclass(frozen=True, slots=True)
class RefusedMerge:
    """A merge that stays open, and why."""

    id: str
    message: str


@dataclass(frozen=True, slots=True)
class AcceptedMerges:
    """What became of the merges of a source. `after`: where to go on; None after the last one."""

    accepted: int
    refused: Sequence[RefusedMerge]
    after: str | None


class UpstreamNotices:
    """Lists notices, and writes what people decide about them."""

    def __init__(self, store: UpstreamStore, judgements: Judgements, clock: Clock) -> None:
        self._store = store
        self._judgements = judgements
        self._clock = clock

    async def merges(
        self, scope: SpaceScope, state: NoticeState, source: str | None, before: str, first: int
    ) -> Page[RecordedNotice]:
        """Merges before an id, newest first; those of one source where it is named."""
        found = await self._store.notices(scope.space, MERGES, state, source, before, first + 1)
        return page_of(found, first)

    async def requests(
        self, scope: SpaceScope, state: NoticeState, source: str | None, before: str, first: int
    ) -> Page[RecordedNotice]:
        """Requests likewise. Raises Forbidden below ADMIN."""
        if not scope.allows(Role.ADMIN):
            raise forbidden(Role.ADMIN, scope.space)
        found = await self._store.notices(scope.space, REQUESTS, state, source, before, first + 1)
        return page_of(found, first)

    async def accept(self, scope: SpaceScope, merge: str, reason: str) -> Judged:
        """Judge the two of a merge the same.

        Raises NotFound, FieldInvalid where it was decided before or what it names cannot be judged,
        Stale while somebody else decides about it, and TooLarge.
        """
        check_reason(reason)
        async with self._deciding(scope, merge, MERGES) as (found, decision):
            a, b = await self._judgements.normalise(scope, *found.notice.identifiers)
            judged = await self._judgements.judge(scope, Verdict.SAME, a, b, reason)
            decision |= self._decided(scope, NoticeState.ACCEPTED, reason)
            decision["judgement"] = judged.judgement.id
        return judged

    async def accept_all(
        self, scope: SpaceScope, source: str, reason: str, before: str
    ) -> AcceptedMerges:
        """Accept merges of a source that are open, newest first: `MAX_ACCEPTED` before an id.

        One that cannot be accepted stays open, and the others go on. Raises FieldInvalid.
        """
        check_reason(reason)
        page = await self.merges(scope, NoticeState.OPEN, source, before, MAX_ACCEPTED)
        refused: list[RefusedMerge] = []
        for each in page.items:
            try:
                await self.accept(scope, each.id, reason)
            except (FieldInvalid, NotFound, Stale, TooLarge) as error:
                refused.append(RefusedMerge(each.id, str(error)))
        after = page.items[-1].id if page.more else None
        return AcceptedMerges(len(page.items) - len(refused), refused, after)

    async def dismiss(self, scope: SpaceScope, merge: str, reason: str) -> RecordedNotice:
        """Decide that nothing follows from a merge. Raises NotFound, FieldInvalid, Stale."""
        return await self._decide(scope, merge, MERGES, NoticeState.DISMISSED, reason)

    async def mark_handled(self, scope: SpaceScope, request: str, reason: str) -> RecordedNotice:
        """Say that a request was dealt with. Raises Forbidden below ADMIN, and as `dismiss`."""
        if not scope.allows(Role.ADMIN):
            raise forbidden(Role.ADMIN, scope.space)
        return await self._decide(scope, request, REQUESTS, NoticeState.HANDLED, reason)

    async def _decide(
        self, scope: SpaceScope, notice: str, inbox: str, state: NoticeState, reason: str
    ) -> RecordedNotice:
        check_reason(reason)
        async with self._deciding(scope, notice, inbox) as (_, decision):
            decision |= self._decided(scope, state, reason)
        return await self._find(scope, notice, inbox)

    @asynccontextmanager
    async def _deciding(
        self, scope: SpaceScope, notice: str, inbox: str
    ) -> AsyncGenerator[tuple[RecordedNotice, dict[str, Any]]]:
        """Hold a notice that is open, and write the decision that was put into the map.

        It stays open when an error ends this. Raises NotFound, FieldInvalid, Stale.
        """
        found = await self._find(scope, notice, inbox)
        if found.state is not NoticeState.OPEN:
            raise DoneBefore("id", f"It is {found.state.lower()} already, by {found.decided_by}.")
        if not await self._store.claim(scope.space, notice, CLAIM_MS):
            raise Stale("Somebody else is deciding about it.", remedy="Look at it again.")
        decision: dict[str, Any] = {"state": NoticeState.OPEN.value}
        try:
            yield found, decision
        finally:
            await self._store.decide(scope.space, notice, decision)

    async def _find(self, scope: SpaceScope, notice: str, inbox: str) -> RecordedNotice:
        found = await self._store.find(scope.space, notice)
        is_merge = found is not None and found.notice.kind is NoticeKind.MERGE
        if found is None or is_merge is not (inbox == MERGES):
            raise NotFound(
                f"There is no {inbox} “{notice[:64]}” in this space.",
                remedy="The lists of upstream notices have their ids.",
            )
        return found

    def _decided(self, scope: SpaceScope, state: NoticeState, reason: str) -> dict[str, Any]:
        return {
            "state": state.value,
            "decided_at": self._clock(),
            "decided_by": scope.author,
            "reason": reason,
        }
