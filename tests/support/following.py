"""Clients that follow a service: over WebSocket, and by server-sent events."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, islice
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from identity_service.api.graphql.connections import encode_cursor
from tests.support.plain_http import NO_TLS
from tests.support.service import PATIENCE, RunningService, Space

CHANGES = (
    "subscription Watch($space: String!, $kinds: [ChangeKind!], $after: String)"
    " { changes(space: $space, kinds: $kinds, after: $after)"
    " { cursor id kind customerId otherCustomerId identifiers { value } } }"
)

BEGINNING = encode_cursor("change", 0)
"""Before the first change of a space: nothing is missed, however late a subscription begins."""


@dataclass
class Client:
    """A connection that speaks `graphql-transport-ws`."""

    socket: ClientConnection

    def send(self, **message: Any) -> None:
        """Send a message."""
        self.socket.send(json.dumps(message))

    def receive(self) -> dict[str, Any]:
        """The next message."""
        return json.loads(self.socket.recv(timeout=PATIENCE))

    def init(self, key: str | None) -> None:
        """Say who asks, as a browser has to; returns when that was heard."""
        self.send(
            type="connection_init", payload={"authorization": f"Bearer {key}"} if key else None
        )
        assert self.receive() == {"type": "connection_ack"}

    def subscribe(self, name: str, query: str, **variables: Any) -> None:
        """Begin an operation."""
        self.send(
            type="subscribe", id=name, payload={"query": query, "variables": variables or None}
        )

    def follow(self, space: Space) -> None:
        """Follow a space from its first change, and return when that was heard."""
        self.subscribe("changes", CHANGES, space=space.name, after=BEGINNING)
        self.subscribe("begun", "{ __typename }")
        while self.receive() != {"type": "complete", "id": "begun"}:
            pass

    def changes(self, number: int) -> list[dict[str, Any]]:
        """The next changes of `follow`."""
        received = [self.receive() for _ in range(number)]
        return [message["payload"]["data"]["changes"] for message in received]


@contextmanager
def client(service: RunningService, key: str | None = None) -> Generator[Client]:
    """A connection, initialised when a key is given."""
    address = f"ws://{service.address}/graphql"
    protocol = [Subprotocol("graphql-transport-ws")]
    with connect(address, subprotocols=protocol, open_timeout=PATIENCE) as socket:
        made = Client(socket)
        if key:
            made.init(key)
        yield made


@dataclass(frozen=True)
class Event:
    """One server-sent event."""

    event: str
    id: str | None
    answer: dict[str, Any] | None

    @property
    def change(self) -> dict[str, Any]:
        """The change that it tells."""
        assert self.answer is not None
        return self.answer["data"]["changes"]


@contextmanager
def event_stream(
    service: RunningService,
    key: str | None,
    query: str = CHANGES,
    last_event_id: str | None = None,
    **variables: Any,
) -> Generator[Iterator[Event]]:
    """The events of one operation, from the first byte of the answer."""
    headers = {"Accept": "text/event-stream"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    if last_event_id:
        headers["Last-Event-ID"] = last_event_id
    body = {"query": query, "variables": variables}
    with httpx.stream(
        "POST",
        f"{service.url}/graphql",
        json=body,
        headers=headers,
        timeout=PATIENCE,
        verify=NO_TLS,
    ) as response:
        assert response.headers["Content-Type"].startswith("text/event-stream"), response.read()
        lines = response.iter_lines()
        assert next(lines) == ":"  # it has begun
        yield _events(lines)


def _events(lines: Iterator[str]) -> Iterator[Event]:
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.strip()
        elif "event" in fields:
            data = fields.get("data")
            yield Event(fields["event"], fields.get("id"), json.loads(data) if data else None)
            fields = {}


def changes_of(events: Iterator[Event], number: int) -> list[Mapping[str, Any]]:
    """The next changes that events tell."""
    return [event.change for event in islice(events, number)]


def visit(service: RunningService, space: Space, *users: str) -> None:
    """New customers, one for each user, in one request."""
    batch = [{"type": "track", "event": "Visited", "userId": user} for user in users]
    answer = service.post("/v1/batch", key=space.write_key, json={"batch": batch})
    assert answer.status_code == 200, answer.text


def users(prefix: str, number: int) -> list[str]:
    """Names of users."""
    return [f"{prefix}-{n}" for n in islice(count(), number)]


def told(changes: Sequence[Mapping[str, Any]]) -> list[str]:
    """The users whose customers were created, in order."""
    return [change["identifiers"][0]["value"] for change in changes]
