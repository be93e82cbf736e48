"""Two processes that write the same people at once."""

from __future__ import annotations

import asyncio

from identity_service.settings import Settings
from tests.support.busy import busy_devices
from tests.support.crowd import crowd
from tests.support.settled import assert_ledger_tells_all
from tests.support.space import NewWorld, reported
from tests.support.writing import write_in_a_process

TIME_FOR_ALL = 90
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
    found = await space.check_after_a_race()
    assert found.doubled_links == 0
    assert_ledger_tells_all(found)
    [[stored, distinct]] = await space.rows(
        "MATCH (e:Event {space: $space}) RETURN count(e), count(DISTINCT e.message_id)"
    )
    assert (stored, distinct) == (len(events), len(events))


async def test_two_processes_that_meet_at_every_person_of_a_crowd_lose_no_identifier(
    world: NewWorld, database_settings: Settings
) -> None:
    events = crowd(people=900)
    space = await world()
    await asyncio.gather(
        *(space.send(*events.before[start : start + 500]) for start in range(0, 2_700, 500))
    )

    async with asyncio.timeout(TIME_FOR_ALL):
        answered = await asyncio.gather(
            write_in_a_process(database_settings, space.write_key, events.first, at_once=50),
            write_in_a_process(database_settings, space.write_key, events.second, at_once=50),
        )

    sent = [*events.before, *events.first, *events.second]
    space.remember(sent)
    assert set().union(*answered) == {e.message_id for e in (*events.first, *events.second)}
    await space.check_after_a_race()
    [[stored, distinct]] = await space.rows(
        "MATCH (e:Event {space: $space}) RETURN count(e), count(DISTINCT e.message_id)"
    )
    assert (stored, distinct) == (len(sent), len(sent))
