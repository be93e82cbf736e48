"""`identity-service source sql` and `source crm`: sources that the service reads itself."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from identity_service import session
from identity_service.cli.dry_run import SHOWN, Shown, show_calls
from identity_service.cli.output import print_json, print_line
from identity_service.collect.cursors import CursorValue
from identity_service.collect.source_file import PolledSource
from identity_service.domain.timestamps import iso
from identity_service.errors import SourceFailed
from identity_service.graph import schema
from identity_service.graph.polls import PollState
from identity_service.services.imports.polls import CallReport, PollReport, open_source
from identity_service.services.imports.source_files import read_files
from identity_service.services.kit.clock import system_clock
from identity_service.session import Session

app = typer.Typer(no_args_is_help=True)

Files = Annotated[
    list[Path],
    typer.Argument(exists=True, readable=True, help="Files of such sources, or their directory."),
]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


@app.command("run")
def run(
    files: Files,
    again: Annotated[
        bool, typer.Option("--again", help="Read all rows, also those that were read before.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Read sources once, each from where it was read last.

    Rows that were read before are known, and add nothing.
    """
    sources = read_files(files)

    async def work(opened: Session) -> list[PollReport]:
        await schema.apply(opened.database)
        return [await opened.cases.polls.poll(source, again=again) for source in sources]

    reports = session.run(work)
    if as_json:
        print_json([asdict(report) for report in reports])
    else:
        for report in reports:
            for call in report.calls:
                print_line(f"{report.source}, {call.call}: {_in_words(call)}")
    errors = [f"{report.source}, {report.error}" for report in reports if report.error]
    if errors:
        raise SourceFailed("Not everything could be read: " + " ".join(errors))


@app.command("dry-run")
def dry_run(files: Files, as_json: AsJson = False) -> None:
    """Show the first ten calls of each source, from its beginning, and send nothing.

    It asks the source alone.
    """
    shown = [each for source in read_files(files) for each in asyncio.run(_first_calls(source))]
    show_calls(shown, as_json=as_json)


@app.command("status")
def status(files: Files, as_json: AsJson = False) -> None:
    """How far each source was read, when, and how that went."""
    sources = read_files(files)

    async def work(opened: Session) -> list[PollState]:
        return [await opened.cases.polls.state(source) for source in sources]

    states = session.run(work)
    if as_json:
        print_json([_as_json(*each) for each in zip(sources, states, strict=True)])
        return
    for source, state in zip(sources, states, strict=True):
        print_line(f"{source.name}: {_state_in_words(state)}")
        for call in source.calls:
            cursor = state.cursors.get(call.label)
            reached = "not read yet" if cursor is None else f"read up to {_shown(cursor)}"
            print_line(f"  {call.label}: {reached}")


async def _first_calls(source: PolledSource) -> list[Shown]:
    shown: list[Shown] = []
    async with open_source(source, system_clock) as database:
        for call in source.calls:
            async with aclosing(database.batches(call, None)) as batches:
                async for rows in batches:
                    calls = [row.call for row in rows if row.call is not None]
                    shown += [(f"{source.name}, {call.label}", each) for each in calls]
                    break
            if len(shown) >= SHOWN:
                break
    return shown[:SHOWN]


def _in_words(call: CallReport) -> str:
    said = (
        f"{call.rows:,} rows, {call.written:,} events written, {call.known:,} were known,"
        f" {call.rejected:,} rejected."
    )
    if call.rows_without_cursor:
        said += f" {call.rows_without_cursor:,} rows have no cursor value."
    if call.rows_out_of_order:
        said += f" {call.rows_out_of_order:,} rows come after later ones."
    if call.rows_gone:
        said += f" {call.rows_gone:,} rows are gone."
    return said


def _state_in_words(state: PollState) -> str:
    if state.begun_at is None:
        return "never read"
    if state.running:
        return f"being read since {iso(state.begun_at)}"
    if state.error is not None:
        return f"failed when read at {iso(state.begun_at)}: {state.error}"
    return f"read at {iso(state.begun_at)}"


def _as_json(source: PolledSource, state: PollState) -> dict[str, Any]:
    return {
        "source": source.name,
        "begunAt": None if state.begun_at is None else iso(state.begun_at),
        "endedAt": None if state.ended_at is None else iso(state.ended_at),
        "running": state.running,
        "cursors": {label: _shown(cursor) for label, cursor in state.cursors.items()},
        "calls": state.report,
        "error": state.error,
    }


def _shown(cursor: str) -> str:
    return CursorValue.parse(cursor).shown
