"""Rejected events on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import Command

pytestmark = pytest.mark.neo4j


@pytest.fixture
def space(command: Command, keys: dict[str, str], tmp_path: Path) -> str:
    """Lines without a time that can be read, one that names nobody, and one that is no JSON."""
    file = tmp_path / "events.jsonl"
    calls = [
        {"type": "track", "event": "Paid", "userId": f"u-{n}", "messageId": f"m{n}"}
        | {"timestamp": "soon"}
        for n in range(2)
    ]
    nobody = {"type": "track", "messageId": "m2"}
    file.write_text("".join(json.dumps(call) + "\n" for call in (*calls, nobody)) + "no JSON\n")
    assert command("ingest", file, "--space", keys["space"]).code == 0
    return keys["space"]


def test_they_are_listed_shown_repaired_and_sent_again(
    command: Command, space: str, tmp_path: Path
) -> None:
    of_space = ("--space", space)
    listed = json.loads(
        command("rejected", "list", *of_space, "--code", "INVALID_TIME", "--json").out
    )
    table = command("rejected", "list", *of_space)
    [first] = [each for each in listed["rejectedEvents"] if each["messageId"] == "m0"]
    shown = json.loads(command("rejected", "show", first["id"], *of_space).out)
    repaired = tmp_path / "repaired.json"
    repaired.write_text(json.dumps({**shown["body"], "timestamp": "2026-01-01"}))

    sent = command("rejected", "resend", first["id"], *of_space, "--body", repaired, "--json")
    again = command("rejected", "resend", first["id"], *of_space)
    all_again = command("rejected", "resend", "--all", "--code", "INVALID_TIME", *of_space)

    assert len(listed["rejectedEvents"]) == 2
    assert "NOT_JSON" in table.out
    assert shown == first
    assert (sent.code, json.loads(sent.out)["accepted"]) == (0, [first["id"]])
    assert (again.code, "1 are not there any more" in again.out) == (0, True)
    assert all_again.code == 1
    assert "0 were taken, 1 are rejected again." in all_again.out
    assert command("resolve", "user_id:u-0", *of_space).code == 0


def test_they_are_dropped_by_id_and_by_what_they_are(command: Command, space: str) -> None:
    of_space = ("--space", space)
    listed = json.loads(command("rejected", "list", *of_space, "--json").out)

    one = command("rejected", "drop", listed["rejectedEvents"][0]["id"], *of_space)
    rest = command("rejected", "drop", "--all", "--source", "command line", *of_space, "--json")

    assert one.out == "1 rejected events were dropped.\n"
    assert json.loads(rest.out) == {"dropped": 3}
    assert command("rejected", "list", *of_space).out == "There are no rejected events.\n"


def test_one_that_is_not_there_is_named(command: Command, space: str) -> None:
    said = command.complains("rejected", "show", "rej_1", "--space", space, code=1)

    assert "There is no rejected event “rej_1”" in said
