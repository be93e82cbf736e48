"""Figures as files: no spreadsheet runs a text of theirs, and programs read it as it was sent."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.support.figures import figure


def first_cell(text: str) -> str:
    rows = list(csv.reader(io.StringIO(text, newline="")))
    return rows[1][0]


@pytest.mark.parametrize(
    "name",
    [
        '=HYPERLINK("http://a.example","x")',
        "+1-1",
        "-1+cmd|' /C calc'!A0",
        "@SUM(1+1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "\uff1d1+1",
        "-",
        "-\u0661",
    ],
)
def test_a_text_that_a_spreadsheet_would_run_is_guarded_in_csv_only(name: str) -> None:
    found = figure("drop_off", [(name, 9, 0.9)])

    assert first_cell(found.to_csv()) == f"'{name}"
    assert json.loads(found.to_json())[0]["event"] == name
    assert found.to_arrow()["event"].to_pylist() == [name]


@pytest.mark.parametrize("name", ["Home", "a=b", "'=1", "-5", "+31612345678", "-0.25", ""])
def test_other_texts_and_numbers_stay_as_they_are(name: str) -> None:
    assert first_cell(figure("drop_off", [(name, 9, 0.9)]).to_csv()) == name


def test_numbers_below_nothing_stay_numbers() -> None:
    rows = list(csv.reader(io.StringIO(figure("correlation").to_csv())))

    assert rows[2] == ["Unsubscribed", "-0.3", "0", "3", "4", "3"]
