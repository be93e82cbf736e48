"""Those without a key take turns that together take a share of the time."""

from __future__ import annotations

import asyncio
from time import perf_counter

import pytest

from identity_service.api.graphql import share
from identity_service.api.graphql.share import Share
from identity_service.errors import Overloaded


async def test_turns_take_at_most_their_share() -> None:
    turns = Share(0.5)
    worked = 0.0
    began = perf_counter()

    async def take() -> None:
        nonlocal worked
        async with turns.turn():
            start = perf_counter()
            while perf_counter() - start < 0.01:
                pass
            worked += perf_counter() - start

    await asyncio.gather(*(take() for _ in range(5)))
    async with turns.turn():
        pass

    assert worked <= (perf_counter() - began) * 0.5


async def test_who_finds_too_many_waiting_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(share, "MAX_WAITING", 1)
    turns = Share(0.5)

    async def take() -> None:
        async with turns.turn():
            pass

    async with turns.turn():
        waiting = asyncio.create_task(take())
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await take()
    await waiting


async def test_a_turn_that_fails_or_is_given_up_frees_the_next() -> None:
    turns = Share(0.9)
    with pytest.raises(ValueError, match="broken"):
        async with turns.turn():
            raise ValueError("broken")
    async with turns.turn():
        waiting = asyncio.create_task(turns.turn().__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()

    async with asyncio.timeout(5), turns.turn():
        pass
