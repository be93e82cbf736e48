"""What the graph held at a moment: only what was received, judged and minted until then."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import Judgement
from identity_service.domain.policies.policy import Policy
from identity_service.domain.resolution.as_of import AnchoredId
from identity_service.domain.resolution.subgraph import Sightings, Span
from identity_service.graph.database import Database
from identity_service.graph.judgements import judgement_of
from identity_service.graph.keys import event_key, identifier_key, identifier_of
from identity_service.graph.statements import statement

FIND_IDENTIFIERS: Final = statement("history/find_identifiers")
READ_NEIGHBOURS: Final = statement("history/read_neighbours")
SAMPLE_NEIGHBOURS: Final = statement("history/sample_neighbours")
LIST_JUDGEMENTS_AT: Final = statement("history/list_judgements_at")
READ_REGISTER: Final = statement("history/read_register")
READ_ID: Final = statement("history/read_id")
READ_KNOWN_SINCE: Final = statement("history/read_known_since")
LIST_ATTRIBUTED: Final = statement("history/list_attributed")
READ_EVENT_TRAITS: Final = statement("history/read_event_traits")
READ_ACCOUNTS: Final = statement("history/read_accounts")

MAX_SCANNED: Final = 1_000_000
"""Events of one super-connector that are looked through for when it was seen."""


@dataclass(frozen=True, slots=True)
class Present:
    """What an identifier is now: a super-connector or not, and in how many events."""

    super_connector: bool
    events: int


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What identifiers were seen with until a moment.

    `own`: when each was seen itself (without an entry: not yet). `seen`: by identifier, the
    others. `present` tells of everyone met.
    """

    own: Mapping[Identifier, Span]
    seen: Mapping[Identifier, Mapping[Identifier, Sightings]]
    present: Mapping[Identifier, Present]


@dataclass(frozen=True, slots=True)
class Attributed:
    """An event of an identifier; `accounts` are keys of those that it names."""

    owner: Identifier
    message_id: str
    at: int
    name: str | None
    carries_traits: bool
    accounts: tuple[str, ...]


class HistoryReader:
    """Reads what was known at a moment `at`, in milliseconds since 1970, inclusive."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(
        self, space: str, identifiers: Collection[Identifier]
    ) -> dict[Identifier, Present]:
        """Those of some identifiers that are known by now."""
        row = await self._database.read_one(FIND_IDENTIFIERS, w={"keys": _keys(space, identifiers)})
        return {identifier_of(key): Present(*entry) for key, *entry in row["found"]} if row else {}

    async def neighbours(
        self, space: str, identifiers: Collection[Identifier], at: int
    ) -> Neighbours:
        """What identifiers were seen with."""
        row = await self._database.read_one(
            READ_NEIGHBOURS, w={"keys": _keys(space, identifiers), "at": at}
        )
        own: dict[Identifier, Span] = {}
        seen: dict[Identifier, dict[Identifier, Sightings]] = {}
        present: dict[Identifier, Present] = {}
        for key, others in row["seen"] if row else ():
            identifier = identifier_of(key)
            with_it = seen[identifier] = {}
            for other_key, first, last, times, sources, super_connector, events in others:
                if other_key == key:
                    own[identifier] = Span(first, last)
                    continue
                other = identifier_of(other_key)
                with_it[other] = Sightings(first, last, times, set(sources))
                present[other] = Present(super_connector, events)
        return Neighbours(own, seen, present)

    async def judgements(
        self, space: str, identifiers: Iterable[Identifier], at: int
    ) -> list[Judgement]:
        """The judgements about identifiers that were in force."""
        row = await self._database.read_one(
            LIST_JUDGEMENTS_AT, w={"keys": _keys(space, identifiers), "at": at}
        )
        return [judgement_of(*entry) for entry in row["judgements"]] if row else []

    async def sample(
        self, space: str, identifiers: Collection[Identifier], at: int, most: int
    ) -> dict[Identifier, tuple[Span | None, list[Identifier]]]:
        """When identifiers were seen (None: not yet), and at most so many neighbours of each."""
        row = await self._database.read_one(
            SAMPLE_NEIGHBOURS,
            w={
                "keys": _keys(space, identifiers),
                "at": at,
                "most": most,
                "scanned": MAX_SCANNED,
            },
        )
        return {
            identifier_of(key): (
                None if first is None else Span(first, last),
                [identifier_of(other) for other in others],
            )
            for key, first, last, others in (row["seen"] if row else ())
        }

    async def register(self, space: str, identifiers: Iterable[Identifier]) -> list[AnchoredId]:
        """Every id that was ever anchored at one of some identifiers."""
        row = await self._database.read_one(READ_REGISTER, w={"keys": _keys(space, identifiers)})
        return [_anchored(*entry) for entry in row["register"]] if row else []

    async def id(self, space: str, customer: str) -> AnchoredId | None:
        """An id of the register, current or retired."""
        row = await self._database.read_one(READ_ID, space=space, id=customer)
        return _anchored(*row["entry"]) if row else None

    async def known_since(self, space: str, identifier: Identifier) -> int | None:
        """When the first event with an identifier was received."""
        row = await self._database.read_one(READ_KNOWN_SINCE, key=identifier_key(space, identifier))
        return row["since"] if row else None

    async def attributed(
        self,
        space: str,
        identifiers: Iterable[Identifier],
        at: int,
        policy: Policy,
        withheld: Iterable[Identifier],
        most: int,
    ) -> list[Attributed]:
        """At most so many events of which one of some identifiers is the strongest (rule 8)."""
        row = await self._database.read_one(
            LIST_ATTRIBUTED,
            w={
                "keys": _keys(space, identifiers),
                "at": at,
                "withheld": _keys(space, withheld),
                "most": most,
                **priorities(policy),
            },
        )
        return [
            Attributed(identifier_of(key), message_id, happened, name, carries, tuple(accounts))
            for key, message_id, happened, name, carries, accounts in (row["events"] if row else ())
        ]

    async def told(
        self, space: str, message_ids: Iterable[str]
    ) -> dict[str, tuple[str, str | None, str | None]]:
        """By message id: source, traits and context traits (JSON) of events."""
        row = await self._database.read_one(
            READ_EVENT_TRAITS, w={"keys": [event_key(space, message) for message in message_ids]}
        )
        prefix = len(space) + 1
        return {key[prefix:]: (*rest,) for key, *rest in row["told"]} if row else {}

    async def accounts(
        self, keys: Iterable[str], at: int, most: int
    ) -> dict[str, tuple[str, list[tuple[int, str]]]]:
        """By account key: its id, and its newest sets of traits (JSON), when each was told last."""
        row = await self._database.read_one(
            READ_ACCOUNTS, w={"keys": list(keys), "at": at, "most": most}
        )
        return {key: (account, told) for key, account, told in row["accounts"]} if row else {}


def priorities(policy: Policy) -> dict[str, Any]:
    """By type how strong its identifiers are, as statements take it; not listed: weakest."""
    return {
        "priority": {kind: rule.priority for kind, rule in policy.rules.items()},
        "other": policy.other.priority if policy.other else 2**31,
    }


def _keys(space: str, identifiers: Iterable[Identifier]) -> list[str]:
    return [identifier_key(space, identifier) for identifier in identifiers]


def _anchored(
    customer: str, minted_at: int, anchors: Sequence[tuple[str, int | None, int | None]]
) -> AnchoredId:
    left = sorted(
        (rev or 0, until, identifier_of(key)) for key, until, rev in anchors if until is not None
    )
    (anchor,) = (identifier_of(key) for key, until, _ in anchors if until is None)
    return AnchoredId(customer, minted_at, anchor, [(until, key) for _, until, key in left])
