"""GraphQL over HTTP: what is read, what is refused, and what an error tells."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import structlog
from graphql import build_client_schema, get_introspection_query
from starlette.applications import Starlette
from starlette.routing import Route

from identity_service.api.graphql.app import GraphQLEndpoint
from identity_service.api.graphql.limits import (
    MAX_BODY,
    MAX_COST,
    MAX_ITEMS,
    MAX_STRANGERS_BODY,
)
from identity_service.errors import Unavailable
from identity_service.graph.spaces import SpaceStore
from identity_service.services.kit.allowances import Allowances
from tests.support.graphql import GraphQLWorld, OpenSpace, event

GRAPHQL_JSON = "application/graphql-response+json"


@pytest.fixture
async def space(world: GraphQLWorld) -> OpenSpace:
    return await world.create_space()


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"5", "not a JSON object"),
        (b"[]", "Several queries"),
        (b"{}", "no “query”"),
        (b'{"query": 5}', "no “query”"),
        (b'{"query": "  "}', "no “query”"),
        (b'{"query": "{ spaces { name } }", "variables": []}', "“variables”"),
        (b'{"query": "{ spaces { name } }", "operationName": 5}', "“operationName”"),
        (b'{"query": "{ spaces { name } }", "extensions": []}', "“extensions”"),
    ],
)
async def test_a_body_that_is_no_request_is_a_400(
    world: GraphQLWorld, body: bytes, told: str
) -> None:
    response = await world.post(body)

    assert response.status_code == 400
    assert told in response.json()["errors"][0]["message"]
    assert response.json()["errors"][0]["extensions"] == {"code": "BAD_INPUT"}


async def test_a_body_that_says_that_it_is_something_else_is_a_415(world: GraphQLWorld) -> None:
    response = await world.post({"query": "{ __typename }"}, headers={"Content-Type": "text/plain"})

    assert response.status_code == 415
    assert response.json()["errors"][0]["extensions"] == {"code": "BAD_INPUT"}


@pytest.mark.parametrize("said", ["application/x-www-form-urlencoded", ""])
async def test_what_curl_says_of_every_body_is_taken_for_json(
    world: GraphQLWorld, said: str
) -> None:
    response = await world.post({"query": "{ __typename }"}, headers={"Content-Type": said})

    assert response.json()["data"] == {"__typename": "Query"}


async def test_a_body_that_is_too_large_is_a_413(world: GraphQLWorld, space: OpenSpace) -> None:
    taken = await world.post(b" " * MAX_BODY, space.reader_key)
    response = await world.post(b" " * (MAX_BODY + 1), space.reader_key)

    assert (taken.status_code, response.status_code) == (400, 413)


@pytest.mark.parametrize(
    ("key", "status", "code"), [(None, 413, "TOO_LARGE"), ("unknown", 401, "UNAUTHORISED")]
)
async def test_a_body_without_a_known_key_is_refused_much_earlier(
    world: GraphQLWorld, key: str | None, status: int, code: str
) -> None:
    response = await world.post(b" " * (MAX_STRANGERS_BODY + 1), key)

    assert response.status_code == status
    assert response.json()["errors"][0]["extensions"] == {"code": code}


@pytest.mark.parametrize(
    "query", ["{ spaces ", "{ nothing }", "query A { spaces { name } } query B { spaces { name } }"]
)
async def test_a_query_that_is_wrong_is_answered_200_to_plain_json(
    world: GraphQLWorld, query: str
) -> None:
    response = await world.post({"query": query})

    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert "data" not in response.json()
    assert response.json()["errors"][0]["extensions"] == {"code": "BAD_INPUT"}


async def test_a_query_that_is_wrong_is_a_400_where_the_media_type_has_it(
    world: GraphQLWorld,
) -> None:
    wrong = await world.post({"query": "{ nothing }"}, headers={"Accept": GRAPHQL_JSON})
    right = await world.post({"query": "{ spaces { name } }"}, headers={"Accept": GRAPHQL_JSON})

    assert (wrong.status_code, right.status_code) == (400, 200)
    assert wrong.headers["content-type"] == GRAPHQL_JSON


async def test_the_operation_named_is_the_one_that_runs(world: GraphQLWorld) -> None:
    query = "query A { a: spaces { name } } query B { b: spaces { name } }"

    response = await world.post({"query": query, "operationName": "B"})

    assert response.json()["data"] == {"b": []}


async def test_skip_and_include_are_minded_when_a_query_comes_again(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await world.send(space, event(1, "user_id:u", "email:u@x.org"))
    query = (
        f'query($with: Boolean!) {{ space(name: "{space.name}") {{'
        ' customer(identifier: {type: "user_id", value: "u"}) { ... on Customer {'
        " identifiers { value type @include(if: $with) ... on Identifier @skip(if: $with) {"
        " __typename } } } } } }"
    )

    answers = [
        await world.ask(query, {"with": value}, key=space.reader_key) for value in (True, False)
    ]

    assert [a["data"]["space"]["customer"]["identifiers"][0] for a in answers] == [
        {"value": "u", "type": "user_id"},
        {"value": "u", "__typename": "Identifier"},
    ]


@pytest.mark.parametrize(
    "query", ["{ a " * 450 + "}" * 450, "{ node(id: " + "[" * 900 + "]" * 900 + ") { id } }"]
)
async def test_a_query_deeper_than_can_be_read_is_refused(world: GraphQLWorld, query: str) -> None:
    answer = await world.ask(query)

    assert "nested too deeply" in answer["errors"][0]["message"]
    assert answer["errors"][0]["extensions"] == {"code": "BAD_INPUT"}


async def test_a_query_that_is_too_deep_is_refused(world: GraphQLWorld) -> None:
    answer = await world.ask("{ a " * 100 + "}" * 100)

    assert "nested deeper than 20 levels" in answer["errors"][0]["message"]
    assert answer["errors"][0]["extensions"] == {"code": "TOO_LARGE"}


async def test_a_query_of_too_many_words_is_refused(world: GraphQLWorld) -> None:
    answer = await world.ask("{ spaces {" + " name" * 3_000 + "} }")

    assert "tokens" in answer["errors"][0]["message"]


async def test_an_answer_with_too_many_entries_is_refused(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await world.send(space, event(1, *(f"anonymous_id:a{n}" for n in range(47))))
    again = "customer { identifiers { value "

    answer = await world.ask(
        f'{{ space(name: "{space.name}") {{'
        ' customer(identifier: {type: "anonymous_id", value: "a1"})'
        " { ... on Customer { identifiers { " + again * 2 + "} } " * 2 + "} } } } }",
        key=space.reader_key,
    )

    assert MAX_ITEMS < 47**3
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"TOO_LARGE"}


async def test_the_introspection_of_tools_is_taken(world: GraphQLWorld) -> None:
    answer = await world.ask(get_introspection_query())

    assert "Customer" in build_client_schema(answer["data"]).type_map


async def test_what_nobody_expected_is_told_to_the_log_only(
    world: GraphQLWorld, space: OpenSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: Any) -> None:
        raise ValueError("a secret of the inside")

    monkeypatch.setattr(SpaceStore, "policy", fails)
    query = f'{{ space(name: "{space.name}") {{ name policy {{ text }} }} }}'

    with structlog.testing.capture_logs() as logged:
        answer = await world.ask(query, key=space.reader_key)

    (error,) = answer["errors"]
    reference = error["extensions"]["reference"]
    assert error["extensions"] == {"code": "INTERNAL", "reference": reference}
    assert error["message"].startswith("Something went wrong here")
    assert "secret" not in str(answer)
    assert [entry["reference"] for entry in logged] == [reference]
    assert logged[0]["error"] == "ValueError"
    assert any("fails" in line for line in logged[0]["at"])
    assert "secret" not in str(logged)


async def test_a_database_that_does_not_answer_is_told(
    world: GraphQLWorld, space: OpenSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: Any) -> None:
        raise Unavailable("The database did not answer.")

    monkeypatch.setattr(SpaceStore, "policy", fails)
    query = f'{{ space(name: "{space.name}") {{ policy {{ text }} }} }}'

    answer = await world.ask(query, key=space.reader_key)

    assert answer["errors"][0]["extensions"] == {"code": "UNAVAILABLE"}
    assert answer["errors"][0]["message"] == "The database did not answer."


async def test_a_key_that_has_spent_what_it_may_is_asked_to_come_back(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    endpoint = GraphQLEndpoint(world.services, 1, allowances=Allowances(0.01, 10))
    app = Starlette(routes=[Route("/graphql", endpoint.post, methods=["POST"])])
    query = {"query": "{ spaces { name policy { version } settlement { done } } }"}

    async def ask(client: httpx.AsyncClient, key: str) -> httpx.Response:
        return await client.post("/graphql", json=query, headers={"Authorization": f"Bearer {key}"})

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        first, second, third = [await ask(client, space.reader_key) for _ in range(3)]
        another = await ask(client, space.admin_key)

    assert (first.status_code, first.headers["RateLimit"]) == (200, '"cost";r=4')
    assert first.headers["RateLimit-Policy"] == '"cost";q=10;w=1000'
    assert first.json()["extensions"]["cost"] == {"requested": 6, "limit": MAX_COST, "left": 4}
    assert (second.status_code, second.headers["Retry-After"]) == (429, "200")
    assert third.json()["errors"][0]["extensions"] == {"code": "OVERLOADED", "retryAfter": 200}
    assert another.status_code == 200
