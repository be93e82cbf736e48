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

import psutil

from benchmarks.journey_peer import TIMELINE, Peer, question
from benchmarks.journey_world import CUSTOMERS, DAY, DAYS, EVENTS, SPACE, START, World, build, fill
from benchmarks.running import Running
from identity_service.domain.journeys.journeys import JOURNEYS
from identity_service.graph.customers import LIST_EVENTS_NEWEST_FIRST
from identity_service.graph.database import Database
from identity_service.graph.journeys import JourneyReader
from identity_service.settings import Settings

ResolutionInput = Callable[[], Awaitable[Sequence[Any]]]

ROUNDS: Final = 5
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
    "customer_path": {"identifier": "anonymous_id:a0"},
    "hidden_by_quarantine": {},
    "cross_app_users": {},
    "accounts": {"steps": FUNNEL[1:]},
    "newsletter_to_customer": {"subscribed": "Signed Up", "goal": "Order Completed"},
    "changed_identities": {"changed_since": START, "event": "Order Completed"},
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
    "customer_path": {"identifier": f"{SPACE}/anonymous_id:a0", "session": 1_800_000},
    "hidden_by_quarantine": {},
    "cross_app_users": {},
    "accounts": {"one": FUNNEL[1], "two": FUNNEL[2]},
    "newsletter_to_customer": {"one": "Signed Up", "two": "Order Completed", "within": 90 * DAY},
    "changed_identities": {"changed_since": START, "event": "Order Completed"},
}
"""What the journeys are given, and what the peer is asked for the same."""


def run(service: Running) -> None:
    """Build the world, ask both, print."""
    print(f"\njourneys: {EVENTS:,} events of {CUSTOMERS:,} customers, all of them in the range")
    world = build()
    asyncio.run(fill(service.settings, world))
    with tempfile.TemporaryDirectory() as directory:
        peer = Peer(world, Path(directory))
        asyncio.run(compare(service.settings, service.neo4j, world, peer))


async def compare(settings: Settings, neo4j: psutil.Process, world: World, peer: Peer) -> None:
    """Ask a Neo4j that holds the world and the peer in turns; print the best of each.

    Processor seconds are of all threads, and of the whole process: Neo4j's compiler too.
    """
    print(f"{'':>22}  seconds                 processor seconds")
    print(f"{'':>22} {'Cypher':>8} {'DuckDB':>8} {'times':>6} {'Cypher':>8} {'DuckDB':>8}")
    patient = settings.model_copy(update={"journey_timeout": 600})
    async with await Database.open(patient) as database:
        reader = JourneyReader(database)

        async def turns(name: str, ours: ResolutionInput, theirs: ResolutionInput) -> None:
            await _in_turns(name, (neo4j, ours), (psutil.Process(), theirs))

        for name, given in GIVEN.items():
            arguments = JOURNEYS[name].arguments({"until": UNTIL, **given}, UNTIL)
            if "identifier" in arguments:
                arguments["identifier"] = str(arguments["identifier"])
            text = question(name)
            parameters = {"since": arguments["since"], "until": UNTIL, **ASKED[name]}
            parameters = {key: value for key, value in parameters.items() if f"${key}" in text}

            async def journey(name: str = name, arguments: Any = arguments) -> Sequence[Any]:
                return await reader.rows(name, SPACE, arguments)

            async def peer_answer(text: Any = text, parameters: Any = parameters) -> Sequence[Any]:
                return peer.answer(text, **parameters)

            await turns(name, journey, peer_answer)

        number = max(range(CUSTOMERS), key=lambda n: world.kinds[n] == "KNOWN")
        timeline = {
            "space": SPACE,
            "customer": world.customer_id(number),
            "names": None,
            "since": 0,
            "until": UNTIL,
            "after": [UNTIL, UNTIL, 0, ""],
            "most": 50,
        }

        async def newest() -> Sequence[Any]:
            row = await database.read_one(LIST_EVENTS_NEWEST_FIRST, w=timeline)
            return [] if row is None else [(event[1], event[4]) for event in row["events"]]

        async def peer_newest() -> Sequence[Any]:
            return peer.answer(TIMELINE, customer=timeline["customer"])

        await turns("timeline", newest, peer_newest)


async def _in_turns(
    name: str,
    ours: tuple[psutil.Process, ResolutionInput],
    theirs: tuple[psutil.Process, ResolutionInput],
) -> None:
    best = [[float("inf"), float("inf")], [float("inf"), float("inf")]]
    answers: list[Sequence[Any]] = [(), ()]
    for _ in range(ROUNDS):
        for place, (process, ask) in enumerate((ours, theirs)):
            spent, began = _spent(process), time.perf_counter()
            answers[place] = await ask()
            took = time.perf_counter() - began, _spent(process) - spent
            best[place] = list(map(min, best[place], took))
    found, expected = ([_rounded(row) for row in answer] for answer in answers)
    if found != expected:
        differing = [pair for pair in zip(found, expected, strict=False) if pair[0] != pair[1]]
        raise RuntimeError(f"{name}: {len(found)} and {len(expected)} rows, {differing[:3]}")
    (seconds, processor), (their_seconds, their_processor) = best
    clock = f"{seconds:>8.3f} {their_seconds:>8.3f} {seconds / their_seconds:>6.2f}"
    print(f"{name:>22} {clock} {processor:>8.2f} {their_processor:>8.2f}", flush=True)


def _spent(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _rounded(row: Sequence[Any]) -> list[Any]:
    return [round(float(x), 4) if isinstance(x, (float, int, Decimal)) else x for x in row]
