"""Output that is a file: a picture, a table for programs."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path

import typer

from identity_service.cli.output import print_error
from identity_service.errors import BadInput
from identity_service.pictures import Picture


class PictureFormat(StrEnum):
    """What a picture is written as."""

    HTML = "html"
    PNG = "png"
    SVG = "svg"


def encode(picture: Picture, file_format: PictureFormat) -> str | bytes:
    """The content of a file with the picture."""
    match file_format:
        case PictureFormat.HTML:
            return picture.to_html()
        case PictureFormat.PNG:
            return picture.to_png()
        case PictureFormat.SVG:
            return picture.to_svg()


def write_file(content: str | bytes, output: Path | None, name: str) -> None:
    """Write to `output`, else to standard output; where that is a terminal, to a file `name`.

    A terminal shows no picture; a pipe takes everything. Standard error names a file that was
    written. Raises BadInput for a file that cannot be written.
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
    print_error(f"Written to {path}.")
