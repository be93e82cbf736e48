from __future__ import annotations

import pytest

from identity_service.errors import SchemaMismatch
from identity_service.graph import schema, statements
from identity_service.graph.statements import Definition, parse


def test_rewording_the_header_of_a_file_does_not_change_its_checksum(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "CREATE INDEX a IF NOT EXISTS FOR (n:A) ON (n.x)"

    first = _read(monkeypatch, f"// Purpose: One.\n// Access: schema\n{text}")
    reworded = _read(monkeypatch, f"// Purpose: Another.\n// Access: schema\n{text}")
    changed = _read(monkeypatch, f"// Purpose: One.\n// Access: schema\n{text[:-2]}y)")

    assert first.checksum == reworded.checksum
    assert first.checksum != changed.checksum
    assert (first.number, first.name, first.index) == (7, "0007_a", "a")


def test_a_file_that_could_not_be_applied_twice_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(SchemaMismatch, match="0007_a"):
        _read(monkeypatch, "// Purpose: One.\n// Access: schema\nCREATE INDEX a FOR (n:A) ON (n.x)")


def _read(monkeypatch: pytest.MonkeyPatch, source: str) -> schema.SchemaFile:
    def load(name: str) -> Definition:
        return parse(name, source)

    def names() -> tuple[str, ...]:
        return ("ingest/other", "schema/0007_a")

    monkeypatch.setattr(statements, "load", load)
    monkeypatch.setattr(schema, "statement_names", names)
    (file,) = schema.schema_files()
    return file


def test_no_two_files_have_one_number() -> None:
    numbers = [file.number for file in schema.schema_files()]

    assert sorted(set(numbers)) == numbers
