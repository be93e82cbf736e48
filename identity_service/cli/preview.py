"""`identity-service policy preview`: what would another policy change here?"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from identity_service import session
from identity_service.cli import differences, json_objects
from identity_service.cli.output import print_json, results
from identity_service.cli.policy import read_policy
from identity_service.domain.preview.report import Preview, PreviewSummary
from identity_service.domain.resolution.changes import ChangeKind
from identity_service.session import Session


class FailOn(StrEnum):
    """What a check of a policy file does not let pass."""

    ANY = "any"
    MERGED = "merged"
    SPLIT = "split"


def preview(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A policy, in YAML.")],
    space: Annotated[str, typer.Option(help="The space whose customers to compare.")],
    fail_on: Annotated[
        FailOn | None,
        typer.Option(help="Exit with 1 when a customer would change, be merged, or be split."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show what a policy would change in a space, customer by customer. Nothing is written."""
    text, _ = read_policy(file)

    async def work(opened: Session) -> Preview:
        with differences.watched() as progress:
            scope = await opened.space(space)
            return (await opened.cases.previews.preview(scope, text, progress)).preview

    found = session.run(work)
    if as_json:
        print_json(json_objects.preview(found))
    else:
        console = results()
        console.print(differences.table(found.summary))
        console.print(differences.drawing(found))
    if fail_on and _happens(fail_on, found.summary):
        raise typer.Exit(1)


def _happens(what: FailOn, summary: PreviewSummary) -> bool:
    match what:
        case FailOn.MERGED:
            return summary.ledger[ChangeKind.MERGED] > 0
        case FailOn.SPLIT:
            return summary.ledger[ChangeKind.SPLIT] > 0
        case FailOn.ANY:
            return summary.differences.total() + summary.kind_changed > 0
