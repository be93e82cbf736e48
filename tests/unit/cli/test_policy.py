"""Policies and case files from the command line."""

from __future__ import annotations

from pathlib import Path

from tests.support.command import Command

PASSING = """
id: one
title: "a login"
policy: {extends: quarantine}
events: ["user_id:u1, email:a@example.com"]
customers: ["user_id:u1, email:a@example.com"]
"""
FAILING = PASSING.replace("id: one", "id: two").replace(
    'customers: ["user_id:u1, email:a@example.com"]',
    'customers: ["user_id:u1", "email:a@example.com"]',
)


def test_every_mistake_of_a_policy_is_named_with_its_path(command: Command, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("ordr: x\ntypes:\n  email: {priority: x, kind: person}\n")

    ended = command("policy", "check", policy)

    assert ended.code == 1
    assert len(ended.err.splitlines()) == 2
    assert f"{policy}: ordr:" in ended.err
    assert f"{policy}: types.email.priority:" in ended.err


def test_a_policy_without_mistakes_is_said_to_have_none(command: Command, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("extends: quarantine\n")

    ended = command("policy", "check", policy)

    assert (ended.code, ended.err) == (0, "")
    assert "no mistakes" in ended.out


def test_what_a_policy_does_not_do_to_stored_events_is_said(
    command: Command, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("extends: adobe\n")

    ended = command("policy", "check", policy)

    assert ended.code == 0
    assert "types.CRMID.per_event counts on the events that come from now on" in ended.out


def test_a_policy_that_is_not_text_is_refused_in_one_line(command: Command, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_bytes(b"\xff\xfe\x00")

    assert "cannot be read" in command.complains("policy", "check", policy, code=1)


def test_case_files_are_found_in_folders_and_by_patterns(command: Command, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "a.yaml").write_text(PASSING)
    (tmp_path / "more" / "b.yml").write_text(PASSING)
    (tmp_path / "notes.txt").write_text("no case")

    in_folder = command("policy", "test", tmp_path)
    by_pattern = command("policy", "test", tmp_path / "*.yaml")

    assert (in_folder.code, by_pattern.code) == (0, 0)
    assert in_folder.out.endswith("2 passed, 0 failed\n")
    assert by_pattern.out.endswith("1 passed, 0 failed\n")


def test_a_case_that_fails_shows_what_was_expected_and_what_was_found(
    command: Command, tmp_path: Path
) -> None:
    (tmp_path / "a.yaml").write_text(PASSING)
    (tmp_path / "b.yaml").write_text(FAILING)

    ended = command("policy", "test", tmp_path)

    assert ended.code == 1
    assert "failed: two a login" in ended.out
    assert "  expected  user_id:u1\n" in ended.out
    assert "  found     email:a@example.com, user_id:u1\n" in ended.out
    assert ended.out.endswith("1 passed, 1 failed\n")


def test_a_case_file_with_mistakes_fails_and_the_others_are_still_run(
    command: Command, tmp_path: Path
) -> None:
    (tmp_path / "a.yaml").write_text("id: broken\n")
    (tmp_path / "b.yaml").write_text(PASSING)

    ended = command("policy", "test", tmp_path)

    assert ended.code == 1
    assert "customers: is missing" in ended.out
    assert ended.out.endswith("1 passed, 1 failed\n")
