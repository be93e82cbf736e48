"""`identity-service features test`: case files of a text of profiles, without a database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from identity_service.cli import arguments
from identity_service.cli.output import print_line, results, visible_json
from identity_service.domain.profiles.cases import (
    Difference,
    check_profile_case,
    difference_text,
    load_profile_case,
)
from identity_service.domain.profiles.values import json_text
from identity_service.domain.timestamps import iso
from identity_service.errors import BadInput

app = typer.Typer(help="Features and audiences: case files that test them.", no_args_is_help=True)


@app.callback()
def features() -> None:
    """Features and audiences: case files that test them."""


@app.command("test")
def check_command(
    cases: Annotated[
        list[str], typer.Argument(help="Case files, folders of them, or patterns like cases/*.yaml")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Compute what case files describe, and compare what comes out with what they expect."""
    outcomes = [_outcome(path) for path in arguments.case_files(cases)]
    failed = sum(not outcome["passed"] for outcome in outcomes)
    if as_json:
        # Not by `json`, which knows no decimals.
        said = [{k: v for k, v in each.items() if k != "text"} for each in outcomes]
        print_line(visible_json(json_text(said)))
    else:
        console = results()
        for outcome in outcomes:
            style = "" if outcome["passed"] else "red"
            console.print(Text(outcome["text"], style), soft_wrap=True)
        console.print(f"{len(outcomes) - failed} passed, {failed} failed")
    if failed:
        raise typer.Exit(1)


def _outcome(path: Path) -> dict[str, Any]:
    """What became of a case, for programs, and as `text` for people."""
    outcome: dict[str, Any] = {"file": str(path), "id": None, "title": None}
    try:
        case = load_profile_case(path)
    except BadInput as error:
        return {**outcome, "passed": False, "error": str(error), "text": f"failed: {error}"}
    differences = check_profile_case(case)
    said = f"{'failed' if differences else 'passed'}: {case.id} {case.title}"
    return {
        "file": str(path),
        "id": case.id,
        "title": case.title,
        "passed": not differences,
        "differences": [_difference(each) for each in differences],
        "text": "\n".join((said, *map(difference_text, differences))),
    }


def _difference(difference: Difference) -> dict[str, Any]:
    return {
        "who": difference.who,
        "at": iso(difference.at),
        "what": difference.what,
        "expected": difference.expected,
        "found": difference.found,
    }
