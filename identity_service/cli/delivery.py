"""Where an answer goes that is a file: a picture, a table for programs."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from identity_service.cli.output import complain
from identity_service.errors import BadInput


def deliver(content: str | bytes, output: Path | None, name: str) -> None:
    """Write to `output`, else to standard output; to a file of that name where this is a terminal.

    A terminal shows no picture; a pipe takes everything. Where a file was written is said on
    standard error. Raises BadInput for a file that cannot be written.
    """
    if isinstance(content, str):
        content = content.encode()
    if output is None and not sys.stdout.isatty():
        typer.echo(content, nl=False)
        return
    path = output or Path(name)
    try:
        path.write_bytes(content)
    except OSError as error:
        raise BadInput(
            f"{path} cannot be written: {error.strerror}.", remedy="Name another file."
        ) from error
    complain(f"Written to {path}.")
