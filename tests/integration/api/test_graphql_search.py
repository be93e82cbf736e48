"""Anybody, found as an agent types it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from identity_service.services.kit.clock import system_clock
from tests.integration.api.test_graphql_customer_profiles import apply, compute
from tests.integration.api.test_graphql_retractions import WITHDRAW, retracted
from tests.support.graphql import GraphQLWorld, OpenSpace, event
from tests.support.neighbours import followed

pytestmark = pytest.mark.neo4j

DAY = 24 * 3_600_000

SEARCH = """
query ($space: String!, $text: String!, $first: Int, $after: String) {
  space(name: $space) {
    search(text: $text, first: $first, after: $after) {
      edges { cursor node { customerId } matches { name value likeness } }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""


def people() -> list[Any]:
    """A shop's: Ann with a phone and two orders, Ben of a company, José, and Annika."""
    now = system_clock() - DAY

    def person(who: str, *others: str, **traits: str) -> Any:
        return event(now, f"user_id:{who}", *others, type="identify", traits=traits)

    def order(who: str, number: str) -> Any:
        return event(now, f"user_id:{who}", name="Order", properties={"order_id": number})

    return [
        person("u-1008", "email:ann.lee@example.com", "phone:+31612345678", name="Ann Marie Lee"),
        order("u-1008", "ORD-2024-0017"),
        order("u-1008", "ORD-2024-0018"),
        person("u-1009", "email:ben@acme.test", firstName="Ben", last_name="O'Neil"),
        event(
            now, "user_id:u-1009", type="group", account_id="acme-7",
            account_traits={"name": "Acme Rockets"},
        ),
        person("u-1010", "email:jose@example.com", name="José Ñandú"),
        person("u-1011", "email:annika@example.com", name="Annika Maria van der Berg"),
        event(now, "user_id:u-1011", name="Paid", properties={"invoice": {"number": "INV-77"}}),
    ]  # fmt: skip


@pytest.fixture
async def space(world: GraphQLWorld) -> OpenSpace:
    space = await world.create_space()
    await world.send(space, *people())
    return space


async def search(world: GraphQLWorld, space: OpenSpace, text: str, **page: Any) -> Any:
    variables = {"space": space.name, "text": text, **page}
    answer = await world.ask(SEARCH, variables, key=space.reader_key)
    assert "errors" not in answer, answer
    return answer["data"]["space"]["search"]


async def found(world: GraphQLWorld, space: OpenSpace, text: str) -> list[tuple[str, ...]]:
    """Who is found: the user id of each, and the first reason."""
    who = {
        (await world.customer(space, f"user_id:{each}", "... on Customer { customerId }"))[
            "customerId"
        ]: each
        for each in ("u-1008", "u-1009", "u-1010", "u-1011")
    }
    return [
        (who[edge["node"]["customerId"]], *edge["matches"][0].values())
        for edge in (await search(world, space, text))["edges"]
    ]


@pytest.mark.parametrize(
    ("text", "user", "name", "value", "likeness"),
    [
        ("ann.lee@example.com", "u-1008", "email", "ann.lee@example.com", "WHOLE"),
        ("email:Ann.Lee@Example.com", "u-1008", "email", "ann.lee@example.com", "WHOLE"),
        ("lee@exam", "u-1008", "email", "ann.lee@example.com", "WORD"),
        ("ann.lee@exmaple.com", "u-1008", "email", "ann.lee@example.com", "SIMILAR"),
        ("06-1234 5678", "u-1008", "phone", "+31612345678", "ENDING"),
        ("+31 6 1234 5678", "u-1008", "phone", "+31612345678", "ENDING"),
        ("+31 (0)6 1234 5678", "u-1008", "phone", "+31612345678", "ENDING"),
        ("5678", "u-1008", "phone", "+31612345678", "ENDING"),
        ("u-1008", "u-1008", "user_id", "u-1008", "WHOLE"),
        ("1008", "u-1008", "user_id", "u-1008", "WORD"),
        ("marie", "u-1008", "name", "Ann Marie Lee", "WORD"),
        ("lee ann", "u-1008", "name", "Ann Marie Lee", "WORDS"),
        ("Amn Marie Lee", "u-1008", "name", "Ann Marie Lee", "SIMILAR"),
        ("mnn marie lee", "u-1008", "name", "Ann Marie Lee", "SIMILAR"),
        ("ord 2024 0018", "u-1008", "order_id", "ORD-2024-0018", "WHOLE"),
        ("0017", "u-1008", "order_id", "ORD-2024-0017", "WORD"),
        ("ben oneil", "u-1009", "name", "Ben O'Neil", "SIMILAR"),
        ("acme rock", "u-1009", "name", "Acme Rockets", "BEGINNING"),
        ("acme-7", "u-1009", "account", "acme-7", "WHOLE"),
        ("berg", "u-1011", "name", "Annika Maria van der Berg", "WORD"),
        ("inv-77", "u-1011", "invoice.number", "INV-77", "WHOLE"),
        ("JOSE NANDU", "u-1010", "name", "José Ñandú", "WHOLE"),
    ],
)
async def test_a_piece_leads_to_the_customer_and_says_why(
    world: GraphQLWorld, space: OpenSpace, text: str, user: str, name: str, value: str,
    likeness: str,
) -> None:  # fmt: skip
    first, *_ = await found(world, space, text)

    assert first == (user, name, value, likeness)


async def test_the_closest_comes_first_and_pages_go_on(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    assert [each[0] for each in await found(world, space, "ann")] == ["u-1008", "u-1011"]

    one = await search(world, space, "ann", first=1)
    other = await search(world, space, "ann", first=1, after=one["pageInfo"]["endCursor"])

    assert one["pageInfo"]["hasNextPage"]
    assert not other["pageInfo"]["hasNextPage"]
    both = await search(world, space, "ann")
    assert both["edges"] == one["edges"] + other["edges"]


async def test_an_id_of_a_customer_is_found_current_and_retired(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    ids: dict[str, str] = {}
    for who in ("anonymous_id:phone", "anonymous_id:laptop"):
        await world.send(space, event(system_clock() - DAY, who))
        answer = await world.customer(space, who, "... on Customer { customerId }")
        ids[who] = answer["customerId"]
    for who in ids:
        await world.send(space, event(system_clock(), "user_id:zoe", who))

    found = [(await search(world, space, each))["edges"] for each in ids.values()]

    assert found[0][0]["node"] == found[1][0]["node"]
    assert {edge[0]["matches"][0]["name"] for edge in found} == {"customer id"}


async def test_another_space_is_not_searched(world: GraphQLWorld, space: OpenSpace) -> None:
    other = await world.create_space(name=f"{space.name}-2")
    await world.send(other, event(system_clock(), "email:stranger@example.com"))

    assert (await search(world, space, "stranger"))["edges"] == []
    assert (await search(world, other, "ann.lee"))["edges"] == []
    assert len((await search(world, other, "stranger"))["edges"]) == 1


async def test_pages_of_many_repeat_nobody_and_leave_nobody_out(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    now = system_clock()
    several_times_each = [
        event(now, f"user_id:p{n}", type="identify", traits={"name": f"Pia {n % 40:02}"})
        for n in range(60)
        for _ in range(3)
    ]
    await world.send(space, *several_times_each)

    walked: list[Any] = []
    page: dict[str, Any] = {"first": 7}
    while not walked or page["after"] is not None:
        answer = await search(world, space, "pia", **page)
        walked += [edge["node"]["customerId"] for edge in answer["edges"]]
        info = answer["pageInfo"]
        page["after"] = info["endCursor"] if info["hasNextPage"] else None
    at_once = (await search(world, space, "pia", first=100))["edges"]

    assert len(set(walked)) == len(walked) == 60
    assert walked == [edge["node"]["customerId"] for edge in at_once]


@pytest.mark.parametrize("text", ["", " -./ ", "a", "a.*", "x" * 201])
async def test_a_text_with_nothing_to_look_for_is_named(
    world: GraphQLWorld, space: OpenSpace, text: str
) -> None:
    answer = await world.ask(SEARCH, {"space": space.name, "text": text}, key=space.reader_key)

    assert answer["errors"][0]["extensions"]["code"] == "BAD_INPUT"


@pytest.mark.parametrize(
    ("text", "users"),
    [
        ("ann' OR 1=1", []),
        ("\x00Annika", ["u-1011"]),
        ("Anni\u202eka", ["u-1011"]),
        ("/annika", ["u-1011"]),
    ],
)
async def test_odd_characters_are_no_pattern(
    world: GraphQLWorld, space: OpenSpace, text: str, users: list[str]
) -> None:
    assert [each[0] for each in await found(world, space, text)] == users


async def test_what_does_not_count_any_more_finds_nobody_until_it_is_taken_back(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    mistaken = event(system_clock(), "user_id:u-1008", name="Order",
                     properties={"order_id": "wrong-9"})  # fmt: skip
    await world.send(space, mistaken, received_at=20_000)
    assert len((await search(world, space, "wrong-9"))["edges"]) == 1

    made = await retracted(world, space)
    await followed(world, space)
    assert (await search(world, space, "wrong-9"))["edges"] == []

    await world.ask(WITHDRAW, {"space": space.name, "id": made["id"]}, key=space.admin_key)
    await followed(world, space)
    assert len((await search(world, space, "wrong-9"))["edges"]) == 1


async def test_what_is_sent_twice_and_at_the_same_time_is_found_once(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    one = event(system_clock(), "email:twice@example.com", "user_id:twice")
    await asyncio.gather(
        world.send(space, one), world.send(space, replace(one, message_id="again"))
    )
    await world.send(space, one)

    [edge] = (await search(world, space, "twice"))["edges"]

    assert {each["name"] for each in edge["matches"]} == {"email", "user_id"}


async def test_who_says_the_same_again_and_again_hides_nobody(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    now = system_clock()

    def named(who: str, name: str) -> Any:
        return event(now, f"user_id:{who}", type="identify", traits={"name": name})

    await world.send(
        space, named("other", "Rosalind"), *(named("same", "Rosa") for _ in range(250))
    )

    edges = (await search(world, space, "ros"))["edges"]

    assert [edge["matches"][0]["value"] for edge in edges] == ["Rosa", "Rosalind"]


async def test_a_trait_finds_while_the_profiles_text_says_so(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    async def by(text: str) -> list[tuple[str, ...]]:
        return [
            tuple(edge["matches"][0].values())
            for edge in (await search(world, space, text))["edges"]
        ]

    def member(number: str) -> Any:
        traits = {"member_no": number, "colour": "green"}
        return event(system_clock(), "user_id:u-1009", type="identify", traits=traits)

    await world.send(space, member("NL-4711"))
    assert await by("4711") == []

    await apply(world, space, "traits: {member_no: {search: true}}")
    await compute(world, space)
    assert await by("4711") == [("member_no", "NL-4711", "WORD")]
    assert await by("nl 47111") == [("member_no", "NL-4711", "SIMILAR")]
    assert await by("4711 nl") == [("member_no", "NL-4711", "WORDS")]
    assert await by("green") == []

    await world.send(space, member("NL-5811"))
    await compute(world, space)
    assert (await by("4711"), await by("5811")) == ([], [("member_no", "NL-5811", "WORD")])

    await apply(world, space, "traits: {colour: {take: first}}")
    await compute(world, space)
    assert await by("5811") == []
