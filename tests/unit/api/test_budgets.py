"""The queries of one key share a budget; those of another do not wait for it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from identity_service.api.graphql import budgets
from identity_service.api.graphql.budgets import CHEAP, Budgets
from identity_service.errors import Overloaded

ALL = 10 * CHEAP


class Queries:
    """Queries that run until they are ended; `running` has the names of those that do."""

    def __init__(self) -> None:
        self.budgets = Budgets(ALL)
        self.running: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}

    def ask(self, name: str, cost: int, key: str = "key") -> asyncio.Task[None]:
        end = self._ends[name] = asyncio.Event()

        async def run() -> None:
            async with self.budgets.spend(key, cost):
                self.running.append(name)
                try:
                    await end.wait()
                finally:
                    self.running.remove(name)

        return asyncio.create_task(run())

    async def end(self, *names: str) -> None:
        for name in names:
            self._ends[name].set()
        await settle()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
def queries() -> Queries:
    return Queries()


async def test_who_finds_the_budget_spent_waits_in_turn(queries: Queries) -> None:
    queries.ask("first", 6 * CHEAP)
    queries.ask("second", 6 * CHEAP)
    queries.ask("third", 4 * CHEAP)
    await settle()
    assert queries.running == ["first"]

    await queries.end("first")

    assert queries.running == ["second", "third"]
    await queries.end("second", "third")
    assert queries.running == []


async def test_other_keys_and_cheap_queries_do_not_wait(queries: Queries) -> None:
    queries.ask("all", ALL)
    queries.ask("more", ALL)

    queries.ask("another", ALL, key="another key")
    queries.ask("cheap", CHEAP - 1)
    await settle()

    assert queries.running == ["all", "another", "cheap"]
    await queries.end("all", "another", "cheap", "more")


@pytest.mark.parametrize("had_its_turn", [False, True])
async def test_one_that_is_given_up_leaves_its_turn_to_the_next(
    queries: Queries, *, had_its_turn: bool
) -> None:
    queries.ask("first", ALL)
    given_up = queries.ask("given up", ALL)
    queries.ask("last", ALL)
    await settle()

    if had_its_turn:
        # Its turn comes while it is being cancelled.
        queries._ends["first"].set()  # pyright: ignore[reportPrivateUsage]
        await asyncio.sleep(0)
    given_up.cancel()
    await queries.end("first")

    assert queries.running == ["last"]
    await queries.end("last")


async def test_too_many_that_wait_are_sent_away(
    queries: Queries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budgets, "MAX_WAITING", 1)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(queries.budgets.spend("key", ALL))
        waiting = queries.ask("waiting", ALL)
        await settle()

        with pytest.raises(Overloaded):
            await queries.ask("too many", ALL)

    await settle()
    assert queries.running == ["waiting"]
    await queries.end("waiting")
    await waiting
