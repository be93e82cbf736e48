"""`source sql` on a SQLite file: shown, read, and how far that is."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from tests.support.command import Command

pytestmark = pytest.mark.neo4j


@pytest.fixture
def file(tmp_path: Path, keys: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a source that reads a shop's database."""
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("CREATE TABLE users (id TEXT, email TEXT, updated_at TEXT)")
        connection.executemany(
            "INSERT INTO users VALUES (?, ?, ?)",
            [
                ("u-1", "ann@example.com", "2026-03-01 10:00:00"),
                ("u-2", "bob@example.com", "2026-03-01 11:00:00"),
                ("null", None, "2026-03-01 12:00:00"),
            ],
        )
    connection.close()
    monkeypatch.setenv("SHOP_DATABASE_URL", f"sqlite:///{tmp_path / 'shop.db'}")
    file = tmp_path / "shop.yaml"
    source = keys["space"]
    file.write_text(
        f"source: {source}\n"  # noqa: S608
        "url_env: SHOP_DATABASE_URL\n"
        "calls:\n"
        "  - identify: SELECT * FROM users WHERE updated_at >= :since ORDER BY updated_at\n"
        "    cursor: updated_at\n"
        "    key: id\n"
        "    user_id: id\n"
        "    traits: [email]\n"
    )
    return file


def test_a_source_is_read_once_and_a_second_time_adds_nothing(
    command: Command, keys: dict[str, str], file: Path
) -> None:
    first = command("source", "sql", "run", file)
    second = command("source", "sql", "run", file, "--json")

    source = keys["space"]
    assert first.code == second.code == 0, (first, second)
    assert first.out == (
        f"{source}, identify: 3 rows, 2 events written, 0 were known, 1 rejected.\n"
    )
    [report] = json.loads(second.out)
    assert report == {
        "source": source,
        "calls": [
            {
                "call": "identify",
                "rows": 1,
                "written": 0,
                "known": 0,
                "rejected": 1,
                "rows_without_cursor": 0,
                "rows_out_of_order": 0,
                "rows_gone": 0,
                "cursor": "2026-03-01T12:00:00.000Z",
                "error": None,
            }
        ],
    }
    assert command("resolve", "email:ann@example.com", "--space", source).code == 0


def test_a_dry_run_shows_calls_and_needs_no_graph(
    command: Command, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_NEO4J_URI", "bolt://127.0.0.1:1")

    shown = command("source", "sql", "dry-run", file, "--json")

    calls = json.loads(shown.out)
    assert [each["identifiers"] for each in calls] == [
        [
            {"type": "user_id", "value": "u-1"},
            {"type": "email", "value": "ann@example.com"},
        ],
        [
            {"type": "user_id", "value": "u-2"},
            {"type": "email", "value": "bob@example.com"},
        ],
        [{"type": "user_id", "value": "null"}],
    ]
    assert calls[0]["at"] == "2026-03-01T10:00:00.000Z"


def test_the_status_says_how_far_a_source_was_read_and_what_failed(
    command: Command, keys: dict[str, str], file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    never = command("source", "sql", "status", file)
    command("source", "sql", "run", file)
    once = command("source", "sql", "status", file, "--json")
    monkeypatch.delenv("SHOP_DATABASE_URL")
    line = command.complains("source", "sql", "run", file, code=1)
    failed = command("source", "sql", "status", file)

    source = keys["space"]
    assert never.out == f"{source}: never read\n  identify: not read yet\n"
    [state] = json.loads(once.out)
    assert state["cursors"] == {"identify": "2026-03-01T12:00:00.000Z"}
    assert (state["running"], state["error"]) == (False, None)
    assert [call["rows"] for call in state["calls"]] == [3]
    assert "SHOP_DATABASE_URL is not set" in line
    assert "failed when read at" in failed.out
    assert "read up to 2026-03-01T12:00:00.000Z" in failed.out


def test_a_file_with_mistakes_is_named_with_all_of_them(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text("source: shop\nurl_env: a b\n")

    line = command.complains("source", "sql", "run", file, code=1)

    assert line.startswith(f"{file}: It is no file of a source: ")
    for path in ("url_env: ", "calls: "):
        assert path in line


def test_two_files_of_one_source_are_refused(command: Command, file: Path) -> None:
    (file.parent / "again.yml").write_text(file.read_text())

    line = command.complains("source", "sql", "status", file.parent, code=1)

    assert "2 files are of the source" in line
