"""What a gateway asks of the service: each key in its place, in one reading of each kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest

from identity_service.api.graphql.connections import global_id
from identity_service.services.kit.data_loader import DataLoader
from tests.support.graphql import GraphQLWorld, OpenSpace, event

ENTITIES = """
query($keys: [_Any!]!) {
  _entities(representations: $keys) {
    __typename
    ... on Customer { customerId }
    ... on Identifier { type value customer { identifierCount } }
  }
}
"""


@pytest.fixture
async def space(world: GraphQLWorld) -> OpenSpace:
    space = await world.create_space()
    await world.send(space, *(event(1, f"user_id:u{n}", f"email:u{n}@x.org") for n in range(3)))
    return space


async def test_keys_are_answered_in_their_order_and_one_that_is_none_fails_alone(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    selection = "... on Customer { id customerId identifiers { id } }"
    customer = await world.customer(space, "user_id:u0", selection)
    other = await world.create_space()
    identifier = {"__typename": "Identifier", "space": space.name, "type": "email"}
    seen = {"__typename": "Identifier", "type": "email", "customer": {"identifierCount": 2}}

    answer = await world.ask(
        ENTITIES,
        {
            "keys": [
                {**identifier, "value": " U1@X.org"},
                {"__typename": "Customer", "id": customer["id"]},
                {**identifier, "value": "nobody@x.org"},
                {**identifier, "value": "u0@x.org", "space": other.name},
                {"__typename": "Customer", "id": customer["identifiers"][0]["id"]},
                {"__typename": "Identifier", "id": customer["identifiers"][1]["id"]},
                {"__typename": "Event", "id": "x"},
                {**identifier, "value": " U1@X.org"},
            ]
        },
        key=space.reader_key,
    )

    assert answer["data"]["_entities"] == [
        {**seen, "value": "u1@x.org"},
        {"__typename": "Customer", "customerId": customer["customerId"]},
        None,
        None,
        None,
        {**seen, "value": "u0@x.org"},
        None,
        {**seen, "value": "u1@x.org"},
    ]
    assert [(error["path"], error["extensions"]["code"]) for error in answer["errors"]] == [
        (["_entities", 4], "BAD_INPUT"),
        (["_entities", 6], "BAD_INPUT"),
    ]


async def test_a_thousand_keys_are_one_reading_and_more_are_too_many(
    world: GraphQLWorld, space: OpenSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_query = "... on Customer { id }"
    ids = [(await world.customer(space, f"user_id:u{n}", id_query))["id"] for n in range(3)]
    keys = [{"__typename": "Customer", "id": ids[n % 3]} for n in range(1_000)]
    readings: list[int] = []
    loaders = cast("Any", DataLoader)
    read = loaders._answer

    async def counted(loader: DataLoader[Any, Any], asked: Mapping[Any, Any]) -> None:
        readings.append(len(asked))
        await read(loader, asked)

    monkeypatch.setattr(DataLoader, "_answer", counted)

    answer = await world.ask(ENTITIES, {"keys": keys}, key=space.reader_key)
    refused = await world.ask(ENTITIES, {"keys": [*keys, keys[0]]}, key=space.reader_key)

    assert "errors" not in answer
    assert len(answer["data"]["_entities"]) == 1_000
    assert readings == [3]
    assert [error["extensions"]["code"] for error in refused["errors"]] == ["TOO_LARGE"]


async def test_an_id_of_an_identifier_that_names_none_is_the_askers_mistake(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    node = global_id("Identifier", space.name, "nothing")
    answer = await world.ask(
        "query($id: ID!) { node(id: $id) { id } }", {"id": node}, key=space.reader_key
    )

    assert answer["data"] == {"node": None}
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_INPUT"]
