"""Phone numbers without their country: as policy or source say, and found as they were sent."""

from __future__ import annotations

import secrets
from typing import Any

from identity_service.domain.timestamps import iso
from identity_service.services.kit.clock import system_clock
from tests.support.graphql import GraphQLWorld, OpenSpace, event

FIND = """
query ($space: String!, $value: String!, $asOf: DateTime) {
  space(name: $space) {
    customer(identifier: {type: "phone", value: $value}, asOf: $asOf) {
      __typename
      ... on Customer { identifiers { type value } }
      ... on NotFound { reason }
    }
  }
}
"""
CREATE = """
mutation ($name: String!, $spaces: [String!]!, $region: String) {
  createSource(name: $name, spaces: $spaces, region: $region) {
    ... on SourceCreated { writeKey }
    ... on Invalid { problems { path message } }
  }
}
"""
EXPLAIN = """
query ($space: String!) {
  space(name: $space) {
    explain(
      a: {type: "phone", value: "06 12345678"}, b: {type: "user_id", value: "ann"}
    ) { ... on Explanation { sameCustomer } }
  }
}
"""


async def source_of(world: GraphQLWorld, space: OpenSpace, region: str | None) -> OpenSpace:
    """The space with the write key of a new source of a country."""
    sent = {"name": f"web-{secrets.token_hex(4)}", "spaces": [space.name], "region": region}
    answer = await world.ask(CREATE, sent, key=space.admin_key)
    key = answer["data"]["createSource"]["writeKey"]
    return OpenSpace(space.name, space.admin_key, space.reader_key, key)


async def found(world: GraphQLWorld, space: OpenSpace, value: str, **more: Any) -> set[str]:
    """The identifiers of the customer of a phone number; empty for nobody."""
    sent = {"space": space.name, "value": value, **more}
    answer = await world.ask(FIND, sent, key=space.reader_key)
    customer = answer["data"]["space"]["customer"]
    return {f"{i['type']}:{i['value']}" for i in customer.get("identifiers", ())}


ANN = {"user_id:ann", "phone:+31612345678"}


async def test_a_source_names_the_country_of_its_national_numbers(
    world: GraphQLWorld,
) -> None:
    space = await world.create_space()

    await world.send(
        await source_of(world, space, "NL"), event(1, "user_id:ann", "phone:0612345678")
    )

    assert await found(world, space, "+31 6 12345678") == ANN
    assert await found(world, space, "06-12345678") == ANN


async def test_a_number_in_national_notation_finds_one_that_was_told_in_full(
    world: GraphQLWorld,
) -> None:
    space = await world.create_space()
    await source_of(world, space, "NL")
    await world.send(space, event(1, "user_id:ann", "phone:+31612345678"))
    answer = await world.ask(EXPLAIN, {"space": space.name}, key=space.reader_key)

    assert await found(world, space, "06 12345678") == ANN
    assert await found(world, space, "06 12345678", asOf=now()) == ANN
    assert answer["data"]["space"]["explain"] == {"sameCustomer": True}


async def test_where_nobody_names_a_country_none_is_guessed(world: GraphQLWorld) -> None:
    space = await world.create_space()
    await world.send(space, event(1, "user_id:ann", "phone:+31612345678"))

    assert await found(world, space, "06 12345678") == set()


async def test_a_number_that_two_people_may_mean_is_nobodys(world: GraphQLWorld) -> None:
    space = await world.create_space()
    await source_of(world, space, "NL")
    await source_of(world, space, "BE")
    await world.send(
        space,
        event(1, "user_id:ann", "phone:+31201234567"),
        event(2, "user_id:ben", "phone:+32201234567"),
    )

    assert await found(world, space, "020 1234567") == set()


async def test_a_number_that_was_told_without_its_country_is_found_as_such(
    world: GraphQLWorld,
) -> None:
    space = await world.create_space()
    await source_of(world, space, "NL")
    await world.send(
        space,
        event(1, "user_id:ann", "phone:+31612345678"),
        event(2, "user_id:ben", "phone:0612345678"),
    )

    assert await found(world, space, "06 12345678") == {"user_id:ben", "phone:0612345678"}


async def test_a_country_that_does_not_exist_is_refused(world: GraphQLWorld) -> None:
    space = await world.create_space()
    sent = {"name": "web-xx", "spaces": [space.name], "region": "XX"}

    answer = await world.ask(CREATE, sent, key=space.admin_key)

    assert answer["data"]["createSource"]["problems"] == [
        {"path": "region", "message": "There is no country “XX”: write NL, or DE."}
    ]


def now() -> str:
    """This moment, as GraphQL reads it."""
    return iso(system_clock())
