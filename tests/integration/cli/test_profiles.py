"""Profiles texts checked, applied, listed and undone from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
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


def test_a_training_set_has_what_was_so_at_each_instant(
    command: Command, keys: dict[str, str], text: Path, tmp_path: Path
) -> None:
    space = ("--space", keys["space"])
    events, pairs = tmp_path / "events.jsonl", tmp_path / "pairs.csv"
    calls = [
        {"type": "track", "event": "Order Completed", "userId": "ann", "messageId": f"m{day}"}
        | {"timestamp": f"2026-03-0{day}T12:00:00Z"}
        for day in (1, 2, 3)
    ]
    events.write_text("\n".join(map(json.dumps, calls)))
    pairs.write_text(
        "customer,at\nuser_id:ann,2026-03-02T12:00:00Z\nuser_id:ben,2026-03-02\n"
        "user_id:ann,2026-03-01T11:59:59.999Z\n"
    )
    command("ingest", events, *space)
    command("profiles", "apply", text, *space)

    made = command("profiles", "training-set", pairs, *space, "--to", tmp_path / "set")

    rows = (
        duckdb.connect()
        .execute(
            f"FROM '{tmp_path}/set/training_set/*.parquet'"
            " SELECT row, customer, customer_id IS NULL, version, f_orders"
        )
        .fetchall()
    )
    assert rows == [
        (1, "user_id:ann", False, 1, 2),
        (2, "user_id:ben", True, 1, None),
        (3, "user_id:ann", False, 1, 0),
    ]
    assert "3 rows by version 1" in made.out
    assert "1 of them name nobody" in made.out


def test_pairs_that_cannot_be_read_are_named(
    command: Command, keys: dict[str, str], text: Path, tmp_path: Path
) -> None:
    space, pairs = ("--space", keys["space"]), tmp_path / "pairs.csv"
    command("profiles", "apply", text, *space)
    asked = ("profiles", "training-set", pairs, *space, "--to", tmp_path / "set")

    pairs.write_text("customer\nuser_id:ann\n")
    assert "no column “at”" in command.complains(*asked, code=1)
    pairs.write_text("customer,at\nuser_id:ann,yesterday\n")
    assert "row 1: “yesterday” is no moment" in command.complains(*asked, code=1)
    assert not (tmp_path / "set").exists()
