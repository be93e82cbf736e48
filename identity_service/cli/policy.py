"""`identity-service policy check` and `policy test`: without a database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from identity_service.cli import arguments
from identity_service.cli.output import print_error, print_line, results
from identity_service.domain.policies.change_scope import kept_by_events
from identity_service.domain.policies.parse import parse_policy
from identity_service.domain.policies.policy import Policy
from identity_service.domain.resolution.cases import CaseResult, check_case, load_case
from identity_service.errors import (
    BadInput,
    PolicyInvalid,
    ProfilesInvalid,
    ReadingRulesInvalid,
)

app = typer.Typer(
    help="Policies: the ones in force, and case files that test them.", no_args_is_help=True
)


@app.command("check")
def check_command(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A policy, in YAML.")],
) -> None:
    """Read a policy and name every mistake in it with its path."""
    _, policy = read_policy(file)
    print_line(f"{file}: no mistakes; {len(policy.rules)} identifier types.")
    for kept in kept_by_events(None, policy):
        print_line(kept)


@app.command("test")
def test_command(
    cases: Annotated[
        list[str], typer.Argument(help="Case files, folders of them, or patterns like cases/*.yaml")
    ],
) -> None:
    """Resolve case files and compare what comes out with what they expect."""
    console = results()
    failed = passed = 0
    for path in arguments.case_files(cases):
        result = _result(path)
        passed, failed = passed + result.passed, failed + (not result.passed)
        console.print(Text(result.message, "" if result.passed else "red"), soft_wrap=True)
    console.print(f"{passed} passed, {failed} failed")
    if failed:
        raise typer.Exit(1)


def read_policy(file: Path) -> tuple[str, Policy]:
    """A policy file, as text and read. Ends the command after it has named every mistake."""
    text = read_policy_file(file)
    try:
        return text, parse_policy(text)
    except PolicyInvalid as invalid:
        print_problems(file, invalid)
        raise typer.Exit(1) from invalid


def read_policy_file(path: Path) -> str:
    """The text of a file in YAML. Raises BadInput when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"{path} cannot be read: {error}.", remedy="Name a text file in UTF-8."
        ) from error


def print_problems(
    file: Path, invalid: PolicyInvalid | ProfilesInvalid | ReadingRulesInvalid
) -> None:
    """Name every mistake in a file, one a line."""
    for problem in invalid.problems:
        print_error(f"{file}: {problem.path}: {problem.message}")


def _result(path: Path) -> CaseResult:
    try:
        return check_case(load_case(path))
    except BadInput as error:
        return CaseResult(passed=False, message=f"failed: {error}")
