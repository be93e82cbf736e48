"""Operations per second that a destination on this machine is sent, by the service as it runs."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, LiteralString

from neo4j import AsyncDriver

from benchmarks.figures import table
from benchmarks.http import request, send_all
from benchmarks.processors import Clock, clock_of
from benchmarks.running import LOOK_EVERY, Running, driver_of

SPACE: Final = "outbox"
CUSTOMERS: Final = 20_000
BATCH: Final = 100

TEXT: Final = """
features:
  orders: {count: Order Completed}
  revenue: {sum: revenue, of: Order Completed}
audiences:
  buyers: {who: {did: Order Completed}}
"""

DEFINITION: Final = """
key: [user_id]
attributes:
  email: trait.email
  plan: trait.plan
  orders: feature.orders
  revenue: feature.revenue
audiences:
  buyers: is_buyer
connection:
  url: http://127.0.0.1:{port}
"""
"""Of Segment's kind, whose requests hold most operations: the pace is the service's own."""

WAITING: Final[LiteralString] = """
MATCH (d:Destination {space: $space})
RETURN d['sync_done_at'] IS NOT NULL AND NOT EXISTS { (:Outgoing {space: $space}) } AS done
"""


def run(service: Running) -> None:
    """Measure and print."""
    measure(service, CUSTOMERS)


def measure(service: Running, customers: int) -> int:
    """Send customers to a destination, then once more where nothing differs; print.

    Returns how many operations came there.
    """
    write_key = service.create_space(SPACE)["writeKey"]
    asyncio.run(_send_customers(service, write_key, customers))
    service.apply_profiles(SPACE, TEXT)
    asyncio.run(service.wait_until_computed(SPACE))
    return asyncio.run(_measure(service, customers))


async def _send_customers(service: Running, write_key: str, customers: int) -> None:
    calls = [call for number in range(customers) for call in _calls(number)]
    batches = [calls[start : start + BATCH] for start in range(0, len(calls), BATCH)]
    bodies = [json.dumps({"batch": each}).encode() for each in batches]
    await send_all(
        service.port,
        [request("POST", "/v1/batch", body, write_key=write_key) for body in bodies],
        connections=2,
    )


def _calls(number: int) -> list[dict[str, Any]]:
    who = {"userId": f"u{number}", "timestamp": "2026-06-01T12:00:00Z"}
    return [
        who
        | {"type": "identify", "messageId": f"i{number}"}
        | {"traits": {"email": f"u{number}@example.com", "plan": "pro"}},
        who
        | {"type": "track", "messageId": f"o{number}", "event": "Order Completed"}
        | {"properties": {"revenue": 19.9}},
    ]


async def _measure(service: Running, customers: int) -> int:
    async with _destination() as destination, driver_of(service.settings) as driver:
        await _asked(
            service,
            """mutation ($space: String!, $definition: String!) {
              createDestination(space: $space, name: "peer", vendor: SEGMENT,
                definition: $definition, secrets: [{name: "write_key", value: "w"}]) {
                ... on Invalid { message } } }""",
            definition=DEFINITION.replace("{port}", str(destination.port)),
        )
        rows: list[list[str]] = []
        for what in ("all are new", "nothing differs"):
            sent, clocks = destination.operations, _clocks(service)
            before = {name: clock() for name, clock in clocks.items()}
            began = time.perf_counter()
            await _asked(
                service,
                """mutation ($space: String!) {
                  syncDestination(space: $space, destination: "peer") {
                    ... on Invalid { message } } }""",
            )
            await _wait_until_sent(driver)
            seconds = time.perf_counter() - began
            used = {name: clock() - before[name] for name, clock in clocks.items()}
            operations = destination.operations - sent
            rows.append(
                [what, f"{seconds:.1f}", f"{customers / seconds:,.0f}", f"{operations:,}"]
                + [f"{operations / seconds:,.0f}"]
                + [f"{spent / customers * 1e6:,.0f}" for spent in used.values()]
            )
    columns = ("sync", "s", "customers/s", "operations", "operations/s")
    table(
        f"{customers:,} customers to a destination on this machine",
        (*columns, "own µs", "database µs"),
        rows,
    )
    return destination.operations


async def _asked(service: Running, query: str, **variables: str) -> Mapping[str, Any]:
    answer = await service.ask(service.keys[SPACE]["adminKey"], query, space=SPACE, **variables)
    [found] = answer.values()
    if found:
        raise RuntimeError(found)
    return answer


async def _wait_until_sent(driver: AsyncDriver) -> None:
    while True:
        answer = await driver.execute_query(WAITING, space=SPACE)
        if [row["done"] for row in answer.records] == [True]:
            return
        await asyncio.sleep(LOOK_EVERY)


def _clocks(service: Running) -> dict[str, Clock]:
    return {"own": clock_of(service.service), "database": clock_of(service.neo4j)}


@dataclass
class _Destination:
    """Takes everything, and counts it."""

    port: int = 0
    operations: int = 0
    connections: dict[asyncio.StreamWriter, asyncio.Task[Any] | None] = field(
        default_factory=dict[asyncio.StreamWriter, "asyncio.Task[Any] | None"]
    )

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        self.connections[writer] = asyncio.current_task()
        while True:
            try:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
            except asyncio.IncompleteReadError:
                return
            start = head.index(b"content-length:") + 15
            body = await reader.readexactly(int(head[start : head.index(b"\r\n", start)]))
            self.operations += len(json.loads(body)["batch"])
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")


@asynccontextmanager
async def _destination() -> AsyncGenerator[_Destination]:
    destination = _Destination()
    server = await asyncio.start_server(destination.serve, "127.0.0.1", 0)
    destination.port = server.sockets[0].getsockname()[1]
    try:
        yield destination
    finally:
        server.close()
        for writer in destination.connections:
            writer.close()
        await asyncio.gather(*(each for each in destination.connections.values() if each))
