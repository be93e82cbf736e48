"""Which files a load reads, in which order, and what each holds."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePath
from typing import Final

from identity_service.collect.warehouse import Table, table_of
from identity_service.errors import BadInput


class Format(StrEnum):
    """What the rows of a file are."""

    SEGMENT = "segment"
    WAREHOUSE = "warehouse"
    SNOWPLOW = "snowplow"


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file, the name by which its rows are known again, and what they are.

    `table` is that of a file of a warehouse.
    """

    path: Path
    name: str
    format: Format
    table: Table | None = None

    def digest(self) -> str | None:
        """What tells it from another file of its name; None for a pipe, which is read once.

        Its size, its last change, and both of its ends: all of a large file would take as long to
        read as to load.
        """
        if not self.path.is_file():
            return None
        about = self.path.stat()
        digest = hashlib.sha256(f"{about.st_size} {about.st_mtime_ns}".encode())
        with self.path.open("rb") as file:
            digest.update(file.read(_ENDS))
            file.seek(max(0, about.st_size - _ENDS))
            digest.update(file.read(_ENDS))
        return digest.hexdigest()[:32]


_ENDS: Final = 64 * 1024
_TABLES: Final = frozenset({".csv", ".parquet"})
_DIGITS: Final = re.compile(r"(\d+)")


def find_files(
    paths: Iterable[Path], format_: Format | None = None, table: Table | None = None
) -> list[InputFile]:
    """The files in their order, directories walked by name, numbers in names by their value.

    Hidden files, and those that a writer leaves as marks (`_SUCCESS`), are passed over. Files of a
    table `tracks` come last, since tables of one event say more of the same events. Without
    `format_`, `.csv` and `.parquet` are tables, `.tsv` is Snowplow's, and all else JSON lines;
    without `table`, the name of a file says which it is. Raises BadInput for a directory without
    files.
    """
    found: list[InputFile] = []
    for path in paths:
        if not path.is_dir():
            found.append(_input_file(path, path.name, format_, table))
            continue
        inside = list(_walk(path))
        if not inside:
            raise BadInput(f"The directory {path} has no files.", remedy="Name another one.")
        found += [
            _input_file(each, each.relative_to(path).as_posix(), format_, table) for each in inside
        ]
    return sorted(found, key=lambda file: file.table is Table.TRACKS)


def _input_file(path: Path, name: str, format_: Format | None, table: Table | None) -> InputFile:
    suffixes = set(path.suffixes)
    if format_ is None:
        format_ = Format.WAREHOUSE if table or suffixes & _TABLES else Format.SEGMENT
        format_ = Format.SNOWPLOW if ".tsv" in suffixes else format_
    if format_ is not Format.WAREHOUSE:
        return InputFile(path, name, format_)
    return InputFile(path, name, format_, table or table_of(PurePath(path.absolute())))


def _walk(directory: Path) -> Iterator[Path]:
    for path in sorted(directory.iterdir(), key=_in_order):
        if path.name.startswith(".") or _is_mark(path):
            continue
        if path.is_dir():
            yield from _walk(path)
        else:
            yield path


def _is_mark(path: Path) -> bool:
    """Whether a writer left it beside its files; RudderStack has a table `_groups`."""
    return path.name.startswith("_") and table_of(PurePath(path.name)) is Table.EVENT


def _in_order(path: Path) -> list[tuple[bool, int, str]]:
    """By name, `part-2` before `part-10`."""
    return [
        (not part.isdecimal(), int(part) if part.isdecimal() else 0, part)
        for part in _DIGITS.split(path.name)
    ]
