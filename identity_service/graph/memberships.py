"""Memberships of audiences in the graph, and how they change."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from identity_service.domain.profiles.definitions import CauseKind, Of
from identity_service.domain.profiles.memberships import Change
from identity_service.domain.profiles.recorded import Member, RecordedMembershipChange
from identity_service.graph.database import Database
from identity_service.graph.keys import audience_key
from identity_service.graph.statements import statement

READ_SIZES: Final = statement("audiences/read_sizes")
LIST_MEMBERS: Final = statement("audiences/list_members")
LIST_CHANGES: Final = statement("audiences/list_changes")
LIST_CHANGES_OF_AUDIENCE: Final = statement("audiences/list_changes_of_audience")
FOLLOW_CHANGES: Final = statement("audiences/follow_changes")
FOLLOW_CHANGES_OF_AUDIENCES: Final = statement("audiences/follow_changes_of_audiences")
READ_LAST_POSITION: Final = statement("audiences/read_last_position")


class MembershipReader:
    """Reads memberships, and their changes by their positions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def sizes(
        self, audiences: Sequence[tuple[str, str, Of]]
    ) -> dict[tuple[str, str, Of], int]:
        """By space, name and what it holds, how many are in each audience."""
        asked = {(each[0], audience_key(*each[1:])): each for each in audiences}
        row = await self._database.read_one(
            READ_SIZES, w={"audiences": [list(each) for each in asked]}
        )
        return {asked[space, key]: size for space, key, size in row["sizes"]} if row else {}

    async def members(
        self, space: str, audience: str, of: Of, after: str, most: int
    ) -> list[Member]:
        """Members by their ids, those after one; empty for the first."""
        row = await self._database.read_one(
            LIST_MEMBERS,
            w={
                "space": space,
                "audience": audience_key(audience, of),
                "after": after,
                "most": most,
            },
        )
        return [
            Member(of, customer or account, since)
            for customer, account, since in (row["members"] if row else ())
        ]

    async def changes(
        self, space: str, audience: str | None, before: int, most: int
    ) -> list[RecordedMembershipChange]:
        """Changes before a position, newest first: of an audience, or of all."""
        w: dict[str, Any] = {"space": space, "before": before, "most": most}
        if audience is None:
            row = await self._database.read_one(LIST_CHANGES, w=w)
        else:
            row = await self._database.read_one(
                LIST_CHANGES_OF_AUDIENCE, w=w | {"audience": audience}
            )
        return [_change(*each) for each in row["changes"]] if row else []

    async def changes_after(
        self, space: str, after: int, most: int
    ) -> list[RecordedMembershipChange]:
        """Changes after a position, in their order; what follows a gap may not be all."""
        row = await self._database.read_one(
            FOLLOW_CHANGES, w={"space": space, "after": after, "most": most}
        )
        return [_change(*each) for each in row["changes"]] if row else []

    async def selected_after(
        self, space: str, selection: Collection[str], after: int, until: int, most: int
    ) -> list[RecordedMembershipChange]:
        """Changes of some audiences after one position and up to another, in their order."""
        row = await self._database.read_one(
            FOLLOW_CHANGES_OF_AUDIENCES,
            w={
                "space": space,
                "audiences": sorted(set(selection)),
                "after": after,
                "until": until,
                "most": most,
            },
        )
        return [_change(*each) for each in row["changes"]] if row else []

    def is_selected(self, record: RecordedMembershipChange, selection: Collection[str]) -> bool:
        """Whether a change is of one of some audiences."""
        return record.audience in selection

    async def last_position(self, space: str) -> int:
        """The position of the newest change; 0 before the first."""
        row = await self._database.read_one(READ_LAST_POSITION, space=space)
        return (row["last_position"] or 0) if row else 0


def _change(
    position: int,
    audience: str,
    version: int,
    customer: str | None,
    account: str,
    change: str,
    at: int,
    cause: str,
    *more: Any,
) -> RecordedMembershipChange:
    of = Of.ACCOUNTS if customer is None else Of.CUSTOMERS
    member = account if customer is None else customer
    return RecordedMembershipChange(
        position, audience, version, of, member, Change(change), at, CauseKind(cause), *more
    )
