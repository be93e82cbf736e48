"""One key's queries hold nobody up: what is too much is refused, and the same is done once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from identity_service.graph.customers import CustomerReader
from identity_service.graph.evidence import EvidenceStore
from tests.support.graphql import GraphQLWorld, OpenSpace, event

LOOKUP = "query($space: String!, $some: [IdentifierInput!]!) { space(name: $space) { %s } }"


@pytest.fixture
async def space(world: GraphQLWorld) -> OpenSpace:
    space = await world.create_space()
    await world.send(space, *(event(n, f"user_id:u{n}", "anonymous_id:a") for n in range(20)))
    return space


def some(number: int) -> list[dict[str, str]]:
    return [{"type": "user_id", "value": f"u{n % 20}"} for n in range(number)]


async def test_fifty_times_a_thousand_customers_are_refused_before_anything_is_read(
    world: GraphQLWorld, space: OpenSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def read(*_: Any) -> None:
        raise AssertionError("It was read.")

    monkeypatch.setattr(CustomerReader, "settled", read)
    aliases = " ".join(
        f"a{n}: customers(identifiers: $some) {{ ... on Customer {{ eventCount }} }}"
        for n in range(50)
    )

    answer = await world.ask(
        LOOKUP % aliases, {"space": space.name, "some": some(1_000)}, key=space.reader_key
    )

    assert "data" not in answer
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["TOO_LARGE"]
    assert "may cost 500,000" in answer["errors"][0]["message"]


async def test_a_thousand_customers_are_answered_in_the_order_asked(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    selection = (
        "customers(identifiers: $some)"
        " { ... on Customer { identifiers(first: 1) { value } eventCount } }"
    )

    answer = await world.ask(
        LOOKUP % selection, {"space": space.name, "some": some(1_000)}, key=space.reader_key
    )

    assert "errors" not in answer
    assert [c["identifiers"][0]["value"] for c in answer["data"]["space"]["customers"]] == [
        f"u{n % 20}" for n in range(1_000)
    ]


async def test_ten_explanations_of_one_component_share_what_they_rest_on(
    world: GraphQLWorld, space: OpenSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    load, loaded = EvidenceStore.load_subgraph, 0

    async def counted(*arguments: Any, **named: Any) -> Any:
        nonlocal loaded
        loaded += 1
        return await load(*arguments, **named)

    monkeypatch.setattr(EvidenceStore, "load_subgraph", counted)

    explain = (
        'explain(a: {type: "user_id", value: "u0"}, b: {type: "user_id", value: "u1"})'
        " { ... on Explanation { sameCustomer message refusals { timesSeen } } }"
    )

    alone = await world.of_space(space, explain, key=space.reader_key)
    of_one, loaded = loaded, 0
    answers = await asyncio.gather(
        *(world.of_space(space, explain, key=space.reader_key) for _ in range(10))
    )

    assert answers == [alone] * 10
    assert loaded <= 2 * of_one
