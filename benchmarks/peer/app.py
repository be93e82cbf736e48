"""Segment's calls into PostgreSQL, one transaction a request.

Events as JSONB with a unique message id, identifiers, links, and a person id by union. No keys,
no policy, no history and no explanation. `PEER_SOCKETS` is the directory of PostgreSQL's socket.
"""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any, Final

asyncpg: Any = import_module("asyncpg")  # only in the peer's own packages

CONNECTIONS: Final = 8

ONE: Final = "SELECT ingest(jsonb_build_array($1::jsonb))"
BATCH: Final = "SELECT ingest($1::jsonb -> 'batch')"

ANSWER: Final = b'{"success":true}'


class App:
    """The ASGI application."""

    _pool: Any

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request, or start and end with the server."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if scope["method"] == "POST":
            await self._ingest(scope["path"], await _body(receive))
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(ANSWER)).encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": ANSWER})

    async def _ingest(self, path: str, body: bytes) -> None:
        while True:
            try:
                await self._pool.execute(BATCH if path == "/v1/batch" else ONE, body.decode())
            except asyncpg.DeadlockDetectedError:
                continue
            return

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        self._pool = await asyncpg.create_pool(
            host=os.environ["PEER_SOCKETS"],
            user="postgres",
            database="postgres",
            min_size=CONNECTIONS,
            max_size=CONNECTIONS,
            reset=_leave_as_it_is,
        )
        await self._pool.execute(Path(__file__).with_name("ingest.sql").read_text())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._pool.close()
        await send({"type": "lifespan.shutdown.complete"})


async def _body(receive: Any) -> bytes:
    parts: list[bytes] = []
    more = True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


async def _leave_as_it_is(connection: Any) -> None:
    """A connection whose statements leave nothing behind needs no statement that resets it."""


app = App()
