from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from identity_service.graph.pages import ahead


async def test_the_next_page_is_read_while_one_is_used() -> None:
    asked = asyncio.Event()

    async def source() -> AsyncGenerator[int]:
        yield 1
        asked.set()
        yield 2

    used: list[int] = []
    async with aclosing(ahead(source())) as pages:
        async for page in pages:
            await asyncio.wait_for(asked.wait(), timeout=10)
            used.append(page)

    assert used == [1, 2]


async def test_what_fails_while_a_page_is_read_is_raised_after_those_before() -> None:
    async def source() -> AsyncGenerator[int]:
        yield 1
        raise OSError("the second page")

    async with aclosing(ahead(source())) as pages:
        first = await anext(pages)
        with pytest.raises(OSError, match="the second page"):
            await anext(pages)

    assert first == 1


async def test_who_leaves_early_ends_the_reading() -> None:
    ended = asyncio.Event()

    async def source() -> AsyncGenerator[int]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with aclosing(ahead(source())) as pages:
        async for _ in pages:
            break

    assert ended.is_set()
