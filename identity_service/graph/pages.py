"""Reading long lists page by page, so that memory does not grow with them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any, Final, TypeAlias, TypeVar

from identity_service.graph.database import Database
from identity_service.graph.statements import Statement

PAGE: Final = 2_000
"""Most rows of a page."""

PAGE_BYTES: Final = 16 * 1024 * 1024
"""Most bytes of a page of events: an event may carry megabytes."""

Row: TypeAlias = list[Any]
"""The values of a row, in the order that the method which reads it names."""

Page = TypeVar("Page")


async def pages(
    database: Database,
    listing: Statement,
    first: Mapping[str, Any],
    place_of: Callable[[Any], Mapping[str, Any]],
    page: int = PAGE,
) -> AsyncGenerator[list[Any]]:
    """The pages of a statement that returns one list, none of them empty.

    It takes `w.most`, `w.bytes` if its rows may be large, and the entries of `first`; `place_of`
    tells, as some of these entries, where a row stands. Every page is a transaction of its own,
    and retried by itself.
    """
    place = first
    while True:
        bounds = {"most": page, "bytes": PAGE_BYTES}
        row = await database.read_one(listing, w={**first, **place, **bounds})
        rows: list[Any] = next(iter(row.values())) if row else []
        if not rows:
            return
        yield rows
        place = place_of(rows[-1])


async def ahead(source: AsyncGenerator[Page]) -> AsyncGenerator[Page]:
    """The same pages; the server makes the next one while the one before is used in a thread.

    Leave it early only inside `contextlib.aclosing`.
    """
    async with aclosing(source):
        reading = asyncio.create_task(_next(source))
        try:
            while (page := await reading) is not None:
                reading = asyncio.create_task(_next(source))
                yield page
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def _next(source: AsyncGenerator[Page]) -> Page | None:
    return await anext(source, None)
