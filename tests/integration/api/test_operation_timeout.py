"""An operation that takes longer than it may ends, and nothing of it goes on."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from identity_service.api.graphql.context import Context
from identity_service.api.graphql.execution import GraphQL
from identity_service.api.graphql.requests import Request
from identity_service.api.graphql.time_limits import TimeLimits
from identity_service.graph.database import Database
from identity_service.services.spaces.access import hash_key
from tests.support.graphql import GraphQLWorld, graphql_world, schema
from tests.support.statements import reading, writing
from tests.support.waiting import until

HOLD = writing("MATCH (k:ApiKey {hash: $hash}) SET k.name = k.name", "tests/hold")
RUNNING = reading("""
SHOW TRANSACTIONS YIELD metaData
WHERE metaData.name = 'spaces/revoke_key'
RETURN count(*) AS number
""")
REVOKE = 'mutation { revokeKey(space: "%s", name: "reader") { __typename } }'


@pytest.fixture
async def world(database: Database) -> AsyncGenerator[GraphQLWorld]:
    async with graphql_world(database) as world:
        yield world


async def test_the_server_ends_what_an_operation_has_running_when_its_time_is_up(
    world: GraphQLWorld, database: Database
) -> None:
    space = await world.create_space()
    context = Context(world.services, await world.access.authenticate(space.admin_key))
    limited = GraphQL(schema(), times=TimeLimits(operation=1, journey=1, preview=1))

    async def run_at_the_server(number: int) -> bool:
        row = await database.read_one(RUNNING)
        return row is not None and row["number"] == number

    async with database.transaction("tests/hold") as held:
        await held.run_one(HOLD, hash=hash_key(space.reader_key))
        answer = await limited.run(Request(REVOKE % space.name, None, None), context)
        await until(lambda: run_at_the_server(0))

        assert await world.access.authenticate(space.reader_key) is not None
    after = await limited.run(Request(REVOKE % space.name, None, None), context)

    [error] = answer["errors"]
    assert "data" not in answer
    assert error["extensions"] == {"code": "TIME_UP"}
    assert error["message"] == (
        "The operation took longer than 1 s. What it had written by then stays."
        " Ask for less at a time."
    )
    assert after["data"] == {"revokeKey": {"__typename": "KeyRevoked"}}
