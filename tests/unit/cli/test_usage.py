"""What the command line says of itself and of mistakes, before any database is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from identity_service.cli import check
from tests.support.command import Command


def test_the_help_names_every_command(command: Command) -> None:
    ended = command("--help")

    assert ended.code == 0
    for name in (
        "serve",
        "demo",
        "neo4j",
        "schema",
        "space",
        "ingest",
        "resolve",
        "export",
        "policy",
    ):
        assert name in ended.out
    assert "graphql" in ended.out
    assert "check" in ended.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("frobnicate",), "frobnicate"),
        (("resolve", "email:ann@example.com"), "--space"),
        (("export", "--space", "x"), "--to"),
        (("resolve", "no-colon", "--space", "x"), "TYPE:VALUE"),
        (("ingest", "/there/is/none.jsonl", "--space", "x"), "/there/is/none.jsonl"),
        (("policy", "check", "/there/is/none.yaml"), "/there/is/none.yaml"),
        (("policy", "test", "/there/is/*.yaml"), "no case file"),
        (("serve", "--port", "99999"), "65535"),
        (("source", "limit", "shop"), "--none"),
        (("rejected", "resend", "--space", "x"), "--all"),
        (("rejected", "drop", "rej_1", "--all", "--space", "x"), "--all"),
        (("rejected", "drop", "rej_1", "--code", "NOT_JSON", "--space", "x"), "--code"),
        (("rejected", "resend", "--all", "--body", "pyproject.toml", "--space", "x"), "--body"),
        (("source", "limit", "shop", "5", "--none"), "--none"),
        (("source", "rotate-key", "shop", "--grace", "soon"), "30m"),
    ],
)
def test_wrong_usage_is_one_line_with_a_way_to_help_and_status_2(
    command: Command, arguments: tuple[str, ...], said: str
) -> None:
    line = command.complains(*arguments, code=2)

    assert said in line
    assert "--help" in line


def test_a_setting_that_cannot_be_used_is_named_without_its_value(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_PORT", "secret-by-mistake")

    line = command.complains("schema", "check", code=2)

    assert "IDENTITY_PORT" in line
    assert "secret-by-mistake" not in line


def test_a_database_that_does_not_answer_is_one_line_and_status_1(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_NEO4J_URI", "bolt://127.0.0.1:1")

    assert "bolt://127.0.0.1:1" in command.complains("schema", "check", code=1)


def test_a_defect_shows_no_stack_trace_but_keeps_it_in_a_file(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken() -> str:
        raise RuntimeError("wires crossed")

    monkeypatch.setattr(check, "preset_names", broken)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    line = command.complains("check", code=1)

    (report,) = tmp_path.glob("identity-service-*.txt")
    assert str(report) in line
    assert "wires crossed" in report.read_text()


def test_the_schema_of_graphql_is_printed(command: Command) -> None:
    ended = command("graphql", "schema")

    assert ended.code == 0
    assert "type Query {" in ended.out
