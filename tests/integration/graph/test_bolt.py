"""Requests and answers of our own, on connections of the driver."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import AsyncGenerator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from neo4j import READ_ACCESS, WRITE_ACCESS

from identity_service.errors import IdentityServiceError, Stale, StatementFailed, Unavailable
from identity_service.graph import database as database_module
from identity_service.graph.bolt import Bolt
from identity_service.graph.database import Database
from identity_service.graph.statements import Statement
from identity_service.settings import Settings
from tests.support.neo4j import async_driver_of
from tests.support.relay import Relay
from tests.support.statements import reading, writing

ECHO = reading("RETURN $value AS value", "tests/echo")
LONG = reading("UNWIND range(1, 10000000) AS n RETURN n", "tests/long")
CREATE = writing("CREATE (n:DatabaseTest {mark: $mark}) RETURN $written AS written", "tests/create")
COUNT = reading("MATCH (n:DatabaseTest {mark: $mark}) RETURN count(n) AS nodes", "tests/count")
CONNECTION = reading(
    "SHOW TRANSACTIONS YIELD connectionId, metaData WHERE metaData.name = 'tests/connection' "
    "RETURN connectionId AS id",
    "tests/connection",
)


@pytest.fixture
async def alone(
    database_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Database]:
    """A database with one connection."""
    monkeypatch.setattr(database_module, "MAX_CONNECTIONS", 1)
    async with await Database.open(database_settings) as db:
        yield db


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -(2**63),
        2**63 - 1,
        0.1,
        "",
        "Grüße, 世界",
        b"\x00\xff",
        [],
        [[1, "a"], [None, {"b": [True]}]],
        {"a": {"b": {}}, "c": [{"d": 1}]},
    ],
)
async def test_a_value_comes_back_as_it_was_sent(database: Database, value: Any) -> None:
    assert await database.read_one(ECHO, value=value) == {"value": value}


async def test_a_tuple_is_a_list(database: Database) -> None:
    assert await database.read_one(ECHO, value=((1, 2), ())) == {"value": [[1, 2], []]}


@pytest.mark.parametrize("length", [65_500, 65_535, 65_536, 131_070, 3_000_000])
async def test_values_of_any_length_pass_both_ways(database: Database, length: int) -> None:
    row = await database.read_one(ECHO, value="x" * length)

    assert row is not None
    assert row["value"] == "x" * length


async def test_an_answer_has_any_number_of_records(database: Database) -> None:
    rows = await database.read_all(reading("UNWIND range(1, 200000) AS n RETURN n, [n] AS list"))

    assert rows == [{"n": n, "list": [n]} for n in range(1, 200_001)]


async def test_statements_at_the_same_time_each_get_their_own_answer(database: Database) -> None:
    rows = await asyncio.gather(*(database.read_one(ECHO, value=n) for n in range(300)))

    assert rows == [{"value": n} for n in range(300)]


@pytest.mark.parametrize(
    ("statement", "failure"),
    [
        pytest.param(reading("RETURN", "tests/no_statement"), StatementFailed, id="at once"),
        pytest.param(reading("UNWIND [2, 1, 0] AS n RETURN 1 / n AS x"), Stale, id="amid records"),
    ],
)
async def test_a_connection_is_used_again_after_a_statement_that_is_refused(
    alone: Database, statement: Statement, failure: type[IdentityServiceError]
) -> None:
    before = await alone.read_one(CONNECTION)

    with pytest.raises(failure):
        await alone.read_one(statement)

    assert await alone.read_one(CONNECTION) == before


async def test_a_connection_is_used_again_after_a_statement_that_the_server_stopped(
    database_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "MAX_CONNECTIONS", 1)
    # Only the server is to stop it, however slow this machine is.
    monkeypatch.setattr(database_module, "GRACE_S", 60)
    settings = database_settings.model_copy(update={"write_timeout": 0.2})
    endless = writing("UNWIND range(1, 1000000) AS a UNWIND range(1, 1000000) AS b RETURN sum(b)")

    async with await Database.open(settings) as alone:
        before = await alone.read_one(CONNECTION)
        with pytest.raises(Unavailable, match="was stopped at its time limit"):
            await alone.write_one(endless)
        after = await alone.read_one(CONNECTION)

    assert after == before


async def test_a_connection_is_closed_when_a_statement_is_cancelled_amid_its_answer(
    alone: Database,
) -> None:
    before = await alone.read_one(CONNECTION)

    with suppress(TimeoutError):
        async with asyncio.timeout(0.3):
            await alone.read_all(LONG)

    after = await alone.read_one(CONNECTION)
    assert before is not None
    assert after is not None
    assert after != before


async def test_a_record_that_holds_a_date_is_refused(alone: Database) -> None:
    with pytest.raises(StatementFailed, match="a date"):
        await alone.read_all(reading("UNWIND range(1, 100000) AS n RETURN date() AS day"))

    assert await alone.read_one(ECHO, value=1) == {"value": 1}


async def test_signs_of_life_of_the_server_are_no_answers(
    relay: Relay, through_relay: Database
) -> None:
    await through_relay.read_one(ECHO, value=1)

    relay.pad_answers()
    padded = await through_relay.read_one(ECHO, value=2)
    relay.mend()
    after = [await through_relay.read_one(ECHO, value=n) for n in (3, 4)]

    assert padded == {"value": 2}
    assert after == [{"value": 3}, {"value": 4}]


async def test_signs_of_life_do_not_hide_a_refusal(relay: Relay, through_relay: Database) -> None:
    await through_relay.read_one(ECHO, value=1)

    relay.pad_answers()
    with pytest.raises(StatementFailed, match="SyntaxError"):
        await through_relay.read_one(reading("RETURN"))
    relay.mend()

    assert await through_relay.read_one(ECHO, value=2) == {"value": 2}


async def test_a_login_that_expired_is_renewed_before_the_next_statement(
    relay: Relay, through_relay: Database
) -> None:
    await through_relay.read_one(ECHO, value=1)
    pool: Any = through_relay._driver._pool  # pyright: ignore[reportPrivateUsage]
    for connections in pool.connections.values():
        for connection in connections:
            connection.mark_unauthenticated()
    relay.asked.clear()

    row = await through_relay.read_one(ECHO, value=2)

    assert row == {"value": 2}
    assert 0 < relay.asked.find(b"scheme") < relay.asked.find(b"RETURN $value")


async def test_steps_that_are_not_written_leave_their_connection_to_others(
    alone: Database, mark: str
) -> None:
    before = await alone.read_one(CONNECTION)

    await alone.write_together([(CREATE, {"mark": mark, "written": False})])

    assert await alone.read_one(CONNECTION) == before
    assert await alone.read_one(COUNT, mark=mark) == {"nodes": 0}


async def test_a_transaction_without_statements_does_nothing(alone: Database) -> None:
    async with alone.transaction("tests/empty"):
        pass

    assert await alone.read_one(ECHO, value=1) == {"value": 1}


async def test_a_cluster_is_asked_by_its_routing_address(
    database_settings: Settings, mark: str
) -> None:
    uri = (database_settings.neo4j_uri or "").replace("bolt", "neo4j")
    settings = database_settings.model_copy(update={"neo4j_uri": uri})

    async with await Database.open(settings) as routed:
        await routed.write_one(CREATE, mark=mark, written=True)
        await routed.write_together([(CREATE, {"mark": mark, "written": True})])
        read = await routed.read_one(COUNT, mark=mark)
        latest = await routed.read_latest(COUNT, mark=mark)
        with pytest.raises(StatementFailed):
            await routed.read_one(reading("RETURN"))
        after = await routed.read_one(COUNT, mark=mark)

    assert read == latest == after == {"nodes": 2}


async def test_a_statement_waits_for_the_commits_before_it_where_another_member_may_answer(
    relay: Relay, database_settings: Settings, mark: str
) -> None:
    settings = database_settings.model_copy(update={"neo4j_uri": relay.uri})
    create, written = CREATE.definition.text, {"mark": mark, "written": True}

    async def waits_for(bolt: Bolt, query: str, mode: str) -> bytes:
        relay.asked.clear()
        await bolt.run(query, written, name="tests/waits", seconds=5, mode=mode)
        return bytes(relay.asked).partition(b"\x89bookmarks")[2]

    async with async_driver_of(settings) as driver:
        here, elsewhere = (Bolt(driver, settings.neo4j_database, routed=True) for _ in range(2))
        alone = Bolt(driver, settings.neo4j_database, routed=False)
        waited = [await waits_for(here, create, WRITE_ACCESS)]
        for query, mode in ((create, WRITE_ACCESS), ("RETURN 1 AS x", READ_ACCESS)):
            (last,) = here.bookmarks
            waited.append(await waits_for(here, query, mode))
            assert last.encode() in waited[-1]
        elsewhere.see([last])
        alone.see([last])

        assert waited[0] == b""
        assert waited[1].startswith(b"\x91")
        assert last.encode() in await waits_for(elsewhere, "RETURN 1 AS x", READ_ACCESS)
        assert await waits_for(alone, create, WRITE_ACCESS) == b""


def test_only_versions_of_the_driver_whose_inner_parts_were_tested_may_be_installed() -> None:
    pyproject = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    major, minor, *_ = version("neo4j").split(".")

    allowed = [d for d in pyproject["project"]["dependencies"] if d.startswith("neo4j")]

    until = f"<{major}.{int(minor) + 1}"
    assert allowed == [f"{name}>={major}.{minor}.1,{until}" for name in ("neo4j", "neo4j-rust-ext")]
