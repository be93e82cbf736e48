"""The rows of a file, one after the other, in bounded memory."""

from __future__ import annotations

import csv
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from typing import Any, Final, NamedTuple

from identity_service.collect import segment, snowplow_enriched, warehouse
from identity_service.collect.lines import MAX_LINE, read_lines
from identity_service.collect.warehouse import Table
from identity_service.domain.events import Rejection, RejectionCode, ReportedEvent
from identity_service.errors import BadInput
from identity_service.services.imports.input_files import Format, InputFile
from identity_service.services.kit.optional import library

PARQUET_ROWS: Final = 500
"""How many rows of a Parquet file are held as Python has them."""

_PARQUET: Final = b"PAR1"


class Row(NamedTuple):
    """A row that was not read yet: where it stands, from 1, how many bytes it has, and how it is
    read, given the time of its receipt.
    """

    number: int
    size: int
    read: Callable[[int], ReportedEvent | Rejection]


@dataclass(frozen=True, slots=True)
class FileRows:
    """The rows of a file. `position`: how many bytes of the file were read so far."""

    rows: Iterator[Row]
    position: Callable[[], int]


@contextmanager
def open_rows(file: InputFile, after: int = 0) -> Generator[FileRows]:
    """The rows of a file after the one with that number, while the block lasts.

    Raises BadInput where the file is not what it should be, and MissingExtra for Parquet without
    pyarrow. The rows raise BadInput where the file is damaged, after all that come before.
    """
    with file.path.open("rb") as stream:
        if file.table is not None and stream.peek(len(_PARQUET)).startswith(_PARQUET):
            with _parquet_rows(file, stream, file.table, after) as found:
                yield found
            return
        lines = read_lines(stream)
        rows = (
            _line_rows(file, lines)
            if file.table is None
            else _csv_rows(file.name, lines, file.table)
        )
        yield FileRows((row for row in rows if row.number > after), stream.tell)


def _line_rows(file: InputFile, lines: Iterable[bytes]) -> Iterator[Row]:
    """The lines that are not empty; a row has the number of its line."""
    is_snowplow = file.format is Format.SNOWPLOW
    read_line = snowplow_enriched.read_line if is_snowplow else segment.read_line

    def row(number: int, line: bytes) -> Row:
        def read(received_at: int) -> ReportedEvent | Rejection:
            return read_line(line, received_at, file.name, number)

        return Row(number, len(line), read)

    return (row(number, line) for number, line in enumerate(lines, 1) if line.strip())


def _table_row(name: str, table: Table, number: int, size: int, values: Mapping[str, Any]) -> Row:
    def read(received_at: int) -> ReportedEvent | Rejection:
        return warehouse.read_row(values, table, received_at, name, number)

    return Row(number, size, read)


def _csv_rows(name: str, lines: Iterable[bytes], table: Table) -> Iterator[Row]:
    """The records of CSV with a header; a row is known by the number of its first line."""
    csv.field_size_limit(MAX_LINE)
    taken: list[bytes] = []
    count = 0

    def texts() -> Iterator[str]:
        nonlocal count
        for line in lines:
            count += 1
            taken.append(line)
            yield line.decode("utf-8-sig" if count == 1 else "utf-8", "replace")

    records = csv.reader(texts())
    try:
        header = next(records, list[str]())
    except csv.Error as error:
        raise BadInput(f"Its header cannot be read: {error}.") from error
    warehouse.check_columns(table, header)
    while True:
        taken.clear()
        first = count + 1
        problem = ""
        values: list[str] = []
        try:
            values = next(records)
        except StopIteration:
            return
        except csv.Error as error:
            problem = f"The row is no CSV: {error}."
        if not values and not problem:
            continue
        raw = b"".join(taken)
        if len(values) != len(header) and not problem:
            problem = f"The row has {len(values)} values; there are {len(header)} columns."
        if problem:
            yield _no_row(name, first, raw, problem)
        else:
            yield _table_row(name, table, first, len(raw), dict(zip(header, values, strict=True)))


def _no_row(name: str, number: int, raw: bytes, problem: str) -> Row:
    rejection = segment.unreadable(RejectionCode.INVALID_FIELD, problem, raw, name, number)

    def read(_received_at: int) -> Rejection:
        return rejection

    return Row(number, len(raw), read)


@contextmanager
def _parquet_rows(
    file: InputFile, stream: BufferedReader, table: Table, after: int
) -> Generator[FileRows]:
    pyarrow = library("pyarrow")
    parquet = library("pyarrow.parquet")
    size = file.path.stat().st_size
    try:
        opened = parquet.ParquetFile(stream)
    except (pyarrow.ArrowException, OSError) as error:
        raise BadInput(f"It is no Parquet file that can be read: {error}.") from error
    warehouse.check_columns(table, opened.schema_arrow.names)
    total = opened.metadata.num_rows
    groups = [opened.metadata.row_group(n).num_rows for n in range(opened.num_row_groups)]
    first_group = number = 0
    while first_group < len(groups) and number + groups[first_group] <= after:
        number += groups[first_group]
        first_group += 1

    def rows() -> Iterator[Row]:
        nonlocal number
        wanted = list(range(first_group, len(groups)))
        try:
            for batch in opened.iter_batches(batch_size=PARQUET_ROWS, row_groups=wanted):
                row_bytes = batch.nbytes // max(1, batch.num_rows)
                for values in batch.to_pylist():
                    number += 1
                    if number > after:
                        yield _table_row(file.name, table, number, row_bytes, values)
        except (pyarrow.ArrowException, OSError) as error:
            raise BadInput(f"It is damaged: {error}.") from error

    with opened:
        yield FileRows(rows(), lambda: size * number // max(1, total))
