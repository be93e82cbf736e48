"""Spaces, the schema and the service's own check, from the command line."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import pytest

from tests.support.command import Command

pytestmark = pytest.mark.neo4j


def test_a_space_is_created_with_keys_and_only_once(command: Command, keys: dict[str, str]) -> None:
    assert keys["adminKey"].startswith("ids_admin_")
    assert keys["readerKey"].startswith("ids_reader_")
    assert keys["writeKey"].startswith("ids_write_")
    assert "already" in command.complains("space", "create", keys["space"], code=1)


def test_a_space_with_a_wrong_policy_is_not_created(command: Command, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("ordr: time\n")

    refusal = command.complains("space", "create", "never-made", "--policy", policy, code=1)

    assert "ordr" in refusal
    assert "no space" in command.complains(
        "resolve", "email:a@example.com", "--space", "never-made", code=1
    )


def test_properties_in_use_are_listed_and_given_back(
    command: Command, keys: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "events.jsonl"
    call = {"type": "track", "userId": "u", "properties": {"plan": "pro", "page no": 1}}
    file.write_text(json.dumps(call))
    assert command("ingest", file, "--space", keys["space"]).code == 0

    listed = json.loads(command("space", "properties", "--space", keys["space"]).out)
    released = command("space", "release-properties", "page no", "x", "--space", keys["space"])
    left = json.loads(command("space", "properties", "--space", keys["space"]).out)

    assert listed == {"page_no": "command line", "plan": "command line"}
    assert json.loads(released.out) == ["page_no"]
    assert left == {"plan": "command line"}


def test_the_schema_is_applied_and_found_in_order(command: Command) -> None:
    assert command("schema", "apply").code == 0

    checked = command("schema", "check")

    assert checked.code == 0
    assert "up to date" in checked.out


def test_the_check_looks_at_every_part_and_asks_the_database(command: Command) -> None:
    ended = command("check", "--json")

    findings = json.loads(ended.out)
    assert ended.code == 0
    assert all(finding["ok"] for finding in findings)
    assert {"statements", "policy presets", "explorer", "database"} <= {
        finding["part"] for finding in findings
    }


def test_the_check_fails_with_the_database(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_NEO4J_URI", "bolt://127.0.0.1:1")

    ended = command("check", "--json")

    assert ended.code == 1
    assert [f["part"] for f in json.loads(ended.out) if not f["ok"]] == ["database"]
    assert "database" in ended.err


def test_a_space_is_deleted_once_its_name_is_given_twice(command: Command) -> None:
    name = f"test-{secrets.token_hex(8)}"
    assert command("space", "create", name).code == 0

    differs = command.complains("space", "delete", name, "--again", "another", code=1)
    deleted = command("space", "delete", name, "--again", name, "--json")
    gone = command.complains("space", "delete", name, "--again", name, code=1)
    again = command("space", "create", name)

    assert "The two names differ." in differs
    assert json.loads(deleted.out) == {"space": name, "deleted": 1, "done": True}
    assert f"There is no space “{name}”." in gone
    assert again.code == 0
