"""The body of a request while it arrives: no more of it is taken than its reader asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Final
from uuid import uuid4

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from identity_service.errors import TooLarge

LINGER_BYTES: Final = 64 * 1024 * 1024
LINGER_S: Final = 10
"""How much of a body that is too large is still read, and dropped.

Most senders look for an answer only when they have sent everything; cut off before, they see a
broken connection and send it all again.
"""


class IncomingBody:
    """A body that is read in steps. Its methods raise ClientDisconnect when the sender leaves."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._chunks: list[bytes] = []
        self._size = 0
        self._more = True

    async def read(self, most: int) -> bytes:
        """All of it; where it is longer than `most` bytes, its beginning, which then is longer."""
        while self._more and self._size <= most:
            chunk = await self._next()
            self._chunks.append(chunk)
            self._size += len(chunk)
        if len(self._chunks) != 1:
            self._chunks = [b"".join(self._chunks)]
        return self._chunks[0]

    async def whole(self, most: int) -> bytes:
        """All of it. Raises TooLarge where that is more than `most` bytes."""
        raw = await self.read(most)
        if len(raw) > most:
            await self.drop()
            raise _too_large(most)
        return raw

    async def drop(self) -> None:
        """Have the sender send the rest, as far as that is reasonable, and forget all of it."""
        self._chunks.clear()
        dropped = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_S):
                while self._more and dropped < LINGER_BYTES:
                    dropped += len(await self._next())

    async def _next(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        self._more = message.get("more_body", False)
        return message.get("body", b"")


class BodyLimit:
    """ASGI middleware: whoever reads more than `most` bytes of a body gets TooLarge."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with a body that ends in TooLarge where it is too long."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self._most:
                raise TooLarge(f"The request is larger than {self._most:,} bytes.")
            return message

        await self._app(scope, counted, send)


def check_declared(headers: Mapping[bytes, bytes], most: int) -> None:
    """Raise TooLarge where a sender declares more than `most` bytes and waits for leave to send.

    Before anything is read of the body, so that leave is not given.
    """
    declared = headers.get(b"content-length", b"") if b"expect" in headers else b""
    if declared.isdigit() and int(declared) > most:
        raise _too_large(most)


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"The body has more than {most:,} bytes.", remedy="Send smaller batches.")


def new_message_id() -> str:
    """An id for an event that came without one."""
    return f"msg_{uuid4().hex}"
