"""`identity-service ingest`: bulk load."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from identity_service import session
from identity_service.cli.dry_run import SHOWN, Shown, show_calls
from identity_service.cli.output import notices, print_json, print_line
from identity_service.collect.warehouse import Table
from identity_service.errors import BadInput, IdentityServiceError
from identity_service.graph import schema
from identity_service.graph.file_loads import FileLoadStore
from identity_service.services.imports.bulk_load import Loaded, Loader
from identity_service.services.imports.file_rows import open_rows
from identity_service.services.imports.input_files import Format, InputFile, find_files
from identity_service.services.kit.clock import system_clock
from identity_service.session import Session

FILES_AT_ONCE: Final = 4

MAX_NAMED: Final = 20
"""How many rows of which no event could be made are named; the others are counted."""


def ingest(
    files: Annotated[
        list[Path],
        typer.Argument(
            exists=True, readable=True, help="Files, plain or gzipped, or directories of them."
        ),
    ],
    space: Annotated[str, typer.Option(help="The space that the events enter.")],
    format: Annotated[  # noqa: A002 - the option's name
        Format | None,
        typer.Option(
            help="What the files hold: calls of Segment's API as JSON lines, tables of a warehouse,"
            " or Snowplow's enriched events. By default .csv and .parquet are tables, .tsv is"
            " Snowplow's, and all else JSON lines."
        ),
    ] = None,
    table: Annotated[
        Table | None,
        typer.Option(
            help="Which table the files are, `event` for that of one event."
            " By default the name of a file, or of its folder, says so."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help=f"Show the first {SHOWN} calls, and load nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Load files of events into a space.

    A row that cannot be used is named, and set aside as a rejected event. A load that was stopped
    goes on where it was when it is run again. Running one again that ended does no harm: events
    that are known are passed over. A row without a message id is known by its content, the name of
    the file and its place in it.
    """
    if table is not None and format not in (None, Format.WAREHOUSE):
        raise typer.BadParameter(f"Files of {format} have no table.", param_hint="--table")
    found = find_files(files, format, table)
    if dry_run:
        show_calls(islice(_calls(found), SHOWN), as_json=as_json)
        return
    failures: list[str] = []
    unreadable = _Unreadable(notices())

    async def work(opened: Session) -> Loaded:
        await opened.space(space)
        await schema.apply(opened.database)
        sender = opened.cases.access.operator_as_sender(space)
        places = FileLoadStore(opened.database)
        loader = Loader(opened.cases.ingest, places, sender, system_clock, unreadable.add)
        with _progress(unreadable.console) as progress:
            failures.extend(await _load_all(found, loader, progress))
        return loader.loaded

    loaded = session.run(work)
    unreadable.end()
    if as_json:
        print_json({"space": space, **asdict(loaded)})
    else:
        print_line(
            f"{loaded.written:,} events written, {loaded.known:,} were known,"
            f" {loaded.rejected:,} rejected."
        )
    if failures:
        raise BadInput(
            "Not everything could be loaded: " + " ".join(failures),
            remedy="What could be read is loaded.",
        )


async def _load_all(found: Sequence[InputFile], loader: Loader, progress: Progress) -> list[str]:
    """Load the files in their order, a few at a time; what went wrong, by file.

    Tables of all events come after all others.
    """
    failures: list[str] = []
    loading = _Loading(found, loader, progress)
    for last in (False, True):
        phase = [file for file in found if (file.table is Table.TRACKS) is last]
        failures += filter(None, await asyncio.gather(*map(loading.load, phase)))
    if not loading.is_stopped:
        await loader.finish()
    return failures


class _Loading:
    """A load of files: how far it is, and whether it goes on."""

    def __init__(self, found: Sequence[InputFile], loader: Loader, progress: Progress) -> None:
        self.is_stopped = False
        self._loader = loader
        self._progress = progress
        self._free = asyncio.Semaphore(FILES_AT_ONCE)
        size = sum(file.path.stat().st_size for file in found)
        self._task = progress.add_task("", total=size or None)  # a pipe does not say

    async def load(self, file: InputFile) -> str | None:
        """Load a file once there is a place for it; what went wrong with it."""
        before = 0

        def advance(position: int) -> None:
            nonlocal before
            self._progress.update(self._task, advance=position - before)
            before = position

        async with self._free:
            if self.is_stopped:
                return None
            self._progress.update(self._task, description=file.name)
            try:
                await self._loader.load(file, advance)
            except BadInput as error:
                return f"{file.path}: {error}"
            except IdentityServiceError as error:
                self.is_stopped = True
                return f"{file.path}: {error} Run the same load again."
        return None


def _calls(found: Sequence[InputFile]) -> Iterator[Shown]:
    """Every call of the files, or why there is none, with where it stands."""
    for file in found:
        try:
            with open_rows(file) as opened:
                for row in opened.rows:
                    yield f"{file.name}, {row.number}", row.read(system_clock())
        except BadInput as error:
            raise BadInput(f"{file.path}: {error}") from error


class _Unreadable:
    """Names rows of which no event can be made, as they come, and counts those beyond."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._count = 0

    def add(self, file: str, number: int, message: str) -> None:
        """A row, by its file and number, and what is wrong with it."""
        self._count += 1
        if self._count <= MAX_NAMED:
            self._say(f"{file}, {number}: {message}")

    def end(self) -> None:
        """Say how many were not named."""
        if self._count > MAX_NAMED:
            self._say(f"{self._count - MAX_NAMED:,} more rows could not be used.")

    def _say(self, text: str) -> None:
        self.console.print(" ".join(text.split()), markup=False)


@contextmanager
def _progress(console: Console) -> Generator[Progress]:
    """A bar for all files, by their bytes; only on a terminal."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn())
    with Progress(
        *columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal
    ) as progress:
        yield progress
