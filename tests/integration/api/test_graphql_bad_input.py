"""GraphQL requests that are wrong in what they ask: each is told plainly, none with a trace."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.support.graphql import GraphQLWorld, OpenSpace, event

FIND = (
    "query Find($space: String!, $i: IdentifierInput!) { space(name: $space) {"
    " customer(identifier: $i) { __typename ... on NotFound { reason message } } } }"
)
LISTS = ("policies", "contested", "superConnectors", "changes", "rejectedEvents", "judgements")


@pytest.fixture(scope="module")
async def space(world: GraphQLWorld) -> OpenSpace:
    space = await world.create_space()
    await world.send(space, event(1, "user_id:u"))
    return space


def assert_is_plain(response: httpx.Response, status: int, code: str, words: str) -> None:
    errors = response.json()["errors"]
    assert response.status_code == status
    assert {error["extensions"]["code"] for error in errors} == {code}
    assert words in errors[0]["message"]
    assert "Traceback" not in response.text
    assert ".py" not in response.text


@pytest.mark.parametrize(
    ("count", "status", "words"),
    [(100_000, 413, "65,536 bytes"), (1_000_000, 413, "65,536 bytes"), (900, 200, "tokens")],
)
async def test_more_aliases_than_anyone_needs_are_refused(
    world: GraphQLWorld, count: int, status: int, words: str
) -> None:
    query = "{" + " ".join(f"a{n}: spaces {{ name }}" for n in range(count)) + "}"

    response = await world.post({"query": query})

    assert_is_plain(response, status, "TOO_LARGE" if status == 413 else "BAD_INPUT", words)


async def test_an_operation_that_is_not_there_is_named(world: GraphQLWorld) -> None:
    response = await world.post({"query": "query A { spaces { name } }", "operationName": "Nope"})

    assert_is_plain(response, 200, "BAD_INPUT", "Nope")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"type": "user_id"}, "value"),
        ({"type": "user_id", "value": 5}, "String"),
        ({"type": "user_id", "value": None}, "String!"),
        ({"type": "user_id", "value": ["u"]}, "String"),
        ({"type": "user_id", "value": "u", "more": 1}, "more"),
        ("user_id:u", "$i"),
        (None, "$i"),
    ],
)
async def test_a_variable_of_another_type_is_refused(
    world: GraphQLWorld, space: OpenSpace, given: Any, words: str
) -> None:
    request = {"query": FIND, "variables": {"space": space.name, "i": given}}

    response = await world.post(request, space.reader_key)

    assert_is_plain(response, 200, "BAD_INPUT", words)


@pytest.mark.parametrize(
    ("identifier", "words"),
    [
        ({"type": "user_id", "value": "u" * 900_000}, "1,024"),
        ({"type": "user\x00id", "value": "u"}, ""),
        ({"type": "", "value": "u"}, ""),
        ({"type": "user_id", "value": ""}, ""),
    ],
    ids=["as long as a request", "null byte in type", "no type", "empty"],
)
async def test_an_identifier_that_cannot_be_one_is_not_found_and_told_why(
    world: GraphQLWorld, space: OpenSpace, identifier: dict[str, str], words: str
) -> None:
    sent = {"space": space.name, "i": identifier}

    answer = await world.ask(FIND, sent, key=space.reader_key)

    assert "errors" not in answer
    found = answer["data"]["space"]["customer"]
    assert found["__typename"] == "NotFound"
    assert found["reason"] in {"INVALID_VALUE", "BLOCKED_VALUE"}
    assert words in found["message"]
    assert len(found["message"]) < 1_000


async def test_an_identifier_with_a_null_byte_is_no_identifier(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    sent = {"space": space.name, "i": {"type": "user_id", "value": "u\x00"}}

    answer = await world.ask(FIND, sent, key=space.reader_key)

    assert answer["data"]["space"]["customer"]["reason"] == "INVALID_VALUE"


async def test_an_identifier_of_a_megabyte_is_too_large(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    sent = {"space": space.name, "i": {"type": "user_id", "value": "u" * 2**20}}

    response = await world.post({"query": FIND, "variables": sent}, space.reader_key)

    assert_is_plain(response, 413, "TOO_LARGE", "1,000,000 bytes")


async def test_half_a_surrogate_pair_in_a_request_is_no_json(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    sent = {"space": space.name, "i": {"type": "user_id", "value": "\ud83d"}}
    body = json.dumps({"query": FIND, "variables": sent}).encode()

    response = await world.post(body, space.reader_key)

    assert_is_plain(response, 400, "BAD_INPUT", "not JSON")


async def test_half_a_surrogate_pair_in_a_query_is_refused(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    written = r"{type: \"user_id\", value: \"\\ud83d\"}"
    query = f'{{ space(name: \\"{space.name}\\") {{ customer(identifier: {written})'
    body = f'{{"query": "{query} {{ __typename }} }} }}"}}'.encode()

    response = await world.post(body, space.reader_key)

    assert_is_plain(response, 200, "BAD_INPUT", "Invalid Unicode escape")


@pytest.mark.parametrize("name", ["no-such-space", "", "a/b", "\x00", "x" * 100_000])
async def test_a_space_that_is_none_is_null(
    world: GraphQLWorld, space: OpenSpace, name: str
) -> None:
    query = "query($space: String!) { space(name: $space) { name } }"

    answer = await world.ask(query, {"space": name}, key=space.reader_key)

    assert answer["data"] == {"space": None}
    assert "errors" not in answer


@pytest.mark.parametrize("field", LISTS)
@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("first: 501", "0 to 500"),
        ("first: -1", "0 to 500"),
        ('after: "abc"', "no cursor"),
        ('after: "\\u0000"', "no cursor"),
    ],
)
async def test_a_page_that_cannot_be_is_refused(
    world: GraphQLWorld, space: OpenSpace, field: str, argument: str, words: str
) -> None:
    query = f'{{ space(name: "{space.name}") {{ {field}({argument}) {{ edges {{ cursor }} }} }} }}'

    response = await world.post({"query": query}, space.admin_key)

    assert_is_plain(response, 200, "BAD_INPUT", words)


@pytest.mark.parametrize("node", ["", "abc", "é", "Q3VzdG9tZXI=", "\\u0000", "x" * 10_000])
async def test_an_id_of_no_node_is_refused(
    world: GraphQLWorld, space: OpenSpace, node: str
) -> None:
    response = await world.post({"query": f'{{ node(id: "{node}") {{ id }} }}'}, space.reader_key)

    assert_is_plain(response, 200, "BAD_INPUT", "no id of a node")
