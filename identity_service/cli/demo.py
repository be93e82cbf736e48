"""`identity-service demo`: from nothing to an answered question."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from importlib.resources import files
from socket import socket
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.text import Text

from identity_service import session
from identity_service.cli import customers
from identity_service.cli.output import print_line, results
from identity_service.domain.identifiers import Identifier
from identity_service.errors import FieldInvalid, IdentityServiceError, NotFound, Unavailable
from identity_service.observability import configure_logging
from identity_service.services.kit.clock import system_clock
from identity_service.services.spaces.access import Role, SpaceScope
from identity_service.session import Session
from identity_service.settings import Settings

SPACE: Final = "demo"
ANN: Final = Identifier("email", "ann@example.com")
KEY: Final = "demo admin"
"""The name of the key that each start makes anew. It may do all that the guides show."""

START_TIMEOUT_S: Final = 60


@dataclass(frozen=True, slots=True)
class _Keys:
    """What the demo asks with, and what it sends with; None when the events are there already."""

    admin: str
    write: str | None


def demo(
    once: Annotated[bool, typer.Option("--once", help="Print the answer, and end.")] = False,
) -> None:
    """Start everything, load example events, resolve a customer, and serve until Ctrl-C."""
    from identity_service.app import prepared

    configure_logging(logging.WARNING)
    with prepared(Settings()) as (settings, listener):
        keys = asyncio.run(session.use(settings, _keys))
        _serve(settings, listener, keys, once=once)


def _serve(settings: Settings, listener: socket, keys: _Keys, *, once: bool) -> None:
    """Serve as `serve` does, and meanwhile ask from another thread."""
    import uvicorn

    from identity_service.app import address, create_app, server_config

    server = uvicorn.Server(server_config(partial(create_app, settings)))

    def ask() -> None:
        try:
            while not server.started:  # uvicorn has a flag, and nothing to wait for
                if server.should_exit:
                    raise Unavailable("The service could not start.", remedy="Its log says why.")
                time.sleep(0.05)
            _show(results(), address(listener), keys)
        except BaseException:
            server.should_exit = True
            raise
        if once:
            server.should_exit = True
        else:
            print_line("Ctrl-C ends it.")

    with ThreadPoolExecutor(1) as thread:
        asked = thread.submit(ask)
        server.run(sockets=[listener])
    asked.result()


async def _keys(opened: Session) -> _Keys:
    """The space, made unless it is there, with a new key to ask with."""
    spaces, access = opened.cases.spaces, opened.cases.access
    try:
        scope = await opened.space(SPACE)
    except NotFound:
        created = await spaces.create_space(access.operator(), SPACE, None)
        scope, write = await opened.space(SPACE), created.write_key
    else:
        write = await _write_key(opened, scope)
        with suppress(FieldInvalid):  # there is none
            await spaces.revoke_key(access.operator(SPACE), SPACE, KEY)
    return _Keys(await spaces.create_key(scope, Role.ADMIN, KEY), write)


async def _write_key(opened: Session, scope: SpaceScope) -> str | None:
    """A key to send the examples with, unless they are there; keys are not to be had twice."""
    last = _examples()[-1]["messageId"]
    if await opened.cases.customers.current(scope).event_with(last, system_clock()):
        return None
    name = f"{SPACE}-{secrets.token_hex(4)}"
    created = await opened.cases.spaces.create_source(opened.cases.access.operator(), name, [SPACE])
    return created.write_key


def _examples() -> list[dict[str, Any]]:
    """The example events: calls of Segment's API, oldest first."""
    text = (files("identity_service") / "examples" / "demo.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def _show(console: Console, url: str, keys: _Keys) -> None:
    """Load the examples, ask who Ann is, and say where to go on; all over HTTP."""
    host = url.removeprefix("http://")
    examples = _examples()
    if keys.write is None:
        console.print(f"The {len(examples)} example events are in the space “{SPACE}” already.")
    else:
        _post(host, "/v1/batch", {"writeKey": keys.write, "batch": examples})
        console.print(f"Sent {len(examples)} example events to {url}/v1/batch.")
    question = {"query": customers.who_is_this(), "variables": customers.variables(SPACE, ANN)}
    answer = _post(host, "/graphql", question, keys.admin)
    console.print(f"Who is {ANN}? Asked of {url}/graphql:")
    console.print(customers.panel(answer["data"]["space"]["customer"]))
    console.print(
        Text.assemble(
            ("Explorer  ", "bold"),
            f"{url}/graphql\n",
            ("Key       ", "bold"),
            f"{keys.admin}\n",
            "Type the key at the top of the explorer, and run the first question.",
        ),
        soft_wrap=True,
    )


def _post(host: str, path: str, body: Any, key: str | None = None) -> Any:
    headers = {"Content-Type": "application/json"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    connection = HTTPConnection(host, timeout=START_TIMEOUT_S)
    try:
        connection.request("POST", path, json.dumps(body), headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
    finally:
        connection.close()
    if response.status != 200 or answer.get("errors"):
        raise IdentityServiceError(f"{path} answered {response.status}: {answer}.")
    return answer
