"""Connections that stay open: how many there may be, for whom, and until when."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import structlog

from identity_service.errors import Forbidden, Overloaded
from identity_service.observability import places
from identity_service.services.spaces.access import Access, Caller

KEY_CHECK_INTERVAL_S: Final = 2.0
"""Seconds after which the key of an open connection is looked at again."""

NO_LONGER_VALID: Final = Forbidden(
    "The key opens nothing.", remedy="Connect again with one that was not revoked."
)
"""The error for a client whose key was revoked while its connection was open."""

MAX_STRANGERS: Final = 1_000
"""Connections over WebSocket that have not shown a valid key yet."""

_RETRY_AFTER_S: Final = 5

_log = structlog.get_logger(__name__)


class Streams:
    """The open connections of one process, over WebSocket and server-sent events alike."""

    def __init__(self, access: Access, most: int) -> None:
        self._access = access
        self._most = most
        self._open = 0
        self._strangers: OrderedDict[object, asyncio.Event] = OrderedDict()
        self._ended = asyncio.Event()

    @contextmanager
    def place(self) -> Generator[None]:
        """Room for one more connection with a valid key; raises Overloaded when there is none."""
        if self._open >= self._most:
            raise Overloaded(
                f"{self._open:,} connections are open, as many as may be.",
                retry_after=_RETRY_AFTER_S,
            )
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1

    @contextmanager
    def without_key(self) -> Generator[asyncio.Event]:
        """Room for a connection until it shows a valid key.

        Of too many the one that has waited longest must go: its event is set. So silent
        connections keep nobody out who comes with a key.
        """
        stranger, must_go = object(), asyncio.Event()
        self._strangers[stranger] = must_go
        if len(self._strangers) > MAX_STRANGERS:
            _, oldest = self._strangers.popitem(last=False)
            oldest.set()
        try:
            yield must_go
        finally:
            self._strangers.pop(stranger, None)

    def end(self) -> None:
        """Have every stream end, since the service does."""
        self._ended.set()

    async def wait_for_end(self) -> None:
        """Return when `end` was called."""
        await self._ended.wait()

    async def wait_while_valid(self, key: str | None) -> None:
        """Return when the key opens nothing, be it revoked or never valid."""
        while True:
            await asyncio.sleep(KEY_CHECK_INTERVAL_S)
            try:
                caller: Caller | None = await self._access.authenticate(key)
            except Exception as error:  # noqa: BLE001 - looked at again; the connection stays
                _log.warning("key_not_checked", error=type(error).__name__, at=places(error))
            else:
                if caller is None:
                    return
