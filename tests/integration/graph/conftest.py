from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator

import pytest

from identity_service.graph.database import Database
from identity_service.settings import Settings
from tests.support.relay import Relay
from tests.support.statements import writing


@pytest.fixture
async def mark(database: Database) -> AsyncGenerator[str]:
    """Tells the nodes of one test from all others; they are gone after it."""
    value = uuid.uuid4().hex
    yield value
    await database.write_one(writing("MATCH (n:DatabaseTest {mark: $mark}) DELETE n"), mark=value)


@pytest.fixture
async def relay(database_settings: Settings) -> AsyncGenerator[Relay]:
    """A wire to the database that a test may cut."""
    async with Relay.to(database_settings.neo4j_uri or "") as wire:
        yield wire


@pytest.fixture
async def through_relay(relay: Relay, database_settings: Settings) -> AsyncGenerator[Database]:
    settings = database_settings.model_copy(update={"neo4j_uri": relay.uri})
    async with await Database.open(settings) as db:
        yield db
