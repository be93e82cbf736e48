"""What another policy would change, over GraphQL."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.graphql import GraphQLWorld, OpenSpace, event

MERGING = "extends: merge_all\n"

PREVIEW = """preview(policy: $policy) {
  __typename
  ... on Invalid { message problems { path } }
  ... on PolicyPreview {
    policyText
    summary { customersBefore customersAfter unchanged merged split released identifiersMoved
      differences overConnected }
    differences(first: 1, after: $after) {
      pageInfo { hasNextPage endCursor }
      edges { node { kind customerIds before { value } after { value contested }
        decidingLinks { a { value } b { value } sources decision { joined message } } } }
    }
  }
}"""


@pytest.fixture
async def space(world: GraphQLWorld) -> OpenSpace:
    """Two families, each with a tablet that two people use."""
    space = await world.create_space()
    for number, (person, tablet) in enumerate(
        [("ann", "tablet"), ("ben", "tablet"), ("cid", "phone"), ("dan", "phone")], 1
    ):
        await world.send(space, event(number, f"user_id:{person}", f"anonymous_id:{tablet}"))
    return space


async def previewed(
    world: GraphQLWorld, space: OpenSpace, policy: str, after: str | None = None
) -> dict[str, Any]:
    query = (
        f'query($policy: String!, $after: String) {{ space(name: "{space.name}") {{ {PREVIEW} }} }}'
    )
    answer = await world.ask(query, {"policy": policy, "after": after}, key=space.reader_key)
    assert "errors" not in answer, answer
    return answer["data"]["space"]["preview"]


async def test_a_reader_sees_customer_by_customer_what_a_policy_would_change(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    found = await previewed(world, space, MERGING)

    assert found["policyText"] == MERGING
    assert found["summary"] == {
        "customersBefore": 6,
        "customersAfter": 2,
        "unchanged": 0,
        "merged": 4,
        "split": 0,
        "released": 2,
        "identifiersMoved": 4,
        "differences": 2,
        "overConnected": 0,
    }
    [edge] = found["differences"]["edges"]
    difference = edge["node"]
    assert difference["kind"] == "MERGED"
    assert len(difference["customerIds"]) == 3
    assert [[i["value"] for i in some] for some in difference["after"]] == [["cid", "dan", "phone"]]
    assert {link["decision"]["joined"] for link in difference["decidingLinks"]} == {True}


async def test_differences_come_page_by_page_each_once(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    first = await previewed(world, space, MERGING)
    second = await previewed(world, space, MERGING, first["differences"]["pageInfo"]["endCursor"])

    after = [page["differences"]["edges"][0]["node"]["after"][0][0] for page in (first, second)]
    assert [each["value"] for each in after] == ["cid", "ann"]
    assert not second["differences"]["pageInfo"]["hasNextPage"]


async def test_what_arrived_since_is_in_the_next_preview(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await previewed(world, space, MERGING)
    await world.send(space, event(9, "user_id:eve", "anonymous_id:tablet"))

    found = await previewed(world, space, MERGING)

    assert found["summary"]["customersBefore"] == 7
    assert found["summary"]["customersAfter"] == 2


async def test_a_mistake_in_the_text_is_told_with_its_path(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    found = await previewed(world, space, "extends: quarantine\nmax_component: none\n")

    assert found["__typename"] == "Invalid"
    assert [problem["path"] for problem in found["problems"]] == ["max_component"]


JUDGEMENT = """query($space: String!, $verdict: Verdict!, $a: IdentifierInput!,
    $b: IdentifierInput, $messageId: String) {
  space(name: $space) {
    previewJudgement(verdict: $verdict, a: $a, b: $b, messageId: $messageId) {
      __typename
      ... on Invalid { problems { path } }
      ... on PolicyPreview {
        summary { customersBefore customersAfter merged split identifiersMoved }
        differences { edges { node { kind before { value } after { value } } } }
      }
    }
  }
}"""


async def preview_of_judgement(
    world: GraphQLWorld, space: OpenSpace, verdict: str, a: str, b: str | None, **more: str
) -> dict[str, Any]:
    ends = {
        name: dict(zip(("type", "value"), each.split(":"), strict=True))
        for name, each in (("a", a), ("b", b))
        if each
    }
    answer = await world.ask(
        JUDGEMENT, {"space": space.name, "verdict": verdict, **ends, **more}, key=space.reader_key
    )
    assert "errors" not in answer, answer
    return answer["data"]["space"]["previewJudgement"]


async def test_a_reader_sees_what_a_judgement_would_change(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    found = await preview_of_judgement(world, space, "SAME", "user_id:ann", "user_id:ben")

    [edge] = found["differences"]["edges"]
    assert (edge["node"]["kind"], len(edge["node"]["before"])) == ("MERGED", 3)
    assert [[i["value"] for i in some] for some in edge["node"]["after"]] == [
        ["ann", "ben", "tablet"]
    ]
    assert found["summary"] == {
        "customersBefore": 3,
        "customersAfter": 1,
        "merged": 2,
        "split": 0,
        "identifiersMoved": 2,
    }


@pytest.mark.parametrize(
    ("a", "b", "more", "path"),
    [
        ("user_id:null", "user_id:ben", {}, "a"),
        ("user_id:ann", "user_id:ann", {}, "b"),
        ("user_id:ann", None, {}, "b"),
        ("user_id:ann", "user_id:ben", {"messageId": "m1"}, "messageId"),
    ],
)
async def test_a_judgement_that_cannot_be_made_has_no_preview(
    world: GraphQLWorld, space: OpenSpace, a: str, b: str | None, more: dict[str, str], path: str
) -> None:
    found = await preview_of_judgement(world, space, "SAME", a, b, **more)

    assert found == {"__typename": "Invalid", "problems": [{"path": path}]}
