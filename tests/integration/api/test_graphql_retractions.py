"""Retractions over GraphQL: previewed, made, listed and withdrawn."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.graphql import GraphQLWorld, OpenSpace, event
from tests.support.neighbours import followed

pytestmark = pytest.mark.neo4j

RETRACT = """
mutation ($space: String!, $source: String!, $until: DateTime!) {
  retract(space: $space, source: $source, from: "1970-01-01T00:00:10Z", until: $until,
    reason: "junk") {
    __typename
    ... on Retraction { id source from until reason author withdrawnAt }
    ... on Invalid { problems { path message } }
  }
}
"""

WITHDRAW = """
mutation ($space: String!, $id: ID!) {
  withdrawRetraction(space: $space, id: $id, reason: "it was a test") {
    __typename
    ... on Retraction { id withdrawnBy withdrawnReason }
    ... on Invalid { problems { path message } }
  }
}
"""

ANN = 'customer(identifier: {type: "user_id", value: "ann"})'


@pytest.fixture
async def space(world: GraphQLWorld) -> OpenSpace:
    """Ann, whose e-mail was sent with Ben's id later."""
    space = await world.create_space()
    await world.send(space, event(1, "user_id:ann", "email:ann@example.com"), received_at=5_000)
    await world.send(
        space,
        event(2, "user_id:ben", "email:ann@example.com", name="Forged", message_id="forged"),
        event(3, "user_id:ben", "anonymous_id:b"),
        received_at=20_000,
    )
    return space


async def retracted(world: GraphQLWorld, space: OpenSpace, **given: Any) -> dict[str, Any]:
    variables = {"space": space.name, "source": space.name, "until": "1970-01-01T00:00:30Z"}
    answer = await world.ask(RETRACT, variables | given, key=space.admin_key)
    assert "errors" not in answer, answer
    return answer["data"]["retract"]


async def test_a_retraction_is_previewed_made_listed_and_withdrawn(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    previewed = await world.of_space(
        space,
        f'previewRetraction(source: "{space.name}", from: "1970-01-01T00:00:10Z",'
        ' until: "1970-01-01T00:00:30Z") { ... on RetractionPreview { events more identifiers'
        " unseen links message customers { summary { customersBefore customersAfter } } } }",
    )
    made = await retracted(world, space)
    await followed(world, space)
    listed = await world.of_space(
        space, "retractions { edges { node { id events skipped share done reason author } } }"
    )
    withdrawn = await world.ask(
        WITHDRAW, {"space": space.name, "id": made["id"]}, key=space.admin_key
    )
    await followed(world, space)
    after = await world.of_space(space, "retractions { edges { node { id events done } } }")

    assert previewed["previewRetraction"] == {
        "events": 2,
        "more": False,
        "identifiers": 3,
        "unseen": 2,
        "links": 2,
        "message": "2 events would not count; 2 identifiers are carried by no other event.",
        "customers": {"summary": {"customersBefore": 3, "customersAfter": 1}},
    }
    assert (made["from"], made["until"], made["source"]) == (
        "1970-01-01T00:00:10.000Z",
        "1970-01-01T00:00:30.000Z",
        space.name,
    )
    [edge] = listed["retractions"]["edges"]
    assert edge["node"] == {
        "id": made["id"],
        "events": 2,
        "skipped": 0,
        "share": 1.0,
        "done": True,
        "reason": "junk",
        "author": "admin",
    }
    assert withdrawn["data"]["withdrawRetraction"] == {
        "__typename": "Retraction",
        "id": made["id"],
        "withdrawnBy": "admin",
        "withdrawnReason": "it was a test",
    }
    assert after["retractions"]["edges"][0]["node"] == {"id": made["id"], "events": 2, "done": True}


async def test_what_is_retracted_is_in_no_answer_and_shown_where_it_is_asked_for(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    selection = "... on Customer { eventCount } ... on NotFound { reason }"
    cause = "kind event { messageId retracted } retraction { reason }"
    made = await retracted(world, space)
    await followed(world, space)

    ann = await world.customer(space, "user_id:ann", selection)
    ben = await world.customer(space, "user_id:ben", selection)
    changes = await world.of_space(
        space, f"changes {{ edges {{ node {{ cause causedBy {{ {cause} }} }} }} }}"
    )

    told = [edge["node"] for edge in changes["changes"]["edges"]]
    events = {e["messageId"]: e["retracted"] for t in told if (e := t["causedBy"]["event"])}
    causes = {t["causedBy"]["retraction"]["reason"] for t in told if t["causedBy"]["retraction"]}
    assert ann["eventCount"] == 1
    assert ben == {"__typename": "NotFound", "reason": "UNKNOWN"}
    assert sorted(events.values()) == [False, True]
    assert causes <= {"junk"}
    assert made["id"].startswith("ret_")


async def test_a_retraction_that_is_not_possible_is_an_answer(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    never = await retracted(world, space, source="nobody")
    to_come = await retracted(world, space, until="2900-01-01T00:00:00Z")
    unknown = await world.ask(WITHDRAW, {"space": space.name, "id": "ret_1"}, key=space.admin_key)

    assert [problem["path"] for problem in never["problems"]] == ["source"]
    assert [problem["path"] for problem in to_come["problems"]] == ["until"]
    assert unknown["data"]["withdrawRetraction"]["problems"][0]["path"] == "id"


async def test_only_administrators_retract(world: GraphQLWorld, space: OpenSpace) -> None:
    variables = {"space": space.name, "source": space.name, "until": "1970-01-01T00:00:30Z"}
    key = await world.ask(
        f'mutation {{ createKey(space: "{space.name}", role: AGENT, name: "agent")'
        " { ... on KeyCreated { key } } }",
        key=space.admin_key,
    )
    agent = key["data"]["createKey"]["key"]

    refused = [await world.ask(RETRACT, variables, key=each) for each in (agent, space.reader_key)]
    withdrawing = await world.ask(WITHDRAW, {"space": space.name, "id": "ret_1"}, key=agent)

    for answer in (*refused, withdrawing):
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
