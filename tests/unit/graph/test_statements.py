from __future__ import annotations

import zipfile
from collections.abc import Callable
from importlib.resources.abc import Traversable
from pathlib import Path

import pytest

from identity_service.errors import StatementFailed
from identity_service.graph import statements
from identity_service.graph.statements import Access, parse, statement, statement_names

FULL = """\
// Purpose: Write a batch of events, none of which is known yet,
//   and what they observe.
// Access: write
// Space: keys
// Scan: they are few,
//   and it runs once
// Parameters:
//   w.identifiers: list of [key, type]: sorted by key
//   w.events: list of [key, its
//     identifiers: keys]
//   policy: integer: the version in force
// Columns:
//   written: integer: events
UNWIND $w.events AS row // one by one
RETURN count(*) AS written;
"""


def test_a_header_is_read_into_its_parts() -> None:
    definition = parse("ingest/x", FULL)

    assert definition.purpose == (
        "Write a batch of events, none of which is known yet, and what they observe."
    )
    assert definition.access is Access.WRITE
    assert definition.parameters == {
        "w.identifiers": "list of [key, type]: sorted by key",
        "w.events": "list of [key, its identifiers: keys]",
        "policy": "integer: the version in force",
    }
    assert definition.columns == {"written": "integer: events"}
    assert definition.notes == {"Space": "keys", "Scan": "they are few, and it runs once"}


def test_the_text_is_the_statement_without_header_and_semicolon() -> None:
    definition = parse("ingest/x", FULL)

    assert definition.text == ("UNWIND $w.events AS row // one by one\nRETURN count(*) AS written")


def test_an_entry_may_stand_on_the_line_of_its_title() -> None:
    definition = parse(
        "x",
        "// Purpose: P.\n// Access: read\n// Parameters: space: string\n//   id: string\nRETURN 1",
    )

    assert definition.parameters == {"space": "string", "id": "string"}


def test_parameters_and_columns_may_be_none_or_absent() -> None:
    none = parse("x", "// Purpose: P.\n// Access: read\n// Parameters: none\nRETURN 1 AS one")

    assert none.parameters == {}
    assert none.columns == {}


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("// Access: read\nRETURN 1", "purpose"),
        ("// Purpose: P.\n// Access: read\n", "statement"),
        ("// Purpose: P.\n// Access: delete\nRETURN 1", "access"),
        ("// Purpose: P.\nRETURN 1", "access"),
        ("// Purpose: P.\n// Access: read\n// something else\nRETURN 1", "something else"),
        ("// Purpose: P.\n// Access: read\n// Parameters: whatever\nRETURN 1", "whatever"),
        ("// Purpose: P.\n// Access: read\n// Columns:\n//   a: b\n//   a: c\nRETURN 1", "twice"),
    ],
)
def test_a_malformed_header_is_refused_with_the_reason(source: str, why: str) -> None:
    with pytest.raises(StatementFailed, match=why):
        parse("folder/name", source)


def test_declaring_a_statement_reads_nothing() -> None:
    absent = statement("nowhere/absent")

    with pytest.raises(StatementFailed, match="no statement nowhere/absent"):
        _ = absent.definition


def test_every_shipped_statement_can_be_read() -> None:
    names = statement_names()

    assert "instance/list_applied_schema" in names
    assert all(statement(name).definition.text for name in names)


def test_a_package_without_statements_of_its_own_takes_those_of_the_checkout(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(statements, "files", _always(tmp_path))

    directory = statements.directory.__wrapped__()

    assert directory == Path(statements.__file__).parents[2] / "cypher"


def test_statements_are_found_in_a_zipped_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    archive = tmp_path / "wheel.zip"
    with zipfile.ZipFile(archive, "w") as wheel:
        wheel.writestr("identity_service/cypher/a/b.cypher", FULL)
    package = zipfile.Path(archive, "identity_service/")
    monkeypatch.setattr(statements, "files", _always(package))
    monkeypatch.setattr(statements, "directory", statements.directory.__wrapped__)

    names = statement_names()
    definition = statements.load.__wrapped__("a/b")

    assert names == ("a/b",)
    assert definition.access is Access.WRITE


def _always(place: Traversable) -> Callable[[str], Traversable]:
    def files(_: str) -> Traversable:
        return place

    return files
