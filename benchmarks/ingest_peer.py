"""Events per second that the service takes, beside PostgreSQL behind a small application."""

from __future__ import annotations

import asyncio

from benchmarks.contenders import OverHttp, service_of
from benchmarks.history import print_history
from benchmarks.peer import postgres
from benchmarks.processors import clock_of
from benchmarks.running import Running
from benchmarks.stream import SignUps, Stream
from benchmarks.turns import Work, print_results, take_turns

HISTORY = 20_000
"""Events that both hold before anything is measured."""


def run(service: Running) -> None:
    """Print the table."""
    write_key = service.create_space("ingest-peer")["writeKey"]
    with postgres.running() as peer:
        clocks = {"own": clock_of(peer.app), "database": clock_of(peer.postgres)}
        contenders = (service_of(service, write_key), OverHttp(peer.port, "none", clocks))
        asyncio.run(_measure(contenders, peer.version))


async def _measure(contenders: tuple[OverHttp, OverHttp], version: str) -> None:
    take = Stream(seed=1).take
    history = [take(500) for _ in range(HISTORY // 500)]
    for contender in contenders:
        await contender.send(contender.prepare(history), 1)
    works = [
        Work("single events, 32 senders", take, 1, 32),
        Work("single events, 1 sender", take, 1, 1),
        Work("batches of 100, 4 senders", take, 100, 4),
        Work("batches of 100, 1 sender", take, 100, 1),
        Work("first sign-ups, 32 senders", SignUps().take, 1, 32),
    ]
    results = {work.name: await take_turns(work, contenders) for work in works}
    print_results(
        f"Events acknowledged over HTTP (peer: {version}, uvicorn, asyncpg)",
        ("service", "peer"),
        results,
    )
    print_history(results)
