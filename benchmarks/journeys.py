"""Journeys over a million events, beside the same questions to DuckDB over Parquet, in turns.

Answers are compared too: a difference ends the run.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from neo4j import AsyncGraphDatabase

from benchmarks.journey_peer import TIMELINE, Peer, question
from benchmarks.journey_world import CUSTOMERS, DAY, DAYS, EVENTS, SPACE, START, World, build, write
from benchmarks.running import Running
from identity_service.domain.journeys import JOURNEYS
from identity_service.graph.customers import LIST_EVENTS_NEWEST_FIRST
from identity_service.graph.database import Database
from identity_service.graph.journeys import JourneyReader
from identity_service.settings import Settings

ROUNDS: Final = 3
UNTIL: Final = START + (DAYS + 2) * DAY
FUNNEL: Final = ("Product Viewed", "Product Added", "Checkout Started")
MONTH: Final = 30 * DAY

GIVEN: Final[Mapping[str, Mapping[str, Any]]] = {
    "last_page_before": {"event": "Order Completed"},
    "flows": {},
    "funnel": {"steps": FUNNEL},
    "funnel_by": {"steps": FUNNEL, "by": "utm_source"},
    "correlation": {"goal": "Order Completed"},
    "drop_off": {},
    "retention": {},
    "time_to_convert": {"start_event": FUNNEL[0], "goal": "Order Completed"},
    "attribution": {"goal": "Order Completed"},
}
ASKED: Final[Mapping[str, Mapping[str, Any]]] = {
    "last_page_before": {"event": "Order Completed"},
    "flows": {},
    "funnel": {"one": FUNNEL[0], "two": FUNNEL[1], "three": FUNNEL[2], "within": MONTH},
    "funnel_by": {"one": FUNNEL[0], "two": FUNNEL[1], "three": FUNNEL[2], "within": MONTH},
    "correlation": {"goal": "Order Completed"},
    "drop_off": {"silent_for": MONTH},
    "retention": {},
    "time_to_convert": {"one": FUNNEL[0], "two": "Order Completed", "within": 90 * DAY},
    "attribution": {
        "goal": "Order Completed",
        "within": MONTH,
        "session": 1_800_000,
        "half_life": 7 * DAY,
    },
}
"""What the journeys are given, and what the peer is asked for the same."""


def run(service: Running) -> None:
    """Build the world, ask both, print."""
    print(f"\njourneys: {EVENTS:,} events of {CUSTOMERS:,} customers, all of them in the range")
    world = build()
    asyncio.run(_fill(service.neo4j_uri, world))
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(compare(service.neo4j_uri, world, Peer(world, Path(directory))))


async def compare(uri: str, world: World, peer: Peer) -> None:
    """Ask a Neo4j that holds the world and the peer in turns; print the best of each."""
    print(f"{'':>18} {'Cypher s':>9} {'DuckDB s':>9} {'times':>6}")
    async with await Database.open(Settings(neo4j_uri=uri, journey_timeout=600)) as database:
        reader = JourneyReader(database)
        for name, given in GIVEN.items():
            arguments = JOURNEYS[name].arguments({"until": UNTIL, **given}, UNTIL)
            text = question(name)
            told = {"since": arguments["since"], "until": UNTIL, **ASKED[name]}
            told = {key: value for key, value in told.items() if f"${key}" in text}

            async def journey(name: str = name, arguments: Any = arguments) -> Sequence[Any]:
                return await reader.rows(name, SPACE, arguments)

            def peer_answer(text: Any = text, told: Any = told) -> Sequence[Any]:
                return peer.answer(text, **told)

            await _in_turns(name, journey, peer_answer)

        number = max(range(CUSTOMERS), key=lambda n: world.kinds[n] == "KNOWN")
        timeline = {
            "space": SPACE,
            "customer": world.customer_id(number),
            "names": None,
            "since": 0,
            "until": UNTIL,
            "at": UNTIL,
            "message_id": "",
            "most": 50,
        }

        async def newest() -> Sequence[Any]:
            row = await database.read_one(LIST_EVENTS_NEWEST_FIRST, w=timeline)
            return [] if row is None else [(event[1], event[4]) for event in row["events"]]

        await _in_turns(
            "timeline", newest, lambda: peer.answer(TIMELINE, customer=timeline["customer"])
        )


async def _fill(uri: str, world: World) -> None:
    async with AsyncGraphDatabase.driver(uri) as driver:  # pyright: ignore[reportUnknownMemberType]
        await write(driver, world)
        await driver.execute_query("CALL db.awaitIndexes(600)")


async def _in_turns(
    name: str,
    journey: Callable[[], Awaitable[Sequence[Any]]],
    peer_answer: Callable[[], Sequence[Any]],
) -> None:
    ours, theirs = float("inf"), float("inf")
    found: Sequence[Any] = ()
    expected: Sequence[Any] = ()
    for _ in range(ROUNDS):
        began = time.perf_counter()
        found = await journey()
        between = time.perf_counter()
        expected = peer_answer()
        ours = min(ours, between - began)
        theirs = min(theirs, time.perf_counter() - between)
    if list(map(_rounded, found)) != list(map(_rounded, expected)):
        raise RuntimeError(f"{name}: {found[:3]} is not {expected[:3]}")
    print(f"{name:>18} {ours:>9.3f} {theirs:>9.3f} {ours / theirs:>6.2f}", flush=True)


def _rounded(row: Sequence[Any]) -> list[Any]:
    return [round(float(x), 4) if isinstance(x, (float, int, Decimal)) else x for x in row]
