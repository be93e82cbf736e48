"""`identity-service source rules …`: how what a source sends is read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from identity_service import session
from identity_service.cli import arguments, json_objects
from identity_service.cli.output import (
    print_content,
    print_json,
    print_line,
    results,
)
from identity_service.cli.policy import print_problems, read_policy_file
from identity_service.domain.sources import RulesVersion, Source
from identity_service.domain.timestamps import iso
from identity_service.errors import NotFound, ReadingRulesInvalid
from identity_service.graph import schema
from identity_service.services.preview.rule_previews import MAX_EVENTS, ReadEvent, RulesPreview
from identity_service.session import Session

_Source = Annotated[str, typer.Argument(metavar="SOURCE", help="The sender, by its name.")]
_File = Annotated[
    Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="Rules, in YAML.")
]
_Json = Annotated[bool, typer.Option("--json", help="For programs.")]

app = typer.Typer(
    help="Reading rules: names of events, and which fields name whom.", no_args_is_help=True
)


@app.command("set")
def set_command(
    source: _Source,
    file: _File,
    author: arguments.Author,
    expect: Annotated[
        int | None,
        typer.Option(metavar="VERSION", help="Refuse unless this version is in force; 0: none."),
    ] = None,
    as_json: _Json = False,
) -> None:
    """Read what a source sends from now on by these rules; by an empty file, as it is."""
    text = read_policy_file(file)

    async def work(opened: Session) -> Source:
        await schema.apply(opened.database)
        sources, operator = opened.cases.sources, opened.cases.access.operator(name=author)
        found = await sources.find(operator, source)
        expected = found.rules_version if expect is None else expect
        return await sources.set_rules(operator, found.spaces[0], source, text, expected)

    try:
        found = session.run(work)
    except ReadingRulesInvalid as invalid:
        print_problems(file, invalid)
        raise typer.Exit(1) from invalid
    if as_json:
        print_json(json_objects.source(found))
    else:
        print_line(f"Version {found.rules_version} of the rules of “{found.name}” is in force.")


@app.command("show")
def show_command(
    source: _Source,
    version: Annotated[
        int | None, typer.Option(min=1, help="Which one.", show_default="the one in force")
    ] = None,
    as_json: _Json = False,
) -> None:
    """Print the reading rules of a source."""

    async def work(opened: Session) -> Sequence[RulesVersion]:
        sources = opened.cases.sources
        found = await sources.find(opened.cases.access.operator(), source)
        return await sources.rules_of(found, max(1, found.rules_version))

    versions = session.run(work)
    shown = [each for each in versions if version in (None, each.version)]
    if not shown:
        which = "reading rules" if version is None else f"version {version} of its rules"
        raise NotFound(f"The source “{source}” has no {which}.")
    if as_json:
        print_json(json_objects.rules_version(shown[0]))
    else:
        print_content(shown[0].text)


@app.command("test")
def preview_command(
    source: _Source,
    file: _File,
    space: Annotated[str, typer.Option(help="The space whose events are read again.")],
    first: Annotated[int, typer.Option(min=1, max=MAX_EVENTS, help="How many at most.")] = 100,
    as_json: _Json = False,
) -> None:
    """Show what rules would make of the newest events of a source. Nothing is written."""
    text = read_policy_file(file)

    async def work(opened: Session) -> RulesPreview:
        scope = await opened.space(space)
        return await opened.cases.rule_previews.preview(scope, source, text, first)

    try:
        found = session.run(work)
    except ReadingRulesInvalid as invalid:
        print_problems(file, invalid)
        raise typer.Exit(1) from invalid
    if as_json:
        print_json(json_objects.rules_preview(found))
        return
    results().print(
        f"{len(found.differences):,} of {found.events:,} events would be read differently."
    )
    if found.differences:
        results().print(_table(found))


def _table(found: RulesPreview) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("event", "as it is", "by these rules"):
        table.add_column(column, overflow="fold")
    for each in found.differences:
        cells = (each.message_id, _read(each.before), _read(each.after))
        table.add_row(*map(Text, cells))
    return table


def _read(event: ReadEvent | None) -> str:
    if event is None:
        return "dropped"
    named = "\n".join(map(str, event.identifiers)) or "names nobody"
    return f"{event.name or 'without a name'}\n{iso(event.at)}\n{named}"
