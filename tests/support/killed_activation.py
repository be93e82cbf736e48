"""Processes that are killed while they serve a destination: `python -m … SPACE DESTINATION`.

Each number that is read begins one, which serves the destination from the database that the
environment names, by the secrets key and the networks of the tests, and kills itself, hard, when it
is to write what came of its requests for that time. What it ended with is written.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import SecretStr

from identity_service.graph.database import Database
from identity_service.graph.destinations import DestinationStore
from identity_service.graph.keys import DestinationKey
from identity_service.graph.outgoing_events import OutgoingEvents
from identity_service.observability import configure_logging
from identity_service.services import wiring
from identity_service.services.limits import ActivationLimits, Limits
from identity_service.services.wiring import Reach, assemble
from identity_service.settings import Settings
from tests.support.activation import LOOPBACK
from tests.support.space import MAX_QUEUE

LIMITS = Limits(activation=ActivationLimits(lease_ms=400, gather_s=0.01, customers_marked=5))


class EventsOfOneKilledSoon(OutgoingEvents):
    """What is written of events by such a process."""

    def __init__(self, database: Database, count: Callable[[], None]) -> None:
        super().__init__(database)
        self._count = count

    async def write(
        self, key: DestinationKey, events: Mapping[str, tuple[str, Mapping[str, Any]]]
    ) -> None:
        """Write to the events."""
        self._count()
        await super().write(key, events)


class KilledSoon(DestinationStore):
    """What is written by a process that does not live long: before `last_write` it is killed."""

    last_write = 0
    writes = 0

    def __init__(self, database: Database, worker: str) -> None:
        super().__init__(database, worker)
        self.events = EventsOfOneKilledSoon(database, self.count)

    def count(self) -> None:
        """The last time is the end of the process."""
        self.writes += 1
        if self.writes == self.last_write:
            os.kill(os.getpid(), signal.SIGKILL)

    async def write_outcomes(
        self,
        key: DestinationKey,
        until: int,
        records: Mapping[str, Mapping[str, Any]],
        customers: Mapping[str, int | None],
    ) -> None:
        """Write to the records."""
        self.count()
        await super().write_outcomes(key, until, records, customers)


async def serve(key: DestinationKey) -> None:
    """Serve the destination until nothing is due."""
    async with await Database.open(Settings()) as database:
        secrets_key = SecretStr("k" * 43)
        use_cases = assemble(
            database,
            MAX_QUEUE,
            limits=LIMITS,
            secrets_key=secrets_key,
            reach=Reach(LOOPBACK),
        )
        await use_cases.activation.serve(key)


def main(key: DestinationKey) -> None:
    """One process for each line, which need not load the service again."""
    configure_logging()
    wiring.DestinationStore = KilledSoon
    for line in sys.stdin:
        process = os.fork()
        if not process:
            KilledSoon.last_write = int(line)
            asyncio.run(serve(key))
            os._exit(0)
        _, status = os.waitpid(process, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(DestinationKey(*sys.argv[1:]))
