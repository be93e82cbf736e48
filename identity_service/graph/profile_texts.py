"""The profiles text of each space in the graph, in its versions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from identity_service.domain.recorded import ProfilesVersion
from identity_service.errors import NotFound
from identity_service.graph.database import Database
from identity_service.graph.keys import profiles_text_key
from identity_service.graph.statements import statement

APPLY_TEXT: Final = statement("profiles/apply_text")
READ_TEXTS_IN_FORCE: Final = statement("profiles/read_texts_in_force")
LIST_TEXTS: Final = statement("profiles/list_texts")


class ProfileTextStore:
    """Reads and writes versions of profiles texts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def in_force(self, spaces: Sequence[str]) -> dict[str, ProfilesVersion]:
        """By space, the version that is in force; spaces that have none are left out."""
        row = await self._database.read_one(
            READ_TEXTS_IN_FORCE, w={"spaces": [[space] for space in spaces]}
        )
        return {space: ProfilesVersion(*text) for space, text in row["texts"]} if row else {}

    async def versions(self, space: str, newest: int, most: int) -> list[ProfilesVersion]:
        """At most `most` versions, counting down from `newest`."""
        versions = range(newest, max(newest - most, 0), -1)
        row = await self._database.read_one(
            LIST_TEXTS, w={"keys": [profiles_text_key(space, version) for version in versions]}
        )
        return [ProfilesVersion(*text) for text in row["texts"]] if row else []

    async def apply(
        self, space: str, text: str, expected: int, author: str, reason: str | None, now: int
    ) -> tuple[bool, int]:
        """Put a new version in force if `expected` is. Returns whether, and which one is now.

        Raises NotFound where there is no such space.
        """
        row = await self._database.write_one(
            APPLY_TEXT,
            w={
                "space": space,
                "expected": expected,
                "text": text,
                "author": author,
                "reason": reason,
                "now": now,
            },
        )
        if row is None:
            raise NotFound(f"There is no space “{space}”.", remedy="Create it first.")
        return row["put"], row["version"]
