"""The real service on a loopback port, served as in production, inside the test's process."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from threading import Thread
from typing import Any, Final, LiteralString
from unittest.mock import patch

import httpx
import uvicorn
from neo4j import Driver

from identity_service.app import bound_socket, create_app, server_config
from identity_service.graph.access import AccessStore
from identity_service.graph.database import Database
from identity_service.graph.spaces import SpaceStore
from identity_service.services.kit.clock import system_clock
from identity_service.services.limits import Limits
from identity_service.services.spaces.access import Access, Caller, Role
from identity_service.services.spaces.spaces import Spaces
from identity_service.settings import Settings
from tests.support.neo4j import driver_of
from tests.support.plain_http import NO_TLS

PATIENCE = 60

NEVER_S: Final = 1e9

ONLY_ITS_OWN: Final = Limits(
    rollout=replace(Limits().rollout, look_interval_s=NEVER_S),
    deferred=replace(Limits().deferred, look_interval_s=NEVER_S),
    retraction=replace(Limits().retraction, look_interval_s=NEVER_S),
    space_deletion=replace(Limits().space_deletion, look_interval_s=NEVER_S),
    profiles=replace(Limits().profiles, look_interval_s=NEVER_S),
    activation=replace(Limits().activation, look_interval_s=NEVER_S),
)
"""Of a service that goes on with what it began: others stop on purpose, or live by another clock.

What was left when it starts, it takes up once.
"""


@dataclass(frozen=True)
class Space:
    """A space of one test, its keys, and a look into the graph behind the service's back."""

    name: str
    write_key: str
    reader_key: str
    admin_key: str
    settings: Settings

    @contextmanager
    def driver(self) -> Generator[Driver]:
        """The database behind the service's back."""
        with driver_of(self.settings) as driver:
            yield driver

    def rows(self, query: LiteralString) -> list[dict[str, Any]]:
        """The records of a Cypher query, which takes the space's name as `$space`."""
        with self.driver() as driver:
            answer = driver.execute_query(  # pyright: ignore[reportUnknownMemberType]
                query, space=self.name, database_=self.settings.neo4j_database
            )
            return [record.data() for record in answer.records]

    def events(self) -> list[dict[str, Any]]:
        """Every event of the space: `type`, `name`, `message_id`."""
        return self.rows(
            "MATCH (e:Event {space: $space})"
            " RETURN e.type AS type, e.name AS name, e.message_id AS message_id ORDER BY e.at, type"
        )

    def customers(self) -> list[set[str]]:
        """The identifiers of every customer, as `type:value`, largest customer first."""
        found = self.rows(
            "MATCH (c:Customer {space: $space})<-[:BELONGS_TO]-(i:Identifier)"
            " WITH c, collect(i.type + ':' + i.value) AS identifiers"
            " RETURN identifiers ORDER BY size(identifiers) DESC"
        )
        return [set(row["identifiers"]) for row in found]

    def rejections(self) -> list[dict[str, Any]]:
        """Every event that was set aside: `code`, `message`, `body` (JSON text)."""
        return self.rows(
            "MATCH (r:RejectedEvent {space: $space})"
            " RETURN r.code AS code, r.message AS message, r.body AS body ORDER BY r.id"
        )


@dataclass(frozen=True)
class RunningService:
    """A service that answers at `url`."""

    url: str
    settings: Settings

    @property
    def address(self) -> str:
        """`host:port`."""
        return self.url.removeprefix("http://")

    def post(self, path: str, key: str | None = None, **request: Any) -> httpx.Response:
        """POST to a path, with `key` as the Basic user."""
        auth = (key, "") if key else None
        return httpx.post(
            f"{self.url}{path}", auth=auth, timeout=PATIENCE, **request, verify=NO_TLS
        )

    def get(self, path: str, **request: Any) -> httpx.Response:
        """GET a path."""
        return httpx.get(f"{self.url}{path}", timeout=PATIENCE, **request, verify=NO_TLS)


def create_space(settings: Settings, policy: str | None = None) -> Space:
    """A new space with a name of its own."""
    name = f"test-{secrets.token_hex(8)}"
    return asyncio.run(_create_space(settings, name, policy))


async def _create_space(settings: Settings, name: str, policy: str | None) -> Space:
    async with await Database.open(settings) as database:
        keys = AccessStore(database)
        access = Access(keys)
        spaces = Spaces(keys, SpaceStore(database), access, system_clock)
        tests = Caller(role=Role.INSTANCE, name="tests", space=None)
        created = await spaces.create_space(tests, name, policy)
    return Space(name, created.write_key, created.reader_key, created.admin_key, settings)


@contextmanager
def running_service(settings: Settings, port: int = 0) -> Generator[RunningService]:
    """A service that is ready, stopped as by SIGTERM at the end; `port` 0 takes a free one."""
    settings = settings.model_copy(update={"port": port})
    with bound_socket(settings) as listener:
        server = uvicorn.Server(server_config(partial(create_app, settings)))
        thread = Thread(target=server.run, args=([listener],), name="service")
        service = RunningService(f"http://127.0.0.1:{listener.getsockname()[1]}", settings)
        try:
            with _looking_at_its_own(settings):
                thread.start()
                _await_ready(service, thread)
            yield service
        finally:
            server.should_exit = True
            thread.join(PATIENCE)
            assert not thread.is_alive(), "The service did not end."


@contextmanager
def _looking_at_its_own(settings: Settings) -> Generator[None]:
    """Services that start inside leave alone what others left in the database of all tests."""
    limits = replace(ONLY_ITS_OWN, rejected=Limits.of(settings).rejected)

    def of(settings: Settings) -> Limits:
        del settings
        return limits

    with patch.object(Limits, "of", of):
        yield


def _await_ready(service: RunningService, thread: Thread) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert thread.is_alive(), "The service ended at its start."
        try:
            if service.get("/readyz").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("The service was not ready in time.")
