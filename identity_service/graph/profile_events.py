"""Events by their keys as profiles are computed from them, and the members of accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from identity_service.domain.events import EventOrder
from identity_service.domain.profiles.occurrences import ProfileEvent
from identity_service.domain.profiles.reported import TraitsOfEvent
from identity_service.graph.database import Database
from identity_service.graph.pages import PAGE, PAGE_BYTES
from identity_service.graph.statements import statement

READ_EVENTS_BY_KEY: Final = statement("profiles/read_events_by_key")
LIST_MEMBERS: Final = statement("profiles/list_members")


class AccountMembers(NamedTuple):
    """An account and the customers that belong to it, each with its revision."""

    account_id: str
    customers: Mapping[str, int]


class ProfileEventReader:
    """Reads events and accounts by their keys."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def events(
        self, keys: Sequence[str], limited_sources: Sequence[str]
    ) -> list[TraitsOfEvent]:
        """Events by their keys, those that exist."""
        found: list[TraitsOfEvent] = []
        rest = list(keys)
        while rest:
            asked = rest[:PAGE]
            row = await self._database.read_one(
                READ_EVENTS_BY_KEY,
                w={"keys": asked, "limited": list(limited_sources), "bytes": PAGE_BYTES},
            )
            missing = row["missing"] if row else 0
            for order, *fields, account_id, context_traits, limited, account in (
                row["events"] if row else ()
            ):
                event = ProfileEvent._make((EventOrder(*order), *fields, account_id))
                found.append(TraitsOfEvent(event, context_traits, limited, account))
            rest = rest[len(asked) - missing :]
        return found

    async def members(self, accounts: Sequence[str], most: int) -> dict[str, AccountMembers]:
        """Accounts by their keys, each with at most `most` members."""
        row = await self._database.read_latest(
            LIST_MEMBERS, w={"keys": list(accounts), "most": most}
        )
        return {
            key: AccountMembers(account, dict(members))
            for key, account, members in (row["accounts"] if row else ())
        }
