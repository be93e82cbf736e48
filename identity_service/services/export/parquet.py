"""Tables as Parquet files: typed columns, zstd, parts of bounded size."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeAlias

from identity_service.services.kit.optional import library

PART_BYTES: Final = 256 * 1024 * 1024
"""After how many bytes a part is closed, as they lie in memory; on the disk they are fewer."""

GROUP_BYTES: Final = 16 * 1024 * 1024
"""How many bytes are gathered before they are written; no more are held in memory."""


class Kind(Enum):
    """What a column holds. A time is milliseconds since 1970, UTC."""

    TEXT = auto()
    NUMBER = auto()
    REAL = auto()
    TRUTH = auto()
    TIME = auto()
    TEXTS = auto()
    MAP = auto()


Columns: TypeAlias = Mapping[str, Kind]
"""The names of a table's columns, in order, with what they hold."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a table. Its path is relative to the directory that holds all tables."""

    path: str
    rows: int
    bytes: int
    sha256: str


class TableWriter:
    """Writes a table, in the order in which rows come, into the directory of its name.

    It is a context; when that is left, `parts` holds what was written, at least one file.
    Raises MissingExtra where pyarrow is not installed.
    """

    def __init__(self, root: Path, name: str, columns: Columns, part_bytes: int = PART_BYTES):
        self._pyarrow = library("pyarrow")
        self._parquet = library("pyarrow.parquet")
        self._root = root
        self._name = name
        self._schema = _schema(self._pyarrow, columns)
        self._part_bytes = part_bytes
        self._gathered: list[Any] = []
        self._gathered_bytes = 0
        self._file: Any = None
        self._file_rows = 0
        self._file_bytes = 0
        self.parts: list[Part] = []

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows, their values in the order of the columns."""
        columns = zip(zip(*rows, strict=True), self._schema, strict=True)
        arrays = [self._pyarrow.array(values, field.type) for values, field in columns]
        table = self._pyarrow.Table.from_arrays(arrays, schema=self._schema)
        self._gathered.append(table)
        self._gathered_bytes += table.nbytes
        if self._gathered_bytes >= GROUP_BYTES:
            self._write_group()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None and (self._gathered or not self.parts):
            self._write_group()
        self._close_part()

    def _write_group(self) -> None:
        if self._file is None:
            path = self._root / self._path()
            path.parent.mkdir(exist_ok=True)
            self._file = self._parquet.ParquetWriter(path, self._schema, compression="zstd")
        group = self._pyarrow.concat_tables([self._schema.empty_table(), *self._gathered])
        self._file.write_table(group)
        self._file_rows += group.num_rows
        self._file_bytes += self._gathered_bytes
        self._gathered, self._gathered_bytes = [], 0
        if self._file_bytes >= self._part_bytes:
            self._close_part()

    def _close_part(self) -> None:
        if self._file is None:
            return
        self._file.close()
        path = self._root / self._path()
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        self.parts.append(Part(self._path(), self._file_rows, path.stat().st_size, digest))
        self._file, self._file_rows, self._file_bytes = None, 0, 0

    def _path(self) -> str:
        return f"{self._name}/part-{len(self.parts):05}.parquet"


def _schema(pyarrow: Any, columns: Columns) -> Any:
    types = {
        Kind.TEXT: pyarrow.string(),
        Kind.NUMBER: pyarrow.int64(),
        Kind.REAL: pyarrow.float64(),
        Kind.TRUTH: pyarrow.bool_(),
        Kind.TIME: pyarrow.timestamp("ms", tz="UTC"),
        Kind.TEXTS: pyarrow.list_(pyarrow.string()),
        Kind.MAP: pyarrow.map_(pyarrow.string(), pyarrow.string()),
    }
    return pyarrow.schema([pyarrow.field(name, types[kind]) for name, kind in columns.items()])
