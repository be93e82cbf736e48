"""Policy rollouts: which process is at them, and how far they are.

A version whose rollout is not done carries the label `Settling`. The process that is at it holds a
lease, by the clock of the database, and renews it with every step. When a process dies, another
one takes over once the lease has run out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from identity_service.graph.database import Database
from identity_service.graph.keys import policy_key
from identity_service.graph.statements import statement

LIST_SETTLEMENTS: Final = statement("instance/list_settlements")
CLAIM_SETTLEMENT: Final = statement("policies/claim_settlement")
RECORD_PROGRESS: Final = statement("policies/record_progress")
FINISH_SETTLEMENT: Final = statement("policies/finish_settlement")
RELEASE_SETTLEMENT: Final = statement("policies/release_settlement")


@dataclass(frozen=True, slots=True)
class ClaimedRollout:
    """A rollout that this process has taken up: of which version, and where it stopped.

    `phase` is None at the beginning. `before` is the text of the version before, None unless
    that one was rolled out to its end, and where this one is rolled out once more.
    """

    version: int
    text: str
    phase: str | None
    place: str
    before: str | None


class RolloutStore:
    """Reads and writes rollouts for `worker`, the id of this process."""

    def __init__(self, database: Database, worker: str) -> None:
        self._database = database
        self._worker = worker

    async def unattended(self) -> list[str]:
        """Spaces whose policy is not rolled out to its end, and where no process is at it."""
        row = await self._database.read_one(LIST_SETTLEMENTS)
        return row["spaces"] if row else []

    async def claim(self, space: str, lease_ms: int) -> ClaimedRollout | None:
        """Take up a space's rollout for some time.

        None: there is none to take up, or another process is at it.
        """
        row = await self._database.write_one(
            CLAIM_SETTLEMENT, space=space, worker=self._worker, lease=lease_ms
        )
        return ClaimedRollout(**row) if row else None

    async def record(
        self, space: str, version: int, lease_ms: int, phase: str, place: str, *, count: bool
    ) -> bool:
        """Record how far a rollout is, and renew its lease; `count`: also count the customers.

        False: a newer version is in force, or another process has taken over.
        """
        row = await self._database.write_one(
            RECORD_PROGRESS,
            w={
                "space": space,
                "key": policy_key(space, version),
                "worker": self._worker,
                "lease": lease_ms,
                "phase": phase,
                "place": place,
                "count": count,
            },
        )
        return row is not None

    async def finish(self, space: str, version: int) -> None:
        """Record that a rollout is done; does nothing when it is no longer this process's."""
        await self._database.write_one(
            FINISH_SETTLEMENT, space=space, key=policy_key(space, version), worker=self._worker
        )

    async def release(self, space: str, version: int) -> None:
        """Leave a rollout to the process that takes it up next."""
        await self._database.write_one(
            RELEASE_SETTLEMENT, key=policy_key(space, version), worker=self._worker
        )
