"""How fast a policy is previewed over a whole space: read, resolved and compared.

Run: python -m benchmarks.preview [IDENTIFIERS]. The floor is scipy's connected components over
the same links, in memory. The preview runs in a process of its own, whose memory is printed.
"""

from __future__ import annotations

import asyncio
import resource
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Any, LiteralString, cast

from benchmarks.resolution import DEFAULT, best_of, space
from benchmarks.running import Running, driver_of, running
from identity_service.domain.identifiers import IdentifierKind
from identity_service.domain.resolution.evidence import Evidence
from identity_service.domain.resolution.resolve import resolve, strength
from identity_service.graph.database import Database
from identity_service.graph.keys import identifier_key
from identity_service.services.spaces.access import Role
from identity_service.services.wiring import assemble
from identity_service.settings import Settings

IDENTIFIERS = 100_000
NAME = "preview"
IDENTIFIERS_OF_A_PERSON = 4.45
ROWS = 10_000
LOAD = cast("LiteralString", (Path(__file__).parent / "floor" / "load_settled.cypher").read_text())

POLICIES = {
    "the policy in force": "extends: quarantine\n",
    "dominant_owner": "extends: dominant_owner\n",
    "merge_all": "extends: merge_all\n",
}


@dataclass(frozen=True)
class Measured:
    """Seconds until the space was read, and until all was compared; the longest pause in between.

    `longest` is how long the event loop did nothing else at most; `memory` in megabytes.
    """

    reading: float
    all: float
    longest: float
    differences: int
    memory: float


def run(service: Running, identifiers: int = IDENTIFIERS) -> None:
    """Print the table."""
    evidence = space(round(identifiers / IDENTIFIERS_OF_A_PERSON), shuffled=False)
    size, links = len(evidence.identifiers), len(evidence.links)
    service.create_space(NAME)
    asyncio.run(_load(service.settings, evidence))
    floor = best_of(3, _floor(evidence))
    print(f"Preview of {size:,} identifiers and {links:,} links")
    print(
        f"  {'policy':<20} {'read':>8} {'all':>8} {'identifiers/s':>14} {'of floor':>9}"
        f" {'pause':>9} {'memory':>8} {'differences':>12}"
    )
    for name, text in POLICIES.items():
        with ProcessPoolExecutor(1, get_context("spawn")) as process:
            found = process.submit(measure, service.settings, text).result()
        print(
            f"  {name:<20} {found.reading:6.1f} s {found.all:6.1f} s {size / found.all:14,.0f}"
            f" {floor / found.all:9.4f} {found.longest * 1000:6.0f} ms {found.memory:5.0f} MB"
            f" {found.differences:12,}"
        )
    print(f"  {'scipy, in memory':<20} {'':8} {floor:6.2f} s {size / floor:14,.0f}")


def measure(settings: Settings, text: str) -> Measured:
    """Preview a policy in this process."""
    return asyncio.run(_measure(settings, text))


async def _measure(settings: Settings, text: str) -> Measured:
    async with await Database.open(settings) as database:
        cases = assemble(database, 1)
        scope = cases.access.require(cases.access.operator(NAME), NAME, Role.ADMIN)
        ticking = asyncio.ensure_future(_longest_pause())
        begun = read = perf_counter()

        def progress(step: str, _done: int, _of: int | None) -> None:
            nonlocal read
            if step == "reading":
                read = perf_counter()

        found = await cases.previews.preview(scope, text, progress)
        ended = perf_counter()
        ticking.cancel()
        [longest] = await asyncio.gather(ticking, return_exceptions=True)
        await cases.ingest.close()
        return Measured(
            reading=read - begun,
            all=ended - begun,
            longest=longest if isinstance(longest, float) else 0,
            differences=found.preview.summary.differences.total(),
            memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        )


async def _longest_pause() -> float:
    longest, last = 0.0, perf_counter()
    try:
        while True:
            await asyncio.sleep(0.001)
            now = perf_counter()
            longest, last = max(longest, now - last), now
    except asyncio.CancelledError:
        return longest


def _floor(evidence: Evidence) -> Any:
    import numpy as np
    from scipy import sparse  # pyright: ignore[reportMissingTypeStubs]

    scipy: Any = sparse  # it has no type stubs
    count, size = len(evidence.links), len(evidence.identifiers)
    ends = np.array([(link.a, link.b) for link in evidence.links])
    graph = scipy.csr_array((np.ones(count, dtype=np.int8), ends.T), shape=(size, size))
    return lambda: scipy.csgraph.connected_components(graph, directed=False)


async def _load(settings: Settings, evidence: Evidence) -> None:
    """Write the space as ingest would have left it, past the service."""
    async with driver_of(settings) as driver:
        for rows in _rows(evidence):
            await driver.execute_query(LOAD, w=rows)  # pyright: ignore[reportUnknownMemberType]


def _rows(evidence: Evidence) -> Iterator[dict[str, Any]]:
    empty: dict[str, Any] = {
        "space": NAME,
        **{n: [] for n in ("identifiers", "customers", "links", "contested", "super_connectors")},
    }
    resolution, named = resolve(evidence, DEFAULT), evidence.identifiers
    keys = [identifier_key(NAME, identifier) for identifier in named]
    seen = zip(keys, named, evidence.first_seen, strict=True)
    customers = (
        [
            f"cus_{number:032x}",
            _kind([named[i].type for i in some], contested=bool(resolution.contested & {*some})),
            keys[min(some, key=lambda i: strength(named[i], DEFAULT))],
            [keys[i] for i in some],
        ]
        for number, some in enumerate(resolution.clusters())
    )
    links = (
        [*(keys[i] for i in sorted((n.a, n.b), key=lambda i: named[i])), *n[2:]]
        for n in evidence.links
    )
    everything: dict[str, Iterable[Any]] = {
        "identifiers": ([key, *i, at] for key, i, at in seen),
        "customers": customers,
        "links": links,
        "contested": (keys[i] for i in resolution.contested),
        "super_connectors": (keys[i] for i in resolution.super_connectors),
    }
    for name, rows in everything.items():
        some: list[Any] = []
        for row in rows:
            some.append(row)
            if len(some) == ROWS:
                yield {**empty, name: some}
                some = []
        yield {**empty, name: some}


def _kind(types: Iterable[str], *, contested: bool) -> str:
    if contested:
        return "QUARANTINED"
    rules = [DEFAULT.rule_of(kind) for kind in types]
    known = any(rule and rule.kind is IdentifierKind.PERSON for rule in rules)
    return "KNOWN" if known else "ANONYMOUS"


if __name__ == "__main__":
    with running() as service:
        run(service, *map(int, sys.argv[1:]))
