"""Bulk load: rows of files into one space, with bounded memory.

What is known already is passed over, so that a load which was stopped, or whose file was damaged,
is simply run again. It goes on where it stopped: how far it is, is recorded in the graph once all
up to there is durable. When all files of a load are done, that is forgotten: the same load, run
once more, reads them anew and adds nothing.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import structlog

from identity_service.collect.segment import Collected
from identity_service.domain.events import EventIdentity, Rejection, ReportedEvent
from identity_service.errors import BadInput, SourcePaused, Unavailable
from identity_service.graph.file_loads import FileLoadStore, Place
from identity_service.services.imports.file_rows import FileRows, Row, open_rows
from identity_service.services.imports.input_files import InputFile
from identity_service.services.kit.clock import Clock
from identity_service.services.spaces.access import Sender
from identity_service.services.write.intake import Ingest
from identity_service.services.write.lanes import MAX_BATCH
from identity_service.services.write.received import Written

MAX_BATCH_BYTES: Final = 8 * 1024 * 1024
"""A batch is closed once its rows hold that much, however few they are."""

IN_FLIGHT: Final = 3
"""Batches at a time, of all files: one is written while the next ones are read and wait."""

RECORD_INTERVAL_S: Final = 1.0
"""Seconds after which it is recorded anew how far a load is."""

PAUSES_S: Final = (1.0, 4.0, 15.0, 40.0)
"""Seconds before a batch is sent again that was not written; a database restarts in a minute."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Loaded:
    """How many rows became events, were known already, or were set aside as rejected."""

    written: int = 0
    known: int = 0
    rejected: int = 0

    def __add__(self, other: Loaded) -> Loaded:
        return Loaded(
            self.written + other.written,
            self.known + other.known,
            self.rejected + other.rejected,
        )


class Loader:
    """Loads files into the space of `sender`, which has one; `loaded` counts what was done.

    Several may be loaded at a time, so that small ones fill batches too.
    """

    def __init__(
        self,
        ingest: Ingest,
        places: FileLoadStore,
        sender: Sender,
        clock: Clock,
        unreadable: Callable[[str, int, str], None],
    ) -> None:
        """`unreadable` is called for each row of which no event can be made: with the name of the
        file, the number of the row, and what is wrong with it.
        """
        self._ingest = ingest
        self._places = places
        self._sender = sender
        [self._space] = (scope.space for scope in sender.scopes)
        self._clock = clock
        self._unreadable = unreadable
        self._in_flight: set[EventIdentity] = set()
        self._free = asyncio.Semaphore(IN_FLIGHT)
        self._begun: list[tuple[str, str]] = []
        self.loaded = Loaded()

    async def load(self, file: InputFile, advanced: Callable[[int], None]) -> None:
        """Load a file from where its load stopped.

        `advanced` is called with the bytes of it that were read, whenever a batch is done. When the
        file is damaged, the rows before are loaded, and then BadInput is raised. Raises what
        `Ingest.take` raises.
        """
        digest = await asyncio.to_thread(file.digest)
        start = Place()
        if digest is not None:
            self._begun.append((file.name, digest))
            start = await self._places.read(self._space, file.name, digest)
        self.loaded += Loaded(known=start.stored, rejected=start.rejected)
        if start.done:
            return
        with open_rows(file, start.row) as opened:
            batches = _Batches(start)
            try:
                await self._load_all(file.name, digest, opened, batches, advanced)
            finally:
                advanced(opened.position())
        if digest is not None:
            done = replace(batches.place, done=True)
            await self._places.record(self._space, file.name, digest, done)

    async def finish(self) -> None:
        """Forget how far the loads of all files were, since the whole load is done."""
        await self._places.forget(self._space, self._begun)

    async def _load_all(
        self,
        name: str,
        digest: str | None,
        opened: FileRows,
        batches: _Batches,
        advanced: Callable[[int], None],
    ) -> None:
        async def load(number: int, rows: list[Row]) -> None:
            counted = await self._load(name, rows)
            self.loaded += counted
            batches.done(number, rows[-1].number, counted)
            advanced(opened.position())
            if digest is not None and batches.is_to_be_recorded():
                await self._places.record(self._space, name, digest, batches.place)

        running: set[asyncio.Task[None]] = set()
        try:
            for number, rows in enumerate(_batches(opened.rows)):
                await self._free.acquire()
                task = asyncio.create_task(load(number, rows))
                task.add_done_callback(lambda _: self._free.release())
                running.add(task)
                await asyncio.sleep(0)
                for ended in [each for each in running if each.done()]:
                    running.discard(ended)
                    ended.result()
        finally:
            await asyncio.gather(*running)

    async def _load(self, name: str, rows: list[Row]) -> Loaded:
        received_at = self._clock()
        events: list[ReportedEvent] = []
        rejections: list[Rejection] = []
        for row in rows:
            one = row.read(received_at)
            if isinstance(one, ReportedEvent):
                events.append(one)
            else:
                rejections.append(replace(one, message=f"{one.message} ({name}, {row.number})"))
                self._unreadable(name, row.number, one.message)
        # One that another batch brings at this moment is that batch's.
        mine = {event.identity for event in events} - self._in_flight
        self._in_flight |= mine
        collected = Collected(tuple(events), tuple(rejections))
        try:
            outcomes = await self._take(collected, received_at)
        finally:
            self._in_flight -= mine
        written = sum(len(mine & each.events) for each in outcomes)
        rejected = len(rejections) + sum(
            EventIdentity(rejection.message_id or "", rejection.digest) in mine
            for each in outcomes
            for _, rejection in each.rejected
        )
        return Loaded(written, len(rows) - written - rejected, rejected)

    async def _take(self, collected: Collected, received_at: int) -> list[Written]:
        """As `Ingest.take`, again after a pause where the database does not answer.

        What was stored before is known then, and stays as it is.
        """
        for pause in PAUSES_S:
            try:
                return [*await self._ingest.take(self._sender, collected, received_at)]
            except SourcePaused:
                raise
            except Unavailable as error:
                _log.warning("batch_waits", seconds=pause, error=str(error))
            await asyncio.sleep(pause)
        return [*await self._ingest.take(self._sender, collected, received_at)]


class _Batches:
    """Which batches of a file are durable. They become so in any order; a place has no gaps."""

    def __init__(self, start: Place) -> None:
        self.place = start
        self._next = 0
        self._waiting: dict[int, tuple[int, Loaded]] = {}
        self._recorded_at = -math.inf

    def done(self, number: int, last_row: int, counted: Loaded) -> None:
        """A batch, by its number from 0, is durable."""
        self._waiting[number] = (last_row, counted)
        while self._next in self._waiting:
            row, each = self._waiting.pop(self._next)
            self._next += 1
            self.place = Place(
                row,
                self.place.stored + each.written + each.known,
                self.place.rejected + each.rejected,
            )

    def is_to_be_recorded(self) -> bool:
        """Whether the place was not recorded for a while; the caller does so."""
        now = time.monotonic()
        if now - self._recorded_at < RECORD_INTERVAL_S:
            return False
        self._recorded_at = now
        return True


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """The rows in batches. When they raise BadInput, the last batch comes before it is raised."""
    batch: list[Row] = []
    size = 0
    try:
        for row in rows:
            batch.append(row)
            size += row.size
            if len(batch) == MAX_BATCH or size >= MAX_BATCH_BYTES:
                yield batch
                batch, size = [], 0
    except BadInput:
        if batch:
            yield batch
        raise
    if batch:
        yield batch
