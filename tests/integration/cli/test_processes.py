"""`serve` and `demo` as processes, from their first line to their exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection

import pytest
from websockets.exceptions import ConnectionClosed

from identity_service.app import SHUTDOWN_TIMEOUT_S
from identity_service.settings import Settings
from tests.support.command import Command
from tests.support.following import client, event_stream, visit
from tests.support.service import RunningService, Space, create_space, running_service
from tests.support.waiting import wait_until

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


def lines_until(running: subprocess.Popen[str], text: str) -> list[str]:
    """What is said on standard error, up to and with the first line that holds the text."""
    assert running.stderr is not None
    lines: list[str] = []
    for line in running.stderr:
        lines.append(line)
        if text in line:
            return lines
    raise AssertionError(f"There was no line with {text!r}: {lines}")


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
            assert running.wait(SHUTDOWN_TIMEOUT_S - 5) == 0
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012


JOINED = "types: {user_id: {priority: 1, kind: person}, anonymous_id: {priority: 2, kind: device}}"
PARTED = "types: {user_id: {priority: 1, kind: person}}"
"""Under the one a person and its device are a customer, under the other each is one."""

PAIRS = 120
"""Settled in three steps."""


@dataclass(frozen=True)
class Settled:
    """How far a settlement is, and what it did."""

    open: bool
    worker: str | None
    customers: dict[str, int]
    """Those of the second version: their `rev` by their id."""
    splits: list[str]
    """Ids of the changes that were printed, in order."""


def settled(space: Space) -> Settled:
    [policy] = space.rows(
        "MATCH (p:Policy {space: $space, version: 2}) RETURN p:Settling AS open, p.worker AS worker"
    )
    customers = space.rows(
        "MATCH (c:Customer {space: $space, policy_version: 2}) RETURN c.id AS id, c.rev AS rev"
    )
    splits = space.rows(
        "MATCH (c:Change {space: $space, kind: 'SPLIT'}) RETURN c.id AS id ORDER BY c.position"
    )
    revs = {row["id"]: row["rev"] for row in customers}
    return Settled(**policy, customers=revs, splits=[row["id"] for row in splits])


@contextmanager
def held_back(space: Space, after: int) -> Generator[None]:
    """Inside, no settlement gets beyond so many customers: somebody else writes the next."""
    hold = (
        "MATCH (c:Customer {space: $space}) WHERE c.policy_version < 2"
        " WITH c SKIP $after LIMIT 1 SET c.space = c.space RETURN count(*)"
    )
    with (
        space.driver() as driver,
        driver.session() as session,  # pyright: ignore[reportUnknownMemberType]
        session.begin_transaction() as writing,
    ):
        held = writing.run(hold, space=space.name, after=after).single(strict=True)
        assert held.value() == 1
        yield


def test_serve_that_ends_amid_a_settlement_leaves_the_rest_to_the_next(
    database_settings: Settings,
) -> None:
    space = create_space(database_settings, JOINED)
    pairs = [{"type": "track", "userId": f"u{n}", "anonymousId": f"a{n}"} for n in range(PAIRS)]
    put = (
        "mutation ($space: String!, $policy: String!) {"
        " setPolicy(space: $space, policy: $policy, expectedVersion: 1) { __typename } }"
    )

    with process("serve", "--host", "127.0.0.1") as running:
        url = line_with(running, "Listening at ").removeprefix("Listening at ")
        service = RunningService(url, database_settings)
        sent = service.post("/v1/batch", space.write_key, json={"batch": pairs})
        assert sent.status_code == 200
        # What is left is looked at before another service of this run can have finished it.
        with held_back(space, 100):
            with held_back(space, 60):
                answer = service.post(
                    "/graphql",
                    headers={"Authorization": f"Bearer {space.admin_key}"},
                    json={"query": put, "variables": {"space": space.name, "policy": PARTED}},
                )
                assert answer.json()["data"] == {"setPolicy": {"__typename": "PolicySet"}}
                wait_until(lambda: len(settled(space).customers) > 0, seconds=PATIENCE)
                amid = settled(space)

                running.send_signal(signal.SIGTERM)

                log = lines_until(running, "Waiting for application shutdown")
            assert running.wait(SHUTDOWN_TIMEOUT_S) == 0
            left = settled(space)
        rest = running.communicate()[1].splitlines()
    with process("serve", "--host", "127.0.0.1"):
        wait_until(lambda: not settled(space).open, seconds=PATIENCE)
    found = settled(space)

    assert {json.loads(line)["level"] for line in [*log, *rest]} == {"info"}
    assert left.worker != amid.worker is not None
    assert 0 < len(amid.splits) < len(left.splits) < PAIRS
    assert found.splits[: len(left.splits)] == left.splits
    assert len(found.splits) == PAIRS
    assert len(found.customers) == 2 * PAIRS
    assert left.customers.items() <= found.customers.items()


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
        assert "ids_admin_" in out
        assert "/graphql" in out
    ann = json.loads(command("resolve", "email:ann@example.com", "--space", "demo", "--json").out)
    tablet = json.loads(
        command("resolve", "ios.id:SHOP-TABLET-01", "--space", "demo", "--json").out
    )
    assert len({i["type"] for i in ann["identifiers"]}) >= 5
    assert [i["value"] for i in ann["sharedDevices"]] == ["SHOP-TABLET-01"]
    assert tablet["kind"] == "QUARANTINED"
