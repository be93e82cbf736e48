"""The API for the tests of a module."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from identity_service.graph.database import Database
from tests.support.graphql import GraphQLWorld, graphql_world


@pytest.fixture(scope="module")
async def world(database: Database) -> AsyncGenerator[GraphQLWorld]:
    """The API inside the test's process."""
    async with graphql_world(database) as world:
        yield world
