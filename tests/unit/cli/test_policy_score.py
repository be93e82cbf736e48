"""`policy score` over simulated households, and what it says of wrong arguments and files."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.support.command import Command

SIMULATED = ("--households", "10", "--couples", "0")


def test_policies_stand_side_by_side(command: Command) -> None:
    ended = command("policy", "score", "quarantine", "merge_all", *SIMULATED)

    assert ended.code == 0
    heading, *rows = ended.out.splitlines()
    assert heading.split()[:2] == ["policy", "people"]
    assert [row.split()[:2] for row in rows[:2]] == [["quarantine", "20"], ["merge_all", "20"]]


def test_the_same_seed_gives_the_same_score_and_another_one_another(command: Command) -> None:
    one, again, other = (
        json.loads(command("policy", "score", "isolate", *SIMULATED, "--seed", seed, "--json").out)
        for seed in ("1", "1", "2")
    )

    assert one == again != other


def test_json_has_all_numbers_and_the_judgements_that_would_help_most(command: Command) -> None:
    ended = command("policy", "score", "isolate", "merge_all", *SIMULATED, "--json")

    isolate, merge_all = json.loads(ended.out)
    assert isolate["policy"] == "isolate"
    assert (isolate["customersOfTwo"], isolate["events"]["wrong"]) == (0, 0)
    assert sum(isolate["events"].values()) == 400
    assert isolate["peopleSplit"] > 0
    assert isolate["suggested"] >= len(isolate["suggestions"]) > 0
    first, second = isolate["suggestions"][:2]
    assert first["events"] >= second["events"] > 0
    assert first["reason"].startswith("Two customers: ")
    assert merge_all["customersOfTwo"] > 0


def test_a_policy_of_ones_own_is_a_file(command: Command, tmp_path: Path) -> None:
    policy = tmp_path / "mine.yaml"
    policy.write_text("extends: quarantine\n")

    mine, preset = json.loads(
        command("policy", "score", policy, "quarantine", *SIMULATED, "--json").out
    )

    assert mine["policy"] == str(policy)
    assert mine["events"] == preset["events"]


def test_the_frontier_is_drawn_into_a_file(command: Command, tmp_path: Path) -> None:
    picture = tmp_path / "frontier.svg"

    ended = command("policy", "score", "quarantine", "merge_all", *SIMULATED, "--picture", picture)

    assert ended.err == f"Written to {picture}.\n"
    drawn = "".join(ET.parse(picture).getroot().itertext())  # noqa: S314  (made here)
    assert "quarantine: " in drawn
    assert "merge_all: " in drawn


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("quarantine",), "Give --space with --pairs, or --households alone"),
        (("quarantine", "--space", "x"), "Give --space with --pairs"),
        (("quarantine", "--space", "x", *SIMULATED), "Give --space with --pairs"),
        (("quarantin", *SIMULATED), "“quarantin” is no file and no preset. Presets: "),
        (("quarantine", *SIMULATED, "--couples", "2"), "--couples"),
        (("quarantine", *SIMULATED, "--picture", "frontier.txt"), ".svg, .png or .html"),
    ],
)
def test_wrong_arguments_are_refused_in_one_line(
    command: Command, arguments: tuple[str, ...], said: str
) -> None:
    assert said in command.complains("policy", "score", *arguments, code=2)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"user_id:u1,user_id:u2,same\nuser_id:u1\n", "line 2: it does not hold three values"),
        (b"", "holds no pair"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_a_malformed_file_of_pairs_is_refused_with_its_line_before_the_space_is_read(
    command: Command, tmp_path: Path, content: bytes, said: str
) -> None:
    pairs = tmp_path / "pairs.csv"
    pairs.write_bytes(content)

    complaint = command.complains(
        "policy", "score", "quarantine", "--space", "x", "--pairs", pairs, code=1
    )

    assert str(pairs) in complaint
    assert said in complaint
