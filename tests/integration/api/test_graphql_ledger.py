"""Judgements and changes by who, of whom and when; customers by their ids."""

from __future__ import annotations

from typing import Any

import pytest

from identity_service.domain.timestamps import iso
from tests.support.graphql import GraphQLWorld, OpenSpace, event
from tests.support.waiting import a_later_moment

LISTED = "edges { node { reason } } pageInfo { hasNextPage endCursor }"


@pytest.fixture
async def space(world: GraphQLWorld) -> OpenSpace:
    """Four people, each with a login and a phone."""
    space = await world.create_space()
    people = ("ann", "bob", "cid", "dan")
    await world.send(
        space,
        *(event(n, f"user_id:{who}", f"anonymous_id:{who}-phone") for n, who in enumerate(people)),
    )
    return space


async def agent_key(world: GraphQLWorld, space: OpenSpace, name: str) -> str:
    answer = await world.ask(
        f'mutation {{ createKey(space: "{space.name}", role: AGENT, name: "{name}")'
        " { ... on KeyCreated { key } } }",
        key=space.admin_key,
    )
    return answer["data"]["createKey"]["key"]


async def judge(
    world: GraphQLWorld, space: OpenSpace, a: str, b: str, reason: str, key: str | None = None
) -> str:
    """Judge two logins apart; returns the id."""
    answer = await world.ask(
        f'mutation {{ judge(space: "{space.name}", verdict: APART, reason: "{reason}",'
        f' a: {{type: "user_id", value: "{a}"}}, b: {{type: "user_id", value: "{b}"}})'
        " { ... on Judged { judgement { id } } } }",
        key=key or space.admin_key,
    )
    return answer["data"]["judge"]["judgement"]["id"]


async def withdraw(world: GraphQLWorld, space: OpenSpace, judgement: str) -> None:
    answer = await world.ask(
        f'mutation {{ withdrawJudgement(space: "{space.name}", id: "{judgement}", reason: "erred")'
        " { ... on Judged { message } } }",
        key=space.admin_key,
    )
    assert "errors" not in answer


async def id_of(world: GraphQLWorld, space: OpenSpace, who: str) -> str:
    found = await world.customer(space, f"user_id:{who}", "... on Customer { customerId }")
    return found["customerId"]


async def moment() -> str:
    """Now, apart from what happened before and will happen after."""
    return iso(await a_later_moment())


def reasons(connection: dict[str, Any]) -> list[str]:
    return [edge["node"]["reason"] for edge in connection["edges"]]


async def test_judgements_are_listed_by_author_customer_and_time(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    mia = await agent_key(world, space, "Mia")
    await judge(world, space, "ann", "bob", "first")
    between = await moment()
    await judge(world, space, "cid", "ann", "second", key=mia)
    await judge(world, space, "cid", "dan", "third", key=mia)
    ann = await id_of(world, space, "ann")

    async def listed(arguments: str) -> list[str]:
        found = await world.of_space(space, f"judgements({arguments}) {{ {LISTED} }}")
        return reasons(found["judgements"])

    assert await listed("first: 50") == ["third", "second", "first"]
    assert await listed('author: "Mia"') == ["third", "second"]
    assert await listed(f'customer: "{ann}"') == ["second", "first"]
    assert await listed(f'since: "{between}"') == ["third", "second"]
    assert await listed(f'until: "{between}"') == ["first"]
    assert await listed(f'author: "Mia", customer: "{ann}", since: "{between}"') == ["second"]
    assert await listed('customer: "cus_none"') == []
    assert await listed('author: "nobody"') == []


async def test_filtered_judgements_come_page_by_page(world: GraphQLWorld, space: OpenSpace) -> None:
    for n, who in enumerate(("bob", "cid", "dan")):
        await judge(world, space, "ann", who, f"r{n}")
    ann = await id_of(world, space, "ann")
    seen: list[str] = []
    after, more = "null", True

    while more:
        found = await world.of_space(
            space, f'judgements(first: 2, after: {after}, customer: "{ann}") {{ {LISTED} }}'
        )
        page = found["judgements"]
        seen += reasons(page)
        more, after = page["pageInfo"]["hasNextPage"], f'"{page["pageInfo"]["endCursor"]}"'

    assert seen == ["r2", "r1", "r0"]


async def test_a_customer_has_what_was_judged_of_its_identifiers(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    gone = await judge(world, space, "ann", "bob", "withdrawn later")
    await judge(world, space, "cid", "dan", "others")
    before = await moment()
    await withdraw(world, space, gone)
    await judge(world, space, "cid", "ann", "of her")
    selection = "judgements { edges { node { reason withdrawnBy } } }"

    now = await world.customer(
        space, "anonymous_id:ann-phone", f"... on Customer {{ {selection} }}"
    )
    then = await world.of_space(
        space,
        f'customer(identifier: {{type: "user_id", value: "ann"}}, asOf: "{before}")'
        f" {{ ... on Customer {{ {selection} }} }}",
    )

    assert [tuple(e["node"].values()) for e in now["judgements"]["edges"]] == [
        ("of her", None),
        ("withdrawn later", "admin"),
    ]
    assert then["customer"]["judgements"]["edges"] == [
        {"node": {"reason": "withdrawn later", "withdrawnBy": None}}
    ]


async def test_a_retired_id_leads_to_what_was_judged_of_who_carries_on(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await world.send(space, event(9, "anonymous_id:new"))
    found = await world.customer(space, "anonymous_id:new", "... on Customer { customerId }")
    await world.send(space, event(10, "anonymous_id:new", "user_id:ann"))
    await judge(world, space, "ann", "bob", "known")

    listed = await world.of_space(
        space, f'judgements(customer: "{found["customerId"]}") {{ {LISTED} }}'
    )

    assert reasons(listed["judgements"]) == ["known"]


async def test_changes_are_listed_by_customer_time_and_kind(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    between = await moment()
    await world.send(space, event(5, "anonymous_id:new"))
    await world.send(space, event(6, "anonymous_id:new", "user_id:ann"))
    ann = await id_of(world, space, "ann")

    async def listed(arguments: str) -> list[str]:
        found = await world.of_space(
            space, f"changes({arguments}) {{ edges {{ node {{ kind }} }} }}"
        )
        return [edge["node"]["kind"] for edge in found["changes"]["edges"]]

    assert await listed(f'since: "{between}"') == ["MERGED", "CREATED"]
    assert await listed(f'until: "{between}"') == ["CREATED"] * 4
    assert await listed(f'since: "{between}", kinds: [CREATED]') == ["CREATED"]
    assert await listed(f'customer: "{ann}"') == ["MERGED", "CREATED"]
    assert await listed(f'customer: "{ann}", kinds: [MERGED]') == ["MERGED"]
    assert await listed(f'customer: "{ann}", until: "{between}"') == ["CREATED"]
    assert await listed(f'customer: "{ann}", since: "{between}"') == ["MERGED"]
    assert await listed('customer: "cus_none"') == []


async def test_changes_of_a_span_of_time_come_page_by_page(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    until = await moment()
    await world.send(space, event(5, "anonymous_id:new"))
    page = "edges { node { id } } pageInfo { hasNextPage endCursor }"

    first = await world.of_space(space, f'changes(first: 3, until: "{until}") {{ {page} }}')
    info = first["changes"]["pageInfo"]
    second = await world.of_space(
        space, f'changes(first: 3, until: "{until}", after: "{info["endCursor"]}") {{ {page} }}'
    )

    ids = [e["node"]["id"] for each in (first, second) for e in each["changes"]["edges"]]
    assert info["hasNextPage"]
    assert not second["changes"]["pageInfo"]["hasNextPage"]
    assert len(set(ids)) == len(ids) == 4


async def test_customers_are_found_by_their_ids_in_the_order_asked(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await world.send(space, event(9, "anonymous_id:new"))
    old = (await world.customer(space, "anonymous_id:new", "... on Customer { customerId }"))[
        "customerId"
    ]
    await world.send(space, event(10, "anonymous_id:new", "user_id:ann"))
    ann, bob = [await id_of(world, space, who) for who in ("ann", "bob")]

    found = await world.of_space(
        space,
        f'customersById(ids: ["{bob}", "cus_none", "{old}", "{ann}", "{bob}"])'
        " { ... on Customer { customerId redirectedFrom } ... on NotFound { reason } }",
    )

    assert found["customersById"] == [
        {"customerId": bob, "redirectedFrom": None},
        {"reason": "UNKNOWN"},
        {"customerId": ann, "redirectedFrom": old},
        {"customerId": ann, "redirectedFrom": None},
        {"customerId": bob, "redirectedFrom": None},
    ]


async def test_more_than_a_thousand_ids_are_refused(world: GraphQLWorld, space: OpenSpace) -> None:
    ids = ", ".join(f'"cus_{n}"' for n in range(1_001))

    answer = await world.ask(
        f'{{ space(name: "{space.name}") {{ customersById(ids: [{ids}]) {{ __typename }} }} }}',
        key=space.reader_key,
    )

    [error] = answer["errors"]
    assert error["extensions"]["code"] == "TOO_LARGE"


async def test_who_is_over_connected_by_now_is_named_as_it_was_settled_last(
    world: GraphQLWorld,
) -> None:
    space = await world.create_space("extends: quarantine\nmax_component: 3\n")
    await world.send(space, event(1, "user_id:ann", "anonymous_id:shared"))
    ann = await id_of(world, space, "ann")
    await world.send(
        space, *(event(n, f"user_id:u{n}", "anonymous_id:shared") for n in range(2, 6))
    )
    over_connected = "... on OverConnected { size customer { customerId } }"

    async def live(who: str) -> dict[str, Any]:
        found = await world.of_space(
            space,
            f'customer(identifier: {{type: "user_id", value: "{who}"}}, live: true)'
            f" {{ __typename {over_connected} }}",
        )
        return found["customer"]

    assert await live("ann") == {
        "__typename": "OverConnected",
        "size": 6,
        "customer": {"customerId": ann},
    }
    assert (await live("u5"))["customer"] is None
