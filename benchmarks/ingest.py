"""Events per second that the service acknowledges over HTTP, beside the floor, in turns."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from benchmarks.figures import percentile, table
from benchmarks.floors import GroupCommit, WriteFloor
from benchmarks.http import request, send_all
from benchmarks.running import Running, driver_of
from benchmarks.stream import Stream

HISTORY = 20_000
"""Events that both spaces hold before anything is measured."""

TURNS = 12
"""Slices of each measurement; service and floor take turns."""


def run(service: Running) -> None:
    """Print the table."""
    keys = service.create_space("ingest")
    floor_keys = service.create_space("floor")
    del floor_keys  # its rows are written past the service
    asyncio.run(_measure(service, keys["writeKey"]))


async def _measure(service: Running, write_key: str) -> None:
    stream = Stream(seed=1)
    async with driver_of(service.settings) as driver:
        floor = WriteFloor(driver, "floor")
        for _ in range(HISTORY // 500):
            calls = stream.take(500)
            await send_all(service.port, [_batch(calls, write_key)], 1)
            await floor.write(floor.rows(calls))
        rows = [
            await _batches(service, write_key, stream, floor, size=100, senders=1),
            await _batches(service, write_key, stream, floor, size=100, senders=4),
            await _singles(service, write_key, stream, floor, senders=1),
            await _singles(service, write_key, stream, floor, senders=32),
        ]
    table(
        "Events acknowledged over HTTP (floor: the same rows by one bare UNWIND statement)",
        ("what", "events/s", "floor/s", "ratio", "p50 ms", "p99 ms", "longest"),
        rows,
    )


async def _batches(
    service: Running, key: str, stream: Stream, floor: WriteFloor, size: int, senders: int
) -> list[str]:
    took: list[float] = []
    spent = floor_spent = 0.0
    events = 0
    for _ in range(TURNS):
        batches = [stream.take(size) for _ in range(8)]
        started = time.perf_counter()
        took += await send_all(service.port, [_batch(calls, key) for calls in batches], senders)
        spent += time.perf_counter() - started
        prepared = [floor.rows(calls) for calls in batches]
        started = time.perf_counter()
        for rows in prepared:
            await floor.write(rows)
        floor_spent += time.perf_counter() - started
        events += size * len(batches)
    return _row(f"batches of {size}, {senders} senders", events, spent, floor_spent, took)


async def _singles(
    service: Running, key: str, stream: Stream, floor: WriteFloor, senders: int
) -> list[str]:
    took: list[float] = []
    spent = floor_spent = 0.0
    events = 0
    each = 40 * senders
    for _ in range(TURNS):
        calls = stream.take(each)
        raw = [_single(call, key) for call in calls]
        started = time.perf_counter()
        took += await send_all(service.port, raw, senders)
        spent += time.perf_counter() - started
        waiting = iter([floor.rows([call]) for call in calls])
        commit = GroupCommit(floor)

        async def send(waiting: Any, commit: GroupCommit) -> None:
            for rows in waiting:
                await commit.put(rows)

        started = time.perf_counter()
        await asyncio.gather(*(send(waiting, commit) for _ in range(senders)))
        floor_spent += time.perf_counter() - started
        events += each
    return _row(f"single events, {senders} senders", events, spent, floor_spent, took)


def _row(what: str, events: int, spent: float, floor_spent: float, took: list[float]) -> list[str]:
    return [
        what,
        f"{events / spent:,.0f}",
        f"{events / floor_spent:,.0f}",
        f"{floor_spent / spent:.2f}",
        f"{percentile(took, 0.5):.1f}",
        f"{percentile(took, 0.99):.1f}",
        f"{max(took) * 1_000:.0f}",
    ]


def _batch(calls: list[dict[str, Any]], key: str) -> bytes:
    return request("POST", "/v1/batch", json.dumps({"batch": calls}).encode(), write_key=key)


def _single(call: dict[str, Any], key: str) -> bytes:
    return request("POST", f"/v1/{call['type']}", json.dumps(call).encode(), write_key=key)
