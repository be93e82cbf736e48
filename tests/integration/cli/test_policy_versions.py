"""Policies put in force, listed and shown from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import Command

pytestmark = pytest.mark.neo4j

MERGING = "types: {cookie: {priority: 1, kind: device, shared: merge}}\n"
APART = "types: {cookie: {priority: 1, kind: device, limit: 1}}\n"


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(APART)
    return path


@pytest.fixture
def space(command: Command, keys: dict[str, str], tmp_path: Path) -> str:
    """A space with one customer of two cookies."""
    first, events = tmp_path / "first.yaml", tmp_path / "events.jsonl"
    first.write_text(MERGING)
    cookies = [
        {"id": value, "type": "cookie", "collection": "users", "encoding": "none"} for value in "ab"
    ]
    call = {"type": "track", "event": "Seen", "messageId": "m1"}
    events.write_text(json.dumps(call | {"context": {"externalIds": cookies}}))
    assert command("policy", "set", first, "--space", keys["space"]).code == 0
    assert command("ingest", events, "--space", keys["space"]).code == 0
    return keys["space"]


def test_a_policy_is_in_force_and_settled_when_the_command_ends(
    command: Command, space: str, policy: Path
) -> None:
    ended = command(
        "policy", "set", policy, "--space", space, "--note", "Why not", "--as", "Mia", "--json"
    )

    said = json.loads(ended.out)
    assert ended.code == 0
    assert (said["version"], said["author"], said["note"]) == (3, "Mia", "Why not")
    assert said["settlement"] == {
        "policyVersion": 3,
        "customersToSettle": 1,
        "settled": 1,
        "done": True,
    }
    found = json.loads(command("resolve", "cookie:a", "--space", space, "--json").out)
    assert [each["value"] for each in found["identifiers"]] == ["a"]


def test_a_version_that_is_not_expected_is_not_replaced(
    command: Command, space: str, policy: Path
) -> None:
    line = command.complains("policy", "set", policy, "--space", space, "--expect", "1", code=1)

    assert "Version 2" in line
    assert command("policy", "show", "--space", space).out == MERGING


def test_every_mistake_of_a_file_is_named_with_its_path(
    command: Command, space: str, policy: Path
) -> None:
    policy.write_text("types: 5\nother: 6\n")

    ended = command("policy", "set", policy, "--space", space)

    assert ended.code == 1
    assert ended.err == command("policy", "check", policy).err
    assert f"{policy}: types: " in ended.err
    assert command("policy", "show", "--space", space).out == MERGING


def test_versions_are_listed_and_shown(command: Command, space: str, policy: Path) -> None:
    command("policy", "set", policy, "--space", space, "--note", "Cookies are apart")

    listed = command("policy", "list", "--space", space)
    as_json = json.loads(command("policy", "list", "--space", space, "--json").out)

    assert "Cookies are apart" in listed.out
    assert [each["version"] for each in as_json["policies"]] == [3, 2, 1]
    assert as_json["settlement"]["done"]
    assert command("policy", "show", "--space", space, "--version", "2").out == MERGING
    shown = json.loads(command("policy", "show", "--space", space, "--json").out)
    assert (shown["version"], shown["text"]) == (3, APART)
    assert "no version 9" in command.complains(
        "policy", "show", "--space", space, "--version", "9", code=1
    )
