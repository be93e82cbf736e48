"""The Neo4j of a test run: the one that is named, else one from Docker, else the managed one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from neo4j import AsyncDriver, AsyncGraphDatabase, Driver, GraphDatabase

from identity_service.runtime.aot_cache import train
from identity_service.runtime.java import TEST
from identity_service.runtime.lock import VERSION
from identity_service.runtime.login import USER
from identity_service.runtime.server import start
from identity_service.settings import Settings


@dataclass(frozen=True, slots=True)
class Neo4jServer:
    """Where to connect, and as whom; no password means no authentication."""

    uri: str
    user: str
    password: str | None
    database: str


def environment_of(settings: Settings) -> dict[str, str]:
    """The variables by which a command finds this Neo4j, as a user names it."""
    password, secrets_key = settings.neo4j_password, settings.secrets_key
    return {
        "IDENTITY_NEO4J_URI": settings.neo4j_uri or "",
        "IDENTITY_NEO4J_USER": settings.neo4j_user,
        "IDENTITY_NEO4J_DATABASE": settings.neo4j_database,
        **({"IDENTITY_NEO4J_PASSWORD": password.get_secret_value()} if password else {}),
        **({"IDENTITY_SECRETS_KEY": secrets_key.get_secret_value()} if secrets_key else {}),
    }


@contextmanager
def driver_of(settings: Settings) -> Generator[Driver]:
    """The database behind the service's back."""
    password = settings.neo4j_password
    with GraphDatabase.driver(  # pyright: ignore[reportUnknownMemberType]
        settings.neo4j_uri or "",
        auth=(settings.neo4j_user, password.get_secret_value()) if password else None,
    ) as driver:
        yield driver


def async_driver_of(settings: Settings) -> AsyncDriver:
    """As `driver_of`, to be closed."""
    password = settings.neo4j_password
    return AsyncGraphDatabase.driver(  # pyright: ignore[reportUnknownMemberType]
        settings.neo4j_uri or "",
        auth=(settings.neo4j_user, password.get_secret_value()) if password else None,
        notifications_min_severity="OFF",
    )


@contextmanager
def neo4j_for_tests() -> Generator[Neo4jServer]:
    """A server for a whole run; what was started for it is stopped at the end."""
    settings = Settings()
    if settings.neo4j_uri is not None:
        password = settings.neo4j_password
        yield Neo4jServer(
            settings.neo4j_uri,
            settings.neo4j_user,
            password.get_secret_value() if password else None,
            settings.neo4j_database,
        )
    elif _docker_answers():
        with _from_docker() as server:
            yield server
    else:
        with _managed(settings) as server:
            yield server


@contextmanager
def _managed(settings: Settings) -> Generator[Neo4jServer]:
    with tempfile.TemporaryDirectory(prefix="identity-service-neo4j-") as directory:
        settings = settings.model_copy(
            update={"data_dir": Path(directory), "neo4j_page_cache": "128m"}
        )
        train(settings)
        server = start(settings, TEST)
        try:
            yield Neo4jServer(server.uri, USER, server.password, "neo4j")
        finally:
            server.stop()


def _docker_answers() -> bool:
    """Whether a Docker daemon answers within a second."""
    if not (Path("/var/run/docker.sock").exists() or "DOCKER_HOST" in os.environ):
        return False
    import docker
    from docker.errors import DockerException

    try:
        client = docker.from_env(timeout=1)
        try:
            return bool(client.ping())  # pyright: ignore[reportUnknownMemberType]
        finally:
            client.close()
    except DockerException:
        return False


@contextmanager
def _from_docker() -> Generator[Neo4jServer]:
    from testcontainers.neo4j import Neo4jContainer

    with Neo4jContainer(f"neo4j:{VERSION}-community") as container:
        yield Neo4jServer(
            container.get_connection_url(), container.username, container.password, "neo4j"
        )
