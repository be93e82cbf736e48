"""What another policy would change, and whether a space is as it should be, on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from identity_service.settings import Settings
from tests.support.command import Command
from tests.support.neo4j import driver_of

pytestmark = pytest.mark.neo4j


@pytest.fixture
def space(command: Command, keys: dict[str, str], tmp_path: Path) -> str:
    """Ann and Ben, who share a tablet."""
    calls = [
        {"messageId": "1", "userId": "ann", "anonymousId": "tablet"},
        {"messageId": "2", "userId": "ben", "anonymousId": "tablet"},
    ]
    file = tmp_path / "events.jsonl"
    file.write_text("".join(json.dumps({"type": "identify", **call}) + "\n" for call in calls))
    assert command("ingest", file, "--space", keys["space"]).code == 0
    return keys["space"]


@pytest.fixture
def merging(tmp_path: Path) -> Path:
    file = tmp_path / "merging.yaml"
    file.write_text("extends: merge_all\n")
    return file


def test_a_preview_shows_who_would_be_one_and_why(
    command: Command, space: str, merging: Path
) -> None:
    ended = command("policy", "preview", merging, "--space", space)

    assert ended.code == 0
    assert "3 → 1" in ended.out
    assert "user_id:ann, user_id:ben, anonymous_id:tablet" in ended.out
    assert "✓ anonymous_id:tablet and user_id:ann" in ended.out


def test_a_preview_for_programs_can_fail_on_what_must_not_happen(
    command: Command, space: str, merging: Path
) -> None:
    ended = command("policy", "preview", merging, "--space", space, "--json", "--fail-on", "merged")

    found = json.loads(ended.out)
    assert ended.code == 1
    assert found["summary"]["merged"] == 2
    assert [each["kind"] for each in found["differences"]] == ["MERGED"]
    assert command("policy", "preview", merging, "--space", space, "--fail-on", "split").code == 0


def test_a_policy_that_changes_nothing_passes_any_check(
    command: Command, space: str, tmp_path: Path
) -> None:
    same = tmp_path / "same.yaml"
    same.write_text("extends: quarantine\n")

    assert command("policy", "preview", same, "--space", space, "--fail-on", "any").code == 0


def test_a_policy_file_with_a_mistake_is_reported_with_its_path(
    command: Command, space: str, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("extends: quarantine\nmax_component: none\n")

    assert "max_component" in command.complains(
        "policy", "preview", wrong, "--space", space, code=1
    )


def test_a_kind_of_failure_that_there_is_not_is_wrong_usage(
    command: Command, space: str, merging: Path
) -> None:
    ended = command("policy", "preview", merging, "--space", space, "--fail-on", "rain")

    assert ended.code == 2


def test_a_space_that_is_as_the_evidence_says_passes_the_check(
    command: Command, space: str
) -> None:
    ended = command("check", "--space", space)

    assert ended.code == 0
    assert "3 customers, all as the evidence says." in ended.out


def test_identifiers_that_belong_to_a_retired_id_are_found_and_repaired(
    command: Command, space: str, database_settings: Settings
) -> None:
    with driver_of(database_settings) as driver:
        driver.execute_query(  # pyright: ignore[reportUnknownMemberType]
            "MATCH (:Identifier {key: $ann})-[:BELONGS_TO]->(c) REMOVE c:Customer SET c:RetiredId",
            ann=f"{space}/user_id:ann",
        )

    found = command("check", "--space", space, "--json")
    named = command("check", "--space", space)
    repaired = command("check", "--space", space, "--repair")

    assert (found.code, named.code, repaired.code) == (1, 1, 0)
    assert "user_id:ann" in json.loads(found.out)["lost"]
    assert "belong to retired ids" in named.err
    assert "--repair" in named.err
    assert "settled anew" in repaired.err
    assert "3 customers, all as the evidence says." in repaired.out
    assert command("check", "--space", space).code == 0


def test_only_a_space_can_be_repaired(command: Command) -> None:
    assert command("check", "--repair").code == 2


def test_an_identifier_that_somebody_moved_in_the_graph_is_found(
    command: Command, space: str, database_settings: Settings
) -> None:
    with driver_of(database_settings) as driver:
        driver.execute_query(  # pyright: ignore[reportUnknownMemberType]
            "MATCH (:Identifier {key: $ann})-[:BELONGS_TO]->(c)"
            " MATCH (i:Identifier {key: $tablet})-[b:BELONGS_TO]->()"
            " DELETE b CREATE (i)-[:BELONGS_TO]->(c)",
            ann=f"{space}/user_id:ann",
            tablet=f"{space}/anonymous_id:tablet",
        )

    ended = command("check", "--space", space, "--json")

    found = json.loads(ended.out)
    assert ended.code == 1
    assert len(found["differences"]) == 1
    assert found["settled"] is True
    repaired = command("check", "--space", space, "--repair")

    assert repaired.code == 0
    assert "all as the evidence says." in repaired.out
