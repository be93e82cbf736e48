"""Customers as of a moment, by the size of its component, beside the same settled read."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime

from benchmarks.figures import percentile, table
from benchmarks.http import request, send_all
from benchmarks.running import Running

SIZES = (10, 100, 1_000, 10_000)
EVENTS_EACH = 3
TURNS = {10: 60, 100: 40, 1_000: 10, 10_000: 3}

QUERY = """query ($value: String!, $asOf: DateTime) { space(name: "as-of") {
  customer(identifier: {type: "user_id", value: $value}, asOf: $asOf) { __typename ... on Customer {
    customerId kind identifierCount identifiers(first: 20) { type value } } } } }"""


def run(service: Running) -> None:
    """Print the table."""
    keys = service.create_space("as-of", "extends: merge_all\nmax_component: 20000\n")
    asyncio.run(_measure(service, keys))


async def _measure(service: Running, keys: dict[str, str]) -> None:
    for size in SIZES:
        calls = [_call(size, n, turn) for turn in range(EVENTS_EACH) for n in range(size - 1)]
        for i in range(0, len(calls), 500):
            body = json.dumps({"batch": calls[i : i + 500]}).encode()
            raw = request("POST", "/v1/batch", body, write_key=keys["writeKey"])
            await send_all(service.port, [raw], 1)
    moment = datetime.now(UTC).isoformat()
    rows = [await _read(service, keys["readerKey"], size, moment) for size in SIZES]
    table(
        f"customer as of a moment, {EVENTS_EACH} events an identifier",
        ("identifiers", "p50 ms", "p95 ms", "settled, p50 ms", "times the settled"),
        rows,
    )


async def _read(service: Running, key: str, size: int, moment: str) -> list[str]:
    took: list[float] = []
    settled: list[float] = []
    for _ in range(TURNS[size]):
        for as_of, spent in ((moment, took), (None, settled)):
            question = {"query": QUERY, "variables": {"value": f"u{size}", "asOf": as_of}}
            raw = request("POST", "/graphql", json.dumps(question).encode(), bearer=key)
            started = time.perf_counter()
            await send_all(service.port, [raw], 1)
            spent.append(time.perf_counter() - started)
    return [
        f"{size:,}",
        f"{percentile(took, 0.5):.1f}",
        f"{percentile(took, 0.95):.1f}",
        f"{percentile(settled, 0.5):.1f}",
        f"{percentile(took, 0.5) / percentile(settled, 0.5):.1f}",
    ]


def _call(size: int, number: int, turn: int) -> dict[str, object]:
    """A call of one person's many browsers."""
    return {
        "type": "track",
        "event": "Seen",
        "messageId": f"m{size}-{number}-{turn}",
        "userId": f"u{size}",
        "anonymousId": f"a{size}-{number}",
        "timestamp": f"2026-06-{1 + turn:02}T00:00:00Z",
    }
