"""What is asked of a source that the service reads itself, and what comes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from identity_service.collect.cursors import CursorValue
from identity_service.domain.events import Rejection, ReportedEvent
from identity_service.domain.upstream import Notice


class CallKind(StrEnum):
    """The calls that a row can become."""

    IDENTIFY = "identify"
    TRACK = "track"
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class PolledCall:
    """What is asked of a source, and how a row becomes a call; the other fields name columns.

    `label` tells the call from the others of its source; rows are known by it, and its cursor is
    stored under it. `overlap_ms` is for a cursor that is a time, `overlap_rows` for one that is
    an integer; the one that the file does not say has its default only if it says neither, else it
    is None. `carried` are the traits or properties. `is_ordered`: rows come in the order of their
    cursor, as far as can be known. `is_mirrored`: once a day all rows are read,
    and those that are gone are reported.
    """

    kind: CallKind
    event: str | None
    label: str
    query: str
    cursor: str
    overlap_ms: int | None
    overlap_rows: int | None
    key: tuple[str, ...]
    at: str | None
    user_id: str | None
    anonymous_id: str | None
    group_id: str | None
    identifiers: Mapping[str, str]
    carried: tuple[str, ...]
    is_ordered: bool
    is_mirrored: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that the query has to give."""
        named = (self.cursor, self.at, self.user_id, self.anonymous_id, self.group_id)
        given = (*self.key, *self.identifiers.values(), *self.carried)
        return tuple(dict.fromkeys([*(each for each in named if each), *given]))


class PolledRow(NamedTuple):
    """A row of a table or a record: where it stands, and the call it becomes, if it does.

    `key` tells it from the others as JSON, and `who` are the fields of the call that say who it is.
    `notices` are what it says that was done to records of people there.
    """

    cursor: CursorValue | None
    call: ReportedEvent | Rejection | None
    key: str
    who: Mapping[str, Any]
    notices: tuple[Notice, ...] = ()
