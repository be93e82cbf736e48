"""What is asked for at the same time is read at once, and never from before it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from identity_service.services.kit.data_loader import MAX_KEYS, SIDE_BY_SIDE, SLICE, DataLoader

pytestmark = pytest.mark.anyio


class Store:
    """ValueRules by key. A reading lasts until `go_on` is set; `readings` are its keys."""

    def __init__(self, values: Mapping[int, str]) -> None:
        self.values = dict(values)
        self.readings: list[Sequence[int]] = []
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.error: Exception | None = None

    async def read(self, keys: Sequence[int]) -> Mapping[int, str]:
        self.readings.append(keys)
        found = {key: self.values[key] for key in keys if key in self.values}
        await self.go_on.wait()
        if self.error:
            raise self.error
        return found


async def ticks() -> None:
    """Let every task run until it waits for something."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_what_is_asked_for_at_once_takes_one_reading() -> None:
    store = Store({1: "a", 2: "b"})
    batcher = DataLoader(store.read)

    found = await asyncio.gather(*(batcher.get(key) for key in (1, 2, 3, 1)))

    assert found == ["a", "b", None, "a"]
    assert store.readings == [[1, 2, 3]]


async def test_many_are_answered_by_their_keys() -> None:
    batcher = DataLoader(Store({1: "a", 2: "b"}).read)

    assert await batcher.get_many([2, 3, 1]) == {2: "b", 1: "a"}


async def test_what_is_asked_for_meanwhile_gathers_for_the_next_reading() -> None:
    store = Store({})
    store.go_on.clear()
    batcher = DataLoader(store.read)

    tasks: list[asyncio.Task[str | None]] = []
    for key in range(SIDE_BY_SIDE + 3):
        tasks.append(asyncio.create_task(batcher.get(key)))
        await ticks()
    store.go_on.set()
    await asyncio.gather(*tasks)

    assert store.readings == [[0], [1], [2, 3, 4]]


async def test_a_reading_never_answers_who_asked_after_it_began() -> None:
    store = Store({1: "old"})
    store.go_on.clear()
    batcher = DataLoader(store.read)

    first = asyncio.create_task(batcher.get(1))
    await ticks()
    store.values[1] = "new"
    second = asyncio.create_task(batcher.get(1))
    await ticks()
    store.go_on.set()

    assert [await first, await second] == ["old", "new"]


async def test_a_reading_has_a_greatest_size() -> None:
    store = Store({})

    await DataLoader(store.read).get_many(range(MAX_KEYS + 1))

    assert [len(keys) for keys in store.readings] == [MAX_KEYS, 1]


async def test_a_failure_reaches_all_who_asked_and_none_later() -> None:
    store = Store({1: "a"})
    store.error = ValueError("gone")
    batcher = DataLoader(store.read)

    failed = await asyncio.gather(batcher.get(1), batcher.get(2), return_exceptions=True)
    store.error = None

    assert [type(error) for error in failed] == [ValueError, ValueError]
    assert await batcher.get(1) == "a"


async def test_one_who_gives_up_takes_nothing_from_the_others() -> None:
    store = Store({1: "a"})
    store.go_on.clear()
    batcher = DataLoader(store.read)

    impatient = asyncio.create_task(batcher.get(1))
    patient = asyncio.create_task(batcher.get(1))
    await ticks()
    impatient.cancel()
    await ticks()
    store.go_on.set()

    assert await patient == "a"


async def test_others_have_a_turn_while_many_are_answered() -> None:
    store = Store(dict.fromkeys(range(MAX_KEYS), "a"))
    batcher = DataLoader(store.read)
    most = answered = 0

    async def ask(key: int) -> None:
        nonlocal answered
        await batcher.get(key)
        answered += 1

    asking = [asyncio.create_task(ask(key)) for key in range(MAX_KEYS)]
    while answered < MAX_KEYS:
        before = answered
        await asyncio.sleep(0)
        most = max(most, answered - before)

    assert 0 < most <= 2 * SLICE
    await asyncio.gather(*asking)
