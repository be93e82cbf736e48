"""Journeys on the command line and in Python, and the examples of the guide."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
import sys
from pathlib import Path
from typing import Any, cast

import pytest

from identity_service import journeys
from identity_service.domain.journeys.journeys import JOURNEYS
from identity_service.errors import MissingExtra, NotFound
from tests.support.command import Command

pytestmark = pytest.mark.neo4j

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "data-scientists.md"
FUNNEL = ("journeys", "run", "funnel", "--param", "steps=Product Viewed,Order Completed")
ROWS = [
    {"event": "Product Viewed", "customers": 2, "share": 1.0, "median_seconds": None},
    {"event": "Order Completed", "customers": 1, "share": 0.5, "median_seconds": 60.0},
]


@pytest.fixture
def shop(command: Command, keys: dict[str, str], tmp_path: Path) -> str:
    """A space in which one of two customers ordered, on another device."""
    calls = (
        ("Product Viewed", "12:00:00", {"anonymousId": "a", "userId": "ann"}),
        ("Order Completed", "12:01:00", {"anonymousId": "b", "userId": "ann"}),
        ("Product Viewed", "12:02:00", {"anonymousId": "c"}),
    )
    file = tmp_path / "events.jsonl"
    file.write_text(
        "".join(
            json.dumps({"type": "track", "event": n, "timestamp": f"2026-03-01T{at}Z", **who})
            + "\n"
            for n, at, who in calls
        )
    )
    assert command("ingest", file, "--space", keys["space"]).code == 0
    return keys["space"]


def test_an_answer_is_written_in_every_format(command: Command, shop: str, tmp_path: Path) -> None:
    file = tmp_path / "funnel.parquet"

    table = command(*FUNNEL, "--space", shop).out
    as_json = command(*FUNNEL, "--space", shop, "--format", "json").out
    as_csv = command(*FUNNEL, "--space", shop, "--format", "csv").out
    parquet = command(*FUNNEL, "--space", shop, "--format", "parquet", "--output", file)

    assert "Order Completed" in table
    assert "50.0%" in table
    assert json.loads(as_json) == ROWS
    assert [row["customers"] for row in csv.DictReader(io.StringIO(as_csv))] == ["2", "1"]
    assert parquet.code == 0
    assert _rows_of(file) == ROWS


def _rows_of(file: Path) -> list[Any]:
    from importlib import import_module

    read: Any = import_module("pyarrow.parquet").read_table(file)
    return cast("list[Any]", read.to_pylist())


def test_every_journey_is_listed_with_what_it_takes(command: Command) -> None:
    listed = json.loads(command("journeys", "list", "--json").out)
    table = command("journeys", "list").out

    assert [each["name"] for each in listed] == list(JOURNEYS)
    assert all(name in table for name in JOURNEYS)
    for each in listed:
        taken = [parameter["name"] for parameter in each["parameters"]]
        assert taken == [parameter.name for parameter in JOURNEYS[each["name"]].parameters]


def test_names_of_parameters_may_be_written_as_graphql_has_them(
    command: Command, shop: str
) -> None:
    run = ("journeys", "run", "flows", "--space", shop, "--format", "json")

    ours = command(*run, "--param", "start_event=Product Viewed").out
    theirs = command(*run, "--param", "startEvent=Product Viewed").out

    assert json.loads(ours) == json.loads(theirs)
    assert [flow["to"] for flow in json.loads(ours)] == ["Order Completed"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("everything",), 1, "There are accounts, attribution"),
        (("funnel",), 1, "needs “steps”"),
        (("funnel", "--param", "steps=A", "--param", "step=B"), 1, "It takes audience"),
        (("funnel", "--param", "steps"), 2, "is no K=V"),
        (("flows", "--param", "depth=2", "--param", "depth=3"), 2, "given twice"),
    ],
)
def test_a_mistake_is_named_with_what_would_be_right(
    command: Command, shop: str, arguments: tuple[str, ...], code: int, said: str
) -> None:
    line = command.complains("journeys", "run", *arguments, "--space", shop, code=code)

    assert re.search(said, line)


def test_a_picture_goes_where_it_is_sent(command: Command, shop: str, tmp_path: Path) -> None:
    funnel = (*FUNNEL, "--space", shop)

    page = command(*funnel, "--format", "html", "--output", tmp_path / "funnel.html")
    png = command(*funnel, "--format", "png", "--output", tmp_path / "funnel.png")
    piped = command(*funnel, "--format", "html")

    assert page.err == f"Written to {tmp_path / 'funnel.html'}.\n"
    assert (page.out, png.out) == ("", "")
    assert (tmp_path / "funnel.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert (tmp_path / "funnel.png").read_bytes().startswith(b"\x89PNG")
    assert piped.out.startswith("<!DOCTYPE html>")
    assert piped.err == ""


@pytest.mark.parametrize("written", ["html", "png", "svg", "parquet"])
def test_a_terminal_is_shown_the_name_of_a_file_and_not_the_file(
    command: Command,
    shop: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    written: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

    for _ in range(2):
        ended = command(*FUNNEL, "--space", shop, "--format", written)

        assert (ended.out, ended.err) == ("", f"Written to funnel.{written}.\n")
        assert (tmp_path / f"funnel.{written}").stat().st_size > 500


def test_a_file_that_cannot_be_written_is_said_so(
    command: Command, shop: str, tmp_path: Path
) -> None:
    line = command.complains(
        *FUNNEL, "--space", shop, "--output", tmp_path / "no" / "file.csv", code=1
    )

    assert "cannot be written" in line


def test_the_example_of_the_guide_runs(shop: str) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)

    names: dict[str, Any] = {}
    exec(example.replace('"demo"', json.dumps(shop)), names)  # noqa: S102  (our own page)

    assert list(names["funnel"]) == ROWS
    assert names["funnel"].to_pandas()["customers"].tolist() == [2, 1]
    assert names["funnel"].to_polars().columns == list(ROWS[0])


def test_python_answers_inside_a_running_loop_too(shop: str) -> None:
    async def notebook() -> journeys.Figure:
        return journeys.run("drop_off", shop, silent_for="1d")

    assert len(asyncio.run(notebook())) == 2
    with pytest.raises(NotFound, match="There is no space"):
        journeys.run("drop_off", "nowhere")


def test_without_the_extra_parquet_and_pictures_say_how_to_install_it(
    command: Command, shop: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    line = command.complains(
        *FUNNEL, "--space", shop, "--format", "parquet", "--output", tmp_path / "x", code=1
    )

    assert "`pip install pyarrow`" in line
    with pytest.raises(MissingExtra):
        journeys.run("drop_off", shop).to_pandas()
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    line = command.complains(*FUNNEL, "--space", shop, "--format", "html", code=1)
    assert "`pip install vl-convert-python`" in line
