"""Audiences on the command line: their sizes, their members, and who enters and leaves."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from identity_service.api.graphql.connections import encode_cursor
from tests.support.command import Command

pytestmark = pytest.mark.neo4j

PROGRAM = "import sys; from identity_service.cli import main; sys.exit(main())"

TEXT = """
features: {orders: {count: Order Completed}}
audiences:
  buyers: {who: {feature: orders, gte: 1}}
  idle: {enabled: false, who: {did: any, times: 0, within: 14d}}
  paying: {of: accounts, who: {members: {any: {in: buyers}}}}
"""


@pytest.fixture
def space(command: Command, keys: dict[str, str], tmp_path: Path) -> str:
    """A space in which Ann bought something, and a text that says so."""
    text = tmp_path / "profiles.yaml"
    text.write_text(TEXT)
    buy(command, keys["space"], tmp_path, "ann")
    assert command("profiles", "apply", text, "--space", keys["space"]).code == 0
    return keys["space"]


def buy(command: Command, space: str, directory: Path, *who: str) -> None:
    events = directory / f"{'-'.join(who)}.jsonl"
    calls = [
        {
            "type": "track",
            "event": "Order Completed",
            "userId": each,
            "messageId": f"m-{each}",
            "context": {"groupId": "acme"},
        }
        for each in who
    ]
    events.write_text("\n".join(map(json.dumps, calls)))
    assert command("ingest", events, "--space", space).code == 0


def test_audiences_are_listed_with_their_sizes(command: Command, space: str) -> None:
    listed = command("audience", "list", "--space", space)

    assert json.loads(command("audience", "list", "--space", space, "--json").out) == [
        {"name": "buyers", "of": "CUSTOMERS", "enabled": True, "size": 1},
        {"name": "idle", "of": "CUSTOMERS", "enabled": False, "size": 0},
        {"name": "paying", "of": "ACCOUNTS", "enabled": True, "size": 1},
    ]
    assert "not enabled" in listed.out


def test_members_are_the_ids_of_customers(command: Command, space: str, tmp_path: Path) -> None:
    buy(command, space, tmp_path, "ben", "cid")

    lines = command("audience", "members", "buyers", "--space", space, "--json").out.splitlines()

    found = json.loads(command("resolve", "user_id:ben", "--space", space, "--json").out)
    members = [json.loads(line)["customerId"] for line in lines]
    assert len(members) == 3
    assert members == sorted(members)
    assert found["customerId"] in members
    of_accounts = command("audience", "members", "paying", "--space", space, "--json").out
    assert json.loads(of_accounts)["accountId"] == "acme"
    assert json.loads(of_accounts)["customerId"] is None
    assert command("audience", "members", "paying", "--space", space).out.startswith("acme since ")
    line = command.complains("audience", "members", "x", "--space", space, code=1)
    assert "no audience “x”" in line


def test_who_enters_is_printed_until_the_command_is_stopped(
    command: Command, space: str, tmp_path: Path
) -> None:
    running = subprocess.Popen(
        [
            *(sys.executable, "-c", PROGRAM, "audience", "follow", "buyers"),
            *("--space", space, "--json", "--after", beginning()),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert running.stdout is not None
        first = json.loads(running.stdout.readline())
        buy(command, space, tmp_path, "ben")
        second = json.loads(running.stdout.readline())
        running.send_signal(signal.SIGINT)
        code = running.wait(timeout=60)
    finally:
        running.kill()
        running.communicate()

    assert (first["change"], first["cause"], first["startsCampaigns"]) == (
        "ENTERED",
        "DEFINITION",
        False,
    )
    assert (second["audience"], second["cause"]) == ("buyers", "EVENT")
    assert (second["causeRef"], second["first"], second["startsCampaigns"]) == (
        "m-ben",
        True,
        True,
    )
    assert code == 0


def beginning() -> str:
    """The cursor before the first change."""
    return encode_cursor("membership", 0)
