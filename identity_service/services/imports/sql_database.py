"""A database that events are read from, by SQLAlchemy, in a thread of its own.

Queries run in a transaction that only reads, and that is rolled back. No step of one, to begin it
or to fetch its next rows, may take longer than the time-out. The address holds a password: no error
that leaves this module has it, nor what the driver's error was.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from identity_service.collect.polled import PolledCall, PolledRow
from identity_service.collect.sql_rows import read_row
from identity_service.collect.sql_source import SINCE, SqlSource
from identity_service.errors import IdentityServiceError, MissingExtra, SourceFailed
from identity_service.services.kit.clock import Clock
from identity_service.services.kit.optional import library
from identity_service.services.kit.sql_addresses import SqlAddress, read_address

ROWS: Final = 500
"""How many rows are fetched at a time, and become one batch."""

CONNECT_TIMEOUT_S: Final = 10

_SMALLEST_INTEGER: Final = -(2**63)
_EARLIEST: Final = datetime(1, 1, 1)  # noqa: DTZ001 - compares with columns of either kind
_READS_NULL: Final = re.compile(
    r":since\s+is\s+(?:not\s+)?null|(?:coalesce|ifnull|nvl|isnull)\s*\(\s*:since\b", re.IGNORECASE
)
_READ_ONLY: Final = {
    "postgresql": ("SET TRANSACTION READ ONLY", "SET LOCAL statement_timeout = {ms}"),
    "mysql": ("SET SESSION TRANSACTION READ ONLY", "SET SESSION MAX_EXECUTION_TIME = {ms}"),
    "mariadb": ("SET SESSION TRANSACTION READ ONLY", "SET SESSION max_statement_time = {s}"),
    "sqlite": ("PRAGMA query_only = ON",),
}
_STREAMED: Final = {"stream_results": True, "max_row_buffer": ROWS}
_CONNECT: Final = {
    "postgresql": {"connect_timeout": CONNECT_TIMEOUT_S},
    "mysql": {"connect_timeout": CONNECT_TIMEOUT_S},
    "mariadb": {"connect_timeout": CONNECT_TIMEOUT_S},
    "sqlite": {"check_same_thread": False},
}

T = TypeVar("T")


class SqlDatabase:
    """The database of a source, while a context lasts.

    Every method raises SourceFailed where the database refuses or does not answer, and entering
    the context MissingExtra where SQLAlchemy or the driver is not installed.
    """

    def __init__(self, source: SqlSource, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._timeout_s = source.timeout_ms / 1000
        self._thread = ThreadPoolExecutor(1, f"sql-{source.name}")
        self._address: SqlAddress | None = None
        self._sql: Any = None
        self._engine: Any = None
        self._connection: Any = None

    async def __aenter__(self) -> Self:
        try:
            await self._in_thread(self._connect)
        except BaseException:
            self._thread.shutdown(wait=False)
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with suppress(SourceFailed):  # the rows are read; nothing waits to be written
            await self._in_thread(self._close)
        self._thread.shutdown(wait=False)

    async def batches(self, call: PolledCall, since: Any) -> AsyncGenerator[list[PolledRow]]:
        """The rows of a call's query, in batches.

        `since` is bound to the query's parameter; None at the first time. Then all rows come that
        have a cursor value, and where the query says itself what it does with null, whatever it
        gives. Raises BadInput where a row lacks a column, or has a cursor that is none.
        """
        result: Any = None

        def begin() -> None:
            nonlocal result
            result = self._begin(call, since)

        def fetch() -> list[dict[str, Any]]:
            return [dict(row) for row in result.mappings().fetchmany(ROWS)]

        try:
            await self._in_thread(begin)
            count = 0
            while rows := await self._in_thread(fetch):
                now, name = self._clock(), self._source.name
                yield [read_row(name, call, row, now, n) for n, row in enumerate(rows, count)]
                count += len(rows)
        finally:
            with suppress(SourceFailed):
                await self._in_thread(self._connection.rollback)

    async def interrupt(self) -> None:
        """End the step that is running, if the driver can; it raises SourceFailed then."""
        if self._connection is None:
            return
        driver: Any = self._connection.connection.driver_connection
        end = getattr(driver, "interrupt", None) or getattr(driver, "cancel", None)
        if end is not None:
            await asyncio.to_thread(end)

    def _connect(self) -> None:
        self._sql = library("sqlalchemy")
        self._address = read_address(self._sql, self._source.url_env)
        url = self._address.url
        dialect: str = url.get_backend_name()
        self._engine = self._sql.create_engine(
            url,
            poolclass=self._sql.NullPool,
            hide_parameters=True,
            connect_args=_CONNECT.get(dialect, {}),
        )
        self._connection = self._engine.connect()

    def _close(self) -> None:
        self._connection.close()
        self._engine.dispose()

    def _begin(self, call: PolledCall, since: Any) -> Any:
        bounds = [since] if since is not None else self._first_bounds(call.query)
        for bound in bounds[:-1]:
            try:
                return self._execute(call, bound)
            except self._sql.exc.DBAPIError:  # the column is of another type
                self._connection.rollback()
        return self._execute(call, bounds[-1])

    def _first_bounds(self, query: str) -> Sequence[Any]:
        """What comes before every cursor value, whichever of these its type can be compared with.

        A query that says what it does with null gets null. `x >= null` is never true, so the others
        get the least value there is: in SQLite an integer is less than any text.
        """
        if _READS_NULL.search(query):
            return (None,)
        if self._engine.dialect.name == "sqlite":
            return (_SMALLEST_INTEGER,)
        return (_EARLIEST, _SMALLEST_INTEGER)

    def _execute(self, call: PolledCall, bound: Any) -> Any:
        self._make_read_only()
        text = self._sql.text(call.query)
        if SINCE.search(call.query):
            # Null stands in the text: PostgreSQL could not tell the type of a parameter.
            is_null = bound is None
            text = text.bindparams(self._sql.bindparam("since", bound, literal_execute=is_null))
        return self._connection.execute(text, execution_options=_STREAMED)

    def _make_read_only(self) -> None:
        values = {"ms": self._source.timeout_ms, "s": self._timeout_s}
        for statement in _READ_ONLY.get(self._engine.dialect.name, ()):
            self._connection.exec_driver_sql(statement.format(**values))
        if self._engine.dialect.name in ("mysql", "mariadb"):
            self._connection.rollback()  # the next transaction is the first that only reads

    async def _in_thread(self, work: Callable[[], T]) -> T:
        running = asyncio.get_running_loop().run_in_executor(self._thread, work)
        done, _ = await asyncio.wait({running}, timeout=self._timeout_s + CONNECT_TIMEOUT_S)
        if not done:
            await self.interrupt()
            running.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
            raise self._failed(f"gave no answer within {self._timeout_s:g} s")
        try:
            return running.result()
        except IdentityServiceError:
            raise
        except ModuleNotFoundError as error:
            raise MissingExtra(
                f"This needs {error.name}, which is not installed here.",
                remedy="Install the driver of the database.",
            ) from None
        except Exception as error:  # noqa: BLE001 - its text may hold the password
            reason = " ".join(str(getattr(error, "orig", None) or error).split())
            raise self._failed(f"refused: {reason}") from None

    def _failed(self, what: str) -> SourceFailed:
        if self._address is not None:
            what = self._address.without_secrets(what)
        return SourceFailed(f"The database of the source “{self._source.name}” {what}")
