"""Large queries, answered in a process of their own.

Python works on one thing at a time: a query over a thousand customers takes seconds of it, for
which senders and those who look up one customer would wait. The other process has a database
connection and a low priority of its own, and takes queries that the service has authenticated,
read and found affordable.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass, field
from itertools import count
from typing import Final

import orjson
import structlog
from structlog.contextvars import get_contextvars

from identity_service.api.graphql.frames import READY, Frame, read_frame, write_frame
from identity_service.api.graphql.requests import Answer, Request
from identity_service.errors import Unavailable
from identity_service.graph.database import Database
from identity_service.services.spaces.access import Caller
from identity_service.settings import PREFIX, Settings

PROCESS: Final = "identity_service.api.graphql.large_query_process"

START_TIMEOUT_S: Final = 60.0
"""Seconds in which the process must have connected to the database."""

RETRY_S: Final = 5.0
"""Seconds after a start that failed, before another is tried."""

GRACE_S: Final = 60.0
"""Seconds that a query may take beyond the longest time limit of what it asks of the database."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Link:
    """A process that runs, the connection to it, and who waits for which answer."""

    process: asyncio.subprocess.Process
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    waiting: dict[int, asyncio.Future[Frame]] = field(
        default_factory=dict[int, asyncio.Future[Frame]]
    )


class LargeQueries:
    """Has queries answered in a process, which is started again when it ends. To be closed."""

    def __init__(self, settings: Settings, database: Database) -> None:
        """`database` is where the caller writes: a query sees what was written before it."""
        self._settings = settings
        self._database = database
        limits = settings.operation_timeout, settings.preview_timeout, settings.journey_timeout
        self._timeout = max(limits) + GRACE_S
        self._link: _Link | None = None
        self._receiving: set[asyncio.Task[None]] = set()
        self._ahead: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._retry_at = 0.0
        self._numbers = count(READY + 1)

    def start(self) -> None:
        """Have the process started, so that the first query need not wait for that."""
        self._ahead = asyncio.create_task(self._start_ahead())

    async def answer(
        self, request: Request, caller: Caller | None, seconds: float | None = None
    ) -> Answer:
        """The answer to a query, its data as JSON that is not read again.

        It may take so many `seconds`; without them, any time. Cancelled, it ends the query. Raises
        Unavailable when the process ends meanwhile, cannot be started, or does not answer within a
        limit beyond those of all that a query does.
        """
        query = {
            "query": request.query,
            "variables": request.variables,
            "operation": request.operation,
            "caller": caller and {"role": caller.role, "name": caller.name, "space": caller.space},
            "bookmarks": self._database.bookmarks(),
            "logged": get_contextvars(),
            "seconds": seconds,
        }
        link = await self._running()
        try:
            async with asyncio.timeout(self._timeout):
                answered = await self._asked(link, json.dumps(query).encode())
        except TimeoutError:
            self._give_up(link)  # all that it does has shorter limits: it hangs
            raise Unavailable("The query was not answered in time.") from None
        answer: Answer = {}
        if answered.data:
            answer["data"] = orjson.Fragment(answered.data)
        if answered.text:
            answer["errors"] = orjson.loads(answered.text)
        return answer

    async def close(self) -> None:
        """End the process; queries that it has are answered with Unavailable."""
        if self._ahead is not None:
            self._ahead.cancel()
        async with self._starting:
            self._retry_at = float("inf")
            if self._link is not None:
                self._link.writer.close()
            if self._receiving:
                _, hanging = await asyncio.wait(self._receiving, timeout=GRACE_S)
                if hanging and self._link is not None:
                    self._give_up(self._link)
                    await asyncio.wait(hanging)

    def _give_up(self, link: _Link) -> None:
        if self._link is link:
            self._link = None
        with suppress(ProcessLookupError):
            link.process.kill()

    async def _asked(self, link: _Link, query: bytes) -> Frame:
        if link is not self._link:
            raise _ended()
        number = next(self._numbers)
        answer = link.waiting[number] = asyncio.get_running_loop().create_future()
        try:
            write_frame(link.writer, Frame(number, query))
            return await answer
        except asyncio.CancelledError:
            write_frame(link.writer, Frame(number))
            raise
        finally:
            del link.waiting[number]

    async def _start_ahead(self) -> None:
        with suppress(Unavailable):  # logged; the first query tries again
            await self._running()

    async def _running(self) -> _Link:
        async with self._starting:
            return self._link or await self._started()

    async def _started(self) -> _Link:
        if time.monotonic() < self._retry_at:
            raise Unavailable("Large queries are not answered now.", remedy="Try again later.")
        self._retry_at = time.monotonic() + RETRY_S
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                link = await _start(self._settings.as_environment())
        except (TimeoutError, OSError, _EndedEarly) as error:
            _log.error("large_queries_not_started", error=type(error).__name__)
            raise Unavailable(
                "The process that answers large queries could not be started.",
                remedy="The log of the service says why.",
            ) from None
        self._retry_at = 0.0
        self._link = link
        receiving = asyncio.create_task(self._receive(link), context=Context())
        self._receiving.add(receiving)
        receiving.add_done_callback(self._receiving.discard)
        return link

    async def _receive(self, link: _Link) -> None:
        """Hand out answers, until the process ends."""
        while frame := await read_frame(link.reader):
            answer = link.waiting.get(frame.number)
            if answer is not None and not answer.done():
                answer.set_result(frame)
        if self._link is link:
            self._link = None
        link.writer.close()
        status = await link.process.wait()
        if status:
            _log.error("large_queries_ended", status=status, unanswered=len(link.waiting))
        for answer in link.waiting.values():
            if not answer.done():
                answer.set_exception(_ended())


def _ended() -> Unavailable:
    return Unavailable(
        "The process that was answering the query has ended.",
        remedy="Ask again, and for less at a time if it happens again.",
    )


class _EndedEarly(Exception):
    """The process ended before it took queries."""


async def _start(environment: Mapping[str, str]) -> _Link:
    others = {name: text for name, text in os.environ.items() if not name.startswith(PREFIX)}
    ours, its = socket.socketpair()
    with its:
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", PROCESS, str(its.fileno())),
                pass_fds=[its.fileno()],
                stdin=asyncio.subprocess.DEVNULL,
                env={**others, **environment},
            )
        except BaseException:
            ours.close()
            raise
    reader, writer = await asyncio.open_unix_connection(sock=ours)
    try:
        ready = await read_frame(reader)
        if ready is None:
            raise _EndedEarly
    except BaseException:
        writer.close()
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise
    return _Link(process, reader, writer)
