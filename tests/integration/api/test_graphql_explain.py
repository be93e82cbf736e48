"""Why these two are one customer or are not, over GraphQL; and how well customers hold together."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from identity_service.domain.judgements import Verdict
from identity_service.services.read.live import LiveResolution
from identity_service.services.spaces.access import SpaceScope
from tests.support.graphql import GraphQLWorld, OpenSpace, event

pytestmark = pytest.mark.neo4j

POLICY = """
types:
  user_id: {priority: 1, kind: person, limit: 1, format: "[a-z0-9]+"}
  email: {priority: 2, kind: person, limit: 3, max_links: 6, normalise: email}
  cookie: {priority: 9, kind: device, shared: quarantine}
blocked:
  - {value: nobody}
"""

PATH = """
  __typename
  ... on Explanation {
    sameCustomer message
    a { value customer { customerId } } b { value customer { customerId } }
    path { ...hop } refusals { ...hop }
    judgement { id verdict author reason }
  }
  ... on NotFound { reason message }
  ... on OverConnected { size limit }
"""
HOP = """
fragment hop on Link {
  a { type value } b { type value } timesSeen firstSeen lastSeen sources
  decision { joined reason type conflict { value } message }
  exampleEvent { messageId }
}
"""


@pytest.fixture
async def space(world: GraphQLWorld) -> OpenSpace:
    return await world.create_space(POLICY)


async def explain(world: GraphQLWorld, space: OpenSpace, a: str, b: str) -> Any:
    """The answer about two identifiers `TYPE:VALUE`."""
    ends = {
        name: dict(zip(("type", "value"), text.split(":"), strict=True))
        for name, text in (("a", a), ("b", b))
    }
    answer = await world.ask(
        "query ($space: String!, $a: IdentifierInput!, $b: IdentifierInput!)"
        f"{{ space(name: $space) {{ explain(a: $a, b: $b) {{ {PATH} }} }} }} {HOP}",
        {"space": space.name, **ends},
        key=space.reader_key,
    )
    assert "errors" not in answer, answer
    return answer["data"]["space"]["explain"]


async def judge(world: GraphQLWorld, space: OpenSpace, verdict: Verdict, a: str, b: str) -> str:
    """Have the administrator judge; returns the id."""
    ends = [
        f'{{type: "{kind}", value: "{value}"}}' for kind, value in (x.split(":") for x in (a, b))
    ]
    answer = await world.ask(
        f'mutation {{ judge(space: "{space.name}", verdict: {verdict.name}, a: {ends[0]},'
        f' b: {ends[1]}, reason: "she called") {{ ... on Judged {{ judgement {{ id }} }} }} }}',
        key=space.admin_key,
    )
    return answer["data"]["judge"]["judgement"]["id"]


def ends_of(path: list[dict[str, Any]]) -> list[str]:
    """The identifiers along a path, whose hops follow each other."""
    steps = [[f"{end['type']}:{end['value']}" for end in (hop["a"], hop["b"])] for hop in path]
    assert all(one[1] == following[0] for one, following in pairwise(steps))
    return [steps[0][0], *(step[1] for step in steps)] if steps else []


async def test_one_customer_is_joined_hop_by_hop_each_with_the_latest_event_that_saw_both(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await world.send(
        space,
        event(1_000, "user_id:ann", "email:ann@example.com", message_id="1"),
        event(3_000, "user_id:ann", "email:ann@example.com", message_id="2"),
        event(2_000, "user_id:ann", "email:ann@example.com", message_id="3"),
        event(4_000, "user_id:ann", "cookie:c", message_id="4"),
        event(9_000, "user_id:ann", message_id="5"),
    )

    found = await explain(world, space, "email:Ann@Example.com ", "cookie:c")

    assert found["sameCustomer"]
    assert ends_of(found["path"]) == ["email:ann@example.com", "user_id:ann", "cookie:c"]
    first, second = found["path"]
    assert (first["timesSeen"], first["exampleEvent"]) == (2 + 1, {"messageId": "2"})
    assert (first["firstSeen"], first["lastSeen"]) == (
        "1970-01-01T00:00:01.000Z",
        "1970-01-01T00:00:03.000Z",
    )
    assert len(first["sources"]) == 1
    assert second["exampleEvent"] == {"messageId": "4"}
    assert all(hop["decision"]["joined"] for hop in found["path"])
    assert found["refusals"] == []
    assert found["judgement"] is None
    assert found["a"]["customer"] == found["b"]["customer"]


async def test_two_customers_are_told_what_stands_between_them(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await world.send(
        space,
        event(1, "user_id:ann", "email:home@example.com"),
        event(2, "user_id:ben", "email:home@example.com"),
    )

    found = await explain(world, space, "user_id:ben", "user_id:ann")

    assert not found["sameCustomer"]
    assert found["message"] == (
        "Two customers: one customer may have 1 value of user_id, and here are user_id:ann and "
        "user_id:ben."
    )
    assert ends_of(found["path"]) == ["user_id:ben", "email:home@example.com", "user_id:ann"]
    [refused] = found["refusals"]
    assert refused["decision"]["reason"] == "LIMIT"
    assert refused["decision"]["type"] == "user_id"
    assert [each["value"] for each in refused["decision"]["conflict"]] == ["ann", "ben"]
    assert found["a"]["customer"] != found["b"]["customer"]


async def test_a_judged_pair_that_was_never_seen_together_is_explained_and_its_withdrawal_too(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await world.send(space, event(1, "user_id:ann"), event(2, "email:ann@example.com"))
    pair = ("user_id:ann", "email:ann@example.com")
    before = await explain(world, space, *pair)
    made = await judge(world, space, Verdict.SAME, *pair)

    joined = await explain(world, space, *pair)

    assert before["message"] == "Two customers: nothing that was seen connects them."
    assert joined["sameCustomer"]
    [hop] = joined["path"]
    assert (hop["timesSeen"], hop["sources"], hop["exampleEvent"]) == (0, [], None)
    assert hop["firstSeen"] == hop["lastSeen"] > "2020"
    assert joined["judgement"]["id"] == made
    assert "she called" in joined["message"]
    assert joined["judgement"]["author"] in joined["message"]

    await world.ask(
        f'mutation {{ withdrawJudgement(space: "{space.name}", id: "{made}", reason: "no") '
        "{ __typename } }",
        key=space.admin_key,
    )
    assert await explain(world, space, *pair) == before


async def test_who_was_judged_apart_is_told_by_whom_and_why(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await world.send(space, event(1, "user_id:ann", "email:ann@example.com"))
    made = await judge(world, space, Verdict.APART, "user_id:ann", "email:ann@example.com")

    found = await explain(world, space, "user_id:ann", "email:ann@example.com")

    assert not found["sameCustomer"]
    assert found["judgement"]["id"] == made
    assert found["refusals"][0]["decision"]["reason"] == "APART"
    assert "judged on" in found["message"]
    assert "(“she called”)" in found["message"]


@pytest.mark.parametrize(
    ("a", "b", "reason", "told"),
    [
        ("user_id:ann", "user_id:zoe", "UNKNOWN", "The second of the two: user_id:zoe was never"),
        ("email:nobody", "user_id:ann", "BLOCKED_VALUE", "The first of the two: email:nobody"),
        ("user_id:ann", "user_id:?", "INVALID_VALUE", "The second of the two: user_id:?"),
    ],
)
async def test_what_is_not_there_is_told_with_the_reason_and_which_it_is(
    world: GraphQLWorld, space: OpenSpace, a: str, b: str, reason: str, told: str
) -> None:
    await world.send(space, event(1, "user_id:ann"))

    found = await explain(world, space, a, b)

    assert found["__typename"] == "NotFound"
    assert found["reason"] == reason
    assert found["message"].startswith(told)


async def test_an_identifier_and_itself_are_one_customer(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await world.send(space, event(1, "email:ann@example.com"))

    found = await explain(world, space, "email:ann@example.com", "email:ANN@example.com")

    assert (found["sameCustomer"], found["path"]) == (True, [])
    assert found["message"] == "They are the same identifier."


def crowd(hub: str, people: int) -> list[Any]:
    """People who were seen with one address, each with a cookie."""
    return [
        one
        for n in range(people)
        for one in (
            event(n, f"user_id:{hub}{n}", f"email:{hub}@example.com"),
            event(n, f"user_id:{hub}{n}", f"cookie:{hub}{n}"),
        )
    ]


async def test_a_way_through_a_super_connector_is_shown_as_refused(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await world.send(space, *crowd("info", 8))

    found = await explain(world, space, "cookie:info1", "cookie:info7")

    assert not found["sameCustomer"]
    assert ends_of(found["path"]) == [
        "cookie:info1",
        "user_id:info1",
        "email:info@example.com",
        "user_id:info7",
        "cookie:info7",
    ]
    assert [hop["decision"]["reason"] for hop in found["refusals"]] == ["SUPER_CONNECTOR"] * 2
    assert "email:info@example.com has more links than one person could have" in found["message"]


async def test_two_super_connectors_that_met_are_a_way_too_and_otherwise_they_may_be_one(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await world.send(space, *crowd("info", 8), *crowd("shop", 8))
    unmet = await explain(world, space, "cookie:info1", "cookie:shop7")

    await world.send(space, event(90, "email:info@example.com", "email:shop@example.com"))
    met = await explain(world, space, "cookie:info1", "cookie:shop7")
    hubs = await explain(world, space, "email:info@example.com", "email:shop@example.com")

    assert unmet["path"] == []
    assert "email:info@example.com and email:shop@example.com, and those join" in unmet["message"]
    assert ends_of(met["path"])[2:4] == ["email:info@example.com", "email:shop@example.com"]
    assert [hop["decision"]["joined"] for hop in met["path"]] == [True, False, False, False, True]
    assert ends_of(hubs["path"]) == ["email:info@example.com", "email:shop@example.com"]
    assert not hubs["sameCustomer"]


async def test_a_component_that_is_too_large_is_said_to_be_so(world: GraphQLWorld) -> None:
    space = await world.create_space(
        "types: {cookie: {priority: 1, kind: device}}\nmax_component: 5\n"
    )
    chain = [event(n, f"cookie:{n}", f"cookie:{n + 1}") for n in range(1, 8)]
    await world.send(space, *chain)

    found = await explain(world, space, "cookie:1", "cookie:8")

    assert found == {"__typename": "OverConnected", "size": 8, "limit": 5}


async def test_the_links_of_a_super_connector_are_all_refused_and_all_counted(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await world.send(space, *crowd("info", 8))

    found = await world.customer(
        space,
        "email:info@example.com",
        "... on Customer { health { refusedLinks bridges largestShareOfLimit }"
        " links { decision { joined reason } } }",
    )

    decision = {"joined": False, "reason": "SUPER_CONNECTOR"}
    assert found["links"] == [{"decision": decision}] * 8
    assert found["health"] == {
        "refusedLinks": 8,
        "bridges": 0,
        "largestShareOfLimit": pytest.approx(1 / 3),
    }


async def test_health_tells_how_a_customer_holds_together(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await world.send(
        space,
        event(1, "user_id:ann", "email:ann@example.com", "cookie:1"),
        event(2, "user_id:ann", "cookie:2"),
        event(3, "user_id:ben", "cookie:3"),
        event(3, "user_id:ann", "cookie:3"),
    )

    found = await world.customer(
        space,
        "email:ann@example.com",
        "... on Customer { health { refusedLinks bridges largestShareOfLimit } }",
    )

    assert found["health"] == {"refusedLinks": 1, "bridges": 1, "largestShareOfLimit": 1.0}


async def test_links_health_and_explanation_in_one_query_load_the_component_once(
    world: GraphQLWorld, space: OpenSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.send(space, event(1, "user_id:ann", "email:ann@example.com", "cookie:1"))
    loads: list[SpaceScope] = []
    load = LiveResolution.component_of

    async def counted(self: LiveResolution, scope: SpaceScope, *more: Any) -> Any:
        loads.append(scope)
        return await load(self, scope, *more)

    monkeypatch.setattr(LiveResolution, "component_of", counted)
    ann, cookie = '{type: "user_id", value: "ann"}', '{type: "cookie", value: "1"}'

    found = await world.of_space(
        space,
        f"customer(identifier: {ann}) {{ ... on Customer {{ links {{ timesSeen }}"
        f" health {{ bridges }} }} }} explain(a: {cookie}, b: {ann}) {{ __typename }}",
    )

    assert len(loads) == 1
    assert len(found["customer"]["links"]) == 3
    assert found["explain"] == {"__typename": "Explanation"}
