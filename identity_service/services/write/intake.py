"""Ingest: events in, evidence and settled customers out, durable before anybody is answered.

Events of a space gather while its writer is busy and are then written together; an idle
writer starts at once. One transaction holds the evidence of a batch and what follows from it.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from identity_service.collect.proofs import is_proven
from identity_service.collect.segment import Collected
from identity_service.domain.events import EventIdentity, Rejection, ReportedEvent
from identity_service.domain.policies.parse import DEFAULT_POLICY_TEXT, parse_policy
from identity_service.errors import Contended, Overloaded, Unavailable
from identity_service.graph.evidence import EvidenceStore
from identity_service.observability import INVALID_PROOFS
from identity_service.services.kit.clock import Ids
from identity_service.services.spaces.access import Sender, SpaceScope
from identity_service.services.write.event_batch import BatchWriter, Received, RejectedEvent
from identity_service.services.write.settler import MAX_ATTEMPTS

MAX_BATCH = 500
"""Most events that one transaction writes."""

ATTEMPTS_TOGETHER = 3
"""How often a batch is refused as a whole, before each half of it is tried by itself."""

MAX_BATCH_BYTES = 16 * 1024 * 1024
"""Most bytes of events that one transaction writes, though never less than one event."""

MAX_QUEUE_BYTES = 256 * 1024 * 1024
"""Most bytes of events that may wait to be written."""

QUIET_TURNS = 4
"""Turns of the event loop without another request, after which a batch is closed.

A request takes three from its first byte to the queue.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting(Received):
    """Events of one request for one space, what could not be read of it, and who waits."""

    rejections: tuple[Rejection, ...]
    done: asyncio.Future[None]
    bytes: int

    @property
    def size(self) -> int:
        """How many places of the queue it takes."""
        return len(self.events) + len(self.rejections)


class Ingest:
    """Takes events and answers when they are durable and resolved."""

    def __init__(
        self,
        store: EvidenceStore,
        batches: BatchWriter,
        ids: Ids,
        max_queue: int,
    ) -> None:
        """At most `max_queue` events may wait to be written.

        A space takes no more of that than it leaves free, so that none keeps out the others.
        """
        self._store = store
        self._batches = batches
        self._ids = ids
        self._max_queue = max_queue
        self._waiting: dict[str, deque[_Waiting]] = {}
        self._writers: dict[str, asyncio.Task[None]] = {}
        self._queued: Counter[str] = Counter()
        self._queued_bytes = 0
        self._closed = False

    @property
    def ready(self) -> bool:
        """Whether an event sent now would be queued."""
        return not self._closed and self._queued.total() < self._max_queue

    async def warm_up(self) -> None:
        """Do once what the first events would otherwise wait for."""
        await self._store.plan_ahead(parse_policy(DEFAULT_POLICY_TEXT))

    async def take(self, sender: Sender, collected: Collected, received_at: int) -> None:
        """Write what a request brought into each of the sender's spaces.

        Returns when all of it is durable and resolved. Raises Overloaded when too much waits, in
        all or for one of the spaces, and Unavailable when the database does not answer; what was
        written stays written, and sending it again does no harm.
        """
        if self._closed:
            raise Unavailable("The service is stopping.", remedy="Send the events again.")
        self._refuse_too_much(sender, len(collected.events) + len(collected.rejections))
        size = sum(event.size for event in collected.events) * len(sender.scopes)
        if self._queued.total() and self._queued_bytes + size > MAX_QUEUE_BYTES:
            raise Overloaded(f"{self._queued_bytes:,} bytes wait to be written.")
        proven = _proven(sender, collected.events)
        await asyncio.gather(
            *(
                self._enqueue(scope, part)
                for scope in sender.scopes
                for part in _parts(sender, collected, received_at, proven)
            )
        )

    async def close(self) -> None:
        """Take no more events, and write those that wait."""
        self._closed = True
        await asyncio.gather(*self._writers.values())

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

    def _enqueue(self, scope: SpaceScope, part: _Waiting) -> asyncio.Future[None]:
        self._waiting.setdefault(scope.space, deque()).append(part)
        self._queued[scope.space] += part.size
        self._queued_bytes += part.bytes
        if scope.space not in self._writers:
            self._writers[scope.space] = asyncio.create_task(self._write_all(scope))
        return part.done

    async def _write_all(self, scope: SpaceScope) -> None:
        """Write what waits for a space, batch after batch, until nothing does."""
        waiting = self._waiting[scope.space]
        try:
            while waiting:
                await _until_quiet(waiting)
                batch = _next_batch(waiting)
                self._queued[scope.space] -= sum(part.size for part in batch)
                self._queued_bytes -= sum(part.bytes for part in batch)
                await self._write_and_answer(scope, batch)
        finally:
            del self._writers[scope.space]
            if not waiting:
                del self._waiting[scope.space], self._queued[scope.space]

    async def _write_and_answer(self, scope: SpaceScope, batch: Sequence[_Waiting]) -> None:
        """Write a batch, in halves where others keep changing a customer that it touches.

        So only those who sent events of such a customer may have to send them again.
        """
        try:
            await self._write(scope, batch)
        except Contended as error:
            if len(batch) == 1:
                _answer(batch, error)
                return
            middle = len(batch) // 2
            await self._write_and_answer(scope, batch[:middle])
            await self._write_and_answer(scope, batch[middle:])
        except Exception as error:  # noqa: BLE001 - raised where somebody waits
            _answer(batch, error)
        else:
            _answer(batch, None)

    async def _write(self, scope: SpaceScope, batch: Sequence[_Waiting]) -> None:
        rejected: list[RejectedEvent] = [(part, each) for part in batch for each in part.rejections]
        if any(part.events for part in batch):
            max_attempts = MAX_ATTEMPTS if len(batch) == 1 else ATTEMPTS_TOGETHER
            rejected += await self._batches.write(scope, batch, max_attempts)
        for n in range(0, len(rejected), MAX_BATCH):
            await self._store.write_rejected(
                scope.space,
                [
                    (self._ids("rej"), received.received_at, received.source, rejection)
                    for received, rejection in rejected[n : n + MAX_BATCH]
                ],
            )


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
) -> list[_Waiting]:
    """The request in parts that fit a batch."""
    loop = asyncio.get_running_loop()
    return [
        _Waiting(
            sender.source,
            received_at,
            part,
            sender.region,
            proven,
            rejections=collected.rejections if number == 0 else (),
            done=loop.create_future(),
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


async def _until_quiet(waiting: deque[_Waiting]) -> None:
    """Let requests that have arrived already, but were not read yet, share the next batch.

    Not a timer: an idle loop takes microseconds to turn, and one sender alone waits no longer.
    """
    size = turns = 0
    while turns < QUIET_TURNS and len(waiting) < MAX_BATCH:
        turns = turns + 1 if len(waiting) == size else 0
        size = len(waiting)
        await asyncio.sleep(0)


def _next_batch(waiting: deque[_Waiting]) -> list[_Waiting]:
    batch: list[_Waiting] = []
    count = size = 0
    while waiting and (not batch or _fits(waiting[0], count, size)):
        part = waiting.popleft()
        count += len(part.events)
        size += part.bytes
        batch.append(part)
    return batch


def _fits(part: _Waiting, count: int, size: int) -> bool:
    return count + len(part.events) <= MAX_BATCH and size + part.bytes <= MAX_BATCH_BYTES


def _answer(batch: Sequence[_Waiting], error: Exception | None) -> None:
    for part in batch:
        if part.done.done():
            continue  # whoever waited has left
        if error is None:
            part.done.set_result(None)
        else:
            part.done.set_exception(error)
