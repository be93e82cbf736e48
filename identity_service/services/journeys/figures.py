"""Figures: the answers of journeys, as rows and as whatever a program works with."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from identity_service.domain.journeys.journeys import ColumnType, Journey, Value
from identity_service.services.kit.optional import library

_FORMULA: Final = re.compile(r"[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
"""How a text begins that spreadsheets run; the last four are wide forms of the first."""

_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Figure:
    """The answer of a journey: `rows` in the order of its columns. Iterating gives maps by name.

    `asked` is what was asked, by the names of the parameters, as `Journey.arguments` read it.
    """

    journey: Journey
    asked: Mapping[str, Any]
    rows: Sequence[Sequence[Value]]

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.journey.columns)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Mapping[str, Value]]:
        return (dict(zip(self.columns, row, strict=True)) for row in self.rows)

    def to_csv(self) -> str:
        """As CSV (RFC 4180), with a line of names. No value is an empty field, and a
        list is one with commas.

        A text that a spreadsheet would take for a formula begins with `'`, which is not part of
        it; numbers stay as they are. JSON and Parquet have every text as it was sent.
        """
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(self.columns)
        writer.writerows(map(_guarded, row) for row in self.rows)
        return text.getvalue()

    def to_json(self) -> str:
        """As a JSON list of objects."""
        return json.dumps(list(self), indent=2, ensure_ascii=False) + "\n"

    def to_arrow(self) -> Any:
        """As a `pyarrow.Table` with typed columns. Raises MissingExtra without pyarrow."""
        pa = library("pyarrow")
        types = {
            ColumnType.TEXT: pa.string(),
            ColumnType.INTEGER: pa.int64(),
            ColumnType.NUMBER: pa.float64(),
            ColumnType.IDENTIFIERS: pa.list_(pa.string()),
        }
        schema = pa.schema([(column.name, types[column.type]) for column in self.journey.columns])
        return pa.Table.from_pylist([dict(row) for row in self], schema=schema)

    def to_parquet(self) -> bytes:
        """As a Parquet file. Raises MissingExtra without pyarrow."""
        table, sink = self.to_arrow(), io.BytesIO()
        library("pyarrow.parquet").write_table(table, sink)
        return sink.getvalue()

    def to_pandas(self) -> Any:
        """As a `pandas.DataFrame`. Raises MissingExtra without pyarrow and pandas."""
        library("pandas")
        return self.to_arrow().to_pandas()

    def to_polars(self) -> Any:
        """As a `polars.DataFrame`. Raises MissingExtra without pyarrow and polars."""
        return library("polars").from_arrow(self.to_arrow())


def _guarded(cell: Value) -> Value:
    """A cell that no spreadsheet runs (OWASP, “CSV Injection”)."""
    if isinstance(cell, list):
        cell = ", ".join(cell)
    if isinstance(cell, str) and _FORMULA.match(cell) and not _NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell
