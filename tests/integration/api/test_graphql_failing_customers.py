"""A customer that fails is null, with its error, and takes none that stands beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from identity_service.errors import Overloaded, Unavailable
from identity_service.graph.customers import AccountRow, CustomerReader
from tests.support.graphql import GraphQLWorld, OpenSpace, event

ASKED = """
query($space: String!, $some: [IdentifierInput!]!, $ids: [ID!]!, $id: ID) {
  space(name: $space) {
    name
    refused: customer(id: $id, identifier: {type: "user_id", value: "ann"}) { ...Answer }
    failing: customer(identifier: {type: "user_id", value: "bob"}) { ...Answer }
    beside: customer(identifier: {type: "user_id", value: "ann"}) { ...Answer }
    customers(identifiers: $some) { ...Answer }
    customersById(ids: $ids) { ...Answer }
  }
}
fragment Answer on CustomerResult {
  ... on Customer { identifiers { value } accounts { accountId } }
  ... on NotFound { reason }
}
"""


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (Overloaded("Too many ask.", retry_after=1), "OVERLOADED"),
        (Unavailable("The database takes too long."), "UNAVAILABLE"),
        (ZeroDivisionError(), "INTERNAL"),
    ],
)
async def test_the_others_are_answered(
    world: GraphQLWorld, monkeypatch: pytest.MonkeyPatch, failure: Exception, code: str
) -> None:
    space = await world.create_space()
    await world.send(space, *(event(1, f"user_id:{name}") for name in ("ann", "bob", "cid")))
    ids = {name: await customer_id(world, space, name) for name in ("ann", "bob", "cid")}
    accounts = CustomerReader.accounts

    async def failing(reader: CustomerReader, customer: tuple[str, str]) -> Sequence[AccountRow]:
        if customer[1] == ids["bob"]:
            raise failure
        return await accounts(reader, customer)

    monkeypatch.setattr(CustomerReader, "accounts", failing)
    # So many that they are answered slice by slice.
    some = [{"type": "user_id", "value": name} for name in ("bob", "nobody", *["cid"] * 120)]
    variables = {"space": space.name, "some": some, "ids": list(ids.values()), "id": ids["ann"]}

    answer = await world.ask(ASKED, variables, key=space.reader_key)

    assert answer["data"]["space"] == {
        "name": space.name,
        "refused": None,
        "failing": None,
        "beside": answered("ann"),
        "customers": [None, {"reason": "UNKNOWN"}, *[answered("cid")] * 120],
        "customersById": [answered("ann"), None, answered("cid")],
    }
    assert {tuple(error["path"]): error["extensions"]["code"] for error in answer["errors"]} == {
        ("space", "refused"): "BAD_INPUT",
        ("space", "failing", "accounts"): code,
        ("space", "customers", 0, "accounts"): code,
        ("space", "customersById", 1, "accounts"): code,
    }


def answered(name: str) -> dict[str, Any]:
    return {"identifiers": [{"value": name}], "accounts": []}


async def customer_id(world: GraphQLWorld, space: OpenSpace, name: str) -> str:
    found = await world.customer(space, f"user_id:{name}", "... on Customer { customerId }")
    return found["customerId"]
