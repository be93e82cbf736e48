"""Customers read over GraphQL, beside the same read as one bare query through the driver."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator

from benchmarks.figures import percentile, table
from benchmarks.floors import ReadFloor
from benchmarks.http import request, send_all
from benchmarks.running import Running, driver_of
from identity_service.domain.identifiers import Identifier
from identity_service.graph.keys import identifier_key

SIZES = (5, 20, 100)
CONNECTIONS = (1, 8, 32)
CUSTOMERS = 200
TURNS = 6
START = 1_780_000_000_000

QUERY = """query ($space: String!, $value: String!) { space(name: $space) {
  customer(identifier: {type: "user_id", value: $value}) { __typename ... on Customer {
    customerId kind receipt { revision } identifiers { type value firstSeen lastSeen } } } } }"""


def run(service: Running) -> None:
    """Print the table."""
    keys = service.create_space("read", "extends: merge_all")
    asyncio.run(_measure(service, keys))


async def _measure(service: Running, keys: dict[str, str]) -> None:
    for size in SIZES:
        calls = [call for n in range(CUSTOMERS) for call in _customer(size, n)]
        bodies = [json.dumps({"batch": calls[i : i + 500]}) for i in range(0, len(calls), 500)]
        raw = [request("POST", "/v1/batch", b.encode(), write_key=keys["writeKey"]) for b in bodies]
        await send_all(service.port, raw, 1)
    async with driver_of(service.settings) as driver:
        floor = ReadFloor(driver)
        rows = [
            await _read(service, keys["readerKey"], floor, size, connections)
            for size in SIZES
            for connections in CONNECTIONS
        ]
    table(
        "customer over GraphQL (floor: one bare Cypher query through the driver)",
        ("identifiers", "connections", "requests/s", "floor/s", "ratio", "p50 ms", "p99 ms"),
        rows,
    )


async def _read(
    service: Running, key: str, floor: ReadFloor, size: int, connections: int
) -> list[str]:
    took: list[float] = []
    spent = floor_spent = 0.0
    each = 60 * min(connections, 12)
    for turn in range(TURNS):
        wanted = [f"u{size}-{(turn * each + n) % CUSTOMERS}" for n in range(each)]
        raw = [_question(value, key) for value in wanted]
        started = time.perf_counter()
        took += await send_all(service.port, raw, connections)
        spent += time.perf_counter() - started
        node_keys = iter([identifier_key("read", Identifier("user_id", v)) for v in wanted])

        async def read(node_keys: Iterator[str]) -> None:
            for node_key in node_keys:
                assert await floor.read(node_key) == size  # noqa: S101

        started = time.perf_counter()
        await asyncio.gather(*(read(node_keys) for _ in range(connections)))
        floor_spent += time.perf_counter() - started
    events = TURNS * each
    return [
        str(size),
        str(connections),
        f"{events / spent:,.0f}",
        f"{events / floor_spent:,.0f}",
        f"{floor_spent / spent:.2f}",
        f"{percentile(took, 0.5):.1f}",
        f"{percentile(took, 0.99):.1f}",
    ]


def _customer(size: int, number: int) -> list[dict[str, object]]:
    """Calls that make one customer of that many identifiers."""
    return [
        {
            "type": "track",
            "event": "Seen",
            "messageId": f"m{size}-{number}-{n}",
            "userId": f"u{size}-{number}",
            "anonymousId": f"a{size}-{number}-{n}",
            "timestamp": "2026-06-01T00:00:00Z",
        }
        for n in range(size - 1)
    ]


def _question(value: str, key: str) -> bytes:
    body = {"query": QUERY, "variables": {"space": "read", "value": value}}
    return request("POST", "/graphql", json.dumps(body).encode(), bearer=key)
