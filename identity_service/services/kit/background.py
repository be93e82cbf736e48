"""Work in the background, which goes on whatever happens to it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import Context
from typing import Final

import structlog

from identity_service.errors import Unavailable
from identity_service.observability import BACKGROUND_FAILURES, places

FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 5.0
"""Seconds before work that failed is done again: at first, and after many failures in a row."""

_log = structlog.get_logger(__name__)


def supervised(
    name: str, work: Callable[[], Awaitable[None]], ending: asyncio.Event, **about: str
) -> asyncio.Task[None]:
    """A task that does `work` until it returns, and again from its beginning after an error.

    An error is logged as `NAME_interrupted` where the database does not answer, else as
    `NAME_failed`, together with `about`, and counted. No pause and no new attempt once `ending`
    is set. The task belongs to the service, not to the request that began it, and raises nothing.
    """
    return asyncio.create_task(_keep_on(name, work, ending, about), name=name, context=Context())


async def _keep_on(
    name: str, work: Callable[[], Awaitable[None]], ending: asyncio.Event, about: dict[str, str]
) -> None:
    pause = FIRST_PAUSE_S
    while True:
        begun = time.monotonic()
        try:
            await work()
        except Unavailable as error:
            _log.warning(f"{name}_interrupted", error=str(error), **about)
        except Exception as error:  # noqa: BLE001 - whatever it is, the work goes on
            _log.error(f"{name}_failed", error=type(error).__name__, at=places(error), **about)
        else:
            return
        BACKGROUND_FAILURES.labels(name).inc()
        if time.monotonic() - begun > LONGEST_PAUSE_S:
            pause = FIRST_PAUSE_S
        with suppress(TimeoutError):
            await asyncio.wait_for(ending.wait(), pause)
        if ending.is_set():
            return
        pause = min(2 * pause, LONGEST_PAUSE_S)
