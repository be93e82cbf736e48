from __future__ import annotations

import asyncio
import time
import traceback
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from neo4j.exceptions import ConnectionAcquisitionTimeoutError, Neo4jError
from prometheus_client import REGISTRY

from identity_service.errors import Stale, StatementFailed, Unavailable
from identity_service.graph import database as database_module
from identity_service.graph.connections import read_for
from identity_service.graph.database import GRACE_S, PAUSES, Database, Row, translated
from identity_service.settings import Settings
from tests.support.relay import Relay
from tests.support.statements import reading, writing

CREATE = writing("CREATE (n:DatabaseTest {mark: $mark, id: $id}) RETURN n.id AS id")
COUNT = reading("MATCH (n:DatabaseTest {mark: $mark}) RETURN count(n) AS nodes", "tests/count")
COUNT_UP = reading("UNWIND range(1, $last) AS n RETURN n, n * n AS square", "tests/count_up")
ENDLESS = reading(
    "UNWIND range(1, 1000000) AS a UNWIND range(1, 1000000) AS b "
    "WITH a, b WHERE a + b < 0 RETURN count(*) AS n",
    "tests/endless",
)
RUNNING = reading(
    "SHOW TRANSACTIONS YIELD metaData, currentQuery RETURN collect(metaData.name) AS names",
    "tests/running",
)


def counted(metric: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(metric, labels) or 0.0


async def test_read_one_gives_the_first_record_by_the_names_of_its_columns(
    database: Database,
) -> None:
    row = await database.read_one(COUNT_UP, last=3)

    assert row == {"n": 1, "square": 1}


async def test_read_one_gives_none_when_there_is_no_record(database: Database) -> None:
    assert await database.read_one(COUNT_UP, last=0) is None


async def test_read_all_gives_every_record_in_order(database: Database) -> None:
    rows = await database.read_all(COUNT_UP, last=2500)

    assert [row["n"] for row in rows] == list(range(1, 2501))


async def test_what_was_written_is_read(database: Database, mark: str) -> None:
    row = await database.write_one(CREATE, mark=mark, id=7)

    assert row == {"id": 7}
    assert await database.read_one(COUNT, mark=mark) == {"nodes": 1}


async def test_write_all_gives_every_record(database: Database, mark: str) -> None:
    both = writing("UNWIND [1, 2] AS id CREATE (n:DatabaseTest {mark: $mark, id: id}) RETURN id")

    assert await database.write_all(both, mark=mark) == [{"id": 1}, {"id": 2}]


async def test_a_statement_that_writes_is_refused_where_one_reads(
    database: Database, mark: str
) -> None:
    with pytest.raises(StatementFailed, match=r"tests/writing .*AccessMode"):
        await database.read_one(CREATE, mark=mark, id=1)


async def test_what_a_write_rests_on_is_read_where_writes_go(database: Database, mark: str) -> None:
    # Where one may write is where a cluster writes.
    assert await database.read_latest(CREATE, mark=mark, id=1) is not None


async def test_a_parameter_that_is_missing_is_named(database: Database) -> None:
    with pytest.raises(StatementFailed, match="last"):
        await database.read_one(COUNT_UP)


async def test_a_key_that_somebody_else_took_is_stale(database: Database, mark: str) -> None:
    insert = writing("CREATE (:Space {name: $name})", "tests/insert")
    remove = writing("MATCH (s:Space {name: $name}) DELETE s")
    await database.write_one(insert, name=mark)

    try:
        with pytest.raises(Stale, match="tests/insert"):
            await database.write_one(insert, name=mark)
    finally:
        await database.write_one(remove, name=mark)


async def test_no_value_reaches_the_error_or_its_traceback(database: Database) -> None:
    parse_day = reading("RETURN date($value) AS day", "tests/parse_day")
    value = uuid.uuid4().hex

    with pytest.raises(StatementFailed) as failure:
        await database.read_one(parse_day, value=value)

    told = "".join(traceback.format_exception(failure.value))
    assert "tests/parse_day" in told
    assert value not in told


async def test_a_statement_is_stopped_at_its_time_limit(database_settings: Settings) -> None:
    settings = database_settings.model_copy(update={"read_timeout": 0.2})

    async with await Database.open(settings) as db:
        with pytest.raises(Unavailable, match=r"tests/endless .*its time limit"):
            await db.read_one(ENDLESS)


async def test_the_server_sees_the_name_of_a_statement(database: Database) -> None:
    row = await database.read_one(RUNNING)

    assert row is not None
    assert "tests/running" in row["names"]


async def test_a_cancelled_statement_ends_on_the_server_too(database: Database) -> None:
    endless = asyncio.create_task(database.read_one(ENDLESS))
    await _until_running(database, "tests/endless", wanted=True)

    endless.cancel()

    with pytest.raises(asyncio.CancelledError):
        await endless
    await _until_running(database, "tests/endless", wanted=False)


async def test_every_attempt_is_measured_under_the_name(database: Database) -> None:
    before = counted("identity_statement_seconds_count", statement="tests/count_up")

    await database.read_one(COUNT_UP, last=1)

    after = counted("identity_statement_seconds_count", statement="tests/count_up")
    assert after == before + 1


async def test_a_failure_is_counted_by_its_code(database: Database) -> None:
    labels = {"statement": "tests/count_up", "code": "STATEMENT_FAILED"}
    before = counted("identity_statement_failures_total", **labels)

    with suppress(StatementFailed):
        await database.read_one(COUNT_UP)

    assert counted("identity_statement_failures_total", **labels) == before + 1


async def test_writers_that_deadlock_both_get_through(database: Database, mark: str) -> None:
    nodes = 300
    create = writing(
        "UNWIND range(1, $n) AS id CREATE (:DatabaseTest {mark: $mark, id: id, hits: 0})"
    )
    raise_all = writing(
        "UNWIND $w.ids AS id "
        "MATCH (n:DatabaseTest {mark: $w.mark, id: id}) SET n.hits = n.hits + 1",
        "tests/raise_all",
    )
    hits = reading("MATCH (n:DatabaseTest {mark: $mark}) RETURN collect(DISTINCT n.hits) AS hits")
    await database.write_one(create, mark=mark, n=nodes)
    up = list(range(1, nodes + 1))
    rounds = 0

    while not counted("identity_statement_retries_total", statement="tests/raise_all"):
        await asyncio.gather(
            *(database.write_one(raise_all, w={"mark": mark, "ids": ids}) for ids in (up, up[::-1]))
        )
        rounds += 1
        assert rounds < 100, "no deadlock came about"

    assert await database.read_one(hits, mark=mark) == {"hits": [2 * rounds]}


async def test_a_read_survives_a_connection_that_breaks(
    relay: Relay, through_relay: Database
) -> None:
    await through_relay.read_one(COUNT_UP, last=1)

    relay.cut()

    assert await through_relay.read_one(COUNT_UP, last=2) == {"n": 1, "square": 1}


async def test_a_write_whose_connection_breaks_is_not_repeated(
    relay: Relay, through_relay: Database, database: Database, mark: str
) -> None:
    relay.cut_answers()

    with pytest.raises(Unavailable, match="did not answer tests/writing"):
        await through_relay.write_one(CREATE, mark=mark, id=1)

    relay.mend()
    nodes = await database.read_one(COUNT, mark=mark)
    assert nodes is not None
    assert nodes["nodes"] <= 1


async def test_a_database_that_is_gone_is_unavailable_after_a_few_attempts(
    relay: Relay, through_relay: Database
) -> None:
    before = counted("identity_statement_retries_total", statement="tests/count_up")
    await relay.close()

    with pytest.raises(Unavailable, match="did not answer tests/count_up"):
        await through_relay.read_one(COUNT_UP, last=1)

    after = counted("identity_statement_retries_total", statement="tests/count_up")
    assert after - before == len(PAUSES)


async def a_transaction(database: Database, mark: str) -> None:
    async with database.transaction("tests/both") as tx:
        await tx.run_one(CREATE, mark=mark, id=1)


async def steps(database: Database, mark: str) -> None:
    await database.write_together([(CREATE, {"mark": mark, "id": 1})])


async def a_read(database: Database, mark: str) -> None:
    await database.read_one(COUNT, mark=mark)


async def a_journey(database: Database, mark: str) -> None:
    await database.read_long(COUNT, mark=mark)


async def a_write(database: Database, mark: str) -> None:
    await database.write_one(CREATE, mark=mark, id=1)


@pytest.mark.parametrize("ask", [a_read, a_journey, a_write, steps, a_transaction])
@pytest.mark.parametrize("connected", [True, False])
async def test_a_server_that_answers_nothing_is_unavailable_in_time_and_used_again_after(
    relay: Relay,
    database_settings: Settings,
    mark: str,
    ask: Callable[[Database, str], Awaitable[None]],
    connected: bool,
) -> None:
    limits = dict.fromkeys(("read_timeout", "write_timeout", "journey_timeout"), 0.5)
    settings = database_settings.model_copy(update={"neo4j_uri": relay.uri, **limits})

    async with await Database.open(settings) as database:
        if not connected:
            relay.cut()
        relay.hold()
        begun = time.monotonic()
        with pytest.raises(Unavailable):
            await ask(database, mark)
        waited = time.monotonic() - begun
        relay.let_go()
        after = await database.read_one(COUNT_UP, last=1)

    assert waited < 0.5 + GRACE_S + 0.4
    assert after == {"n": 1, "square": 1}


async def test_opening_fails_in_time_where_nothing_answers(
    relay: Relay, database_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "CONNECT_TIMEOUT_S", 0.2)
    relay.hold()

    with pytest.raises(Unavailable, match="No database answers"):
        async with asyncio.timeout(5):
            await Database.open(database_settings.model_copy(update={"neo4j_uri": relay.uri}))


async def test_closing_does_not_wait_for_a_server_that_answers_nothing(
    relay: Relay, database_settings: Settings
) -> None:
    database = await Database.open(database_settings.model_copy(update={"neo4j_uri": relay.uri}))
    await database.read_one(COUNT_UP, last=1)
    relay.hold()

    async with asyncio.timeout(5):
        await database.close()


async def test_a_pool_without_a_free_connection_is_unavailable(
    database_settings: Settings, monkeypatch: pytest.MonkeyPatch, mark: str
) -> None:
    monkeypatch.setattr(database_module, "MAX_CONNECTIONS", 1)
    monkeypatch.setattr(database_module, "CONNECT_TIMEOUT_S", 0.2)

    async with (
        await Database.open(database_settings) as database,
        database.transaction("tests/holds_the_only_connection"),
    ):
        with pytest.raises(Unavailable, match="did not answer tests/writing"):
            await database.write_one(CREATE, mark=mark, id=1)


async def test_one_readers_queries_leave_connections_to_senders_and_to_other_readers(
    database_settings: Settings, monkeypatch: pytest.MonkeyPatch, mark: str
) -> None:
    monkeypatch.setattr(database_module, "MAX_CONNECTIONS", 4)
    monkeypatch.setattr(database_module, "READERS", 3)
    settings = database_settings.model_copy(update={"read_timeout": 2})

    async with await Database.open(settings, one_reader=2) as database:
        heavy = [
            asyncio.create_task(as_reader("shop/heavy", database.read_one(ENDLESS)))
            for _ in range(6)
        ]
        await _until_running(database, "tests/endless", wanted=True)
        begun = time.monotonic()
        light = await as_reader("shop/light", database.read_one(COUNT_UP, last=1))
        written = await database.write_one(CREATE, mark=mark, id=1)
        waited = time.monotonic() - begun
        outcomes = await asyncio.gather(*heavy, return_exceptions=True)

    assert (light, written) == ({"n": 1, "square": 1}, {"id": 1})
    assert waited < 2
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 6


async def as_reader(reader: str, asking: Awaitable[Row | None]) -> Row | None:
    async def ask() -> Row | None:
        read_for(reader)
        return await asking

    return await asyncio.create_task(ask())


@pytest.mark.parametrize(
    "code",
    [
        "Neo.TransientError.General.DatabaseUnavailable",
        "Neo.TransientError.General.MemoryPoolOutOfMemoryError",
        "Neo.TransientError.General.OutOfMemoryError",
        "Neo.TransientError.Transaction.MaximumTransactionLimitReached",
        "Neo.ClientError.Database.DatabaseNotFound",
        "Neo.ClientError.General.TransactionOutOfMemoryError",
        "Neo.ClientError.Security.Unauthorized",
        "Neo.ClientError.Transaction.Terminated",
        "Neo.ClientError.Transaction.TransactionTimedOutClientConfiguration",
        "Neo.DatabaseError.General.UnknownError",
        "Neo.DatabaseError.Statement.ExecutionFailed",
        "Neo.DatabaseError.Transaction.TransactionCommitFailed",
        "Neo.DatabaseError.Transaction.TransactionLogError",
        "Neo.DatabaseError.Transaction.TransactionStartFailed",
    ],
)
def test_a_server_that_cannot_work_is_unavailable(code: str) -> None:
    error = Neo4jError._hydrate_neo4j(code=code, message="ann@example.com")  # pyright: ignore[reportPrivateUsage]

    with pytest.raises(Unavailable) as failure, translated("tests/writing"):
        raise error

    assert "ann@example.com" not in str(failure.value)


@pytest.mark.parametrize("error", [OSError("Broken pipe"), ConnectionAcquisitionTimeoutError()])
def test_a_connection_that_is_lost_is_unavailable(error: Exception) -> None:
    with pytest.raises(Unavailable), translated("tests/writing"):
        raise error


async def test_a_transaction_commits_all_of_its_statements(database: Database, mark: str) -> None:
    async with database.transaction("tests/both") as tx:
        first = await tx.run_one(CREATE, mark=mark, id=1)
        both = await tx.run_all(CREATE, mark=mark, id=2)
        assert await database.read_one(COUNT, mark=mark) == {"nodes": 0}

    assert (first, both) == ({"id": 1}, [{"id": 2}])
    assert await database.read_one(COUNT, mark=mark) == {"nodes": 2}


async def test_an_exception_rolls_a_transaction_back(database: Database, mark: str) -> None:
    async def fail() -> None:
        async with database.transaction("tests/none") as tx:
            await tx.run_one(CREATE, mark=mark, id=1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    assert await database.read_one(COUNT, mark=mark) == {"nodes": 0}


async def test_a_statement_that_fails_fails_its_transaction(database: Database, mark: str) -> None:
    async def fail() -> None:
        async with database.transaction("tests/none") as tx:
            await tx.run_one(CREATE, mark=mark, id=1)
            await tx.run_one(COUNT_UP)

    with pytest.raises(StatementFailed, match="tests/count_up"):
        await fail()

    assert await database.read_one(COUNT, mark=mark) == {"nodes": 0}


async def test_nothing_is_written_in_a_transaction_after_a_statement_that_failed(
    database: Database, mark: str
) -> None:
    async def go_on() -> None:
        async with database.transaction("tests/none") as tx:
            with suppress(StatementFailed):
                await tx.run_one(COUNT_UP)
            await tx.run_one(CREATE, mark=mark, id=1)

    with pytest.raises(Unavailable):
        await go_on()

    assert await database.read_one(COUNT, mark=mark) == {"nodes": 0}


async def test_a_transaction_whose_connection_breaks_is_unavailable(
    relay: Relay, through_relay: Database, database: Database, mark: str
) -> None:
    async def lose_the_wire() -> None:
        async with through_relay.transaction("tests/broken") as tx:
            await tx.run_one(CREATE, mark=mark, id=1)
            relay.cut()

    with pytest.raises(Unavailable, match="did not answer tests/broken"):
        await lose_the_wire()

    assert await database.read_one(COUNT, mark=mark) == {"nodes": 0}


async def test_opening_fails_where_no_database_answers(database_settings: Settings) -> None:
    nobody = database_settings.model_copy(update={"neo4j_uri": "bolt://127.0.0.1:1"})

    with pytest.raises(Unavailable, match=r"answers at bolt://127\.0\.0\.1:1"):
        await Database.open(nobody)


@pytest.mark.parametrize("uri", ["http://127.0.0.1:7474", "localhost:7687"])
async def test_opening_needs_an_address_for_bolt(uri: str) -> None:
    with pytest.raises(Unavailable, match=rf"{uri} is no Bolt address.*bolt:// or neo4j://"):
        await Database.open(Settings(neo4j_uri=uri))


async def test_opening_needs_an_address() -> None:
    with pytest.raises(Unavailable, match="IDENTITY_NEO4J_URI"):
        await Database.open(Settings(neo4j_uri=None))


async def test_a_statement_that_is_deprecated_fails_a_test(database: Database) -> None:
    deprecated = reading("MATCH (n:DatabaseTest) RETURN id(n) AS id")

    with pytest.raises(AssertionError, match="deprecated"):
        await database.read_all(deprecated)


async def _until_running(database: Database, name: str, *, wanted: bool) -> None:
    async with asyncio.timeout(20):
        while True:
            row = await database.read_one(RUNNING)
            if row is not None and (name in row["names"]) is wanted:
                return


async def test_no_parameter_is_in_a_log_of_the_driver(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG", "neo4j"):
        row = await database.read_one(
            reading("RETURN size($w.who) + size($who) AS letters"),
            w={"who": "ann@example.com"},
            who="bob@example.com",
        )

    assert row == {"letters": 30}
    assert "handing out existing connection" in caplog.text
    assert "example.com" not in caplog.text


async def test_steps_are_written_together_or_not_at_all(database: Database, mark: str) -> None:
    step = writing("CREATE (n:DatabaseTest {mark: $mark}) RETURN $written AS written", "tests/step")
    done, refused = {"mark": mark, "written": True}, {"mark": mark, "written": False}

    written = await database.write_together([(step, done), (step, done)])
    not_written = await database.write_together([(step, done), (step, refused)])

    assert (written, not_written) == ([{"written": True}] * 2, None)
    assert await database.read_one(COUNT, mark=mark) == {"nodes": 2}
