"""What a sender loses while others build one huge component in its space and keep it busy."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.figures import percentile, table
from benchmarks.http import request, send_all
from benchmarks.running import Running

POLICY = """
types:
  user_id: {priority: 1, kind: person, limit: 1}
  card: {priority: 5, kind: person, limit: 5}
  anonymous_id: {priority: 9, kind: device, shared: quarantine}
"""

HOSTILE = 198
"""Events of 50 identifiers each; every one shares an identifier with the one before."""

NEW_EACH = 49

WARM = 30.0
LASTS = 20.0
"""Seconds: of sending before anything is measured, and of each measurement."""

TRICKLE = 0.1
"""Seconds between two hostile events once all `HOSTILE` are sent."""


def run(service: Running) -> None:
    """Print the table."""
    asyncio.run(_measure(service, service.create_space("bystander", POLICY)["writeKey"]))


async def _measure(service: Running, key: str) -> None:
    numbers = itertools.count()
    await _send_for(service, key, numbers, WARM)
    before = await _send_for(service, key, numbers, LASTS)
    over = asyncio.Event()
    hostile = asyncio.create_task(_attack(service, key, over))
    building = await _send_for(service, key, numbers, LASTS)
    trickling = await _send_for(service, key, numbers, LASTS)
    over.set()
    sent = await hostile
    await _send_for(service, key, numbers, LASTS)  # what was put off is settled meanwhile
    after = await _send_for(service, key, numbers, LASTS)
    undisturbed = max(len(before), len(after))
    table(
        "Single events of one sender while another builds one component of 9,700 identifiers in"
        f" the same space ({sent:,} events in all)",
        ("", "events/s", "of undisturbed", "p50 ms", "p99 ms", "longest ms"),
        [
            _row("undisturbed, before", before, undisturbed),
            _row("while it is built", building, undisturbed),
            _row("while a trickle goes on", trickling, undisturbed),
            _row("undisturbed, after", after, undisturbed),
        ],
    )


async def _send_for(
    service: Running, key: str, numbers: Iterator[int], seconds: float
) -> list[float]:
    """Send single events one after the other; seconds that each took."""
    took: list[float] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        n = next(numbers)
        call = {
            "type": "track",
            "event": "Viewed",
            "messageId": f"b{n}",
            "userId": f"bystander{n % 500}",
            "anonymousId": f"browser{n % 1_000}",
        }
        took += await send_all(service.port, [_request(call, key)], 1)
    return took


async def _attack(service: Running, key: str, over: asyncio.Event) -> int:
    sent = 0
    for first in range(0, HOSTILE * NEW_EACH, NEW_EACH):
        cards = [f"card{n}" for n in range(first, first + NEW_EACH + 1)]
        await send_all(service.port, [_request(_hostile(f"h{first}", cards), key)], 1)
        sent += 1
    for n in itertools.count():
        if over.is_set():
            return sent
        # Seen earlier than ever, so that it is news.
        call = _hostile(f"t{n}", [f"card{n % (HOSTILE * NEW_EACH)}", f"new{n}"])
        await send_all(service.port, [_request(call, key)], 1)
        sent += 1
        await asyncio.sleep(TRICKLE)
    raise AssertionError


def _hostile(message: str, cards: list[str]) -> dict[str, Any]:
    return {
        "type": "track",
        "event": "Junk",
        "messageId": message,
        "context": {"externalIds": [{"id": card, "type": "card"} for card in cards]},
    }


def _request(call: dict[str, Any], key: str) -> bytes:
    return request("POST", "/v1/track", json.dumps(call).encode(), write_key=key)


def _row(name: str, took: list[float], undisturbed: int) -> list[str]:
    return [
        name,
        f"{len(took) / LASTS:,.0f}",
        f"{len(took) / undisturbed:.2f}",
        f"{percentile(took, 0.5):.1f}",
        f"{percentile(took, 0.99):.1f}",
        f"{max(took) * 1_000:.0f}",
    ]
