"""Retractions on the command line."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.command import Command

pytestmark = pytest.mark.neo4j

ALL = ("--from", "2020-01-01", "--until", "2025-01-01")


@pytest.fixture
def space(command: Command, keys: dict[str, str], tmp_path: Path) -> str:
    """Ann, as a file told it."""
    file = tmp_path / "events.jsonl"
    call = {"type": "identify", "messageId": "m1", "userId": "ann"}
    file.write_text(json.dumps(call) + "\n")
    assert command("ingest", file, "--space", keys["space"]).code == 0
    return keys["space"]


def test_a_retraction_is_previewed_made_listed_and_taken_back(command: Command, space: str) -> None:
    now = datetime.now(UTC).isoformat()
    about = ("command line", "--space", space, "--from", "2020-01-01", "--until", now)

    previewed = command("retraction", "preview", *about)
    made = command("retract", *about, "--reason", "A test.", "--as", "Mia", "--json")
    retracted = json.loads(made.out)
    gone = command("resolve", "user_id:ann", "--space", space)
    table = command("retraction", "list", "--space", space)
    back = command(
        "retraction", "withdraw", retracted["id"], "--space", space, "--reason", "Mistaken."
    )
    listed = json.loads(command("retraction", "list", "--space", space, "--json").out)

    assert "1 events would not count; 1 identifiers are carried by no other" in " ".join(
        previewed.out.split()
    )
    assert (retracted["events"], retracted["done"], retracted["author"]) == (1, True, "Mia")
    assert gone.code == 1
    assert "in force" in table.out
    assert f"On record as {retracted['id']}." in back.out
    assert command("resolve", "user_id:ann", "--space", space).code == 0
    assert [each["withdrawnReason"] for each in listed["retractions"]] == ["Mistaken."]


def test_without_retractions_the_list_says_so(command: Command, space: str) -> None:
    assert command("retraction", "list", "--space", space).out == "There are no retractions.\n"


def test_what_was_never_sent_cannot_be_retracted(command: Command, space: str) -> None:
    ended = command("retract", "nobody", "--space", space, *ALL, "--reason", "A test.")

    assert ended.code == 1
    assert "Nothing was received from “nobody” in that time." in ended.err
