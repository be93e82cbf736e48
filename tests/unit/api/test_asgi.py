"""What a request passes on its way, and what FastAPI says of one that is wrong. No database."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, FastAPI, Query
from httpx import ASGITransport, AsyncClient
from pydantic import BaseModel

from identity_service.api.asgi import create_api
from identity_service.api.graphql.limits import MAX_BODY
from identity_service.app import create_app
from identity_service.settings import Settings

NAMES = ("batch", "track", "identify", "page", "screen", "group", "alias", "merge")


class Profile(BaseModel):
    name: str
    age: int


@asynccontextmanager
async def nothing(_api: FastAPI) -> AsyncGenerator[None]:
    yield


@pytest.fixture
def api() -> AsyncClient:
    """The API and a route that takes parameters."""
    router = APIRouter()

    @router.post("/profiles")
    async def add(profile: Profile, limit: Annotated[int, Query(le=500)] = 1) -> int:  # pyright: ignore[reportUnusedFunction]
        return profile.age + limit

    api = create_api(nothing)
    api.include_router(router)
    return AsyncClient(transport=ASGITransport(api), base_url="http://test")


@pytest.mark.parametrize(
    ("query", "body", "mistake"),
    [
        ("limit=x", b'{"name": "Ann", "age": 3}', "query.limit: Input should be a valid integer"),
        ("limit=501", b'{"name": "Ann", "age": 3}', "query.limit: Input should be less than"),
        ("", b'{"name": "Ann"}', "body.age: Field required."),
        (
            "",
            b'{"name": 1}',
            "body.name: Input should be a valid string; body.age: Field required.",
        ),
        ("", b"{", "body.1: JSON decode error."),
        ("", b'{"name": "\xff"}', "The body cannot be read."),
        ("", b"", "body: Field required."),
    ],
)
async def test_a_request_that_fastapi_refuses_is_a_400_that_names_the_mistake(
    api: AsyncClient, query: str, body: bytes, mistake: str
) -> None:
    answer = await api.post(
        f"/profiles?{query}", content=body, headers={"Content-Type": "application/json"}
    )

    problem = answer.json()
    assert answer.status_code == 400
    assert problem["code"] == "BAD_INPUT"
    assert problem["message"] == problem["error"]
    assert mistake in problem["message"]
    assert "/openapi.json" in problem["detail"]


async def test_a_body_is_too_large_for_any_route_beyond_a_megabyte(api: AsyncClient) -> None:
    profile = b'{"name": "Ann", "age": 3}'
    answers = [
        await api.post(
            "/profiles",
            content=profile + b" " * (length - len(profile)),
            headers={"Content-Type": "application/json"},
        )
        for length in (MAX_BODY, MAX_BODY + 1)
    ]

    assert [answer.status_code for answer in answers] == [200, 413]
    assert answers[1].json()["code"] == "TOO_LARGE"
    assert "1,000,000 bytes" in answers[1].json()["message"]


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/docs/oauth2-redirect", "/healthz/"])
async def test_pages_that_load_from_elsewhere_and_slashes_too_many_are_404(
    api: AsyncClient, path: str
) -> None:
    answer = await api.get(path)

    assert answer.status_code == 404
    assert answer.json()["code"] == "NOT_FOUND"


async def test_the_methods_of_a_route_include_head(api: AsyncClient) -> None:
    answer = await api.put("/healthz")

    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    ("allowed", "origin", "named"),
    [
        ("", "https://a.example", None),
        ("https://a.example, https://b.example", "https://b.example", "https://b.example"),
        ("https://a.example", "https://c.example", None),
        ("*", "https://c.example", "*"),
    ],
)
async def test_pages_of_allowed_origins_may_ask_and_no_others(
    allowed: str, origin: str, named: str | None
) -> None:
    browser = AsyncClient(
        transport=ASGITransport(create_api(nothing, allowed)), base_url="http://test"
    )
    asks = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }

    before = await browser.options("/graphql", headers={"Origin": origin, **asks})
    answer = await browser.get("/nowhere", headers={"Origin": origin})

    assert before.is_success == (named is not None)
    assert [each.headers.get("Access-Control-Allow-Origin") for each in (before, answer)] == [
        named
    ] * 2
    assert "Access-Control-Allow-Credentials" not in before.headers


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every operation of a document, as `get /healthz`."""
    return {
        f"{method} {path}": operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def test_every_operation_is_described_and_says_how_errors_look() -> None:
    document = create_app(Settings()).api.openapi()
    tags = {tag["name"] for tag in document["tags"]}
    ids = [operation["operationId"] for operation in operations(document).values()]

    assert document["info"]["title"] == "identity-service"
    assert document["info"]["version"]
    assert len(set(ids)) == len(ids)
    for name, operation in operations(document).items():
        assert operation["summary"], name
        assert operation["description"], name
        assert set(operation["tags"]) <= tags, name
        errors = {status: one for status, one in operation["responses"].items() if status != "200"}
        assert "default" in errors, name
        for status, error in errors.items():
            [content] = error["content"].values()
            shape = content["schema"]["$ref"].removeprefix("#/components/schemas/")
            assert shape in error_shapes(name), (name, status)


def error_shapes(operation: str) -> set[str]:
    """How errors of an operation may look: routes of other products answer in their words."""
    if " /v1/spaces/" in operation:
        return {"ErrorAnswer"}
    return {"ErrorBody", "TokenProblem"} if operation == "post /oauth/token" else {"ErrorBody"}


def test_every_route_of_the_collection_is_described() -> None:
    described = operations(create_app(Settings()).api.openapi())

    for name in NAMES:
        operation = described[f"post /v1/{name}"]
        assert operation["security"]
        if name != "merge":
            assert f"`/v1/{name[0]}`" in operation["description"]
