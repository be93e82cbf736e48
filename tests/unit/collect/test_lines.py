"""Lines of files, plain and gzipped, whole and damaged."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path

import pytest

from identity_service.collect.lines import MAX_LINE, read_lines
from identity_service.errors import BadInput


def lines_of(path: Path) -> list[bytes]:
    with path.open("rb") as file:
        return list(read_lines(file))


def lines_until_refused(path: Path) -> tuple[list[bytes], str]:
    found: list[bytes] = []
    with path.open("rb") as file, pytest.raises(BadInput) as refused:
        found.extend(read_lines(file))
    return found, str(refused.value)


def numbered(count: int) -> Sequence[bytes]:
    return [b'{"n": %d}\n' % n for n in range(count)]


def test_gzip_is_told_by_its_first_bytes_and_not_by_the_name(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.gz", tmp_path / "b.jsonl"
    plain.write_bytes(b"".join(numbered(3)))
    packed.write_bytes(gzip.compress(b"".join(numbered(3))))

    assert lines_of(plain) == lines_of(packed) == numbered(3)


def test_gzip_files_that_were_joined_are_read_to_the_end(tmp_path: Path) -> None:
    path = tmp_path / "joined"
    path.write_bytes(gzip.compress(b"a\n") + gzip.compress(b"b\n"))

    assert lines_of(path) == [b"a\n", b"b\n"]


def test_a_last_line_without_its_end_counts(tmp_path: Path) -> None:
    path = tmp_path / "open"
    path.write_bytes(b"a\nb")

    assert lines_of(path) == [b"a\n", b"b"]


def test_of_a_cut_gzip_file_every_whole_line_is_read_and_then_it_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut"
    packed = gzip.compress(b"".join(numbered(50_000)))
    path.write_bytes(packed[: len(packed) // 2])

    found, refusal = lines_until_refused(path)

    assert len(found) > 10_000
    assert found == numbered(len(found))
    assert "cut off" in refusal


def test_of_a_damaged_gzip_file_the_lines_before_the_damage_are_read(tmp_path: Path) -> None:
    path = tmp_path / "damaged"
    path.write_bytes(gzip.compress(b"".join(numbered(10))) + b"no gzip")

    found, refusal = lines_until_refused(path)

    assert found == numbered(10)
    assert "damaged" in refusal


def test_a_line_without_bounds_is_cut_and_the_next_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "long"
    path.write_bytes(b"a" * (MAX_LINE + 3_000_000) + b"\nb\n")

    cut, following = lines_of(path)

    assert len(cut) == MAX_LINE + 1
    assert following == b"b\n"
