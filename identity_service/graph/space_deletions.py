"""The deletion of spaces in the graph: begun, claimed, done step by step, and ended."""

from __future__ import annotations

from typing import Final

from identity_service.domain.recorded import SpaceDeletion
from identity_service.graph.database import Database
from identity_service.graph.statements import (
    Access,
    Statement,
    load,
    statement,
    statement_names,
)

BEGIN_DELETION: Final = statement("deletions/begin_deletion")
CLAIM_DELETION: Final = statement("deletions/claim_deletion")
RELEASE_DELETION: Final = statement("deletions/release_deletion")
FINISH_DELETION: Final = statement("deletions/finish_deletion")
READ_DELETION: Final = statement("deletions/read_deletion")
LIST_DELETIONS: Final = statement("instance/list_deletions")
LIST_TRANSACTIONS: Final = statement("instance/list_transactions")
DELETE_RECORDS: Final = statement("deletions/delete_records")
DELETE_EVENTS: Final = statement("deletions/delete_events")
DELETE_IDENTIFIERS: Final = statement("deletions/delete_identifiers")
DELETE_CUSTOMERS: Final = statement("deletions/delete_customers")
DELETE_SOURCES: Final = statement("deletions/delete_sources")

STEPS: Final = (
    DELETE_RECORDS,
    DELETE_EVENTS,
    DELETE_IDENTIFIERS,
    DELETE_CUSTOMERS,
    DELETE_SOURCES,
)
"""What is deleted, in this order: what many relationships lead to comes after these."""


class SpaceDeletionStore:
    """Deletes spaces. `worker` is how this process signs what it is at."""

    def __init__(self, database: Database, worker: str) -> None:
        self._database = database
        self.worker = worker

    async def begin(self, space: str, author: str, now: int) -> list[str] | None:
        """Make it no space any more: nobody finds it, and its keys are gone.

        Returns the hashes of the keys that open something else than before. None: there is no
        such space.
        """
        row = await self._database.write_one(
            BEGIN_DELETION, w={"space": space, "author": author, "now": now}
        )
        return None if row is None else row["hashes"]

    async def find(self, space: str) -> SpaceDeletion | None:
        """How far a space is deleted; None where none of that name is being deleted."""
        row = await self._database.read_latest(READ_DELETION, space=space)
        return SpaceDeletion(*row["deletion"]) if row else None

    async def all(self) -> list[SpaceDeletion]:
        """All that are not done, by the name of the space."""
        row = await self._database.read_one(LIST_DELETIONS)
        return [SpaceDeletion(*each) for each in row["deletions"]] if row else []

    async def unattended(self) -> list[str]:
        """Spaces that are not deleted yet, and that no process is at."""
        row = await self._database.read_one(LIST_DELETIONS)
        return row["unattended"] if row else []

    async def claim(self, space: str, lease_ms: int) -> int | None:
        """Take up the deletion of a space for some time; returns when it was begun.

        None: it is done, or another process is at it.
        """
        row = await self._database.write_one(
            CLAIM_DELETION, w={"space": space, "worker": self.worker, "lease": lease_ms}
        )
        return None if row is None else row["begun_at"]

    async def delete_some(
        self, step: Statement, space: str, lease_ms: int, most: int
    ) -> int | None:
        """Make one of `STEPS` once, and renew the lease: how much is gone, nothing when all is.

        None: it is not ours any more.
        """
        w = {"space": space, "worker": self.worker, "lease": lease_ms, "most": most}
        row = await self._database.write_one(step, w=w)
        return None if row is None else row["gone"]

    async def finish(self, space: str) -> bool:
        """Record that nothing is left; the name is free. False: it is not ours any more."""
        row = await self._database.write_one(
            FINISH_DELETION, w={"space": space, "worker": self.worker}
        )
        return row is not None

    async def release(self, space: str) -> None:
        """Leave a deletion to the process that takes it up next."""
        await self._database.write_one(RELEASE_DELETION, w={"space": space, "worker": self.worker})

    async def writing(self) -> set[str]:
        """The transactions that may be writing into a space now."""
        names = [each for each in statement_names() if load(each).access is Access.WRITE]
        rows = await self._database.read_all(LIST_TRANSACTIONS, names=names)
        return {row["id"] for row in rows}
