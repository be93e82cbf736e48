"""A process that computes profiles: `python -m tests.support.profiles_process SPACE`.

The database is the one that the environment names. It computes what waits in the space whenever it
reads a line, and when the lines end says how many profiles it has written.
"""

from __future__ import annotations

import asyncio
import sys

from prometheus_client import REGISTRY

from identity_service.graph.database import Database
from identity_service.observability import configure_logging
from identity_service.services.limits import Limits, ProfileLimits
from identity_service.services.wiring import assemble
from identity_service.settings import Settings
from tests.support.space import MAX_QUEUE

LIMITS = Limits(profiles=ProfileLimits(lease_ms=50, customers_per_step=2, gather_s=0.01))
"""Steps are small, and each is likely to be taken over by another process."""


async def compute(space: str) -> None:
    """Compute what waits, line after line."""
    async with await Database.open(Settings()) as database:
        use_cases = assemble(database, MAX_QUEUE, limits=LIMITS)
        while await asyncio.to_thread(sys.stdin.readline):
            use_cases.profiles.wake(space)
        await use_cases.profiles.done()
        await use_cases.close()
    written = REGISTRY.get_sample_value("identity_profiles_computed_total", {"space": space})
    sys.stdout.write(f"{int(written or 0)}\n")


if __name__ == "__main__":
    configure_logging()
    asyncio.run(compute(*sys.argv[1:]))
