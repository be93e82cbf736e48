"""What each source sends is counted in memory, and added to the graph every few seconds.

A process that is killed loses what it counted since; a write whose answer is lost is added again.
Two requests that bring the same event in the same moment may both count it as accepted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from typing import Final

from identity_service.domain.events import EventIdentity, Observation, Rejection
from identity_service.errors import Unavailable
from identity_service.graph.sources import DayCounts, DayOfSource, SourceStore
from identity_service.observability import SOURCE_EVENTS
from identity_service.services.kit.background import DueWork
from identity_service.services.spaces.sources import MAX_DAYS
from identity_service.services.write.received import Received, Written

DAY_MS: Final = 86_400_000

_DELETED_AT_ONCE: Final = 1_000


class SourceCounts:
    """Counts for all sources. To be closed."""

    def __init__(self, store: SourceStore, interval_s: float) -> None:
        """What was counted is written every `interval_s` seconds."""
        self._store = store
        self._interval_s = interval_s
        self._counts: dict[DayOfSource, DayCounts] = {}
        self._work = DueWork("source_counts", "source_counts_watch")
        self._writing = asyncio.Lock()
        self._last_day = 0

    def count(
        self,
        space: str,
        received: Received,
        rejections: Collection[Rejection],
        outcomes: Iterable[Written],
    ) -> None:
        """Count the events of a request by what became of them in a space.

        `rejections` are those that could not be read. `outcomes` are of all transactions that wrote
        some of them, and may be of others' too.
        """
        counts = self._of(space, received.source, received.received_at)
        mine = {event.identity: event for event in received.events}
        counts.received += len(received.events) + len(rejections)
        counts.last_seen = max(counts.last_seen, received.received_at)
        counts.rejected.update(each.code for each in rejections)
        for outcome in outcomes:
            for identity, event in mine.items():
                if identity in outcome.events:
                    lag_ms = max(0, received.received_at - event.at)
                    counts.accepted += 1
                    counts.lag_ms += lag_ms
                    counts.longest_lag_ms = max(counts.longest_lag_ms, lag_ms)
            for _, rejection in outcome.rejected:
                if EventIdentity(rejection.message_id or "", rejection.digest) in mine:
                    counts.rejected[rejection.code] += 1

    def collided(self, space: str, observations: Iterable[Observation]) -> None:
        """Count events that were stored although another event has their message id."""
        for each in observations:
            self._of(space, each.source, each.received_at).collisions += 1

    def dropped(self, spaces: Iterable[str], source: str, received_at: int, events: int) -> None:
        """Count events that the reading rules of their source drop."""
        for space in spaces:
            counts = self._of(space, source, received_at)
            counts.received += events
            counts.dropped += events
            counts.last_seen = max(counts.last_seen, received_at)

    def write_regularly(self) -> None:
        """From now on, write what was counted every few seconds, and delete what is old."""
        self._work.watch(self._write_and_delete, self._interval_s)

    async def write(self) -> None:
        """Write what was counted since the last time. Raises Unavailable: it is kept, and counted
        with what comes.
        """
        async with self._writing:
            counts, self._counts = self._counts, {}
            if not counts:
                return
            try:
                await self._store.add_counts(counts)
            except BaseException:
                for of, count in counts.items():
                    self._counts.setdefault(of, DayCounts()).add(count)
                raise
        for of, count in counts.items():
            rejected = count.rejected.total()
            for outcome, number in (
                ("accepted", count.accepted),
                ("known", count.received - count.accepted - rejected - count.dropped),
                ("rejected", rejected),
                ("dropped", count.dropped),
            ):
                SOURCE_EVENTS.labels(of.source, outcome).inc(number)

    async def close(self) -> None:
        """Write what was counted, unless the database does not answer."""
        await self._work.close()
        try:
            await self.write()
        except Unavailable:
            return

    async def _write_and_delete(self) -> None:
        today = max((of.day for of in self._counts), default=0)
        await self.write()
        if today > self._last_day:
            while await self._store.delete_days(today - MAX_DAYS, _DELETED_AT_ONCE):
                pass
            self._last_day = today

    def _of(self, space: str, source: str, received_at: int) -> DayCounts:
        of = DayOfSource(space, source, received_at // DAY_MS)
        counts = self._counts.get(of)
        if counts is None:
            counts = self._counts[of] = DayCounts()
        return counts
