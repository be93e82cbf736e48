"""Sources that are read from databases: how far they were read, and which process does it.

A process that reads a source holds a lease, by the clock of the graph, and extends it with every
batch. When it dies, another one takes over once the lease has run out, from the last cursor that
was recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from identity_service.graph.database import Database
from identity_service.graph.statements import statement

CLAIM_POLL: Final = statement("instance/claim_poll")
RECORD_CURSORS: Final = statement("instance/record_cursors")
RELEASE_POLL: Final = statement("instance/release_poll")
READ_POLL: Final = statement("instance/read_poll")

Cursors = Mapping[str, str]
"""By the label of a call, the greatest cursor value of which all is durable."""


@dataclass(frozen=True, slots=True)
class PollState:
    """When a source was read last, in milliseconds since 1970, how far, and how that went.

    `report` says it by call. `error`: why not everything was read.
    """

    begun_at: int | None = None
    ended_at: int | None = None
    running: bool = False
    cursors: Cursors = field(default_factory=dict[str, str])
    report: Any = None
    error: str | None = None


class PollStore:
    """Reads and writes for `worker`, the id of this process."""

    def __init__(self, database: Database, worker: str) -> None:
        self._database = database
        self._worker = worker

    async def claim(self, source: str, lease_ms: int, every_ms: int) -> Cursors | None:
        """Take up the reading of a source for some time.

        None: it was begun less than `every_ms` ago and read to its end, or another process is at
        it.
        """
        row = await self._database.write_one(
            CLAIM_POLL,
            w={"source": source, "worker": self._worker, "lease": lease_ms, "every": every_ms},
        )
        return None if row is None else _loads(row["cursors"], {})

    async def record(self, source: str, lease_ms: int, cursors: Cursors) -> bool:
        """Record cursors, and extend the lease. False: another process has taken over."""
        row = await self._database.write_one(
            RECORD_CURSORS,
            w={
                "source": source,
                "worker": self._worker,
                "lease": lease_ms,
                "cursors": orjson.dumps(dict(cursors)).decode(),
            },
        )
        return row is not None

    async def release(
        self, source: str, report: Any, error: str | None, *, unfinished: bool
    ) -> None:
        """Leave a source to whoever reads it next; nothing when another process has taken over.

        `unfinished`: there was no time to read all, so it is due at once.
        """
        await self._database.write_one(
            RELEASE_POLL,
            w={
                "source": source,
                "worker": self._worker,
                "report": orjson.dumps(report).decode(),
                "error": error,
                "unfinished": unfinished,
            },
        )

    async def state(self, source: str) -> PollState:
        """How far a source was read, and how that went."""
        row = await self._database.read_latest(READ_POLL, source=source)
        if row is None:
            return PollState()
        return PollState(
            row["begun_at"],
            row["ended_at"],
            row["running"],
            _loads(row["cursors"], {}),
            _loads(row["report"], None),
            row["error"],
        )


def _loads(text: str | None, otherwise: Any) -> Any:
    return otherwise if text is None else orjson.loads(text)
