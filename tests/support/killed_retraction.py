"""Killed amid a retraction: `-m tests.support.killed_retraction SPACE SOURCE`.

This process retracts all that was received from the source, an event in each transaction, and
kills itself, hard, as soon as a few are taken out. The database is the one that the environment
names.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence

from identity_service.domain.retractions import Retraction
from identity_service.graph.database import Database
from identity_service.observability import configure_logging
from identity_service.services import wiring
from identity_service.services.limits import Limits, RetractionLimits
from identity_service.services.spaces.access import Role, SpaceScope
from identity_service.services.wiring import assemble
from identity_service.services.write.retraction_steps import RetractionSteps
from identity_service.settings import Settings
from tests.support.space import MAX_QUEUE

LIMITS = Limits(
    retraction=RetractionLimits(lease_ms=8_000, events_per_page=2, events_per_transaction=1)
)

STEPS = 2
"""After so many pages it is killed, before that is recorded."""


class KilledSoon(RetractionSteps):
    """Steps of a process that does not live long."""

    steps = 0

    async def take_out(self, scope: SpaceScope, made: Retraction, keys: Sequence[str]) -> int:
        """Take out a page; the last one is the end of the process."""
        skipped = await super().take_out(scope, made, keys)
        self.steps += 1
        if self.steps == STEPS:
            os.kill(os.getpid(), signal.SIGKILL)
        return skipped


async def retract(space: str, source: str) -> None:
    """Retract, and begin to follow that."""
    async with await Database.open(Settings()) as database:
        use_cases = assemble(database, MAX_QUEUE, limits=LIMITS)
        access = use_cases.access
        scope = access.require(access.operator(space), space, Role.ADMIN)
        made = await use_cases.retractions.retract(scope, source, 0, 10_000, "Killed soon.")
        async for _ in use_cases.retractions.progress(scope, made.id):
            pass


if __name__ == "__main__":
    configure_logging()
    wiring.RetractionSteps = KilledSoon
    asyncio.run(retract(*sys.argv[1:]))
