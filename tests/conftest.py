"""Fixtures that every test may use."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Generator
from typing import Final

import pytest
from pydantic import SecretStr

from identity_service.graph import schema
from identity_service.graph.database import Database
from identity_service.settings import Settings
from tests.support.neo4j import Neo4jServer, neo4j_for_tests
from tests.support.notifications import warnings_fail
from tests.support.service import RunningService, Space, create_space, running_service

MEMORY_OF_A_WORKER: Final = 2 * 1024**3
"""Bytes: pytest, its Neo4j, and whatever a test starts beside them."""

MOST_WORKERS: Final = 2
"""A container may be lent fewer processors than it can see."""


def pytest_xdist_auto_num_workers() -> int:
    """How many processes share the tests, each with a Neo4j of its own; 0: this one runs them all.

    A Neo4j that is named cannot be shared: some tests count all that it holds, and one takes its
    schema away.
    """
    if Settings().neo4j_uri is not None:
        return 0
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(os.cpu_count() or 1, MOST_WORKERS, memory // MEMORY_OF_A_WORKER))


@pytest.fixture(scope="session")
def neo4j_server() -> Generator[Neo4jServer]:
    """The one Neo4j of the process, started by the first test that asks for it."""
    with neo4j_for_tests() as server:
        yield server


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """What the driver runs on, and nothing else."""
    return "asyncio"


@pytest.fixture(scope="session")
def database_settings(neo4j_server: Neo4jServer) -> Settings:
    """The way to the Neo4j of the run."""
    password = neo4j_server.password
    return Settings(
        neo4j_uri=neo4j_server.uri,
        neo4j_user=neo4j_server.user,
        neo4j_password=SecretStr(password) if password else None,
        neo4j_database=neo4j_server.database,
        secrets_key=SecretStr("c2VjcmV0cyBvZiB0aGUgdGVzdHMsIG5vYm9keSdzLi4="),
    )


@pytest.fixture(scope="session")
async def database(database_settings: Settings) -> AsyncGenerator[Database]:
    """The database of the run, its schema applied. What the server warns of fails the test."""
    with warnings_fail():
        async with await Database.open(database_settings, warn=True) as db:
            await schema.apply(db)
            yield db


@pytest.fixture(scope="session")
def service(database_settings: Settings) -> Generator[RunningService]:
    """The one service of the run, over HTTP."""
    with running_service(database_settings) as running:
        yield running


@pytest.fixture
def space(service: RunningService) -> Space:
    """A space of the running service that no other test uses."""
    return create_space(service.settings)
