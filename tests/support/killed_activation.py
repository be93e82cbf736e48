"""A process that is killed between an answer and its record: `python -m … SPACE DESTINATION`.

It serves the destination from the database that the environment names, by the secrets key and the
networks of the tests, and kills itself, hard, before the outcomes of its second look are recorded.
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

LOOKS = 2
"""Before the outcomes of so many looks are recorded, it is killed."""

LIMITS = Limits(activation=ActivationLimits(lease_ms=1_000, gather_s=0.01, customers_marked=10))


class KilledSoon(DestinationStore):
    """What is recorded by a process that does not live long."""

    looks = 0

    async def write_outcomes(
        self,
        key: DestinationKey,
        until: int,
        records: Mapping[str, Mapping[str, Any]],
        customers: Mapping[str, int | None],
    ) -> None:
        """Record outcomes; the last time is the end of the process."""
        self.looks += 1
        if self.looks == LOOKS:
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


if __name__ == "__main__":
    configure_logging()
    wiring.DestinationStore = KilledSoon
    asyncio.run(serve(DestinationKey(*sys.argv[1:])))
