"""The process that answers large queries; `large_queries.py` starts it and talks to it.

`python -m identity_service.api.graphql.large_query_process FD`: the descriptor of a socket, over
which queries come; the settings are in the environment. It ends when the other side is closed,
so also when that process was killed.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
from typing import Any, Final

import orjson
import uvloop
from structlog.contextvars import bind_contextvars

from identity_service.api.graphql.context import Context, known_as
from identity_service.api.graphql.execution import GraphQL, failed
from identity_service.api.graphql.frames import READY, Frame, read_frame, write_frame
from identity_service.api.graphql.requests import Request
from identity_service.api.graphql.schema import build_schema
from identity_service.api.graphql.time_limits import in_time
from identity_service.errors import TimeUp
from identity_service.graph.connections import ONE_READERS_LARGE
from identity_service.graph.database import Database
from identity_service.graph.statements import load_all
from identity_service.observability import configure_logging
from identity_service.services.spaces.access import Caller, Role
from identity_service.services.wiring import UseCases, assemble
from identity_service.settings import Settings

NICENESS: Final = 10
"""How much less of a busy processor it gets than those who take events: a tenth."""


class _Answering:
    """Queries that run, by number, and the connection on which they are answered."""

    def __init__(self, database: Database, cases: UseCases, writer: asyncio.StreamWriter) -> None:
        self._database = database
        self._cases = cases
        self._graphql = GraphQL(build_schema())
        self._writer = writer
        self._running: dict[int, asyncio.Task[None]] = {}

    def begin(self, number: int, query: bytes) -> None:
        """Answer a query beside the others."""
        task = self._running[number] = asyncio.create_task(self._answer(number, query))
        task.add_done_callback(lambda _: self._running.pop(number, None))

    def cancel(self, number: int) -> None:
        """Give a query up."""
        if number in self._running:
            self._running[number].cancel()

    async def end(self) -> None:
        """Give all queries up."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _answer(self, number: int, query: bytes) -> None:
        given: dict[str, Any] = orjson.loads(query)
        caller = _caller(given["caller"])
        known_as(caller)
        bind_contextvars(**given["logged"])
        self._database.see(given["bookmarks"])
        request = Request(given["query"], given["variables"], given["operation"])
        try:
            async with in_time(given["seconds"]):
                answer = await self._graphql.run(request, Context(self._cases, caller))
        except TimeUp as error:
            answer = failed(error)
        errors = orjson.dumps(answer["errors"]) if "errors" in answer else b""
        data = orjson.dumps(answer["data"]) if "data" in answer else b""
        write_frame(self._writer, Frame(number, errors, data))
        await self._writer.drain()


async def answer_queries(settings: Settings, connected: socket.socket) -> None:
    """Answer queries that come over a socket, until it is closed on the other side."""
    reader, writer = await asyncio.open_unix_connection(sock=connected)
    async with await Database.open(settings, one_reader=ONE_READERS_LARGE) as database:
        load_all()
        cases = assemble(database, settings.max_queue, preview_timeout=settings.preview_timeout)
        answering = _Answering(database, cases, writer)
        gc.collect()
        gc.freeze()
        write_frame(writer, Frame(READY))
        while frame := await read_frame(reader):
            if frame.text:
                answering.begin(frame.number, frame.text)
            else:
                answering.cancel(frame.number)
        await answering.end()
    writer.close()


def _caller(given: dict[str, Any] | None) -> Caller | None:
    return Caller(Role(given["role"]), given["name"], given["space"]) if given else None


def main() -> None:
    """Answer until the other side is closed, whatever signals a terminal or a supervisor sends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.nice(NICENESS)
    configure_logging()
    uvloop.run(answer_queries(Settings(), socket.socket(fileno=int(sys.argv[1]))))


if __name__ == "__main__":
    main()
