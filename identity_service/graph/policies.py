"""Policies in the graph, and what a change of policy has to visit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from identity_service.domain.identifiers import Identifier
from identity_service.domain.policy import Policy
from identity_service.domain.region import NewEvidence, StoredIdentifier
from identity_service.domain.withheld import EventAgain, EventWithheld
from identity_service.errors import NotFound
from identity_service.graph.batches import identifier_rows, link_rows
from identity_service.graph.database import Database
from identity_service.graph.keys import identifier_key, identifier_of, policy_key
from identity_service.graph.statements import statement

READ_POLICY_IN_FORCE: Final = statement("policies/read_policy_in_force")
READ_POLICY_AT: Final = statement("history/read_policy_at")
PUT_POLICY_IN_FORCE: Final = statement("policies/put_policy_in_force")
LIST_TO_SETTLE: Final = statement("policies/list_to_settle")
KEEP_AS_SETTLED: Final = statement("policies/keep_as_settled")
RECORD_PROGRESS: Final = statement("policies/record_progress")
LIST_BLOCKED: Final = statement("policies/list_blocked")
MEASURE_SUPER_CONNECTORS: Final = statement("policies/measure_super_connectors")
LIST_WRITERS: Final = statement("instance/list_writers")
UNBLOCK: Final = statement("policies/unblock")
LIST_WITHHELD: Final = statement("policies/list_withheld")
OBSERVE_AGAIN: Final = statement("policies/observe_again")
ATTRIBUTE_EVENTS: Final = statement("policies/attribute_events")

_EVENTS_AT_ONCE: Final = 5_000

_BETWEEN_LOOKS: Final = 0.01

_BEFORE_ALL_TIMES: Final = -(2**62)


@dataclass(frozen=True, slots=True)
class StoredPolicy:
    """The policy in force, as text, and the property names that the space has in use."""

    version: int
    text: str
    property_names: frozenset[str]


@dataclass(frozen=True, slots=True)
class PolicyThen:
    """The policy in force at a moment; `version` None when the space had none before `since`."""

    version: int | None
    text: str
    since: int


@dataclass(frozen=True, slots=True)
class ToSettle:
    """Customers that a version has not reached, and identifiers to begin at.

    `starts` are identifiers of the customers, `waiting` are identifiers that wait to be settled.
    """

    customers: tuple[str, ...]
    starts: dict[Identifier, StoredIdentifier]
    waiting: frozenset[Identifier]


class PolicyStore:
    """Reads and writes policies."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def in_force(self, space: str) -> StoredPolicy:
        """The policy of a space. Raises NotFound where there is no such space."""
        row = await self._database.read_one(READ_POLICY_IN_FORCE, space=space)
        if row is None:
            raise NotFound(f"There is no space “{space}”.", remedy="Create it first.")
        return StoredPolicy(row["version"], row["text"], frozenset(row["property_names"]))

    async def at(self, space: str, moment: int) -> PolicyThen:
        """The policy that was in force at a moment. Raises NotFound where there is no space."""
        row = await self._database.read_one(READ_POLICY_AT, space=space, at=moment)
        if row is None or row["since"] is None:
            raise NotFound(f"There is no space “{space}”.", remedy="Create it first.")
        return PolicyThen(row["version"], row["text"] or "", row["since"])

    async def put_in_force(
        self, space: str, text: str, expected: int, author: str, note: str | None, now: int
    ) -> tuple[bool, int]:
        """Put a new version in force if `expected` is. Returns whether, and which one is now."""
        row = await self._database.write_one(
            PUT_POLICY_IN_FORCE,
            space=space,
            text=text,
            expected=expected,
            author=author,
            note=note,
            now=now,
        )
        if row is None:
            raise NotFound(f"There is no space “{space}”.", remedy="Create it first.")
        return row["put"], row["version"]

    async def await_writers(self) -> None:
        """Return once every transaction that writes evidence at this moment has ended.

        What begins later finds the policy that is in force now.
        """
        running = await self._writers()
        while running:
            await asyncio.sleep(_BETWEEN_LOOKS)
            running &= await self._writers()

    async def _writers(self) -> set[str]:
        return {row["id"] for row in await self._database.read_all(LIST_WRITERS)}

    async def to_settle(self, space: str, version: int, most: int) -> ToSettle:
        """Some of what a version has not reached; empty when it has reached everything."""
        row = await self._database.read_one(
            LIST_TO_SETTLE,
            space=space,
            prefix=f"{space}/",
            version=version,
            most=most,
        )
        if row is None:
            return ToSettle((), {}, frozenset())
        return ToSettle(
            customers=tuple(row["customers"]),
            starts={
                identifier_of(key): StoredIdentifier(0, None, contested, connected)
                for key, contested, connected in row["starts"]
            },
            waiting=frozenset(map(identifier_of, row["unsettled"])),
        )

    async def super_connectors(self, space: str) -> dict[Identifier, int]:
        """All super-connectors, each with the number of its links that count."""
        row = await self._database.read_one(MEASURE_SUPER_CONNECTORS, prefix=f"{space}/")
        return {identifier_of(key): links for key, links in row["found"]} if row else {}

    async def keep_as_settled(self, space: str, customers: Iterable[str], version: int) -> None:
        """Leave customers of over-connected components as they are."""
        await self._database.write_one(
            KEEP_AS_SETTLED, space=space, customers=sorted(customers), version=version
        )

    async def record_progress(self, space: str, version: int) -> None:
        """Say how far the settlement of a version is."""
        await self._database.write_one(
            RECORD_PROGRESS, space=space, key=policy_key(space, version), version=version
        )

    async def blocked(self, space: str) -> list[Identifier]:
        """Identifiers that are known and blocked."""
        row = await self._database.read_one(LIST_BLOCKED, prefix=f"{space}/")
        return [identifier_of(key) for key in row["keys"]] if row else []

    async def unblock(self, space: str, identifiers: Collection[Identifier]) -> None:
        """Give identifiers back; they wait to be settled."""
        await self._database.write_one(
            UNBLOCK, keys=[identifier_key(space, identifier) for identifier in identifiers]
        )

    async def events_withheld_from(self, space: str) -> AsyncGenerator[list[EventWithheld]]:
        """Events from which identifiers are withheld, page by page."""
        after: int | None = _BEFORE_ALL_TIMES
        while after is not None:
            row = await self._database.read_one(
                LIST_WITHHELD, space=space, after=after, most=_EVENTS_AT_ONCE
            )
            after = row["last"] if row else None
            if row and row["events"]:
                yield [
                    EventWithheld(
                        key, at, source, tuple(withheld), tuple(map(identifier_of, observed))
                    )
                    for key, at, source, withheld, observed in row["events"]
                ]

    async def observe_again(self, space: str, version: int, events: Sequence[EventAgain]) -> bool:
        """Let events observe what was withheld from them; it waits to be settled.

        False, and nothing is written, when the version is no longer in force or when somebody
        else has done the same for one of the events.
        """
        evidence = NewEvidence()
        for again in events:
            event = again.event
            evidence.add_to_event(event.observed, again.besides, event.at, event.source)
        row = await self._database.write_one(
            OBSERVE_AGAIN,
            w={
                "space": space,
                "policy_version": version,
                "events": [
                    [
                        again.event.key,
                        list(again.event.withheld),
                        again.still_withheld or None,
                        [identifier_key(space, identifier) for identifier in again.besides],
                    ]
                    for again in events
                ],
                "identifiers": identifier_rows(space, evidence.identifiers),
                "links": link_rows(space, evidence.links),
            },
        )
        return bool(row and row["written"])

    async def attribute_events(self, space: str, policy: Policy) -> None:
        """Attribute every event to the strongest of its identifiers."""
        after: int | None = _BEFORE_ALL_TIMES
        while after is not None:
            row = await self._database.write_one(
                ATTRIBUTE_EVENTS,
                space=space,
                after=after,
                most=_EVENTS_AT_ONCE,
                priority={kind: rule.priority for kind, rule in policy.rules.items()},
                other=policy.other.priority if policy.other else 2**31,
            )
            after = row["last"] if row else None
