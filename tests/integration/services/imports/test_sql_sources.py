"""Databases as sources, on a real PostgreSQL and on SQLite: nothing lost, nothing doubled."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import psutil
import pytest

from identity_service.collect.source_file import PolledSource, read_source
from identity_service.errors import Conflict, NotFound, SourceFailed
from identity_service.services.imports.polls import CallReport
from identity_service.services.limits import Limits, PollLimits
from identity_service.settings import Settings
from tests.support.neo4j import environment_of
from tests.support.postgres import PASSWORD, Postgres, postgres_for_tests
from tests.support.service import running_service
from tests.support.space import TESTS, NewWorld, World, beside
from tests.support.waiting import until

pytestmark = pytest.mark.neo4j

ASLEEP = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
ROOT = Path(__file__).parents[4]
VARIABLE = "TESTS_DATABASE_URL"

USERS = """
source: {source}
url_env: TESTS_DATABASE_URL
every: 1s
timeout: 5s
calls:
  - identify: |
      SELECT id, email, updated_at FROM {table}
      WHERE updated_at >= :since ORDER BY updated_at, id
    cursor: updated_at
    overlap: 10m
    key: id
    user_id: id
    traits: [email]
"""
ORDERS = """
source: {source}
url_env: TESTS_DATABASE_URL
timeout: 1s
calls:
  - track: Ordered
    query: SELECT id, person, total FROM {table} WHERE id >= :since ORDER BY id
    cursor: id
    overlap: 0
    key: id
    user_id: person
    properties: [total]
"""
ANY = """
source: {source}
url_env: TESTS_DATABASE_URL
timeout: 1s
calls:
  - {{identify: "{query}", cursor: cursor, key: id, user_id: id, overlap: {overlap}}}
"""


@pytest.fixture(scope="module")
def postgres() -> Generator[Postgres]:
    with postgres_for_tests() as server:
        yield server


@pytest.fixture
def in_postgres(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> Postgres:
    """The server, named by the variable, and without the tables of other tests."""
    monkeypatch.setenv(VARIABLE, postgres.address)
    postgres.do("DROP TABLE IF EXISTS users, orders")
    return postgres


@pytest.fixture
def in_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Runs statements in a SQLite file that the variable names."""
    file = tmp_path / "shop.db"
    monkeypatch.setenv(VARIABLE, f"sqlite:///{file}")

    def do(*statements: str) -> None:
        connection = sqlite3.connect(file)
        with connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()

    return do


def source_of(text: str, space: World, table: str = "users", **more: Any) -> PolledSource:
    """A source of the space's own name, which feeds it."""
    return read_source(text.format(source=space.space, table=table, **more))


async def read(space: World, source: PolledSource, **more: Any) -> CallReport:
    [report] = (await space.use_cases.polls.poll(source, **more)).calls
    return report


async def failure_of(space: World, source: PolledSource, **more: Any) -> str:
    """Why the call of a source could not be read."""
    report = await read(space, source, **more)
    assert report.error is not None, report
    assert (await space.use_cases.polls.state(source)).error == f"identify: {report.error}"
    return report.error


async def logins(space: World) -> set[str]:
    return {
        value
        for [value] in await space.rows(
            "MATCH (i:Identifier {space: $space, type: 'user_id'}) RETURN i.value"
        )
    }


async def event_count(space: World) -> int:
    [[count]] = await space.rows("MATCH (e:Event {space: $space}) RETURN count(e)")
    return count


async def test_a_row_that_is_committed_after_later_ones_is_not_missed(
    world: NewWorld, in_postgres: Postgres
) -> None:
    in_postgres.do("CREATE TABLE users (id int, email text, updated_at timestamptz)")
    space = await world()
    source = source_of(USERS, space)

    with in_postgres.connected() as slow:
        slow.execute("INSERT INTO users VALUES (1, 'a@b.cd', '2026-03-01 10:00:00+00')")
        in_postgres.do("INSERT INTO users VALUES (2, 'b@b.cd', '2026-03-01 10:09:00+00')")
        first = await read(space, source)
        slow.commit()
    second = await read(space, source)
    third = await read(space, source)

    assert (first.rows, first.written) == (1, 1)
    assert (second.rows, second.written, second.known) == (2, 1, 1)
    assert (third.written, third.known) == (0, 2)
    assert first.cursor == second.cursor == "2026-03-01T10:09:00.000Z"
    assert await logins(space) == {"1", "2"}


async def test_a_row_that_has_changed_is_another_event_and_one_that_has_not_is_none(
    world: NewWorld, in_postgres: Postgres
) -> None:
    in_postgres.do(
        "CREATE TABLE users (id int, email text, updated_at timestamp)",
        "INSERT INTO users VALUES (1, 'old@b.cd', '2026-03-01'), (2, 'b@b.cd', '2026-03-01')",
    )
    space = await world()
    source = source_of(USERS, space)

    await read(space, source)
    in_postgres.do("UPDATE users SET email = 'new@b.cd', updated_at = '2026-03-02' WHERE id = 1")
    changed = await read(space, source)

    assert (changed.rows, changed.written, changed.known) == (2, 1, 1)
    assert await event_count(space) == 3
    [[stated]] = await space.rows("MATCH (e:Event {space: $space}) RETURN max(e.at)")
    assert stated == 1_772_409_600_000


@pytest.mark.parametrize(
    "spelled",
    [
        ("2026-03-01 00:00:59", "2026-03-01 00:00:59.000000"),
        ("2026-03-01T00:00:59Z", "2026-03-01 00:00:59"),
        ("2026-03-01 00:00:59", "2026-03-01T00:00:59.000Z"),
    ],
    ids=" then ".join,
)
async def test_sqlite_finds_a_row_whose_time_equals_the_cursor_in_every_spelling(
    world: NewWorld, in_sqlite: Callable[..., None], spelled: tuple[str, str]
) -> None:
    first, later = spelled
    in_sqlite(
        "CREATE TABLE users (id INTEGER, email TEXT, updated_at TEXT)",
        f"INSERT INTO users VALUES (1, 'a@b.cd', '{first}')",  # noqa: S608
    )
    space = await world()
    source = source_of(USERS.replace("overlap: 10m", "overlap: 1s"), space)

    await read(space, source)
    in_sqlite(f"INSERT INTO users VALUES (2, 'b@b.cd', '{later}')")  # noqa: S608
    second = await read(space, source)

    assert second.written == 1
    assert await logins(space) == {"1", "2"}


@pytest.mark.parametrize(
    "query", ["cursor >= :since", ":since IS NULL OR cursor >= :since", "TRUE"]
)
@pytest.mark.parametrize("kind", ["timestamptz", "timestamp", "date", "bigint", "numeric"])
async def test_the_first_time_all_rows_come_whatever_the_type_of_the_cursor(
    world: NewWorld, in_postgres: Postgres, query: str, kind: str
) -> None:
    value = "7" if kind in ("bigint", "numeric") else "'2026-03-01'"
    in_postgres.do(
        f"CREATE TABLE users (id int, cursor {kind})",
        f"INSERT INTO users VALUES (1, {value})",  # noqa: S608
    )
    space = await world()
    overlap = "5" if value == "7" else "1d"
    text = f"SELECT id, cursor FROM users WHERE {query} ORDER BY cursor"  # noqa: S608
    source = source_of(ANY, space, query=text, overlap=overlap)

    first, second = await read(space, source), await read(space, source)

    assert (first.rows, first.written) == (1, 1)
    assert (second.rows, second.known) == (1, 1)


async def test_rows_without_a_cursor_value_are_taken_and_counted(
    world: NewWorld, in_sqlite: Callable[..., None]
) -> None:
    in_sqlite(
        "CREATE TABLE users (id INTEGER, cursor TEXT)",
        "INSERT INTO users VALUES (1, '2026-03-01'), (2, NULL), (3, NULL)",
    )
    space = await world()
    query = "SELECT id, cursor FROM users WHERE cursor >= :since OR cursor IS NULL ORDER BY cursor"
    source = source_of(ANY, space, query=query, overlap="1d")

    first, second = await read(space, source), await read(space, source)

    assert (first.rows, first.written, first.rows_without_cursor) == (3, 3, 2)
    assert (second.known, second.rows_without_cursor) == (3, 2)


async def test_a_cursor_that_decreases_is_counted_and_stays_where_it_was_until_the_end(
    world: NewWorld, in_sqlite: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    in_sqlite("CREATE TABLE users (id INTEGER PRIMARY KEY, cursor INTEGER)")
    in_sqlite(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)"
        " INSERT INTO users SELECT i, 5000 - i FROM n"
    )
    space = await world()
    query = "SELECT id, cursor FROM users WHERE cursor >= :since ORDER BY id"
    source = source_of(ANY, space, query=query, overlap="0")
    recorded: list[Any] = []
    store = space.use_cases.polls._store  # pyright: ignore[reportPrivateUsage]
    record = store.record

    async def watched(source: str, lease_ms: int, cursors: Any) -> bool:
        recorded.append(dict(cursors))
        return await record(source, lease_ms, cursors)

    monkeypatch.setattr(store, "record", watched)
    report = await read(space, source)

    assert (report.rows, report.rows_out_of_order) == (1_200, 1_199)
    assert recorded == [{}, {}, {}, {"identify": "integer 4999"}]


async def test_a_time_to_come_does_not_keep_out_the_rows_until_then(
    world: NewWorld, in_sqlite: Callable[..., None]
) -> None:
    in_sqlite(
        "CREATE TABLE users (id INTEGER, email TEXT, updated_at TEXT)",
        "INSERT INTO users VALUES (1, 'a@b.cd', '9999-01-01'), (2, 'b@b.cd', '2026-03-01')",
    )
    space = await world()
    source = source_of(USERS, space)

    await read(space, source)
    in_sqlite("INSERT INTO users VALUES (3, 'c@b.cd', '2026-03-02')")
    await read(space, source)

    assert await logins(space) == {"1", "2", "3"}


async def test_a_process_that_is_killed_between_batches_loses_nothing_and_doubles_nothing(
    world: NewWorld, in_postgres: Postgres, database_settings: Settings, tmp_path: Path
) -> None:
    in_postgres.do(
        "CREATE TABLE orders (id int, person text, total int)",
        "INSERT INTO orders SELECT n, 'u-' || n % 50, n FROM generate_series(1, 1800) n",
    )
    space = await world()
    file = tmp_path / "shop.yaml"
    file.write_text(ORDERS.format(source=space.space, table="orders"))

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.killed_poll", file),
        cwd=ROOT,
        env=os.environ | environment_of(database_settings),
    )
    ended = await process.wait()
    before = await event_count(space)
    with pytest.raises(Conflict, match="Another process is reading"):
        await read(space, source_of(ORDERS, space, "orders"))
    resumed: list[CallReport] = []

    async def takes_over() -> bool:
        try:
            resumed.append(await read(space, source_of(ORDERS, space, "orders")))
        except Conflict:
            return False
        return True

    await until(takes_over)

    assert ended == -signal.SIGKILL
    assert before == 1_000
    # From the last cursor on, which is read again.
    assert [(each.rows, each.written, each.known) for each in resumed] == [(801, 800, 1)]
    assert await event_count(space) == 1_800


async def test_of_two_processes_one_reads_a_source_at_a_time(
    world: NewWorld, in_postgres: Postgres
) -> None:
    in_postgres.do(
        "CREATE TABLE orders (id int, person text, total int)",
        "INSERT INTO orders SELECT n, 'u-' || n, n FROM generate_series(1, 600) n",
    )
    space = await world()
    other = beside(space, space.database)
    source = source_of(ORDERS, space, "orders")

    outcomes = await asyncio.gather(
        *(read(each, source) for each in (space, other, space, other)), return_exceptions=True
    )

    reports = [each for each in outcomes if isinstance(each, CallReport)]
    assert all(isinstance(each, CallReport | Conflict) for each in outcomes), outcomes
    assert sum(each.written for each in reports) == 600
    assert len(reports) < 4
    assert await event_count(space) == 600


async def test_a_service_reads_what_comes_again_and_again(
    world: NewWorld,
    in_postgres: Postgres,
    database_settings: Settings,
    tmp_path: Path,
) -> None:
    in_postgres.do(
        "CREATE TABLE users (id int, email text, updated_at timestamptz DEFAULT now())",
        "INSERT INTO users VALUES (1, 'a@b.cd')",
    )
    space = await world()
    (tmp_path / "users.yaml").write_text(USERS.format(source=space.space, table="users"))
    settings = database_settings.model_copy(update={"source_files": tmp_path})

    with running_service(settings):
        await until(lambda: _has_logins(space, {"1"}))
        in_postgres.do("INSERT INTO users VALUES (2, 'b@b.cd')")
        await until(lambda: _has_logins(space, {"1", "2"}))

    state = await space.use_cases.polls.state(source_of(USERS, space))
    assert (state.running, state.error) == (False, None)


async def _has_logins(space: World, expected: set[str]) -> bool:
    return await logins(space) == expected


async def test_a_query_of_postgresql_cannot_write(world: NewWorld, in_postgres: Postgres) -> None:
    in_postgres.do("DROP SEQUENCE IF EXISTS numbers", "CREATE SEQUENCE numbers")
    space = await world()
    query = "SELECT nextval('numbers') AS id, 1 AS cursor"

    said = await failure_of(space, source_of(ANY, space, query=query, overlap="1"))

    assert "read-only transaction" in said
    assert in_postgres.ask("SELECT is_called FROM numbers") == [(False,)]


async def test_a_query_of_sqlite_cannot_write(
    world: NewWorld, in_sqlite: Callable[..., None]
) -> None:
    in_sqlite("CREATE TABLE users (id INTEGER, cursor INTEGER)")
    space = await world()
    query = "INSERT INTO users VALUES (1, 1) RETURNING id, cursor"

    said = await failure_of(space, source_of(ANY, space, query=query, overlap="1"))

    assert "readonly database" in said


async def test_a_statement_that_takes_too_long_is_ended(
    world: NewWorld, in_postgres: Postgres
) -> None:
    space = await world()
    query = "SELECT 1 AS id, 1 AS cursor, pg_sleep(60)"
    begun = time.monotonic()

    said = await failure_of(space, source_of(ANY, space, query=query, overlap="1"))

    assert "statement timeout" in said
    assert time.monotonic() - begun < 20
    assert in_postgres.ask(ASLEEP) == [(0,)]


async def test_a_statement_of_sqlite_that_takes_too_long_is_interrupted(
    world: NewWorld, in_sqlite: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    in_sqlite("CREATE TABLE users (id INTEGER)")
    monkeypatch.setattr("identity_service.services.imports.sql_database.CONNECT_TIMEOUT_S", 0)
    space = await world()
    query = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
        " SELECT max(i) AS id, 1 AS cursor FROM n"
    )

    said = await failure_of(space, source_of(ANY, space, query=query, overlap="1"))

    assert "no answer within 1 s" in said


async def test_the_password_stands_in_no_error_no_log_and_no_list_of_processes(
    world: NewWorld, in_postgres: Postgres, database_settings: Settings, tmp_path: Path
) -> None:
    in_postgres.do("CREATE TABLE users (id int, cursor int)")
    space = await world()
    slow = tmp_path / "slow.yaml"
    query = "SELECT 1 AS id, 1 AS cursor, pg_sleep(60)"
    text = ANY.replace("timeout: 1s", "timeout: 5s")
    slow.write_text(text.format(source=space.space, query=query, overlap="1"))
    program = "import sys; from identity_service.cli import main; sys.exit(main())"

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, "source", "sql", "run", slow),
        cwd=ROOT,
        env=os.environ | environment_of(database_settings),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )

    async def sleeps() -> bool:
        return in_postgres.ask(ASLEEP) == [(1,)]

    await until(sleeps)
    listed = [" ".join(each.info["cmdline"] or []) for each in psutil.process_iter(["cmdline"])]
    out, err = await process.communicate()
    query = f"SELECT CAST('{PASSWORD}' AS int) AS id, 1 AS cursor"
    repeats_it = await failure_of(space, source_of(ANY, space, query=query, overlap="1"))

    assert process.returncode == 1
    assert b"statement timeout" in err
    assert "***" in repeats_it
    for text in (*listed, out.decode(), err.decode(), repeats_it):
        assert PASSWORD not in text
        assert "pa%20ss" not in text


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (None, "TESTS_DATABASE_URL is not set"),
        ("postgresql+psycopg//user:hunter2@db/x", "is no address of a database"),
        ("postgresql+psycopg://user:hunter2@127.0.0.1:port/x", "is no address of a database"),
        ("postgresql+psycopg://user:hunter2@127.0.0.1:1/x", "refused"),
        ("nothing://user:hunter2@db/x", "refused"),
    ],
)
async def test_an_address_that_leads_nowhere_is_said_without_it(
    world: NewWorld, monkeypatch: pytest.MonkeyPatch, address: str | None, said: str
) -> None:
    if address is None:
        monkeypatch.delenv(VARIABLE, raising=False)
    else:
        monkeypatch.setenv(VARIABLE, address)
    space = await world()

    with pytest.raises(SourceFailed, match=said) as failed:
        await read(space, source_of(USERS, space))

    assert "hunter2" not in str(failed.value)


async def test_a_column_that_a_query_does_not_give_is_named(
    world: NewWorld, in_sqlite: Callable[..., None]
) -> None:
    in_sqlite("CREATE TABLE users (id INTEGER)", "INSERT INTO users VALUES (1)")
    space = await world()

    said = await failure_of(space, source_of(ANY, space, query="SELECT id FROM users", overlap="1"))

    assert "“identify” gives no column “cursor”. It gives id." in said


async def test_a_row_of_a_mirrored_call_that_is_gone_is_reported_once_within_a_day(
    world: NewWorld, in_sqlite: Callable[..., None]
) -> None:
    in_sqlite(
        "CREATE TABLE users (id TEXT, email TEXT, updated_at TEXT)",
        "INSERT INTO users VALUES ('a', '', '2026-03-01'), ('b', '', '2026-03-02')",
        "INSERT INTO users VALUES ('c', '', '2026-03-03')",
    )
    now = [1_790_000_000_000]
    space = await world(clock=lambda: now[0])
    source = source_of(USERS.replace("key: id", "key: id\n    mirror: full"), space)

    first = await read(space, source)
    in_sqlite("DELETE FROM users WHERE id = 'b'")
    same_day = await read(space, source)
    now[0] += 24 * 60 * 60 * 1000
    next_day, after = await read(space, source), await read(space, source)

    assert [each.rows for each in (first, same_day, next_day, after)] == [3, 1, 2, 1]
    assert [each.rows_gone for each in (first, same_day, next_day, after)] == [0, 0, 1, 0]
    assert await space.rows(
        "MATCH (e:Event {space: $space, name: 'Deleted'})-[:OBSERVED]->(i) RETURN i.value"
    ) == [["b"]]


async def test_where_most_rows_of_a_mirrored_call_are_gone_that_is_an_error(
    world: NewWorld, in_sqlite: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("identity_service.services.imports.polls.MAX_GONE", 1)
    in_sqlite(
        "CREATE TABLE users (id TEXT, email TEXT, updated_at TEXT)",
        "INSERT INTO users VALUES ('a', '', '2026-03-01'), ('b', '', '2026-03-02')",
        "INSERT INTO users VALUES ('c', '', '2026-03-03')",
    )
    space = await world()
    source = source_of(USERS.replace("key: id", "key: id\n    mirror: full"), space)

    await read(space, source)
    in_sqlite("DELETE FROM users WHERE id <> 'c'")
    said = await failure_of(space, source, again=True)

    assert "Of 3 rows 2 are gone" in said
    assert await event_count(space) == 3


async def test_a_call_that_cannot_be_read_keeps_no_other_from_being_read(
    world: NewWorld, in_postgres: Postgres
) -> None:
    in_postgres.do(
        "CREATE TABLE orders (id int, person text, total int)",
        "INSERT INTO orders VALUES (1, 'u-1', 5)",
    )
    space = await world()
    calls = USERS + ORDERS.partition("calls:\n")[2]
    source = source_of(calls.replace("FROM {table} WHERE id", "FROM orders WHERE id"), space)

    report = await space.use_cases.polls.poll(source)

    identify, track = report.calls
    assert '"users" does not exist' in (identify.error or "")
    assert (track.error, track.written) == (None, 1)


async def test_a_source_that_there_is_not_is_not_read(world: NewWorld) -> None:
    space = await world()

    with pytest.raises(NotFound, match="no source “nobody”"):
        await space.use_cases.polls.poll(read_source(USERS.format(source="nobody", table="t")))


async def test_a_source_that_is_paused_is_not_read(
    world: NewWorld, in_sqlite: Callable[..., None]
) -> None:
    in_sqlite(
        "CREATE TABLE orders (id INTEGER, person TEXT, total INTEGER)",
        "INSERT INTO orders VALUES (1, 'u', 5)",
    )
    space = await world()
    source = source_of(ORDERS, space, "orders")
    sources = space.use_cases.sources

    await sources.pause(TESTS, space.space, source.name)
    with pytest.raises(Conflict, match="is paused"):
        await read(space, source)
    await sources.resume(TESTS, space.space, source.name)

    assert (await read(space, source)).written == 1


async def test_all_rows_are_read_again_when_that_is_asked_for(
    world: NewWorld, in_sqlite: Callable[..., None]
) -> None:
    in_sqlite(
        "CREATE TABLE orders (id INTEGER, person TEXT, total INTEGER)",
        "INSERT INTO orders VALUES (1, 'u', 5), (2, 'u', 6), (3, 'u', 7)",
    )
    space = await world()
    source = source_of(ORDERS, space, "orders")

    await read(space, source)
    usual, again = await read(space, source), await read(space, source, again=True)

    assert (usual.rows, again.rows, again.known) == (1, 3, 3)


async def test_a_source_that_failed_says_why_and_is_read_when_it_is_due_again(
    world: NewWorld, in_sqlite: Callable[..., None]
) -> None:
    space = await world(limits=Limits(poll=PollLimits(look_interval_s=0.1)))
    source = source_of(USERS, space)
    polls = space.use_cases.polls

    polls.look_after([source])
    await until(lambda: _has_failed(space, source))
    in_sqlite(
        "CREATE TABLE users (id INTEGER, email TEXT, updated_at TEXT)",
        "INSERT INTO users VALUES (1, 'a@b.cd', '2026-03-01')",
    )
    await until(lambda: _has_logins(space, {"1"}))
    await polls.close()

    assert (await polls.state(source)).error is None


async def _has_failed(space: World, source: PolledSource) -> bool:
    error = (await space.use_cases.polls.state(source)).error
    return error is not None and "no such table: users" in error
