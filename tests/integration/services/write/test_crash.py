"""kill -9: what was answered is there, and sending everything again makes it whole."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from identity_service.graph import schema
from identity_service.graph.database import Database
from identity_service.runtime.java import TEST
from identity_service.runtime.provided import with_login
from identity_service.runtime.server import RunningServer, start, stop
from identity_service.settings import Settings
from tests.support.busy import busy_devices
from tests.support.neo4j import async_driver_of, environment_of
from tests.support.settled import assert_ledger_tells_all
from tests.support.space import World, beside, new_world, reported
from tests.support.writer import as_lines

ROOT = Path(__file__).parents[4]

EVENTS_BEFORE_THE_CRASH = 40

happened, policy = busy_devices(0)
EVENTS = reported(happened * 3)


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Settings]:
    """Settings of a server of the test's own, stopped at the end."""
    settings = Settings(neo4j_uri=None, data_dir=tmp_path, neo4j_page_cache="64m")
    yield settings
    stop(settings)


async def test_a_crash_loses_nothing_that_was_answered_and_doubles_nothing(
    mortal: Settings,
) -> None:
    server = start(mortal, TEST)
    space = await space_at(way_to(server))

    answered = await crash_in_the_middle(server, space.write_key)
    server = start(mortal, TEST)
    settings = way_to(server)

    async with (
        await Database.open(settings) as database,
        async_driver_of(settings) as driver,
    ):
        space = beside(space, database, driver)
        kept = {
            message_id
            for [message_id] in await space.rows(
                "MATCH (e:Event {space: $space})-[:ATTRIBUTED_TO]->()-[:BELONGS_TO]->()"
                " RETURN e.message_id"
            )
        }
        space.remember(each for each in EVENTS if each.message_id in kept)
        assert EVENTS_BEFORE_THE_CRASH <= len(answered) < len(EVENTS)
        assert answered <= kept
        await space.check_after_a_race()
        await space.send(*EVENTS)
        assert_ledger_tells_all(await space.check_after_a_race())
        assert await space.rows("MATCH (e:Event {space: $space}) RETURN count(e)") == [
            [len(EVENTS)]
        ]
    server.stop()


def way_to(server: RunningServer) -> Settings:
    return with_login(Settings(), server.uri, server.password)


async def space_at(settings: Settings) -> World:
    """A new space of an empty server."""
    async with (
        await Database.open(settings) as database,
        async_driver_of(settings) as driver,
    ):
        await schema.apply(database)
        return await new_world(database, driver, policy)


async def crash_in_the_middle(server: RunningServer, write_key: str) -> set[str]:
    """Load events, and kill both the writer and the server; returns what was answered."""
    writer = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.writer",
        write_key,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env=os.environ | environment_of(way_to(server)),
    )
    assert writer.stdin is not None
    assert writer.stdout is not None
    writer.stdin.write(as_lines(EVENTS).encode())
    writer.stdin.close()
    answered: set[str] = set()
    while len(answered) < EVENTS_BEFORE_THE_CRASH:
        line = await writer.stdout.readline()
        assert line, "The writer ended before the crash."
        answered.add(line.decode().strip())
    os.kill(server.pid, signal.SIGKILL)
    writer.kill()
    answered.update((await writer.stdout.read()).decode().split())
    await writer.wait()
    server.stop()
    return answered
