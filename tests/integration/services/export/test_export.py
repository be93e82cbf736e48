"""Exports: whole, incremental, and loaded into DuckDB by the SQL that users are given."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq  # pyright: ignore[reportMissingTypeStubs]
import pytest

from identity_service.domain.judgements import OF_TWO, Verdict
from identity_service.domain.policies.parse import parse_policy
from identity_service.errors import BadInput, FieldInvalid, MissingExtra
from identity_service.graph.exports import ExportReader
from identity_service.graph.stored_profiles import StoredProfileReader
from identity_service.services.export.export import TABLES, Exported, Exporter
from identity_service.services.kit.clock import system_clock
from tests.support.busy import busy_devices
from tests.support.space import NewWorld, World, event, reported

LOAD = (Path(__file__).parents[4] / "examples" / "sql" / "duckdb.sql").read_text(encoding="utf-8")


def exporting(world: World, *, page: int = 2_000) -> Exporter:
    """Exports that go back no further than their cursor: here nobody else writes."""
    return through(ExportReader(world.database, page), world)


def through(reader: ExportReader, world: World) -> Exporter:
    cases, stored = world.use_cases, StoredProfileReader(world.database)
    return Exporter(reader, cases.spaces, cases.profile_texts, stored, system_clock, overlap=0)


async def send(world: World, *events: Any) -> None:
    await world.send(*events, received_at=system_clock())


def table(directory: Path, name: str) -> list[dict[str, Any]]:
    """The rows of a table, as plain values."""
    return pq.read_table(directory / name).to_pylist()  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


def names(directory: Path) -> list[str]:
    """What lies in a directory, hidden files too."""
    return sorted(path.name for path in directory.iterdir())


def load(warehouse: duckdb.DuckDBPyConnection, directory: Path) -> None:
    """What a user does."""
    warehouse.execute(f"SET VARIABLE export = '{directory}'")
    warehouse.execute(LOAD)


def contents(warehouse: duckdb.DuckDBPyConnection) -> dict[str, list[Any]]:
    """All tables, their rows in an order."""
    return {
        name: sorted(map(repr, warehouse.execute(f"FROM {name}").fetchall())) for name in TABLES
    }


@pytest.fixture
def warehouse() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


async def test_an_export_holds_the_space_as_typed_tables(world: NewWorld, tmp_path: Path) -> None:
    space = await world()
    await send(
        space,
        event("m1", 1_700_000_000_123, "user_id:ann", "anonymous_id:a", properties={"plan": "pro"}),
        event(
            "m2",
            5,
            "anonymous_id:b",
            type="page",
            name=None,
            place=1,
            properties={"n": 2, "deep": [1]},
        ),
    )
    [[created]] = await space.rows(
        "MATCH (c:Customer {space: $space, kind: 'KNOWN'}) RETURN c.created_at"
    )

    exported = await exporting(space).export(space.scope, tmp_path / "export")

    first, second = sorted(table(tmp_path / "export", "events"), key=lambda row: row["message_id"])
    assert (first["place"], second["place"]) == (0, 1)
    assert first["at"].isoformat() == "2023-11-14T22:13:20.123000+00:00"
    assert (first["p"], json.loads(first["properties"])) == ([("plan", "pro")], {"plan": "pro"})
    assert first["identifier_key"] == f"{space.space}/user_id:ann"
    assert first["identifier_keys"] == [
        f"{space.space}/anonymous_id:a",
        f"{space.space}/user_id:ann",
    ]
    assert (second["name"], second["p"]) == (None, [("n", "2")])
    customers = {row["id"]: row for row in table(tmp_path / "export", "customers")}
    ann = customers[first["customer_id"]]
    assert (ann["kind"], ann["identifier_count"], ann["event_count"]) == ("KNOWN", 2, 1)
    assert ann["created_at"].timestamp() * 1000 == pytest.approx(created)
    assert {row["customer_id"] for row in table(tmp_path / "export", "identifiers")} == set(
        customers
    )
    [link] = table(tmp_path / "export", "links")
    assert (link["times_seen"], link["sources"]) == (1, ["shop"])
    assert {row["kind"] for row in table(tmp_path / "export", "changes")} == {"CREATED"}
    assert table(tmp_path / "export", "retired_ids") == []
    assert (exported.complete, exported.settled, exported.policy_version) == (True, True, 1)


async def test_the_manifest_names_every_file_with_its_rows_and_checksum(
    world: NewWorld, tmp_path: Path
) -> None:
    space = await world()
    await send(space, event("m1", 1, "user_id:ann", "anonymous_id:a"))

    exported = await exporting(space).export(space.scope, tmp_path / "export")

    manifest = json.loads((tmp_path / "export" / "manifest.json").read_text(encoding="utf-8"))
    files = [file for each in manifest["tables"].values() for file in each["files"]]
    assert {file["path"] for file in files} | {"manifest.json"} == {
        str(path.relative_to(tmp_path / "export"))
        for path in (tmp_path / "export").rglob("*")
        if path.is_file()
    }
    for file in files:
        content = (tmp_path / "export" / file["path"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == file["sha256"]
        assert len(content) == file["bytes"]
    assert {name: each["rows"] for name, each in manifest["tables"].items()} == {
        "events": 1,
        "identifiers": 2,
        "customers": 1,
        "retired_ids": 0,
        "links": 1,
        "changes": 1,
    }
    assert manifest["cursor"] == exported.cursor
    assert names(tmp_path) == ["export"]


@pytest.mark.parametrize("seed", range(2))
async def test_increments_loaded_one_after_the_other_equal_a_complete_export(
    world: NewWorld, tmp_path: Path, warehouse: duckdb.DuckDBPyConnection, seed: int
) -> None:
    happened, policy = busy_devices(seed)
    draw = random.Random(seed)  # noqa: S311 - a world, not a secret
    space = await world(policy)
    export = exporting(space, page=20)
    events = reported(happened)
    seen = sorted({identifier for _, who in happened for identifier in who})
    cursor = None

    for number in range(4):
        for _ in range(3):
            some, events = events[:5], events[5:]
            await send(space, *some)
            if space.judged and draw.random() < 0.4:
                await space.withdraw(draw.choice(list(space.judged.values())))
            else:
                await space.judge(draw.choice(OF_TWO), *draw.sample(seen, 2))
        exported = await export.export(space.scope, tmp_path / str(number), cursor)
        assert (exported.complete, exported.since) == (number == 0, cursor)
        load(warehouse, tmp_path / str(number))
        load(warehouse, tmp_path / str(number))
        cursor = exported.cursor

    await export.export(space.scope, tmp_path / "complete")
    again = duckdb.connect()
    load(again, tmp_path / "complete")
    assert contents(warehouse) == contents(again)


async def test_ids_that_retire_and_live_again_are_followed(
    world: NewWorld, tmp_path: Path, warehouse: duckdb.DuckDBPyConnection
) -> None:
    space = await world()
    export = exporting(space)
    await send(space, event("m1", 1, "user_id:ann"), event("m2", 2, "user_id:bea"))
    await send(space, event("m3", 3, "email:elsewhere@example.com"))
    first = await export.export(space.scope, tmp_path / "1")
    load(warehouse, tmp_path / "1")
    ann, bea, _ = sorted(row["id"] for row in table(tmp_path / "1", "customers"))

    made, _ = await space.judge(Verdict.SAME, "user_id:ann", "user_id:bea")
    second = await export.export(space.scope, tmp_path / "2", first.cursor)
    load(warehouse, tmp_path / "2")
    joined = warehouse.execute("FROM retired_ids SELECT id, current_id").fetchall()
    events = dict(warehouse.execute("SELECT message_id, customer_id FROM events").fetchall())
    await space.withdraw(made)
    await export.export(space.scope, tmp_path / "3", second.cursor)
    load(warehouse, tmp_path / "3")

    [(retired, current)] = joined
    assert {retired, current} == {ann, bea}
    assert events["m1"] == events["m2"] == current
    assert [row["id"] for row in table(tmp_path / "2", "customers")] == [current]
    assert table(tmp_path / "2", "events") == []
    assert warehouse.execute("FROM retired_ids").fetchall() == []
    events = dict(warehouse.execute("SELECT message_id, customer_id FROM events").fetchall())
    assert {events["m1"], events["m2"]} == {ann, bea}


async def test_an_increment_holds_what_changed_and_nothing_else(
    world: NewWorld, tmp_path: Path
) -> None:
    space = await world()
    export = exporting(space)
    await send(space, event("m1", 1, "user_id:ann", "anonymous_id:a"))
    await send(space, event("m2", 2, "user_id:bea", "anonymous_id:b"))
    first = await export.export(space.scope, tmp_path / "1")
    # The cursor is of the same millisecond only where the machine is fast: what it holds moves on.
    await send(space, event("m3", 3, "user_id:ann", "anonymous_id:a"))

    second = await export.export(space.scope, tmp_path / "2", first.cursor)

    assert [row["message_id"] for row in table(tmp_path / "2", "events")] == ["m3"]
    assert [row["value"] for row in table(tmp_path / "2", "identifiers")] == ["a", "ann"]
    assert [row["event_count"] for row in table(tmp_path / "2", "customers")] == [2]
    assert [row["times_seen"] for row in table(tmp_path / "2", "links")] == [2]
    third = await export.export(space.scope, tmp_path / "3", second.cursor)
    assert all(third.rows(name) == 0 for name in TABLES)


async def test_after_a_change_of_policy_an_export_is_complete_and_replaces_what_was_loaded(
    world: NewWorld, tmp_path: Path, warehouse: duckdb.DuckDBPyConnection
) -> None:
    space = await world(
        "types:\n  user_id: {priority: 1, kind: person}\n  mail: {priority: 2, kind: person}\n"
    )
    export = exporting(space)
    await send(space, event("m1", 1, "user_id:ann", "mail:shared"))
    first = await export.export(space.scope, tmp_path / "1")
    load(warehouse, tmp_path / "1")

    await space.set_policy(
        parse_policy(
            "types:\n  user_id: {priority: 1, kind: person}\n  mail: {priority: 2, kind: person}\n"
            "blocked: [{value: ann}]\n"
        )
    )
    second = await export.export(space.scope, tmp_path / "2", first.cursor)
    load(warehouse, tmp_path / "2")

    assert (second.complete, second.since, second.policy_version) == (True, None, 2)
    blocked = "SELECT value, blocked, customer_id IS NULL FROM identifiers ORDER BY value"
    assert warehouse.execute(blocked).fetchall() == [("ann", True, True), ("shared", False, False)]


async def test_an_increment_is_not_loaded_onto_anything_but_what_it_goes_on_from(
    world: NewWorld, tmp_path: Path, warehouse: duckdb.DuckDBPyConnection
) -> None:
    space = await world()
    export = exporting(space)
    first = await export.export(space.scope, tmp_path / "1")
    await export.export(space.scope, tmp_path / "2", first.cursor)

    with pytest.raises(duckdb.InvalidInputException, match="not what was loaded last"):
        load(warehouse, tmp_path / "2")


async def test_what_others_write_meanwhile_is_in_the_next_increment(
    world: NewWorld, tmp_path: Path, warehouse: duckdb.DuckDBPyConnection
) -> None:
    space = await world()
    export = exporting(space, page=1)
    await send(space, event("m1", 1, "user_id:ann"), event("m2", 2, "anonymous_id:z"))
    exported: list[Exported] = []

    class Interrupted(ExportReader):
        async def identifiers(self, keys: Any) -> Any:
            if not exported:
                exported.append(exported_before)
                await send(space, event("m3", 3, "user_id:ann", "anonymous_id:z", "email:a@x.yz"))
            return await super().identifiers(keys)

    exported_before = await export.export(space.scope, tmp_path / "0")
    while_writing = through(Interrupted(space.database, 1), space)
    first = await while_writing.export(space.scope, tmp_path / "1")
    load(warehouse, tmp_path / "1")
    await export.export(space.scope, tmp_path / "2", first.cursor)
    load(warehouse, tmp_path / "2")
    await export.export(space.scope, tmp_path / "3")
    again = duckdb.connect()
    load(again, tmp_path / "3")

    assert contents(warehouse) == contents(again)


@pytest.mark.parametrize(
    "wrong",
    ["", "yesterday", "1:another-space:5:1", "9:{space}:5:1", "1:{space}:5", "1:{space}:x:1"],
)
async def test_a_cursor_that_is_none_of_this_space_is_refused(
    world: NewWorld, tmp_path: Path, wrong: str
) -> None:
    space = await world()

    with pytest.raises(FieldInvalid, match="manifest"):
        await exporting(space).export(
            space.scope, tmp_path / "export", wrong.format(space=space.space)
        )

    assert names(tmp_path) == []


async def test_an_export_that_fails_leaves_nothing_and_one_does_not_write_over_another(
    world: NewWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = await world()
    export = exporting(space)
    await export.export(space.scope, tmp_path / "export")
    (tmp_path / "file").touch()

    with pytest.raises(BadInput, match="not empty"):
        await export.export(space.scope, tmp_path / "export")
    with pytest.raises(BadInput, match="cannot be written"):
        await export.export(space.scope, tmp_path / "file")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtra, match="`pip install pyarrow`"):
        await export.export(space.scope, tmp_path / "without")

    assert names(tmp_path) == ["export", "file"]


PROFILES = """
features:
  orders: {count: Order Completed}
  revenue: {sum: revenue, of: Order Completed}
  customer_since: {first_at: Order Completed}
  bought: {list: sku, of: Order Completed}
  channels: {counts: channel, of: Order Completed}
audiences:
  buyers: {who: {feature: orders, gte: 1}}
"""


async def test_a_space_with_a_profiles_text_has_a_table_of_profiles(
    world: NewWorld, tmp_path: Path
) -> None:
    space = await world()
    bought = {"revenue": 0.1, "sku": "bike", "channel": "web"}
    await send(
        space,
        event("m1", 1_000, "user_id:ann", name="Order Completed", properties=bought),
        event("m2", 2_000, "user_id:ann", name="Order Completed", properties={"revenue": 0.2}),
        event("m3", 3_000, "anonymous_id:z"),
    )
    without = await exporting(space).export(space.scope, tmp_path / "0")
    await space.use_cases.profile_texts.apply(space.scope, PROFILES, 0, None)
    await space.use_cases.profiles.computed(space.scope)

    exported = await exporting(space).export(space.scope, tmp_path / "1")

    rows = (
        duckdb.connect()
        .execute(
            f"FROM '{tmp_path}/1/profiles/*.parquet'"
            " SELECT version, audiences, values::JSON->>'revenue',"
            " f_orders, f_revenue, epoch_ms(f_customer_since), f_bought, f_channels"
            " ORDER BY f_orders"
        )
        .fetchall()
    )
    assert "profiles" not in without.tables
    assert exported.rows("profiles") == 2
    assert rows == [
        (1, [], "0", 0, 0.0, None, [], "{}"),
        (1, ["buyers"], "0.3", 2, pytest.approx(0.3), 1_000, ["bike"], '{"web": 1}'),
    ]
