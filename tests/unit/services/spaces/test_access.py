"""Look-ups of keys: one at a time for each, and the old answer is good meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import cast

import pytest

from identity_service.errors import Unavailable
from identity_service.graph.access import AccessStore, StoredKey
from identity_service.graph.database import Database
from identity_service.services.spaces.access import (
    KEY_CACHE_S,
    KEY_REFRESH_S,
    Access,
    Caller,
    hash_key,
)
from tests.support.elapsed import Elapsed

READER = StoredKey("READER", "reader", "shop", None)
KEY = "ids_reader_key"


class Slow(AccessStore):
    """Keys that are found when the test lets them be."""

    def __init__(self) -> None:
        super().__init__(cast("Database", None))
        self.found: StoredKey | None = READER
        self.look_ups = 0
        self.begun = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.fails = False

    async def find_key(self, key_hash: str) -> StoredKey | None:
        assert key_hash == hash_key(KEY)
        self.look_ups += 1
        found, fails = self.found, self.fails
        self.begun.set()
        await self.may_answer.wait()
        if fails:
            raise Unavailable("The database does not answer.")
        return found


@pytest.fixture
def store() -> Slow:
    return Slow()


@pytest.fixture
def timer() -> Elapsed:
    return Elapsed()


@pytest.fixture
def access(store: Slow, timer: Elapsed) -> Access:
    return Access(store, timer)


def is_reader(caller: Caller | None) -> bool:
    return caller is not None and caller.name == "reader"


async def test_all_who_send_a_key_at_the_same_time_share_one_look_up(
    access: Access, store: Slow
) -> None:
    callers = await asyncio.gather(*(access.authenticate(KEY) for _ in range(32)))

    assert all(map(is_reader, callers))
    assert store.look_ups == 1


async def test_an_error_is_for_all_who_wait_and_is_not_kept(access: Access, store: Slow) -> None:
    store.fails = True

    outcomes = await asyncio.gather(
        *(access.authenticate(KEY) for _ in range(3)), return_exceptions=True
    )
    store.fails = False

    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 3
    assert is_reader(await access.authenticate(KEY))
    assert store.look_ups == 2


async def test_a_source_whose_rules_cannot_be_read_here_is_asked_to_come_back(
    access: Access, store: Slow
) -> None:
    sending = StoredKey("WRITE", "shop", None, "shop", ("space",))
    store.found = replace(sending, rules="time_zone: Of/Another_Machine")
    with pytest.raises(Unavailable, match="rules of the source “shop” cannot be read"):
        await access.authenticate(KEY)

    store.found = replace(sending, rules="drop: [Heartbeat]")

    sender = access.sender(await access.authenticate(KEY))
    assert sender is not None
    assert sender.rules is not None


async def test_one_who_gives_up_does_not_take_the_answer_from_the_others(
    access: Access, store: Slow
) -> None:
    store.may_answer.clear()
    first, second = (asyncio.create_task(access.authenticate(KEY)) for _ in range(2))
    await store.begun.wait()

    first.cancel()
    await asyncio.wait([first])
    store.may_answer.set()

    assert is_reader(await second)


async def test_a_key_in_use_is_looked_up_beside_and_nobody_waits(
    access: Access, store: Slow, timer: Elapsed
) -> None:
    await access.authenticate(KEY)
    timer.now += KEY_REFRESH_S
    store.may_answer.clear()
    store.begun.clear()

    meanwhile = [await access.authenticate(KEY) for _ in range(5)]
    await store.begun.wait()
    store.may_answer.set()
    await settled()
    timer.now += KEY_CACHE_S - KEY_REFRESH_S
    later = await access.authenticate(KEY)

    assert all(map(is_reader, [*meanwhile, later]))
    assert store.look_ups == 2


async def test_the_old_answer_is_good_while_the_database_is_away_but_not_for_long(
    access: Access, store: Slow, timer: Elapsed
) -> None:
    await access.authenticate(KEY)
    store.fails = True

    timer.now += KEY_REFRESH_S
    meanwhile = await access.authenticate(KEY)
    await settled()
    timer.now += KEY_CACHE_S - KEY_REFRESH_S

    assert is_reader(meanwhile)
    with pytest.raises(Unavailable):
        await access.authenticate(KEY)


async def test_a_key_that_was_revoked_elsewhere_ends_when_it_is_looked_up_beside(
    access: Access, store: Slow, timer: Elapsed
) -> None:
    await access.authenticate(KEY)
    store.found = None

    timer.now += KEY_REFRESH_S
    await access.authenticate(KEY)
    await settled()

    assert await access.authenticate(KEY) is None


async def test_a_key_that_is_revoked_here_is_not_believed_to_a_look_up_on_its_way(
    access: Access, store: Slow
) -> None:
    store.may_answer.clear()
    before = asyncio.create_task(access.authenticate(KEY))
    await store.begun.wait()
    store.found = None
    access.forget(hash_key(KEY))

    after = asyncio.create_task(access.authenticate(KEY))
    store.may_answer.set()

    assert is_reader(await before)
    assert await after is None
    assert await access.authenticate(KEY) is None


async def test_a_look_up_that_takes_too_long_answers_nobody_who_comes_later(
    access: Access, store: Slow, timer: Elapsed
) -> None:
    store.may_answer.clear()
    early = asyncio.create_task(access.authenticate(KEY))
    await store.begun.wait()
    store.found = None
    timer.now += KEY_CACHE_S

    late = asyncio.create_task(access.authenticate(KEY))
    await settled()
    store.may_answer.set()

    assert is_reader(await early)
    assert await late is None


async def settled() -> None:
    """Let everything go on that can."""
    for _ in range(10):
        await asyncio.sleep(0)
