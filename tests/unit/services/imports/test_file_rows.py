"""The rows of lines, of CSV and of Parquet: each with its number, from where a load stopped."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from identity_service.collect.warehouse import Table
from identity_service.domain.events import Rejection, RejectionCode, ReportedEvent
from identity_service.errors import BadInput
from identity_service.services.imports.file_rows import open_rows
from identity_service.services.imports.input_files import Format, InputFile
from identity_service.services.kit.optional import library

pyarrow, parquet = library("pyarrow"), library("pyarrow.parquet")

NOW = 1_790_000_000_000

HEADER = "id,user_id,event,city\n"


def table_file(path: Path, table: Table = Table.EVENT) -> InputFile:
    return InputFile(path, path.name, Format.WAREHOUSE, table)


def read(file: InputFile, after: int = 0) -> list[tuple[int, ReportedEvent | Rejection]]:
    with open_rows(file, after) as opened:
        return [(row.number, row.read(NOW)) for row in opened.rows]


def events(file: InputFile, after: int = 0) -> list[tuple[int, str]]:
    found = read(file, after)
    return [(number, one.message_id) for number, one in found if isinstance(one, ReportedEvent)]


def written(path: Path, rows: list[dict[str, Any]], **more: Any) -> InputFile:
    parquet.write_table(pyarrow.Table.from_pylist(rows), path, **more)
    return table_file(path)


def numbered(count: int) -> list[dict[str, Any]]:
    return [{"id": f"m-{n}", "user_id": f"u-{n}", "event": "seen"} for n in range(1, count + 1)]


def test_lines_have_the_numbers_of_their_places_empty_ones_included(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    line = '{"type":"track","userId":"u","messageId":"m-%d"}\n'
    path.write_text(line % 1 + "\n" + line % 3 + line % 4)
    file = InputFile(path, path.name, Format.SEGMENT)

    assert events(file) == [(1, "m-1"), (3, "m-3"), (4, "m-4")]
    assert events(file, after=3) == [(4, "m-4")]


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzipped"])
def test_records_of_csv_may_go_on_over_lines(tmp_path: Path, pack: Any) -> None:
    path = tmp_path / "seen.csv"
    text = "\ufeff" + HEADER + 'm-1,u-1,seen,"Den\nHaag, ""NL"""\n\nm-2,u-2,seen,\n'
    path.write_bytes(pack(text.encode()))

    [(first, one), (second, other)] = read(table_file(path))

    assert isinstance(one, ReportedEvent)
    assert isinstance(other, ReportedEvent)
    assert (first, second) == (2, 5)
    assert one.properties == {"city": 'Den\nHaag, "NL"'}
    assert other.properties == {}
    assert events(table_file(path), after=2) == [(5, "m-2")]


def test_a_row_with_another_number_of_values_is_set_aside_and_the_next_one_is_read(
    tmp_path: Path,
) -> None:
    path = tmp_path / "seen.csv"
    path.write_text(HEADER + "m-1,u-1\nm-2,u-2,seen,Utrecht,x\nm-3,u-3,seen,Utrecht\n")

    found = read(table_file(path))

    rejections = [(number, one) for number, one in found if isinstance(one, Rejection)]
    assert [(number, one.code, one.message) for number, one in rejections] == [
        (2, RejectionCode.INVALID_FIELD, "The row has 2 values; there are 4 columns."),
        (3, RejectionCode.INVALID_FIELD, "The row has 5 values; there are 4 columns."),
    ]
    assert rejections[0][1].body == "m-1,u-1\n"
    assert events(table_file(path)) == [(4, "m-3")]


def test_an_empty_csv_has_no_columns(tmp_path: Path) -> None:
    path = tmp_path / "seen.csv"
    path.touch()

    with pytest.raises(BadInput, match="has no column “event"):
        read(table_file(path))


def test_rows_of_parquet_keep_their_types(tmp_path: Path) -> None:
    row = {
        "id": "m-1",
        "user_id": "u-1",
        "event": "seen",
        "timestamp": datetime(2026, 3, 1, 10, tzinfo=UTC),
        "count": 3,
        "price": 2.5,
        "tags": ["a", "b"],
        "nothing": None,
    }

    [(number, event)] = read(written(tmp_path / "seen.parquet", [row]))

    assert isinstance(event, ReportedEvent)
    assert (number, event.at) == (1, 1_772_359_200_000)
    assert event.properties == {"count": 3, "price": 2.5, "tags": ["a", "b"]}


@pytest.mark.parametrize("after", [0, 1, 999, 1_000, 1_001, 1_700, 2_500])
def test_parquet_is_read_on_from_any_row(tmp_path: Path, after: int) -> None:
    file = written(tmp_path / "seen.parquet", numbered(2_500), row_group_size=1_000)

    assert events(file, after) == [(n, f"m-{n}") for n in range(after + 1, 2_501)]


def test_the_position_goes_from_the_beginning_of_a_file_to_its_end(tmp_path: Path) -> None:
    file = written(tmp_path / "seen.parquet", numbered(10))

    with open_rows(file) as opened:
        before = opened.position()
        list(opened.rows)
        after = opened.position()

    assert (before, after) == (0, file.path.stat().st_size)


def test_what_only_begins_like_parquet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "seen.parquet"
    path.write_bytes(b"PAR1 and nothing more")

    with pytest.raises(BadInput, match="no Parquet file that can be read"):
        read(table_file(path))


def test_a_damaged_parquet_file_gives_the_rows_before_the_damage(tmp_path: Path) -> None:
    file = written(tmp_path / "seen.parquet", numbered(3_000), row_group_size=1_000)
    metadata = parquet.read_metadata(file.path)
    second = metadata.row_group(1).column(0)
    damaged = bytearray(file.path.read_bytes())
    begin = second.dictionary_page_offset or second.data_page_offset
    damaged[begin : begin + 400] = bytes(400)
    file.path.write_bytes(damaged)
    numbers: list[int] = []

    with open_rows(file) as opened, pytest.raises(BadInput, match="damaged"):
        numbers.extend(row.number for row in opened.rows)

    assert numbers == list(range(1, 1_001))
