"""A TCP relay in front of a server: the wire that a test may cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit


class Relay:
    """Passes bytes both ways until it is told otherwise."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._answers_cut = self._answers_padded = False
        self.asked = bytearray()
        """What was passed to the server."""
        self._flowing = asyncio.Event()
        self._flowing.set()

    @classmethod
    @asynccontextmanager
    async def to(cls, uri: str) -> AsyncGenerator[Relay]:
        """A relay to the server at a `bolt://` address."""
        address = urlsplit(uri)
        relay = cls(address.hostname or "localhost", address.port or 7687)
        relay._server = await asyncio.start_server(relay._accept, "127.0.0.1", 0)
        try:
            yield relay
        finally:
            await relay.close()

    @property
    def uri(self) -> str:
        """Where to connect instead."""
        assert self._server is not None
        return f"bolt://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def cut(self) -> None:
        """Break every connection; new ones are taken."""
        for writer in self._writers:
            writer.close()
        self._writers.clear()

    def cut_answers(self) -> None:
        """Break a connection at its next answer, so that the question still arrives."""
        self._answers_cut = True

    def pad_answers(self) -> None:
        """Put a sign of life before each answer, and one behind it, whose other half comes late."""
        self._answers_padded = True

    def mend(self) -> None:
        """Let answers through again, as they are."""
        self._answers_cut = self._answers_padded = False

    def hold(self) -> None:
        """Pass nothing on, and break nothing: as if the server were stopped."""
        self._flowing.clear()

    def let_go(self) -> None:
        """Pass on what was held, and all that follows."""
        self._flowing.set()

    async def close(self) -> None:
        """Break every connection and take no more."""
        if self._server is not None:
            self._server.close()
        self.cut()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        self._writers |= {writer, far_writer}
        await asyncio.gather(
            self._pass(reader, far_writer, answers=False),
            self._pass(far_reader, writer, answers=True),
        )

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        owed = b""
        with suppress(OSError):
            while data := await reader.read(65536):
                if answers and self._answers_cut:
                    self.cut()
                if not answers:
                    self.asked += data
                await self._flowing.wait()
                if answers and self._answers_padded:
                    writer.write(owed + b"\0\0" + data + b"\0")
                    owed = b"\0"
                else:
                    writer.write(owed + data)
                    owed = b""
                await writer.drain()
        writer.close()
