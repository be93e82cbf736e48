"""`identity-service ingest`: bulk load."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from identity_service import session
from identity_service.cli.output import notices, print_json, print_line
from identity_service.collect.lines import read_lines
from identity_service.errors import BadInput, IdentityServiceError
from identity_service.graph import schema
from identity_service.services.kit.clock import system_clock
from identity_service.services.write.bulk_load import Loaded, Loader
from identity_service.session import Session


class Format(StrEnum):
    """What a line is."""

    SEGMENT = "segment"


def ingest(
    files: Annotated[
        list[Path],
        typer.Argument(
            exists=True, dir_okay=False, readable=True, help="JSON lines, plain or gzipped."
        ),
    ],
    space: Annotated[str, typer.Option(help="The space that the events enter.")],
    format: Annotated[  # noqa: A002 - the option's name
        Format, typer.Option(help="What each line is: one call of Segment's API.")
    ] = Format.SEGMENT,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Load files of events into a space, one call to a line.

    A line that cannot be used is set aside as a rejected event. Running the same load again does
    no harm: events that are known are passed over. A line without a message id is known by its
    content, the name of the file and its place in it.
    """
    del format  # there is one
    failures: list[str] = []

    async def work(opened: Session) -> Loaded:
        await opened.space(space)
        await schema.apply(opened.database)
        sender = opened.cases.access.operator_as_sender(space)
        loader = Loader(opened.cases.ingest, sender, system_clock)
        with _progress() as progress:
            for path in files:
                try:
                    await _load(path, loader, progress)
                except BadInput as error:
                    failures.append(f"{path}: {error}")
                except IdentityServiceError as error:
                    failures.append(f"{path}: {error} Run the same load again.")
                    break
        return loader.loaded

    loaded = session.run(work)
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


async def _load(path: Path, loader: Loader, progress: Progress) -> None:
    task = progress.add_task(path.name, total=_size(path))
    with path.open("rb") as file:
        await loader.load(
            path.name,
            read_lines(file),
            lambda: progress.update(task, completed=file.tell()),
        )
        progress.update(task, completed=file.tell())


def _size(path: Path) -> int | None:
    """In bytes; None for a pipe, which does not tell."""
    return path.stat().st_size or None


@contextmanager
def _progress() -> Generator[Progress]:
    """A bar for each file, by its bytes; only on a terminal."""
    console = notices()
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn())
    with Progress(
        *columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal
    ) as progress:
        yield progress
