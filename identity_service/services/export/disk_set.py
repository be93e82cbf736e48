"""A set of keys on the disk, so that a long one takes no memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self


class DiskSet:
    """Sets of texts, each under a name, in the file `path`. It is a context that closes the file.

    One thread at a time may use it. A crash may leave it damaged: it is to be thrown away.
    """

    def __init__(self, path: Path) -> None:
        # For one thread at a time, not always the same.
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = OFF")
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute(
            "CREATE TABLE members (name TEXT, key TEXT, PRIMARY KEY (name, key)) WITHOUT ROWID"
        )

    def add(self, name: str, keys: Iterable[str]) -> set[str]:
        """Add keys; returns those that were not in the set before."""
        self._connection.execute("BEGIN")
        new = {
            key
            for key in keys
            if self._connection.execute(
                "INSERT OR IGNORE INTO members VALUES (?, ?)", (name, key)
            ).rowcount
        }
        self._connection.execute("COMMIT")
        return new

    def pages(self, name: str, most: int) -> Iterator[list[str]]:
        """All keys under a name in their order, at most so many at a time."""
        found = self._connection.execute(
            "SELECT key FROM members WHERE name = ? ORDER BY key", (name,)
        )
        while page := [key for [key] in found.fetchmany(most)]:
            yield page

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._connection.close()
