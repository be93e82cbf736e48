"""Rejected events in the graph: kept, read and deleted."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final, NamedTuple

from identity_service.domain.events import Rejection
from identity_service.domain.recorded import RecordedRejection
from identity_service.graph.database import Database
from identity_service.graph.keys import rejection_key
from identity_service.graph.ledger import MOST
from identity_service.graph.statements import statement
from identity_service.graph.write_rows import json_text

WRITE_REJECTED: Final = statement("ingest/write_rejected")
LIST_REJECTED_EVENTS: Final = statement("rejected/list_rejected_events")
READ_REJECTED_EVENTS: Final = statement("rejected/read_rejected_events")
DELETE_REJECTED_EVENTS: Final = statement("rejected/delete_rejected_events")
LIST_SIZES: Final = statement("rejected/list_sizes")
DELETE_OLDER: Final = statement("rejected/delete_older")
LIST_SPACES_WITH_REJECTED: Final = statement("instance/list_spaces_with_rejected")


@dataclass(frozen=True, slots=True)
class RejectedFilter:
    """Which rejected events are asked for: of a source, with a reason, received in a span.

    `since` and `until`, inclusive, are milliseconds since 1970. None for any.
    """

    source: str | None = None
    code: str | None = None
    since: int = -MOST
    until: int = MOST


class NewRejection(NamedTuple):
    """A rejected event that is to be kept: its id, time of receipt, source and reason."""

    id: str
    received_at: int
    source: str
    rejection: Rejection


class KeptRejection(NamedTuple):
    """How large a rejected event is. Its id says when it was kept."""

    id: str
    bytes: int


class RejectedStore:
    """Reads and writes rejected events. Knows no rule."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(self, space: str, rejected: Iterable[NewRejection]) -> int:
        """Keep rejected events; returns how many bytes they take.

        One that is sent again with the same content is kept once, as it came first.
        """
        rows = [_row(space, *each) for each in rejected]
        await self._database.write_one(WRITE_REJECTED, w={"space": space, "rejected": rows})
        return sum(row[-1] for row in rows)

    async def page(
        self, space: str, which: RejectedFilter, before: str, most: int
    ) -> list[RecordedRejection]:
        """Rejected events before an id, newest first."""
        w = {"space": space, "before": before, "most": most, **asdict(which)}
        row = await self._database.read_one(LIST_REJECTED_EVENTS, w=w)
        return [RecordedRejection(*entry) for entry in row["rejected"]] if row else []

    async def find_all(self, space: str, ids: Collection[str]) -> list[RecordedRejection]:
        """Those of some ids that exist, oldest first."""
        w = {"space": space, "ids": list(ids)}
        row = await self._database.read_one(READ_REJECTED_EVENTS, w=w)
        return [RecordedRejection(*entry) for entry in row["rejected"]] if row else []

    async def delete(self, space: str, ids: Collection[str]) -> int:
        """Delete those of some ids that exist; returns how many that were."""
        w = {"space": space, "ids": list(ids)}
        row = await self._database.write_one(DELETE_REJECTED_EVENTS, w=w)
        return row["deleted"] if row else 0

    async def sizes(self, space: str, most: int) -> list[KeptRejection]:
        """How large the newest ones are, newest first."""
        row = await self._database.read_one(LIST_SIZES, w={"space": space, "most": most})
        return [KeptRejection(*entry) for entry in row["sizes"]] if row else []

    async def delete_older(self, space: str, until: str, most: int) -> int:
        """Delete the oldest ones up to an id, it included; returns how many that were."""
        row = await self._database.write_one(
            DELETE_OLDER, w={"space": space, "until": until, "most": most}
        )
        return row["deleted"] if row else 0

    async def spaces(self) -> list[str]:
        """Spaces that have rejected events."""
        row = await self._database.read_one(LIST_SPACES_WITH_REJECTED)
        return list(row["spaces"]) if row else []


def _row(space: str, made: str, received_at: int, source: str, rejection: Rejection) -> list[Any]:
    body = json_text(rejection.body)
    sent_with = json_text(rejection.sent_with) if rejection.sent_with else None
    texts = (body, sent_with or "", rejection.message)
    return [
        rejection_key(space, rejection, made),
        made,
        rejection.message_id,
        received_at,
        source,
        rejection.code.value,
        rejection.message,
        body,
        sent_with,
        sum(len(text.encode("utf-8", "surrogatepass")) for text in texts),
    ]
