"""Events per second that the service takes, beside the floor, in turns."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from neo4j import AsyncDriver

from benchmarks.contenders import BareGroupCommit, BareUnwind, FromFiles, service_of
from benchmarks.floors import WriteFloor
from benchmarks.history import print_history
from benchmarks.running import Running, driver_of
from benchmarks.stream import SignUps, Stream
from benchmarks.turns import Contender, Done, Work, print_results, take_turns

HISTORY = 20_000
"""Events that both spaces hold before anything is measured."""

FILES = 2
"""Files that are loaded side by side."""

FILE_BATCH = 500
"""Events that the floor of a file writes at a time, as the command does."""

FILE_SECONDS = 30.0
"""How long a file takes, so that the start of the command weighs little."""

BESIDE_HTTP_SECONDS = 15.0
"""The same, where the events are sent over HTTP too, which takes longer."""

Row = tuple[Work, Contender, Contender]


def run(service: Running) -> None:
    """Print the whole table."""
    _run(service, "")


def run_single_events(service: Running) -> None:
    """Print the lines of single events."""
    _run(service, "single events")


def run_files(service: Running) -> None:
    """Print how much faster a file is than the same events over HTTP."""
    write_key = service.create_space("files")["writeKey"]
    asyncio.run(_measure_files(service, write_key))


async def _measure_files(service: Running, write_key: str) -> None:
    take = Stream(seed=2).take
    over_http = service_of(service, write_key)
    works = [
        Work("single events, 32 senders", take, 1, 32, BESIDE_HTTP_SECONDS, turns=2),
        Work("batches of 100, 1 sender", take, 100, 1, BESIDE_HTTP_SECONDS, turns=2),
        Work("batches of 100, 4 senders", take, 100, 4, BESIDE_HTTP_SECONDS, turns=2),
    ]
    results: dict[str, list[Done]] = {}
    with tempfile.TemporaryDirectory(prefix="identity-benchmark-") as directory:
        from_file = FromFiles(service, "files", Path(directory), processes=1)
        for work in works:
            results[work.name] = await take_turns(work, [from_file, over_http])
    print_results(
        "Events from one file, the start of the command included, beside the same over HTTP",
        ("file", "HTTP"),
        results,
    )


def _run(service: Running, begins: str) -> None:
    write_key = service.create_space("ingest")["writeKey"]
    service.create_space("floor")  # its rows are written past the service
    asyncio.run(_measure(service, write_key, begins))


async def _measure(service: Running, write_key: str, begins: str) -> None:
    results: dict[str, list[Done]] = {}
    with tempfile.TemporaryDirectory(prefix="identity-benchmark-") as directory:
        async with driver_of(service.settings) as driver:
            for work, *contenders in await _rows(service, write_key, driver, Path(directory)):
                if work.name.startswith(begins):
                    results[work.name] = await take_turns(work, contenders)
    print_results(
        "Events acknowledged (floor: the same rows by bare UNWIND statements;"
        " single events by a bare group commit)",
        ("service", "floor"),
        results,
    )
    if not begins:
        print_history(results)


async def _rows(
    service: Running, write_key: str, driver: AsyncDriver, directory: Path
) -> list[Row]:
    """What is measured, once both spaces have a history."""
    over_http = service_of(service, write_key)
    from_files = FromFiles(service, "ingest", directory, FILES)
    floor = WriteFloor(driver, "floor")
    group_commit = BareGroupCommit(service, floor)
    unwind = BareUnwind(service, floor, writers=1)
    unwind_files = BareUnwind(service, floor, writers=FILES)
    take = Stream(seed=1).take
    history = [take(500) for _ in range(HISTORY // 500)]
    await over_http.send(over_http.prepare(history), 1)
    await unwind.send(unwind.prepare(history), 1)
    file = Work(f"{FILES} files, side by side", take, FILE_BATCH, FILES, FILE_SECONDS, turns=3)
    return [
        (Work("single events, 32 senders", take, 1, 32), over_http, group_commit),
        (Work("single events, 1 sender", take, 1, 1), over_http, group_commit),
        (Work("batches of 100, 4 senders", take, 100, 4), over_http, unwind),
        (Work("batches of 100, 1 sender", take, 100, 1), over_http, unwind),
        (Work("first sign-ups, 32 senders", SignUps().take, 1, 32), over_http, group_commit),
        (file, from_files, unwind_files),  # the last: hundreds of thousands of events
    ]
