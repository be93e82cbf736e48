"""Profiles and memberships in the graph: what waits to be computed, and what is written of it.

One process computes the profiles of a space at a time. It holds a lease, by the clock of the
database, and renews it with every step. When it dies, another one takes over once the lease has
run out; what it had not written yet is still marked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final, NamedTuple

from identity_service.domain.profiles.causes import LedgerEntry, Stay
from identity_service.domain.profiles.definitions import CauseKind, Of
from identity_service.domain.profiles.memberships import Change
from identity_service.domain.profiles.sorting import Place, places
from identity_service.domain.resolution.changes import ChangeKind
from identity_service.graph.database import Database
from identity_service.graph.keys import without_space
from identity_service.graph.profile_writes import FEATURE, ProfilesWrite, rows
from identity_service.graph.statements import statement

LIST_PROFILE_WORK: Final = statement("instance/list_profile_work")
CLAIM_WORK: Final = statement("profiles/claim_work")
BEGIN_TEXT: Final = statement("profiles/begin_text")
LIST_STORED: Final = statement("profiles/list_stored")
RECORD_WORK: Final = statement("profiles/record_work")
RELEASE_WORK: Final = statement("profiles/release_work")
READ_PROGRESS: Final = statement("profiles/read_progress")
LIST_WAITING: Final = statement("profiles/list_waiting")
LIST_CUSTOMERS: Final = statement("profiles/list_customers")
READ_CAUSES: Final = statement("profiles/read_causes")
READ_STAYS: Final = statement("profiles/read_stays")
WRITE_PROFILES: Final = statement("profiles/write_profiles")
CLEAR_MARKS: Final = statement("profiles/clear_marks")
LIST_MEMBERSHIPS: Final = statement("profiles/list_memberships")
LIST_MEMBERSHIP_CHANGES: Final = statement("profiles/list_membership_changes")

CHANGES_OF_CUSTOMER: Final = 100
MEMBERSHIPS_OF_MEMBER: Final = 1_000
"""So many entries of one customer or account are read, the newest, to find causes and former
memberships."""

CHANGES_OF_SETTLEMENT: Final = 1_000
"""So far behind a change another one of the same settlement is looked for."""


class Mark(NamedTuple):
    """An identifier that was touched. The next touch of it has a higher `mark`.

    It waits since `touched`, in microseconds since 1970, by the clock of the database.
    """

    key: str
    mark: int
    touched: int
    customer_id: str | None

    @property
    def at(self) -> float:
        """Since when it waits, in milliseconds since 1970, by the clock of the database."""
        return self.touched / 1_000


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits in a space, oldest first.

    `position` is that of the last change in the ledger. `settled` are customers that were settled
    since their profile was computed, `due` those whose time has come. `accounts` were touched
    since, or their time has come, by turns. `next_due` is when the next one comes.
    """

    position: int = 0
    marks: Sequence[Mark] = ()
    settled: Sequence[str] = ()
    due: Sequence[str] = ()
    accounts: Sequence[str] = ()
    next_due: int | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """The computing of profiles in a space, taken up.

    All customers were computed by `version` of the text; by `computing` up to `place`: when the
    last of them was settled, and its id. An earlier release has stored values by which customers
    cannot be found; up to `findable_to`, a place likewise, they can. None: by all values.
    """

    version: int
    computing: int | None
    place: tuple[int, str]
    findable_to: tuple[int, str] | None


class StoredValues(NamedTuple):
    """Where a customer stands by the values that are stored; `revision` is that of the customer."""

    customer_id: str
    revision: int
    places: Sequence[Place]


@dataclass(frozen=True, slots=True)
class ProfilesProgress:
    """How far all customers of a space are computed by the version of the text in force.

    `computed` of the `customers` that there were when that began. `version` is None without a text.
    """

    version: int | None
    customers: int
    computed: int
    done: bool


class ProfileStore:
    """Reads and writes profiles for `worker`, the id of this process."""

    def __init__(
        self,
        database: Database,
        worker: str,
        memberships_written: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`memberships_written` is called with the space whenever memberships have changed."""
        self._database = database
        self._worker = worker
        self._memberships_written = memberships_written

    async def look(self, now: int) -> tuple[list[str], dict[str, int]]:
        """Spaces in which something waits, and of the others when their next profile is due."""
        row = await self._database.read_latest(LIST_PROFILE_WORK, now=now)
        return (row["spaces"], dict(row["next"])) if row else ([], {})

    async def claim(self, space: str, lease_ms: int) -> Work | None:
        """Take up the work in a space. None: another process is at it."""
        row = await self._database.write_one(CLAIM_WORK, w=self._in(space, lease=lease_ms))
        if row is None:
            return None
        return Work(
            row["version"] or 0,
            row["computing"],
            (row["place_at"], row["place"]),
            None if row["findable"] else (0, ""),
        )

    async def begin_text(self, space: str, version: int) -> bool:
        """Begin to compute all customers by a version. False: another process has taken over."""
        row = await self._database.write_one(BEGIN_TEXT, w=self._in(space, version=version))
        return row is not None

    async def record(
        self,
        space: str,
        lease_ms: int,
        *,
        computed: int = 0,
        place: tuple[int, str] | None = None,
        version: int | None = None,
        findable: bool = False,
    ) -> bool:
        """Renew the lease, and record how far the customers are; `version`: they all are.

        `findable`: customers can be found by all values that are stored now. False: another process
        has taken over.
        """
        at, key = place or (None, None)
        row = await self._database.write_one(
            RECORD_WORK,
            w=self._in(
                space,
                lease=lease_ms,
                computed=computed,
                place_at=at,
                place=key,
                version=version,
                findable=findable,
            ),
        )
        return row is not None

    async def release(self, space: str) -> None:
        """Leave the work to whoever takes it up next."""
        await self._database.write_one(RELEASE_WORK, w=self._in(space))

    async def progress(self, space: str) -> ProfilesProgress:
        """How far all customers are computed by the text in force."""
        row = await self._database.read_latest(READ_PROGRESS, w={"space": space})
        if row is None or row["in_force"] is None:
            return ProfilesProgress(None, 0, 0, done=True)
        in_force, is_done = row["in_force"], row["version"] == row["in_force"]
        begun = is_done or row["computing"] == in_force
        customers, computed = (row["customers"], row["computed"]) if begun else (0, 0)
        return ProfilesProgress(in_force, customers, computed, done=is_done)

    async def waiting(self, space: str, now: int, most: int) -> Waiting:
        """What waits: at most `most` of each kind."""
        row = await self._database.read_latest(
            LIST_WAITING, w={"space": space, "now": now, "most": most}
        )
        if row is None:
            return Waiting()
        return Waiting(
            row["position"],
            [Mark(*each) for each in row["identifiers"]],
            [customer for customer, _ in row["profiles"]],
            row["due"],
            _by_turns(row["accounts"], row["due_accounts"]),
            row["next_due"],
        )

    async def customers(
        self, space: str, after: tuple[int, str], most: int
    ) -> tuple[int, list[tuple[str, int]]]:
        """The position of the ledger, and a page of customers, each with when it was settled."""
        row = await self._database.read_latest(
            LIST_CUSTOMERS, w={"space": space, "since": after[0], "key": after[1], "most": most}
        )
        return (row["position"], [tuple(each) for each in row["customers"]]) if row else (0, [])

    async def stored(
        self, space: str, after: tuple[int, str], most: int
    ) -> tuple[tuple[int, str] | None, list[StoredValues]]:
        """What is stored of a page of customers, and where the next page begins; None: nowhere.

        Customers without a value are left out. One that is settled meanwhile comes again.
        """
        row = await self._database.read_latest(
            LIST_STORED, w={"space": space, "since": after[0], "key": after[1], "most": most}
        )
        page = row["customers"] if row else ()
        place = max((at, customer) for customer, at, *_ in page) if len(page) == most else None
        return place, [
            StoredValues(
                customer, revision, places({name.removeprefix(FEATURE): v for name, v in stored})
            )
            for customer, _, revision, stored in page
            if stored
        ]

    async def memberships(
        self, space: str, after: str, most: int
    ) -> tuple[str, list[tuple[str, str]]]:
        """A page of memberships, audience and id of the member, and where the next page begins.

        `after` is empty at first; the others here are alike.
        """
        row = await self._database.read_latest(
            LIST_MEMBERSHIPS, w={"space": space, "key": after, "most": most}
        )
        page: list[tuple[str, str, str | None, str]] = row["memberships"] if row else []
        last = without_space(page[-1][0]) if page else after
        return last, [(audience, customer or account) for _, audience, customer, account in page]

    async def membership_changes(
        self, space: str, after: int, most: int
    ) -> list[tuple[int, str, str, Change]]:
        """A page of the changes after a position: position, audience, member, what it was."""
        row = await self._database.read_latest(
            LIST_MEMBERSHIP_CHANGES, w={"space": space, "after": after, "most": most}
        )
        return [
            (position, audience, customer or account, Change(change))
            for position, audience, customer, account, change in (row["changes"] if row else ())
        ]

    async def entries(
        self, space: str, asked: Iterable[tuple[str, str, int]]
    ) -> dict[str, dict[str, list[LedgerEntry]]]:
        """What the ledger says of customers after a position.

        `asked`: for whom, the customer, and the position. The answer is by the first two.
        """
        row = await self._database.read_latest(
            READ_CAUSES,
            w={
                "space": space,
                "customers": [list(each) for each in asked],
                "changes": CHANGES_OF_CUSTOMER,
                "following": CHANGES_OF_SETTLEMENT,
            },
        )
        found: dict[str, dict[str, list[LedgerEntry]]] = {}
        for whose, customer, change, kind, *more in row["changes"] if row else ():
            entry = LedgerEntry(change, ChangeKind(kind), *more)
            found.setdefault(whose, {}).setdefault(customer, []).append(entry)
        return found

    async def stays(self, space: str, of: Of, members: Iterable[str]) -> dict[str, list[Stay]]:
        """By customer or by account, how its memberships changed so far."""
        asked: dict[Of, list[str]] = {of: sorted(members)}
        row = await self._database.read_latest(
            READ_STAYS,
            w={
                "space": space,
                "customers": asked.get(Of.CUSTOMERS, []),
                "accounts": asked.get(Of.ACCOUNTS, []),
                "most": MEMBERSHIPS_OF_MEMBER,
            },
        )
        found: dict[str, list[Stay]] = {}
        for member, audience, change, cause in row[f"of_{of}"] if row else ():
            found.setdefault(member, []).append(Stay(audience, Change(change), CauseKind(cause)))
        return found

    async def write(self, space: str, lease_ms: int, write: ProfilesWrite) -> frozenset[str] | None:
        """Write, and renew the lease; the customers and account keys of which all was written.

        Those that somebody else has settled meanwhile are not, nor accounts of such customers.

        None: another process has taken over, and nothing was written.
        """
        row = await self._database.write_one(
            WRITE_PROFILES, w=self._in(space, lease=lease_ms, **rows(space, write))
        )
        if row is None:
            return None
        if row["last_position"] is not None:
            self._memberships_written(space)
        return frozenset(row["written"])

    async def clear(self, space: str, marks: Iterable[Mark]) -> None:
        """Take marks away, but of what was touched again."""
        cleared = sorted([each.key, each.mark] for each in marks)
        if cleared:
            await self._database.write_one(CLEAR_MARKS, w={"space": space, "identifiers": cleared})

    def _in(self, space: str, **more: Any) -> dict[str, Any]:
        return {"space": space, "worker": self._worker, **more}


def _by_turns(some: Iterable[str], others: Iterable[str]) -> list[str]:
    """All of both, each once, so that none of the two waits for the other."""
    pairs = zip_longest(some, others)
    return list(dict.fromkeys(each for pair in pairs for each in pair if each is not None))
