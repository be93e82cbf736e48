"""The explorer in a real browser, where the machine has one."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from graphql import GraphQLUnionType, build_schema, execute_sync, parse  # pyright: ignore[reportUnknownVariableType]
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from identity_service.api.graphql import explorer
from identity_service.settings import Settings
from tests.support import browser
from tests.support.following import visit
from tests.support.service import RunningService, Space, create_space, running_service
from tests.support.waiting import wait_until

CONTRACT = Path(__file__).parents[2] / "contract" / "schema.graphql"
KEY = "reader-key-of-demo"

pytestmark = pytest.mark.skipif(browser.PROGRAM is None, reason="no browser on this machine")


def not_found(value: Any, info: Any, union: Any) -> str:  # noqa: ARG001
    return "NotFound"


class Service:
    """The contract's schema behind the explorer's routes; knows no customer, and one key."""

    def __init__(self) -> None:
        self.schema = build_schema(CONTRACT.read_text(encoding="utf-8"))
        result = self.schema.type_map["CustomerResult"]
        assert isinstance(result, GraphQLUnionType)
        result.resolve_type = not_found
        self.asked: list[tuple[str, str | None]] = []
        """Operation and Authorization header of every request but the schema's."""

    async def answer(self, request: Request) -> Response:
        if request.method == "GET":
            return explorer.page()
        body = await request.json()
        authorization = request.headers.get("Authorization")
        if body.get("operationName") != "IntrospectionQuery":
            self.asked.append((body["operationName"], authorization))
        customer = {"reason": "UNKNOWN", "message": "Nobody was seen with it."}
        space = {"customer": customer} if authorization == f"Bearer {KEY}" else None
        result = execute_sync(
            self.schema,
            parse(body["query"]),
            {"space": space},
            variable_values=body.get("variables"),
            operation_name=body.get("operationName"),
        )
        return JSONResponse(result.formatted)


@pytest.fixture
def running(database_settings: Settings) -> Iterator[RunningService]:
    with running_service(database_settings) as real:
        yield real


@pytest.fixture
def space(running: RunningService) -> Space:
    return create_space(running.settings)


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def address(service: Service) -> Iterator[str]:
    routes = [Route("/graphql", service.answer, methods=["GET", "POST"]), *explorer.routes()]
    config = uvicorn.Config(Starlette(routes=routes), port=0, ws="none", log_level="warning")
    server = uvicorn.Server(config)
    listening = config.bind_socket()
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}/graphql"
    server.should_exit = True
    thread.join()
    listening.close()


@pytest.fixture
def page(address: str, tmp_path: Path) -> Iterator[browser.Page]:
    assert browser.PROGRAM
    with browser.page(browser.PROGRAM, tmp_path / "profile") as opened:
        opened.open(address)
        wait_until_ready(opened)
        yield opened


def wait_until_ready(page: browser.Page) -> None:
    """Until the first question stands in the editor."""
    page.wait_until(
        "document.querySelector('.graphiql-query-editor .CodeMirror')"
        "?.CodeMirror.getValue().includes('WhoIsThis')"
    )


def type_headers(page: browser.Page, text: str) -> None:
    page.value(
        "[...document.querySelectorAll('.graphiql-editor-tool .CodeMirror')]"
        ".find((editor) => editor.CodeMirror.getValue().includes('Authorization'))"
        f".CodeMirror.setValue({text!r})"
    )


def run(page: browser.Page) -> None:
    page.value("document.querySelector('.graphiql-execute-button').click()")


def choose_tab(page: browser.Page, name: str) -> None:
    page.value(
        "[...document.querySelectorAll('.graphiql-tab-button')]"
        f".find((button) => button.textContent === {name!r}).click()"
    )
    # GraphiQL learns a moment later which operation the editor now holds.
    page.wait_until(f"sessionStorage.getItem('graphiql:operationName') === {name!r}")


def answer_shows(text: str) -> str:
    return f"document.querySelector('.result-window')?.textContent.includes({text!r})"


def key_state(page: browser.Page) -> Any:
    return page.value("document.getElementById('key').dataset.state")


def test_a_key_typed_once_serves_every_tab_and_stays_in_the_browser_tab(
    page: browser.Page, service: Service
) -> None:
    choose_tab(page, "WhoIsThis")
    assert key_state(page) == "missing"

    type_headers(page, f'{{"Authorization": "Bearer {KEY}"}}')
    page.wait_until("document.getElementById('key').dataset.state === 'set'")
    choose_tab(page, "WhyThese")
    run(page)
    page.wait_until(answer_shows("Nobody was seen with it."))

    assert service.asked == [("WhyThese", f"Bearer {KEY}")]
    assert page.value("Object.keys(localStorage)") == []
    assert page.value("document.cookie") == ""


def test_without_a_key_or_with_a_wrong_one_the_page_says_so(
    page: browser.Page, service: Service
) -> None:
    run(page)
    page.wait_until(answer_shows('"space": null'))
    assert key_state(page) == "missing"

    type_headers(page, '{"Authorization": "Bearer wrong"}')
    run(page)
    page.wait_until("document.getElementById('key').dataset.state === 'refused'")

    assert service.asked == [("WhoIsThis", None), ("WhoIsThis", "Bearer wrong")]


def test_a_reload_keeps_the_tabs_and_the_key(page: browser.Page) -> None:
    type_headers(page, f'{{"Authorization": "Bearer {KEY}"}}')
    run(page)
    page.wait_until(answer_shows("Nobody was seen with it."))
    tabs = page.value("document.querySelectorAll('.graphiql-tab').length")

    for _ in range(2):
        page.value("window.stale = true")
        page.call("Page.reload")
        page.wait_until("!window.stale && document.readyState === 'complete'")
        wait_until_ready(page)

    assert page.value("document.querySelectorAll('.graphiql-tab').length") == tabs
    assert key_state(page) == "set"


def test_the_page_asks_no_other_host_and_nothing_is_refused(
    page: browser.Page, address: str
) -> None:
    run(page)
    page.wait_until(answer_shows('"space": null'))

    assert page.complaints() == []
    own = address.removesuffix("/graphql")
    assert [url for url in page.requested() if not url.startswith((own, "data:"))] == []


@pytest.mark.neo4j
def test_changes_appear_as_they_are_committed(
    running: RunningService, space: Space, tmp_path: Path
) -> None:
    assert browser.PROGRAM
    with browser.page(browser.PROGRAM, tmp_path / "profile") as opened:
        opened.open(f"{running.url}/graphql")
        wait_until_ready(opened)
        type_headers(opened, f'{{"Authorization": "Bearer {space.reader_key}"}}')
        opened.wait_until("document.getElementById('key').dataset.state === 'set'")
        choose_tab(opened, "WatchChanges")
        opened.value(
            "[...document.querySelectorAll('.graphiql-editor-tool .CodeMirror')]"
            ".find((editor) => editor.CodeMirror.getValue().includes('demo'))"
            f".CodeMirror.setValue({json.dumps(json.dumps({'space': space.name}))})"
        )
        run(opened)
        # The page does not say when it has begun to listen, so it is told until it has heard.
        visits = count()

        def heard() -> bool:
            visit(running, space, f"visitor-{next(visits)}")
            return bool(opened.value(answer_shows("visitor-")))

        wait_until(heard)

        assert opened.complaints() == []
