"""Bulk loads of trees, tables and enriched events, and what a load that was stopped does next."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from identity_service.collect.snowplow_enriched import COLUMNS
from identity_service.errors import Unavailable
from identity_service.graph.evidence import EvidenceStore
from identity_service.graph.write_rows import SettlementWrite
from identity_service.services.imports import bulk_load
from identity_service.services.kit.optional import library
from identity_service.settings import Settings
from tests.support.command import Command, Ended
from tests.support.neo4j import driver_of

pytestmark = pytest.mark.neo4j


def call(number: int, **more: Any) -> str:
    fields = {"type": "track", "event": "seen", "messageId": f"m-{number}", "userId": f"u-{number}"}
    return json.dumps({**fields, **more}) + "\n"


def counts(ended: Ended) -> dict[str, int]:
    assert ended.code == 0, ended
    loaded = json.loads(ended.out)
    del loaded["space"]
    return loaded


def rows(settings: Settings, query: str, **parameters: Any) -> list[list[Any]]:
    with driver_of(settings) as driver:
        ask: Any = driver.execute_query  # pyright: ignore[reportUnknownMemberType]
        return [list(record) for record in ask(query, parameters).records]


def identifiers_of(command: Command, space: str, found_by: str) -> set[str]:
    customer = json.loads(command("resolve", found_by, "--space", space, "--json").out)
    return {f"{i['type']}:{i['value']}" for i in customer["identifiers"]}


def test_a_tree_of_storage_files_is_loaded_and_a_second_time_adds_nothing(
    command: Command, keys: dict[str, str], tmp_path: Path
) -> None:
    for number, name in enumerate(
        ("1772323200000/2.gz", "1772323200000/10.gz", "1772409600000/2.gz")
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        # Without ids, the same line in files of one name on two days is two events.
        path.write_bytes(gzip.compress(f"{call(number)}{call(0, messageId=None)}".encode()))

    first = command("ingest", tmp_path, "--space", keys["space"], "--json")
    second = command("ingest", tmp_path, "--space", keys["space"], "--json")

    assert counts(first) == {"written": 6, "known": 0, "rejected": 0}
    assert counts(second) == {"written": 0, "known": 6, "rejected": 0}


def test_tables_of_a_warehouse_make_the_customers_that_their_calls_would(
    command: Command, keys: dict[str, str], tmp_path: Path, database_settings: Settings
) -> None:
    pyarrow, parquet = library("pyarrow"), library("pyarrow.parquet")
    event = {"id": "m-1", "anonymous_id": "a-1", "user_id": "u-1", "event": "order_completed"}
    (tmp_path / "tracks.csv").write_text(
        "id,anonymous_id,user_id,event,event_text,timestamp\n"
        "m-1,a-1,u-1,order_completed,Order Completed,2026-03-01 10:00:00+00\n"
        "m-2,a-2,,cart_viewed,Cart Viewed,2026-03-01 11:00:00+00\n"
    )
    (tmp_path / "identifies.csv").write_text(
        "id,anonymous_id,user_id,email,timestamp\nm-3,a-2,u-1,Ann@Example.com,2026-03-02\n"
    )
    parquet.write_table(
        pyarrow.Table.from_pylist([event | {"event_text": "Order Completed", "revenue": 12.5}]),
        tmp_path / "order_completed.parquet",
    )

    ended = command("ingest", tmp_path, "--space", keys["space"], "--json")

    assert counts(ended) == {"written": 3, "known": 1, "rejected": 0}
    assert identifiers_of(command, keys["space"], "email:ann@example.com") == {
        *("user_id:u-1", "anonymous_id:a-1", "anonymous_id:a-2", "email:ann@example.com")
    }
    [[properties]] = rows(
        database_settings,
        "MATCH (e:Event {space: $space, name: 'Order Completed'}) RETURN e.properties",
        space=keys["space"],
    )
    assert json.loads(properties) == {"revenue": 12.5}


def test_enriched_events_of_snowplow_are_loaded(
    command: Command, keys: dict[str, str], tmp_path: Path
) -> None:
    columns = {"event": "page_view", "event_id": "e-1", "user_id": "u-1", "domain_userid": "d-1"}
    line = "\t".join(columns.get(name, "") for name in COLUMNS)
    file = tmp_path / "part-00000.gz"
    file.write_bytes(gzip.compress(f"{line}\n{line}\n".encode()))

    ended = command("ingest", file, "--space", keys["space"], "--format", "snowplow", "--json")

    assert counts(ended) == {"written": 1, "known": 1, "rejected": 0}
    assert identifiers_of(command, keys["space"], "user_id:u-1") == {
        *("user_id:u-1", "anonymous_id:d-1")
    }


def test_rows_that_cannot_be_used_are_named_and_say_as_rejected_events_where_they_stand(
    command: Command, keys: dict[str, str], tmp_path: Path, database_settings: Settings
) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(call(1) + "nonsense\n" * 22 + call(2))

    ended = command("ingest", file, "--space", keys["space"], "--json")

    assert counts(ended) == {"written": 2, "known": 0, "rejected": 22}
    named = ended.err.splitlines()
    assert len(named) == 21
    assert named[0].startswith("events.jsonl, 2: The body is not JSON")
    assert named[-1] == "2 more rows could not be used."
    kept = rows(
        database_settings,
        "MATCH (r:RejectedEvent {space: $space}) RETURN r.message",
        space=keys["space"],
    )
    assert len(kept) == 22
    assert {message.rpartition(" (")[2] for [message] in kept} == {
        f"events.jsonl, {number})" for number in range(2, 24)
    }


def test_a_load_that_was_killed_goes_on_where_it_was_loses_nothing_and_doubles_nothing(
    command: Command, keys: dict[str, str], tmp_path: Path, database_settings: Settings
) -> None:
    file = tmp_path / "events.jsonl"
    pad = "x" * 100
    file.write_text("".join(call(n, properties={"pad": pad}) for n in range(6_000)))
    places = "MATCH (l:FileLoad {space: $space}) RETURN l.place, l.stored, l.done"

    killed = subprocess.run(
        [sys.executable, "-m", "tests.support.killed_load", keys["space"], file], check=False
    )
    [[place, stored, done]] = rows(database_settings, places, space=keys["space"])
    spoil(file, row=place - 400)
    resumed = command("ingest", file, "--space", keys["space"], "--json")

    assert killed.returncode == -signal.SIGKILL
    assert (stored, done) == (place, False)
    assert 1_000 <= place < 6_000
    # The row that is none any more stands before the place, so it was not read again.
    after = counts(resumed)
    assert after["rejected"] == 0
    assert after["known"] >= place
    assert after["written"] + after["known"] == 6_000
    assert rows(
        database_settings, "MATCH (e:Event {space: $space}) RETURN count(e)", space=keys["space"]
    ) == [[6_000]]
    assert rows(database_settings, places, space=keys["space"]) == []


def test_a_batch_that_the_database_could_not_take_is_sent_again(
    command: Command, keys: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text("".join(call(n) for n in range(10)))
    failures = iter([Unavailable("The database is gone."), Unavailable("It is still gone.")])
    write = EvidenceStore.write_new_customers

    async def fails_at_first(store: EvidenceStore, evidence: SettlementWrite) -> Any:
        if (failure := next(failures, None)) is not None:
            raise failure
        return await write(store, evidence)

    monkeypatch.setattr(EvidenceStore, "write_new_customers", fails_at_first)
    monkeypatch.setattr(bulk_load, "PAUSES_S", (0.01, 0.01))

    loaded = command("ingest", file, "--space", keys["space"], "--json")

    assert next(failures, None) is None
    assert counts(loaded) == {"written": 10, "known": 0, "rejected": 0}


def spoil(file: Path, row: int) -> None:
    """Overwrite a row with nonsense, so that nothing of it is known but that it was there."""
    about = file.stat()
    lines = file.read_bytes().splitlines(keepends=True)
    before = sum(map(len, lines[: row - 1]))
    assert 64 * 1024 < before < about.st_size - 64 * 1024, "the ends of a file tell it from others"
    with file.open("r+b") as opened:
        opened.seek(before)
        opened.write(b"#" * (len(lines[row - 1]) - 1))
    os.utime(file, ns=(about.st_atime_ns, about.st_mtime_ns))


def test_a_dry_run_shows_the_first_ten_calls_and_needs_no_database(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_NEO4J_URI", "bolt://127.0.0.1:1")
    file = tmp_path / "events.jsonl"
    at = "2026-03-01T10:00:00.000Z"
    file.write_text("{\n" + "".join(call(n, timestamp=at) for n in range(20)))

    shown = command("ingest", file, "--space", "none", "--dry-run")
    as_json = json.loads(command("ingest", file, "--space", "none", "--dry-run", "--json").out)

    assert shown.out.splitlines()[1:3] == [
        "events.jsonl, 2: track “seen” at 2026-03-01T10:00:00.000Z",
        "  user_id:u-0",
    ]
    assert [each["from"] for each in as_json] == [f"events.jsonl, {n}" for n in range(1, 11)]
    assert as_json[0]["rejected"] == "NOT_JSON"
    assert as_json[1] == {
        "from": "events.jsonl, 2",
        "type": "track",
        "name": "seen",
        "at": at,
        "messageId": "m-0",
        "identifiers": [{"type": "user_id", "value": "u-0"}],
        "accountId": None,
        "properties": {},
    }


def test_a_table_of_what_is_no_warehouse_is_wrong_usage(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(call(1))

    line = command.complains(
        *("ingest", file, "--space", "none", "--format", "segment", "--table", "pages"), code=2
    )

    assert "Files of segment have no table" in line


def test_a_file_of_another_table_than_its_name_says_is_refused_and_the_others_are_loaded(
    command: Command, keys: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "orders.csv").write_text("id,total\n1,12\n")
    (tmp_path / "users.csv").write_text("id,email\nu-1,ann@example.com\n")

    ended = command("ingest", tmp_path, "--space", keys["space"])

    assert ended.code == 1
    assert "orders.csv: It has no column “event” or “event_text”" in ended.err
    assert command("resolve", "email:ann@example.com", "--space", keys["space"]).code == 0
