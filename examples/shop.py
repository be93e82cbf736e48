"""Events of an invented shop, as its website would send them: calls of Segment's API."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
WEEKS = 10
CHANNELS = {"newsletter": 0.5, "google": 0.35, "partner": 0.3, "facebook": 0.15, None: 0.25}
"""Where a visit comes from, and how likely it leads on at each step."""

ONWARD = {
    "Home": ("Catalogue", "Product Viewed", "Pricing"),
    "Blog": ("Home", "Catalogue"),
    "Catalogue": ("Product Viewed", "Product Viewed", "Search"),
    "Search": ("Product Viewed",),
    "Pricing": ("Signed Up", "Home"),
    "Product Viewed": ("Product Added", "Product Added", "Product Viewed"),
    "Product Added": ("Checkout Started", "Product Viewed"),
    "Checkout Started": ("Order Completed",),
}
PAGES = {"Home", "Blog", "Catalogue", "Search", "Pricing"}


def events(people: int = 300, seed: int = 7) -> list[dict[str, Any]]:
    """Everything that happened, oldest first. The same seed gives the same events.

    Half of the people have an account; most of those use two devices and sign in on both. Some
    share a tablet with others, on which several sign in. Not every visit is signed in.
    """
    draw = random.Random(seed)  # noqa: S311
    sent: list[dict[str, Any]] = []
    for number in range(people):
        sent += _life(draw, number)
    sent.sort(key=lambda call: call["timestamp"])
    return [{"messageId": f"shop-{n:05}"} | call for n, call in enumerate(sent)]


def write(path: str | Path, people: int = 300, seed: int = 7) -> int:
    """Write the events as JSON lines, for `identity-service ingest`; returns how many."""
    calls = events(people, seed)
    Path(path).write_text("".join(json.dumps(call) + "\n" for call in calls), encoding="utf-8")
    return len(calls)


def _life(draw: random.Random, number: int) -> Iterator[dict[str, Any]]:
    """All visits of a person."""
    devices = [f"phone-{number}"]
    account = f"user-{number}" if draw.random() < 0.5 else None
    if account and draw.random() < 0.7:
        devices.append(f"laptop-{number}")
    if account and draw.random() < 0.5:
        devices.append(f"tablet-{number // 12}")
    plan = draw.choice(("free", "free", "plus", "business"))
    at = BEGIN + timedelta(minutes=draw.randrange(WEEKS * 7 * 24 * 60))
    end = BEGIN + timedelta(weeks=WEEKS)
    known = False
    while at < end:
        device = draw.choice(devices)
        who: dict[str, Any] = {"anonymousId": device}
        if account and draw.random() < (0.7 if known else 0.5):
            known = True
            who["userId"] = account
            yield {
                "type": "identify",
                "timestamp": _iso(at),
                "traits": {"plan": plan},
                **who,
            }
        yield from _visit(draw, at, who)
        at += timedelta(days=draw.expovariate(1 / 8), minutes=30)
        if draw.random() < 0.22:
            return


def _visit(draw: random.Random, at: datetime, who: dict[str, Any]) -> Iterator[dict[str, Any]]:
    channel = draw.choice(tuple(CHANNELS))
    eager = CHANNELS[channel]
    step = draw.choice(("Home", "Home", "Blog", "Catalogue", "Product Viewed"))
    while step:
        properties: dict[str, Any] = {}
        if channel:
            properties["utm_source"] = channel
            channel = None
        if step == "Order Completed":
            properties["revenue"] = draw.randrange(10, 200)
        kind = {"type": "page", "name": step} if step in PAGES else {"type": "track", "event": step}
        yield {**kind, "timestamp": _iso(at), "properties": properties, **who}
        at += timedelta(seconds=draw.randrange(5, 400))
        leads_on = draw.random() < eager + 0.4
        step = draw.choice(ONWARD[step]) if leads_on and step in ONWARD else ""


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
