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
KEY = "reader-key-of-the-shop"
QUERY = "document.querySelector('.graphiql-query-editor .CodeMirror').CodeMirror"
VARIABLES = "document.querySelector('.graphiql-editor-tool .CodeMirror').CodeMirror"

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
        self.asked: list[tuple[str, str | None, Any]] = []
        """Operation, Authorization header and variables of every request but the schema's."""

    async def answer(self, request: Request) -> Response:
        if request.method == "GET":
            return explorer.page()
        body = await request.json()
        authorization = request.headers.get("Authorization")
        if body.get("operationName") != "IntrospectionQuery":
            self.asked.append((body.get("operationName"), authorization, body.get("variables")))
        customer = {"reason": "UNKNOWN", "message": "Nobody was seen with it."}
        space = {"name": "shop", "customer": customer}
        known = authorization == f"Bearer {KEY}"
        result = execute_sync(
            self.schema,
            parse(body["query"]),
            {"space": space if known else None, "spaces": [space] if known else []},
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


def type_into(page: browser.Page, field: str, text: str) -> None:
    """Type into a field of the page, and leave it."""
    page.value(f"document.getElementById({field!r}).select()")
    page.call("Input.insertText", text=text)
    page.value("document.activeElement.blur()")


def press_tab(page: browser.Page) -> None:
    for kind in ("rawKeyDown", "keyUp"):
        page.call("Input.dispatchKeyEvent", type=kind, key="Tab", windowsVirtualKeyCode=9)


def variables(page: browser.Page) -> Any:
    return json.loads(page.value(f"{VARIABLES}.getValue()"))


def type_variable(page: browser.Page, old: str, new: str) -> None:
    """Put one text in the place of another in the variables, as if it was typed there."""
    page.value(
        f"(() => {{ const editor = {VARIABLES};"
        f" const start = editor.posFromIndex(editor.getValue().indexOf({old!r}));"
        f" const end = {{ line: start.line, ch: start.ch + {len(old)} }};"
        f" editor.replaceRange({new!r}, start, end, '+input'); }})()"
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


def state(page: browser.Page) -> Any:
    return page.value("document.getElementById('state').dataset.state")


def test_space_and_key_are_asked_for_once_and_stay_in_the_browser_tab(
    page: browser.Page, service: Service
) -> None:
    assert state(page) == "missing"

    type_into(page, "key", KEY)
    page.wait_until("document.getElementById('space').value === 'shop'")
    choose_tab(page, "WhyThese")
    page.wait_until(f"{VARIABLES}.getValue().includes('shop')")
    run(page)
    page.wait_until(answer_shows("Nobody was seen with it."))

    assert state(page) == "set"
    asked = {"space": "shop", "type": "email", "value": "ann@example.com"}
    assert service.asked[-1] == ("WhyThese", f"Bearer {KEY}", asked)
    assert page.value("Object.keys(localStorage)") == []
    assert page.value("document.cookie") == ""


def test_without_a_key_or_with_a_wrong_one_the_page_says_so(
    page: browser.Page, service: Service
) -> None:
    run(page)
    page.wait_until(answer_shows('"space": null'))
    assert state(page) == "missing"

    type_into(page, "key", "Bearer wrong")
    page.wait_until("document.getElementById('state').dataset.state === 'refused'")

    assert [key for _, key, _ in service.asked] == [None, "Bearer wrong"]


def test_who_was_asked_about_stands_in_every_question_until_another_is_typed(
    page: browser.Page,
) -> None:
    choose_tab(page, "BlastRadius")
    assert variables(page)["value"] == "FAMILY-TABLET-01"

    choose_tab(page, "WhoIsThis")
    type_variable(page, "ann@example.com", "bob@example.com")
    type_into(page, "space", "elsewhere")

    for question in ("Timeline", "CustomerChanges", "SamePerson", "WhoIsThis"):
        choose_tab(page, question)
        page.wait_until(f"{VARIABLES}.getValue().includes('elsewhere')")
        assert variables(page).get("value", "bob@example.com") == "bob@example.com"


def test_the_tab_key_leaves_every_editor_and_all_questions_are_in_sight(
    page: browser.Page,
) -> None:
    page.call(
        "Emulation.setDeviceMetricsOverride",
        width=1280,
        height=800,
        deviceScaleFactor=1,
        mobile=False,
    )
    run(page)
    page.wait_until(answer_shows('"space": null'))
    held = page.value(f"{QUERY}.getValue()")

    page.value(f"{QUERY}.focus()")
    stops: list[str] = []
    while "key" not in stops and len(stops) < 100:
        press_tab(page)
        stops.append(page.value("document.activeElement.id || document.activeElement.className"))

    assert stops[-1] == "key"
    assert page.value(f"{QUERY}.getValue()") == held
    covered = page.value(
        "[...document.querySelectorAll('.graphiql-tab-button')].filter((button) => {"
        " const { left, top, width, height } = button.getBoundingClientRect();"
        " return document.elementFromPoint(left + width / 2, top + height / 2) !== button;"
        "}).map((button) => button.textContent)"
    )
    assert covered == []


def test_a_reload_keeps_the_tabs_and_the_key(page: browser.Page) -> None:
    type_into(page, "key", KEY)
    run(page)
    page.wait_until(answer_shows("Nobody was seen with it."))
    tabs = page.value("document.querySelectorAll('.graphiql-tab').length")

    for _ in range(2):
        page.value("window.stale = true")
        page.call("Page.reload")
        page.wait_until("!window.stale && document.readyState === 'complete'")
        wait_until_ready(page)

    assert page.value("document.querySelectorAll('.graphiql-tab').length") == tabs
    assert state(page) == "set"
    assert variables(page)["space"] == "shop"


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
        type_into(opened, "key", space.reader_key)
        opened.wait_until(f"document.getElementById('space').value === '{space.name}'")
        choose_tab(opened, "WatchChanges")
        opened.wait_until(f"{VARIABLES}.getValue().includes('{space.name}')")
        run(opened)
        # The page does not say when it has begun to listen, so it is told until it has heard.
        visits = count()

        def heard() -> bool:
            visit(running, space, f"visitor-{next(visits)}")
            return bool(opened.value(answer_shows("visitor-")))

        wait_until(heard)

        assert opened.complaints() == []
