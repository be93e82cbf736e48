"""A graph as files for the offline import of Neo4j: CSV, whose header names the types.

The format has no escape for the delimiter of a list's entries, U+001F: inside an entry it becomes
U+FFFD. Everything else is kept as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self, TypeAlias

FORMAT: Final = (
    "--array-delimiter=U+001F",
    "--path-pattern-style=none",
    # Room for the largest value: a change that moves 10,000 identifiers names them all.
    "--read-buffer-size=16m",
)

Row: TypeAlias = Sequence[Any]

_ENTRIES: Final = "\x1f"
_INSTEAD: Final = "\ufffd"

_SHAPES: Final = 10_000
"""How many shapes of rows are remembered at most."""


class ImportFiles:
    """Writes nodes and relationships, in any order, into files of a directory that exists.

    Properties are texts, numbers, truth values and lists of texts. It is a context; when that is
    left, the files are whole and `arguments` names them.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._open = ExitStack()
        self._groups: dict[str, _Group] = {}

    def nodes(self, rows: Iterable[Row], kind: str, key: str = "") -> None:
        """Write nodes: rows begin with labels and properties. `key` is what relationships name.

        Of nodes of a kind with the same key one is imported; nothing relates to those without.
        """
        group = self._nodes(kind) if key else self._group("--nodes=", kind, (":LABEL",))
        for labels, properties, *_ in rows:
            first = _text(_ENTRIES.join(labels))
            group.write(f"{_text(properties[key])},{first}" if key else first, properties)

    def relationships(self, name: str, ends: tuple[str, str], rows: Iterable[Row]) -> None:
        """Write relationships of a type: rows of a key, a key and, if there are any, properties.

        `ends` are the kinds of the nodes that the keys belong to. One whose end is not written is
        left out by the import.
        """
        for kind in ends:
            self._nodes(kind)  # the import wants files of a kind, if only empty ones
        fixed = (f":START_ID({ends[0]})", f":END_ID({ends[1]})")
        group = self._group(f"--relationships={name}=", name, fixed)
        for a, b, *properties in rows:
            group.write(f"{_text(a)},{_text(b)}", properties[0] if properties else {})

    def arguments(self) -> tuple[str, ...]:
        """What `neo4j-admin database import full`, run in the directory, is to be told of them."""
        tables = [table for group in self._groups.values() for table in group.tables]
        files = (f"{table.option}{','.join(table.files)}" for table in tables)
        broken = ",".join(table.broken for table in tables if table.broken)
        multiline = ("--multiline-fields-format=v2", f"--multiline-fields={broken}")
        return (*FORMAT, *files, *(multiline if broken else ()))

    def _nodes(self, kind: str) -> _Group:
        return self._group("--nodes=", kind, (f":ID({kind})", ":LABEL"))

    def _group(self, option: str, name: str, fixed: Sequence[str]) -> _Group:
        if name not in self._groups:
            self._groups[name] = _Group(self._directory / name, option, fixed, self._open)
        return self._groups[name]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._open.close()
        for group in self._groups.values():
            for table in group.tables:
                table.write_header()


class _Table:
    """Rows under one header: a column for each property, none with values of two types.

    Columns are added as properties come; rows that were written before are shorter. Rows with a
    line break are in a file of their own, since it is read more slowly.
    """

    def __init__(self, path: Path, option: str, fixed: Sequence[str], open_: ExitStack) -> None:
        self.option = option
        self.broken = ""
        self._path = path
        self._fixed = fixed
        self._open = open_
        self._columns: dict[str, tuple[int, str]] = {}
        self._unbroken = self._file(".csv")
        self._with_breaks: IO[str] | None = None

    @property
    def files(self) -> list[str]:
        """The names of its files, the header first."""
        names = [f"{self._path.name}.header.csv", f"{self._path.name}.csv"]
        return [*names, self.broken] if self.broken else names

    def places(self, properties: Mapping[str, Any]) -> list[int] | None:
        """The columns of these properties in their order; None where one holds another type."""
        typed = [(name, _TYPES[type(value)]) for name, value in properties.items()]
        if any(self._columns.get(name, (0, kind))[1] != kind for name, kind in typed):
            return None
        return [self._columns.setdefault(n, (len(self._columns), k))[0] for n, k in typed]

    def write(self, row: str) -> None:
        """Append a row."""
        if "\n" not in row and "\r" not in row:
            self._unbroken.write(f"{row}\n")
            return
        if self._with_breaks is None:
            self.broken = f"{self._path.name}.broken.csv"
            self._with_breaks = self._file(".broken.csv")
        self._with_breaks.write(f"{row}\n")

    def write_header(self) -> None:
        """Write what the columns are, once all rows are known."""
        columns = (f"{name}:{kind}" for name, (_, kind) in self._columns.items())
        header = ",".join(map(_text, (*self._fixed, *columns)))
        self._path.with_name(self.files[0]).write_text(f"{header}\n", encoding="utf-8")

    def _file(self, suffix: str) -> IO[str]:
        path = self._path.with_name(self._path.name + suffix)
        return self._open.enter_context(path.open("w", encoding="utf-8", newline=""))


class _Group:
    """Nodes of a kind, or relationships of a type: in several tables where types differ."""

    def __init__(self, path: Path, option: str, fixed: Sequence[str], open_: ExitStack) -> None:
        self.tables = [_Table(path, option, fixed, open_)]
        self._next: Callable[[], _Table] = lambda: _Table(
            path.with_name(f"{path.name}-{len(self.tables)}"), option, fixed, open_
        )
        self._known: dict[tuple[Any, ...], tuple[_Table, list[int]]] = {}

    def write(self, first: str, properties: Mapping[str, Any]) -> None:
        """Append a row, whose first fields are written already."""
        if not properties:
            self.tables[0].write(first)
            return
        shape = (*properties, *map(type, properties.values()))
        table, places = self._known.get(shape) or self._place(shape, properties)
        row = [""] * (max(places) + 1)
        for place, value in zip(places, properties.values(), strict=True):
            row[place] = _WRITTEN[type(value)](value)
        table.write(f"{first},{','.join(row)}")

    def _place(
        self, shape: tuple[Any, ...], properties: Mapping[str, Any]
    ) -> tuple[_Table, list[int]]:
        for table in (*self.tables, None):
            if table is None:
                table = self._next()
                self.tables.append(table)
            places = table.places(properties)
            if places is not None:
                if len(self._known) >= _SHAPES:
                    self._known.clear()
                self._known[shape] = table, places
                return table, places
        raise AssertionError("a new table takes every type")


def _text(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def _texts(entries: list[str]) -> str:
    return _text(_ENTRIES.join(entry.replace(_ENTRIES, _INSTEAD) for entry in entries))


def _float(number: float) -> str:
    if math.isfinite(number):
        return repr(number)
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


_TYPES: Final[Mapping[type, str]] = {
    str: "string",
    int: "long",
    float: "double",
    bool: "boolean",
    list: "string[]",
}
_WRITTEN: Final[Mapping[type, Callable[[Any], str]]] = {
    str: _text,
    int: repr,
    float: _float,
    bool: lambda truth: "true" if truth else "false",
    list: _texts,
}
