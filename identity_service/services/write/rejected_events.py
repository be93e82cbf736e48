"""Rejected events: read, repaired, sent again or dropped."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from identity_service.collect.event_bodies import is_event_body, read_event_body
from identity_service.collect.reading_rules import ReadingRules, apply, with_sent_name
from identity_service.collect.segment import Collected, read_again
from identity_service.domain.events import (
    EventIdentity,
    Rejection,
    RejectionCode,
    ReportedEvent,
)
from identity_service.domain.recorded import Page, RecordedRejection, page_of
from identity_service.errors import FieldInvalid
from identity_service.graph.rejected import RejectedFilter, RejectedStore
from identity_service.graph.sources import SourceStore
from identity_service.services.spaces.access import Access, Role, Sender, SpaceScope, forbidden
from identity_service.services.spaces.policies import Policies, PolicyInForce
from identity_service.services.write.intake import Ingest
from identity_service.services.write.received import Received, Written

MAX_AT_ONCE: Final = 500
"""Most rejected events that are sent again, or dropped, at a time."""


@dataclass(frozen=True, slots=True)
class ToResend:
    """A rejected event that is to be sent again: as it was, or `body`, what it was repaired to."""

    id: str
    body: Any = None


@dataclass(frozen=True, slots=True)
class RefusedAgain:
    """A rejected event that stays one, with the reason of now."""

    id: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Resent:
    """What became of rejected events that were sent again.

    `accepted` are events now, and rejected no more. `gone` are ids of none: they were sent again
    or dropped before, or were kept for long enough.
    """

    accepted: Sequence[str]
    refused: Sequence[RefusedAgain]
    gone: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Read:
    """A rejected event that can be taken now, with what it is received as."""

    id: str
    event: ReportedEvent
    received: Received


class RejectedEvents:
    """The rejected events of spaces. Agents read them, administrators deal with them.

    All methods raise Forbidden.
    """

    def __init__(
        self,
        store: RejectedStore,
        sources: SourceStore,
        access: Access,
        policies: Policies,
        ingest: Ingest,
    ) -> None:
        self._store = store
        self._sources = sources
        self._access = access
        self._policies = policies
        self._ingest = ingest

    async def page(
        self, scope: SpaceScope, which: RejectedFilter, before: str, first: int
    ) -> Page[RecordedRejection]:
        """Those before an id, newest first."""
        _require(scope, Role.AGENT)
        return page_of(await self._store.page(scope.space, which, before, first + 1), first)

    async def find(self, scope: SpaceScope, rejected: str) -> RecordedRejection | None:
        """The one with that id."""
        _require(scope, Role.AGENT)
        found = await self._store.find_all(scope.space, [rejected])
        return found[0] if found else None

    async def resend(self, scope: SpaceScope, events: Sequence[ToResend]) -> Resent:
        """Read rejected events again, as if their sources sent them, and take those that are right.

        They enter this space only, with the time of their first receipt. Sending one twice makes
        one event. Raises FieldInvalid for more than `MAX_AT_ONCE` or an id that stands twice, and
        what `Ingest.take` raises: part of them may be taken then, and may be sent again.
        """
        _require(scope, Role.ADMIN)
        wanted = {each.id: each for each in events}
        _check_ids([each.id for each in events])
        kept = await self._store.find_all(scope.space, wanted)
        senders = await self._senders(scope, {each.source for each in kept})
        in_force = await self._policies.in_force(scope)
        ready: list[_Read] = []
        refused: list[RefusedAgain] = []
        for each in kept:
            read = _read(each, wanted[each.id].body, senders[each.source], in_force)
            if isinstance(read, Rejection):
                refused.append(RefusedAgain(each.id, read.code, read.message))
            else:
                ready.append(read)
        accepted, late = await self._take(senders, ready)
        await self._store.delete(scope.space, accepted)
        gone = wanted.keys() - {each.id for each in kept}
        return Resent(accepted, [*refused, *late], sorted(gone))

    async def drop(self, scope: SpaceScope, ids: Sequence[str]) -> int:
        """Delete rejected events for good; returns how many of them there were.

        Raises FieldInvalid for more than `MAX_AT_ONCE`.
        """
        _require(scope, Role.ADMIN)
        _check_ids(ids)
        return await self._store.delete(scope.space, ids)

    async def _senders(self, scope: SpaceScope, sources: Collection[str]) -> dict[str, Sender]:
        found = await asyncio.gather(*map(self._sources.source, sources))
        return {
            name: self._access.as_sender(scope, name, source)
            for name, source in zip(sources, found, strict=True)
        }

    async def _take(
        self, senders: dict[str, Sender], ready: Iterable[_Read]
    ) -> tuple[list[str], list[RefusedAgain]]:
        """The ids of those that are events now, and those that a newer policy rejects after all."""
        groups: dict[tuple[str, int], list[_Read]] = {}
        for each in ready:
            groups.setdefault((each.received.source, each.received.received_at), []).append(each)
        written = await asyncio.gather(
            *(
                self._ingest.take(
                    replace(senders[source], rules=None),  # it is read by them already
                    Collected(tuple(each.event for each in group), ()),
                    received_at,
                )
                for (source, received_at), group in groups.items()
            )
        )
        rejected = _rejected_of(each for outcomes in written for each in outcomes)
        accepted: list[str] = []
        refused: list[RefusedAgain] = []
        for each in ready:
            why = rejected.get(each.event.identity)
            if why is None:
                accepted.append(each.id)
            else:
                refused.append(RefusedAgain(each.id, why.code, why.message))
        return accepted, refused


def _require(scope: SpaceScope, role: Role) -> None:
    if not scope.allows(role):
        raise forbidden(role, scope.space)


def _check_ids(ids: Sequence[str]) -> None:
    if not 1 <= len(ids) <= MAX_AT_ONCE:
        raise FieldInvalid("events", f"Name 1 to {MAX_AT_ONCE} rejected events at a time.")
    if len(set(ids)) < len(ids):
        raise FieldInvalid("events", "A rejected event stands there twice.")


def _read(
    kept: RecordedRejection, repaired: Any, sender: Sender, in_force: PolicyInForce
) -> _Read | Rejection:
    """What a rejected event is now, under the policy in force."""
    event = _event(kept, repaired)
    if sender.rules is not None:
        event = _by_rules(sender.rules, event, kept)
    if isinstance(event, Rejection):
        return event
    received = Received(kept.source, kept.received_at, (event,), sender.region)
    found = received.observed(event, in_force)
    return found if isinstance(found, Rejection) else _Read(kept.id, event, received)


def _event(kept: RecordedRejection, repaired: Any) -> ReportedEvent | Rejection:
    """Read from what it was repaired to, else from what was kept of it."""
    body = repaired if repaired is not None else json.loads(kept.body_json or "null")
    sent_with: dict[str, Any] = json.loads(kept.sent_with_json or "{}")
    if is_event_body(body):
        # The digest stands in the key, behind a tab; what was changed is another event.
        digest = None if repaired is not None else kept.key.rpartition("\t")[2]
        read = read_event_body(body, sent_with.get("place", 0), digest)
        return read if isinstance(read, Rejection) else with_sent_name(read)
    # Always the same id, so that it is one event however often it is sent.
    return read_again(body, sent_with, kept.received_at, lambda: f"resent:{kept.id}")


def _by_rules(
    rules: ReadingRules, read: ReportedEvent | Rejection, kept: RecordedRejection
) -> ReportedEvent | Rejection:
    """What the reading rules of its source make of it now."""
    brought = Collected((), (read,)) if isinstance(read, Rejection) else Collected((read,), ())
    found, dropped = apply(rules, brought, kept.received_at)
    if dropped:
        message = "The reading rules of its source drop it: drop the rejected event too."
        return Rejection(RejectionCode.INVALID_FIELD, message, kept.message_id, None)
    return (*found.events, *found.rejections)[0]


def _rejected_of(outcomes: Iterable[Written]) -> dict[EventIdentity, Rejection]:
    return {
        EventIdentity(rejection.message_id or "", rejection.digest): rejection
        for each in outcomes
        for _, rejection in each.rejected
    }
