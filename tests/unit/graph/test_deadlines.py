"""Statements have no more time than who waits for them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence

import pytest

from identity_service.graph.deadlines import deadline, seconds_left, waiting_until
from identity_service.services.kit.data_loader import DataLoader
from identity_service.services.kit.shared_work import SharedWork


def test_a_statement_has_what_is_left_of_the_time_or_its_own_limit() -> None:
    alone = seconds_left(10)
    with waiting_until(time.monotonic() + 3):
        shorter, unlimited, longer = seconds_left(10), seconds_left(0), seconds_left(2)
    with waiting_until(time.monotonic() - 3):
        over = seconds_left(10)

    assert (alone, longer, deadline()) == (10, 2, None)
    assert shorter == pytest.approx(3, abs=0.5)  # pyright: ignore[reportUnknownMemberType]
    assert unlimited == pytest.approx(3, abs=0.5)  # pyright: ignore[reportUnknownMemberType]
    assert 0 < over < 0.01


async def test_what_several_wait_for_has_the_time_of_who_waits_longest() -> None:
    seen: list[float | None] = []

    async def read(keys: Sequence[str]) -> Mapping[str, str]:
        seen.append(deadline())
        return dict.fromkeys(keys, "value")

    async def make() -> str:
        seen.append(deadline())
        return "value"

    loader = DataLoader(read)
    shared: SharedWork[str, str, str] = SharedWork(lambda _, __: False, 1)

    async def ask(moment: float | None) -> None:
        with waiting_until(moment):
            await loader.get("key")

    async def share(key: str, moment: float | None) -> None:
        with waiting_until(moment):
            await shared.get("group", key, make)

    await asyncio.gather(ask(5.0), ask(9.0), ask(7.0))
    await asyncio.gather(ask(5.0), ask(None))
    await asyncio.gather(share("first", 1.0), share("next", 5.0), share("next", 9.0))

    assert seen == [9.0, None, 1.0, 9.0]
