"""The GraphQL API inside the test's process, on the real graph, with the service's own ingest."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import httpx
import orjson
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.routing import Route

from identity_service.api.graphql.app import GraphQLEndpoint
from identity_service.api.graphql.context import Context
from identity_service.api.graphql.execution import GraphQL
from identity_service.api.graphql.requests import Request
from identity_service.api.graphql.schema import build_schema
from identity_service.collect.segment import Collected
from identity_service.domain.events import Rejection, ReportedEvent
from identity_service.domain.identifiers import parse_identifier
from identity_service.domain.timestamps import iso
from identity_service.domain.upstream import Notice
from identity_service.graph.database import Database
from identity_service.services.kit.clock import system_clock
from identity_service.services.spaces.access import Role as KeyRole
from identity_service.services.spaces.access import hash_key, new_key
from identity_service.services.wiring import assemble
from tests.support.statements import writing

ADD_INSTANCE_KEY = writing(
    "CREATE (:ApiKey {hash: $hash, role: 'INSTANCE', name: 'tests', created_at: 0})",
    "tests/add_instance_key",
)


def event(
    at: int,
    *identifiers: str,
    name: str | None = "seen",
    type: str = "track",  # noqa: A002
    message_id: str | None = None,
    **told: Any,
) -> ReportedEvent:
    """An event of identifiers `TYPE:VALUE`; `told` are its other fields."""
    empty: dict[str, Any] = {
        "properties": {},
        "context": {},
        "traits": {},
        "context_traits": {},
        "account_id": None,
        "account_traits": {},
        "digest": "",
        "place": 0,
    }
    return ReportedEvent(
        message_id=message_id or secrets.token_hex(8),
        type=type,
        name=name,
        at=at,
        identifiers=tuple(map(parse_identifier, identifiers)),
        **(empty | told),
    )


@dataclass(frozen=True)
class OpenSpace:
    """A space and its keys."""

    name: str
    admin_key: str
    reader_key: str
    write_key: str


schema = cache(build_schema)
"""Made once for all worlds of the process."""


class GraphQLWorld:
    """One service's worth of the API."""

    def __init__(self, database: Database, admin_key: str) -> None:
        self.database = database
        self.services = assemble(database, 10_000, secrets_key=SecretStr("k" * 43))
        self.admin_key = admin_key
        self.access = self.services.access
        self.spaces = self.services.spaces
        self.ingest = self.services.ingest
        self.policy_rollout = self.services.policy_rollout
        self.graphql = GraphQL(schema())
        self.endpoint = GraphQLEndpoint(self.services, 100)
        app = Starlette(routes=[Route("/graphql", self.endpoint.post, methods=["POST"])])
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://service"
        )

    async def create_space(self, policy: str | None = None, name: str | None = None) -> OpenSpace:
        """A new space; with a name of its own unless it is given one."""
        name = name or f"test-{secrets.token_hex(8)}"
        caller = await self.access.authenticate(self.admin_key)
        made = await self.spaces.create_space(caller, name, policy)
        return OpenSpace(name, made.admin_key, made.reader_key, made.write_key)

    async def send(
        self,
        space: OpenSpace,
        *events: ReportedEvent | Rejection,
        received_at: int | None = None,
        source: str | None = None,
    ) -> None:
        """Have events taken in, from the space's source or another; they are resolved then."""
        sender = self.access.sender(await self.access.authenticate(space.write_key))
        assert sender is not None
        sender = replace(sender, source=source or sender.source)
        collected = Collected(
            events=tuple(e for e in events if isinstance(e, ReportedEvent)),
            rejections=tuple(e for e in events if isinstance(e, Rejection)),
        )
        await self.ingest.take(sender, collected, received_at or system_clock())

    async def report(self, space: OpenSpace, *notices: Notice) -> None:
        """Have upstream notices of the space's source recorded."""
        sender = self.access.sender(await self.access.authenticate(space.write_key))
        assert sender is not None
        await self.ingest.take(sender, Collected((), (), notices), system_clock())

    async def ask(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """The whole answer to a query."""
        response = await self.post({"query": query, "variables": variables}, key, headers)
        assert response.status_code == 200, response.text
        return response.json()

    async def follow(self, query: str, count: int, *, key: str | None = None) -> list[Any]:
        """The first answers to a subscription, fewer when it ends before."""
        context = Context(self.services, await self.access.authenticate(key))
        answers: list[Any] = []
        stream = self.graphql.stream(Request(query, None, None), context)
        async with asyncio.timeout(30), aclosing(stream) as responses:
            async for answer, _ in responses:
                answers.append(orjson.loads(orjson.dumps(answer)))
                if len(answers) == count:
                    break
        return answers

    async def post(
        self, body: Any, key: str | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """The response to a body, which is sent as it is if it is bytes."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        if key:
            sent["Authorization"] = f"Bearer {key}"
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        return await self.client.post("/graphql", content=content, headers=sent)

    async def of_space(
        self, space: OpenSpace, selection: str, *, key: str | None = None, **variables: Any
    ) -> dict[str, Any]:
        """The fields of a space, without errors. Identifiers may be written in the selection."""
        query = f'{{ space(name: "{space.name}") {{ {selection} }} }}'
        answer = await self.ask(query, variables, key=key or space.admin_key)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]["space"]

    async def customer(
        self, space: OpenSpace, identifier: str, selection: str, as_of: int | None = None
    ) -> dict[str, Any]:
        """The answer to `customer` for an identifier `TYPE:VALUE`, now or as of a moment."""
        asked = parse_identifier(identifier)
        moment = "" if as_of is None else f', asOf: "{iso(as_of)}"'
        field = (
            f"customer(identifier: {{type: {orjson.dumps(asked.type).decode()},"
            f" value: {orjson.dumps(asked.value).decode()}}}{moment})"
        )
        found = await self.of_space(space, f"{field} {{ __typename {selection} }}")
        return found["customer"]


@asynccontextmanager
async def graphql_world(database: Database) -> AsyncGenerator[GraphQLWorld]:
    """The API, with an instance administrator's key of its own."""
    key = new_key(KeyRole.INSTANCE)
    # Beside the keys that others use: the service itself would revoke them.
    await database.write_one(ADD_INSTANCE_KEY, hash=hash_key(key))
    world = GraphQLWorld(database, key)
    try:
        yield world
    finally:
        await world.client.aclose()
        await world.services.close()
