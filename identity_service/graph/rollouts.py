"""The settlements of policies: who is at them, and how far they are.

A version whose settlement is not done carries the label `Settling`. Who settles holds a lease,
by the clock of the database, and renews it with every step: when a process dies, another takes
over once the lease has run out.
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
    """A settlement that was taken up: of which version, and where it was left.

    `phase` is None at the beginning. `before` is the text of the version before, None unless
    that one was settled to its end.
    """

    version: int
    text: str
    phase: str | None
    place: str
    before: str | None


class RolloutStore:
    """Keeps account of settlements for `worker`, which is this process."""

    def __init__(self, database: Database, worker: str) -> None:
        self._database = database
        self._worker = worker

    async def unattended(self) -> list[str]:
        """Spaces whose policy in force is not settled, and where nobody is at it."""
        row = await self._database.read_one(LIST_SETTLEMENTS)
        return row["spaces"] if row else []

    async def claim(self, space: str, lease: int) -> ClaimedRollout | None:
        """Take up a space's settlement for `lease` milliseconds.

        None: there is nothing to settle, or somebody else is at it.
        """
        row = await self._database.write_one(
            CLAIM_SETTLEMENT, space=space, worker=self._worker, lease=lease
        )
        return ClaimedRollout(**row) if row else None

    async def record(
        self, space: str, version: int, lease: int, phase: str, place: str, *, count: bool
    ) -> bool:
        """Say how far a settlement is, and keep it; `count` also how many customers.

        False: a newer version is in force, or another process has taken over.
        """
        row = await self._database.write_one(
            RECORD_PROGRESS,
            w={
                "space": space,
                "key": policy_key(space, version),
                "worker": self._worker,
                "lease": lease,
                "phase": phase,
                "place": place,
                "count": count,
            },
        )
        return row is not None

    async def finish(self, space: str, version: int) -> None:
        """Say that a settlement is done; nothing when it is not ours any more."""
        await self._database.write_one(
            FINISH_SETTLEMENT, space=space, key=policy_key(space, version), worker=self._worker
        )

    async def release(self, space: str, version: int) -> None:
        """Leave a settlement to whoever takes it up next."""
        await self._database.write_one(
            RELEASE_SETTLEMENT, key=policy_key(space, version), worker=self._worker
        )
