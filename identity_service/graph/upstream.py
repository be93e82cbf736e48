"""Upstream notices in the graph. Whoever decides about one claims it before, for a while."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from identity_service.domain.identifiers import parse_identifier
from identity_service.domain.upstream import Notice, NoticeKind, NoticeState, RecordedNotice
from identity_service.graph.database import Database
from identity_service.graph.keys import space_key
from identity_service.graph.statements import statement

RECORD_NOTICES: Final = statement("upstream/record_notices")
LIST_NOTICES: Final = statement("upstream/list_notices")
READ_NOTICE: Final = statement("upstream/read_notice")
CLAIM_NOTICE: Final = statement("upstream/claim_notice")
DECIDE_NOTICE: Final = statement("upstream/decide_notice")

MERGES: Final = "merge"
REQUESTS: Final = "request"
"""The inboxes in which notices are listed."""


class UpstreamStore:
    """Reads and writes upstream notices."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(
        self,
        space: str,
        source: str,
        received_at: int,
        notices: Sequence[tuple[str, str, Notice]],
    ) -> None:
        """Record notices, each with its key in the space, and its new id."""
        rows = [
            [
                space_key(space, key),
                made,
                MERGES if each.kind is NoticeKind.MERGE else REQUESTS,
                each.kind.value,
                each.topic,
                each.message_id,
                [str(identifier) for identifier in each.identifiers],
                each.at,
            ]
            for key, made, each in sorted(notices, key=lambda entry: entry[0])
        ]
        await self._database.write_one(
            RECORD_NOTICES,
            w={"space": space, "source": source, "received_at": received_at, "notices": rows},
        )

    async def notices(
        self,
        space: str,
        inbox: str,
        state: NoticeState,
        source: str | None,
        before: str,
        most: int,
    ) -> list[RecordedNotice]:
        """Notices of a space before an id, newest first; those of one source where it is given."""
        row = await self._database.read_one(
            LIST_NOTICES,
            w={
                "space": space,
                "inbox": inbox,
                "state": state.value,
                "from_source": source,
                "before": before,
                "most": most,
            },
        )
        return [_recorded(*entry) for entry in row["notices"]] if row else []

    async def find(self, space: str, notice: str) -> RecordedNotice | None:
        """A notice of a space, decided or not."""
        row = await self._database.read_latest(READ_NOTICE, space=space, id=notice)
        return _recorded(*row["notice"]) if row else None

    async def claim(self, space: str, notice: str, lease_ms: int) -> bool:
        """Whether it is open and nobody else is deciding about it: it is held then."""
        row = await self._database.write_one(CLAIM_NOTICE, space=space, id=notice, lease=lease_ms)
        return row is not None

    async def decide(self, space: str, notice: str, decision: dict[str, Any]) -> None:
        """Write the decision about a notice that is held: properties of the node."""
        await self._database.write_one(
            DECIDE_NOTICE, w={"space": space, "id": notice, "decision": decision}
        )


def _recorded(
    made: str,
    source: str,
    received_at: int,
    kind: str,
    topic: str,
    message_id: str,
    identifiers: Sequence[str],
    at: int | None,
    state: str,
    *decided: Any,
) -> RecordedNotice:
    named = tuple(map(parse_identifier, identifiers))
    notice = Notice(NoticeKind(kind), topic, message_id, named, at)
    return RecordedNotice(made, source, received_at, notice, NoticeState(state), *decided)
