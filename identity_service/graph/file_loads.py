"""How far the loads of files are, so that one that was stopped goes on from there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from identity_service.graph.database import Database
from identity_service.graph.keys import space_key
from identity_service.graph.statements import statement

READ_PLACE: Final = statement("loads/read_place")
RECORD_PLACE: Final = statement("loads/record_place")
FORGET_PLACES: Final = statement("loads/forget_places")


@dataclass(frozen=True, slots=True)
class Place:
    """How far a load is: all rows up to number `row`, from 1, are stored or set aside.

    `stored` of them are events, `rejected` were set aside. `done`: there are no more.
    """

    row: int = 0
    stored: int = 0
    rejected: int = 0
    done: bool = False


class FileLoadStore:
    """Reads and writes places. A file is known by its name and a digest of what it holds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, space: str, name: str, digest: str) -> Place:
        """The place of a file; the first one where its load never began or was forgotten."""
        row = await self._database.read_latest(READ_PLACE, key=_key(space, name, digest))
        return Place(row["place"], row["stored"], row["rejected"], row["done"]) if row else Place()

    async def record(self, space: str, name: str, digest: str, place: Place) -> None:
        """Record the place of a file."""
        await self._database.write_one(
            RECORD_PLACE,
            w={
                "key": _key(space, name, digest),
                "space": space,
                "name": name,
                "place": place.row,
                "stored": place.stored,
                "rejected": place.rejected,
                "done": place.done,
            },
        )

    async def forget(self, space: str, files: Sequence[tuple[str, str]]) -> None:
        """Forget the places of files, each a name and a digest."""
        keys = [_key(space, name, digest) for name, digest in files]
        for first in range(0, len(keys), _AT_ONCE):
            await self._database.write_one(
                FORGET_PLACES, w={"keys": keys[first : first + _AT_ONCE]}
            )


_AT_ONCE: Final = 1_000


def _key(space: str, name: str, digest: str) -> str:
    return space_key(space, f"{digest}/{name}")
