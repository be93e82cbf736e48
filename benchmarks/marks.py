"""What a profiles text costs those who send: events per second with it, beside a space without."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final, LiteralString

from neo4j import AsyncDriver

from benchmarks.contenders import OverHttp, service_of
from benchmarks.freshness import TEXT
from benchmarks.processors import Clock
from benchmarks.running import LOOK_EVERY, Running, driver_of
from benchmarks.stream import Stream
from benchmarks.turns import Done, Work, print_results, take_turns

HISTORY: Final = 20_000
"""Events that each space holds before anything is measured."""

MARKED: Final = "marked"
COMPUTED: Final = "computed"
PLAIN: Final = "plain"

HOLD: Final[LiteralString] = """
MERGE (k:ProfileWork {space: $space})
SET k.worker = 'benchmark', k.lease_until = timestamp() + 86400000
"""
"""Nobody computes there, so that marks are all that is done."""

WAITS: Final[LiteralString] = """
CALL () {
  MATCH (i:Identifier) WHERE i.space = $space AND i.touched > 0 RETURN i AS found LIMIT 1
  UNION MATCH (p:Profile) WHERE p.space = $space AND p.touched > 0 RETURN p AS found LIMIT 1 }
RETURN count(found) > 0 AS waits
"""


def run(service: Running) -> None:
    """Print both tables."""
    take = Stream(seed=3).take
    works = [
        Work("single events, 32 senders", take, 1, 32),
        Work("single events, 1 sender", take, 1, 1),
        Work("batches of 100, 4 senders", take, 100, 4),
    ]
    measure(service, works, [take(100) for _ in range(HISTORY // 100)])


def measure(
    service: Running, works: Sequence[Work], history: Sequence[list[dict[str, Any]]]
) -> None:
    """Print what marks cost, and what it costs until all is computed."""
    keys = {name: service.create_space(name)["writeKey"] for name in (MARKED, COMPUTED, PLAIN)}
    asyncio.run(_measure(service, keys, works, history))


async def _measure(
    service: Running,
    keys: Mapping[str, str],
    works: Sequence[Work],
    history: Sequence[list[dict[str, Any]]],
) -> None:
    results: dict[str, list[Done]] = {}
    async with driver_of(service.settings) as driver:
        await driver.execute_query(HOLD, space=MARKED)
        for name in (MARKED, COMPUTED):
            await asyncio.to_thread(service.apply_profiles, name, TEXT)
        contenders = [
            service_of(service, keys[MARKED]),
            Computed(service_of(service, keys[COMPUTED]), driver),
            service_of(service, keys[PLAIN]),
        ]
        for each in contenders:
            await each.send(each.prepare(history), 4)
        for work in works:
            results[work.name] = await take_turns(work, contenders)
    for title, place in (("marks alone", 0), ("until all is computed", 1)):
        print_results(
            f"Events acknowledged in a space with a profiles text, {title}, beside one without",
            ("with a text", "without"),
            {name: [done[place], done[2]] for name, done in results.items()},
        )


class Computed:
    """The service over HTTP; done when what was sent is in the profiles."""

    def __init__(self, over_http: OverHttp, driver: AsyncDriver) -> None:
        self._over_http = over_http
        self._driver = driver

    @property
    def clocks(self) -> Mapping[str, Clock]:
        """Those of the service."""
        return self._over_http.clocks

    def prepare(self, requests: Sequence[list[dict[str, Any]]]) -> list[bytes]:
        """The bytes of the requests."""
        return self._over_http.prepare(requests)

    async def send(self, prepared: list[bytes], senders: int) -> list[float]:
        """Send them, and wait."""
        took = await self._over_http.send(prepared, senders)
        while True:
            answer = await self._driver.execute_query(WAITS, space=COMPUTED)
            if not answer.records[0]["waits"]:
                return took
            await asyncio.sleep(LOOK_EVERY)
