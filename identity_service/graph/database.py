"""The database: every statement runs through here, with its name, time limit, metric and errors.

Statements are run as autocommit transactions, which cost a third less than managed ones
and come without retries; the short retry loop here takes their place. The server ends a statement
at its time limit. One that answers nothing at all is given up here shortly after, and its
connection closed. Statements of readers wait for a place first (`connections`), within the same
limit. Where somebody waits for less time than that (`deadlines`), the limit is what is left of it.

A statement that is run often takes all of its lists inside one map parameter `w`: a list that is
a parameter by itself has the statement planned anew at every order of magnitude of its length.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import structlog
from neo4j import (
    READ_ACCESS,
    WRITE_ACCESS,
    AsyncDriver,
    AsyncGraphDatabase,
    NotificationDisabledClassification,
    NotificationMinimumSeverity,
)
from neo4j.exceptions import (
    AuthError,
    ConnectionPoolError,
    DriverError,
    Neo4jError,
    ServiceUnavailable,
    SessionExpired,
)

from identity_service.errors import IdentityServiceError, Stale, StatementFailed, Unavailable
from identity_service.graph import bolt
from identity_service.graph.bolt import Bolt, Row
from identity_service.graph.connections import (
    JOURNEYS,
    JOURNEYS_OF_ONE_READER,
    MAX_CONNECTIONS,
    ONE_READER,
    READERS,
    Places,
)
from identity_service.graph.deadlines import seconds_left
from identity_service.graph.statements import Access, Statement, statement
from identity_service.observability import (
    STATEMENT_FAILURES,
    STATEMENT_RETRIES,
    STATEMENT_SECONDS,
)
from identity_service.settings import Settings

PING: Final = statement("instance/ping")

PAUSES: Final = (0.05, 0.2, 0.6)
"""Seconds before the second, third and fourth attempt, each taken times 0.5 to 1.5."""

CHANGED_MEANWHILE: Final = {
    "Neo.ClientError.Schema.ConstraintValidationFailed",
    "Neo.ClientError.Schema.EquivalentSchemaRuleAlreadyExists",
    # Statements divide by zero where something has changed since it was read.
    "Neo.ClientError.Statement.ArithmeticError",
}

DEFECTS: Final = tuple(
    f"Neo.ClientError.{kind}." for kind in ("Statement", "Schema", "Procedure", "Request")
)
"""What the server says of a statement that is wrong. Else the server is in a bad state, or full."""

LOST: Final = (
    ServiceUnavailable,
    SessionExpired,
    ConnectionPoolError,
)
"""What the driver says when a connection is lost, or there was none in time."""

CONNECT_TIMEOUT_S: Final = 5.0
"""Seconds in which a connection must have been taken from the pool, or made."""

GRACE_S: Final = 1.0
"""Seconds that a statement is waited for beyond its time limit, at which the server ends it."""

T = TypeVar("T")

_log = structlog.get_logger(__name__)


class Database:
    """One Neo4j database, for every task of one event loop.

    `parameters` are passed by value under their names; `$`-parameters of the same names take them.
    Every method that runs a statement raises

    - Unavailable: no answer in time, or a server that cannot work: busy, full, in a bad state; one
      that may pass outlived the retries. After a write its outcome is unknown: read before you
      write again;
    - Stale: the same key, constraint or index exists, so somebody else created it first;
    - StatementFailed: anything else, a defect of the statement or of its parameters.
    """

    def __init__(self, driver: AsyncDriver, settings: Settings, one_reader: int) -> None:
        self._driver = driver
        self._places = Places(READERS, one_reader)
        self._journey_places = Places(JOURNEYS, JOURNEYS_OF_ONE_READER)
        self._journey_timeout = settings.journey_timeout
        self._timeouts: Mapping[Access, float] = {
            Access.READ: settings.read_timeout,
            Access.WRITE: settings.write_timeout,
            # A constraint over a filled store takes as long as it takes; 0 is no limit.
            Access.SCHEMA: 0,
        }
        routed = bool(settings.neo4j_uri and settings.neo4j_uri.startswith("neo4j"))
        self._bolt = Bolt(driver, settings.neo4j_database, routed=routed)

    @classmethod
    async def open(
        cls, settings: Settings, *, one_reader: int = ONE_READER, warn: bool = False
    ) -> Self:
        """Connect to `settings.neo4j_uri`; raises Unavailable when it does not let us in.

        One reader has at most `one_reader` statements running at a time.
        `warn` (for tests) has the driver log what the server warns of in a statement; otherwise
        it is not even asked for its opinion.
        """
        if settings.neo4j_uri is None:
            raise Unavailable(
                "There is no address of a database.",
                remedy="Set IDENTITY_NEO4J_URI, or start the managed Neo4j.",
            )
        if not settings.neo4j_uri.startswith(("bolt", "neo4j")):
            raise Unavailable(
                f"{settings.neo4j_uri} is no Bolt address.",
                remedy="IDENTITY_NEO4J_URI begins with bolt:// or neo4j://.",
            )
        password = settings.neo4j_password
        driver = AsyncGraphDatabase.driver(  # pyright: ignore[reportUnknownMemberType]
            settings.neo4j_uri,
            auth=(settings.neo4j_user, password.get_secret_value()) if password else None,
            user_agent="identity-service",
            max_connection_pool_size=MAX_CONNECTIONS,
            # The time limit of a statement holds for its way to the server too.
            connection_write_timeout=None,  # pyright: ignore[reportArgumentType]
            connection_timeout=CONNECT_TIMEOUT_S,
            connection_acquisition_timeout=CONNECT_TIMEOUT_S,
            telemetry_disabled=True,
            # A database that is young lacks most labels and properties; that is no news.
            notifications_disabled_classifications=[
                NotificationDisabledClassification.UNRECOGNIZED
            ],
            notifications_min_severity=(
                NotificationMinimumSeverity.WARNING if warn else NotificationMinimumSeverity.OFF
            ),
            # For a Python warning the driver looks through the whole stack at every query.
            warn_notification_severity=NotificationMinimumSeverity.OFF,
        )
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S + GRACE_S):
                await driver.verify_connectivity()  # pyright: ignore[reportUnknownMemberType]
        except (Neo4jError, DriverError, OSError) as error:
            await driver.close()
            if isinstance(error, AuthError):
                raise Unavailable(
                    f"The database at {settings.neo4j_uri} does not know our user or password.",
                    remedy="Set IDENTITY_NEO4J_USER and IDENTITY_NEO4J_PASSWORD.",
                ) from error
            raise Unavailable(
                f"No database answers at {settings.neo4j_uri}.",
                remedy="Is it running? `identity-service check` tells more.",
            ) from error
        return cls(driver, settings, one_reader)

    async def close(self) -> None:
        """Close every connection; statements that still run fail."""
        await self._driver.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def bookmarks(self) -> Sequence[str]:
        """What was written here, for `see` in another process; nothing where no server lags."""
        return list(self._bolt.bookmarks)

    def see(self, bookmarks: Sequence[str]) -> None:
        """Have every read from now on see what another process has written."""
        self._bolt.see(bookmarks)

    async def ping(self) -> None:
        """Have the database answer."""
        await self.read_one(PING)

    async def read_one(self, statement: Statement, /, **parameters: Any) -> Row | None:
        """The first record of a statement that reads, or None."""
        rows = await self._run(statement, parameters, READ_ACCESS)
        return rows[0] if rows else None

    async def read_latest(self, statement: Statement, /, **parameters: Any) -> Row | None:
        """As `read_one`, where writes go: it sees what any process has committed.

        Another member of a cluster may lag behind that, and show every attempt of a write the
        same old state.
        """
        rows = await self._run(statement, parameters, READ_ACCESS, WRITE_ACCESS)
        return rows[0] if rows else None

    async def read_all(self, statement: Statement, /, **parameters: Any) -> list[Row]:
        """All records of a statement that reads."""
        return await self._run(statement, parameters, READ_ACCESS)

    async def read_long(self, statement: Statement, /, **parameters: Any) -> list[Row]:
        """As `read_all`, of a question that may take long; never retried."""
        limit = seconds_left(self._journey_timeout)
        with _outcome(statement):
            async with self._turn(statement.name, limit, self._journey_places):
                return await self._attempt(statement, parameters, READ_ACCESS, limit)

    async def write_one(self, statement: Statement, /, **parameters: Any) -> Row | None:
        """Run a statement and commit; the first record, or None.

        It is run again after a deadlock and the like, when it surely was rolled back.
        """
        rows = await self._run(statement, parameters, WRITE_ACCESS)
        return rows[0] if rows else None

    async def write_together(
        self, steps: Sequence[tuple[Statement, Mapping[str, Any]]]
    ) -> list[Row] | None:
        """Run statements in one transaction and commit; the record of each, which says `written`.

        None: one of them was not `written`, and so nothing was. They are run again after a
        deadlock and the like, when they surely were rolled back.
        """
        name = steps[0][0].name
        with translated(name):
            async with self._turn(name, seconds_left(self._timeouts[Access.WRITE]), self._places):
                together = partial(self._together, name, steps)
                return await _repeated(name, together, WRITE_ACCESS)

    async def _together(
        self, name: str, steps: Sequence[tuple[Statement, Mapping[str, Any]]]
    ) -> list[Row] | None:
        limit = seconds_left(self._timeouts[Access.WRITE])
        async with await self._bolt.begin(name=name, seconds=limit) as begun:
            records: list[Row] = []
            for statement, parameters in steps:
                with _timed(statement):
                    records += await begun.run(statement.definition.text, parameters)
                if not records or not records[-1]["written"]:
                    await begun.roll_back()
                    return None
            await begun.commit()
            return records

    async def write_all(self, statement: Statement, /, **parameters: Any) -> list[Row]:
        """As `write_one`; all records."""
        return await self._run(statement, parameters, WRITE_ACCESS)

    @asynccontextmanager
    async def transaction(self, name: str) -> AsyncGenerator[Transaction]:
        """Several statements, all or none: committed at the end, rolled back by an exception.

        `name` is what the server's list of transactions shows. All of it has the time of one
        statement that writes. Nothing is retried: Unavailable from the last line, the commit,
        leaves the outcome unknown.
        """
        limit = seconds_left(self._timeouts[Access.WRITE])
        async with self._turn(name, limit, self._places):
            with translated(name):
                begun = await self._bolt.begin(name=name, seconds=limit)
            async with begun:
                yield Transaction(begun)
                with translated(name):
                    await begun.commit()

    async def _run(
        self,
        statement: Statement,
        parameters: dict[str, Any],
        mode: str,
        routed_as: str | None = None,
    ) -> list[Row]:
        """`routed_as`: the access mode by which a cluster chooses a member, if not `mode`."""
        limit = seconds_left(self._timeouts[statement.definition.access])
        attempt = partial(self._attempt, statement, parameters, routed_as or mode, limit)
        with _outcome(statement):
            async with self._turn(statement.name, limit, self._places):
                return await _repeated(statement.name, attempt, mode)

    @asynccontextmanager
    async def _turn(self, name: str, seconds: float, places: Places) -> AsyncGenerator[None]:
        """The time of a statement with all its attempts (0: any), and the place that it needs.

        Cancelled in the middle of an attempt, the driver closes the connection, and does not wait
        for a server that may be gone.
        """
        limit = asyncio.timeout(seconds + GRACE_S if seconds else None)
        try:
            async with limit, places.one():
                yield
        except TimeoutError:
            if not limit.expired():
                raise
            raise Unavailable(
                f"The database did not answer {name} within its time limit.",
                remedy="Try again later.",
            ) from None

    async def _attempt(
        self, statement: Statement, parameters: Mapping[str, Any], mode: str, seconds: float
    ) -> list[Row]:
        with _timed(statement):
            return await self._bolt.run(
                statement.definition.text,
                parameters,
                name=statement.name,
                seconds=seconds,
                mode=mode,
            )


class Transaction:
    """An open transaction of `Database.transaction`; its statements run one after the other."""

    def __init__(self, transaction: bolt.Transaction) -> None:
        self._transaction = transaction

    async def run_one(self, statement: Statement, /, **parameters: Any) -> Row | None:
        """The first record, or None."""
        rows = await self.run_all(statement, **parameters)
        return rows[0] if rows else None

    async def run_all(self, statement: Statement, /, **parameters: Any) -> list[Row]:
        """All records."""
        with _outcome(statement), _timed(statement):
            return await self._transaction.run(statement.definition.text, parameters)


async def _repeated(name: str, attempt: Callable[[], Awaitable[T]], mode: str) -> T:
    """The result of the first attempt that succeeds; raises what the last one does."""
    for pause in PAUSES:
        try:
            return await attempt()
        except (Neo4jError, DriverError) as error:
            if not _repeatable(error, mode):
                raise
        STATEMENT_RETRIES.labels(name).inc()
        # Jitter keeps two that collided from colliding again.
        await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311
    return await attempt()


def _repeatable(error: Neo4jError | DriverError, mode: str) -> bool:
    """Whether another attempt may help and can do no harm."""
    if isinstance(error, Neo4jError):
        code = error.code or ""
        # Failures inside a transaction roll it back. Those of other kinds may come after a commit
        # (the server stops, a cluster loses its leader), or repeat themselves (out of memory).
        return error.is_retryable() and (
            code.startswith("Neo.TransientError.Transaction.")
            or (mode == READ_ACCESS and "OutOfMemory" not in code)
        )
    return mode == READ_ACCESS and error.is_retryable()


@contextmanager
def _timed(statement: Statement) -> Generator[None]:
    started = time.perf_counter()
    try:
        yield
    finally:
        STATEMENT_SECONDS.labels(statement.name).observe(time.perf_counter() - started)


@contextmanager
def _outcome(statement: Statement) -> Generator[None]:
    """Count a failure under the statement's name, as the error that it becomes."""
    try:
        with translated(statement.name):
            yield
    except IdentityServiceError as failure:
        STATEMENT_FAILURES.labels(statement.name, failure.code).inc()
        raise


@contextmanager
def translated(name: str) -> Generator[None]:
    """Turn the driver's errors into ours.

    The server quotes values in what it says, so that is neither repeated nor chained;
    the debug log has it.
    """
    try:
        yield
    except (Neo4jError, DriverError, OSError) as error:
        _log.debug("statement_failed", statement=name, error=str(error))
        raise _translation(name, error) from None


def _translation(name: str, error: Neo4jError | DriverError | OSError) -> IdentityServiceError:
    if isinstance(error, Neo4jError) and error.code in CHANGED_MEANWHILE:
        return Stale(
            f"{name}: somebody else wrote the same thing at the same time.",
            remedy="Read again, then decide again.",
        )
    if isinstance(error, Neo4jError):
        code = error.code or "without a code"
        if code.startswith("Neo.ClientError.Transaction.TransactionTimedOut"):
            return Unavailable(f"{name} was stopped at its time limit.", remedy="Try again later.")
        if not code.startswith(DEFECTS):
            # At 500 a sender gives up, at 503 it comes back later.
            return Unavailable(f"The database cannot run {name} now ({code}).")
        # The one message that quotes no value. Syntax errors do: of dates, for example.
        hint = (error.message or "") if code.endswith(".ParameterMissing") else ""
        return StatementFailed(f"The database refused {name} ({code}).", remedy=hint)
    if isinstance(error, (*LOST, OSError)):
        return Unavailable(f"The database did not answer {name}.", remedy="Try again later.")
    return StatementFailed(f"{name} could not be run ({type(error).__name__}).")
