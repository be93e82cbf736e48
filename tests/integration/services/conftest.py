"""Spaces for tests of the services, each with services of its own over the run's database."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from functools import partial

import pytest
from neo4j import AsyncDriver

from identity_service.graph.database import Database
from identity_service.settings import Settings
from tests.support.neo4j import async_driver_of
from tests.support.space import NewWorld, new_world


@pytest.fixture(scope="session")
async def driver(database_settings: Settings) -> AsyncGenerator[AsyncDriver]:
    """A look into the graph behind the services' back."""
    async with async_driver_of(database_settings) as driver:
        yield driver


@pytest.fixture(scope="session")
def world(database: Database, driver: AsyncDriver) -> NewWorld:
    """Makes a space that no other test uses: `await world(policy)`."""

    return partial(new_world, database, driver)
