"""Every node that is answered is found again by its id, with a key of its space alone."""

from __future__ import annotations

from typing import Any

from tests.support.graphql import GraphQLWorld, event

NODES = """
{ space(name: "%s") {
  customer(identifier: {type: "user_id", value: "ann"}) { ... on Customer {
    id identifiers { id } events(first: 1) { edges { cursor node { id } } pageInfo { endCursor } }
    changes { edges { node { id } } }
  } }
} }
"""


async def test_a_node_is_found_again_by_its_id(world: GraphQLWorld) -> None:
    space, other = await world.create_space(), await world.create_space()
    await world.send(space, event(1, "user_id:ann", "email:ann@x.org"), event(2, "user_id:ann"))
    found: Any = (await world.ask(NODES % space.name, key=space.reader_key))["data"]["space"]
    customer = found["customer"]
    ids = {
        "Customer": [customer["id"]],
        "Identifier": [each["id"] for each in customer["identifiers"]],
        "Event": [each["node"]["id"] for each in customer["events"]["edges"]],
        "Change": [each["node"]["id"] for each in customer["changes"]["edges"]],
    }

    for kind, some in ids.items():
        assert some, kind
        for node in some:
            query = f'{{ node(id: "{node}") {{ __typename id }} }}'
            again = await world.ask(query, key=space.reader_key)
            elsewhere = await world.ask(query, key=other.reader_key)

            assert again["data"] == {"node": {"__typename": kind, "id": node}}
            assert elsewhere["data"] == {"node": None}
    [edge] = customer["events"]["edges"]
    assert customer["events"]["pageInfo"] == {"endCursor": edge["cursor"]}
