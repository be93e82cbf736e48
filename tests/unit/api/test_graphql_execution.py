"""Queries that need no database: introspection, and what is kept of a query's text."""

from __future__ import annotations

import asyncio
import gc
import json
import tracemalloc
from typing import Any, cast

import pytest
import structlog
from graphql import get_introspection_query

from identity_service.api.graphql import execution
from identity_service.api.graphql.charges import Charges
from identity_service.api.graphql.context import Context
from identity_service.api.graphql.execution import GraphQL
from identity_service.api.graphql.limits import MAX_COST
from identity_service.api.graphql.requests import Answer, Request
from identity_service.api.graphql.schema import build_schema
from identity_service.errors import Overloaded
from identity_service.services.kit.allowances import Allowances
from identity_service.services.spaces.access import Caller, Role
from identity_service.services.wiring import UseCases

SERVICES = cast("UseCases", None)
"""Nothing that is asked here reaches them."""

STRANGER = Context(SERVICES, None)


def holder(role: Role) -> Context:
    return Context(SERVICES, Caller(role, "a key", "a space"))


READER = holder(Role.READER)

SCHEMA = build_schema()


@pytest.fixture
def graphql() -> GraphQL:
    return GraphQL(SCHEMA)


async def ask(graphql: GraphQL, query: str, context: Context = STRANGER) -> Answer:
    return await graphql.run(Request(query, None, None), context)


def codes(answer: Answer) -> list[Any]:
    return [error["extensions"]["code"] for error in answer["errors"]]


# Introspection


@pytest.mark.parametrize("context", [STRANGER, READER], ids=["a stranger", "a reader"])
async def test_the_introspection_of_tools_is_answered(graphql: GraphQL, context: Context) -> None:
    query = get_introspection_query(
        specified_by_url=True, directive_is_repeatable=True, schema_description=True
    )

    answer = await ask(graphql, query, context)

    assert "errors" not in answer
    assert any(kind["name"] == "Customer" for kind in answer["data"]["__schema"]["types"])


async def test_introspection_leaves_the_loop_to_others(graphql: GraphQL) -> None:
    asked = asyncio.create_task(ask(graphql, get_introspection_query(), READER))
    served = 0

    while not asked.done():
        await asyncio.sleep(0)
        served += 1

    assert "errors" not in asked.result()
    assert served > 10


@pytest.mark.parametrize("context", [STRANGER, READER], ids=["a stranger", "a reader"])
@pytest.mark.parametrize(
    "query",
    [
        "{ __schema { types { fields {"
        + " ".join(f"a{n}: type {{ name }}" for n in range(98))
        + "} } } }",
        "{ a: _service { sdl } b: _service { sdl } }",
        "{ __schema {"
        + " ".join(f"a{n}: types {{ fields {{ args {{ name }} }} }}" for n in range(40))
        + "} }",
    ],
    ids=["in lists", "its text", "of lists"],
)
async def test_introspection_that_multiplies_is_refused_with_a_short_answer(
    graphql: GraphQL, query: str, context: Context
) -> None:
    with structlog.testing.capture_logs() as logged:
        answer = await ask(graphql, query, context)

    assert codes(answer) == ["TOO_LARGE"]
    assert len(json.dumps(answer)) < 1_000
    assert logged == []


async def test_is_one_of_is_answered_for_every_type(graphql: GraphQL) -> None:
    query = (
        "{ __schema { types { kind isOneOf fields {"
        " type { kind isOneOf ofType { kind isOneOf ofType { kind isOneOf } } } } } } }"
    )

    answer = await ask(graphql, query)

    assert "errors" not in answer
    types = answer["data"]["__schema"]["types"]
    assert {kind["isOneOf"] for kind in types if kind["kind"] == "INPUT_OBJECT"} == {False}
    assert {kind["isOneOf"] for kind in types if kind["kind"] != "INPUT_OBJECT"} == {None}


# What is kept


async def test_the_text_of_a_known_caller_is_read_once(graphql: GraphQL) -> None:
    query = "{ __typename }"

    for _ in range(2):
        await ask(graphql, query, READER)

    assert kept(graphql) == 1


@pytest.mark.parametrize(
    ("query", "context"),
    [
        ("{ __typename }", STRANGER),
        ("{ __typename }", holder(Role.WRITE)),
        ("{ nothing }", READER),
        ("{", READER),
        ("{ __typename #" + "x" * 20_000 + "\n}", READER),
    ],
    ids=["a stranger's", "a write key's", "one with a mistake", "no query", "a long one"],
)
async def test_other_texts_are_not_kept(graphql: GraphQL, query: str, context: Context) -> None:
    await ask(graphql, query, context)

    assert kept(graphql) == 0


@pytest.mark.parametrize(
    "text", ["{ __typename } # {0} " + "x" * 19_000, "{ a{0}: __typename " + "{1} }"]
)
async def test_kept_texts_take_bounded_memory(
    graphql: GraphQL, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "PREPARED_BYTES", 500_000)
    graphql = GraphQL(SCHEMA)
    many = " ".join(f"... {{ b{n}: __typename }}" for n in range(20))
    await ask(graphql, text.replace("{0}", "0").replace("{1}", many), READER)
    gc.collect()
    tracemalloc.start()

    for number in range(120):
        query = text.replace("{0}", str(number)).replace("{1}", many)
        assert "errors" not in await ask(graphql, query, READER)
    gc.collect()
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert taken < 1_000_000


def kept(graphql: GraphQL) -> int:
    return len(graphql._prepared)  # pyright: ignore[reportPrivateUsage]


def test_who_asks_too_much_hears_when_to_ask_again() -> None:
    answer = execution.failed(Overloaded("Too many.", retry_after=3))

    assert answer["errors"][0]["extensions"] == {"code": "OVERLOADED", "retryAfter": 3}


# What it costs


async def test_an_answer_says_what_it_costs_and_what_is_left_to_the_key() -> None:
    allowances = Allowances(100, 1_000, timer=lambda: 0.0)
    graphql = GraphQL(build_schema(), charges=Charges(allowances))
    allowances.spend("a space/a key", 990)

    free = await ask(graphql, "{ __typename }", READER)
    refused = await ask(graphql, "{ spaces { name statistics { events } } }", READER)
    of_a_stranger = await ask(graphql, "{ __typename }")

    assert free["extensions"] == {"cost": {"requested": 0, "limit": MAX_COST, "left": 10}}
    assert refused == {
        "errors": [
            {
                "message": "Queries with this key cost more than 100 per second."
                " Send it again after 5 s.",
                "extensions": {"code": "OVERLOADED", "retryAfter": 5},
            }
        ],
        "extensions": {"cost": {"requested": 503, "limit": MAX_COST, "left": 10}},
    }
    assert of_a_stranger["extensions"] == {"cost": {"requested": 0, "limit": MAX_COST}}


async def test_what_costs_too_much_for_anybody_takes_nothing_from_the_key() -> None:
    allowances = Allowances(100, 1_000, timer=lambda: 0.0)
    graphql = GraphQL(build_schema(), charges=Charges(allowances))
    fields = " ".join(f"a{n}: statistics {{ events }}" for n in range(100))
    query = f"{{ {' '.join(f'b{n}: spaces {{ ...all }}' for n in range(11))} }}"

    answer = await ask(graphql, f"fragment all on Space {{ {fields} }} {query}", READER)

    assert codes(answer) == ["TOO_LARGE"]
    assert allowances.left("a space/a key") == 1_000
