"""How long a space takes to be settled anew by another policy, and what events wait meanwhile."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Awaitable

from benchmarks.figures import percentile, table
from benchmarks.http import request, send_all
from benchmarks.running import Running

PEOPLE = 20_000
SENDERS = 4
CALM = 5.0
"""Seconds of sending before the policy changes."""

POLICY = """
types:
  user_id: {priority: 1, kind: person, limit: 1}
  anonymous_id: {priority: 9, kind: device, shared: quarantine}
"""
BLOCKING = POLICY + "blocked: [{pattern: 'c[0-9]*7', types: [anonymous_id]}]\n"
"""Takes a browser from every tenth customer."""

SET_POLICY = """mutation ($policy: String!) {
  setPolicy(space: "settle", policy: $policy, expectedVersion: 1) { __typename } }"""
READ_SETTLEMENT = '{ space(name: "settle") { settlement { done } } }'


def run(service: Running) -> None:
    """Print the table."""
    asyncio.run(_measure(service, service.create_space("settle", POLICY)))


async def _measure(service: Running, keys: dict[str, str]) -> None:
    calls = [_call(f"m{n}", n) for n in range(PEOPLE)]
    for i in range(0, PEOPLE, 500):
        body = json.dumps({"batch": calls[i : i + 500]}).encode()
        raw = request("POST", "/v1/batch", body, write_key=keys["writeKey"])
        await send_all(service.port, [raw], 1)

    async def settle() -> None:
        await service.ask(keys["adminKey"], SET_POLICY, policy=BLOCKING)
        done = False
        while not done:
            await asyncio.sleep(0.25)
            found = await service.ask(keys["adminKey"], READ_SETTLEMENT)
            done = found["space"]["settlement"]["done"]

    numbers = itertools.count()
    calm = await _send_during(service, keys["writeKey"], numbers, asyncio.sleep(CALM))
    started = time.monotonic()
    settling = await _send_during(service, keys["writeKey"], numbers, settle())
    took = time.monotonic() - started
    table(
        f"Single events from {SENDERS} senders while {PEOPLE:,} customers are settled by another"
        f" policy, which takes {took:.1f} s, {PEOPLE / took:,.0f} customers/s",
        ("", "events/s", "p50 ms", "p99 ms", "longest ms"),
        [_row("before", calm, CALM), _row("meanwhile", settling, took)],
    )


async def _send_during(
    service: Running, key: str, numbers: itertools.count[int], happening: Awaitable[None]
) -> list[float]:
    """Send single events until something has happened; seconds that each took."""
    over = asyncio.Event()

    async def send() -> list[float]:
        took: list[float] = []
        while not over.is_set():
            n = next(numbers)
            raw = request(
                "POST", "/v1/track", json.dumps(_call(f"s{n}", n % PEOPLE)).encode(), write_key=key
            )
            took += await send_all(service.port, [raw], 1)
        return took

    sending = [asyncio.create_task(send()) for _ in range(SENDERS)]
    try:
        await happening
    finally:
        over.set()
    return [seconds for each in await asyncio.gather(*sending) for seconds in each]


def _call(message: str, person: int) -> dict[str, str]:
    return {
        "type": "track",
        "event": "Viewed",
        "messageId": message,
        "userId": f"u{person}",
        "anonymousId": f"c{person}",
        "timestamp": "2026-06-01T00:00:00Z",
    }


def _row(name: str, seconds: list[float], lasted: float) -> list[str]:
    return [
        name,
        f"{len(seconds) / lasted:,.0f}",
        f"{percentile(seconds, 0.5):.1f}",
        f"{percentile(seconds, 0.99):.1f}",
        f"{max(seconds) * 1_000:.0f}",
    ]
