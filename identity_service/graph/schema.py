"""The constraints and indexes of the graph: the numbered files of `cypher/schema/`.

Files are applied, indexes before constraints, and recorded as `(:AppliedSchema)`. One that was
applied never changes afterwards: a change is a new file.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from identity_service.errors import SchemaMismatch, Stale
from identity_service.graph.database import Database
from identity_service.graph.statements import Statement, statement, statement_names

LIST_APPLIED_SCHEMA: Final = statement("instance/list_applied_schema")
RECORD_APPLIED_SCHEMA: Final = statement("instance/record_applied_schema")
LIST_INDEXES: Final = statement("instance/list_indexes")
AWAIT_INDEXES: Final = statement("instance/await_indexes")
NUMBER_CHANGES: Final = statement("instance/number_changes")

FOLDER: Final = "schema/"
INDEX_TIMEOUT_S: Final = 3600
"""Seconds that indexes over a filled store may take to get online."""

_CREATED: Final = re.compile(r"CREATE (?:CONSTRAINT|(?:\w+ )?INDEX) (\w+) IF NOT EXISTS ")


@dataclass(frozen=True, slots=True)
class SchemaFile:
    """One file of `cypher/schema/`: its place in the order and what it creates.

    `checksum` is the SHA-256 of the statement without its header, in hexadecimal; `index` is the
    name of the constraint or index, which is in both cases the name of an index.
    """

    number: int
    name: str
    checksum: str
    index: str
    statement: Statement

    @property
    def is_constraint(self) -> bool:
        """Whether it creates a constraint, with the index behind it."""
        return self.statement.definition.text.startswith("CREATE CONSTRAINT")


async def apply(db: Database) -> list[str]:
    """Bring the database to the schema that is shipped; the names of the files applied just now.

    Returns when every index is online. May be repeated, interrupted and run by several processes
    at once. Raises SchemaMismatch before it touches anything when a file that was applied has
    changed, or the database knows a file that this version does not.
    """
    shipped = schema_files()
    applied = await _applied(db)
    conflicts = _conflicts(shipped, applied)
    if conflicts:
        raise SchemaMismatch(
            f"The database's schema is not this version's: {'; '.join(conflicts)}.",
            remedy="Run the version of identity-service that applied it, or a newer one.",
        )
    fresh = [file for file in shipped if file.number not in applied]
    # A constraint is waited for; indexes are built beside it when they are there already.
    for file in sorted(fresh, key=lambda each: each.is_constraint):
        # `IF NOT EXISTS` looks before it creates, and another process may be in between.
        with suppress(Stale):
            await db.write_all(file.statement)
    await db.write_all(AWAIT_INDEXES, patience=INDEX_TIMEOUT_S)
    if fresh:
        await db.write_all(NUMBER_CHANGES)
        # Only now, so that what was interrupted is done again.
        records = [[file.number, file.name, file.checksum] for file in fresh]
        await db.write_all(RECORD_APPLIED_SCHEMA, w={"files": records})
    return [file.name for file in fresh]


async def check(db: Database) -> list[str]:
    """Every difference between the database and the schema that is shipped, one sentence each."""
    shipped = schema_files()
    applied = await _applied(db)
    states = {row["name"]: row["state"] for row in await db.read_all(LIST_INDEXES)}
    missing = [f"{file.name} is not applied" for file in shipped if file.number not in applied]
    broken = [
        f"the index {file.index} is {states.get(file.index, 'missing').lower()}"
        for file in shipped
        if file.number in applied and states.get(file.index) != "ONLINE"
    ]
    return _conflicts(shipped, applied) + missing + broken


async def built(db: Database) -> float:
    """Which share of the indexes is built, between 0 and 1; one that is missing counts as empty."""
    ours = {file.index for file in schema_files()}
    found = await db.read_all(LIST_INDEXES)
    return sum(row["percent"] for row in found if row["name"] in ours) / (100 * len(ours))


def schema_files() -> list[SchemaFile]:
    """What is shipped, in the order of application."""
    return [
        _schema_file(name.removeprefix(FOLDER), Statement(name))
        for name in statement_names()
        if name.startswith(FOLDER)
    ]


def _schema_file(name: str, source: Statement) -> SchemaFile:
    text = source.definition.text
    number, created = re.match(r"\d+", name), _CREATED.match(text)
    if number is None or created is None:
        raise SchemaMismatch(
            f"The schema file {name} does not create one numbered constraint or index.",
            remedy="Its name begins with its number, its statement ends IF NOT EXISTS FOR ….",
        )
    checksum = hashlib.sha256(text.encode()).hexdigest()
    return SchemaFile(int(number[0]), name, checksum, created[1], source)


async def _applied(db: Database) -> dict[int, tuple[str, str]]:
    """Name and checksum by number."""
    row = await db.read_one(LIST_APPLIED_SCHEMA)
    return {number: (name, checksum) for number, name, checksum in row["applied"]} if row else {}


def _conflicts(shipped: list[SchemaFile], applied: dict[int, tuple[str, str]]) -> list[str]:
    known = {file.number for file in shipped}
    changed = [
        f"{file.name} was changed after it was applied"
        for file in shipped
        if applied.get(file.number, (file.name, file.checksum))[1] != file.checksum
    ]
    newer = [
        f"{name} is not known here"
        for number, (name, _) in sorted(applied.items())
        if number not in known
    ]
    return changed + newer
