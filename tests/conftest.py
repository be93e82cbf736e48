"""Fixtures that every test may use."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from tests.support.neo4j import Neo4jServer, neo4j_for_tests


@pytest.fixture(scope="session")
def neo4j_server() -> Generator[Neo4jServer]:
    """The one Neo4j of the run, started by the first test that asks for it."""
    with neo4j_for_tests() as server:
        yield server
