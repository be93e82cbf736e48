"""What senders lose while a reader of their space asks its worst questions."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.contenders import OverHttp, service_of
from benchmarks.explain import tree_call
from benchmarks.figures import percentile, table
from benchmarks.http import request, send_all
from benchmarks.running import Running
from benchmarks.stream import Stream
from benchmarks.turns import Call, Work, warm_up

HISTORY = 20_000
"""Events that the space holds before anything is measured."""

COMPONENT = 9_000
"""Identifiers of its largest component."""

CUSTOMERS = 1_000
"""How many one question asks for: the most that are allowed."""

TURNS = 6

POLICY = """
extends: quarantine
types:
  part: {priority: 5, kind: device, shared: merge}
max_component: 10000
"""

LINK = "timesSeen firstSeen lastSeen decision { joined message }"
QUESTIONS = {
    f"{CUSTOMERS:,} customers with links": (
        "customers(identifiers: $people) { ... on Customer { customerId kind traits { name value }"
        f" identifiers(first: 20) {{ type value linkCount }} links(first: 20) {{ {LINK} }} }} }}"
    ),
    "explain in the component": (
        "explain(a: $a, b: $b) { ... on Explanation {"
        f" message path {{ {LINK} exampleEvent {{ messageId }} }} }} }}"
    ),
    "the component, resolved anew": (
        "customer(identifier: $a, live: true) { ... on Customer {"
        f" identifierCount links(first: 1000) {{ {LINK} }} health {{ refusedLinks bridges }} }} }}"
    ),
    "preview of a policy": (
        'preview(policy: "extends: merge_all") { ... on PolicyPreview { summary { merged } } }'
    ),
    "two journeys": (
        "journeys { flows { step from to customers }"
        ' correlation(goal: "Order Completed") { event phi } }'
    ),
}


@dataclass
class _Slices:
    """What was measured while one question was asked, or none. Times are in seconds."""

    events: list[float] = field(default_factory=list[float])
    spent: float = 0
    reads: list[float] = field(default_factory=list[float])


def run(service: Running) -> None:
    """Print the table."""
    keys = service.create_space("readers", POLICY)
    asyncio.run(_measure(service, keys["writeKey"], keys["readerKey"]))


async def _measure(service: Running, write_key: str, reader_key: str) -> None:
    sender = service_of(service, write_key)
    stream = Stream(seed=5)
    history = stream.take(HISTORY)
    tree = [tree_call(COMPONENT, n) for n in range(2, COMPONENT + 1)]
    for calls in (history, tree):
        requests = [calls[n : n + 500] for n in range(0, len(calls), 500)]
        await sender.send(sender.prepare(requests), 1)
    reads = {name: _question(name, history, reader_key) for name in QUESTIONS}
    for read in reads.values():
        await send_all(service.port, [read], 1)
    work = Work("single events, 32 senders", stream.take, 1, 32)
    count = await warm_up(work, [sender])
    undisturbed = _Slices()
    disturbed = {name: _Slices() for name in reads}
    for _ in range(TURNS):
        await _send(sender, work, count, undisturbed)
        for name, read in reads.items():
            await _send_beside(service.port, read, sender, work, count, disturbed[name])
    rows = [_row("nothing", undisturbed, undisturbed)]
    rows += [_row(name, slices, undisturbed) for name, slices in disturbed.items()]
    table(
        f"{work.name}, while a reader of their space asks one question after the other"
        f" ({HISTORY:,} events before, and a component of {COMPONENT:,} identifiers)",
        ("asked", "events/s", "p50 ms", "p99 ms", "longest", "p99 of undisturbed", "a read, s"),
        rows,
    )


async def _send_beside(
    port: int, read: bytes, sender: OverHttp, work: Work, count: int, slices: _Slices
) -> None:
    """Send while the question is asked again and again, and until it was answered once."""
    over = asyncio.Event()
    before = len(slices.reads)
    reading = asyncio.create_task(_read(port, read, over, slices.reads))
    while len(slices.reads) == before and not reading.done():
        await _send(sender, work, count, slices)
    over.set()
    await reading


async def _send(sender: OverHttp, work: Work, count: int, slices: _Slices) -> None:
    prepared = sender.prepare(work.requests(count))
    started = time.perf_counter()
    slices.events += await sender.send(prepared, work.senders)
    slices.spent += time.perf_counter() - started


async def _read(port: int, read: bytes, over: asyncio.Event, took: list[float]) -> None:
    """Ask until it is over. The last answer is waited for: it disturbs nobody else."""
    while not over.is_set():
        took += await send_all(port, [read], 1)


def _question(name: str, history: Sequence[Call], key: str) -> bytes:
    people = list(dict.fromkeys(call["anonymousId"] for call in history))[:CUSTOMERS]
    given = {
        "people": [{"type": "anonymous_id", "value": one} for one in people],
        "a": {"type": "part", "value": f"{COMPONENT}-{COMPONENT}"},
        "b": {"type": "part", "value": f"{COMPONENT}-{COMPONENT // 2 + 1}"},
    }
    types = {"people": "[IdentifierInput!]!", "a": "IdentifierInput!", "b": "IdentifierInput!"}
    used = [variable for variable in given if f"${variable}" in QUESTIONS[name]]
    head = ", ".join(f"${variable}: {types[variable]}" for variable in used)
    query = f'{{ space(name: "readers") {{ {QUESTIONS[name]} }} }}'
    if used:
        query = f"query ({head}) {query}"
    body = {"query": query, "variables": {variable: given[variable] for variable in used}}
    return request("POST", "/graphql", json.dumps(body).encode(), bearer=key)


def _row(name: str, slices: _Slices, undisturbed: _Slices) -> list[str]:
    p99 = percentile(slices.events, 0.99)
    return [
        name,
        f"{len(slices.events) / slices.spent:,.0f}",
        f"{percentile(slices.events, 0.5):.1f}",
        f"{p99:.1f}",
        f"{max(slices.events) * 1_000:.0f}",
        f"{p99 / percentile(undisturbed.events, 0.99):.1f}",
        f"{percentile(slices.reads, 0.5) / 1_000:.2f}" if slices.reads else "",
    ]
