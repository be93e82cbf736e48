"""The GraphQL API inside the test's process, on the real graph, with the service's own ingest."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
from starlette.applications import Starlette
from starlette.routing import Route

from identity_service.api.graphql.app import GraphQLEndpoint
from identity_service.api.graphql.context import Context, Services
from identity_service.api.graphql.execution import GraphQL, Request
from identity_service.api.graphql.schema import build_schema
from identity_service.collect.segment import Collected
from identity_service.domain.events import Rejection, ReportedEvent
from identity_service.domain.identifiers import parse_identifier
from identity_service.graph.access import AccessStore
from identity_service.graph.customers import CustomerReader
from identity_service.graph.database import Database
from identity_service.graph.evidence import EvidenceStore
from identity_service.graph.inboxes import InboxReader
from identity_service.graph.judgements import JudgementStore
from identity_service.graph.ledger import LedgerReader
from identity_service.graph.policies import PolicyStore
from identity_service.graph.snapshot import SnapshotReader
from identity_service.graph.spaces import SpaceStore
from identity_service.services.access import Access, hash_key, new_key
from identity_service.services.access import Role as KeyRole
from identity_service.services.batch import BatchWriter
from identity_service.services.blast_radius import BlastRadius
from identity_service.services.clock import Ids, system_clock
from identity_service.services.customers import Customers
from identity_service.services.explanations import Explanations
from identity_service.services.following import Following
from identity_service.services.inboxes import Inboxes
from identity_service.services.ingest import Ingest
from identity_service.services.judgements import Judgements
from identity_service.services.ledger import Ledger
from identity_service.services.live import LiveResolution
from identity_service.services.policies import Policies
from identity_service.services.previews import Previews
from identity_service.services.resettlement import Resettlement
from identity_service.services.settlement import Settlement
from identity_service.services.spaces import Spaces
from identity_service.services.turns import Turns
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


class GraphQLWorld:
    """One service's worth of the API."""

    def __init__(self, database: Database, admin_key: str) -> None:
        ledger_reader = LedgerReader(database)
        following = Following(ledger_reader)
        evidence = EvidenceStore(database, following.wake)
        ids, turns = Ids(system_clock), Turns()
        settlement = Settlement(evidence, ids)
        policy_store = PolicyStore(database)
        self.admin_key = admin_key
        self.policies = Policies(policy_store)
        self.access = Access(AccessStore(database), system_clock)
        self.spaces = Spaces(AccessStore(database), SpaceStore(database), self.access, system_clock)
        reader, live = CustomerReader(database), LiveResolution(evidence, settlement)
        self.customers = Customers(reader, ledger_reader, self.policies, live, system_clock)
        self.explanations = Explanations(reader, self.customers, self.policies, live)
        self.ingest = Ingest(
            evidence,
            self.policies,
            BatchWriter(evidence, settlement, system_clock),
            turns,
            ids,
            10_000,
        )
        services = Services(
            access=self.access,
            spaces=self.spaces,
            customers=self.customers,
            explanations=self.explanations,
            previews=Previews(
                SnapshotReader(database), policy_store, self.customers, system_clock, None
            ),
            ledger=Ledger(ledger_reader, JudgementStore(database)),
            following=following,
            blast_radius=BlastRadius(evidence, policy_store),
            inboxes=Inboxes(InboxReader(database), self.customers),
            judgements=Judgements(
                evidence,
                JudgementStore(database),
                policy_store,
                self.policies,
                settlement,
                turns,
                system_clock,
                ids,
            ),
            resettlement=Resettlement(
                evidence, policy_store, self.policies, settlement, turns, system_clock
            ),
        )
        self.services = services
        self.graphql = GraphQL(build_schema())
        self.endpoint = GraphQLEndpoint(services, 100)
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

    async def send(self, space: OpenSpace, *events: ReportedEvent | Rejection) -> None:
        """Have events taken in; they are resolved when this returns."""
        sender = self.access.sender(await self.access.authenticate(space.write_key))
        assert sender is not None
        collected = Collected(
            events=tuple(e for e in events if isinstance(e, ReportedEvent)),
            rejections=tuple(e for e in events if isinstance(e, Rejection)),
        )
        await self.ingest.take(sender, collected, system_clock())

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

    async def customer(self, space: OpenSpace, identifier: str, selection: str) -> dict[str, Any]:
        """The answer to `customer` for an identifier `TYPE:VALUE`."""
        asked = parse_identifier(identifier)
        field = (
            f"customer(identifier: {{type: {orjson.dumps(asked.type).decode()},"
            f" value: {orjson.dumps(asked.value).decode()}}})"
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
        await world.ingest.close()
