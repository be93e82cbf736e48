"""Profiles texts checked, applied, listed and undone from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import Command

pytestmark = pytest.mark.neo4j

ORDERS = "features:\n  orders: {count: Order Completed}\n"
VISITS = "features:\n  visits: {count: page}\n"


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "profiles.yaml"
    path.write_text(ORDERS)
    return path


def test_a_text_is_applied_shown_and_undone(
    command: Command, keys: dict[str, str], text: Path
) -> None:
    space = ("--space", keys["space"])
    none = command.complains("profiles", "show", *space, code=1)

    first = command("profiles", "apply", text, *space, "--as", "Mia", "--reason", "The shop")
    text.write_text(VISITS)
    second = json.loads(command("profiles", "apply", text, *space, "--json").out)
    diff = command("profiles", "show", *space, "--version", "1", "--diff").out
    restored = command("profiles", "restore", "1", *space, "--as", "Ben")

    history = json.loads(command("profiles", "history", *space, "--json").out)
    assert "has no profiles text" in none
    assert first.out == (
        f"Version 1 is in force in the space “{keys['space']}”; the profiles of 0 customers are"
        " computed by it.\n"
    )
    assert second["version"] == 2
    assert "+  visits: {count: page}" in diff
    assert restored.code == 0
    assert command("profiles", "show", *space).out == ORDERS
    assert command("profiles", "show", *space, "--version", "2").out == VISITS
    assert [(each["version"], each["author"], each["reason"]) for each in history] == [
        (3, "Ben", "As in version 1."),
        (2, history[1]["author"], None),
        (1, "Mia", "The shop"),
    ]
    assert "The shop" in command("profiles", "history", *space).out
    assert "no version 9" in command.complains("profiles", "restore", "9", *space, code=1)


def test_a_version_that_is_not_expected_is_not_replaced(
    command: Command, keys: dict[str, str], text: Path
) -> None:
    space = ("--space", keys["space"])
    command("profiles", "apply", text, *space)

    line = command.complains("profiles", "apply", text, *space, "--expect", "0", code=1)

    assert "Version 1 of the profiles text" in line


def test_every_mistake_of_a_file_is_named_with_its_path(
    command: Command, keys: dict[str, str], text: Path
) -> None:
    text.write_text("features: 5\naudiences: 6\n")

    ended = command("profiles", "apply", text, "--space", keys["space"])

    assert ended.code == 1
    assert ended.err == command("profiles", "check", text).err
    assert f"{text}: features: " in ended.err
    assert f"{text}: audiences: " in ended.err
