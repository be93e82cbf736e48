"""The lines of a file that may be gzipped and of any length, one at a time."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Generator
from io import BufferedIOBase, BufferedReader
from typing import Final

from identity_service.errors import BadInput

MAX_LINE: Final = 10 * 1024 * 1024
"""Longest line that is taken, in bytes."""

_GZIP_MAGIC: Final = b"\x1f\x8b"
_DROPPED_AT_ONCE: Final = 1024 * 1024


def read_lines(file: BufferedReader) -> Generator[bytes]:
    """The lines of a file, with their ends; gzip is recognised by its first bytes.

    Of a line beyond `MAX_LINE` the first `MAX_LINE` + 1 bytes come, and the rest is dropped.
    Raises BadInput where a gzip stream is cut off or damaged, after every whole line before that.
    """
    zipped = file.peek(len(_GZIP_MAGIC)).startswith(_GZIP_MAGIC)
    stream: BufferedIOBase = gzip.GzipFile(fileobj=file) if zipped else file
    try:
        while line := stream.readline(MAX_LINE + 1):
            if len(line) > MAX_LINE:
                _drop_rest(stream, line)
            yield line
    except EOFError as error:
        raise BadInput("It is cut off: the gzip stream ends too early.") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise BadInput(f"It is damaged: {error}.") from error


def _drop_rest(stream: BufferedIOBase, line: bytes) -> None:
    while line and not line.endswith(b"\n"):
        line = stream.readline(_DROPPED_AT_ONCE)
