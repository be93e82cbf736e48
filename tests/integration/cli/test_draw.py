"""Pictures of one customer on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import Command

pytestmark = pytest.mark.neo4j

TABLET = "tablet"


@pytest.fixture
def shop(command: Command, keys: dict[str, str], tmp_path: Path) -> str:
    """A space in which Ann and Bob sign in on one tablet, and Ann on her phone too."""
    who = [
        {"anonymousId": "phone", "userId": "ann"},
        {"anonymousId": TABLET, "userId": "ann"},
        {"anonymousId": TABLET, "userId": "bob"},
    ]
    calls = [
        {"type": "track", "event": f"Step {n}", "timestamp": f"2026-03-0{n + 1}T12:00:00Z", **ids}
        for n, ids in enumerate(who)
    ]
    file = tmp_path / "events.jsonl"
    file.write_text("".join(json.dumps(call) + "\n" for call in calls))
    assert command("ingest", file, "--space", keys["space"]).code == 0
    return keys["space"]


def test_the_graph_shows_a_refused_link_with_its_reason(command: Command, shop: str) -> None:
    drawn = command("draw", "graph", "user_id:ann", "--space", shop, "--format", "svg").out

    assert "anonymous_id:phone" in drawn
    assert f"anonymous_id:{TABLET}" in drawn
    assert "QUARANTINE" in drawn
    assert "bob" not in drawn


def test_the_timeline_has_a_lane_for_each_device(command: Command, shop: str) -> None:
    drawn = command("draw", "timeline", "user_id:ann", "--space", shop, "--format", "svg").out

    assert drawn.index("anonymous_id:phone") < drawn.index(f"anonymous_id:{TABLET}")
    assert "2026-03-02 12:00" in drawn
    assert "Step 1" in drawn
    assert "Step 2" not in drawn


@pytest.mark.parametrize("kind", ["graph", "timeline"])
def test_pictures_of_a_customer_are_written_as_files(
    command: Command, shop: str, tmp_path: Path, kind: str
) -> None:
    for written, begins in (("html", b"<!DOCTYPE html>"), ("png", b"\x89PNG"), ("svg", b"<svg")):
        file = tmp_path / f"ann.{written}"

        ended = command(
            "draw", kind, "user_id:ann", "--space", shop, "--format", written, "--output", file
        )

        assert (ended.code, ended.out) == (0, "")
        assert str(file) in ended.err
        assert file.read_bytes().startswith(begins)


@pytest.mark.parametrize("kind", ["graph", "timeline"])
def test_nobody_is_said_to_be_nobody_also_from_another_space(
    command: Command, shop: str, keys: dict[str, str], kind: str
) -> None:
    other = json.loads(command("space", "create", f"{keys['space']}-other").out)["space"]

    unknown = command.complains("draw", kind, "user_id:eve", "--space", shop, code=1)
    elsewhere = command.complains("draw", kind, "user_id:ann", "--space", other, code=1)
    misused = command.complains("draw", kind, "ann", "--space", shop, code=2)

    assert "Nobody was found" in unknown
    assert other in elsewhere
    assert "draw" in misused
