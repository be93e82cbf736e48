"""Bulk load: lines of tracking calls into one space, with bounded memory.

What is known already is passed over, so that a load which was stopped, or whose file was damaged,
is simply run again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from identity_service.collect.segment import Collected, read_line
from identity_service.domain.events import EventIdentity, Rejection, ReportedEvent
from identity_service.errors import BadInput
from identity_service.services.kit.clock import Clock
from identity_service.services.spaces.access import Sender
from identity_service.services.write.intake import Ingest
from identity_service.services.write.lanes import MAX_BATCH

MAX_BATCH_BYTES: Final = 8 * 1024 * 1024
"""A batch is closed once its lines hold that much, however few they are."""

IN_FLIGHT: Final = 3
"""Batches at a time: one is written while the next ones are read and wait."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """How many lines became events, were known already, or were set aside as rejected."""

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
    """Loads lines into the space of `sender`, which has one; `loaded` counts what was done."""

    def __init__(self, ingest: Ingest, sender: Sender, clock: Clock) -> None:
        self._ingest = ingest
        self._sender = sender
        self._clock = clock
        self._in_flight: set[EventIdentity] = set()
        self.loaded = Loaded()

    async def load(self, file: str, lines: Iterable[bytes], advanced: Callable[[], None]) -> None:
        """Load lines, empty ones left out; `advanced` is called whenever a batch is done.

        `file` is a name by which the lines are known again. When `lines` raises BadInput, the lines
        before are loaded, and then it is raised. Raises what `Ingest.take` raises.
        """
        running: set[asyncio.Task[None]] = set()
        try:
            for batch in _batches(lines):
                running.add(asyncio.create_task(self._load(file, batch, advanced)))
                await asyncio.sleep(0)
                while len(running) >= IN_FLIGHT:
                    done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        task.result()
        finally:
            await asyncio.gather(*running)

    async def _load(
        self, file: str, lines: list[tuple[int, bytes]], advanced: Callable[[], None]
    ) -> None:
        received_at = self._clock()
        read = [read_line(line, received_at, file, number) for number, line in lines]
        events = tuple(one for one in read if isinstance(one, ReportedEvent))
        rejections = tuple(one for one in read if isinstance(one, Rejection))
        # One that another batch brings at this moment is that batch's.
        mine = {event.identity for event in events} - self._in_flight
        self._in_flight |= mine
        try:
            outcomes = [
                *await self._ingest.take(self._sender, Collected(events, rejections), received_at)
            ]
        finally:
            self._in_flight -= mine
        written = sum(len(mine & each.events) for each in outcomes)
        rejected = len(rejections) + sum(
            EventIdentity(rejection.message_id or "", rejection.digest) in mine
            for each in outcomes
            for _, rejection in each.rejected
        )
        self.loaded += Loaded(written, len(lines) - written - rejected, rejected)
        advanced()


def _batches(lines: Iterable[bytes]) -> Iterator[list[tuple[int, bytes]]]:
    """The lines in batches, each with its number in the file, from 1."""
    batch: list[tuple[int, bytes]] = []
    size = 0
    try:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            batch.append((number, line))
            size += len(line)
            if len(batch) == MAX_BATCH or size >= MAX_BATCH_BYTES:
                yield batch
                batch, size = [], 0
    except BadInput:
        if batch:
            yield batch
        raise
    if batch:
        yield batch
