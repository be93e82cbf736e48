"""A Neo4j and a service of the benchmark's own, in processes of their own."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, LiteralString

import psutil
from neo4j import AsyncDriver, AsyncGraphDatabase

from benchmarks.http import Connection, request
from identity_service.runtime import java, server
from identity_service.runtime.provided import with_login
from identity_service.settings import Settings

SERVE = "from identity_service.cli import main; main()"

START_WITHIN = 60
"""Seconds that the service may take to be ready."""


COMPUTED_WITHIN = 900
"""Seconds that the profiles of a space may take."""

LOOK_EVERY = 0.2
"""Seconds between two looks at how far something is."""

IS_COMPUTED: Final[LiteralString] = """
MATCH (k:ProfileWork {space: $space}) RETURN k.version = 1 AS done
"""


@dataclass(frozen=True)
class Running:
    """Where to reach what was started."""

    settings: Settings
    neo4j: psutil.Process
    service: psutil.Process
    port: int
    admin_key: str
    keys: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])

    def create_space(self, name: str, policy: str = "extends: quarantine") -> dict[str, str]:
        """Make a space, once; returns its keys by the names of the GraphQL API."""
        if name in self.keys:
            return self.keys[name]
        query = """mutation ($name: String!, $policy: String!) {
          createSpace(name: $name, policy: $policy) {
            ... on SpaceCreated { adminKey readerKey writeKey } ... on Invalid { message } } }"""
        answer = asyncio.run(self.ask(self.admin_key, query, name=name, policy=policy))
        return self.keys.setdefault(name, answer["createSpace"])

    def apply_profiles(self, space: str, text: str) -> None:
        """Put a first profiles text in force in a space that was made here."""
        query = """mutation ($space: String!, $text: String!) {
          applyProfiles(space: $space, text: $text, expectedVersion: 0) {
            ... on ProfilesText { version } ... on Invalid { message } } }"""
        key = self.keys[space]["adminKey"]
        answer = asyncio.run(self.ask(key, query, space=space, text=text))
        if "version" not in answer["applyProfiles"]:
            raise RuntimeError(answer["applyProfiles"])

    async def wait_until_computed(self, space: str) -> None:
        """Return when all customers of a space are computed by its first profiles text."""
        async with driver_of(self.settings) as driver, asyncio.timeout(COMPUTED_WITHIN):
            while True:
                answer = await driver.execute_query(IS_COMPUTED, space=space)
                if answer.records and answer.records[0]["done"]:
                    return
                await asyncio.sleep(LOOK_EVERY)

    async def ask(self, key: str, query: str, **variables: str) -> Any:
        """The data that GraphQL answers with. Raises RuntimeError with its errors."""
        connection = await Connection.open(self.port)
        try:
            body = json.dumps({"query": query, "variables": variables}).encode()
            _, answer = await connection.send(request("POST", "/graphql", body, bearer=key))
            found = json.loads(answer)
            if "errors" in found:
                raise RuntimeError(found["errors"])
            return found["data"]
        finally:
            connection.close()


def environment_of(settings: Settings) -> dict[str, str]:
    """The variables by which a command finds this Neo4j."""
    password = settings.neo4j_password
    return {
        "IDENTITY_NEO4J_URI": settings.neo4j_uri or "",
        "IDENTITY_NEO4J_PASSWORD": password.get_secret_value() if password else "",
    }


def driver_of(settings: Settings) -> AsyncDriver:
    """The database past the service, to be closed."""
    password = settings.neo4j_password
    return AsyncGraphDatabase.driver(  # pyright: ignore[reportUnknownMemberType]
        settings.neo4j_uri or "",
        auth=(settings.neo4j_user, password.get_secret_value()) if password else None,
        notifications_min_severity="OFF",
    )


@contextmanager
def running(heap: str = "2g") -> Generator[Running]:
    """Start Neo4j as `serve` would, and one worker of the service; both end with the block."""
    admin_key = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="identity-benchmark-") as directory:
        settings = Settings(data_dir=Path(directory), neo4j_heap=heap, neo4j_uri=None)
        neo4j = server.start(settings, java.SERVICE)
        settings = with_login(settings, neo4j.uri, neo4j.password)
        port = free_port()
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, "serve", "--port", str(port)],
            env={
                **os.environ,
                **environment_of(settings),
                "IDENTITY_ADMIN_KEY": admin_key,
                "IDENTITY_SECRETS_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
                "IDENTITY_DESTINATION_NETWORKS": "127.0.0.1",
                # What a key may spend is not what is measured.
                "IDENTITY_READ_KEY_RATE": "1e9",
                "IDENTITY_READ_KEY_BURST": "1000000000",
            },
            stdout=subprocess.DEVNULL,
        )
        try:
            wait_until_ready(port, process)
            process_of_neo4j = psutil.Process(neo4j.state.process.pid)
            yield Running(settings, process_of_neo4j, psutil.Process(process.pid), port, admin_key)
        finally:
            process.terminate()
            process.wait(timeout=30)
            neo4j.stop()


def wait_until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait for a server that was started; raises RuntimeError when it ends or takes too long."""
    until = time.monotonic() + START_WITHIN
    while time.monotonic() < until and process.poll() is None:
        try:
            if asyncio.run(_get_status(port, "/readyz")) == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"The server on port {port} did not become ready.")


async def _get_status(port: int, path: str) -> int:
    connection = await Connection.open(port)
    try:
        status, _ = await connection.send(request("GET", path))
        return status
    finally:
        connection.close()


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
