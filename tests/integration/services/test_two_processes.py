"""Two processes that write the same people at once."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from identity_service.domain.events import ReportedEvent
from identity_service.settings import Settings
from tests.support.busy import busy_devices
from tests.support.settled import assert_ledger_tells_all
from tests.support.space import NewWorld, reported
from tests.support.writer import as_lines

ROOT = Path(__file__).parents[3]

TIME_FOR_ALL = 45
"""Seconds; two that hold each other up for ever take longer, and time out."""


async def write_in_a_process(uri: str, write_key: str, events: Sequence[ReportedEvent]) -> set[str]:
    """Write events in a process of its own; returns the message ids that were answered."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.writer",
        uri,
        write_key,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    answered, _ = await process.communicate(as_lines(events).encode())
    assert process.returncode == 0
    return set(answered.decode().split())


async def test_two_processes_that_write_the_same_people_agree_and_lose_nothing(
    world: NewWorld, database_settings: Settings
) -> None:
    happened, policy = busy_devices(0)
    several, _ = busy_devices(1)
    events = reported([*happened, *several, *happened, *several])
    space = await world(policy)
    uri = database_settings.neo4j_uri
    assert uri is not None

    overlap = len(events) // 4
    async with asyncio.timeout(TIME_FOR_ALL):
        answered = await asyncio.gather(
            write_in_a_process(uri, space.write_key, events[: len(events) // 2 + overlap]),
            write_in_a_process(uri, space.write_key, events[len(events) // 2 - overlap :][::-1]),
        )

    space.remember(events)
    assert set().union(*answered) == {each.message_id for each in events}
    found = await space.check()
    assert found.doubled_links == 0
    assert_ledger_tells_all(found)
    [[stored, distinct]] = await space.rows(
        "MATCH (e:Event {space: $space}) RETURN count(e), count(DISTINCT e.message_id)"
    )
    assert (stored, distinct) == (len(events), len(events))
