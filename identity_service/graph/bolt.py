# pyright: reportPrivateUsage=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
"""Statements over Bolt, on the connections of the driver.

The driver opens connections, with TLS and login, keeps them in its pool, chooses among the members
of a cluster, and deals with failures. Its sessions and results would take most of the processor
time of a small statement, so requests are packed and answers read here. What this rests on is not
public: `docs/decisions/bolt-messages-of-our-own.md`.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Collection, Mapping
from types import TracebackType
from typing import Any, Final, NoReturn, Self

from neo4j import READ_ACCESS, WRITE_ACCESS, AsyncDriver
from neo4j._async.io import AcquisitionDatabase, AsyncBolt
from neo4j._async.io._bolt._common import Response
from neo4j._async.io._pool import AsyncBoltPool
from neo4j._codec.packstream import Structure
from neo4j._codec.packstream._common import PackableBuffer, UnpackableBuffer
from neo4j._codec.packstream.v1 import Packer, Unpacker
from neo4j.exceptions import Neo4jError, ServiceUnavailable

from identity_service.errors import StatementFailed

Row = Mapping[str, Any]
"""One record: its columns by name."""

BEGIN: Final = b"\x11"
RUN: Final = b"\x10"
PULL: Final = b"\x3f"
COMMIT: Final = b"\x12"
ROLLBACK: Final = b"\x13"
"""The signatures of requests."""

SUCCESS: Final = 0x70
RECORD: Final = 0x71
FAILURE: Final = 0x7F
"""The signatures of answers. One more, IGNORED, answers what follows a request that failed."""

MAX_CHUNK: Final = 65_535
"""Bytes of a message in one chunk."""

RECEIVE: Final = 65_536
"""Bytes that are taken from a socket at a time, at most."""

_notifications = logging.getLogger("neo4j.notifications")
"""Where the driver too logs what the server says of statements, if it was asked to say so."""


class Bolt:
    """Runs statements on one database of a driver.

    Parameters and records hold null, booleans, numbers, strings, bytes, lists and maps. Raises

    - Neo4jError: the server refuses the statement, or stops it;
    - DriverError, OSError: there is no connection, or it is lost;
    - StatementFailed: a record holds something else: a node, a date.

    A call that is cancelled closes its connection.
    """

    def __init__(self, driver: AsyncDriver, database: str, *, routed: bool) -> None:
        """`routed`: other members of a cluster may answer than the one that was written to."""
        self._pool: AsyncBoltPool = driver._pool
        self._database = AcquisitionDatabase(database)
        self._routed = routed
        self.bookmarks = frozenset[str]()
        """The commits that a statement waits for; none if there is one server."""

    async def run(
        self, query: str, parameters: Mapping[str, Any], *, name: str, seconds: float, mode: str
    ) -> list[Row]:
        """All records of a statement that is a transaction by itself.

        `name` is what the server shows. The server stops it after `seconds` (0: never). `mode` is
        READ_ACCESS or WRITE_ACCESS.
        """
        awaited = self.bookmarks
        request = message(RUN, query, parameters, self._terms(name, seconds, mode))
        async with await self._acquire(mode, awaited) as connection:
            records, summary = await connection.ask(request, PULL_ALL)
        self.committed(summary, awaited)
        return rows(records, summary)

    async def begin(self, *, name: str, seconds: float) -> Transaction:
        """A transaction that writes, to be left as a context manager; `run` has the arguments."""
        awaited = self.bookmarks
        request = message(BEGIN, self._terms(name, seconds, WRITE_ACCESS))
        return Transaction(self, await self._acquire(WRITE_ACCESS, awaited), request, awaited)

    def see(self, bookmarks: Collection[str]) -> None:
        """Have statements wait for commits of another process, instead of those known here."""
        if self._routed and bookmarks:
            self.bookmarks = frozenset(bookmarks)

    def committed(self, summary: Mapping[str, Any], awaited: frozenset[str]) -> None:
        """Whatever is asked next waits for this commit, instead of for what it itself waited for.

        So whoever reads sees what this process has written, from any member of a cluster.
        """
        if self._routed and "bookmark" in summary:
            self.bookmarks = self.bookmarks - awaited | {summary["bookmark"]}

    async def _acquire(self, mode: str, bookmarks: Collection[str]) -> Connection:
        wire = await self._pool.acquire(
            access_mode=mode,
            timeout=self._pool.workspace_config.connection_acquisition_timeout,
            database=self._database,
            bookmarks=bookmarks,
            auth=None,
            liveness_check_timeout=None,
        )
        # A member that refuses a write is left alone for the database that the driver finds here.
        wire.last_database = self._database.name
        return Connection(self._pool, wire)

    def _terms(self, name: str, seconds: float, mode: str) -> dict[str, Any]:
        terms: dict[str, Any] = {
            "db": self._database.name,
            "tx_metadata": {"name": name},
            "tx_timeout": math.ceil(1000 * seconds),
        }
        if mode == READ_ACCESS:
            terms["mode"] = "r"
        if self.bookmarks:
            terms["bookmarks"] = list(self.bookmarks)
        return terms


class Transaction:
    """Statements that run one after the other; all is undone when it is left uncommitted."""

    def __init__(
        self, bolt: Bolt, connection: Connection, begin: bytes, awaited: frozenset[str]
    ) -> None:
        self._bolt = bolt
        self._connection = connection
        self._awaited = awaited
        # Sent with the first statement, which saves a round trip.
        self._unsent = [begin]
        self._is_open = True
        self._has_ended = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # A closed connection undoes it too.
        await self._connection.leave(usable=self._has_ended or isinstance(error, Neo4jError))

    async def run(self, query: str, parameters: Mapping[str, Any]) -> list[Row]:
        """All records of a statement."""
        request = message(RUN, query, parameters, {})
        begin, self._unsent = self._unsent, []
        return rows(*await self._ask(*begin, request, PULL_ALL))

    async def commit(self) -> None:
        """Keep what the statements did."""
        summary = await self._end(COMMIT)
        self._bolt.committed(summary, self._awaited)

    async def roll_back(self) -> None:
        """Undo what the statements did, and keep the connection."""
        await self._end(ROLLBACK)

    async def _end(self, signature: bytes) -> Mapping[str, Any]:
        summary: Mapping[str, Any] = {}
        if not self._unsent:
            _, summary = await self._ask(message(signature))
        self._is_open, self._has_ended = False, True
        return summary

    async def _ask(self, *requests: bytes) -> tuple[list[list[Any]], dict[str, Any]]:
        if not self._is_open:
            # What is sent now would be a transaction by itself.
            raise ServiceUnavailable("The transaction is over.")
        self._is_open = False
        answer = await self._connection.ask(*requests)
        self._is_open = True
        return answer


class Connection:
    """A connection while somebody uses it, one request or several together at a time."""

    def __init__(self, pool: AsyncBoltPool, wire: AsyncBolt) -> None:
        self._pool = pool
        self._wire = wire
        self._received = bytearray()
        self._read = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # After a refusal the connection was reset. After anything else an answer may yet come.
        await self.leave(usable=error is None or isinstance(error, Neo4jError))

    async def leave(self, *, usable: bool) -> None:
        """Give it back to the pool, closed if it is not usable."""
        if usable:
            await self._pool.release(self._wire)
        else:
            self._pool.kill_and_release(self._wire)

    async def ask(self, *requests: bytes) -> tuple[list[list[Any]], dict[str, Any]]:
        """Send requests together; the records of all answers, and what else they say.

        When one of them is refused, the server ignores those after it.
        """
        wire = self._wire
        # What the driver has to say before us, a login that is renewed; raises if it is closed.
        await wire.send_all()
        await wire.fetch_all()
        records: list[list[Any]] = []
        summary: dict[str, Any] = {}
        failure: dict[str, Any] | None = None
        try:
            await wire.socket.sendall(b"".join(requests))
            for _ in requests:
                signature, content = await self._answer()
                while signature == RECORD:
                    records.append(content)
                    signature, content = await self._answer()
                if signature == SUCCESS:
                    summary.update(content)
                elif signature == FAILURE:
                    failure = content
        except (OSError, asyncio.CancelledError) as error:
            # Closes the connection, and those beside it if the server is gone; raises.
            await wire._set_defunct_read(error)
            raise
        if self._read < len(self._received):
            # A sign of life that came late. Its other half may yet come.
            wire.kill()
        if failure is not None:
            # Resets the connection, leaves members alone that are no use, and raises.
            wire.responses.append(Response(wire, "run", {}))
            await wire._process_message(bytes([FAILURE]), [failure])
        return records, summary

    async def _answer(self) -> tuple[int, Any]:
        """The next message: its signature, and what it holds, if anything."""
        answer, size = bytearray(), 0
        # Chunks, each behind its size, up to an empty one. Empty ones ahead are signs of life.
        while size or not answer:
            chunk = await self._take(size + 2)
            answer += chunk[:size]
            size = int.from_bytes(chunk[size:], "big")
        return answer[1], unpacked(answer) if answer[0] & 0x0F else None

    async def _take(self, size: int) -> bytearray:
        while len(self._received) - self._read < size:
            data: bytes = await self._wire.socket.recv(RECEIVE)
            if not data:
                raise OSError("The server closed the connection.")
            del self._received[: self._read]
            self._read = 0
            self._received += data
        start, self._read = self._read, self._read + size
        return self._received[start : self._read]


def message(signature: bytes, *fields: Any) -> bytes:
    """A message in chunks. Raises ValueError or TypeError for values that Bolt does not know."""
    buffer = PackableBuffer()
    Packer(buffer).pack_struct(signature, fields)
    chunks = bytearray()
    for start in range(0, len(buffer.data), MAX_CHUNK):
        chunk = buffer.data[start : start + MAX_CHUNK]
        chunks += len(chunk).to_bytes(2, "big") + chunk
    return bytes(chunks + b"\0\0")


PULL_ALL: Final = message(PULL, {"n": -1})


def unpacked(message: bytearray) -> Any:
    """What a message holds behind its signature."""
    buffer = UnpackableBuffer(message)
    buffer.p = 2
    return Unpacker(buffer).unpack({Structure: _refuse})


def _refuse(_: object) -> NoReturn:
    raise StatementFailed("A statement answered with a node, a relationship, a date or the like.")


def rows(records: list[list[Any]], summary: Mapping[str, Any]) -> list[Row]:
    """Records by the names of their columns."""
    for status in summary.get("statuses", ()):
        if "neo4j_code" in status:
            _notifications.warning("%s", status)
    columns = summary["fields"]
    return [dict(zip(columns, record, strict=True)) for record in records]
