"""A process that is killed between two batches: `python -m tests.support.killed_poll FILE`.

It reads the SQL source of the file into the database that the environment names, and kills itself,
hard, as soon as the cursor was recorded twice.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from identity_service.graph.database import Database
from identity_service.graph.polls import Cursors, PollStore
from identity_service.observability import configure_logging
from identity_service.services import wiring
from identity_service.services.imports.source_files import read_files
from identity_service.services.limits import Limits, PollLimits
from identity_service.services.wiring import assemble
from identity_service.settings import Settings
from tests.support.space import MAX_QUEUE

RECORDS = 2
"""After so many records it is killed."""

LIMITS = Limits(poll=PollLimits(lease_ms=5_000))


class KilledSoon(PollStore):
    """Cursors of a process that does not live long."""

    records = 0

    async def record(self, source: str, lease_ms: int, cursors: Cursors) -> bool:
        """Record cursors; the last time is the end of the process."""
        recorded = await super().record(source, lease_ms, cursors)
        self.records += 1
        if self.records == RECORDS:
            os.kill(os.getpid(), signal.SIGKILL)
        return recorded


async def poll(file: Path) -> None:
    """Read the source once."""
    async with await Database.open(Settings()) as database:
        use_cases = assemble(database, MAX_QUEUE, limits=LIMITS)
        [source] = read_files([file])
        await use_cases.polls.poll(source)


if __name__ == "__main__":
    configure_logging()
    wiring.PollStore = KilledSoon
    asyncio.run(poll(Path(sys.argv[1])))
