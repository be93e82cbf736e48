"""A load generator that costs as little as it can: prepared bytes over kept connections."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Iterable, Iterator


def request(
    method: str,
    path: str,
    body: bytes = b"",
    *,
    bearer: str | None = None,
    write_key: str | None = None,
) -> bytes:
    """The bytes of an HTTP/1.1 request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    if bearer:
        lines.append(f"Authorization: Bearer {bearer}")
    if write_key:
        user = base64.b64encode(f"{write_key}:".encode()).decode()
        lines.append(f"Authorization: Basic {user}")
    if body:
        lines.append("Content-Type: application/json")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


class Connection:
    """One kept connection, one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> Connection:
        """Connect to a port of this machine."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def send(self, raw: bytes) -> tuple[int, bytes]:
        """Send a request; returns status and body of the answer."""
        self._writer.write(raw)
        head = await self._reader.readuntil(b"\r\n\r\n")
        lower = head.lower()
        start = lower.index(b"content-length:") + 15
        length = int(lower[start : lower.index(b"\r\n", start)])
        return int(head[9:12]), await self._reader.readexactly(length)

    def close(self) -> None:
        """Leave."""
        self._writer.close()


async def send_all(port: int, requests: Iterable[bytes], connections: int) -> list[float]:
    """Send requests over so many connections side by side; seconds that each took.

    Raises RuntimeError when an answer is not 200.
    """
    waiting = iter(requests)
    opened = [await Connection.open(port) for _ in range(connections)]
    try:
        took = await asyncio.gather(*(_send_from(waiting, c) for c in opened))
    finally:
        for connection in opened:
            connection.close()
    return [seconds for each in took for seconds in each]


async def _send_from(waiting: Iterator[bytes], connection: Connection) -> list[float]:
    took: list[float] = []
    for raw in waiting:
        started = time.perf_counter()
        status, body = await connection.send(raw)
        took.append(time.perf_counter() - started)
        if status != 200 or b'"errors"' in body:
            raise RuntimeError(f"{status} {body[:300]!r}")
    return took
