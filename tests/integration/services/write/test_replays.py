"""A source's history, replayed into another space, gives the customers of a fresh feed."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from identity_service.collect.segment import Collected
from identity_service.domain.events import ReportedEvent
from identity_service.domain.identifiers import parse_identifier
from identity_service.domain.judgements import Verdict
from identity_service.errors import BadInput, NotFound
from identity_service.services.write.replays import ReplayProgress
from tests.support.space import SOURCE, NewWorld, World, event, proof_of

POLICY = "extends: quarantine\n"
LIMITED = POLICY + f"limited_sources: [{SOURCE}]\n"

PEOPLE = ("user_id:ann", "user_id:ben", "user_id:null")
THINGS = (
    "email:ann@example.com",
    "email:ben@example.com",
    "anonymous_id:a",
    "anonymous_id:b",
    "anonymous_id:c",
    "ios.id:tablet",
)


def history(draw: random.Random, number: int) -> list[tuple[int, list[ReportedEvent]]]:
    """Requests, each with its receipt and its events; some are received in one millisecond."""
    requests: list[tuple[int, list[ReportedEvent]]] = []
    for n in range(number):
        events = [
            replace(
                event(
                    f"m{n}-{place}",
                    1_000 + draw.randrange(50),
                    *draw.sample(PEOPLE, draw.choice((0, 1, 1))),
                    *draw.sample(THINGS, draw.choice((1, 2))),
                    traits={"n": n},
                    context={"traits": {"n": n}, "userId": "u"},
                    digest=f"{n:032x}",
                ),
                place=place,
                name=f"E{n}",
            )
            for place in range(draw.choice((1, 1, 3)))
        ]
        requests.append((2_000 + n // 3, events))
    return requests


async def send_all(space: World, requests: list[tuple[int, list[ReportedEvent]]]) -> None:
    for received_at, events in requests:
        await space.send(*events, received_at=received_at)


async def replay(space: World, into: World, source: str = SOURCE) -> list[ReplayProgress]:
    return [each async for each in space.use_cases.replays.replay(space.scope, source, into.scope)]


async def events_of(space: World) -> list[Any]:
    """Events with all that makes them out, but for their space."""
    rows = await space.rows(
        "MATCH (e:Event {space: $space}) WITH e,"
        " [(e)-[:OBSERVED]->(i) | i.type + ':' + i.value] AS who,"
        " [(e)-[:ATTRIBUTED_TO]->(i) | i.type + ':' + i.value] AS strongest,"
        " [(e)-[:NAMES]->(a) | a.account_id] AS accounts"
        " RETURN e {.*, key: substring(e.key, size(e.space)), space: null} AS event,"
        " [x IN who | x] AS who, strongest, accounts ORDER BY event.key"
    )
    return [[row[0], sorted(row[1]), *row[2:]] for row in rows]


async def partition_of(space: World) -> set[frozenset[str]]:
    rows = await space.rows(
        "MATCH (c:Customer {space: $space})<-[:BELONGS_TO]-(i:Identifier)"
        " RETURN collect(i.type + ':' + i.value) AS who, c.id"
    )
    return {frozenset(row[0]) for row in rows}


@pytest.mark.parametrize("seed", range(3))
async def test_the_new_space_is_that_of_a_fresh_feed(world: NewWorld, seed: int) -> None:
    requests = history(random.Random(seed), 60)  # noqa: S311
    space, fresh, new = await world(POLICY), await world(POLICY), await world(POLICY)
    await send_all(space, requests)
    await space.send(event("other", 1, "user_id:ann"), source="another")
    await send_all(fresh, requests)

    progress = await replay(space, new)

    total = sum(len(events) for _, events in requests)
    assert progress[-1] == ReplayProgress(total, total)
    assert await events_of(new) == await events_of(fresh)
    assert await partition_of(new) == await partition_of(fresh)


async def test_one_that_was_stopped_goes_on_and_one_that_is_done_takes_what_came_since(
    world: NewWorld,
) -> None:
    space, new = await world(), await world()
    for n in range(1_100):
        await space.use_cases.ingest.take(
            space.use_cases.access.as_sender(space.scope, SOURCE, None),
            Collected((event(f"m{n}", n, f"user_id:u{n % 7}"),), ()),
            10_000 + n,
        )
    stopped = space.use_cases.replays.replay(space.scope, SOURCE, new.scope)
    seen = [await anext(stopped), await anext(stopped)]
    await stopped.aclose()
    before = len(await events_of(new))

    rest = await replay(space, new)
    await space.send(event("late", 5, "user_id:u1"), received_at=20_000)
    late = await replay(space, new)

    assert [each.sent for each in seen] == [0, 500]
    assert before == 500
    assert [each.sent for each in rest] == [500, 1_000, 1_100]
    assert [each.sent for each in late] == [1_100, 1_101]
    assert len(await events_of(new)) == 1_101


async def test_what_was_proven_and_what_judgements_took_out_is_as_it_was_sent(
    world: NewWorld,
) -> None:
    space, fresh, new = await world(LIMITED), await world(LIMITED), await world(LIMITED)
    proven = replace(event("m1", 1, "user_id:ann", "email:a@x.org"), proof=proof_of("ann"))
    other = event("m2", 2, "user_id:ben", "email:b@x.org")
    for each in (space, fresh):
        await each.send(proven, other, event("m3", 3, "user_id:ann", "anonymous_id:a"))
    await space.judge(Verdict.APART, "user_id:ann", "email:a@x.org")
    await space.use_cases.judgements.detach(
        space.scope, "m3", parse_identifier("anonymous_id:a"), "not hers"
    )

    await replay(space, new)

    assert await partition_of(new) == await partition_of(fresh)
    assert await events_of(new) == await events_of(fresh)


async def test_a_space_is_not_replayed_into_itself_nor_a_source_that_sent_nothing(
    world: NewWorld,
) -> None:
    space, new = await world(), await world()

    with pytest.raises(BadInput, match="another space"):
        await replay(space, space)
    with pytest.raises(NotFound, match="Nothing was received"):
        await replay(space, new, "nobody")
