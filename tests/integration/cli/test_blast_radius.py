"""What falls apart if a value is blocked, on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from identity_service.domain.policies.parse import parse_policy
from tests.support.command import Command

pytestmark = pytest.mark.neo4j


@pytest.fixture
def space(command: Command, keys: dict[str, str], tmp_path: Path) -> str:
    """Ann, whose two browsers are hers because of one login."""
    file = tmp_path / "events.jsonl"
    calls = [
        {"type": "identify", "messageId": browser, "userId": "ann", "anonymousId": browser}
        for browser in ("browser-1", "browser-2")
    ]
    file.write_text("".join(json.dumps(call) + "\n" for call in calls))
    assert command("ingest", file, "--space", keys["space"]).code == 0
    return keys["space"]


def test_what_falls_apart_is_drawn(command: Command, space: str) -> None:
    ended = command("blast-radius", "user_id:ann", "--space", space)

    assert ended.code == 0
    assert "SPLIT" in ended.out
    assert "anonymous_id:browser-2" in ended.out


def test_programs_get_the_policy_that_does_it_too(command: Command, space: str) -> None:
    printed = json.loads(command("blast-radius", "user_id:ann", "--space", space, "--json").out)

    [entry] = parse_policy(printed["policyText"]).blocked[-1:]
    assert (printed["summary"]["customersBefore"], printed["summary"]["customersAfter"]) == (1, 2)
    assert [difference["kind"] for difference in printed["differences"]] == ["SPLIT"]
    assert (entry.value, entry.types) == ("ann", frozenset({"user_id"}))


def test_what_was_never_seen_is_named(command: Command, space: str) -> None:
    line = command.complains("blast-radius", "user_id:nobody", "--space", space, code=1)

    assert "user_id:nobody was never seen here." in line
