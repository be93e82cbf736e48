"""Why two identifiers are one customer, on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import Command

pytestmark = pytest.mark.neo4j


@pytest.fixture
def space(command: Command, keys: dict[str, str], tmp_path: Path) -> str:
    """Ann and Ben, who share a tablet."""
    tablet = {"device": {"id": "tablet", "type": "ios"}}
    calls = [
        {"messageId": "1", "userId": "ann", "traits": {"email": "ann@example.com"}},
        {"messageId": "2", "userId": "ann", "context": tablet},
        {"messageId": "3", "userId": "ben", "context": tablet},
    ]
    file = tmp_path / "events.jsonl"
    file.write_text("".join(json.dumps({"type": "identify", **call}) + "\n" for call in calls))
    assert command("ingest", file, "--space", keys["space"]).code == 0
    return keys["space"]


def test_one_customer_is_shown_with_the_links_that_join_it(command: Command, space: str) -> None:
    ended = command("explain", "email:Ann@Example.com", "user_id:ann", "--space", space)

    assert ended.code == 0
    assert (
        "One customer: email:ann@example.com and user_id:ann were seen together once." in ended.out
    )
    assert "✓ user_id:ann" in ended.out


def test_two_customers_are_explained_with_the_reason_for_programs_too(
    command: Command, space: str
) -> None:
    ended = command("explain", "user_id:ann", "user_id:ben", "--space", space, "--json")

    answer = json.loads(ended.out)
    assert answer["sameCustomer"] is False
    assert [hop["decision"]["reason"] for hop in answer["path"]] == ["QUARANTINE", "QUARANTINE"]


def test_an_identifier_that_was_never_seen_is_named(command: Command, space: str) -> None:
    ended = command("explain", "user_id:ann", "user_id:nobody", "--space", space)

    assert ended.code == 1
    assert "user_id:nobody was never seen here." in ended.err


def test_what_is_no_identifier_is_wrong_usage(command: Command, space: str) -> None:
    ended = command("explain", "ann", "user_id:ben", "--space", space)

    assert ended.code == 2
    assert "is not TYPE:VALUE" in ended.err
