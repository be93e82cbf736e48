"""Every answer carries the id of its request, and so does what is logged about it."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Generator

import pytest
import structlog
from httpx import ASGITransport, AsyncClient

from identity_service.app import create_app
from identity_service.observability import configure_logging
from identity_service.settings import Settings


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Generator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture
def client() -> AsyncClient:
    """Asks an application that was never started, so that what needs its services fails."""
    transport = ASGITransport(create_app(Settings()), raise_app_exceptions=False)
    return AsyncClient(transport=transport, base_url="http://test")


@pytest.mark.parametrize("path", ["/nowhere", "/v1/nowhere", "/healthz", "/sourceConfig/"])
async def test_an_answer_carries_the_id_that_its_request_brought(
    client: AsyncClient, path: str
) -> None:
    answer = await client.get(path, headers={"X-Request-Id": "3f2c-a.B_9"})

    assert answer.headers.get_list("X-Request-Id") == ["3f2c-a.B_9"]


@pytest.mark.parametrize("given", [None, "", "ann@example.com", "a b", "x" * 129, "a\tb"])
async def test_a_request_without_an_id_that_can_be_taken_gets_one_of_its_own(
    client: AsyncClient, given: str | None
) -> None:
    headers = {} if given is None else {"X-Request-Id": given}

    ids = [(await client.get("/healthz", headers=headers)).headers["X-Request-Id"] for _ in "ab"]

    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in ids)
    assert ids[0] != ids[1]


async def test_what_is_logged_about_a_request_names_it(
    client: AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging()

    answer = await client.get("/readyz", headers={"X-Request-Id": "of-this-test"})

    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert answer.status_code == 500
    assert [line["request_id"] for line in lines if line["event"] == "request_failed"] == [
        "of-this-test"
    ]
