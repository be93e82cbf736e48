"""Bulk loads, and the customers that come of them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from identity_service.domain.timestamps import iso
from identity_service.services.kit.clock import system_clock
from tests.support.command import Command, Ended
from tests.support.waiting import wait_until

pytestmark = pytest.mark.neo4j


def call(number: int, **more: Any) -> str:
    fields = {"type": "track", "event": "seen", "messageId": f"m-{number}", "userId": f"u-{number}"}
    return json.dumps({**fields, **more}) + "\n"


def counts(ended: Ended) -> dict[str, int]:
    loaded = json.loads(ended.out)
    del loaded["space"]
    return loaded


def test_a_second_run_of_a_load_finds_every_event_known(
    command: Command, keys: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text("".join(call(n) for n in range(1_203)))

    first = command("ingest", file, "--space", keys["space"], "--json")
    second = command("ingest", file, "--space", keys["space"], "--json")

    assert counts(first) == {"written": 1_203, "known": 0, "rejected": 0}
    assert counts(second) == {"written": 0, "known": 1_203, "rejected": 0}


def test_lines_without_a_message_id_are_known_by_their_place_in_the_file(
    command: Command, keys: dict[str, str], tmp_path: Path
) -> None:
    file, moved = tmp_path / "clicks.jsonl", tmp_path / "moved" / "clicks.jsonl"
    click = json.dumps({"type": "track", "event": "click", "userId": "u-1", "sentAt": "2020-01-02"})
    file.write_text(f"{click}\n{click}\nnot json\n{click}\n")
    moved.parent.mkdir()

    first = command("ingest", file, "--space", keys["space"], "--json")
    file.rename(moved)
    second = command("ingest", moved, "--space", keys["space"], "--json")

    assert counts(first) == {"written": 3, "known": 0, "rejected": 1}
    assert counts(second) == {"written": 0, "known": 3, "rejected": 1}


def test_lines_that_cannot_be_used_are_rejected_and_stop_nothing(
    command: Command, keys: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "events.jsonl"
    blocked_by_the_policy = call(2, userId="null")
    file.write_text(
        "not json\n\n[1]\n" + call(1) + blocked_by_the_policy + call(1) + call(3).rstrip()
    )

    ended = command("ingest", file, "--space", keys["space"], "--json")

    assert ended.code == 0
    assert counts(ended) == {"written": 2, "known": 1, "rejected": 3}


def test_of_a_cut_file_what_can_be_read_is_loaded_and_the_next_file_too(
    command: Command, keys: dict[str, str], tmp_path: Path
) -> None:
    cut, whole = tmp_path / "cut.gz", tmp_path / "whole.gz"
    packed = gzip.compress("".join(call(n) for n in range(20_000)).encode())
    cut.write_bytes(packed[: len(packed) // 20])
    whole.write_bytes(gzip.compress(call(30_000).encode()))

    ended = command("ingest", cut, whole, "--space", keys["space"])

    assert ended.code == 1
    (line,) = ended.err.splitlines()
    assert str(cut) in line
    assert "cut off" in line
    for found in ("user_id:u-0", "user_id:u-30000"):
        assert command("resolve", found, "--space", keys["space"]).code == 0


def test_nothing_is_loaded_into_a_space_that_does_not_exist(
    command: Command, tmp_path: Path
) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(call(1))

    line = command.complains("ingest", file, "--space", "there-is-none", code=1)

    assert "identity-service space create there-is-none" in line


def test_a_customer_is_shown_with_identifiers_traits_and_events(
    command: Command, keys: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "events.jsonl"
    identify = {"type": "identify", "traits": {"email": "Ann@Example.com", "city": "Utrecht"}}
    file.write_text(call(1) + call(2, userId="u-1", **identify))
    command("ingest", file, "--space", keys["space"])

    shown = command("resolve", "email:ANN@example.com", "--space", keys["space"])
    as_json = command("resolve", "user_id:u-1", "--space", keys["space"], "--json")

    customer = json.loads(as_json.out)
    for text in (customer["customerId"], "KNOWN", "user_id:u-1", "city  Utrecht", "track seen"):
        assert text in shown.out
    assert {(i["type"], i["value"]) for i in customer["identifiers"]} == {
        ("user_id", "u-1"),
        ("email", "ann@example.com"),
    }


def test_nobody_is_said_in_one_line_with_the_reason(command: Command, keys: dict[str, str]) -> None:
    unknown = command.complains("resolve", "email:x@example.com", "--space", keys["space"], code=1)
    blocked = command.complains("resolve", "user_id:null", "--space", keys["space"], code=1)

    assert "never seen" in unknown
    assert "blocked" in blocked


def test_a_customer_is_shown_as_of_a_moment_with_what_was_known_then(
    command: Command, keys: dict[str, str], tmp_path: Path
) -> None:
    def load(name: str, *lines: str) -> None:
        file = tmp_path / name
        file.write_text("".join(lines))
        command("ingest", file, "--space", keys["space"])

    def values(*more: str) -> set[str]:
        ended = command("resolve", "user_id:u-1", "--space", keys["space"], "--json", *more)
        return {identifier["value"] for identifier in json.loads(ended.out)["identifiers"]}

    load("first", call(1, anonymousId="phone"))
    then = system_clock()
    wait_until(lambda: system_clock() > then)
    load("second", call(2, userId="u-1", anonymousId="laptop"))

    assert values("--as-of", iso(then)) == {"u-1", "phone"}
    assert values() == {"u-1", "phone", "laptop"}
    shown = command("resolve", "user_id:u-1", "--space", keys["space"], "--as-of", iso(then))
    assert f"customer as of {iso(then)}" in shown.out
    not_yet = ("resolve", "anonymous_id:laptop", "--space", keys["space"], "--as-of", iso(then))
    assert "anonymous_id:laptop has been known here only since" in command.complains(
        *not_yet, code=1
    )


def test_a_moment_that_is_none_is_wrong_usage(command: Command, keys: dict[str, str]) -> None:
    asked = ("resolve", "user_id:u-1", "--space", keys["space"], "--as-of", "yesterday")

    assert "“yesterday” is no moment" in command.complains(*asked, code=2)


def test_a_search_shows_who_was_found_and_why(
    command: Command, keys: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(
        "".join(
            call(n, type="identify", traits={"name": name})
            for n, name in enumerate(("Ann Marie Lee", "Ann Lewis"))
        )
    )
    assert command("ingest", file, "--space", keys["space"]).code == 0

    found = command("search", "marie", "--space", keys["space"], "--json")
    shown = command("search", "ann", "--space", keys["space"], "--first", "1")
    nobody = command("search", "zoe", "--space", keys["space"])
    wrong = command("search", "-", "--space", keys["space"])

    [one] = json.loads(found.out)
    assert one["matches"] == [{"name": "name", "value": "Ann Marie Lee", "likeness": "WORD"}]
    assert "Ann Lewis" in shown.out
    assert "There are more" in shown.out
    assert "Nobody" in nobody.out
    assert (nobody.code, wrong.code) == (0, 1)
    assert "letters or digits" in wrong.err
