"""A space as Parquet, on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import Command

pytestmark = pytest.mark.neo4j


def test_an_export_and_the_one_that_goes_on_from_it(
    command: Command, keys: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(json.dumps({"type": "identify", "messageId": "1", "userId": "ann"}) + "\n")
    assert command("ingest", file, "--space", keys["space"]).code == 0

    said = command("export", "--space", keys["space"], "--to", tmp_path / "first").out
    manifest = json.loads((tmp_path / "first" / "manifest.json").read_text(encoding="utf-8"))
    ended = command(
        *("export", "--space", keys["space"], "--to", tmp_path / "second"),
        *("--since", manifest["cursor"], "--json"),
    )

    assert "1 events, 1 identifiers, 1 customers" in said
    assert manifest["cursor"] in said
    second = json.loads(ended.out)
    assert (second["complete"], second["since"]) == (False, manifest["cursor"])
    assert second["tables"]["events"]["rows"] == 1  # within the overlap


def test_what_cannot_be_exported_is_refused_in_a_line(
    command: Command, keys: dict[str, str], tmp_path: Path
) -> None:
    to = tmp_path / "export"

    assert "no space" in command.complains("export", "--space", "nowhere", "--to", to, code=1)
    assert "manifest" in command.complains(
        *("export", "--space", keys["space"], "--to", to, "--since", "x"), code=1
    )
    assert not to.exists()
