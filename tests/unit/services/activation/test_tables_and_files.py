"""A table of SQLite and a directory of Parquet files as destinations."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
from moto.server import ThreadedMotoServer

from identity_service.activation.definition import parse_definition
from identity_service.activation.exchange import Done, Later, Never, NoAccess
from identity_service.activation.records import Operation
from identity_service.activation.vendors import DestinationVendor as Vendor
from identity_service.activation.vendors import rules_of
from identity_service.errors import DestinationInvalid
from identity_service.services.activation.channel import Channel
from identity_service.services.activation.files import ParquetFiles
from identity_service.services.activation.sender import Sender
from identity_service.services.activation.sql_table import SqlTable
from identity_service.services.kit.optional import library
from tests.support.activation import FakeClock, by_key, erasure, upsert

SQL = """
connection: {url_env: IDENTITY_DESTINATION_CRM, table: customers}
attributes: {first: trait.first, tags: trait.tags}
"""
FILES = """
connection: {directory: crm/people}
attributes: {first: trait.first}
audiences: {cart_abandoned: cart, loyal: loyal}
"""


def _files_below(directory: Path) -> list[str]:
    return sorted(each.relative_to(directory).as_posix() for each in directory.rglob("*.*"))


async def _send(channel: Channel, operations: Sequence[Operation]) -> dict[str, Any]:
    clock = FakeClock()
    sender = Sender(channel, None, clock, clock.pause)
    try:
        return by_key(operations, await sender.send(operations))
    finally:
        await sender.close()


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> sqlite3.Connection:
    path = tmp_path / "crm.sqlite"
    monkeypatch.setenv("IDENTITY_DESTINATION_CRM", f"sqlite:///{path}")
    connection = sqlite3.connect(path)
    connection.execute(
        "CREATE TABLE customers (record_key TEXT PRIMARY KEY, first TEXT CHECK (first <> 'bad'),"
        " tags TEXT, merged_into TEXT, _synced_at TIMESTAMP, _deleted BOOLEAN)"
    )
    return connection


async def test_rows_are_made_changed_marked_and_deleted(database: sqlite3.Connection) -> None:
    definition = parse_definition(SQL, rules_of(Vendor.SQL))
    first = [
        upsert("user_id:u1", first="Ann", tags=["a", "b"]),
        upsert("user_id:u2", first="Bob"),
        upsert("user_id:u3", first="Cy"),
    ]
    then = [
        upsert("user_id:u1", first="Anna", tags=None),
        upsert("user_id:u2", merged_into="cus_1"),
        erasure("user_id:u3"),
    ]

    made = await _send(SqlTable(definition), first)
    changed = await _send(SqlTable(definition), then)

    rows = database.execute("SELECT record_key, first, tags, _deleted FROM customers ORDER BY 1")
    assert set(made.values()) | set(changed.values()) == {Done()}
    assert rows.fetchall() == [("user_id:u1", "Anna", None, 0), ("user_id:u2", "Bob", None, 1)]
    database.close()


async def test_a_row_that_a_table_refuses_leaves_the_others_in(
    database: sqlite3.Connection,
) -> None:
    definition = parse_definition(SQL, rules_of(Vendor.SQL))
    operations = [upsert(f"user_id:u{n}", first=f"p{n}") for n in range(20)]
    operations[7] = upsert("user_id:u7", first="bad")

    outcomes = await _send(SqlTable(definition), operations)

    [(number,)] = database.execute("SELECT count(*) FROM customers")
    assert number == 19
    assert isinstance(outcomes["u7"], Never)
    assert sum(outcome == Done() for outcome in outcomes.values()) == 19
    database.close()


async def test_a_table_that_is_not_there_and_an_address_that_is_none_let_nothing_in(
    database: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.execute("DROP TABLE customers")
    database.close()
    definition = parse_definition(SQL, rules_of(Vendor.SQL))

    missing = await _send(SqlTable(definition), [upsert("user_id:u1", first="Ann")])
    monkeypatch.setenv("IDENTITY_DESTINATION_CRM", "postgres with a hunter2")
    unreadable = await _send(SqlTable(definition), [upsert("user_id:u1", first="Ann")])

    assert missing["u1"] == NoAccess("no such table: customers")
    assert isinstance(unreadable["u1"], NoAccess)
    assert "hunter2" not in unreadable["u1"].reason


def test_only_variables_for_destinations_and_directories_below_the_operators_are_named() -> None:
    with pytest.raises(DestinationInvalid, match="url_env"):
        parse_definition(
            "connection: {url_env: IDENTITY_ADMIN_KEY, table: t}", rules_of(Vendor.SQL)
        )
    for directory in ("../up", "/etc", "a//b", "a/../b"):
        with pytest.raises(DestinationInvalid, match="directory"):
            parse_definition(f"connection: {{directory: {directory}}}", rules_of(Vendor.FILES))


async def test_a_run_is_a_file_for_each_audience_and_its_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    definition = parse_definition(FILES, rules_of(Vendor.FILES))
    operations = [
        upsert("user_id:u1", first="Ann", audiences={"cart": True, "loyal": False}),
        upsert("user_id:u2", first=None, audiences={"cart": False, "loyal": True}),
        erasure("user_id:u3"),
    ]

    outcomes = await _send(ParquetFiles(definition, str(tmp_path), FakeClock()), operations)

    runs = _files_below(tmp_path)
    run = "run=20231114T221320000Z"
    assert set(outcomes.values()) == {Done()}
    assert runs == [
        f"crm/people/audience={name}/{run}/{file}"
        for name in ("cart", "loyal")
        for file in ("manifest.json", "part-0.parquet")
    ]
    manifest = json.loads((tmp_path / runs[0]).read_text())
    rows = (
        duckdb.connect()
        .execute(
            "SELECT record_key, member, erased, first"
            " FROM 'crm/people/audience=cart/*/*.parquet' ORDER BY 1"
        )
        .fetchall()
    )
    assert (manifest["rows"], manifest["files"]) == (3, ["part-0.parquet"])
    assert rows == [
        ("user_id:u1", True, False, "Ann"),
        ("user_id:u2", False, False, None),
        ("user_id:u3", False, True, None),
    ]


async def test_files_are_written_only_where_the_operator_says(tmp_path: Path) -> None:
    definition = parse_definition(FILES, rules_of(Vendor.FILES))
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "crm").symlink_to(tmp_path)

    nowhere = await _send(ParquetFiles(definition, None, FakeClock()), [upsert("user_id:u1")])
    outside = await _send(
        ParquetFiles(definition, str(tmp_path / "below"), FakeClock()), [upsert("user_id:u1")]
    )

    assert isinstance(nowhere["u1"], NoAccess)
    assert isinstance(outside["u1"], NoAccess)


async def test_no_name_of_an_audience_leads_out_of_the_directory(tmp_path: Path) -> None:
    root = tmp_path / "a" / "b"
    root.mkdir(parents=True)
    definition = parse_definition(
        "connection: {directory: crm}\naudiences: {loyal: ../../../../up}", rules_of(Vendor.FILES)
    )

    await _send(ParquetFiles(definition, str(root), FakeClock()), [upsert("user_id:u1")])

    assert {each.split("/run=")[0] for each in _files_below(tmp_path)} == {
        "a/b/crm/audience=..%2F..%2F..%2F..%2Fup"
    }


async def test_a_run_is_written_to_s3_and_read_from_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "the-key-of-the-test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the-secret-of-the-test")
    definition = parse_definition(FILES, rules_of(Vendor.FILES))
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    try:
        endpoint = ":".join(map(str, server.get_host_and_port()))
        root = f"s3://exports/identity?scheme=http&endpoint_override={endpoint}&region=eu-west-1"
        channel = ParquetFiles(definition, root, FakeClock())
        operations = [upsert("user_id:u1", first="Ann", audiences={"cart": True, "loyal": False})]

        early = await _send(channel, operations)
        filesystems, parquet = library("pyarrow.fs"), library("pyarrow.parquet")
        s3 = filesystems.S3FileSystem(
            endpoint_override=endpoint, scheme="http", allow_bucket_creation=True
        )
        s3.create_dir("exports")
        outcomes = await _send(channel, operations)

        cart = "exports/identity/crm/people/audience=cart"
        found = s3.get_file_info(filesystems.FileSelector(cart, recursive=True))
        [manifest, part] = sorted(each.path for each in found if each.is_file)
        rows = parquet.read_table(part, filesystem=s3, columns=["record_key", "member", "first"])
    finally:
        server.stop()

    assert isinstance(early["u1"], Later)
    assert outcomes == {"u1": Done()}
    assert manifest.endswith("/manifest.json")
    assert rows.to_pylist() == [{"record_key": "user_id:u1", "member": True, "first": "Ann"}]
