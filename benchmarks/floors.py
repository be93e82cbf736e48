"""The floors: the same rows written by one bare statement, the same read as one bare query."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from pathlib import Path
from typing import Any, LiteralString, cast

from neo4j import AsyncDriver
from neo4j.exceptions import TransientError

from identity_service.collect.properties import scalar_properties
from identity_service.collect.segment import read_batch
from identity_service.domain.events import Observation
from identity_service.domain.policies.parse import parse_policy
from identity_service.domain.policies.policy import Policy
from identity_service.domain.policies.value_rules import ValueRules, observe
from identity_service.domain.resolution.resolve import strongest
from identity_service.domain.resolution.subgraph import NewEvidence
from identity_service.graph.keys import event_key, identifier_key
from identity_service.graph.write_rows import json_text
from identity_service.services.kit.clock import system_clock


def _text(name: str) -> LiteralString:
    return cast("LiteralString", (Path(__file__).parent / "floor" / f"{name}.cypher").read_text())


class WriteFloor:
    """Writes calls as rows: nothing is filtered, resolved or settled."""

    def __init__(self, driver: AsyncDriver, space: str) -> None:
        self._driver = driver
        self._space = space
        self._policy: Policy = parse_policy("extends: quarantine")
        self._values = ValueRules(self._policy)
        self._text: LiteralString = _text("write_rows")

    def rows(self, calls: list[dict[str, Any]]) -> dict[str, Any]:
        """What `write` takes of some calls. Not part of what is measured."""
        now = system_clock()
        observed = [
            observe(event, self._values, now, self._space)
            for event in read_batch({"batch": calls}, now, lambda: secrets.token_hex(8)).events
        ]
        observations = [o for o in observed if isinstance(o, Observation)]
        new = NewEvidence()
        for o in observations:
            new.add(o.identifiers, o.event.at, o.source)
        space = self._space
        return {
            "space": space,
            "identifiers": sorted(
                [identifier_key(space, i), i.type, i.value, span.first, span.last]
                for i, span in new.identifiers.items()
            ),
            "links": sorted(
                [
                    identifier_key(space, a),
                    identifier_key(space, b),
                    seen.first,
                    seen.last,
                    seen.times,
                    sorted(seen.sources),
                ]
                for (a, b), seen in new.links.items()
            ),
            "events": [self._event(o) for o in observations],
        }

    def _event(self, observation: Observation) -> list[Any]:
        event, first = observation.event, strongest(observation.identifiers, self._policy)
        node = {
            "space": self._space,
            "message_id": event.message_id,
            "type": event.type,
            "name": event.name,
            "at": event.at,
            "received_at": observation.received_at,
            "source": observation.source,
            "properties": json_text(event.properties),
            "context": json_text(event.context),
            **scalar_properties(event.properties),
        }
        others = [identifier_key(self._space, i) for i in observation.identifiers if i != first]
        key = event_key(self._space, event.identity)
        return [key, node, identifier_key(self._space, first), others]

    async def write(self, rows: dict[str, Any]) -> None:
        """One autocommit transaction; again when two writers waited for each other."""
        async with self._driver.session() as session:  # pyright: ignore[reportUnknownMemberType]
            while True:
                try:
                    result = await session.run(self._text, w=rows)
                    await result.consume()
                except TransientError:
                    continue
                return


class GroupCommit:
    """A bare group commit: what waits while a transaction is in flight shares the next."""

    def __init__(self, floor: WriteFloor) -> None:
        self._floor = floor
        self._waiting: deque[tuple[dict[str, Any], asyncio.Future[None]]] = deque()
        self._task: asyncio.Task[None] | None = None

    async def put(self, rows: dict[str, Any]) -> None:
        """Write the rows of one event; returns when they are committed."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((rows, done))
        if self._task is None:
            self._task = asyncio.create_task(self._write_all())
        await done

    async def _write_all(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(500, len(self._waiting)))]
            rows: dict[str, Any] = {"space": batch[0][0]["space"]}
            for name in ("identifiers", "links", "events"):
                rows[name] = [row for one, _ in batch for row in one[name]]
            await self._floor.write(rows)
            for _, done in batch:
                done.set_result(None)
        self._task = None


class ReadFloor:
    """Reads a customer by one of its identifiers: one bare autocommit query."""

    def __init__(self, driver: AsyncDriver) -> None:
        self._driver = driver
        self._text: LiteralString = _text("read_customer")

    async def read(self, key: str) -> int:
        """Returns how many identifiers the customer has."""
        async with self._driver.session(  # pyright: ignore[reportUnknownMemberType]
            default_access_mode="READ", fetch_size=-1
        ) as session:
            result = await session.run(self._text, key=key)
            record = await result.single(strict=True)
            return len(record["identifiers"])
