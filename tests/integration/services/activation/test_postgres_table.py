"""A table of PostgreSQL as a destination."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from identity_service.activation.definition import parse_definition
from identity_service.activation.exchange import Done, NoAccess
from identity_service.activation.vendors import DestinationVendor as Vendor
from identity_service.activation.vendors import rules_of
from identity_service.services.activation.sender import Sender
from identity_service.services.activation.sql_table import SqlTable
from tests.support.activation import FakeClock, by_key, erasure, upsert
from tests.support.postgres import PASSWORD, Postgres, postgres_for_tests

DEFINITION = """
connection: {url_env: IDENTITY_DESTINATION_PG, table: people, schema: crm}
attributes: {first name: trait.first, orders: feature.orders}
audiences: {loyal: is_loyal}
"""


@pytest.fixture(scope="module")
def postgres() -> Generator[Postgres]:
    with postgres_for_tests() as server:
        yield server


async def test_rows_are_upserted_and_deleted_and_no_error_shows_the_password(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_DESTINATION_PG", postgres.address)
    postgres.do(
        "CREATE SCHEMA crm",
        'CREATE TABLE crm.people (record_key text PRIMARY KEY, "first name" text, orders numeric,'
        " is_loyal boolean, merged_into text, _synced_at timestamp, _deleted boolean)",
    )
    definition = parse_definition(DEFINITION, rules_of(Vendor.SQL))
    clock = FakeClock()
    sender = Sender(SqlTable(definition), None, clock, clock.pause)
    first = [
        upsert("user_id:u1", **{"first name": "Ann"}, orders=1, audiences={"is_loyal": False}),
        upsert("user_id:u2", **{"first name": "Bob"}, orders=2, audiences={"is_loyal": True}),
    ]
    then = [
        upsert("user_id:u1", **{"first name": None}, orders=2.5, audiences={"is_loyal": True}),
        erasure("user_id:u2"),
    ]

    made = await sender.send(first)
    changed = await sender.send(then)
    rows = postgres.ask('SELECT record_key, "first name", orders, is_loyal FROM crm.people')
    postgres.do("DROP TABLE crm.people")
    refused = by_key(first, await sender.send(first))
    await sender.close()

    assert {*made.values(), *changed.values()} == {Done()}
    assert [(key, name, float(orders), loyal) for key, name, orders, loyal in rows] == [
        ("user_id:u1", None, 2.5, True)
    ]
    assert isinstance(refused["u1"], NoAccess)
    assert PASSWORD not in refused["u1"].reason
