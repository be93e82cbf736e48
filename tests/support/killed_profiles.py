"""A process that is killed before it writes: `python -m tests.support.killed_profiles SPACE`.

The database is the one that the environment names. It reads all that waits in the space and
computes it, and kills itself, hard, when it would write.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from identity_service.graph.database import Database
from identity_service.graph.profile_writes import ProfilesWrite
from identity_service.graph.profiles import ProfileStore
from identity_service.observability import configure_logging
from identity_service.services import wiring
from identity_service.services.limits import Limits, ProfileLimits
from identity_service.services.wiring import assemble
from identity_service.settings import Settings
from tests.support.space import MAX_QUEUE

LIMITS = Limits(profiles=ProfileLimits(lease_ms=2_000))


class KilledSoon(ProfileStore):
    """Profiles of a process that does not live long."""

    async def write(self, space: str, lease_ms: int, write: ProfilesWrite) -> frozenset[str] | None:
        """The end of the process."""
        os.kill(os.getpid(), signal.SIGKILL)
        return await super().write(space, lease_ms, write)


async def compute(space: str) -> None:
    """Compute what waits."""
    async with await Database.open(Settings()) as database:
        use_cases = assemble(database, MAX_QUEUE, limits=LIMITS)
        use_cases.profiles.wake(space)
        await use_cases.profiles.done()


if __name__ == "__main__":
    configure_logging()
    wiring.ProfileStore = KilledSoon
    asyncio.run(compute(*sys.argv[1:]))
