"""Features and audiences of a million events, beside the same in DuckDB over the export.

Answers are compared too: a difference ends the run.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Final

import psutil

from benchmarks.figures import table
from benchmarks.journey_world import CUSTOMERS, EVENTS, SPACE, build, fill
from benchmarks.processors import clock_of
from benchmarks.profile_peer import AUDIENCES, FEATURES, TEXT, Peer
from benchmarks.running import SERVE, Running, environment_of

LOOK_EVERY: Final = 0.2
"""Seconds between two looks at memory."""


SEARCHES: Final = 5
SEARCH: Final = """query ($space: String!) { space(name: $space) {
  customersByFeature(orderBy: "revenue", where: [{name: "orders", gte: 2}], first: 50) {
    edges { node { id } } } } }"""


def run(service: Running) -> None:
    """Build the world, compute it twice, print."""
    measure(service, CUSTOMERS, EVENTS)


def measure(service: Running, customers: int, events: int) -> None:
    """Have the service compute a world, export it, and compute the export; print."""
    service.create_space(SPACE)
    asyncio.run(fill(service.settings, build(customers, events)))
    with _watched("service", service.service) as own, _watched("Neo4j", service.neo4j) as neo4j:
        service.apply_profiles(SPACE, TEXT)
        asyncio.run(service.wait_until_computed(SPACE))
    found = min(asyncio.run(_seconds_of_a_search(service)) for _ in range(SEARCHES))
    with tempfile.TemporaryDirectory(prefix="identity-benchmark-") as directory:
        export = Path(directory) / "export"
        _export(service, export)
        peer = Peer(export)
        with _watched("DuckDB", psutil.Process()) as duckdb:
            peer.compute()
        if peer.customers() != customers:
            raise RuntimeError(f"{peer.customers():,} customers, not {customers:,}")
        if differing := {name: n for name, n in peer.differing().items() if n}:
            raise RuntimeError(f"Customers that differ: {differing}")
        table(
            f"{len(FEATURES)} features and {len(AUDIENCES)} audiences over {events:,} events of"
            f" {customers:,} customers: no value differs",
            ("process", "s", "processor s", "MB at most", "more than before"),
            [each.row() for each in (own, neo4j, duckdb)],
        )
    print(f"  customersByFeature, a page of 50 among these profiles: {found * 1_000:.0f} ms")
    print(
        f"  service: {events / own.seconds:,.0f} events/s, {customers / own.seconds:,.0f}"
        f" customers/s; {own.seconds / duckdb.seconds:,.0f} times as long as DuckDB"
    )


@dataclass
class _Watched:
    """What a process used during a block. Memory is in bytes."""

    name: str
    memory_before: int
    seconds: float = 0.0
    processor: float = 0.0
    memory: int = 0

    def row(self) -> Sequence[str]:
        """A row of the table."""
        return (
            self.name,
            f"{self.seconds:.1f}",
            f"{self.processor:.1f}",
            f"{self.memory / 1e6:,.0f}",
            f"{(self.memory - self.memory_before) / 1e6:,.0f}",
        )


@contextmanager
def _watched(name: str, process: psutil.Process) -> Generator[_Watched]:
    """What a process uses in a block."""
    found = _Watched(name, process.memory_info().rss)
    ended = Event()

    def look() -> None:
        while True:
            found.memory = max(found.memory, process.memory_info().rss)
            if ended.wait(LOOK_EVERY):
                return

    looking = Thread(target=look)
    looking.start()
    clock = clock_of(process)
    processor, began = clock(), time.perf_counter()
    try:
        yield found
    finally:
        found.seconds, found.processor = time.perf_counter() - began, clock() - processor
        ended.set()
        looking.join()


async def _seconds_of_a_search(service: Running) -> float:
    key = service.keys[SPACE]["readerKey"]
    began = time.perf_counter()
    await service.ask(key, SEARCH, space=SPACE)
    return time.perf_counter() - began


def _export(service: Running, directory: Path) -> None:
    subprocess.run(
        [sys.executable, "-c", SERVE, "export", "--space", SPACE, "--to", str(directory)],
        env={**os.environ, **environment_of(service.settings)},
        stdout=subprocess.DEVNULL,
        check=True,
    )
