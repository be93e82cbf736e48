"""Whatever the order of arrival, the graph holds what the pure function says of all evidence."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given

from identity_service.domain.events import ReportedEvent
from identity_service.domain.policies.policy import Policy
from identity_service.services.write import event_batch, repeats
from tests.support.busy import busy_devices
from tests.support.settled import assert_ledger_tells_all
from tests.support.space import NewWorld, World, judge_at_random, reported
from tests.support.worlds import Event, dice, events, in_some_worlds, number_of_worlds, policies

WORLDS = 5


def batches(todo: Sequence[ReportedEvent], draw: random.Random) -> Iterator[list[ReportedEvent]]:
    """The events in any order and batching, some of them twice."""
    shuffled, sent = draw.sample(todo, len(todo)), list[ReportedEvent]()
    while shuffled:
        size = draw.choice([1, 1, 2, 3, 8])
        some, shuffled = shuffled[:size], shuffled[size:]
        replayed = [draw.choice(sent)] if sent and draw.random() < 0.2 else []
        sent += some
        yield some + replayed


@in_some_worlds(WORLDS)
@given(events(24), policies(), dice)
async def test_events_in_any_order_and_batching_give_what_the_pure_function_says(
    world: NewWorld, happened: list[Event], policy: Policy, draw: random.Random
) -> None:
    space = await world(policy)

    for some in batches(reported(happened), draw):
        await space.send(*some)

    assert_ledger_tells_all(await space.check())


@pytest.mark.parametrize("seed", range(number_of_worlds(WORLDS)))
async def test_busy_shared_devices_give_what_the_pure_function_says(
    world: NewWorld, seed: int
) -> None:
    happened, policy = busy_devices(seed)
    space = await world(policy)

    for some in batches(reported(happened), random.Random(seed)):  # noqa: S311
        await space.send(*some)

    assert_ledger_tells_all(await space.check())


@in_some_worlds(WORLDS)
@given(events(24), policies(), dice)
async def test_requests_side_by_side_give_what_the_pure_function_says(
    world: NewWorld, happened: list[Event], policy: Policy, draw: random.Random
) -> None:
    space = await world(policy)

    await asyncio.gather(*(space.send(*some) for some in batches(reported(happened), draw)))

    assert_ledger_tells_all(await space.check())


@pytest.mark.parametrize("seed", range(number_of_worlds(WORLDS)))
async def test_judgements_in_between_give_what_the_pure_function_says(
    world: NewWorld, seed: int
) -> None:
    happened, policy = busy_devices(seed + 1_000)
    draw = random.Random(seed)  # noqa: S311
    space = await world(policy)

    for some in batches(reported(happened), draw):
        await space.send(*some)
        await judge_at_random(space, happened, draw)

    assert_ledger_tells_all(await space.check())


@in_some_worlds(WORLDS)
@given(events(24), policies(), dice)
async def test_the_fast_path_gives_what_the_full_function_gives(
    world: NewWorld, happened: list[Event], policy: Policy, draw: random.Random
) -> None:
    fast, slow = await world(policy), await world(policy)

    for some in batches(reported(happened), draw):
        await fast.send(*some)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(event_batch, "only_repeats", never)
            patch.setattr(repeats, "only_repeats", never)
            await slow.send(*some)

    by_fast, by_slow = await fast.check(), await slow.check()
    assert by_fast.partition == by_slow.partition
    assert by_fast.links == by_slow.links
    assert await written_by(fast) == await written_by(slow)


def never(*_: object) -> bool:
    return False


async def written_by(space: World) -> list[list[object]]:
    """The events of a space, and when its identifiers were seen last."""
    return await space.rows(
        "MATCH (e:Event {space: $space})-[:ATTRIBUTED_TO]->(i)"
        " RETURN e.message_id AS who, i.type, i.value, COUNT { (e)-[:OBSERVED]->() } ORDER BY who"
        " UNION ALL MATCH (i:Identifier) WHERE i.key STARTS WITH $prefix"
        " RETURN substring(i.key, size($prefix)) AS who, i.first_seen AS `i.type`,"
        " i.last_seen AS `i.value`, 0 AS `COUNT { (e)-[:OBSERVED]->() }` ORDER BY who"
    )
