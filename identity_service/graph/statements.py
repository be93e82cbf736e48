"""Query text, kept in `.cypher` files: one file, one statement, one name.

The name is the path below `cypher/` without its suffix, `ingest/write_events`. The header of a
file is described in `cypher/README.md`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import Final, LiteralString, cast

from identity_service.errors import StatementFailed

SUFFIX: Final = ".cypher"
_SECTION: Final = re.compile(r"// ([A-Z][a-z]+):(?: (.*))?")
_CONTINUED: Final = re.compile(r"//(   +)(\S.*)")
_ENTRY: Final = re.compile(r"([A-Za-z_][\w.]*): (.+)")


class Access(StrEnum):
    """What a statement does to the database."""

    READ = "read"
    WRITE = "write"
    SCHEMA = "schema"


@dataclass(frozen=True, slots=True)
class Definition:
    """What a file says. `text` is the statement without its header.

    `parameters` and `columns` map names to their descriptions, in the order of the header.
    A parameter `w.ids` is the entry `ids` of the map parameter `w`.
    `notes` holds the other sections of the header by their names: `Space`, `Scan`, …
    """

    text: LiteralString
    access: Access
    purpose: str
    parameters: Mapping[str, str]
    columns: Mapping[str, str]
    notes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, known by its name; its file is read at the first use, or by `load_all`."""

    name: str

    @property
    def definition(self) -> Definition:
        """Raises StatementFailed when there is no such file or its header is malformed."""
        return load(self.name)


def statement(name: str) -> Statement:
    """The statement of that name, to be declared as a constant. Reads nothing yet."""
    return Statement(name)


def statement_names() -> tuple[str, ...]:
    """The names of all statements that are shipped, sorted."""
    return tuple(sorted(_names(directory(), "")))


def parse(name: str, source: str) -> Definition:
    """The definition that the text of a file gives. Raises StatementFailed."""
    lines = source.splitlines()
    length = next((n for n, line in enumerate(lines) if not line.startswith("//")), len(lines))
    sections = _sections(name, lines[:length])
    text = "\n".join(lines[length:]).strip().removesuffix(";")
    purpose, access = sections.pop("Purpose", []), sections.pop("Access", [])
    if not purpose or not text:
        raise _malformed(name, "it needs a purpose and a statement")
    if " ".join(access) not in list(Access):
        raise _malformed(name, "its access is none of read, write, schema")
    return Definition(
        # The driver takes literal text only, so that no query is built from values. Text that
        # comes from a shipped file is as good as literal, and enters here and nowhere else.
        text=cast("LiteralString", text),
        access=Access(" ".join(access)),
        purpose=" ".join(line.strip() for line in purpose),
        parameters=_entries(name, sections.pop("Parameters", [])),
        columns=_entries(name, sections.pop("Columns", [])),
        notes=MappingProxyType(
            {title: " ".join(line.strip() for line in body) for title, body in sections.items()}
        ),
    )


@cache
def load(name: str) -> Definition:
    """The definition in the file of that name. Raises StatementFailed."""
    file = directory().joinpath(*f"{name}{SUFFIX}".split("/"))
    try:
        source = file.read_text(encoding="utf-8")
    except OSError as error:
        raise StatementFailed(
            f"There is no statement {name}.", remedy="Install identity-service again."
        ) from error
    return parse(name, source)


def load_all() -> None:
    """Read every file now, so that none has to be opened later. Raises StatementFailed."""
    for name in statement_names():
        load(name)


@cache
def directory() -> Traversable:
    """A wheel holds the statements inside the package, a checkout beside it."""
    packaged = files("identity_service").joinpath("cypher")
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "cypher"


def _names(directory: Traversable, prefix: str) -> list[str]:
    names: list[str] = []
    for entry in directory.iterdir():
        if entry.is_dir():
            names += _names(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(SUFFIX):
            names.append(prefix + entry.name.removesuffix(SUFFIX))
    return names


def _sections(name: str, header: list[str]) -> dict[str, list[str]]:
    """The lines of each section; a continued line keeps the spaces that it is indented by."""
    sections: dict[str, list[str]] = {}
    body: list[str] | None = None
    for line in header:
        if opened := _SECTION.fullmatch(line):
            body = sections.setdefault(opened[1], [])
            if opened[2]:
                body.append(opened[2])
        elif (continued := _CONTINUED.fullmatch(line)) and body is not None:
            body.append(continued[1] + continued[2])
        else:
            raise _malformed(name, f"its header has the line {line!r}")
    return sections


def _entries(name: str, body: list[str]) -> Mapping[str, str]:
    """The entries, `name: type` each; any other line carries the one before it on."""
    entries: dict[str, str] = {}
    if body == ["none"]:
        body = []
    # An entry may also stand on the line of the section's title, where nothing is indented.
    shallowest = min((_depth(line) for line in body if _depth(line)), default=0)
    current = ""
    for line in body:
        entry = _ENTRY.fullmatch(line.strip())
        if entry and _depth(line) in (0, shallowest):
            current = entry[1]
            if current in entries:
                raise _malformed(name, f"its header describes {current} twice")
            entries[current] = entry[2]
        elif current:
            entries[current] += " " + line.strip()
        else:
            raise _malformed(name, f"its header has the entry {line.strip()!r}")
    return MappingProxyType(entries)


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def _malformed(name: str, why: str) -> StatementFailed:
    return StatementFailed(
        f"The statement {name} is malformed: {why}.", remedy="cypher/README.md shows the form."
    )
