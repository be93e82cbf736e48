"""What a query costs is known before it runs."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
from graphql import GraphQLObjectType, parse

from identity_service.api.graphql.cost import (
    A_COMPONENT,
    A_CUSTOMER,
    A_JOURNEY,
    WEIGHTS,
    Cost,
    cost_of,
)
from identity_service.api.graphql.limits import LARGE, MAX_COST
from identity_service.api.graphql.plain_lists import PlainListExecutor
from identity_service.api.graphql.schema import build_schema
from identity_service.cli.customers import who_is_this
from identity_service.domain.journeys.journeys import JOURNEYS

SCHEMA = build_schema()._schema  # pyright: ignore[reportPrivateUsage]

IDENTIFIER = '{type: "user_id", value: "u"}'
SOME = [{"type": "user_id", "value": f"u{n}"} for n in range(1_000)]


def cost(query: str, **variables: Any) -> Cost:
    executor = cast("Any", PlainListExecutor).build(
        SCHEMA, parse(query), raw_variable_values=variables
    )
    assert isinstance(executor, PlainListExecutor), executor
    return cost_of(executor)


def whole_cost(selection: str, declared: str = "", **variables: Any) -> Cost:
    return cost(f'query{declared} {{ space(name: "s") {{ {selection} }} }}', **variables)


def of_space(selection: str, declared: str = "", **variables: Any) -> int:
    return whole_cost(selection, declared, **variables).certain


def test_every_weight_is_of_a_field_that_there_is() -> None:
    fields = {
        f"{kind.name}.{name}"
        for kind in SCHEMA.type_map.values()
        if isinstance(kind, GraphQLObjectType)
        for name in kind.fields
    }

    assert set(WEIGHTS) - fields == set()


def test_plain_fields_cost_one_each() -> None:
    assert of_space("name settlement { done }") - of_space("name") == 2


@pytest.mark.parametrize("name", ["eventCount", "health { bridges }", "links { timesSeen }"])
def test_what_is_read_for_each_entry_costs_its_weight_as_often(name: str) -> None:
    def listed(selection: str) -> int:
        some = ", ".join([IDENTIFIER] * 7)
        return of_space(f"customers(identifiers: [{some}]) {{ ... on Customer {{ {selection} }} }}")

    assert (
        listed(f"customerId {name}") - listed("customerId")
        >= 7 * WEIGHTS[f"Customer.{name.split()[0]}"]
    )


@pytest.mark.parametrize("some", [0, 1, 30])
def test_each_customer_that_is_looked_up_counts(some: int) -> None:
    ids = [f"cus_{number}" for number in range(some)]
    below = "{ ... on Customer { eventCount } }"

    in_the_text = of_space(f"customersById(ids: {json.dumps(ids)}) {below}")
    in_a_variable = of_space(f"customersById(ids: $ids) {below}", "($ids: [ID!]!)", ids=ids)
    in_a_fragment = of_space(
        f"...f }} }} fragment f on Space {{ ... {{ customersById(ids: $ids) {below}",
        "($ids: [ID!]!)",
        ids=ids,
    )

    space = 1
    expected = space + some * (A_CUSTOMER + WEIGHTS["Customer.eventCount"])
    assert (in_the_text, in_a_variable, in_a_fragment) == (expected,) * 3


def test_a_thousand_customers_with_what_they_mostly_are_asked_for_can_be_afforded() -> None:
    some = [{"type": "user_id", "value": str(number)} for number in range(1_000)]
    query = (
        "customers(identifiers: $some) { ... on Customer { customerId kind firstSeen lastSeen"
        " eventCount identifiers { type value contested } traits { name value }"
        " accounts { accountId } events(first: 10) { edges { node { name at } } } } }"
    )

    assert of_space(query, "($some: [IdentifierInput!]!)", some=some) < MAX_COST


def test_the_first_question_of_the_explorer_costs_little() -> None:
    found = cost(who_is_this(), space="s", type="user_id", value="u").certain

    assert found < MAX_COST / 100


def test_fifty_times_a_thousand_customers_cannot_be_afforded() -> None:
    some = [{"type": "user_id", "value": str(number)} for number in range(1_000)]
    query = " ".join(
        f"a{n}: customers(identifiers: $some) {{ ... on Customer {{ eventCount }} }}"
        for n in range(50)
    )

    assert of_space(query, "($some: [IdentifierInput!]!)", some=some) > MAX_COST


def test_all_journeys_can_be_asked_for_in_one_query() -> None:
    assert len(JOURNEYS) * A_JOURNEY < MAX_COST


def test_what_describes_the_schema_is_not_in_it() -> None:
    assert cost("{ __typename __schema { types { name fields { name } } } }") == Cost(0, 0)


@pytest.mark.parametrize(
    ("listed", "variables", "most"),
    [
        ("identifiers(first: 7) { value }", {}, 7),
        ("identifiers(first: $n) { value }", {"n": 9}, 9),
        ("identifiers(first: $n) { value }", {"n": None}, 1_000),
        ("identifiers { value }", {}, 1_000),
        ("identifiers(first: -1) { value }", {}, 0),
    ],
)
def test_at_most_a_list_is_as_long_as_is_asked_for(
    listed: str, variables: dict[str, Any], most: int
) -> None:
    declared = "($n: Int)" if variables else ""
    selection = f"customer(identifier: {IDENTIFIER}) {{ ... on Customer {{ %s }} }}"

    found = whole_cost(selection % listed, declared, **variables)
    without = whole_cost(selection % "customerId", declared, **variables)

    assert found.most - without.most == most
    assert found.certain - without.certain == 1


def test_to_resolve_anew_may_take_a_component() -> None:
    now = whole_cost(f"customer(identifier: {IDENTIFIER}) {{ __typename }}")
    for live in ("true", "$live"):
        declared, given = ("($live: Boolean)", {"live": True}) if "$" in live else ("", {})
        anew = whole_cost(
            f"customer(identifier: {IDENTIFIER}, live: {live}) {{ __typename }}", declared, **given
        )

        assert anew == now.plus(Cost(0, A_COMPONENT))


def test_one_customer_with_all_identifiers_is_no_large_query_and_a_thousand_are() -> None:
    customer = "customerId kind identifiers { type value } traits { name value }"
    one = f"customer(identifier: {IDENTIFIER}) {{ ... on Customer {{ {customer} }} }}"
    many = f"customers(identifiers: $some) {{ ... on Customer {{ {customer} }} }}"

    assert whole_cost(one).most < LARGE
    assert whole_cost(many, "($some: [IdentifierInput!]!)", some=SOME).most >= LARGE


@pytest.mark.parametrize(
    "large",
    [
        f"explain(a: {IDENTIFIER}, b: {IDENTIFIER}) {{ __typename }}",
        'preview(policy: "extends: merge_all") { __typename }',
        "journeys { flows { step } }",
    ],
)
def test_what_reads_a_component_or_a_space_is_large(large: str) -> None:
    assert whole_cost(large).most >= LARGE


def test_what_a_gateway_asks_for_counts_for_each_key() -> None:
    query = (
        "query($keys: [_Any!]!) { _entities(representations: $keys)"
        " { ... on Customer { eventCount } } }"
    )

    assert cost(query, keys=[{"__typename": "Customer", "id": "x"}] * 7).certain == 7 * (
        A_CUSTOMER + WEIGHTS["Customer.eventCount"]
    )
