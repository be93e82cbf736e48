"""What each source sends is counted by what becomes of it, exactly and over all processes."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import REGISTRY

from identity_service.domain.events import Rejection, RejectionCode, ReportedEvent
from identity_service.domain.sources import SourceStatistics
from identity_service.errors import Unavailable
from identity_service.graph.database import Database
from identity_service.services.kit.clock import system_clock
from identity_service.settings import Settings
from tests.support.relay import Relay
from tests.support.space import TESTS, NewWorld, World, beside, event

ANN, BOB, NOBODY = "user_id:ann", "user_id:bob", "user_id:null"


async def sent_of(space: World) -> SourceStatistics:
    """What is counted of the source of the space, once this process has written it."""
    await space.use_cases.source_counts.write()
    sources = space.use_cases.sources
    return await sources.statistics(await sources.find(TESTS, space.space), 1)


def events_total(source: str, outcome: str) -> float | None:
    labels = {"source": source, "outcome": outcome}
    return REGISTRY.get_sample_value("identity_source_events_total", labels)


async def test_events_are_counted_by_what_became_of_them(world: NewWorld) -> None:
    space, now = await world(), system_clock()
    unread = Rejection(RejectionCode.INVALID_TIME, "No time.", "m9", {})
    first = event("m1", now - 4_000, ANN, digest="a")

    async def send(*events: ReportedEvent, rejections: tuple[Rejection, ...] = ()) -> None:
        await space.send(*events, rejections=rejections, source=space.space, received_at=now)

    await send(first, event("m2", now, BOB), event("m3", now, NOBODY), rejections=(unread,))
    await send(first, event("m1", now - 2_000, ANN, digest="b"))
    await send(event("m4", now, NOBODY))

    found = await sent_of(space)
    source = await space.use_cases.sources.find(TESTS, space.space)
    assert found == SourceStatistics(
        received=7,
        accepted=3,
        known=1,
        dropped=0,
        rejected={"INVALID_TIME": 1, "NO_IDENTIFIER": 2},
        collisions=1,
        mean_lag_ms=2_000.0,
        longest_lag_ms=4_000,
    )
    assert source.last_seen == now
    outcomes = ("accepted", "known", "rejected")
    assert [events_total(space.space, outcome) for outcome in outcomes] == [3.0, 1.0, 3.0]


async def test_a_source_that_sent_nothing_has_no_figures(world: NewWorld) -> None:
    space = await world()

    found = await sent_of(space)

    assert found == SourceStatistics(0, 0, 0, 0, {}, 0, None, None)
    assert (await space.use_cases.sources.find(TESTS, space.space)).last_seen is None


async def test_two_processes_add_up(world: NewWorld, database: Database) -> None:
    space, now = await world(), system_clock()
    other = beside(space, database)

    for number in range(5):
        await asyncio.gather(
            *(
                each.send(
                    event(f"{name}{number}", now, f"user_id:{name}"),
                    source=space.space,
                    received_at=now,
                )
                for name, each in (("a", space), ("b", other))
            )
        )
        await asyncio.gather(*(each.use_cases.source_counts.write() for each in (space, other)))

    assert (await sent_of(space)).accepted == 10


async def test_what_could_not_be_written_is_kept_to_be_written_again(
    world: NewWorld, database_settings: Settings
) -> None:
    space, now = await world(), system_clock()
    assert database_settings.neo4j_uri is not None
    async with Relay.to(database_settings.neo4j_uri) as relay:
        behind = database_settings.model_copy(update={"neo4j_uri": relay.uri})
        async with await Database.open(behind) as database:
            sender = beside(space, database)
            await sender.send(event("m1", now, ANN), source=space.space, received_at=now)
            await relay.close()
            for _ in range(2):  # with nothing to write, the second would not ask
                with pytest.raises(Unavailable):
                    await sender.use_cases.source_counts.write()
            await sender.use_cases.source_counts.close()

    assert (await sent_of(space)).accepted == 0
