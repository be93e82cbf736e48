"""A process that is killed amid a rollout: `-m tests.support.killed_rollout SPACE POLICY`.

The database is the one that the environment names. It puts the policy, a text, in force as the
second version, settles one customer at a time, and kills itself, hard, as soon as a few are
settled. It holds the rollout from the beginning, so that no other process can take it up before.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any

from identity_service.graph.database import Database
from identity_service.graph.policies import PUT_POLICY_IN_FORCE
from identity_service.graph.rollouts import CLAIM_SETTLEMENT, RolloutStore
from identity_service.observability import configure_logging
from identity_service.services import wiring
from identity_service.services.kit.clock import system_clock
from identity_service.services.limits import Limits, RolloutLimits
from identity_service.services.spaces.access import Role
from identity_service.services.wiring import assemble
from identity_service.settings import Settings
from tests.support.space import MAX_QUEUE

LIMITS = Limits(rollout=RolloutLimits(lease_ms=8_000, count_interval_ms=0, customers_per_step=1))

WORKER = "killed"

STEPS = 3
"""After so many steps it is killed."""


class KilledSoon(RolloutStore):
    """Rollouts of a process that does not live long."""

    steps = 0

    def __init__(self, database: Database, _: str) -> None:
        super().__init__(database, WORKER)

    async def record(self, *args: Any, **options: Any) -> bool:
        """Record a step; the last one is the end of the process."""
        recorded = await super().record(*args, **options)
        self.steps += 1
        if self.steps == STEPS:
            os.kill(os.getpid(), signal.SIGKILL)
        return recorded


async def roll_out(space: str, policy: str) -> None:
    """Put the policy in force and begin to roll it out."""
    async with await Database.open(Settings()) as database:
        use_cases = assemble(database, MAX_QUEUE, limits=LIMITS)
        access = use_cases.access
        scope = access.require(access.operator(space), space, Role.ADMIN)
        async with database.transaction("killed_rollout") as transaction:
            await transaction.run_one(
                PUT_POLICY_IN_FORCE,
                space=space,
                expected=1,
                text=policy,
                now=system_clock(),
                author=scope.author,
                note=None,
            )
            await transaction.run_one(
                CLAIM_SETTLEMENT, space=space, worker=WORKER, lease=LIMITS.rollout.lease_ms
            )
        use_cases.policy_rollout.go_on(scope)
        async for _ in use_cases.policy_rollout.progress(scope):
            pass
        await use_cases.policy_rollout.close()


if __name__ == "__main__":
    configure_logging()
    wiring.RolloutStore = KilledSoon
    asyncio.run(roll_out(*sys.argv[1:]))
