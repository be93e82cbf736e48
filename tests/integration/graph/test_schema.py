from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest

from identity_service.errors import SchemaMismatch
from identity_service.graph import schema
from identity_service.graph.database import Database
from identity_service.graph.schema import SchemaFile
from identity_service.settings import Settings
from tests.support.statements import Access, AdHoc, reading, writing

LATER = SchemaFile(
    number=9999,
    name="9999_schema_test_x",
    checksum="of the first text",
    index="schema_test_x",
    statement=AdHoc(
        "schema/9999_schema_test_x",
        "CREATE INDEX schema_test_x IF NOT EXISTS FOR (n:SchemaTest) ON (n.x)",
        Access.SCHEMA,
    ),
)
DROP_LATER = AdHoc("tests/drop", "DROP INDEX schema_test_x IF EXISTS", Access.SCHEMA)
APPLIED = reading("MATCH (a:AppliedSchema) RETURN count(a) AS files, min(a.applied_at) AS first")


@pytest.fixture
async def undone(database: Database) -> AsyncGenerator[None]:
    """Takes back what a test applied beyond the schema that is shipped."""
    yield
    await database.write_all(DROP_LATER)
    await database.write_all(writing("MATCH (a:AppliedSchema {number: 9999}) DELETE a"))


def ship(monkeypatch: pytest.MonkeyPatch, *files: SchemaFile) -> None:
    monkeypatch.setattr(schema, "schema_files", lambda: list(files))


async def test_the_schema_that_was_applied_has_no_differences(database: Database) -> None:
    assert await schema.check(database) == []


async def test_applying_again_does_nothing(database: Database) -> None:
    before = await database.read_one(APPLIED)

    assert await schema.apply(database) == []
    assert await database.read_one(APPLIED) == before


async def test_every_file_is_recorded(database: Database) -> None:
    row = await database.read_one(APPLIED)

    assert row is not None
    assert row["files"] == len(schema.schema_files())
    assert row["first"] > 1_600_000_000_000


def test_files_are_numbered_without_a_gap() -> None:
    numbers = [file.number for file in schema.schema_files()]

    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.usefixtures("undone")
async def test_a_new_file_is_applied_and_its_index_is_online(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ship(monkeypatch, *schema.schema_files(), LATER)
    before = await schema.check(database)

    applied = await schema.apply(database)

    assert before == ["9999_schema_test_x is not applied"]
    assert applied == ["9999_schema_test_x"]
    assert await schema.check(database) == []


@pytest.mark.usefixtures("undone")
async def test_an_index_that_somebody_dropped_is_missed(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ship(monkeypatch, *schema.schema_files(), LATER)
    await schema.apply(database)

    await database.write_all(DROP_LATER)

    assert await schema.check(database) == ["the index schema_test_x is missing"]


async def test_a_file_that_changed_after_it_was_applied_is_refused(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *others = schema.schema_files()
    ship(monkeypatch, replace(first, checksum="of another text"), *others, LATER)

    with pytest.raises(SchemaMismatch, match="0001_identifier_key was changed"):
        await schema.apply(database)

    assert "0001_identifier_key was changed after it was applied" in await schema.check(database)
    row = await database.read_one(APPLIED)
    assert row is not None
    assert row["files"] == len(others) + 1


async def test_a_database_newer_than_the_package_is_refused(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    *older, last = schema.schema_files()
    ship(monkeypatch, *older)

    with pytest.raises(SchemaMismatch, match=f"{last.name} is not known here"):
        await schema.apply(database)


async def test_an_empty_database_may_get_its_schema_from_several_processes_at_once(
    database: Database, database_settings: Settings
) -> None:
    files = schema.schema_files()
    await database.write_all(writing("MATCH (a:AppliedSchema) DELETE a"))
    for file in files:
        kind = "CONSTRAINT" if "CONSTRAINT" in file.statement.definition.text else "INDEX"
        drop = AdHoc("tests/drop", f"DROP {kind} {file.index}", Access.SCHEMA)
        await database.write_all(drop)

    async with await Database.open(database_settings) as other:
        applied = await asyncio.gather(*(schema.apply(db) for db in (database, other) * 3))

    assert {name for names in applied for name in names} == {file.name for file in files}
    assert await schema.check(database) == []
    row = await database.read_one(APPLIED)
    assert row is not None
    assert row["files"] == len(files)
