"""A table of a database as a destination: a row for each record, by SQLAlchemy.

The table has a column `record_key` (`type:value`) that is unique, one for each attribute and
audience, `_synced_at` (a time in UTC) and `_deleted` (of a record that was merged). An erasure
deletes the row. The address is that of a variable of the environment, and nothing shows it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from identity_service.activation.definition import Definition
from identity_service.activation.exchange import (
    MAX_REASON,
    Done,
    Later,
    NoAccess,
    Outcome,
    Outcomes,
    Pace,
    RefusedTogether,
    Request,
    all_of,
)
from identity_service.activation.records import Action, Operation
from identity_service.errors import MissingExtra, SourceFailed
from identity_service.services.kit.optional import library
from identity_service.services.kit.sql_addresses import SqlAddress, read_address

KEY: Final = "record_key"
SYNCED_AT: Final = "_synced_at"
DELETED: Final = "_deleted"

ROWS: Final = 1_000
"""Most rows of one transaction."""

_UPSERTS: Final = ("postgresql", "sqlite")
_MISSING: Final = ("no such table", "no such column", "has no column")


class SqlTable:
    """A channel whose requests are transactions."""

    def __init__(self, definition: Definition) -> None:
        self._definition = definition
        self._table: str = definition.connection["table"]
        self._sql: Any = None
        self._address: SqlAddress | None = None
        self._engine: Any = None

    @property
    def pace(self) -> Pace:
        """One transaction at a time."""
        return Pace(operations=ROWS, connections=1, requests_per_s=100)

    def unsendable(self, operation: Operation) -> str | None:  # noqa: ARG002
        """A database says itself what it does not take."""
        return None

    def requests(self, operations: Sequence[Operation]) -> list[Request]:
        """A transaction for all of them; its body shows the rows."""
        slices = [operations[n : n + ROWS] for n in range(0, len(operations), ROWS)]
        return [
            Request("UPSERT", self._table, orjson.dumps([self._row(o) for o in some]), tuple(some))
            for some in slices
        ]

    async def exchange(self, request: Request) -> Outcomes:
        """Write the rows, all or none of them."""
        return all_of(request, await asyncio.to_thread(self._write, request.operations))

    async def close(self) -> None:
        """Close the connections."""
        if self._engine is not None:
            await asyncio.to_thread(self._engine.dispose)

    def _write(self, operations: Sequence[Operation]) -> Outcome:
        try:
            engine = self._opened()
            dialect: str = engine.dialect.name
            if dialect not in _UPSERTS:
                return NoAccess(f"{dialect}: only PostgreSQL and SQLite are written to")
            with engine.begin() as connection:
                for each in operations:
                    connection.execute(self._statement(each, dialect))
        except (MissingExtra, SourceFailed) as error:
            return NoAccess(str(error))
        except ModuleNotFoundError as error:
            return NoAccess(f"the driver {error.name} is not installed here")
        except self._sql.exc.SQLAlchemyError as error:
            return self._failure(error)
        return Done()

    def _failure(self, error: Any) -> Outcome:
        text = " ".join(str(getattr(error, "orig", None) or error).split())[:MAX_REASON]
        reason = text if self._address is None else self._address.without_secrets(text)
        exc = self._sql.exc
        if isinstance(error, exc.IntegrityError | exc.DataError | exc.StatementError) and not (
            isinstance(error, exc.OperationalError | exc.ProgrammingError | exc.InterfaceError)
        ):
            return RefusedTogether(reason)
        is_missing = any(each in reason for each in _MISSING)
        if is_missing or isinstance(error, exc.ProgrammingError):
            return NoAccess(reason)
        return Later(reason, of_all=True)

    def _opened(self) -> Any:
        if self._engine is None:
            self._sql = library("sqlalchemy")
            self._address = read_address(self._sql, self._definition.connection["url_env"])
            self._engine = self._sql.create_engine(self._address.url, hide_parameters=True)
        return self._engine

    def _statement(self, operation: Operation, dialect: str) -> Any:
        row = self._row(operation)
        columns = [self._sql.column(name) for name in row]
        schema = self._definition.connection.get("schema")
        table = self._sql.table(self._table, *columns, schema=schema)
        if operation.action is Action.ERASE:
            return self._sql.delete(table).where(table.c[KEY] == row[KEY])
        row[SYNCED_AT] = datetime.fromtimestamp(operation.at / 1_000, UTC).replace(tzinfo=None)
        insert = library(f"sqlalchemy.dialects.{dialect}").insert(table).values(row)
        changed = {name: value for name, value in row.items() if name != KEY}
        return insert.on_conflict_do_update(index_elements=[table.c[KEY]], set_=changed)

    def _row(self, operation: Operation) -> dict[str, Any]:
        record = operation.record
        if operation.action is Action.ERASE:
            return {KEY: str(record.key)}
        merged = record.attributes.get(self._definition.names.merged_into)
        return {
            KEY: str(record.key),
            **{name: _value(value) for name, value in record.attributes.items()},
            **record.audiences,
            SYNCED_AT: operation.at,
            DELETED: merged is not None,
        }


def _value(value: Any) -> Any:
    return orjson.dumps(value).decode() if isinstance(value, Mapping | list) else value
