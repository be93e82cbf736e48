"""An order bought with another person's e-mail: taken from her over GraphQL, and given back."""

from __future__ import annotations

from typing import Any

import pytest

from identity_service.domain.timestamps import iso
from identity_service.services.kit.clock import system_clock
from tests.support.graphql import GraphQLWorld, OpenSpace, event
from tests.support.waiting import until

WIFE, HIS = "email:wife@example.com", "anonymous_id:his"

DETACH = """mutation($s: String!, $m: String!, $i: IdentifierInput!) {
  detach(space: $s, messageId: $m, identifier: $i, reason: "He used her address.") {
    __typename
    ... on Invalid { message problems { path } }
    ... on Judged {
      message
      judgement { id verdict a { value identifier { value } } b { value }
        event { messageId name identifiers { value } } author reason }
    }
  }
}"""

CUSTOMER = """customer(identifier: {type: "user_id", value: "%s"}, live: %s%s) {
  ... on Customer {
    customerId
    identifiers { value }
    events { edges { node { messageId identifiers { value } } } }
    traits { name value }
    accounts { accountId }
    links { a { value } b { value } timesSeen decision { joined } }
    lastSeen
    eventCount
    judgements { edges { node { id verdict } } }
  }
}"""


def identifier(text: str) -> dict[str, str]:
    kind, _, value = text.partition(":")
    return {"type": kind, "value": value}


@pytest.fixture
async def space(world: GraphQLWorld) -> OpenSpace:
    """A wife, a husband, and his order with her e-mail."""
    space = await world.create_space()
    await world.send(
        space,
        event(10, "user_id:she", WIFE, message_id="her-login"),
        event(20, "user_id:he", HIS, message_id="his-login"),
        event(
            30,
            WIFE,
            HIS,
            name="Order Completed",
            message_id="order",
            traits={"city": "Ghent"},
            account_id="acme",
        ),
    )
    return space


async def detach(
    world: GraphQLWorld, space: OpenSpace, message_id: str, named: str
) -> dict[str, Any]:
    variables = {"s": space.name, "m": message_id, "i": identifier(named)}
    answer = await world.ask(DETACH, variables, key=space.admin_key)
    assert "errors" not in answer, answer
    return answer["data"]["detach"]


async def customer(
    world: GraphQLWorld,
    space: OpenSpace,
    user: str,
    *,
    live: bool = False,
    as_of: int | None = None,
) -> dict[str, Any]:
    moment = "" if as_of is None else f', asOf: "{iso(as_of)}"'
    query = CUSTOMER % (user, str(live).lower(), moment)
    answer = await world.ask(
        f'{{ space(name: "{space.name}") {{ {query} }} }}', key=space.reader_key
    )
    assert "errors" not in answer, answer
    return answer["data"]["space"]["customer"]


def orders(found: dict[str, Any]) -> list[str]:
    return [edge["node"]["messageId"] for edge in found["events"]["edges"]]


async def passed(moment: int) -> None:
    """Until what happens from now on happens after a moment."""

    async def is_past() -> bool:
        return system_clock() > moment

    await until(is_past)


async def withdraw(world: GraphQLWorld, space: OpenSpace, judgement: str) -> str:
    query = (
        "mutation($s: String!, $id: ID!) {"
        ' withdrawJudgement(space: $s, id: $id, reason: "It was hers.") {'
        " ... on Judged { message } } }"
    )
    answer = await world.ask(query, {"s": space.name, "id": judgement}, key=space.admin_key)
    return answer["data"]["withdrawJudgement"]["message"]


async def test_the_order_its_traits_and_its_account_follow_the_husbands_cookie(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    assert orders(await customer(world, space, "she")) == ["order", "her-login"]

    made = await detach(world, space, "order", WIFE)

    assert made["message"] == f"“Order Completed” is no longer of {WIFE}: it follows {HIS}."
    assert made["judgement"] | {"id": ""} == {
        "id": "",
        "verdict": "DETACH",
        "a": {"value": "wife@example.com", "identifier": {"value": "wife@example.com"}},
        "b": None,
        "event": {
            "messageId": "order",
            "name": "Order Completed",
            "identifiers": [{"value": "his"}],
        },
        "author": "admin",
        "reason": "He used her address.",
    }
    hers, his = await customer(world, space, "she"), await customer(world, space, "he")
    assert (orders(hers), orders(his)) == (["her-login"], ["order", "his-login"])
    assert (hers["traits"], hers["accounts"]) == ([], [])
    assert his["traits"] == [{"name": "city", "value": "Ghent"}]
    assert his["accounts"] == [{"accountId": "acme"}]
    assert [link for link in hers["links"] if link["b"]["value"] == "his"] == []
    assert await customer(world, space, "he", live=True) == his
    assert await customer(world, space, "she", live=True) == hers


async def test_as_of_shows_it_attached_detached_and_attached_again(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    moments, answers = list[int](), list[Any]()

    async def note() -> None:
        moments.append(system_clock())
        answers.append([await customer(world, space, who) for who in ("she", "he")])
        await passed(moments[-1])

    await note()
    made = await detach(world, space, "order", WIFE)
    await note()
    alone = await detach(world, space, "her-login", WIFE)
    await note()
    await withdraw(world, space, alone["judgement"]["id"])
    message = await withdraw(world, space, made["judgement"]["id"])
    await note()

    assert message == f"“Order Completed” is of {WIFE} again, and follows {WIFE}."
    for moment, (hers, his) in zip(moments, answers, strict=True):
        assert await customer(world, space, "she", as_of=moment) == hers
        assert await customer(world, space, "he", as_of=moment) == his
    undecided = {"judgements": None}
    assert answers[0][0] | undecided == answers[-1][0] | undecided
    assert answers[0][1] == answers[-1][1]


PREVIEW = """query($s: String!, $a: IdentifierInput!, $b: IdentifierInput, $m: String) {
  space(name: $s) {
    previewJudgement(verdict: DETACH, a: $a, b: $b, messageId: $m) {
      __typename
      ... on Invalid { problems { path } }
      ... on PolicyPreview {
        summary { customersBefore customersAfter merged split released unchanged }
        differences { edges { node { kind before { value } after { value } } } }
      }
    }
  }
}"""


async def preview(
    world: GraphQLWorld, space: OpenSpace, a: str, message_id: str | None, b: str | None = None
) -> dict[str, Any]:
    variables = {"s": space.name, "a": identifier(a), "m": message_id}
    answer = await world.ask(
        PREVIEW, variables | ({"b": identifier(b)} if b else {}), key=space.reader_key
    )
    assert "errors" not in answer, answer
    return answer["data"]["space"]["previewJudgement"]


async def test_what_a_detachment_would_change_is_previewed(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await world.send(space, event(40, "user_id:it", "anonymous_id:its", message_id="its-login"))

    found = await preview(world, space, "anonymous_id:its", "its-login")
    made = await detach(world, space, "its-login", "anonymous_id:its")

    assert found["summary"]["customersBefore"] == 1
    assert made["message"].endswith("No other event carries anonymous_id:its: it is nobody's now.")


async def test_a_preview_tells_who_is_split(world: GraphQLWorld) -> None:
    space = await world.create_space()
    await world.send(
        space,
        event(1, "user_id:u", "anonymous_id:a", message_id="m1"),
        event(2, "anonymous_id:a", message_id="m2"),
    )

    found = await preview(world, space, "anonymous_id:a", "m1")

    [edge] = found["differences"]["edges"]
    assert (edge["node"]["kind"], found["summary"]["split"]) == ("SPLIT", 1)
    assert (await customer(world, space, "u"))["eventCount"] == 2


@pytest.mark.parametrize(
    ("message_id", "named", "path"),
    [
        ("nothing", WIFE, "messageId"),
        ("order", "user_id:she", "identifier"),
        ("order", "email:null", "identifier"),
    ],
)
async def test_what_is_not_on_the_event_is_refused(
    world: GraphQLWorld, space: OpenSpace, message_id: str, named: str, path: str
) -> None:
    refused = await detach(world, space, message_id, named)
    previewed = await preview(world, space, named, message_id)

    assert [problem["path"] for problem in refused["problems"]] == [path]
    assert previewed["problems"] == [{"path": path.replace("identifier", "a")}]


@pytest.mark.parametrize(
    ("message_id", "b", "path"), [(None, None, "messageId"), ("order", HIS, "b")]
)
async def test_a_preview_of_a_detachment_names_one_identifier_and_an_event(
    world: GraphQLWorld, space: OpenSpace, message_id: str | None, b: str | None, path: str
) -> None:
    found = await preview(world, space, WIFE, message_id, b)

    assert found == {"__typename": "Invalid", "problems": [{"path": path}]}


async def test_two_identifiers_cannot_be_judged_detached(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    query = (
        "mutation($s: String!, $a: IdentifierInput!, $b: IdentifierInput!) {"
        ' judge(space: $s, verdict: DETACH, a: $a, b: $b, reason: "?") {'
        " ... on Invalid { problems { path message } } } }"
    )

    answer = await world.ask(
        query, {"s": space.name, "a": identifier(WIFE), "b": identifier(HIS)}, key=space.admin_key
    )

    assert answer["data"]["judge"]["problems"] == [
        {"path": "verdict", "message": "DETACH is about an event: use `detach`."}
    ]


async def test_a_reader_may_not_detach(world: GraphQLWorld, space: OpenSpace) -> None:
    variables = {"s": space.name, "m": "order", "i": identifier(WIFE)}

    answer = await world.ask(DETACH, variables, key=space.reader_key)

    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
