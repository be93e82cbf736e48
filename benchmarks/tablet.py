"""What an event costs on a shop tablet that 1,500 people used, beside one on a fresh device."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from benchmarks.figures import percentile, table
from benchmarks.http import request, send_all
from benchmarks.running import Running

PEOPLE = 1_500
EACH = 60


def run(service: Running) -> None:
    """Print the table."""
    # A tablet of this size is beyond the default bound of links: let it stay a shared device.
    keys = service.create_space(
        "tablet",
        "extends: quarantine\n"
        "types:\n"
        "  ios.id: {priority: 30, kind: device, limit: 5, shared: quarantine, max_links: 100000}\n",
    )
    asyncio.run(_measure(service, keys["writeKey"]))


async def _measure(service: Running, key: str) -> None:
    visitors = [_call(f"h{n}", f"c{n}", f"u{n}", "tablet") for n in range(PEOPLE)]
    for i in range(0, PEOPLE, 100):
        body = json.dumps({"batch": visitors[i : i + 100]}).encode()
        await send_all(service.port, [request("POST", "/v1/batch", body, write_key=key)], 1)
    kinds: dict[str, Callable[[int], dict[str, Any]]] = {
        "new person": lambda n: _call(f"p{n}", f"cp{n}", f"up{n}", "tablet"),
        "known person, new browser": lambda n: _call(f"b{n}", f"cb{n}", f"u{n}", "tablet"),
        "returning person": lambda n: _call(f"r{n}", f"c{n}", f"u{n}", "tablet"),
        "new visitor": lambda n: _call(f"v{n}", f"cv{n}", None, "tablet"),
        "visitor signs up": lambda n: _call(f"s{n}", f"cv{n}", f"us{n}", "tablet"),
    }
    rows: list[list[str]] = []
    for kind, call in kinds.items():
        tablet: list[float] = []
        fresh: list[float] = []
        for n in range(EACH):
            tablet += await _send(service, key, call(n))
            other = call(n)
            other = {**other, "messageId": f"f{other['messageId']}", "context": _device(f"own{n}")}
            other["anonymousId"] = f"f{other['anonymousId']}"
            if "userId" in other:
                other["userId"] = f"f{other['userId']}"
            fresh += await _send(service, key, other)
        rows.append(
            [
                kind,
                f"{percentile(tablet, 0.5):.1f}",
                f"{percentile(tablet, 0.95):.1f}",
                f"{percentile(fresh, 0.5):.1f}",
            ]
        )
    table(
        f"A tablet of {PEOPLE:,} people: milliseconds of one event, sent one after the other",
        ("event", "p50 ms", "p95 ms", "own device, p50 ms"),
        rows,
    )


async def _send(service: Running, key: str, call: dict[str, Any]) -> list[float]:
    raw = request("POST", "/v1/track", json.dumps(call).encode(), write_key=key)
    return await send_all(service.port, [raw], 1)


def _call(message: str, cookie: str, user: str | None, device: str) -> dict[str, Any]:
    call: dict[str, Any] = {
        "messageId": message,
        "anonymousId": cookie,
        "event": "Viewed",
        "context": _device(device),
    }
    if user:
        call["userId"] = user
    return call


def _device(name: str) -> dict[str, Any]:
    return {"device": {"id": name, "type": "ios"}}
