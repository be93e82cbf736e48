"""Rejected events over GraphQL: found, repaired and sent again, or dropped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from identity_service.collect.segment import read_batch
from identity_service.domain.timestamps import iso
from identity_service.graph.database import Database
from tests.support.graphql import GraphQLWorld, OpenSpace, graphql_world

pytestmark = pytest.mark.neo4j

RECEIVED = 1_700_000_000_000

RESEND = """
mutation ($space: String!, $events: [ResendInput!]!) {
  resendRejectedEvents(space: $space, events: $events) {
    ... on RejectedEventsResent { accepted refused { id code message } gone }
    ... on Invalid { problems { path message } }
  }
}
"""

DROP = """
mutation ($space: String!, $ids: [ID!]!) {
  dropRejectedEvents(space: $space, ids: $ids) {
    ... on RejectedEventsDropped { dropped }
    ... on Invalid { problems { path message } }
  }
}
"""

ALLOW = "extends: quarantine\ntypes:\n  user_id: {priority: 1, kind: person, allow: [guest]}\n"

BAD_TIME: dict[str, Any] = {
    "type": "track",
    "event": "Paid",
    "userId": "ann",
    "messageId": "m-time",
    "timestamp": "soon",
}
NOBODY: dict[str, Any] = {
    "type": "track",
    "event": "Seen",
    "userId": "guest",
    "messageId": "m-guest",
}


@pytest.fixture(scope="module")
async def elsewhere(database: Database) -> AsyncGenerator[GraphQLWorld]:
    """Another process, as far as the database can tell."""
    async with graphql_world(database) as world:
        yield world


@pytest.fixture
async def space(world: GraphQLWorld) -> OpenSpace:
    """A space that was sent an event without a time and one of a guest."""
    space = await world.create_space()
    await receive(world, space, BAD_TIME, NOBODY)
    return space


async def receive(
    world: GraphQLWorld, space: OpenSpace, *calls: dict[str, Any], at: int = RECEIVED
) -> None:
    """A batch of calls from the source of the space."""
    sender = world.access.sender(await world.access.authenticate(space.write_key))
    assert sender is not None
    await world.ingest.take(sender, read_batch({"batch": list(calls)}, at, str), at)


async def rejected(world: GraphQLWorld, space: OpenSpace, which: str = "") -> dict[str, Any]:
    """The rejected events, by the ids of their messages."""
    found = await world.of_space(
        space,
        f"rejectedEvents{which} {{ edges {{ node {{ id messageId code receivedAt body }} }} }}",
    )
    return {edge["node"]["messageId"]: edge["node"] for edge in found["rejectedEvents"]["edges"]}


async def resend(world: GraphQLWorld, space: OpenSpace, *events: dict[str, Any]) -> dict[str, Any]:
    answer = await world.ask(
        RESEND, {"space": space.name, "events": list(events)}, key=space.admin_key
    )
    assert "errors" not in answer, answer
    return answer["data"]["resendRejectedEvents"]


async def events_of(world: GraphQLWorld, space: OpenSpace, who: str) -> list[dict[str, Any]]:
    found = await world.customer(
        space,
        f"user_id:{who}",
        "... on Customer { events { edges { node { messageId name at receivedAt source } } } }",
    )
    return [edge["node"] for edge in found["events"]["edges"]]


async def test_they_are_found_by_source_reason_and_time(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    at, later = iso(RECEIVED), iso(RECEIVED + 1)

    found = {
        which: set(await rejected(world, space, which))
        for which in (
            "",
            f'(source: "{space.name}")',
            '(source: "another")',
            '(code: "INVALID_TIME")',
            f'(since: "{at}", until: "{at}")',
            f'(since: "{later}")',
        )
    }

    both = {"m-time", "m-guest"}
    assert list(found.values()) == [both, both, set(), {"m-time"}, both, set()]


async def test_a_repaired_one_is_an_event_of_its_first_receipt_once(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    before = (await rejected(world, space))["m-time"]
    repaired = {"id": before["id"], "body": {**before["body"], "timestamp": "2023-11-14"}}

    first = await resend(world, space, repaired)
    again = await resend(world, space, repaired)

    assert first == {"accepted": [before["id"]], "refused": [], "gone": []}
    assert again == {"accepted": [], "refused": [], "gone": [before["id"]]}
    assert await events_of(world, space, "ann") == [
        {
            "messageId": "m-time",
            "name": "Paid",
            "at": "2023-11-14T00:00:00.000Z",
            "receivedAt": iso(RECEIVED),
            "source": space.name,
        }
    ]
    assert "m-time" not in await rejected(world, space)


async def test_one_that_another_policy_takes_is_the_event_that_was_sent(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    before = (await rejected(world, space))["m-guest"]
    refused = await resend(world, space, {"id": before["id"]})
    await world.ask(
        "mutation ($space: String!, $policy: String!) {"
        " setPolicy(space: $space, policy: $policy, expectedVersion: 1) { __typename } }",
        {"space": space.name, "policy": ALLOW},
        key=space.admin_key,
    )

    taken = await resend(world, space, {"id": before["id"]})
    await receive(world, space, NOBODY, at=RECEIVED + 5_000)

    assert [each["code"] for each in refused["refused"]] == ["NO_IDENTIFIER"]
    assert taken["accepted"] == [before["id"]]
    assert [each["receivedAt"] for each in await events_of(world, space, "guest")] == [
        iso(RECEIVED)
    ]


async def test_one_that_the_policy_rejected_is_repaired_in_the_form_it_is_kept_in(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    before = (await rejected(world, space))["m-guest"]
    body = before["body"] | {"identifiers": [{"type": "user_id", "value": "gus"}]}

    taken = await resend(world, space, {"id": before["id"], "body": body})

    assert taken["accepted"] == [before["id"]]
    assert [each["messageId"] for each in await events_of(world, space, "gus")] == ["m-guest"]


async def test_what_is_still_wrong_stays_as_it_was(world: GraphQLWorld, space: OpenSpace) -> None:
    before = await rejected(world, space)
    ids = {name: each["id"] for name, each in before.items()}

    found = await resend(
        world,
        space,
        {"id": ids["m-time"], "body": {**BAD_TIME, "timestamp": "never"}},
        {"id": ids["m-guest"], "body": "no object"},
        {"id": "rej_none"},
    )

    assert {each["id"]: each["code"] for each in found["refused"]} == {
        ids["m-time"]: "INVALID_TIME",
        ids["m-guest"]: "NOT_AN_OBJECT",
    }
    assert found["gone"] == ["rej_none"]
    assert await rejected(world, space) == before


async def test_two_who_send_one_again_at_once_make_one_event(
    world: GraphQLWorld, elsewhere: GraphQLWorld, space: OpenSpace
) -> None:
    before = (await rejected(world, space))["m-time"]
    call = {name: value for name, value in BAD_TIME.items() if name != "messageId"}
    repaired = {"id": before["id"], "body": {**call, "timestamp": None}}

    found = await asyncio.gather(
        *(resend(each, space, repaired) for each in (world, elsewhere, world))
    )

    assert {tuple(each["accepted"] + each["gone"]) for each in found} == {(before["id"],)}
    assert [each["messageId"] for each in await events_of(world, space, "ann")] == [
        f"resent:{before['id']}"
    ]


async def test_it_enters_the_space_in_which_it_was_rejected_and_no_other(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    other = await world.create_space()
    answer = await world.ask(
        f'mutation {{ feedSpaces(space: "{space.name}", source: "{space.name}",'
        f' spaces: ["{space.name}", "{other.name}"]) {{ __typename }} }}',
        key=world.admin_key,
    )
    await receive(world, space, {**BAD_TIME, "messageId": "m-both"})
    ours = (await rejected(world, space))["m-both"]

    await resend(world, space, {"id": ours["id"], "body": {**BAD_TIME, "timestamp": 0}})

    theirs = await rejected(world, other)
    assert answer["data"]["feedSpaces"]["__typename"] == "Source"
    assert set(theirs) == {"m-both"}
    missing = await world.customer(other, "user_id:ann", "... on NotFound { reason }")
    assert missing["reason"] == "UNKNOWN"
    assert len(await events_of(world, space, "ann")) == 1


async def test_dropped_ones_are_gone(world: GraphQLWorld, space: OpenSpace) -> None:
    ids = [each["id"] for each in (await rejected(world, space)).values()]
    variables = {"space": space.name, "ids": [*ids, "rej_none"]}

    dropped = [
        (await world.ask(DROP, variables, key=space.admin_key))["data"]["dropRejectedEvents"]
        for _ in range(2)
    ]

    assert dropped == [{"dropped": 2}, {"dropped": 0}]
    assert await rejected(world, space) == {}


async def test_too_many_and_the_same_twice_are_refused(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    refused = [
        await resend(world, space, *({"id": each} for each in ids))
        for ids in ([], ["a", "a"], [f"rej_{n}" for n in range(501)])
    ]

    assert [each["problems"][0]["path"] for each in refused] == ["events"] * 3
