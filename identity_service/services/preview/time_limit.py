"""The time that a preview may take."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from identity_service.errors import Unavailable


@asynccontextmanager
async def in_time(seconds: float | None) -> AsyncGenerator[None]:
    """End what takes longer than so many seconds (None: any time) with Unavailable."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise Unavailable(
            f"The preview took longer than {seconds:,g} s.",
            remedy="Raise IDENTITY_PREVIEW_TIMEOUT.",
        ) from None
