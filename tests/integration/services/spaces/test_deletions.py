"""A space is deleted: all of it, nothing else, whatever happens meanwhile, and its name is free."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from identity_service.collect.segment import Collected
from identity_service.errors import NotFound, Unavailable
from identity_service.graph.database import Database
from identity_service.graph.space_deletions import STEPS, SpaceDeletionStore
from identity_service.graph.spaces import COUNT_EVENTS
from identity_service.services.kit.clock import system_clock
from identity_service.services.limits import Limits, SpaceDeletionLimits
from identity_service.services.wiring import assemble
from tests.support.graphql import GraphQLWorld, event, graphql_world
from tests.support.neighbours import OURS, THEIRS, dump, fill, two_names
from tests.support.statements import reading, writing
from tests.support.waiting import until

DELETE = """mutation($n: String!, $a: String!) { deleteSpace(name: $n, again: $a) {
  __typename ... on SpaceDeletion { space author } ... on Invalid { code message } } }"""
BEING_DELETED = "{ spaceDeletions { space deleted } }"

# All nodes are looked at, whatever their labels and however they hold the name.
LEFT = reading("""
MATCH (n)
WHERE n.space = $space OR n.name = $space OR n.source = $space OR n.key STARTS WITH $space + '/'
  OR n.key STARTS WITH $space + '\t'
RETURN collect(labels(n)[0]) AS labels
""")
CONNECT = writing(
    """
    MATCH (hub:Identifier {key: $space + '/hub:newsletter'})
    UNWIND range(1, $most) AS n
    CREATE (i:Identifier {key: $space + '/user_id:more' + n, space: $space})
    CREATE (i)-[:OBSERVED_TOGETHER {times_seen: 1}]->(hub)
    """,
    "tests/connect_with_many",
)
KEEP_FOR_SOURCE = writing(
    """
    CREATE (:Poll {source: $source}), (:ReadingRules {key: $source + '/1', source: $source}),
      (:MirroredRow {key: $source + '\tcall\t1', call: $source + '\tcall', seen: 1})
    """,
    "tests/keep_for_source",
)

LATE = Collected((event(1, "user_id:late"),), ())

SMALL = SpaceDeletionLimits(
    lease_ms=300, look_interval_s=0.05, progress_interval_s=0.05, nodes_per_step=5
)


@pytest.fixture
async def world(database: Database) -> AsyncGenerator[GraphQLWorld]:
    async with graphql_world(database) as world:
        yield world


async def delete(world: GraphQLWorld, name: str, again: str | None = None) -> dict[str, str]:
    answer = await world.ask(DELETE, {"n": name, "a": again or name}, key=world.admin_key)
    return answer["data"]["deleteSpace"]


async def is_gone(world: GraphQLWorld, name: str) -> None:
    async def is_done() -> bool:
        answer = await world.ask(BEING_DELETED, key=world.admin_key)
        return all(each["space"] != name for each in answer["data"]["spaceDeletions"])

    await until(is_done)


async def test_a_space_is_deleted_with_all_that_it_holds_and_its_neighbour_stays(
    world: GraphQLWorld, database: Database
) -> None:
    ours, theirs = two_names()
    space = await world.create_space(OURS, ours)
    neighbour = await world.create_space(THEIRS, theirs)
    await fill(world, space, f"ours-{ours[-6:]}", OURS, day=400, more=1)
    other = await fill(world, neighbour, f"theirs-{ours[-6:]}", THEIRS, day=11_000, more=4)
    await database.write_one(CONNECT, space=ours, most=12_000)
    await database.write_one(KEEP_FOR_SOURCE, source=ours)
    before = await dump(database, other)
    stale = world.access.sender(await world.access.authenticate(space.write_key))
    assert stale is not None

    forbidden = await world.ask(DELETE, {"n": ours, "a": ours}, key=space.admin_key)
    differs = await delete(world, ours, theirs)
    deleted = await delete(world, ours)
    admin = await world.access.authenticate(space.admin_key)
    taken = await taken_name(world, ours)
    with pytest.raises(NotFound, match="There is no space"):
        await world.ingest.take(stale, LATE, system_clock())
    again = await delete(world, ours)
    await is_gone(world, ours)

    assert forbidden["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert (differs["code"], differs["message"]) == ("BAD_INPUT", "The two names differ.")
    assert deleted == {"__typename": "SpaceDeletion", "space": ours, "author": "tests"}
    assert admin is None
    assert taken == f"The space “{ours}” is still being deleted."
    assert again == deleted
    assert (await delete(world, ours))["code"] == "NOT_FOUND"
    row = await database.read_one(LEFT, space=ours, said=f"ours-{ours[-6:]}")
    assert row == {"labels": []}
    assert await dump(database, other) == before


async def test_two_processes_and_one_that_was_killed_delete_a_space_that_is_written_to(
    world: GraphQLWorld, database: Database
) -> None:
    space, neighbour = await world.create_space(), await world.create_space()
    shared = await world.spaces.create_source(
        world.access.operator(), f"both-{space.name}", [space.name, neighbour.name]
    )
    sender = world.access.sender(await world.access.authenticate(shared.write_key))
    assert sender is not None
    sent, refusals = 0, list[str]()

    async def write() -> None:
        """As a process does that has looked the key up before."""
        nonlocal sent
        while not refusals:
            sent += 1
            events = (event(sent, "user_id:ann", f"anonymous_id:a{sent}"),)
            try:
                await world.ingest.take(sender, Collected(events, ()), system_clock())
            except Unavailable as error:
                refusals.append(error.message)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(write())
        await until(lambda: holds(database, space.name, 20))
        operator = world.access.operator()
        processes = [assemble(database, 100, limits=Limits(space_deletion=SMALL)) for _ in "ab"]
        killed = SpaceDeletionStore(database, "killed")
        assert await killed.begin(space.name, "tests", system_clock()) is not None
        assert await killed.claim(space.name, SMALL.lease_ms) is not None
        assert await killed.delete_some(STEPS[1], space.name, SMALL.lease_ms, 5) == 5
        for each in processes:
            each.space_deletions.look_after_all()
        begun = [
            await each.space_deletions.delete(operator, space.name, space.name)
            for each in processes
        ]
        shown = [each async for each in processes[0].space_deletions.progress(begun[0])]
    for each in processes:
        await each.close()

    assert refusals == [f"There is no space “{space.name}”."]
    assert [each.space for each in begun] == [space.name, space.name]
    assert shown[-1].done
    assert [each.deleted for each in shown] == sorted(each.deleted for each in shown)
    assert await database.read_one(LEFT, space=space.name, said=space.name) == {"labels": []}
    assert await holds(database, neighbour.name, sent)
    again = world.access.sender(await world.access.authenticate(shared.write_key))
    assert again is not None
    assert [scope.space for scope in again.scopes] == [neighbour.name]


async def test_a_space_of_a_name_that_is_free_again_knows_nothing_of_the_one_before(
    world: GraphQLWorld,
) -> None:
    """Though the process has kept the policy, and what it knows of identifiers."""
    space = await world.create_space()
    await world.send(space, event(1, "user_id:ann", "anonymous_id:a"))
    await delete(world, space.name)
    await is_gone(world, space.name)
    made = await world.create_space("extends: quarantine\nblocked: [{value: ann}]\n", space.name)

    await world.send(made, event(2, "user_id:ann", "anonymous_id:a"))

    found = await world.of_space(
        made,
        'customer(identifier: {type: "anonymous_id", value: "a"})'
        " { ... on Customer { identifiers { value } } }",
    )
    assert found["customer"]["identifiers"] == [{"value": "a"}]


async def holds(database: Database, space: str, events: int) -> bool:
    row = await database.read_one(COUNT_EVENTS, space=space)
    return row is not None and row["number"] >= events


async def taken_name(world: GraphQLWorld, name: str) -> str:
    answer = await world.ask(
        "mutation($n: String!) { createSpace(name: $n) { ... on Invalid { message } } }",
        {"n": name},
        key=world.admin_key,
    )
    return answer["data"]["createSpace"]["message"]
