"""Ingest: events in, evidence and settled customers out, durable before anybody is answered."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import chain

import structlog

from identity_service.collect.proofs import is_proven
from identity_service.collect.reading_rules import apply
from identity_service.collect.segment import Collected
from identity_service.domain.events import EventIdentity, ReportedEvent
from identity_service.domain.policies.parse import DEFAULT_POLICY_TEXT, parse_policy
from identity_service.errors import NotFound, Overloaded, SourcePaused, Unavailable
from identity_service.observability import INVALID_PROOFS
from identity_service.services.spaces.access import Sender, SpaceScope
from identity_service.services.write.lanes import (
    MAX_BATCH,
    MAX_BATCH_BYTES,
    Answer,
    Lanes,
    Waiting,
    Writers,
)
from identity_service.services.write.notice_recorder import NoticeRecorder
from identity_service.services.write.received import Written

_log = structlog.get_logger(__name__)

MAX_QUEUE_BYTES = 256 * 1024 * 1024
"""Most bytes of events that may wait to be written."""


class Ingest:
    """Takes events and answers when they are durable and resolved."""

    def __init__(self, writers: Writers, notices: NoticeRecorder, max_queue: int) -> None:
        """At most `max_queue` events may wait to be written.

        A space takes no more of that than it leaves free, so that none keeps out the others.
        """
        self._writers = writers
        self._notices = notices
        self._max_queue = max_queue
        self._lanes: dict[str, Lanes] = {}
        self._queued: Counter[str] = Counter()
        self._queued_bytes = 0
        self._closed = False

    @property
    def ready(self) -> bool:
        """Whether an event sent now would be queued."""
        return not self._closed and self._queued.total() < self._max_queue

    async def warm_up(self) -> None:
        """Do once what the first events would otherwise wait for.

        Where the database is too slow for it now, they wait after all.
        """
        try:
            await self._writers.store.plan_ahead(parse_policy(DEFAULT_POLICY_TEXT))
        except Unavailable as error:
            _log.warning("not_warmed_up", error=str(error))

    async def take(
        self, sender: Sender, collected: Collected, received_at: int
    ) -> Iterable[Written]:
        """Write what a request brought into each of the sender's spaces.

        Returns when all of it is durable and resolved, with what became of the events of each
        transaction that wrote some of them, which may have held others' too. Raises Overloaded when
        too much waits, in all or for one of the spaces, SourcePaused, and Unavailable when the
        database does not answer, or one of several spaces is there no more (NotFound where it is
        the only one); what was written stays written, and sending it again does no harm.
        """
        if self._closed:
            raise Unavailable("The service is stopping.", remedy="Send the events again.")
        if sender.is_paused:
            raise SourcePaused(sender.source)
        dropped, notices = 0, collected.notices
        if sender.rules is not None:
            collected, dropped = apply(sender.rules, collected, received_at)
        self._refuse_too_much(sender, len(collected.events) + len(collected.rejections))
        size = sum(event.size for event in collected.events) * len(sender.scopes)
        if self._queued.total() and self._queued_bytes + size > MAX_QUEUE_BYTES:
            raise Overloaded(f"{self._queued_bytes:,} bytes wait to be written.")
        proven = _proven(sender, collected.events)
        parts = [
            (scope, part)
            for scope in sender.scopes
            for part in _parts(sender, collected, received_at, proven)
        ]
        try:
            written = await asyncio.gather(*(self._enqueue(scope, part) for scope, part in parts))
        except NotFound as error:
            if len(sender.scopes) > 1:
                # Once its key is looked up anew, the source feeds the others only.
                raise Unavailable(error.message, remedy="Send the events again.") from None
            raise
        for (scope, part), outcomes in zip(parts, written, strict=True):
            self._writers.counts.count(scope.space, part, part.rejections, outcomes)
        if dropped:
            spaces = [scope.space for scope in sender.scopes]
            self._writers.counts.dropped(spaces, sender.source, received_at, dropped)
        await self._notices.record(sender, notices, received_at)
        return chain.from_iterable(written)

    async def close(self) -> None:
        """Take no more events, and write those that wait."""
        self._closed = True
        await asyncio.gather(*(lanes.finish() for lanes in self._lanes.values()))

    def _refuse_too_much(self, sender: Sender, count: int) -> None:
        """Raises Overloaded. Where nothing waits, one request is taken however large it is."""
        queued = self._queued.total()
        free = self._max_queue - queued
        if queued and count * len(sender.scopes) > free:
            raise Overloaded(f"{queued:,} events wait to be written.")
        for scope in sender.scopes:
            waiting = self._queued[scope.space]
            if waiting and waiting + count > free:
                raise Overloaded(f"{waiting:,} events wait to be written to the same space.")

    def _enqueue(self, scope: SpaceScope, part: Waiting) -> asyncio.Future[list[Written]]:
        space = scope.space
        lanes = self._lanes.get(space)
        if lanes is None:
            leaves, idle = partial(self._leaves, space), partial(self._is_idle, space)
            lanes = self._lanes[space] = Lanes(scope, self._writers, leaves, idle)
        self._queued[space] += part.size
        self._queued_bytes += part.bytes
        lanes.put(part)
        return part.answer.given

    def _is_idle(self, space: str) -> None:
        del self._lanes[space]

    def _leaves(self, space: str, part: Waiting) -> None:
        self._queued_bytes -= part.bytes
        self._queued[space] -= part.size
        if not self._queued[space]:
            del self._queued[space]


def _proven(sender: Sender, events: Iterable[ReportedEvent]) -> frozenset[EventIdentity]:
    """The events whose proof is valid; others that carry one are counted."""
    with_proof = [event for event in events if event.proof]
    proven = frozenset(
        event.identity for event in with_proof if is_proven(event, sender.proof_secret)
    )
    invalid = sum(event.identity not in proven for event in with_proof)
    if invalid:
        INVALID_PROOFS.labels(sender.source).inc(invalid)
    return proven


def _parts(
    sender: Sender, collected: Collected, received_at: int, proven: frozenset[EventIdentity]
) -> list[Waiting]:
    """The request in parts that fit a batch."""
    return [
        Waiting(
            sender.source,
            received_at,
            part,
            sender.region,
            proven,
            rejections=collected.rejections if number == 0 else (),
            answer=Answer(),
            bytes=sum(event.size for event in part),
        )
        for number, part in enumerate(_fitting(collected.events))
    ]


def _fitting(events: Sequence[ReportedEvent]) -> list[Sequence[ReportedEvent]]:
    """The events in their order, in runs that fit a batch; one empty run if there are none."""
    starts = [0]
    size = 0
    for n, event in enumerate(events):
        size += event.size
        if n - starts[-1] == MAX_BATCH or (n > starts[-1] and size > MAX_BATCH_BYTES):
            starts.append(n)
            size = event.size
    return [events[start:end] for start, end in zip(starts, [*starts[1:], None], strict=True)]
