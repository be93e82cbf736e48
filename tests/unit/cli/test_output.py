"""What a terminal would obey is shown, wherever a command prints."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

import identity_service.cli
from identity_service.cli import output

CLEAR = "\x1b[2J"
HOSTILE = f"Ann{CLEAR}\x07\x9b2J\x7f\u202e\r!"
SHOWN = r"Ann\x1b[2J\x07\x9b2J\x7f\u202e\x0d!"

OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def test_a_line_shows_what_it_would_have_commanded(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_line(HOSTILE)
    output.print_error(HOSTILE.replace("\r", ""))

    captured = capsys.readouterr()
    assert captured.out == f"{SHOWN}\n"
    assert captured.err == SHOWN.replace(r"\x0d", "") + "\n"


def test_text_of_any_language_tabs_and_lines_are_printed_as_they_are() -> None:
    text = "Ünï\tcode שלום 日本語 👩‍👩‍👧\nand more\r\n"

    assert output.visible(text) == text


def test_json_stays_the_same_value(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_json({"name": HOSTILE})

    printed = capsys.readouterr().out
    assert json.loads(printed) == {"name": HOSTILE}
    assert not OBEYED.search(printed)


@pytest.mark.parametrize("styled", [False, True], ids=["a pipe", "a terminal"])
def test_tables_panels_and_trees_show_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *, styled: bool
) -> None:
    if styled:
        monkeypatch.setenv("FORCE_COLOR", "1")
    table = Table("name")
    table.add_row(Text(HOSTILE))
    tree = Tree(Text(HOSTILE, "bold red"))

    for shown in (table, Panel(Text(HOSTILE)), tree, Text(HOSTILE)):
        output.results().print(shown, soft_wrap=True)

    printed = capsys.readouterr().out
    without_styles = re.sub("\x1b\\[[0-9;]*m", "", printed)
    assert ("\x1b[" in printed) == styled
    assert not OBEYED.search(without_styles)
    assert without_styles.count(r"Ann\x1b[2J") == 4


def test_a_table_in_a_file_shows_it() -> None:
    table = Table("name")
    table.add_row(Text(HOSTILE))

    assert not OBEYED.search(output.plain_text(table, width=80))


def test_what_goes_into_a_pipe_stays_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_content(HOSTILE)

    assert capsys.readouterr().out == HOSTILE


def test_a_terminal_is_shown_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)

    output.print_content(HOSTILE)

    assert capsys.readouterr().out == SHOWN


def test_no_command_prints_by_another_way() -> None:
    folder = Path(identity_service.cli.__file__).parent
    ways = re.compile(r"typer\.echo\(|\bprint\(|[^.\w]Console\(|sys\.stdout\.write")
    own = {
        path.name
        for path in folder.glob("*.py")
        if any(
            ways.search(line)
            for line in path.read_text(encoding="utf-8").splitlines()
            if ".print(" not in line
        )
    }

    assert own == {"output.py", "output_files.py"}
