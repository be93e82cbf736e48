"""A service under load whose parts are killed and paused at random: nothing is lost or doubled.

`SOAK_SECONDS` is how long it goes on (40), `SOAK_SEED` what it draws from; both are printed.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest
from neo4j import AsyncDriver, AsyncGraphDatabase

from identity_service.collect.segment import read_batch
from identity_service.domain.judgements import Judgement
from identity_service.domain.policies.parse import parse_policy
from identity_service.graph.database import Database
from identity_service.graph.judgements import JudgementStore
from identity_service.runtime.provided import with_neo4j
from identity_service.services.spaces.access import Role
from identity_service.services.wiring import UseCases, assemble
from identity_service.settings import Settings
from tests.soak.faults import Serving
from tests.soak.traffic import Traffic
from tests.support.service import Space, create_space
from tests.support.settled import assert_ledger_tells_all
from tests.support.space import MAX_QUEUE, World

pytestmark = pytest.mark.neo4j

SECONDS: Final = float(os.environ.get("SOAK_SECONDS", "40"))
SEED: Final = int(os.environ.get("SOAK_SEED") or secrets.randbelow(1_000_000))

QUIET_S: Final = 6.0
"""Most seconds between two faults."""

SPARE_BYTES: Final = 64_000_000
"""What the service may take more in the second half than in the first."""


@dataclass(frozen=True)
class Happened:
    """A fault and the seconds after which the service was well again."""

    fault: str
    healed_in: float


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    """A service with a Neo4j of its own."""
    running = Serving(tmp_path)
    try:
        running.until_ready(180)
        yield running
    finally:
        running.clear_away()


@pytest.mark.timeout(SECONDS + 600)
async def test_whatever_happens_every_acknowledged_event_counts_once(
    serving: Serving, capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        print(f"\nSOAK_SECONDS={SECONDS:g} SOAK_SEED={SEED}")  # noqa: T201
    space = await asyncio.to_thread(_new_space, serving)
    traffic = Traffic(serving.url, space, SEED)
    memory: list[int] = []

    clients = asyncio.create_task(traffic.run())
    measuring = asyncio.create_task(_measure(serving, memory))
    happened = await _break_things(serving)
    traffic.ending.set()
    async with asyncio.timeout(180):
        await clients
    measuring.cancel()

    with capsys.disabled():
        print(_figures(traffic, happened, memory))  # noqa: T201
    assert traffic.unexpected == []
    await _assert_all_is_well(serving, traffic)
    _assert_flat(memory)
    await asyncio.to_thread(serving.end)


def _new_space(serving: Serving) -> Space:
    with with_neo4j(serving.settings) as settings:
        return create_space(settings, "extends: quarantine\n")


async def _measure(serving: Serving, memory: list[int]) -> None:
    while True:
        memory.append(serving.memory())
        await asyncio.sleep(1)


async def _break_things(serving: Serving) -> list[Happened]:
    """One fault after the other, each kind in every round, until the time is over."""
    draw = random.Random(SEED)  # noqa: S311 - faults, not a secret
    until, happened = time.monotonic() + SECONDS, list[Happened]()
    for _ in count():
        for fault in draw.sample(serving.faults, k=len(serving.faults)):
            await asyncio.sleep(draw.uniform(1, QUIET_S))
            if time.monotonic() > until:
                return happened
            healed_in = await asyncio.to_thread(fault, draw)
            happened.append(Happened(fault.__name__, healed_in))
    raise AssertionError


async def _assert_all_is_well(serving: Serving, traffic: Traffic) -> None:
    with with_neo4j(serving.settings) as settings:
        async with await Database.open(settings) as database, _driver(settings) as driver:
            use_cases = assemble(database, MAX_QUEUE)
            world = await _world(use_cases, database, driver, traffic)
            await world.until_settled()
            stored = await world.rows(
                "MATCH (e:Event {space: $space}) RETURN e.message_id, count(*)"
            )
            times = dict[str, int](tuple(row) for row in stored)
            rejected = await world.rows("MATCH (r:RejectedEvent {space: $space}) RETURN r.message")
            assert rejected == []
            assert traffic.acknowledged.keys() - times.keys() == set()
            assert times == dict.fromkeys(traffic.acknowledged, 1)
            assert_ledger_tells_all(await world.check())
            assert (await use_cases.previews.check(world.scope)).changes_nothing
            await use_cases.close()


async def _world(
    use_cases: UseCases, database: Database, driver: AsyncDriver, traffic: Traffic
) -> World:
    """The space with what was sent to it, and the policy and judgements that it has by now."""
    space = traffic.space
    access = use_cases.access
    scope = access.require(access.operator(space.name), space.name, Role.ADMIN)
    policy = await use_cases.spaces.policy(scope)
    world = World(
        scope,
        space.write_key,
        use_cases,
        database,
        driver,
        parse_policy(policy.text),
        policy.version,
    )
    calls = list(traffic.acknowledged.values())
    for start in range(0, len(calls), 100):
        body: dict[str, Any] = {"batch": calls[start : start + 100]}
        world.remember(read_batch(body, time.time_ns() // 1_000_000, str).events)
    made = await world.rows("MATCH (j:Judgement {space: $space}) RETURN j.id")
    found = await JudgementStore(database).find_all(space.name, [judgement for [judgement] in made])
    world.judged = {j.id: j for j in found if isinstance(j, Judgement) and j.withdrawn_at is None}
    return world


def _driver(settings: Settings) -> AsyncDriver:
    password = settings.neo4j_password
    return AsyncGraphDatabase.driver(  # pyright: ignore[reportUnknownMemberType]
        settings.neo4j_uri or "",
        auth=(settings.neo4j_user, password.get_secret_value()) if password else None,
        notifications_min_severity="OFF",
    )


def _assert_flat(memory: list[int]) -> None:
    half = len(memory) // 2
    assert max(memory[half:]) < max(memory[:half]) + SPARE_BYTES


def _figures(traffic: Traffic, happened: list[Happened], memory: list[int]) -> str:
    lines = [f"{len(traffic.acknowledged):,} events acknowledged in {len(memory):,} s"]
    lines += [f"{answer}: {number:,}" for answer, number in sorted(traffic.answers.items())]
    for fault in sorted({each.fault for each in happened}):
        times = [each.healed_in for each in happened if each.fault == fault]
        lines.append(f"{fault}: {len(times)} times, well again within {max(times):.1f} s")
    lines.append(
        f"memory: {max(memory[: len(memory) // 2]) / 1e6:.0f} MB at most in the first"
        f" half, {max(memory[len(memory) // 2 :]) / 1e6:.0f} MB in the second"
    )
    return "\n".join(lines)
