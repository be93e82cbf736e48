"""The pictures of the guide for data scientists are what the commands draw today."""

from __future__ import annotations

import re
import secrets
import xml.etree.ElementTree as ET
from importlib.resources import files
from pathlib import Path

import pytest

from examples import shop
from identity_service import journeys
from identity_service.cli import main
from identity_service.settings import Settings
from tests.support.neo4j import environment_of

pytestmark = pytest.mark.neo4j

DOCS = Path(__file__).parents[2] / "docs"
PICTURES = DOCS / "_static" / "journeys"
GUIDE = DOCS / "guides" / "data-scientists.md"
UNTIL = "2026-03-16"
ANN = "email:ann@example.com"


@pytest.fixture(autouse=True)
def environment(database_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Neo4j of the run, as a user names it."""
    for name, value in environment_of(database_settings).items():
        monkeypatch.setenv(name, value)


def filled(events: Path) -> str:
    """A new space with the events of a file."""
    space = f"guide-{secrets.token_hex(6)}"
    assert main(["space", "create", space]) == 0
    assert main(["ingest", str(events), "--space", space]) == 0
    return space


def words(picture: Path) -> list[str]:
    """All text of an SVG, but what no two runs have in common: the ids of customers."""
    texts = (each.text or "" for each in ET.parse(picture).iter() if each.tag.endswith("text"))  # noqa: S314
    return sorted(re.sub(r"cus_[0-9a-f]+", "cus_", text) for text in texts)


def test_the_pictures_of_the_guide_are_those_of_today(tmp_path: Path) -> None:
    shop.write(tmp_path / "events.jsonl", people=150)
    bought = ["Product Viewed", "Product Added", "Checkout Started", "Order Completed"]
    asked = {
        "flows": {"depth": 3, "names": 8},
        "funnel": {"steps": bought, "within": "7d"},
        "retention": {},
    }

    space = filled(tmp_path / "events.jsonl")
    for name, parameters in asked.items():
        figure = journeys.run(name, space, until=UNTIL, **parameters)
        (tmp_path / f"{name}.svg").write_text(journeys.draw(figure).to_svg(), encoding="utf-8")
    demo = filled(Path(str(files("identity_service") / "examples" / "demo.jsonl")))
    for name in ("graph", "timeline"):
        to = str(tmp_path / f"{name}.svg")
        draw = ["draw", name, ANN, "--space", demo, "--format", "svg", "--output", to]
        assert main(draw) == 0

    for name in (*asked, "graph", "timeline"):
        kept, fresh = PICTURES / f"{name}.svg", tmp_path / f"{name}.svg"
        told = f"Look at {fresh}. If it is right, copy it to {kept}."
        assert kept.is_file(), told
        assert words(kept) == words(fresh), told


def test_every_picture_that_is_kept_is_shown() -> None:
    guide = GUIDE.read_text(encoding="utf-8")

    assert {f"{name}.svg" for name in re.findall(r"journeys/(\w+)\.svg", guide)} == {
        path.name for path in PICTURES.iterdir()
    }
