"""A graph as files for the offline import of Neo4j: CSV, whose header names the types.

Texts stand between U+001E, which JSON does not hold, so that next to none has to be changed. The
format has no escape for the delimiter of a list's entries, U+001F: inside an entry it becomes
U+FFFD. Everything else is kept as it is.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self, TypeAlias

FORMAT: Final = (
    "--quote=U+001E",
    "--array-delimiter=U+001F",
    "--path-pattern-style=none",
    # Room for the largest value: a change that moves 10,000 identifiers names them all.
    "--read-buffer-size=16m",
)

Row: TypeAlias = Sequence[Any]

_QUOTE: Final = "\x1e"
_ENTRIES: Final = "\x1f"
_INSTEAD: Final = "\ufffd"

_SHAPES: Final = 10_000
"""How many shapes of rows are remembered at most."""

_NOTHING: Final[Mapping[str, Any]] = {}


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
        if key:
            self._nodes(kind).write(
                ((properties[key], _ENTRIES.join(labels)), properties)
                for labels, properties, *_ in rows
            )
        else:
            self._group("--nodes=", kind, (":LABEL",)).write(
                ((_ENTRIES.join(labels),), properties) for labels, properties, *_ in rows
            )

    def relationships(self, name: str, ends: tuple[str, str], rows: Iterable[Row]) -> None:
        """Write relationships of a type: rows of a key, a key and, if there are any, properties.

        `ends` are the kinds of the nodes that the keys belong to. One whose end is not written is
        left out by the import.
        """
        for kind in ends:
            self._nodes(kind)  # the import wants files of a kind, if only empty ones
        fixed = (f":START_ID({ends[0]})", f":END_ID({ends[1]})")
        self._group(f"--relationships={name}=", name, fixed).write(
            ((a, b), properties[0] if properties else _NOTHING) for a, b, *properties in rows
        )

    def arguments(self) -> tuple[str, ...]:
        """Arguments of `neo4j-admin database import full`, to be run in the directory."""
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

    def places(self, types: Mapping[str, type]) -> list[int] | None:
        """The columns of these properties in their order; None where one holds another type."""
        typed = [(name, _TYPES[each]) for name, each in types.items()]
        if any(self._columns.get(name, (0, kind))[1] != kind for name, kind in typed):
            return None
        return [self._columns.setdefault(n, (len(self._columns), k))[0] for n, k in typed]

    def write(self, lines: str) -> None:
        """Append lines without breaks in them."""
        self._unbroken.write(lines)

    def write_row(self, row: str) -> None:
        """Append a row, which may hold line breaks."""
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
        header = ",".join(
            f"{_QUOTE}{_doubled(column)}{_QUOTE}" for column in (*self._fixed, *columns)
        )
        self._path.with_name(self.files[0]).write_text(f"{header}\n", encoding="utf-8")

    def _file(self, suffix: str) -> IO[str]:
        path = self._path.with_name(self._path.name + suffix)
        return self._open.enter_context(path.open("w", encoding="utf-8", newline=""))


class _Shape:
    """Rows whose properties have the same names and types, and how they become lines of a table."""

    def __init__(
        self, table: _Table, fixed: int, types: Mapping[str, type], places: Sequence[int]
    ) -> None:
        self._table = table
        in_order = sorted(zip(places, types.items(), strict=True))
        self._names = [name for _, (name, _) in in_order]
        self._converted = [
            (place, _WRITTEN[each])
            for place, (_, (_, each)) in enumerate(in_order, start=fixed)
            if each in _WRITTEN
        ]
        quoted = f"{_QUOTE}%s{_QUOTE}"
        fields = [quoted] * fixed + [""] * (max(places, default=-1) + 1)
        for place, (_, each) in in_order:
            fields[fixed + place] = quoted if each in (str, list) else "%s"
        self._line = ",".join(fields)
        self._quotes = self._line.count(_QUOTE)

    def write(self, rows: Sequence[tuple[tuple[str, ...], Mapping[str, Any]]]) -> None:
        """Append rows: texts that come first, and properties."""
        values = [self._values(*row) for row in rows]
        lines = "\n".join([*map(self._line.__mod__, values), ""])
        if (
            lines.count(_QUOTE) == self._quotes * len(rows)
            and lines.count("\n") == len(rows)
            and "\r" not in lines
        ):
            self._table.write(lines)
            return
        # Somewhere in a text is what means something to the reader: one by one.
        for row in values:
            self._table.write_row(self._line % tuple(map(_doubled, row)))

    def _values(self, fixed: tuple[str, ...], properties: Mapping[str, Any]) -> tuple[Any, ...]:
        if not self._names:
            return fixed
        values = [*fixed, *map(properties.__getitem__, self._names)]
        for place, written in self._converted:
            values[place] = written(values[place])
        return tuple(values)


class _Group:
    """Nodes of a kind, or relationships of a type: in several tables where types differ."""

    def __init__(self, path: Path, option: str, fixed: Sequence[str], open_: ExitStack) -> None:
        self.tables = [_Table(path, option, fixed, open_)]
        self._fixed = len(fixed)
        self._next: Callable[[], _Table] = lambda: _Table(
            path.with_name(f"{path.name}-{len(self.tables)}"), option, fixed, open_
        )
        self._known: dict[tuple[Any, ...], _Shape] = {}

    def write(self, rows: Iterable[tuple[tuple[str, ...], Mapping[str, Any]]]) -> None:
        """Append rows: the texts of the fixed columns, and properties."""
        alike: dict[tuple[Any, ...], list[tuple[tuple[str, ...], Mapping[str, Any]]]]
        alike = defaultdict(list)
        for row in rows:
            properties = row[1]
            alike[*properties, *map(type, properties.values())].append(row)
        for shape, same in alike.items():
            (self._known.get(shape) or self._learn(shape, same[0][1])).write(same)

    def _learn(self, shape: tuple[Any, ...], properties: Mapping[str, Any]) -> _Shape:
        types: dict[str, type] = {name: type(value) for name, value in properties.items()}
        for table in (*self.tables, None):
            if table is None:
                table = self._next()
                self.tables.append(table)
            places = table.places(types)
            if places is not None:
                if len(self._known) >= _SHAPES:
                    self._known.clear()
                learned = self._known[shape] = _Shape(table, self._fixed, types, places)
                return learned
        raise AssertionError("a new table takes every type")


def _doubled(value: Any) -> Any:
    return value.replace(_QUOTE, _QUOTE * 2) if isinstance(value, str) else value


def _entries(entries: list[str]) -> str:
    return _ENTRIES.join([entry.replace(_ENTRIES, _INSTEAD) for entry in entries])


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
    float: _float,
    bool: lambda truth: "true" if truth else "false",
    list: _entries,
}
"""How values are written that are not written as they are."""
