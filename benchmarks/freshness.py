"""How old the values of profiles are while events arrive: from acknowledged to stored."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from random import Random
from typing import Any, Final, LiteralString

from neo4j import AsyncDriver

from benchmarks.figures import percentile, table
from benchmarks.http import Connection, request
from benchmarks.processors import Clock, clock_of
from benchmarks.running import Running, driver_of

SPACE: Final = "freshness"
CUSTOMERS: Final = 10_000
EVENTS_A_MINUTE: Final = 100_000
BATCH: Final = 100
SENDERS: Final = 4
WARM_UP_SECONDS: Final = 90.0
SECONDS: Final = 180.0
GOAL_SECONDS: Final = 5.0
LOOK_EVERY: Final = 0.1
"""Seconds between two looks at what is stored, by which an age may be too high."""

PATIENCE: Final = 120.0
"""So long is waited for the last values."""

TEXT: Final = """
features:
  orders: {count: Order Completed}
  orders_30d: {count: Order Completed, within: 30d}
  revenue: {sum: revenue, of: Order Completed}
  favourite: {most_frequent: category, of: Product Viewed}
  active_days: {days: any, within: 30d}
  days_idle: {since_last: any, unit: d}
  newest: {last: number, of: any}
audiences:
  buyers: {who: {did: Order Completed}}
  loyal: {who: {all: [{feature: revenue, gte: 1000}, {did: Order Completed, times: {gte: 3}}]}}
  cart_left: {who: {did: Product Added, within: 7d, then_not: {did: Order Completed, within: 2h}}}
"""

CUSTOMER_IDS: Final[LiteralString] = """
UNWIND range(0, $customers - 1) AS n
MATCH (i:Identifier {key: $space + '/user_id:p' + n})-[:BELONGS_TO]->(c)
RETURN c.id AS id ORDER BY n
"""

NEWEST: Final[LiteralString] = """
UNWIND $ids AS id
OPTIONAL MATCH (p:Profile {customer_id: id})
RETURN p.f_newest AS newest
"""

STEPS: Final = ("Product Viewed", "Product Viewed", "Product Added", "Order Completed")


def run(service: Running) -> None:
    """Send 100,000 events a minute for some minutes, and print."""
    measure(service, CUSTOMERS, EVENTS_A_MINUTE, WARM_UP_SECONDS, SECONDS)


def measure(
    service: Running, customers: int, events_a_minute: int, warm_up: float, seconds: float
) -> list[float]:
    """Send so many events a minute; print and return how old the values were, in seconds."""
    write_key = service.create_space(SPACE)["writeKey"]
    service.apply_profiles(SPACE, TEXT)
    load = _Load(service, write_key, customers, BATCH * 60 / events_a_minute)
    return asyncio.run(load.measured(warm_up, seconds))


@dataclass(frozen=True)
class _Sent:
    """The last event of an acknowledged batch: its customer waits for it."""

    customer: int
    number: int
    acknowledged: float


@dataclass
class _Load:
    """What is sent, a batch every `interval` seconds, and what is waited for."""

    service: Running
    write_key: str
    customers: int
    interval: float
    draw: Random = field(default_factory=lambda: Random(7))
    numbers: Iterator[int] = field(default_factory=count)
    due: float = 0.0
    late: float = 0.0
    waiting: list[_Sent] = field(default_factory=list[_Sent])
    answered: list[float] = field(default_factory=list[float])
    ages: list[float] = field(default_factory=list[float])

    async def measured(self, warm_up: float, seconds: float) -> list[float]:
        """Send for so long after a warm-up, and print."""
        await self._send_everybody()
        async with driver_of(self.service.settings) as driver:
            rows = await driver.execute_query(CUSTOMER_IDS, customers=self.customers, space=SPACE)
            ids = [row["id"] for row in rows.records]
            await self._watched(driver, ids, warm_up)
            for each in (self.waiting, self.answered, self.ages):
                each.clear()
            self.late = 0.0
            clocks = self._clocks()
            before = {name: clock() for name, clock in clocks.items()}
            memory = await self._watched(driver, ids, seconds)
            used = {name: clock() - before[name] for name, clock in clocks.items()}
            async with asyncio.timeout(PATIENCE):
                while self.waiting:
                    await self._look(driver, ids)
                    await asyncio.sleep(LOOK_EVERY)
        self._print(seconds, memory, used)
        return self.ages

    async def _send_everybody(self) -> None:
        """One event of each customer."""
        events = [self._event(n) for n in range(self.customers)]
        async with self._connection() as connection:
            for start in range(0, len(events), BATCH):
                await self._put(connection, events[start : start + BATCH])

    async def _watched(self, driver: AsyncDriver, ids: Sequence[str], seconds: float) -> list[int]:
        """Send for so long, looking at what is stored; the memory of the service meanwhile."""
        memory: list[int] = []
        ended = asyncio.Event()

        async def look() -> None:
            while not ended.is_set():
                memory.append(self.service.service.memory_info().rss)
                await self._look(driver, ids)
                await asyncio.sleep(LOOK_EVERY)

        self.due = time.monotonic()
        until = self.due + seconds
        looking = asyncio.create_task(look())
        await asyncio.gather(*(self._send_until(until) for _ in range(SENDERS)))
        ended.set()
        await looking
        return memory

    async def _send_until(self, until: float) -> None:
        async with self._connection() as connection:
            while self.due < until:
                due, self.due = self.due, self.due + self.interval
                await asyncio.sleep(due - time.monotonic())
                self.late = max(self.late, time.monotonic() - due)
                batch = [self._event(self.draw.randrange(self.customers)) for _ in range(BATCH)]
                await self._put(connection, batch)

    async def _put(self, connection: Connection, batch: list[dict[str, Any]]) -> None:
        body = json.dumps({"batch": batch}).encode()
        begun = time.monotonic()
        status, answer = await connection.send(
            request("POST", "/v1/batch", body, write_key=self.write_key)
        )
        if status != 200:
            raise RuntimeError(f"{status} {answer[:300]!r}")
        acknowledged = time.monotonic()
        self.answered.append(acknowledged - begun)
        last = batch[-1]
        number = last["properties"]["number"]
        self.waiting.append(_Sent(int(last["userId"][1:]), number, acknowledged))

    def _event(self, customer: int) -> dict[str, Any]:
        step = self.draw.choice(STEPS)
        number = next(self.numbers)
        properties: dict[str, Any] = {"number": number}
        if step == "Order Completed":
            properties["revenue"] = self.draw.randrange(500, 20_000) / 100
        else:
            properties["category"] = f"c{self.draw.randrange(20)}"
        return {
            "type": "track",
            "messageId": f"f{number}",
            "userId": f"p{customer}",
            "event": step,
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "properties": properties,
        }

    async def _look(self, driver: AsyncDriver, ids: Sequence[str]) -> None:
        """Take note of the values that have been stored."""
        asked = list(self.waiting)
        rows = await driver.execute_query(NEWEST, ids=[ids[each.customer] for each in asked])
        now = time.monotonic()
        stored = [row["newest"] for row in rows.records]
        arrived = {
            each
            for each, newest in zip(asked, stored, strict=True)
            if newest is not None and newest >= each.number
        }
        self.ages += [now - each.acknowledged for each in arrived]
        self.waiting = [each for each in self.waiting if each not in arrived]

    @asynccontextmanager
    async def _connection(self) -> AsyncGenerator[Connection]:
        connection = await Connection.open(self.service.port)
        try:
            yield connection
        finally:
            connection.close()

    def _clocks(self) -> dict[str, Clock]:
        return {
            "service": clock_of(self.service.service),
            "Neo4j": clock_of(self.service.neo4j),
            "sender": time.process_time,
        }

    def _print(self, seconds: float, memory: Sequence[int], used: Mapping[str, float]) -> None:
        half = len(memory) // 2
        row = [
            f"{len(self.answered) * BATCH / seconds * 60:,.0f}",
            f"{self.late:.1f}",
            f"{percentile(self.answered, 0.5):.0f}",
            f"{percentile(self.answered, 0.99):.0f}",
            *(f"{percentile(self.ages, share) / 1_000:.1f}" for share in (0.5, 0.99)),
            f"{max(self.ages):.1f}",
            *(f"{max(part) / 1e6:.0f}" for part in (memory[: half + 1], memory[half:])),
            *(f"{spent / seconds:.2f}" for spent in used.values()),
        ]
        columns = (
            *("events/min", "latest s", "ack p50 ms", "p99 ms"),
            *("age p50 s", "p99 s", "longest s", "MB at most", "second half"),
            *(f"{name}, processors" for name in used),
        )
        table(
            f"Age of the values of {self.customers:,} customers, from acknowledged to stored"
            f" (goal: p99 {GOAL_SECONDS:.0f} s)",
            columns,
            [row],
        )
