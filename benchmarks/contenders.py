"""Those that take the same calls in turns: servers over HTTP, the command, and the bare floors."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.floors import GroupCommit, WriteFloor
from benchmarks.http import request, send_all
from benchmarks.processors import Clock, clock_of, clock_of_commands
from benchmarks.running import SERVE, Running, environment_of
from benchmarks.turns import Call

Rows = dict[str, Any]


class OverHttp:
    """A server that takes Segment's calls: one by one, or as batches."""

    def __init__(self, port: int, write_key: str, clocks: Mapping[str, Clock]) -> None:
        self.clocks = clocks
        self._port = port
        self._write_key = write_key

    def prepare(self, requests: Sequence[list[Call]]) -> list[bytes]:
        """The bytes of the requests; one call alone is sent as such."""
        return [self._request(calls) for calls in requests]

    async def send(self, prepared: list[bytes], senders: int) -> list[float]:
        """Send them over so many connections."""
        return await send_all(self._port, prepared, senders)

    def _request(self, calls: list[Call]) -> bytes:
        path, body = f"/v1/{calls[0]['type']}", calls[0]
        if len(calls) > 1:
            path, body = "/v1/batch", {"batch": calls}
        return request("POST", path, json.dumps(body).encode(), write_key=self._write_key)


def service_of(running: Running, write_key: str) -> OverHttp:
    """The service over HTTP."""
    clocks = {"own": clock_of(running.service), "database": clock_of(running.neo4j)}
    return OverHttp(running.port, write_key, clocks)


class FromFiles:
    """`identity-service ingest` of a file for each sender, side by side; its start included."""

    def __init__(self, running: Running, space: str, directory: Path, processes: int) -> None:
        self.clocks = {"own": clock_of_commands, "database": clock_of(running.neo4j)}
        self._environment = {**os.environ, **environment_of(running.settings)}
        self._space = space
        self._directory = directory
        self._processes = processes
        self._numbers = count()

    def prepare(self, requests: Sequence[list[Call]]) -> list[Path]:
        """A file for each process, one call to a line."""
        return [self._file(requests[n :: self._processes]) for n in range(self._processes)]

    async def send(self, prepared: list[Path], senders: int) -> list[float]:
        """Load the files. No seconds of requests, since there are none."""
        del senders  # a process for each file
        await asyncio.gather(*(self._load(file) for file in prepared))
        return []

    def _file(self, requests: Sequence[list[Call]]) -> Path:
        file = self._directory / f"{next(self._numbers)}.jsonl"
        file.write_text("".join(json.dumps(call) + "\n" for calls in requests for call in calls))
        return file

    async def _load(self, file: Path) -> None:
        command = (sys.executable, "-c", SERVE, "ingest", str(file), "--space", self._space)
        process = await asyncio.create_subprocess_exec(
            *command, env=self._environment, stdout=asyncio.subprocess.DEVNULL
        )
        if await process.wait() != 0:
            raise RuntimeError(f"It ended with {process.returncode}: {' '.join(command)}")


class _Floor:
    """The same rows into Neo4j, past the service."""

    def __init__(self, running: Running, floor: WriteFloor) -> None:
        self.clocks = {"database": clock_of(running.neo4j)}
        self._floor = floor

    def prepare(self, requests: Sequence[list[Call]]) -> list[Rows]:
        """The rows of each request."""
        return [self._floor.rows(calls) for calls in requests]


class BareUnwind(_Floor):
    """Each request by one bare `UNWIND` statement, from so many writers."""

    def __init__(self, running: Running, floor: WriteFloor, writers: int) -> None:
        super().__init__(running, floor)
        self._writers = writers

    async def send(self, prepared: list[Rows], senders: int) -> list[float]:
        """Write them; a writer waits for each transaction."""
        del senders  # what the senders send at the same time, one writer writes
        return await _side_by_side(iter(prepared), self._floor.write, self._writers)


class BareGroupCommit(_Floor):
    """What waits while a transaction is in flight shares the next."""

    async def send(self, prepared: list[Rows], senders: int) -> list[float]:
        """Put them in from so many senders."""
        return await _side_by_side(iter(prepared), GroupCommit(self._floor).put, senders)


async def _side_by_side(
    waiting: Iterator[Rows], write: Callable[[Rows], Awaitable[None]], writers: int
) -> list[float]:
    """Write what waits from so many writers; the seconds that each write took."""

    async def work() -> list[float]:
        took: list[float] = []
        for rows in waiting:
            started = time.perf_counter()
            await write(rows)
            took.append(time.perf_counter() - started)
        return took

    return [
        seconds
        for each in await asyncio.gather(*(work() for _ in range(writers)))
        for seconds in each
    ]
