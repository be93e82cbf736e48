"""`policy score` on the demo's world: labelled pairs beside what is stored. Nothing is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from identity_service.settings import Settings
from tests.support.command import Command
from tests.support.neo4j import driver_of

pytestmark = pytest.mark.neo4j

ROOT = Path(__file__).parents[3]
DEMO = ROOT / "identity_service" / "examples" / "demo.jsonl"
PAIRS = ROOT / "docs" / "guides" / "examples" / "pairs.csv"


@pytest.fixture
def demo(command: Command, keys: dict[str, str]) -> str:
    assert command("ingest", DEMO, "--space", keys["space"]).code == 0
    return keys["space"]


def test_policies_are_scored_by_labelled_pairs_and_nothing_is_written(
    command: Command, demo: str, database_settings: Settings
) -> None:
    def held() -> list[str]:
        with driver_of(database_settings) as driver:
            answer = driver.execute_query(  # pyright: ignore[reportUnknownMemberType]
                "MATCH (n {space: $space}) RETURN labels(n) AS labels, properties(n) AS held",
                space=demo,
                database_=database_settings.neo4j_database,
            )
            return sorted(json.dumps(record.data(), default=str) for record in answer.records)

    before = held()

    ended = command(
        "policy", "score", "quarantine", "merge_all", "--space", demo, "--pairs", PAIRS, "--json"
    )

    quarantine, merge_all = json.loads(ended.out)
    assert (ended.code, ended.err) == (0, "")
    assert (quarantine["people"], quarantine["peopleSplit"], quarantine["customersOfTwo"]) == (
        6,
        1,
        0,
    )
    assert quarantine["events"]["wrong"] == 0
    assert merge_all["customersOfTwo"] == 2
    assert merge_all["events"]["wrong"] > 0
    [suggested] = quarantine["suggestions"]
    assert {suggested["a"]["value"], suggested["b"]["value"]} == {"u-1001", "u-1010"}
    assert suggested["reason"] == "Two customers: nothing that was seen connects them."
    assert held() == before


def test_a_suggested_judgement_does_what_the_score_says(command: Command, demo: str) -> None:
    asked = ("policy", "score", "quarantine", "--space", demo, "--pairs", PAIRS, "--json")
    [before] = json.loads(command(*asked).out)
    [suggested] = before["suggestions"]
    ends = [f"{end['type']}:{end['value']}" for end in (suggested["a"], suggested["b"])]

    command("judgement", "add", "same", *ends, "--space", demo, "--reason", "She says so.")
    [after] = json.loads(command(*asked).out)

    assert (before["peopleSplit"], after["peopleSplit"]) == (1, 0)
    assert after["suggestions"] == []


def test_identifiers_that_count_nowhere_are_named(
    command: Command, demo: str, tmp_path: Path
) -> None:
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("user_id:u-1001,user_id:nobody,different\nuser_id:null,user_id:u-1002,same\n")

    ended = command("policy", "score", "quarantine", "--space", demo, "--pairs", pairs)

    assert ended.code == 0
    assert "quarantine: user_id:nobody, user_id:null: never seen" in ended.err


def test_pairs_that_contradict_each_other_are_refused_with_their_lines(
    command: Command, demo: str, tmp_path: Path
) -> None:
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("email:a@b.cd,user_id:u1,same\nemail:A@b.cd,user_id:u1,different\n")

    complaint = command.complains(
        "policy", "score", "quarantine", "--space", demo, "--pairs", pairs, code=1
    )

    assert "line 2: email:a@b.cd and user_id:u1 are different here" in complaint


def test_a_space_that_there_is_not_is_named(command: Command) -> None:
    complaint = command.complains(
        "policy", "score", "quarantine", "--space", "nowhere", "--pairs", PAIRS, code=1
    )

    assert "nowhere" in complaint
