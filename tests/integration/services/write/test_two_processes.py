"""Two processes that write the same people at once."""

from __future__ import annotations

import asyncio

from identity_service.settings import Settings
from tests.support.busy import busy_devices
from tests.support.settled import assert_ledger_tells_all
from tests.support.space import NewWorld, reported
from tests.support.writing import write_in_a_process

TIME_FOR_ALL = 45
"""Seconds; two that hold each other up for ever take longer, and time out."""


async def test_two_processes_that_write_the_same_people_agree_and_lose_nothing(
    world: NewWorld, database_settings: Settings
) -> None:
    happened, policy = busy_devices(0)
    several, _ = busy_devices(1)
    events = reported([*happened, *several, *happened, *several])
    space = await world(policy)

    overlap = len(events) // 4
    async with asyncio.timeout(TIME_FOR_ALL):
        answered = await asyncio.gather(
            write_in_a_process(
                database_settings, space.write_key, events[: len(events) // 2 + overlap]
            ),
            write_in_a_process(
                database_settings, space.write_key, events[len(events) // 2 - overlap :][::-1]
            ),
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
