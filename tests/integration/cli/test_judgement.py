"""Judgements on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import Command

pytestmark = pytest.mark.neo4j


@pytest.fixture
def space(command: Command, keys: dict[str, str], tmp_path: Path) -> str:
    """Ann and Ben."""
    file = tmp_path / "events.jsonl"
    calls = [{"type": "identify", "messageId": who, "userId": who} for who in ("ann", "ben")]
    file.write_text("".join(json.dumps(call) + "\n" for call in calls))
    assert command("ingest", file, "--space", keys["space"]).code == 0
    return keys["space"]


def test_a_judgement_is_made_listed_and_taken_back_in_words(command: Command, space: str) -> None:
    about = ("user_id:ann", "user_id:ben", "--space", space)

    made = command("judgement", "add", "same", *about, "--reason", "Married name.")
    listed = json.loads(command("judgement", "list", "--space", space, "--json").out)
    [judgement] = listed["judgements"]
    gone = command(
        "judgement", "withdraw", judgement["id"], "--space", space, "--reason", "Mistaken."
    )
    table = command("judgement", "list", "--space", space).out

    assert made.code == gone.code == 0
    assert "user_id:ann and user_id:ben are one customer now." in made.out
    assert "became part of cus_" in made.out
    assert f"On record as {judgement['id']}." in made.out
    assert (judgement["verdict"], judgement["author"]) == ("SAME", "command line")
    assert "user_id:ann and user_id:ben are two customers now." in gone.out
    assert "Mistaken." in " ".join(table.split())


def test_for_programs_the_changes_are_data(command: Command, space: str) -> None:
    ended = command(
        "judgement", "add", "same", "user_id:ann", "user_id:ben", "--space", space,
        "--reason", "Known.", "--json",
    )  # fmt: skip

    printed = json.loads(ended.out)
    [change] = printed["changes"]
    assert (change["kind"], change["identifiers"]) == (
        "MERGED",
        [{"type": "user_id", "value": "ben"}],
    )
    assert printed["judgement"]["reason"] == "Known."


def test_a_preview_shows_what_a_judgement_would_change_and_changes_nothing(
    command: Command, space: str
) -> None:
    about = ("same", "user_id:ann", "user_id:ben", "--space", space)

    drawn = command("judgement", "preview", *about).out
    printed = json.loads(command("judgement", "preview", *about, "--json").out)

    assert "MERGED" in drawn
    assert (printed["summary"]["customersBefore"], printed["summary"]["customersAfter"]) == (2, 1)
    assert [each["kind"] for each in printed["differences"]] == ["MERGED"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("preview", "same", "user_id:ann", "user_id:null"), 1, "blocked by default"),
        (("add", "same", "user_id:ann", "user_id:null", "--reason", "x"), 1, "blocked by default"),
        (("add", "same", "user_id:ann", "user_id:ben", "--reason", " "), 1, "needs a reason"),
        (("add", "same", "ann", "user_id:ben", "--reason", "x"), 2, "is not TYPE:VALUE"),
        (("add", "alike", "user_id:ann", "user_id:ben", "--reason", "x"), 2, "alike"),
        (("withdraw", "jdg_0", "--reason", "x"), 1, "There is no judgement “jdg_0”"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(
    command: Command, space: str, arguments: tuple[str, ...], code: int, message: str
) -> None:
    assert message in command.complains("judgement", *arguments, "--space", space, code=code)
