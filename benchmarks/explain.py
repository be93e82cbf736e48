"""What questions about decisions cost by the size of a component, beside the settled read."""

from __future__ import annotations

import asyncio
import json

from benchmarks.figures import percentile, table
from benchmarks.http import request, send_all
from benchmarks.running import Running

SIZES = (10, 100, 1_000, 10_000)
TURNS = 12
BRANCHES = 4

POLICY = """
types:
  part: {priority: 5, kind: device, shared: merge}
max_component: 10000
"""

LINK = "timesSeen firstSeen lastSeen sources decision { joined message }"
QUESTIONS = {
    "settled read": "customer(identifier: $a) { ... on Customer { customerId } }",
    "explain": f"explain(a: $a, b: $b) {{ ... on Explanation {{ message path {{ {LINK} }} }} }}",
    "explain, with events": (
        "explain(a: $a, b: $b)"
        " { ... on Explanation { message path { exampleEvent { messageId } } } }"
    ),
    "links, 100 of them": (
        f"customer(identifier: $a) {{ ... on Customer {{ links(first: 100) {{ {LINK} }} }} }}"
    ),
    "health": (
        "customer(identifier: $a)"
        " { ... on Customer { health { refusedLinks bridges largestShareOfLimit } } }"
    ),
}


def run(service: Running) -> None:
    """Print the table."""
    keys = service.create_space("explain", POLICY)
    asyncio.run(_measure(service, keys))


async def _measure(service: Running, keys: dict[str, str]) -> None:
    rows: list[list[str]] = []
    for size in SIZES:
        calls = [tree_call(size, n) for n in range(2, size + 1)]
        bodies = [json.dumps({"batch": calls[i : i + 500]}) for i in range(0, len(calls), 500)]
        raw = [request("POST", "/v1/batch", b.encode(), write_key=keys["writeKey"]) for b in bodies]
        await send_all(service.port, raw, 1)
        took: dict[str, list[float]] = {question: [] for question in QUESTIONS}
        for _ in range(TURNS):
            for question in QUESTIONS:
                raw = [_question(question, size, keys["readerKey"])]
                took[question] += await send_all(service.port, raw, 1)
        read = percentile(took["settled read"], 0.5)
        rows += [
            [
                f"{size:,}",
                question,
                f"{percentile(took[question], 0.5):.1f}",
                f"{percentile(took[question], 0.95):.1f}",
                f"{percentile(took[question], 0.5) / read:.1f}",
            ]
            for question in QUESTIONS
        ]
    table(
        "Questions about decisions, one after the other (floor: the settled read)",
        ("identifiers", "question", "p50 ms", "p95 ms", "ratio"),
        rows,
    )


def tree_call(size: int, number: int) -> dict[str, object]:
    """A call that hangs one more identifier on a tree."""
    ends = (number, number // BRANCHES or 1)
    return {
        "type": "track",
        "event": "Seen",
        "messageId": f"e{size}-{number}",
        "timestamp": "2026-06-01T00:00:00Z",
        "context": {
            "externalIds": [
                {
                    "id": f"{size}-{end}",
                    "type": "part",
                    "collection": "users",
                    "encoding": "none",
                }
                for end in dict.fromkeys(ends)
            ]
        },
    }


def _question(question: str, size: int, key: str) -> bytes:
    ends = {
        "a": {"type": "part", "value": f"{size}-{size}"},
        "b": {"type": "part", "value": f"{size}-{size // 2 + 1}"},
    }
    used = [name for name in ends if f"${name}" in QUESTIONS[question]]
    head = ", ".join(f"${name}: IdentifierInput!" for name in used)
    query = f'query ({head}) {{ space(name: "explain") {{ {QUESTIONS[question]} }} }}'
    body = {"query": query, "variables": {name: ends[name] for name in used}}
    return request("POST", "/graphql", json.dumps(body).encode(), bearer=key)
