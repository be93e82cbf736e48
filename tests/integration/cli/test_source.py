"""Sources on the command line."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import Command

pytestmark = pytest.mark.neo4j


@pytest.fixture
def source(command: Command, keys: dict[str, str]) -> str:
    """A source of a space of its own."""
    name = f"shop-{secrets.token_hex(4)}"
    made = command("source", "create", name, "--space", keys["space"], "--region", "NL")
    assert json.loads(made.out)["writeKey"].startswith("ids_write_")
    return name


def changed(command: Command, *arguments: str) -> dict[str, Any]:
    ended = command("source", *arguments, "--json")
    assert ended.code == 0, ended.err
    return json.loads(ended.out)


def test_a_source_is_created_listed_and_shown(
    command: Command, keys: dict[str, str], source: str
) -> None:
    of_space = changed(command, "list", "--space", keys["space"])
    of_all = changed(command, "list", "--after", source[:-1], "--first", "1")
    shown = command("source", "show", source)
    table = command("source", "list", "--space", keys["space"])

    assert sorted(each["name"] for each in of_space["sources"]) == sorted((keys["space"], source))
    assert of_all["sources"][0]["name"] == source
    assert "feeds " + keys["space"] in shown.out
    assert "national phone numbers are of NL" in shown.out
    assert "active" in table.out
    assert "already" in command.complains(
        "source", "create", source, "--space", keys["space"], code=1
    )


def test_a_source_is_paused_limited_and_back_to_normal(command: Command, source: str) -> None:
    paused = changed(command, "pause", source)
    shown = command("source", "pause", source).out
    resumed = changed(command, "resume", source)
    limited = changed(command, "limit", source, "0.5")
    unlimited = changed(command, "limit", source, "--none")

    assert paused["pausedBy"] == "command line"
    assert f"{source}, paused since {paused['pausedAt']} by command line" in shown
    assert (resumed["pausedAt"], limited["eventsPerSecond"]) == (None, 0.5)
    assert unlimited["eventsPerSecond"] is None


def test_a_key_is_rotated_with_and_without_a_grace(command: Command, source: str) -> None:
    first = json.loads(command("source", "rotate-key", source, "--grace", "2d").out)
    second = json.loads(command("source", "rotate-key", source, "--grace", "0").out)

    assert first["writeKey"] != second["writeKey"]
    assert [key["goodUntil"] is None for key in first["source"]["keys"]] == [False, True]
    assert [key["goodUntil"] for key in second["source"]["keys"]] == [None]


def test_a_source_is_moved_to_another_space(
    command: Command, keys: dict[str, str], source: str
) -> None:
    other = json.loads(command("space", "create", f"test-{secrets.token_hex(8)}").out)["space"]

    both = changed(command, "spaces", source, other, keys["space"])
    several = command.complains("source", "replay", source, "--into", other, code=2)
    moved = changed(command, "spaces", source, other)
    nothing = command.complains("source", "replay", source, "--into", keys["space"], code=1)

    assert both["spaces"] == sorted((other, keys["space"]))
    assert moved["spaces"] == [other]
    assert "--space" in several
    assert "Nothing was received" in nothing
    assert "no space" in command.complains("source", "spaces", source, "nowhere", code=1)


def test_what_a_source_sent_is_counted(command: Command, source: str) -> None:
    counted = changed(command, "stats", source, "--days", "1")
    table = command("source", "stats", source)

    assert (counted["received"], counted["rejected"]) == (0, [])
    assert "last seen" in table.out
    assert "never" in table.out


@pytest.mark.parametrize("what", ["pause", "resume", "rotate-key", "show"])
def test_a_source_that_does_not_exist_is_named(command: Command, what: str) -> None:
    assert "There is no source “nobody”." in command.complains("source", what, "nobody", code=1)


def test_rules_are_tried_set_and_shown(
    command: Command, keys: dict[str, str], source: str, tmp_path: Path
) -> None:
    file, wrong = tmp_path / "rules.yaml", tmp_path / "wrong.yaml"
    file.write_text("drop: [Heartbeat]\n")
    wrong.write_text("drop: Heartbeat\n")
    of_space = ("--space", keys["space"])

    tried = changed(command, "rules", "test", source, str(file), *of_space)
    table = command("source", "rules", "test", source, file, *of_space)
    refused = command("source", "rules", "test", source, wrong, *of_space)
    none = command.complains("source", "rules", "show", source, code=1)
    made = command("source", "rules", "set", source, file, "--as", "Mia")
    conflict = command.complains(
        "source", "rules", "set", source, file, "--expect", "0", "--as", "Mia", code=1
    )
    shown = changed(command, "rules", "show", source)

    assert tried == {"events": 0, "differences": []}
    assert table.out == "0 of 0 events would be read differently.\n"
    assert (refused.code, "drop: write a list" in refused.err) == (1, True)
    assert "has no reading rules" in none
    assert made.out == f"Version 1 of the rules of “{source}” is in force.\n"
    assert "Version 1 of the reading rules is in force." in conflict
    assert (shown["version"], shown["author"]) == (1, "Mia")
    assert command("source", "rules", "show", source).out == "drop: [Heartbeat]\n"
    assert "read by version 1 of its rules" in command("source", "show", source).out
