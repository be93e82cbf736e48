"""The command `duckdb`, as far as the pages use it, over the DuckDB that the tests have."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb


def main() -> None:
    """`duckdb [-noheader] [-list] FILE [-c SQL] [-f SCRIPT] [SQL]`."""
    words = iter(sys.argv[1:])
    connection, plain = None, False
    for word in words:
        if word in ("-noheader", "-list"):
            plain = True
        elif connection is None:
            connection = duckdb.connect(word)
        else:
            text = {"-c": str, "-f": _read}[word](next(words)) if word[0] == "-" else word
            _print(connection.sql(text), plain=plain)


def _read(script: str) -> str:
    return Path(script).read_text(encoding="utf-8")


def _print(answer: duckdb.DuckDBPyRelation | None, *, plain: bool) -> None:
    if answer is None or answer.columns in (["Success"], ["Count"]):  # of no query
        return
    if plain:
        for row in answer.fetchall():
            print(*row, sep="|")  # noqa: T201
    else:
        print(answer)  # noqa: T201


if __name__ == "__main__":
    main()
