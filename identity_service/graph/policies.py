"""Policies in the graph, and what a policy rollout reads and writes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from identity_service.domain.identifiers import Identifier
from identity_service.domain.policies.policy import Policy
from identity_service.domain.policies.reinstatement import EventAgain, EventWithheld
from identity_service.domain.resolution.subgraph import NewEvidence, StoredIdentifier
from identity_service.errors import NotFound
from identity_service.graph.database import Database
from identity_service.graph.keys import bounds, identifier_key, identifier_of
from identity_service.graph.statements import statement
from identity_service.graph.write_rows import identifier_rows, link_rows

READ_POLICY_IN_FORCE: Final = statement("policies/read_policy_in_force")
READ_POLICY_AT: Final = statement("history/read_policy_at")
PUT_POLICY_IN_FORCE: Final = statement("policies/put_policy_in_force")
LIST_WRITERS: Final = statement("instance/list_writers")
LIST_IDENTIFIERS: Final = statement("policies/list_identifiers")
MARK_BLOCKED: Final = statement("policies/mark_blocked")
LIST_WITHHELD: Final = statement("policies/list_withheld")
REINSTATE_WITHHELD: Final = statement("policies/reinstate_withheld")
LIST_TO_SETTLE: Final = statement("policies/list_to_settle")
LIST_WAITING: Final = statement("policies/list_waiting")
LIST_LOST: Final = statement("policies/list_lost")
RELEASE_LOST: Final = statement("policies/release_lost")
LIST_SUPER_CONNECTORS: Final = statement("policies/list_super_connectors")
SKIP_OVERSIZED: Final = statement("policies/skip_oversized")
BUMP_POLICY_VERSION: Final = statement("policies/bump_policy_version")
ATTRIBUTE_EVENTS: Final = statement("policies/attribute_events")

_POLL_INTERVAL_S: Final = 0.01


@dataclass(frozen=True, slots=True)
class StoredPolicy:
    """The policy in force, as text."""

    version: int
    text: str


@dataclass(frozen=True, slots=True)
class PolicyAsOf:
    """The policy as of a moment; `version` is None when the space had none before `since`."""

    version: int | None
    text: str
    since: int


@dataclass(frozen=True, slots=True)
class ToSettle:
    """Customers that a version has not settled yet, and identifiers of theirs to begin at."""

    customers: tuple[str, ...]
    starts: dict[Identifier, StoredIdentifier]


class PolicyStore:
    """Reads and writes policies."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def in_force(self, space: str) -> StoredPolicy:
        """The policy of a space. Raises NotFound where there is no such space."""
        row = await self._database.read_one(READ_POLICY_IN_FORCE, space=space)
        if row is None:
            raise NotFound(f"There is no space “{space}”.", remedy="Create it first.")
        return StoredPolicy(row["version"], row["text"])

    async def at(self, space: str, moment: int) -> PolicyAsOf:
        """The policy as of a moment. Raises NotFound where there is no such space."""
        row = await self._database.read_one(READ_POLICY_AT, space=space, at=moment)
        if row is None or row["since"] is None:
            raise NotFound(f"There is no space “{space}”.", remedy="Create it first.")
        return PolicyAsOf(row["version"], row["text"] or "", row["since"])

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
        """Return once every transaction has ended that writes by a policy now.

        Those that begin later read the policy that is in force now.
        """
        running = await self._writers()
        while running:
            await asyncio.sleep(_POLL_INTERVAL_S)
            running &= await self._writers()

    async def _writers(self) -> set[str]:
        return {row["id"] for row in await self._database.read_all(LIST_WRITERS)}

    async def identifiers(
        self, space: str, after: str, most: int
    ) -> tuple[str | None, list[tuple[Identifier, bool]]]:
        """A page of identifiers, each with whether it is marked as blocked.

        `after` is the key at which the page before ended, empty at first. The first value is the
        key at which this page ends, None when there are no more. The other pages here are alike.
        """
        begin, end = bounds(space)
        row = await self._database.read_one(
            LIST_IDENTIFIERS, after=after or begin, until=end, most=most
        )
        if row is None:
            return None, []
        return row["last"], [(identifier_of(key), blocked) for key, blocked in row["identifiers"]]

    async def mark_blocked(
        self,
        space: str,
        version: int,
        blocked: Iterable[Identifier],
        free: Iterable[Identifier],
    ) -> None:
        """Mark what a version blocks, and release what it does not: that waits to be settled."""
        await self._database.write_one(
            MARK_BLOCKED,
            w={
                "space": space,
                "policy_version": version,
                "blocked": sorted(identifier_key(space, identifier) for identifier in blocked),
                "free": sorted(identifier_key(space, identifier) for identifier in free),
            },
        )

    async def withheld(
        self, space: str, after: str, most: int
    ) -> tuple[str | None, list[EventWithheld]]:
        """Of a page of events those from which identifiers are withheld."""
        begin, end = bounds(space)
        row = await self._database.read_one(
            LIST_WITHHELD, after=after or begin, until=end, most=most
        )
        if row is None:
            return None, []
        return row["last"], [
            EventWithheld(
                key, at, source, tuple(withheld), tuple(map(identifier_of, observed)), proven
            )
            for key, at, source, proven, withheld, observed in row["events"]
        ]

    async def reinstate_withheld(
        self, space: str, version: int, events: Sequence[EventAgain]
    ) -> bool:
        """Let events observe identifiers that were withheld from them; these wait to be settled.

        False, and nothing is written, when the version is no longer in force, or when another
        process has done the same for one of the events.
        """
        evidence = NewEvidence()
        for again in events:
            event = again.event
            evidence.add_to_event(
                event.observed, again.besides, event.at, event.source, proven=event.proven
            )
        row = await self._database.write_one(
            REINSTATE_WITHHELD,
            w={
                "space": space,
                "policy_version": version,
                "events": [
                    [
                        again.event.key,
                        list(again.event.withheld),
                        again.still_withheld or None,
                        [identifier_key(space, identifier) for identifier in again.besides],
                        len(again.event.observed),
                    ]
                    for again in events
                ],
                "identifiers": identifier_rows(space, evidence.identifiers),
                "links": link_rows(space, evidence.links),
            },
        )
        return bool(row and row["written"])

    async def to_settle(self, space: str, version: int, most: int) -> ToSettle:
        """Some customers that a version has not settled; none when it has settled all."""
        row = await self._database.read_one(LIST_TO_SETTLE, space=space, version=version, most=most)
        if row is None:
            return ToSettle((), {})
        return ToSettle(
            customers=tuple(row["customers"]),
            starts={
                identifier_of(key): StoredIdentifier(0, None, contested, ends)
                for key, contested, ends in row["starts"]
            },
        )

    async def waiting(self, space: str, after: str, most: int) -> list[Identifier]:
        """Identifiers that wait to be settled, a page in order of their keys."""
        begin, _ = bounds(space)
        row = await self._database.read_one(
            LIST_WAITING, prefix=begin, after=after or begin, most=most
        )
        return [identifier_of(key) for key in row["keys"]] if row else []

    async def lost(self, space: str, after: str, most: int) -> tuple[str | None, list[Identifier]]:
        """Of a page of identifiers those that belong to a retired id, which none should."""
        begin, end = bounds(space)
        row = await self._database.read_one(LIST_LOST, after=after or begin, until=end, most=most)
        return (row["last"], [identifier_of(key) for key in row["lost"]]) if row else (None, [])

    async def release_lost(self, space: str, lost: Iterable[Identifier]) -> None:
        """Let identifiers that belong to a retired id wait to be settled."""
        keys = sorted(identifier_key(space, identifier) for identifier in lost)
        await self._database.write_one(RELEASE_LOST, w={"keys": keys})

    async def super_connectors(
        self, space: str, after: str, most: int
    ) -> list[tuple[Identifier, int]]:
        """A page of super-connectors, each with the number of its links that count."""
        begin, _ = bounds(space)
        row = await self._database.read_one(
            LIST_SUPER_CONNECTORS, prefix=begin, after=after or begin, most=most
        )
        return [(identifier_of(key), links) for key, links in row["found"]] if row else []

    async def skip_oversized(
        self,
        space: str,
        version: int,
        customers: Iterable[str],
        starts: Iterable[Identifier],
        most: int,
    ) -> None:
        """Leave these customers as they are, and those of `most` identifiers around `starts`."""
        await self._database.write_one(
            SKIP_OVERSIZED,
            w={
                "space": space,
                "version": version,
                "customers": list(customers),
                "starts": [identifier_key(space, identifier) for identifier in starts],
                "most": most,
            },
        )

    async def bump_policy_version(self, space: str, version: int, most: int) -> int:
        """Let a version take over some customers unchanged; returns how many there were."""
        row = await self._database.write_one(
            BUMP_POLICY_VERSION, space=space, version=version, most=most
        )
        return row["customers"] if row else 0

    async def attribute_events(
        self, space: str, version: int, policy: Policy, after: str, most: int
    ) -> str | None:
        """Attribute a page of events to the strongest of their identifiers.

        Returns the key that it ends at, None when there are no more or another version is in
        force.
        """
        begin, end = bounds(space)
        row = await self._database.write_one(
            ATTRIBUTE_EVENTS,
            space=space,
            version=version,
            after=after or begin,
            until=end,
            most=most,
            priority={kind: rule.priority for kind, rule in policy.rules.items()},
            other=policy.other.priority if policy.other else 2**31,
        )
        return row["last"] if row else None
