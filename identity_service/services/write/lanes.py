"""The two lanes in which the events of a space are written.

Events that only repeat what is known are written a few transactions at a time, each beside the
others. Those that may change customers are written one transaction after the other beside them: it
reads and decides first. What waits for a transaction shares it, and a free lane starts at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from contextvars import Context
from dataclasses import dataclass, replace
from typing import Any, Final

from identity_service.domain.events import EventIdentity, Rejection
from identity_service.errors import Contended
from identity_service.graph.evidence import EvidenceStore
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.write.event_batch import BatchWriter
from identity_service.services.write.received import Received, RejectedEvent, Written
from identity_service.services.write.rejected_retention import RejectedRetention
from identity_service.services.write.repeats import Repeats, RepeatWriter
from identity_service.services.write.settler import MAX_ATTEMPTS
from identity_service.services.write.source_counts import SourceCounts

MAX_BATCH: Final = 500
"""Most events that one transaction writes."""

MAX_BATCH_BYTES: Final = 16 * 1024 * 1024
"""Most bytes of events that one transaction writes, though never less than one event."""

REPEATS_BESIDE: Final = 2
"""Transactions of one space at a time that only repeat: one is prepared while one commits."""

ATTEMPTS_TOGETHER: Final = 3
"""How often a batch is refused as a whole, before each half of it is tried by itself."""

QUIET_TURNS: Final = 4
"""Turns of the event loop without another request, after which a batch is closed.

A request takes three from its first byte to the queue.
"""


class Answer:
    """What the sender of some events waits for: that every piece of them is written."""

    def __init__(self) -> None:
        self.given: asyncio.Future[list[Written]] = asyncio.get_running_loop().create_future()
        self._written: list[Written] = []
        self._pieces = 1

    def expect_another(self) -> None:
        """One of the pieces was cut in two."""
        self._pieces += 1

    def take(self, outcome: Written | Exception) -> None:
        """A piece is written, with all of `outcome`, or could not be."""
        self._pieces -= 1
        if self.given.done():
            return  # whoever waited has left, or has an error already
        if isinstance(outcome, Exception):
            self.given.set_exception(outcome)
            return
        self._written.append(outcome)
        if self._pieces == 0:
            self.given.set_result(self._written)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting(Received):
    """Events of one request for one space, what could not be read of it, and who waits."""

    rejections: tuple[Rejection, ...]
    answer: Answer
    bytes: int

    @property
    def size(self) -> int:
        """How many places of the queue it takes."""
        return len(self.events) + len(self.rejections)

    def cut(self, repeated: frozenset[EventIdentity]) -> tuple[Waiting | None, Waiting | None]:
        """Those of the events that are `repeated`, and all the rest."""
        events = [event for event in self.events if event.identity in repeated]
        if len(events) == self.size:
            return self, None
        if not events:
            return None, self
        self.answer.expect_another()
        others = [event for event in self.events if event.identity not in repeated]
        size = sum(event.size for event in events)
        return (
            replace(self, events=events, rejections=(), bytes=size),
            replace(self, events=others, bytes=self.bytes - size),
        )


@dataclass(frozen=True, slots=True)
class Writers:
    """What writes events, shared by all spaces."""

    store: EvidenceStore
    repeats: RepeatWriter
    batches: BatchWriter
    rejected: RejectedRetention
    counts: SourceCounts


class Lanes:
    """The lanes of one space."""

    def __init__(
        self,
        scope: SpaceScope,
        writers: Writers,
        leaves: Callable[[Waiting], None],
        idle: Callable[[], None],
    ) -> None:
        """`leaves` is called with what waits no longer, when its writing begins; `idle` whenever
        nothing waits and nothing is written.
        """
        self._scope = scope
        self._writers = writers
        self._leaves = leaves
        self._idle = idle
        self._arrived: deque[Waiting] = deque()
        self._decisive: deque[Waiting] = deque()
        self._places = asyncio.Semaphore(REPEATS_BESIDE)
        self._is_sorting = self._is_deciding = False
        self._tasks: set[asyncio.Task[None]] = set()

    def put(self, part: Waiting) -> None:
        """Have some events written, and their sender answered."""
        self._arrived.append(part)
        if not self._is_sorting:
            self._is_sorting = True
            self._start(self._sort_all())

    async def finish(self) -> None:
        """Return when all is written."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        # Whoever happens to be first, it is the work of all whose events are written.
        task = asyncio.create_task(work, context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not self._tasks:
            self._idle()

    async def _sort_all(self) -> None:
        """Give what arrives to its lanes, batch after batch."""
        try:
            while self._arrived:
                await self._places.acquire()
                await _until_quiet(self._arrived)
                await self._sort(_next_batch(self._arrived))
        finally:
            self._is_sorting = False

    async def _sort(self, batch: Sequence[Waiting]) -> None:
        """Takes over a place, which is given back when the repeats among them are written."""
        try:
            repeats = await self._writers.repeats.find(self._scope, batch)
        except Exception as error:  # noqa: BLE001 - raised where somebody waits
            self._places.release()
            for part in batch:
                self._leaves(part)
                part.answer.take(error)
            return
        if repeats is None:
            self._places.release()
            self._decide(batch)
            return
        pieces = [part.cut(repeats.events) for part in batch]
        self._decide([others for _, others in pieces if others])
        repeated = [events for events, _ in pieces if events]
        self._start(self._write_repeats(repeats, repeated))

    async def _write_repeats(self, repeats: Repeats, parts: Sequence[Waiting]) -> None:
        outcome: Written | Exception = Written(repeats.events)
        try:
            if not await self._writers.repeats.write(self._scope, repeats):
                self._decide(parts)
                return
        except Exception as error:  # noqa: BLE001 - raised where somebody waits
            outcome = error
        finally:
            self._places.release()
        for part in parts:
            self._leaves(part)
            part.answer.take(outcome)

    def _decide(self, parts: Sequence[Waiting]) -> None:
        self._decisive.extend(parts)
        if self._decisive and not self._is_deciding:
            self._is_deciding = True
            self._start(self._decide_all())

    async def _decide_all(self) -> None:
        """Write what may change customers, batch after batch."""
        try:
            while self._decisive:
                batch = _next_batch(self._decisive)
                for part in batch:
                    self._leaves(part)
                await self._write_and_answer(batch)
        finally:
            self._is_deciding = False

    async def _write_and_answer(self, batch: Sequence[Waiting]) -> None:
        """Write a batch, in halves where others keep changing a customer that it touches.

        So only those who sent events of such a customer may have to send them again.
        """
        outcome: Written | Exception
        try:
            outcome = await self._write(batch)
        except Contended as error:
            if len(batch) > 1:
                middle = len(batch) // 2
                await self._write_and_answer(batch[:middle])
                await self._write_and_answer(batch[middle:])
                return
            outcome = error
        except Exception as error:  # noqa: BLE001 - raised where somebody waits
            outcome = error
        for part in batch:
            part.answer.take(outcome)

    async def _write(self, batch: Sequence[Waiting]) -> Written:
        written = Written()
        if any(part.events for part in batch):
            max_attempts = MAX_ATTEMPTS if len(batch) == 1 else ATTEMPTS_TOGETHER
            written = await self._writers.batches.write(self._scope, batch, max_attempts)
        unread: list[RejectedEvent] = [(part, each) for part in batch for each in part.rejections]
        rejected = [*unread, *written.rejected]
        if rejected:
            await self._writers.rejected.keep(self._scope.space, rejected)
        return written


async def _until_quiet(waiting: deque[Waiting]) -> None:
    """Let requests that have arrived already, but were not read yet, share the next batch.

    Not a timer: an idle loop takes microseconds to turn, and one sender alone waits no longer.
    """
    size = turns = 0
    while turns < QUIET_TURNS and len(waiting) < MAX_BATCH:
        turns = turns + 1 if len(waiting) == size else 0
        size = len(waiting)
        await asyncio.sleep(0)


def _next_batch(waiting: deque[Waiting]) -> list[Waiting]:
    batch: list[Waiting] = []
    count = size = 0
    while waiting and (not batch or _fits(waiting[0], count, size)):
        part = waiting.popleft()
        count += len(part.events)
        size += part.bytes
        batch.append(part)
    return batch


def _fits(part: Waiting, count: int, size: int) -> bool:
    return count + len(part.events) <= MAX_BATCH and size + part.bytes <= MAX_BATCH_BYTES
