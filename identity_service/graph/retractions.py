"""Retractions in the graph: what they are, how far they are, and which process is at them.

One whose events are still to be taken out of the evidence, or to be given back, carries the label
`Retracting`. The process that is at it holds a lease, by the clock of the database, and renews it
with every step. When a process dies, another one takes over once the lease has run out.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from identity_service.domain.retractions import RetractedRange, Retraction, RetractionProgress
from identity_service.graph.database import Database
from identity_service.graph.detachments import StoredEvent, stored_event
from identity_service.graph.evidence import UNDO_STEP
from identity_service.graph.statements import statement

CREATE_RETRACTION: Final = statement("retractions/create_retraction")
WITHDRAW_RETRACTION: Final = statement("retractions/withdraw_retraction")
LIST_RETRACTIONS: Final = statement("retractions/list_retractions")
LIST_RANGES: Final = statement("retractions/list_ranges")
READ_RETRACTION: Final = statement("retractions/read_retraction")
LIST_EVENTS: Final = statement("retractions/list_events")
FIND_EVENT: Final = statement("retractions/find_event")
READ_EVENTS: Final = statement("retractions/read_events")
LIST_UNATTENDED: Final = statement("instance/list_retractions")
CLAIM_RETRACTION: Final = statement("retractions/claim_retraction")
READ_LAST_STEP: Final = statement("retractions/read_last_step")
READ_WORKER: Final = statement("retractions/read_worker")
RECORD_PROGRESS: Final = statement("retractions/record_progress")
FINISH_RETRACTION: Final = statement("retractions/finish_retraction")
RELEASE_RETRACTION: Final = statement("retractions/release_retraction")

Place = tuple[int, str]
"""How far a walk through events is: receipt and key of the last one."""


class RetractionStore:
    """Reads and writes retractions for `worker`, the id of this process."""

    def __init__(self, database: Database, worker: str) -> None:
        self._database = database
        self.worker = worker

    async def create(self, space: str, made: Retraction) -> None:
        """Write a retraction; its events are still to be taken out."""
        await self._database.write_one(
            CREATE_RETRACTION,
            w={
                "space": space,
                "properties": {
                    "id": made.id,
                    "source": made.source,
                    "from": made.begin,
                    "until": made.until,
                    "made_at": made.made_at,
                    "author": made.author,
                    "reason": made.reason,
                    "events": 0,
                    "skipped": 0,
                    "steps": 0,
                },
            },
        )

    async def withdraw(
        self, space: str, retraction: str, at: int, author: str, reason: str
    ) -> bool:
        """Withdraw a retraction. False: somebody has done that before."""
        row = await self._database.write_one(
            WITHDRAW_RETRACTION, space=space, id=retraction, at=at, author=author, reason=reason
        )
        return row is not None

    async def find(self, space: str, retraction: str) -> RetractionProgress | None:
        """A retraction of a space, withdrawn or not."""
        row = await self._database.read_latest(READ_RETRACTION, space=space, id=retraction)
        return _progress(*row["retraction"]) if row else None

    async def retractions(self, space: str, before: str, most: int) -> list[RetractionProgress]:
        """Retractions of a space before an id, newest first, withdrawn ones too."""
        row = await self._database.read_one(
            LIST_RETRACTIONS, w={"space": space, "before": before, "most": most}
        )
        return [_progress(*entry) for entry in row["retractions"]] if row else []

    async def events_of(
        self, space: str, source: str, after: Place, until: int, most: int
    ) -> tuple[Place | None, list[str]]:
        """Where a page of at most `most` events ends (None: there are no more), and the keys of
        those of the source.
        """
        at, key = after
        row = await self._database.read_latest(
            LIST_EVENTS,
            w={
                "space": space,
                "source": source,
                "at": at,
                "key": key,
                "until": until,
                "most": most,
            },
        )
        if row is None or row["last"] is None:
            return None, []
        received_at, last = row["last"]
        return (received_at, last), row["keys"]

    async def events(self, keys: Collection[str]) -> list[StoredEvent]:
        """Events by their keys, with all judgements and retractions about what they carry."""
        row = await self._database.read_latest(READ_EVENTS, w={"keys": list(keys)})
        return [stored_event(*entry) for entry in (row["events"] if row else ())]

    async def ranges(
        self, sources: Sequence[tuple[str, str]]
    ) -> dict[tuple[str, str], list[RetractedRange]]:
        """By space and source, what retractions in force cover."""
        row = await self._database.read_one(LIST_RANGES, w={"sources": [*map(list, sources)]})
        return {
            (space, source): [RetractedRange(*each) for each in ranges]
            for space, source, ranges in (row["ranges"] if row else ())
        }

    async def has_events(self, space: str, source: str, begin: int, until: int) -> bool:
        """Whether anything was received from a source from `begin` on and before `until`."""
        w = {"space": space, "source": source, "at": begin, "until": until}
        return await self._database.read_one(FIND_EVENT, w=w) is not None

    async def is_held(self, retraction: str) -> bool:
        """Whether this process is at a retraction."""
        row = await self._database.read_latest(READ_WORKER, id=retraction)
        return row is not None and row["worker"] == self.worker

    async def last_step(self, space: str, retraction: str) -> tuple[int, list[str]] | None:
        """The last step whose events were not given back: its number, and their keys."""
        row = await self._database.read_latest(READ_LAST_STEP, space=space, id=retraction)
        return (row["number"], row["events"]) if row else None

    async def forget_step(self, retraction: str, lease_ms: int, number: int) -> bool:
        """Forget a step of which nothing is left to give back. False: it is not ours any more."""
        row = await self._database.write_one(
            UNDO_STEP, id=retraction, worker=self.worker, lease=lease_ms, events=0, number=number
        )
        return row is not None

    async def unattended(self) -> list[tuple[str, str]]:
        """Space and id of the retractions that are not done, and that no process is at."""
        row = await self._database.read_one(LIST_UNATTENDED)
        return [(space, retraction) for space, retraction in row["retractions"]] if row else []

    async def claim(self, space: str, retraction: str, lease_ms: int) -> Place | None:
        """Take up a retraction for some time, where it stopped.

        None: it is done, or another process is at it.
        """
        row = await self._database.write_one(
            CLAIM_RETRACTION, space=space, id=retraction, worker=self.worker, lease=lease_ms
        )
        if row is None:
            return None
        received_at, key = row["place"]
        return received_at, key

    async def record(
        self, retraction: str, lease_ms: int, place: Place | None, skipped: int
    ) -> bool:
        """Record how far a retraction is, and renew its lease. False: it is not ours any more."""
        at, key = place or (None, None)
        row = await self._database.write_one(
            RECORD_PROGRESS,
            w={
                "id": retraction,
                "worker": self.worker,
                "lease": lease_ms,
                "at": at,
                "key": key,
                "skipped": skipped,
            },
        )
        return row is not None

    async def finish(self, retraction: str) -> bool:
        """Record that a retraction is done. False: it is not ours any more."""
        row = await self._database.write_one(FINISH_RETRACTION, id=retraction, worker=self.worker)
        return row is not None

    async def release(self, retraction: str) -> None:
        """Leave a retraction to the process that takes it up next."""
        await self._database.write_one(RELEASE_RETRACTION, id=retraction, worker=self.worker)


def _progress(*entry: Any) -> RetractionProgress:
    *made, events, skipped, total, reached, done = entry
    return RetractionProgress(
        *made, events=events, skipped=skipped, total=total, reached=reached, done=done
    )
