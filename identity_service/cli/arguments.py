"""Arguments that several commands take."""

from __future__ import annotations

import getpass
import glob
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import Annotated, Final

import typer

from identity_service.domain.identifiers import Identifier, parse_identifier
from identity_service.domain.timestamps import read_last_moment, read_moment
from identity_service.graph.ledger import MOST
from identity_service.services.spaces.access import OPERATOR

MAX_AUTHOR: Final = 100
"""Longest name that signs something, in characters."""

CASE_SUFFIXES: Final = (".yaml", ".yml")


def author(name: str) -> str:
    """The name that signs what is done; an empty or endless one is wrong usage."""
    name = name.strip()
    if not name or len(name) > MAX_AUTHOR:
        raise typer.BadParameter(f"A name has 1 to {MAX_AUTHOR} characters.")
    return name


def login() -> str:
    """The login of whoever runs the command, where the system has one."""
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):  # a container may run as a number without a login
        return OPERATOR


Author = Annotated[
    str,
    typer.Option(
        "--as",
        metavar="NAME",
        callback=author,
        default_factory=login,
        show_default="your login",
        help="Who says so; it stays on record.",
    ),
]
"""Who signs, for commands that write something which is signed."""


def identifier(text: str) -> Identifier:
    """An identifier as `TYPE:VALUE`; anything else is wrong usage."""
    try:
        return parse_identifier(text)
    except ValueError as error:
        raise typer.BadParameter(f"{error}.") from error


def moment(text: str) -> int:
    """A moment in ISO 8601, a date alone as the end of that day; anything else is wrong usage."""
    return _read(text, read_last_moment, "the end of that day")


def instant(text: str) -> int:
    """A moment, a date alone as its beginning."""
    return _read(text, read_moment, "the beginning of that day")


def latest(text: str | None) -> int:
    """The last moment of a span, likewise; later than all where none is given."""
    return MOST if text is None else moment(text)


def earliest(text: str | None) -> int:
    """The first moment of a span, a date alone as its beginning."""
    return -MOST if text is None else instant(text)


def _read(text: str, read: Callable[[str], int], date_is: str) -> int:
    try:
        return read(text)
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"“{text}” is no moment, as 2026-03-01T12:00Z is, or 2026-03-01, {date_is}."
        ) from None


def case_files(named: Iterable[str]) -> Generator[Path]:
    """The files that arguments name. Raises BadParameter for one that names none."""
    for name in named:
        path = Path(name)
        if path.is_dir():
            found = sorted(file for file in path.rglob("*") if file.suffix in CASE_SUFFIXES)
        elif path.exists():
            found = [path]
        else:
            found = [Path(match) for match in sorted(glob.glob(name, recursive=True))]  # noqa: PTH207
        if not found:
            raise typer.BadParameter(f"There is no case file at “{name}”.")
        yield from found
