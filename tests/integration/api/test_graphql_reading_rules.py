"""Reading rules of a source over GraphQL: previewed, set, and applied to what it sends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from identity_service.collect.segment import read_batch
from identity_service.domain.timestamps import iso
from identity_service.graph.access import AccessStore
from identity_service.graph.database import Database
from identity_service.services.kit.clock import system_clock
from identity_service.services.spaces.access import KEY_CACHE_S, Access
from tests.support.elapsed import Elapsed
from tests.support.graphql import GraphQLWorld, OpenSpace, graphql_world

pytestmark = pytest.mark.neo4j

SET = """
mutation ($space: String!, $rules: String!, $expected: Int!) {
  setReadingRules(space: $space, source: $space, rules: $rules, expectedVersion: $expected) {
    __typename
    ... on Source { rulesVersion readingRules(first: 5) { version text author } }
    ... on Invalid { problems { path message } }
    ... on VersionConflict { message currentVersion }
  }
}
"""

PREVIEW = """
query ($space: String!, $source: String!, $rules: String!) {
  space(name: $space) {
    previewReadingRules(source: $source, rules: $rules) {
      ... on RulesPreview {
        events
        differences {
          messageId
          before { name at identifiers { type value } }
          after { name at identifiers { type value } }
        }
      }
      ... on Invalid { problems { path message } }
    }
  }
}
"""

SHOP = "rename: {Order: Order Completed}\ndrop: [Heartbeat]\nidentifiers: {userId: shop_user_id}\n"


@pytest.fixture(scope="module")
async def elsewhere(database: Database) -> AsyncGenerator[GraphQLWorld]:
    """Another process, as far as the database can tell."""
    async with graphql_world(database) as world:
        yield world


@pytest.fixture
async def space(world: GraphQLWorld) -> OpenSpace:
    return await world.create_space()


async def receive(
    world: GraphQLWorld, space: OpenSpace, *calls: dict[str, Any], at: int | None = None
) -> None:
    """A batch of calls from the source of the space."""
    received_at = at or system_clock()
    sender = world.access.sender(await world.access.authenticate(space.write_key))
    assert sender is not None
    batch = [{"type": "track", **call} for call in calls]
    await world.ingest.take(sender, read_batch({"batch": batch}, received_at, str), received_at)


async def set_rules(
    world: GraphQLWorld, space: OpenSpace, rules: str, expected: int
) -> dict[str, Any]:
    variables = {"space": space.name, "rules": rules, "expected": expected}
    answer = await world.ask(SET, variables, key=space.admin_key)
    assert "errors" not in answer, answer
    return answer["data"]["setReadingRules"]


async def preview(
    world: GraphQLWorld, space: OpenSpace, rules: str, source: str | None = None
) -> dict[str, Any]:
    variables = {"space": space.name, "source": source or space.name, "rules": rules}
    answer = await world.ask(PREVIEW, variables, key=space.admin_key)
    assert "errors" not in answer, answer
    return answer["data"]["space"]["previewReadingRules"]


async def names_of(world: GraphQLWorld, space: OpenSpace, identifier: str) -> list[str] | None:
    """The names of the events of a customer; None where there is none."""
    found = await world.customer(
        space, identifier, "... on Customer { events { edges { node { name } } } }"
    )
    events = found.get("events")
    return None if events is None else [edge["node"]["name"] for edge in events["edges"]]


async def test_what_is_sent_from_then_on_is_read_by_the_rules(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    calls = [
        {"userId": "7", "event": name, "messageId": f"m-{name}"} for name in ("Order", "Heartbeat")
    ]
    await receive(world, space, {**calls[0], "messageId": "m-before"})

    made = await set_rules(world, space, SHOP, 0)
    await receive(world, space, *calls)
    await receive(world, space, *calls)

    assert made == {
        "__typename": "Source",
        "rulesVersion": 1,
        "readingRules": [{"version": 1, "text": SHOP, "author": "admin"}],
    }
    assert await names_of(world, space, "user_id:7") == ["Order"]
    assert await names_of(world, space, "shop_user_id:7") == ["Order Completed"]
    await world.services.source_counts.write()
    listed = await world.of_space(
        space, "sources { edges { node { statistics { received accepted known dropped } } } }"
    )
    assert listed["sources"]["edges"][0]["node"]["statistics"] == {
        "received": 5,
        "accepted": 2,
        "known": 1,
        "dropped": 2,
    }


async def test_other_processes_read_by_new_rules_in_time(
    database: Database, world: GraphQLWorld, space: OpenSpace
) -> None:
    timer = Elapsed()
    other = Access(AccessStore(database), timer)
    before = other.sender(await other.authenticate(space.write_key))
    await set_rules(world, space, SHOP, 0)

    timer.now += KEY_CACHE_S
    after = other.sender(await other.authenticate(space.write_key))

    assert before is not None
    assert before.rules is None
    assert after is not None
    assert after.rules is not None
    assert after.rules.dropped == {"Heartbeat"}


async def test_a_version_that_is_not_in_force_is_not_replaced(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    first = await set_rules(world, space, SHOP, 0)
    again = await set_rules(world, space, SHOP, 0)
    none = await set_rules(world, space, "", 1)
    await receive(world, space, {"userId": "7", "event": "Order"})

    assert first["rulesVersion"] == 1
    assert again == {
        "__typename": "VersionConflict",
        "currentVersion": 1,
        "message": "Version 1 of the reading rules is in force."
        " Read it, and name its version as the expected one.",
    }
    assert [each["version"] for each in none["readingRules"]] == [2, 1]
    assert await names_of(world, space, "user_id:7") == ["Order"]


async def test_of_two_who_set_rules_at_once_one_does(
    world: GraphQLWorld, elsewhere: GraphQLWorld, space: OpenSpace
) -> None:
    made = await asyncio.gather(
        *(
            set_rules(each, space, f"drop: [{name}]", 0)
            for name, each in (("a", world), ("b", elsewhere))
        )
    )

    assert sorted(each["__typename"] for each in made) == ["Source", "VersionConflict"]


async def test_mistakes_are_named_and_nothing_is_set(world: GraphQLWorld, space: OpenSpace) -> None:
    wrong = await set_rules(world, space, "identifiers: {userid: email}", 0)
    previewed = await preview(world, space, "drop: 7")
    unknown = await preview(world, space, "", source="nobody")
    right = await set_rules(world, space, "", 0)

    assert wrong["problems"][0]["path"] == "identifiers.userid"
    assert previewed["problems"][0]["path"] == "drop"
    assert unknown["problems"][0]["path"] == "source"
    assert right["rulesVersion"] == 1


async def test_a_preview_shows_what_would_be_read_differently(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    received = 1_700_000_000_000
    await set_rules(world, space, "rename: {Bought: Order}", 0)
    await receive(
        world,
        space,
        {"userId": "7", "event": "Bought", "messageId": "m1"},
        {"userId": "7", "event": "Other", "messageId": "m2", "timestamp": "2023-11-14 12:00"},
        {"anonymousId": "a", "event": "Other", "messageId": "m3"},
        {"userId": "7", "event": "Heartbeat", "messageId": "m4"},
        at=received,
    )

    same = await preview(world, space, "rename: {Bought: Order}")
    other = await preview(
        world,
        space,
        "drop: [Heartbeat]\nidentifiers: {userId: shop}\ntime_zone: Europe/Amsterdam",
    )

    user, shop = ({"type": kind, "value": "7"} for kind in ("user_id", "shop"))
    at = iso(received)
    noon, eleven = "2023-11-14T12:00:00.000Z", "2023-11-14T11:00:00.000Z"
    assert same == {"events": 4, "differences": []}
    assert other["events"] == 4
    assert {each["messageId"]: each for each in other["differences"]} == {
        "m1": {
            "messageId": "m1",
            "before": {"name": "Order", "at": at, "identifiers": [user]},
            "after": {"name": "Bought", "at": at, "identifiers": [shop]},
        },
        "m2": {
            "messageId": "m2",
            "before": {"name": "Other", "at": noon, "identifiers": [user]},
            "after": {"name": "Other", "at": eleven, "identifiers": [shop]},
        },
        "m4": {
            "messageId": "m4",
            "before": {"name": "Heartbeat", "at": at, "identifiers": [user]},
            "after": None,
        },
    }


async def test_a_rejected_event_is_sent_again_by_the_rules_of_now(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await receive(world, space, {"event": "Order", "properties": {"mail": "a@x.org"}})
    found = await world.of_space(space, "rejectedEvents { edges { node { id } } }")
    rejected = found["rejectedEvents"]["edges"][0]["node"]["id"]
    await set_rules(world, space, "identifiers: {properties.mail: email}", 0)

    answer = await world.ask(
        "mutation ($space: String!, $id: ID!) {"
        " resendRejectedEvents(space: $space, events: [{id: $id}])"
        " { ... on RejectedEventsResent { accepted } } }",
        {"space": space.name, "id": rejected},
        key=space.admin_key,
    )

    assert answer["data"]["resendRejectedEvents"]["accepted"] == [rejected]
    assert await names_of(world, space, "email:a@x.org") == ["Order"]


async def test_the_region_of_the_rules_is_that_of_phones(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await set_rules(world, space, "region: NL", 0)

    await receive(
        world, space, {"type": "identify", "userId": "7", "traits": {"phone": "06 12345678"}}
    )

    for number in ("+31612345678", "06 12345678"):
        found = await world.customer(space, f"phone:{number}", "... on Customer { kind }")
        assert found["__typename"] == "Customer"
