"""Processes that are killed while they serve a destination: `python -m … SPACE DESTINATION`.

Each number that is read begins one, which serves the destination from the database that the
environment names, by the secrets key and the networks of the tests, and kills itself, hard, when it
is to write to the records of the destination for that time. What it ended with is written.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from identity_service.graph.database import Database
from identity_service.graph.destinations import DestinationKey, DestinationStore
from identity_service.observability import configure_logging
from identity_service.services import wiring
from identity_service.services.limits import ActivationLimits, Limits
from identity_service.services.wiring import Reach, assemble
from identity_service.settings import Settings
from tests.support.activation import LOOPBACK
from tests.support.space import MAX_QUEUE

LIMITS = Limits(activation=ActivationLimits(lease_ms=400, gather_s=0.01, customers_marked=5))


class KilledSoon(DestinationStore):
    """What is written by a process that does not live long: before `last_write` it is killed."""

    last_write = 0
    writes = 0

    async def write_outcomes(
        self,
        key: DestinationKey,
        until: int,
        records: Mapping[str, Mapping[str, Any]],
        customers: Mapping[str, int | None],
    ) -> None:
        """Write to the records; the last time is the end of the process."""
        self.writes += 1
        if self.writes == self.last_write:
            os.kill(os.getpid(), signal.SIGKILL)
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
