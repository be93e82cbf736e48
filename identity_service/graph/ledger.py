"""What was recorded in a space, newest first: changes, judgements and rejected events."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import AnyJudgement
from identity_service.domain.recorded import RecordedChange
from identity_service.domain.resolution.changes import ChangeKind
from identity_service.graph.database import Database
from identity_service.graph.judgements import any_judgement_of
from identity_service.graph.keys import identifier_key
from identity_service.graph.statements import statement

LIST_CHANGES: Final = statement("resolve/list_changes")
LIST_CHANGES_OF_KINDS: Final = statement("resolve/list_changes_of_kinds")
LIST_CHANGES_OF_TIME: Final = statement("resolve/list_changes_of_time")
FOLLOW_CHANGES: Final = statement("resolve/follow_changes")
FOLLOW_CHANGES_OF_KINDS: Final = statement("resolve/follow_changes_of_kinds")
READ_LAST_POSITION: Final = statement("resolve/read_last_position")
LIST_CUSTOMER_CHANGES: Final = statement("resolve/list_customer_changes")
READ_CHANGE: Final = statement("resolve/read_change")
LIST_JUDGEMENTS: Final = statement("spaces/list_judgements")
LIST_JUDGEMENTS_OF: Final = statement("judgements/list_judgements_of")

NEWEST: Final = "~"
"""Sorts after every id, so that a list before it begins with the newest."""

NEWEST_CHANGE: Final = 2**62
"""Beyond every position, likewise."""

MOST: Final = 2**62
"""Later than every moment."""


@dataclass(frozen=True, slots=True)
class ChangeFilter:
    """Which changes: of some kinds (None: of all), made from `since` to `until`, inclusive.

    Times in milliseconds since 1970.
    """

    kinds: Collection[ChangeKind] | None = None
    since: int = -MOST
    until: int = MOST


@dataclass(frozen=True, slots=True)
class JudgementFilter:
    """Which judgements: signed by `author` (None: by anybody), made from `since` to `until`.

    Times in milliseconds since 1970, inclusive.
    """

    author: str | None = None
    since: int = -MOST
    until: int = MOST


ALL_CHANGES: Final = ChangeFilter()
ALL_JUDGEMENTS: Final = JudgementFilter()


class LedgerReader:
    """Reads entries.

    Changes are read by their positions, the others by their ids, which sort by time; `before` is
    the one to go on after.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def changes(
        self, space: str, which: ChangeFilter, before: int, most: int
    ) -> list[RecordedChange]:
        """Changes of a space, newest first."""
        w: dict[str, Any] = {"space": space, "before": before, "most": most}
        of_time = which.since > -MOST or which.until < MOST
        if of_time:
            row = await self._database.read_one(LIST_CHANGES_OF_TIME, w=w | _selection(which))
        elif which.kinds is not None:
            w["kinds"] = _once(which.kinds)
            row = await self._database.read_one(LIST_CHANGES_OF_KINDS, w=w)
        else:
            row = await self._database.read_one(LIST_CHANGES, w=w)
        return [_change(entry) for entry in row["changes"]] if row else []

    async def changes_after(self, space: str, after: int, most: int) -> list[RecordedChange]:
        """Changes of a space after a position, in the order of their positions.

        A transaction becomes visible bit by bit: what follows a gap in the positions may not be
        all that will stand there.
        """
        row = await self._database.read_one(
            FOLLOW_CHANGES, w={"space": space, "after": after, "most": most}
        )
        return [_change(entry) for entry in row["changes"]] if row else []

    async def selected_after(
        self, space: str, selection: Collection[str], after: int, until: int, most: int
    ) -> list[RecordedChange]:
        """Changes of some kinds after one position and up to another, in their order."""
        row = await self._database.read_one(
            FOLLOW_CHANGES_OF_KINDS,
            w={
                "space": space,
                "kinds": _once(selection),
                "after": after,
                "until": until,
                "most": most,
            },
        )
        return [_change(entry) for entry in row["changes"]] if row else []

    def is_selected(self, record: RecordedChange, selection: Collection[str]) -> bool:
        """Whether a change is of one of some kinds."""
        return record.kind in selection

    async def last_position(self, space: str) -> int:
        """The position of the newest change; 0 before the first."""
        row = await self._database.read_one(READ_LAST_POSITION, space=space)
        return row["last_position"] if row else 0

    async def changes_of(
        self, space: str, customer: str, which: ChangeFilter, before: int, most: int
    ) -> list[RecordedChange]:
        """Changes that a customer had a part in, newest first."""
        row = await self._database.read_one(
            LIST_CUSTOMER_CHANGES,
            w={
                "space": space,
                "customer": customer,
                "before": before,
                "most": most,
                **_selection(which),
            },
        )
        return [_change(entry) for entry in row["changes"]] if row else []

    async def change(self, space: str, change: str) -> RecordedChange | None:
        """One change, by its id."""
        row = await self._database.read_one(READ_CHANGE, space=space, id=change)
        return _change(row["change"]) if row else None

    async def judgements(
        self, space: str, which: JudgementFilter, before: str, most: int
    ) -> list[AnyJudgement]:
        """Judgements of a space, withdrawn ones too."""
        w = {"space": space, "before": before, "most": most, **asdict(which)}
        row = await self._database.read_one(LIST_JUDGEMENTS, w=w)
        return [any_judgement_of(*entry) for entry in row["judgements"]] if row else []

    async def judgements_of(
        self,
        space: str,
        about: str | Iterable[Identifier],
        which: JudgementFilter,
        before: str,
        most: int,
    ) -> list[AnyJudgement]:
        """Judgements about the identifiers of a customer, named by its id, or about some."""
        customer, keys = (about, []) if isinstance(about, str) else (None, list(about))
        row = await self._database.read_one(
            LIST_JUDGEMENTS_OF,
            w={
                "space": space,
                "customer": customer,
                "keys": [identifier_key(space, identifier) for identifier in keys],
                "before": before,
                "most": most,
                **asdict(which),
            },
        )
        return [any_judgement_of(*entry) for entry in row["judgements"]] if row else []


def _change(entry: Sequence[Any]) -> RecordedChange:
    change, kind, at, customer, other, identifiers, cause, policy_version, position = entry
    return RecordedChange(
        change,
        ChangeKind(kind),
        at,
        customer,
        other,
        tuple(identifiers),
        cause,
        policy_version,
        position,
    )


def _selection(which: ChangeFilter) -> dict[str, Any]:
    kinds = None if which.kinds is None else _once(which.kinds)
    return {"kinds": kinds, "since": which.since, "until": which.until}


def _once(kinds: Collection[str]) -> list[str]:
    return sorted(map(str, set(kinds)))
