"""Profiles texts over GraphQL: their versions, who may apply one, and who sees them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from identity_service.graph.database import Database
from identity_service.services.spaces.access import Role
from tests.support.graphql import GraphQLWorld, OpenSpace, event, graphql_world

pytestmark = pytest.mark.neo4j

APPLY = """
mutation ($space: String!, $text: String!, $expected: Int!, $reason: String) {
  applyProfiles(space: $space, text: $text, expectedVersion: $expected, reason: $reason) {
    __typename
    ... on ProfilesText { version text author reason }
    ... on Invalid { message problems { path message } }
    ... on VersionConflict { message currentVersion }
  }
}
"""

ORDERS = "features:\n  orders: {count: Order Completed}\n"
VISITS = "features:\n  visits: {count: page}\n"


@pytest.fixture(scope="module")
async def elsewhere(database: Database) -> AsyncGenerator[GraphQLWorld]:
    """Another process, as far as the database can tell."""
    async with graphql_world(database) as world:
        yield world


@pytest.fixture
async def space(world: GraphQLWorld) -> OpenSpace:
    return await world.create_space()


async def apply(
    world: GraphQLWorld,
    space: OpenSpace,
    text: str,
    expected: int,
    *,
    key: str | None = None,
    reason: str | None = None,
) -> dict[str, Any]:
    """The whole answer to a mutation."""
    variables = {"space": space.name, "text": text, "expected": expected, "reason": reason}
    return await world.ask(APPLY, variables, key=key or space.admin_key)


async def test_a_text_is_applied_listed_and_undone(world: GraphQLWorld, space: OpenSpace) -> None:
    none = await world.of_space(space, "profiles { version } profilesHistory { edges { cursor } }")
    first = await apply(world, space, ORDERS, 0, reason="The shop")
    await apply(world, space, VISITS, 1)
    undone = await apply(world, space, ORDERS, 2)

    listed = await world.of_space(
        space,
        """
        profiles { version text author reason }
        profilesHistory(first: 2) { edges { node { version text } } pageInfo { endCursor } }
        diff: profilesDiff(older: 2)
        same: profilesDiff(older: 1)
        between: profilesDiff(older: 1, newer: 2)
        """,
    )
    cursor = listed["profilesHistory"]["pageInfo"]["endCursor"]
    rest = await world.of_space(
        space, f'profilesHistory(after: "{cursor}") {{ edges {{ node {{ version reason }} }} }}'
    )

    assert none == {"profiles": None, "profilesHistory": {"edges": []}}
    assert first["data"]["applyProfiles"] == {
        "__typename": "ProfilesText",
        "version": 1,
        "text": ORDERS,
        "author": "admin",
        "reason": "The shop",
    }
    assert undone["data"]["applyProfiles"]["version"] == 3
    assert listed["profiles"] == {"version": 3, "text": ORDERS, "author": "admin", "reason": None}
    assert [edge["node"]["version"] for edge in listed["profilesHistory"]["edges"]] == [3, 2]
    assert rest["profilesHistory"]["edges"] == [{"node": {"version": 1, "reason": "The shop"}}]
    assert listed["same"] == ""
    assert "-  visits: {count: page}" in listed["diff"]
    assert "+  orders: {count: Order Completed}" in listed["diff"]
    assert "+  visits: {count: page}" in listed["between"]


async def test_another_version_than_the_expected_one_is_not_replaced(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await apply(world, space, ORDERS, 0)

    refused = [await apply(world, space, VISITS, expected) for expected in (0, 2)]

    assert [each["data"]["applyProfiles"] for each in refused] == 2 * [
        {
            "__typename": "VersionConflict",
            "message": "Version 1 of the profiles text is in force."
            " Read it, and name its version as the expected one.",
            "currentVersion": 1,
        }
    ]
    assert (await world.of_space(space, "profiles { text }"))["profiles"]["text"] == ORDERS


async def test_of_two_processes_that_apply_at_once_one_wins(
    world: GraphQLWorld, elsewhere: GraphQLWorld, space: OpenSpace
) -> None:
    answers = await asyncio.gather(
        *(apply(each, space, text, 0) for each in (world, elsewhere) for text in (ORDERS, VISITS))
    )

    made = [each["data"]["applyProfiles"] for each in answers]
    [winner] = [each for each in made if each["__typename"] == "ProfilesText"]
    lost = [each for each in made if each["__typename"] == "VersionConflict"]
    assert (winner["version"], len(lost)) == (1, 3)
    assert {each["currentVersion"] for each in lost} == {1}
    seen = [await each.of_space(space, "profiles { text }") for each in (world, elsewhere)]
    assert [each["profiles"]["text"] for each in seen] == 2 * [winner["text"]]


async def test_mistakes_are_named_with_their_paths_and_nothing_is_applied(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    wrong = await apply(world, space, "features: {orders: {count: }}\naudiences: 5\n", 0)
    long = await apply(world, space, ORDERS, 0, reason="x" * 2_001)

    found = wrong["data"]["applyProfiles"]
    assert found["__typename"] == "Invalid"
    assert any(each["path"].startswith("features.orders") for each in found["problems"])
    assert any(each["path"] == "audiences" for each in found["problems"])
    assert [each["path"] for each in long["data"]["applyProfiles"]["problems"]] == ["reason"]
    assert (await world.of_space(space, "profiles { version }"))["profiles"] is None


async def test_only_administrators_of_the_space_apply_a_text(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    other = await world.create_space()
    agent = await world.services.spaces.create_key(
        world.access.require(
            await world.access.authenticate(space.admin_key), space.name, Role.ADMIN
        ),
        Role.AGENT,
        "agent",
    )

    refused = [
        await apply(world, space, ORDERS, 0, key=key)
        for key in (space.reader_key, agent, space.write_key, other.admin_key, world.admin_key)
    ]

    assert {each["errors"][0]["extensions"]["code"] for each in refused} == {"FORBIDDEN"}
    assert (await world.of_space(space, "profiles { version }"))["profiles"] is None


async def test_members_of_an_audience_of_accounts_are_listed_and_followed(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    text = "audiences: {buying: {of: accounts, who: {members: {any: {did: Bought}}}}}\n"
    changes = "accountId customerId customer { kind } account { traits } change cause"
    scope = world.access.require(world.access.operator(space.name), space.name, Role.ADMIN)
    await apply(world, space, text, 0)
    await world.services.profiles.computed(scope)
    for account in ("acme", "initech"):
        told: dict[str, Any] = {"account_id": account, "account_traits": {"seats": 80}}
        await world.send(space, event(1, f"user_id:{account}", name="Bought", **told))
    await world.services.profiles.computed(scope)

    members = "edges { node { accountId customerId account { audiences } } }"
    first = await world.of_space(
        space,
        f'audience(name: "buying") {{ size members(first: 1) {{ {members}'
        " pageInfo { hasNextPage endCursor } } }"
        f" membershipChanges {{ edges {{ cursor node {{ {changes} }} }} }}",
    )
    after = first["audience"]["members"]["pageInfo"]["endCursor"]
    rest = await world.of_space(
        space, f'audience(name: "buying") {{ members(after: "{after}") {{ {members} }} }}'
    )
    cursor = first["membershipChanges"]["edges"][-1]["cursor"]
    followed = await world.follow(
        f'subscription {{ membershipChanges(space: "{space.name}", after: "{cursor}",'
        f' audiences: ["buying"]) {{ {changes} }} }}',
        1,
        key=space.reader_key,
    )

    assert first["audience"]["size"] == 2
    assert [
        edge["node"] for found in (first, rest) for edge in found["audience"]["members"]["edges"]
    ] == [
        {"accountId": name, "customerId": None, "account": {"audiences": ["buying"]}}
        for name in ("acme", "initech")
    ]
    assert followed[0]["data"]["membershipChanges"] == {
        "accountId": "initech",
        "customerId": None,
        "customer": None,
        "account": {"traits": {"seats": 80}},
        "change": "ENTERED",
        "cause": "EVENT",
    }


async def test_there_is_no_difference_from_a_version_that_is_missing(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await apply(world, space, ORDERS, 0)

    found = await world.of_space(
        space,
        "a: profilesDiff(older: 7) b: profilesDiff(older: 1, newer: 7) c: profilesDiff(older: 1)",
    )

    assert found == {"a": None, "b": None, "c": ""}
