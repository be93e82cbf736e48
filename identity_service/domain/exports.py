"""Which part of a space an export holds: all of it, or what changed since an earlier one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

FORMAT: Final = 1
"""Version of what an export looks like: its tables, their columns, the manifest."""

OVERLAP: Final = 15 * 60_000
"""Milliseconds before a cursor that an export since it goes back.

Time is taken when an event is received and when a customer is settled, but becomes visible only
with the commit: the longest attempts of a writer and the differences between the clocks of several
hosts are well below this. What is exported twice is the same row, and is merged by its key.
"""

BEGINNING: Final = -(2**62)
"""Before every time, in milliseconds since 1970."""

_TEXT: Final = re.compile(r"(\d+):([a-z0-9_-]{1,63}):(\d{1,15}):(\d{1,9})(:unsettled)?")


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far an export reached: everything that was committed before `at` (milliseconds) is in it.

    `policy_version` was in force then, and the space `settled` by it, or not yet.
    """

    space: str
    at: int
    policy_version: int
    settled: bool

    def __str__(self) -> str:
        """As manifests hold it and `parse_cursor` reads it."""
        text = f"{FORMAT}:{self.space}:{self.at}:{self.policy_version}"
        return text if self.settled else f"{text}:unsettled"


def parse_cursor(text: str) -> Cursor:
    """Raises ValueError, with what is wrong, when the text is no cursor of this version."""
    found = _TEXT.fullmatch(text)
    if found is None:
        raise ValueError(f"“{text[:100]}” is no cursor")
    version, space, at, policy_version, unsettled = found.groups()
    if int(version) != FORMAT:
        raise ValueError(f"“{text}” is a cursor of version {version}, and this is {FORMAT}")
    return Cursor(space, int(at), int(policy_version), settled=not unsettled)


def changed_since(cursor: Cursor | None, now: Cursor, overlap: int = OVERLAP) -> int | None:
    """The time from which on an export holds what changed; None: it holds everything.

    A policy may change any row, those of events that were received long ago too. So what follows
    on a change of policy, or on an export that was made before the space was settled, is complete.
    """
    if cursor is None or not cursor.settled or not now.settled:
        return None
    if cursor.policy_version != now.policy_version:
        return None
    return cursor.at - overlap
