"""Reading databases and CRMs as sources: once, or by `serve` whenever one is due.

A query is asked for all rows from the greatest cursor value on of which everything is durable,
less an overlap: a row may be committed after others with a later time. What comes again is known by
its message id, so nothing is doubled. The cursor is recorded after each batch, once that is
durable: a process that dies loses nothing. One process reads a source at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, Final, TypeAlias

import structlog

from identity_service.collect.cursors import CursorValue
from identity_service.collect.polled import PolledCall
from identity_service.collect.segment import Collected
from identity_service.collect.source_file import PolledSource
from identity_service.collect.sql_rows import gone_row
from identity_service.collect.sql_source import SqlSource
from identity_service.domain.events import EventIdentity, Rejection, ReportedEvent
from identity_service.domain.upstream import Notice
from identity_service.errors import (
    BadInput,
    Conflict,
    IdentityServiceError,
    NotFound,
    Overloaded,
    SourceFailed,
    Unavailable,
)
from identity_service.graph.mirrors import MirrorStore
from identity_service.graph.polls import PollState, PollStore
from identity_service.graph.sources import SourceStore
from identity_service.observability import BACKGROUND_FAILURES
from identity_service.services.imports.crm import Crm
from identity_service.services.imports.sql_database import ROWS, SqlDatabase
from identity_service.services.kit.background import DueWork
from identity_service.services.kit.clock import Clock
from identity_service.services.limits import PollLimits
from identity_service.services.spaces.access import Access, Sender
from identity_service.services.write.intake import Ingest

MIRROR_INTERVAL_MS: Final = 24 * 60 * 60 * 1000
"""After so long all rows of a mirrored call are read again."""

MAX_GONE: Final = 100
"""So many rows may be gone at once, however few there are; beyond, no more than half of all."""

_log = structlog.get_logger(__name__)


Reader: TypeAlias = SqlDatabase | Crm


def open_source(source: PolledSource, clock: Clock) -> Reader:
    """What reads a source, as a context."""
    return SqlDatabase(source, clock) if isinstance(source, SqlSource) else Crm(source, clock)


@dataclass(slots=True)
class CallReport:
    """What became of the rows of one call.

    `rows` were read: `written` as new events, `known`, or `rejected`. Those `without_cursor`, and
    those `out_of_order`, which came after a later one, are among them. `cursor`: the greatest
    value. `rows_gone`: of a mirrored call, those that were there before. `error`: why not all was
    done.
    """

    call: str
    rows: int = 0
    written: int = 0
    known: int = 0
    rejected: int = 0
    rows_without_cursor: int = 0
    rows_out_of_order: int = 0
    rows_gone: int = 0
    cursor: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class PollReport:
    """What was read of a source, by call."""

    source: str
    calls: list[CallReport] = field(default_factory=list[CallReport])

    @property
    def error(self) -> str | None:
        """Why not everything was read."""
        errors = [f"{call.call}: {call.error}" for call in self.calls if call.error]
        return " ".join(errors) or None


class Polls:
    """Reads sources from their databases. To be closed."""

    def __init__(
        self,
        access: Access,
        sources: SourceStore,
        ingest: Ingest,
        store: PollStore,
        mirrors: MirrorStore,
        clock: Clock,
        limits: PollLimits,
    ) -> None:
        self._access = access
        self._sources = sources
        self._ingest = ingest
        self._store = store
        self._mirrors = mirrors
        self._clock = clock
        self._limits = limits
        self._work = DueWork("poll", "polls_watch")
        self._open: set[Reader] = set()

    def look_after(self, sources: Sequence[PolledSource]) -> None:
        """From now on, read each of the sources whenever it is due and nobody is at it."""

        async def look() -> None:
            for source in sources:
                self._work.due(source.name, partial(self._poll_if_due, source), source=source.name)

        if sources:
            self._work.watch(look, self._limits.look_interval_s)

    async def close(self) -> None:
        """End after the batches that are being written; another process may go on."""
        await asyncio.gather(self._work.close(), self._interrupt_all())

    async def poll(self, source: PolledSource, *, again: bool = False) -> PollReport:
        """Read a source now, due or not; `again`: from its beginning, wherever it stopped.

        A call that cannot be read says so in the report, and the others are read. Raises Conflict
        where it is paused or another process is at it, NotFound where there is no such source,
        SourceFailed and MissingExtra where its database cannot be reached, and what `Ingest.take`
        raises. What was written until then stays, and is known the next time.
        """
        if await self._is_paused(source):
            raise Conflict(f"The source “{source.name}” is paused.", remedy="Resume it first.")
        report = await self._poll(source, every_ms=0, again=again)
        if report is None:
            raise Conflict(
                f"Another process is reading the source “{source.name}”.",
                remedy="Wait until it is done.",
            )
        return report

    async def state(self, source: PolledSource) -> PollState:
        """How far a source was read, and how that went."""
        return await self._store.state(source.name)

    async def _interrupt_all(self) -> None:
        for database in [*self._open]:
            await database.interrupt()

    async def _poll_if_due(self, source: PolledSource) -> None:
        try:
            if await self._is_paused(source):
                return
            report = await self._poll(source, source.every_ms)
        except Unavailable:
            raise  # of our own database: it is tried again
        except IdentityServiceError as error:
            self._failed(source.name, error.code)
            return
        for call in report.calls if report else ():
            if call.error:
                self._failed(source.name, SourceFailed.code)
            else:
                _log.info("source_read", source=source.name, **asdict(call))

    def _failed(self, source: str, code: str) -> None:
        """Count and log it, without what was said: that may hold a customer's value.

        `source sql status` shows it.
        """
        if not self._work.is_closing:
            BACKGROUND_FAILURES.labels("poll").inc()
            _log.warning("source_failed", source=source, error=code)

    async def _poll(
        self, source: PolledSource, every_ms: int, *, again: bool = False
    ) -> PollReport | None:
        lease_ms = self._limits.lease_ms + source.timeout_ms
        cursors = await self._store.claim(source.name, lease_ms, every_ms)
        if cursors is None:
            await self._sender(source)  # of a source that is not there nothing can be claimed
            return None
        report = PollReport(source.name)
        error: str | None = None
        try:
            sender = await self._sender(source)
            reading = _Reading(
                self._store, source, lease_ms, {} if again else cursors, self._clock()
            )
            await self._read_all(source, sender, reading, report)
            error = report.error
        except IdentityServiceError as failure:
            error = str(failure)
            raise
        finally:
            calls = [asdict(each) for each in report.calls]
            unfinished = self._work.is_closing
            await self._store.release(source.name, calls, error, unfinished=unfinished)
        return report

    async def _is_paused(self, source: PolledSource) -> bool:
        found = await self._sources.source(source.name)
        return found is not None and found.paused_at is not None

    async def _sender(self, source: PolledSource) -> Sender:
        found = await self._sources.source(source.name)
        if found is None or not found.spaces:
            raise NotFound(
                f"There is no source “{source.name}” that feeds a space.",
                remedy="Make one with `identity-service source create`.",
            )
        return self._access.reader_of(found)

    async def _read_all(
        self, source: PolledSource, sender: Sender, reading: _Reading, report: PollReport
    ) -> None:
        """Read all calls, or those until this process ends."""
        async with open_source(source, self._clock) as database:
            self._open.add(database)
            try:
                for call in source.calls:
                    if self._work.is_closing:
                        return
                    report.calls.append(CallReport(call.label))
                    try:
                        await self._read(database, sender, reading, call, report.calls[-1])
                    except (SourceFailed, BadInput) as failure:
                        report.calls[-1].error = str(failure)
            finally:
                self._open.discard(database)

    async def _read(
        self,
        database: Reader,
        sender: Sender,
        reading: _Reading,
        call: PolledCall,
        report: CallReport,
    ) -> None:
        """Read one call to its end, or until this process ends."""
        is_mirrored = reading.is_to_be_mirrored(call)
        progress = reading.begin(call)
        since = None if is_mirrored else progress.since
        async with aclosing(database.batches(call, since)) as batches:
            async for rows in batches:
                now = self._clock()
                for row in rows:
                    progress.see(row.cursor, now, report)
                notices = [each for row in rows for each in row.notices]
                await self._take(sender, [row.call for row in rows], now, report, notices)
                if is_mirrored:
                    here = {row.key: row.who for row in rows}
                    await self._mirrors.mark(sender.source, call.label, reading.begun_at, here)
                report.rows += len(rows)
                await reading.record(call, progress.safe)
                if self._work.is_closing:
                    return
        if is_mirrored:
            reading.mirrored(call)
        await reading.record(call, progress.greatest)
        report.cursor = None if progress.greatest is None else progress.greatest.shown
        if is_mirrored:
            await self._report_gone(sender, reading, call, report)

    async def _report_gone(
        self, sender: Sender, reading: _Reading, call: PolledCall, report: CallReport
    ) -> None:
        """Report the rows of a mirrored call that are gone, once all rows were read.

        Raises BadInput where most are: the query may have failed to find them.
        """
        source, run = sender.source, reading.begun_at
        known, gone = await self._mirrors.count(source, call.label, run)
        if gone > MAX_GONE and gone > known // 2:
            raise BadInput(
                f"Of {known:,} rows {gone:,} are gone, so no end of one is reported.",
                remedy="See to it that the query gives all rows where “since” is null.",
            )
        while rows := await self._mirrors.gone(source, call.label, run, ROWS):
            now = self._clock()
            calls = [gone_row(source, call, *row, now) for row in rows]
            await self._take(sender, calls, now, report)
            await self._mirrors.forget(source, call.label, [row.key for row in rows])
            report.rows_gone += len(rows)

    async def _take(
        self,
        sender: Sender,
        read: Iterable[ReportedEvent | Rejection | None],
        now: int,
        report: CallReport,
        notices: Iterable[Notice] = (),
    ) -> None:
        """Have a batch written; where too much waits, again after a pause."""
        events = tuple(one for one in read if isinstance(one, ReportedEvent))
        rejections = tuple(one for one in read if isinstance(one, Rejection))
        collected = Collected(events, rejections, tuple(notices))
        while True:
            try:
                outcomes = [*await self._ingest.take(sender, collected, now)]
                break
            except Overloaded as full:
                if self._work.is_closing:
                    raise
                await self._work.pause(full.retry_after)
        mine = {event.identity for event in events}
        written = mine & frozenset[EventIdentity]().union(*(each.events for each in outcomes))
        rejected = {
            identity
            for each in outcomes
            for _, rejection in each.rejected
            if (identity := EventIdentity(rejection.message_id or "", rejection.digest)) in mine
        }
        report.written += len(written)
        report.rejected += len(rejections) + len(rejected)
        report.known += len(events) - len(written) - len(rejected)


class _Reading:
    """How far all calls of a source are read, as it is recorded."""

    def __init__(
        self,
        store: PollStore,
        source: PolledSource,
        lease_ms: int,
        cursors: Mapping[str, str],
        begun_at: int,
    ) -> None:
        self.begun_at = begun_at
        self._store = store
        self._source = source
        self._lease_ms = lease_ms
        self._cursors = dict(cursors)

    def is_to_be_mirrored(self, call: PolledCall) -> bool:
        """Whether all rows of a call are to be read, to see which are gone."""
        last = self._cursors.get(_mirror(call))
        at = None if last is None else CursorValue.parse(last).at
        return call.is_mirrored and (at is None or self.begun_at - at >= MIRROR_INTERVAL_MS)

    def mirrored(self, call: PolledCall) -> None:
        """All rows of a call were read; it is recorded with the cursor."""
        self._cursors[_mirror(call)] = str(CursorValue.of_time(self.begun_at))

    def begin(self, call: PolledCall) -> _Progress:
        """How far one of the calls was read."""
        stored = self._cursors.get(call.label)
        return _Progress(call, None if stored is None else CursorValue.parse(stored))

    async def record(self, call: PolledCall, cursor: CursorValue | None) -> None:
        """Record how far a call is. Raises Conflict where another process has taken over."""
        if cursor is None:
            self._cursors.pop(call.label, None)
        else:
            self._cursors[call.label] = str(cursor)
        if not await self._store.record(self._source.name, self._lease_ms, self._cursors):
            raise Conflict(f"Another process has taken over the source “{self._source.name}”.")


def _mirror(call: PolledCall) -> str:
    """Under which label it is kept when a call was mirrored."""
    return f"mirror of {call.label}"


class _Progress:
    """How far one call is read.

    While its rows come in the order of their cursor, all before the greatest one was read. Once
    they do not, or where the query does not say an order, that is so at the end alone.
    """

    def __init__(self, call: PolledCall, start: CursorValue | None) -> None:
        self.since: Any = None if start is None else start.bound(call.overlap_ms, call.overlap_rows)
        self.greatest = start
        self._call = call
        self._start = start
        self._last: CursorValue | None = None
        self._is_in_order = call.is_ordered

    @property
    def safe(self) -> CursorValue | None:
        """Up to where nothing was left out, whatever comes."""
        return self.greatest if self._is_in_order else self._start

    def see(self, cursor: CursorValue | None, now: int, report: CallReport) -> None:
        """Take note of a row's cursor. Raises BadInput where it is not of the overlap's kind."""
        if cursor is None:
            report.rows_without_cursor += 1
            return
        if self._last is None:
            cursor.bound(self._call.overlap_ms, self._call.overlap_rows)
        elif cursor.value < self._last.value:
            report.rows_out_of_order += 1
            self._is_in_order = False
        self._last = cursor
        # A time to come would keep out everything until then.
        is_to_come = cursor.at is not None and cursor.at > now
        if not is_to_come and (self.greatest is None or cursor.value > self.greatest.value):
            self.greatest = cursor
