"""What several ask for is made once, and never given to who asked after it was begun."""

from __future__ import annotations

import asyncio

import pytest

from identity_service.services.kit.shared_work import SharedWork


class Making:
    """Makes values that answer all keys with the same first letter, one when it is let go."""

    def __init__(self, side_by_side: int = 1) -> None:
        self.begun: list[str] = []
        self.may_end = asyncio.Semaphore(0)
        self.work: SharedWork[str, str, str] = SharedWork(
            lambda made, key: made[0] == key[0], side_by_side
        )

    def ask(self, key: str, group: str = "group") -> asyncio.Task[str]:
        async def make() -> str:
            number = len(self.begun)
            self.begun.append(key)
            await self.may_end.acquire()
            return f"{key} {number}"

        return asyncio.create_task(self.work.get(group, key, make))


async def settle() -> None:
    """Have everything happen that can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_who_asks_while_it_is_made_gets_one_that_was_begun_later() -> None:
    making = Making()
    first = making.ask("a1")
    await settle()
    later = [making.ask("a1") for _ in range(9)]
    await settle()
    making.may_end.release()
    making.may_end.release()

    assert await first == "a1 0"
    assert await asyncio.gather(*later) == ["a1 1"] * 9
    assert making.begun == ["a1", "a1"]


async def test_a_value_answers_other_keys_that_were_asked_for_before_it_was_begun() -> None:
    making = Making()
    making.ask("b1")
    await settle()
    waiting = [making.ask(key) for key in ("a1", "a2", "b2", "a3")]
    await settle()
    making.may_end.release()
    await settle()
    after = making.ask("a4")
    await settle()
    for _ in range(4):
        making.may_end.release()

    assert await asyncio.gather(*waiting) == ["a1 1", "a1 1", "b2 2", "a1 1"]
    assert await after == "a4 3"


async def test_some_are_made_side_by_side_and_groups_do_not_wait_for_each_other() -> None:
    making = Making(side_by_side=2)

    for key in ("a", "b", "c"):
        making.ask(key)
    making.ask("d", group="another")
    await settle()

    assert making.begun == ["a", "b", "d"]
    for _ in range(4):
        making.may_end.release()
    await settle()
    assert making.begun == ["a", "b", "d", "c"]


async def test_an_error_is_of_those_who_asked_and_others_go_on() -> None:
    work: SharedWork[str, str, str] = SharedWork(lambda _made, _key: True, 1)

    async def fails() -> str:
        raise ValueError("broken")

    async def made() -> str:
        return "made"

    first, second = (
        asyncio.create_task(work.get("group", "a", fails)),
        asyncio.create_task(work.get("group", "b", made)),
    )

    with pytest.raises(ValueError, match="broken"):
        await first
    assert await second == "made"


async def test_one_who_gives_up_takes_the_answer_from_nobody() -> None:
    making = Making()
    making.ask("b")
    await settle()
    leaving, staying = making.ask("a"), making.ask("a")
    await settle()
    leaving.cancel()
    making.may_end.release()
    making.may_end.release()

    assert await staying == "a 1"
