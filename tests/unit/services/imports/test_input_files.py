"""Which files a load reads, in which order, and what they are taken for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from identity_service.collect.warehouse import Table
from identity_service.errors import BadInput
from identity_service.services.imports.input_files import Format, InputFile, find_files


def make(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)


def test_a_tree_is_walked_day_by_day_and_part_by_part(tmp_path: Path) -> None:
    make(tmp_path, "1772409600000/2.gz", "1772409600000/10.gz", "1772323200000/1.gz")

    found = find_files([tmp_path])

    assert [file.name for file in found] == [
        "1772323200000/1.gz",
        "1772409600000/2.gz",
        "1772409600000/10.gz",
    ]


def test_marks_of_writers_and_hidden_files_are_passed_over(tmp_path: Path) -> None:
    make(
        tmp_path,
        *("_SUCCESS", ".part-0.crc", "_temporary/0/part-0", ".git/x"),
        *("part-0.csv", "_groups/part-0.csv"),
    )

    assert [file.name for file in find_files([tmp_path])] == ["_groups/part-0.csv", "part-0.csv"]


def test_a_file_that_is_named_is_read_whatever_its_name(tmp_path: Path) -> None:
    make(tmp_path, "_hidden", "b", "a")

    found = find_files([tmp_path / "_hidden", tmp_path / "b", tmp_path / "a"])

    assert [file.name for file in found] == ["_hidden", "b", "a"]


def test_a_directory_without_files_is_refused(tmp_path: Path) -> None:
    make(tmp_path, ".hidden")

    with pytest.raises(BadInput, match="has no files"):
        find_files([tmp_path])


@pytest.mark.parametrize(
    ("name", "format_", "table"),
    [
        ("events.jsonl", Format.SEGMENT, None),
        ("1772323200000.gz", Format.SEGMENT, None),
        ("enriched.tsv.gz", Format.SNOWPLOW, None),
        ("pages.csv", Format.WAREHOUSE, Table.PAGES),
        ("order_completed.parquet", Format.WAREHOUSE, Table.EVENT),
    ],
)
def test_what_a_file_holds_is_seen_from_its_name(
    tmp_path: Path, name: str, format_: Format, table: Table | None
) -> None:
    make(tmp_path, name)

    [file] = find_files([tmp_path / name])

    assert (file.format, file.table) == (format_, table)


def test_what_is_said_of_files_outranks_their_names(tmp_path: Path) -> None:
    make(tmp_path, "rows.csv", "part-0")

    [snowplow] = find_files([tmp_path / "part-0"], Format.SNOWPLOW)
    [by_table] = find_files([tmp_path / "rows.csv"], None, Table.USERS)
    [no_suffix] = find_files([tmp_path / "part-0"], None, Table.TRACKS)

    assert (snowplow.format, snowplow.table) == (Format.SNOWPLOW, None)
    assert by_table.table is Table.USERS
    assert (no_suffix.format, no_suffix.table) == (Format.WAREHOUSE, Table.TRACKS)


def test_tables_of_one_event_come_before_the_table_of_all(tmp_path: Path) -> None:
    make(tmp_path, "tracks.csv", "users.csv", "order_completed.csv")

    assert [file.name for file in find_files([tmp_path])] == [
        "order_completed.csv",
        "users.csv",
        "tracks.csv",
    ]


def digest_of(path: Path) -> str | None:
    return InputFile(path, path.name, Format.SEGMENT).digest()


def test_a_file_is_told_from_another_one_by_its_size_its_ends_and_its_last_change(
    tmp_path: Path,
) -> None:
    path, moved = tmp_path / "events.jsonl", tmp_path / "moved.jsonl"
    path.write_bytes(b"a" * 200_000)
    os.utime(path, ns=(1, 1))
    first = digest_of(path)

    path.rename(moved)
    same = digest_of(moved)
    others: set[str | None] = set()
    for content in (b"b" + b"a" * 199_999, b"a" * 199_999 + b"b", b"a" * 200_001):
        path.write_bytes(content)
        os.utime(path, ns=(1, 1))
        others.add(digest_of(path))
    os.utime(moved, ns=(2, 2))

    assert first == same
    assert len({first, *others, digest_of(moved)}) == 5


def test_a_pipe_has_nothing_to_be_known_by(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    assert digest_of(pipe) is None
