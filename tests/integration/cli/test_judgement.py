"""Judgements on the command line."""

from __future__ import annotations

import getpass
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
    assert (judgement["verdict"], judgement["author"]) == ("SAME", getpass.getuser())
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


def test_whoever_judges_or_takes_it_back_can_sign_by_name(command: Command, space: str) -> None:
    about = ("same", "user_id:ann", "user_id:ben", "--space", space, "--reason", "Known.")

    made = json.loads(command("judgement", "add", *about, "--as", " Mia Moss ", "--json").out)
    gone = command(
        "judgement", "withdraw", made["judgement"]["id"], "--space", space, "--reason", "Mistaken.",
        "--as", "Noor", "--json",
    )  # fmt: skip

    withdrawn = json.loads(gone.out)["judgement"]
    assert (withdrawn["author"], withdrawn["withdrawnBy"]) == ("Mia Moss", "Noor")


def test_without_a_login_the_command_line_signs(
    command: Command, space: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_login() -> str:
        raise OSError("No username set in the environment")

    monkeypatch.setattr(getpass, "getuser", no_login)

    made = command(
        "judgement", "add", "same", "user_id:ann", "user_id:ben", "--space", space,
        "--reason", "Known.", "--json",
    )  # fmt: skip

    assert json.loads(made.out)["judgement"]["author"] == "command line"


def test_judgements_are_listed_by_who_of_whom_and_when(command: Command, space: str) -> None:
    about = ("same", "user_id:ann", "user_id:ben", "--space", space, "--reason", "Known.")
    for who in ("Mia", "Noor"):
        assert command("judgement", "add", *about, "--as", who).code == 0
    shown = json.loads(command("resolve", "user_id:ann", "--space", space, "--json").out)

    def authors(*options: str) -> list[str]:
        listed = command("judgement", "list", "--space", space, "--json", *options)
        return [made["author"] for made in json.loads(listed.out)["judgements"]]

    assert authors() == ["Noor", "Mia"]
    assert authors("--author", "Mia") == ["Mia"]
    assert authors("--customer", shown["customerId"]) == ["Noor", "Mia"]
    assert authors("--since", "2026-01-01", "--until", "2999-01-01") == ["Noor", "Mia"]
    assert authors("--since", "2999-01-01") == authors("--until", "2026-01-01") == []


def test_changes_are_listed_by_customer_and_time(command: Command, space: str) -> None:
    shown = json.loads(command("resolve", "user_id:ann", "--space", space, "--json").out)

    def kinds(*options: str) -> list[str]:
        listed = command("changes", "--space", space, "--json", *options)
        return [json.loads(line)["kind"] for line in listed.out.splitlines()]

    assert kinds("--customer", shown["customerId"]) == ["CREATED"]
    assert kinds("--since", "2026-01-01", "--until", "2999-01-01") == ["CREATED", "CREATED"]
    assert kinds("--since", "2999-01-01") == []
    assert kinds("--customer", shown["customerId"], "--kind", "MERGED") == []
    assert "goes with --kind only" in command.complains(
        "changes", "--space", space, "--follow", "--since", "2026-01-01", code=2
    )


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
        (
            ("add", "same", "user_id:ann", "user_id:ben", "--reason", "x", "--as", " "),
            2,
            "1 to 100",
        ),
        (("add", "alike", "user_id:ann", "user_id:ben", "--reason", "x"), 2, "alike"),
        (("list", "--customer", "cus_0"), 1, "There is no customer cus_0"),
        (("list", "--since", "then"), 2, "is no moment"),
        (("withdraw", "jdg_0", "--reason", "x"), 1, "There is no judgement “jdg_0”"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(
    command: Command, space: str, arguments: tuple[str, ...], code: int, message: str
) -> None:
    assert message in command.complains("judgement", *arguments, "--space", space, code=code)


def test_an_identifier_is_taken_from_an_event_and_given_back(
    command: Command, keys: dict[str, str], tmp_path: Path
) -> None:
    file, space = tmp_path / "orders.jsonl", keys["space"]
    calls = [
        {"type": "identify", "messageId": "his", "userId": "he", "anonymousId": "pc"},
        {
            "type": "track",
            "event": "Bought",
            "messageId": "order",
            "anonymousId": "pc",
            "context": {"traits": {"email": "wife@example.com"}},
        },
    ]
    file.write_text("".join(json.dumps(call) + "\n" for call in calls))
    assert command("ingest", file, "--space", space).code == 0
    about = ("order", "email:wife@example.com", "--space", space)

    previewed = command("judgement", "preview-detach", *about, "--json")
    made = command("judgement", "detach", *about, "--reason", "Not hers.")
    listed = json.loads(command("judgement", "list", "--space", space, "--json").out)
    table = command("judgement", "list", "--space", space).out
    [judgement] = [each for each in listed["judgements"] if each["verdict"] == "DETACH"]
    gone = command(
        "judgement", "withdraw", judgement["id"], "--space", space, "--reason", "Hers after all."
    )

    assert previewed.code == made.code == gone.code == 0
    assert "“Bought” is no longer of email:wife@example.com: it follows anonymous_id:pc" in made.out
    assert (judgement["b"], judgement["event"]) == (None, {"messageId": "order"})
    assert "event order" in " ".join(table.split())
    assert "“Bought” is of email:wife@example.com again" in gone.out


def test_what_the_event_does_not_carry_is_refused(command: Command, space: str) -> None:
    about = ("ann", "user_id:ben", "--space", space, "--reason", "Not his.")

    ended = command("judgement", "detach", *about)

    assert ended.code != 0
    assert "The event does not carry user_id:ben. It carries user_id:ann." in ended.err
