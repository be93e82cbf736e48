"""The explorer's page and files, and its ready-made questions against the API's schema."""

from __future__ import annotations

import gzip
import json
import re
from importlib.resources import files
from typing import Any

import pytest
from graphql import (
    GraphQLSchema,
    OperationDefinitionNode,
    VariableDefinitionNode,
    build_schema,
    parse,
    print_ast,
    validate,
)
from httpx import ASGITransport, AsyncClient
from starlette.applications import Starlette

from identity_service.api.graphql import explorer
from identity_service.api.graphql import schema as offered
from identity_service.errors import NotFound

TABS: list[dict[str, Any]] = json.loads(
    (files(explorer) / "queries" / "tabs.json").read_text(encoding="utf-8")
)
QUERIES = {tab["query"]: tab["variables"] for tab in TABS}


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema(offered.build_schema().as_str())


@pytest.fixture
def client() -> AsyncClient:
    transport = ASGITransport(Starlette(routes=explorer.routes()))
    return AsyncClient(transport=transport, base_url="http://identity.test")


def text_of(query: str) -> str:
    return (files(explorer) / "queries" / f"{query}.graphql").read_text(encoding="utf-8")


def operations(query: str) -> list[OperationDefinitionNode]:
    return [
        node
        for node in parse(text_of(query)).definitions
        if isinstance(node, OperationDefinitionNode)
    ]


def page_text() -> str:
    return bytes(explorer.page().body).decode()


def asset_addresses() -> list[str]:
    return re.findall(r'(?:src|href)="(graphql/assets/[^"]+)"', page_text())


def test_every_question_has_a_tab_and_every_tab_a_question() -> None:
    shipped = {
        entry.name.removesuffix(".graphql")
        for entry in (files(explorer) / "queries").iterdir()
        if entry.name.endswith(".graphql")
    }

    assert shipped == set(QUERIES)
    assert len(TABS) == len(QUERIES)


@pytest.mark.parametrize("query", QUERIES)
def test_a_question_is_valid_against_the_schema(query: str, schema: GraphQLSchema) -> None:
    assert validate(schema, parse(text_of(query))) == []


@pytest.mark.parametrize("query", QUERIES)
def test_a_question_is_named_and_says_what_it_is_for(query: str) -> None:
    first = operations(query)[0]

    assert first.name is not None
    assert first.name.value.lower() == query.replace("_", "")
    assert text_of(query).startswith("# ")


@pytest.mark.parametrize("query", QUERIES)
def test_a_tab_fills_in_exactly_the_variables_of_its_question(query: str) -> None:
    definitions: list[VariableDefinitionNode] = [
        definition
        for operation in operations(query)
        for definition in operation.variable_definitions or ()
    ]

    assert set(QUERIES[query]) == {definition.variable.name.value for definition in definitions}
    required = {d.variable.name.value for d in definitions if print_ast(d.type).endswith("!")}
    assert all(QUERIES[query][name] is not None for name in required)


def test_the_page_carries_the_tabs_with_their_variables() -> None:
    found = re.search(r'<script type="application/json" id="tabs">(.*?)</script>', page_text())

    assert found
    tabs = json.loads(found[1])
    assert [tab["query"] for tab in tabs] == [text_of(query) for query in QUERIES]
    assert [json.loads(tab["variables"]) for tab in tabs] == list(QUERIES.values())


def test_the_page_names_no_other_host_and_runs_no_inline_script() -> None:
    page = page_text()

    assert re.findall(r'(?:src|href)="(?!graphql/assets/|data:)', page) == []
    assert re.findall(r"<script(?![^>]*(?:src=|application/json))", page) == []
    assert re.findall(r"\son\w+=", page) == []


def test_the_page_forbids_the_browser_to_ask_any_other_host() -> None:
    policy = explorer.page().headers["Content-Security-Policy"]

    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == "'self'"
    assert directives["connect-src"] == "'self'"
    assert not re.search(r"https?:|\*", policy)


def test_the_page_itself_is_asked_for_anew_and_apart_from_json() -> None:
    headers = explorer.page().headers

    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Cache-Control"] == "no-cache"
    assert headers["Vary"] == "Accept"


async def test_every_file_of_the_page_is_served_and_may_be_kept_for_ever(
    client: AsyncClient,
) -> None:
    addresses = asset_addresses()

    assert len(addresses) == 6
    for address in addresses:
        response = await client.get(f"/{address}")
        assert response.status_code == 200
        expected = "text/css" if address.endswith(".css") else "text/javascript"
        assert response.headers["Content-Type"] == f"{expected}; charset=utf-8"
        assert "immutable" in response.headers["Cache-Control"]


async def test_a_file_is_compressed_for_who_takes_it_so(client: AsyncClient) -> None:
    address = next(
        address
        for address in asset_addresses()
        if "graphiql.min" in address and address.endswith(".js")
    )

    plain = await client.get(f"/{address}", headers={"Accept-Encoding": "identity"})
    async with client.stream("GET", f"/{address}", headers={"Accept-Encoding": "gzip"}) as response:
        packed = b"".join([part async for part in response.aiter_raw()])

    assert "Content-Encoding" not in plain.headers
    assert response.headers["Content-Encoding"] == "gzip"
    assert len(packed) < len(plain.content) / 2
    assert gzip.decompress(packed) == plain.content


@pytest.mark.parametrize("name", ["explorer.js", "explorer.0000000000000000.js", "page.html"])
async def test_a_name_that_the_page_does_not_use_is_not_found(
    name: str, client: AsyncClient
) -> None:
    with pytest.raises(NotFound, match="no explorer file"):
        await client.get(f"/graphql/assets/{name}")
