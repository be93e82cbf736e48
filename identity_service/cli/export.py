"""`identity-service export`: a space as Parquet."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from identity_service import session
from identity_service.cli.output import notices, print_content, print_line
from identity_service.services.export.export import TABLES, Advanced, Exported
from identity_service.session import Session


def export(
    space: Annotated[str, typer.Option(help="The space to export.")],
    to: Annotated[Path, typer.Option(help="A directory that does not exist yet, or an empty one.")],
    since: Annotated[
        str | None,
        typer.Option(
            metavar="CURSOR",
            help="Only what changed since the export whose manifest holds this cursor.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: the manifest.")] = False,
) -> None:
    """Write customers, identifiers, links, events, changes, retired ids and profiles as Parquet.

    The directory comes into being when everything is in it; `manifest.json` lists its files and
    holds the cursor that the next export goes on from.
    """

    async def work(opened: Session) -> Exported:
        scope = await opened.space(space)
        await opened.cases.profiles.computed(scope)
        spaces = opened.cases.spaces
        totals: dict[str, int] = {}
        if since is None:
            totals = {
                "events": await spaces.count_events(scope),
                "identifiers": await spaces.count_identifiers(scope),
                "links": await spaces.count_links(scope),
            }
        with _progress(totals) as advanced:
            return await opened.cases.exporting.export(scope, to, since, advanced)

    exported = session.run(work)
    if as_json:
        print_content((to / "manifest.json").read_text(encoding="utf-8"))
        return
    rows = (f"{exported.rows(table):,} {_spoken(table)}" for table in exported.tables)
    print_line(", ".join(rows) + ".")
    if since is not None and exported.complete:
        print_line("The policy has changed since, so this export is complete.")
    print_line(f"They are in {to}. The next export goes on from {exported.cursor}")


def _spoken(table: str) -> str:
    return table.replace("_", " ")


@contextmanager
def _progress(totals: Mapping[str, int]) -> Generator[Advanced]:
    """A bar for each table as its rows come; only on a terminal."""
    console = notices()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        tasks = {
            table: progress.add_task(_spoken(table), total=totals.get(table)) for table in TABLES
        }

        def advance(table: str, rows: int) -> None:
            if table not in tasks:
                tasks[table] = progress.add_task(_spoken(table), total=None)
            progress.advance(tasks[table], rows)

        yield advance
