"""`serve` and `demo` as processes, from their first line to their exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from http.client import HTTPConnection

import pytest
from websockets.exceptions import ConnectionClosed

from identity_service.app import GRACE
from identity_service.settings import Settings
from tests.support.command import Command
from tests.support.following import client, event_stream, visit
from tests.support.service import RunningService, Space, running_service

pytestmark = pytest.mark.neo4j

PROGRAM = "import sys; from identity_service.cli import main; sys.exit(main())"
PATIENCE = 120


@contextmanager
def process(*arguments: str) -> Generator[subprocess.Popen[str]]:
    """A command as a process of its own, which is gone at the end."""
    running = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        env={**os.environ, "IDENTITY_PORT": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


def line_with(running: subprocess.Popen[str], text: str) -> str:
    """The first line on standard output that holds the text."""
    assert running.stdout is not None
    for line in running.stdout:
        if text in line:
            return line.strip()
    raise AssertionError(f"There was no line with {text!r}.")


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_serve_says_where_it_listens_and_ends_with_0(end: signal.Signals) -> None:
    with process("serve", "--host", "127.0.0.1") as running:
        host = line_with(running, "Listening at ").partition("http://")[2]
        connection = HTTPConnection(host, timeout=PATIENCE)
        connection.request("GET", "/readyz")
        answered = connection.getresponse().status
        connection.close()

        running.send_signal(end)

        assert answered == 200
        assert running.wait(PATIENCE) == 0


def test_serve_ends_at_once_although_somebody_follows(
    keys: dict[str, str], database_settings: Settings
) -> None:
    space = Space(
        keys["space"], keys["writeKey"], keys["readerKey"], keys["adminKey"], database_settings
    )
    with process("serve", "--host", "127.0.0.1") as running:
        url = line_with(running, "Listening at ").removeprefix("Listening at ")
        service = RunningService(url, database_settings)
        with (
            client(service, space.reader_key) as connected,
            event_stream(service, space.reader_key, space=space.name) as events,
        ):
            connected.follow(space)

            running.send_signal(signal.SIGTERM)

            assert list(events) == []
            with pytest.raises(ConnectionClosed) as closed:
                connected.receive()
            # Well before uvicorn would break them off by itself.
            assert running.wait(GRACE - 5) == 0
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012


def test_changes_are_followed_on_the_command_line_until_ctrl_c(
    keys: dict[str, str], database_settings: Settings, command: Command
) -> None:
    space = Space(
        keys["space"], keys["writeKey"], keys["readerKey"], keys["adminKey"], database_settings
    )
    with running_service(database_settings) as service:
        visit(service, space, "before")
        with process("changes", "--space", space.name, "--follow", "--json") as running:
            first = json.loads(line_with(running, "before"))
            visit(service, space, "after")
            second = json.loads(line_with(running, "after"))
            running.send_signal(signal.SIGINT)
            ended = running.wait(PATIENCE)
    listed = command("changes", "--space", space.name, "--kind", "CREATED")
    none = command("changes", "--space", space.name, "--kind", "MERGED")

    assert ended == 0
    assert [change["kind"] for change in (first, second)] == ["CREATED", "CREATED"]
    assert second["identifiers"] == [{"type": "user_id", "value": "after"}]
    assert [line.split()[1] for line in listed.out.splitlines()] == ["CREATED"] * 2
    assert (none.code, none.out) == (0, "")


def test_ctrl_c_ends_the_demo_with_0_and_without_a_word() -> None:
    with process("demo") as running:
        line_with(running, "Ctrl-C ends it.")
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=PATIENCE)

    assert (running.returncode, err) == (0, "")


def test_the_demo_answers_and_ends_with_0_and_may_be_run_again(command: Command) -> None:
    for sent in ("example events", "already"):
        with process("demo", "--once") as running:
            out, err = running.communicate(timeout=PATIENCE)

        assert running.returncode == 0, err
        assert sent in out
        assert "email:ann@example.com" in out
        assert "ids_agent_" in out
        assert "/graphql" in out
    ann = json.loads(command("resolve", "email:ann@example.com", "--space", "demo", "--json").out)
    tablet = json.loads(
        command("resolve", "ios.id:SHOP-TABLET-01", "--space", "demo", "--json").out
    )
    assert len({i["type"] for i in ann["identifiers"]}) >= 5
    assert [i["value"] for i in ann["sharedDevices"]] == ["SHOP-TABLET-01"]
    assert tablet["kind"] == "QUARANTINED"
