"""The rows of tables that are mirrored, so that one that is gone is noticed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import orjson

from identity_service.graph.database import Database
from identity_service.graph.statements import statement

MARK_MIRRORED: Final = statement("instance/mark_mirrored")
COUNT_MIRRORED: Final = statement("instance/count_mirrored")
LIST_GONE: Final = statement("instance/list_gone")
FORGET_MIRRORED: Final = statement("instance/forget_mirrored")


class GoneRow(NamedTuple):
    """A row that is there no more: its key, who it was, and when it was seen last."""

    key: str
    who: Mapping[str, Any]
    seen: int


class MirrorStore:
    """Reads and writes the rows of one call of a source, known by its key in the table.

    `run` is when a reading of all rows began, in milliseconds since 1970.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def mark(
        self, source: str, call: str, run: int, rows: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """Record that rows are there, by key, and who each is."""
        prefix = _call(source, call)
        listed = [[f"{prefix}\t{key}", orjson.dumps(rows[key]).decode()] for key in sorted(rows)]
        await self._database.write_one(
            MARK_MIRRORED, w={"source": source, "call": prefix, "run": run, "rows": listed}
        )

    async def count(self, source: str, call: str, run: int) -> tuple[int, int]:
        """How many rows are known, and how many of them this run did not meet."""
        row = await self._database.read_latest(
            COUNT_MIRRORED, w={"call": _call(source, call), "run": run}
        )
        return (row["known"], row["gone"]) if row else (0, 0)

    async def gone(self, source: str, call: str, run: int, most: int) -> list[GoneRow]:
        """At most so many of the rows that this run did not meet."""
        prefix = _call(source, call)
        row = await self._database.read_latest(
            LIST_GONE, w={"call": prefix, "run": run, "most": most}
        )
        return [
            GoneRow(key.removeprefix(f"{prefix}\t"), orjson.loads(who), seen)
            for key, who, seen in (row["gone"] if row else ())
        ]

    async def forget(self, source: str, call: str, keys: Sequence[str]) -> None:
        """Forget rows by key."""
        prefix = _call(source, call)
        await self._database.write_one(
            FORGET_MIRRORED, w={"keys": sorted(f"{prefix}\t{key}" for key in keys)}
        )


def _call(source: str, call: str) -> str:
    return f"{source}\t{call}"
