"""`identity-service retract` and `retraction …`: what a source said does not count, and counts
again.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.table import Table
from rich.text import Text

from identity_service import session
from identity_service.cli import arguments, differences, json_objects
from identity_service.cli.output import notices, print_error, print_json, results
from identity_service.domain.recorded import Page
from identity_service.domain.retractions import Retraction, RetractionProgress
from identity_service.domain.timestamps import iso
from identity_service.graph import schema
from identity_service.graph.ledger import NEWEST
from identity_service.services.kit.clock import system_clock
from identity_service.services.preview.retraction_previews import RetractionPreview
from identity_service.services.spaces.access import SpaceScope
from identity_service.session import Session

MAX_LISTED = 500

_Source = Annotated[str, typer.Argument(metavar="SOURCE", help="The sender, by its name.")]
_Space = Annotated[str, typer.Option(help="The space that the source sends to.")]
_From = Annotated[
    str, typer.Option("--from", metavar="MOMENT", help="The first moment of receipt.")
]
_Until = Annotated[
    str | None,
    typer.Option(
        metavar="MOMENT",
        help="What was received then, or later, counts.",
        show_default="now",
    ),
]
_Reason = Annotated[str, typer.Option(help="How you know; it stays on record.")]
_Json = Annotated[bool, typer.Option("--json", help="For programs.")]

app = typer.Typer(
    help="Retractions: what a source said in a range of time does not count.",
    no_args_is_help=True,
)


def retract_command(
    source: _Source,
    space: _Space,
    begin: _From,
    reason: _Reason,
    author: arguments.Author,
    until: _Until = None,
    as_json: _Json = False,
) -> None:
    """Retract what a source said in a range of time; `retraction preview` shows what that does.

    It is in force at once. Ctrl-C leaves the rest of the work to a service that runs, or to the
    next one that starts.
    """
    range_ = arguments.instant(begin), _end(until)

    async def work(opened: Session) -> RetractionProgress:
        scope = await opened.space(space, author)
        await schema.apply(opened.database)
        made = await opened.cases.retractions.retract(scope, source, *range_, reason)
        return await _followed(opened, scope, made)

    _show(session.run(work), as_json=as_json)


@app.command("preview")
def preview_command(
    source: _Source,
    space: _Space,
    begin: _From,
    until: _Until = None,
    as_json: _Json = False,
) -> None:
    """Show what a retraction would change. Nothing is written."""
    range_ = arguments.instant(begin), _end(until)

    async def work(opened: Session) -> RetractionPreview:
        scope = await opened.space(space)
        return await opened.cases.retraction_previews.preview(scope, source, *range_)

    found = session.run(work)
    if as_json:
        print_json(json_objects.retraction_preview(found))
        return
    console = results()
    console.print(Text(found.message, style="bold"), soft_wrap=True)
    if found.comparison is not None:
        console.print(differences.table(found.comparison.preview.summary))
        console.print(differences.drawing(found.comparison.preview))


@app.command("list")
def list_command(
    space: Annotated[str, typer.Option(help="The space to look in.")],
    first: Annotated[int, typer.Option(min=1, max=MAX_LISTED, help="How many at most.")] = 50,
    as_json: _Json = False,
) -> None:
    """List retractions, withdrawn ones too, newest first."""

    async def work(opened: Session) -> Page[RetractionProgress]:
        return await opened.cases.retractions.list(await opened.space(space), NEWEST, first)

    page = session.run(work)
    if as_json:
        found = [json_objects.retraction(each) for each in page.items]
        print_json({"retractions": found, "more": page.more})
        return
    results().print(_table(page) if page.items else "There are no retractions.")
    if page.more:
        results().print(f"There are more than {first}.")


@app.command("withdraw")
def withdraw_command(
    retraction: Annotated[str, typer.Argument(metavar="ID", help="ret_…, as `list` shows it.")],
    space: _Space,
    reason: _Reason,
    author: arguments.Author,
    as_json: _Json = False,
) -> None:
    """Take a retraction back; customers and ids are what they would be without it."""

    async def work(opened: Session) -> RetractionProgress:
        scope = await opened.space(space, author)
        await schema.apply(opened.database)
        gone = await opened.cases.retractions.withdraw(scope, retraction, reason)
        return await _followed(opened, scope, gone)

    _show(session.run(work), as_json=as_json)


def _end(until: str | None) -> int:
    return system_clock() if until is None else arguments.instant(until)


async def _followed(opened: Session, scope: SpaceScope, made: Retraction) -> RetractionProgress:
    """Show how far it is until it is done; returns the last that was read."""
    retractions = opened.cases.retractions
    last = await retractions.find(scope, made.id)
    try:
        with _bar("giving back" if made.withdrawn_at else "retracting") as bar:
            task = bar.add_task("", total=1.0)
            async for last in retractions.progress(scope, made.id):
                bar.update(task, completed=last.share)
    finally:
        if not last.done:
            print_error(
                f"{made.id} is in force, and not done yet. A service that runs, or the next one"
                " that starts, goes on with it."
            )
    return last


@contextmanager
def _bar(doing: str) -> Generator[Progress]:
    """A bar of the range; only on a terminal."""
    console = notices()
    columns = (TextColumn(doing, markup=False), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        yield progress


def _show(found: RetractionProgress, *, as_json: bool) -> None:
    if as_json:
        print_json(json_objects.retraction(found))
        return
    outcome = (
        f"{found.events:,} events of “{found.source}” do not count any more."
        if found.withdrawn_at is None
        else f"{found.events:,} events of “{found.source}” count again, as far as nothing else"
        " retracts them."
    )
    console = results()
    console.print(Text(outcome, style="bold"), soft_wrap=True)
    if found.skipped:
        console.print(
            Text(
                f"  {found.skipped:,} events stay as they were: too many identifiers are connected"
                " with them."
            ),
            soft_wrap=True,
        )
    console.print(Text(f"On record as {found.id}.", style="dim"), soft_wrap=True)


def _table(page: Page[RetractionProgress]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("retraction", "source", "received", "events", "state", "author", "reason"):
        table.add_column(column, overflow="fold")
    for found in page.items:
        reason = found.reason
        if found.withdrawn_at is not None:
            reason += (
                f"\nwithdrawn {iso(found.withdrawn_at)} by {found.withdrawn_by}:"
                f" {found.withdrawn_reason}"
            )
        cells = (
            found.id,
            found.source,
            f"{iso(found.begin)}\nuntil {iso(found.until)}",
            f"{found.events:,}",
            _state(found),
            found.author,
            reason,
        )
        style = "dim" if found.withdrawn_at is not None else ""
        table.add_row(*(Text(cell, style=style) for cell in cells))
    return table


def _state(found: RetractionProgress) -> str:
    if found.withdrawn_at is None:
        return "in force" if found.done else f"in force, {found.share:.0%} done"
    return "withdrawn" if found.done else f"withdrawn, {found.share:.0%} given back"
