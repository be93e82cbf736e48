"""Operations over a WebSocket, by the protocol `graphql-transport-ws`.

A connection carries many operations at once, each under an id of the client's. The key comes in
the `Authorization` header or, for browsers, which cannot set one, as `authorization` in the
payload of `connection_init`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack, aclosing
from typing import Any, Final, NoReturn, cast

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect

from identity_service.api.graphql.context import Context, known_as
from identity_service.api.graphql.execution import GraphQL, failed
from identity_service.api.graphql.requests import Request, read_request
from identity_service.api.graphql.streams import NO_LONGER_VALID, Streams
from identity_service.api.security import bearer_key, caller_of
from identity_service.errors import BadInput, Overloaded, Unauthorised, Unavailable
from identity_service.services.wiring import UseCases

PROTOCOL: Final = "graphql-transport-ws"

MAX_OPERATIONS: Final = 20
"""Operations that one connection may have running at a time."""

INIT_TIMEOUT_S: Final = 3.0
"""Seconds in which a client must have said who it is."""

BAD_MESSAGE: Final = 4400
NOT_INITIALISED: Final = 4401
FORBIDDEN: Final = 4403
WRONG_PROTOCOL: Final = 4406
INIT_TIMEOUT: Final = 4408
ID_IN_USE: Final = 4409
INITIALISED_TWICE: Final = 4429
TRY_AGAIN_LATER: Final = 1013

_MAX_OF_A_REASON: Final = 120
"""Bytes of a close frame's reason: the protocol has room for 123."""


class _Close(Exception):
    """The connection is to be closed, with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:_MAX_OF_A_REASON].decode(errors="ignore")


class Connection:
    """One client's connection."""

    def __init__(
        self, socket: WebSocket, graphql: GraphQL, services: UseCases, streams: Streams
    ) -> None:
        self._socket = socket
        self._graphql = graphql
        self._services = services
        self._streams = streams
        self._context: Context | None = None
        self._room = ExitStack()
        self._initialised = asyncio.Event()
        self._operations: dict[str, asyncio.Task[None]] = {}

    async def serve(self) -> None:
        """Answer until either side closes the connection."""
        if PROTOCOL not in self._socket.scope["subprotocols"]:
            await self._socket.accept()
            await self._socket.close(WRONG_PROTOCOL, f"Offer the subprotocol {PROTOCOL}")
            return
        await self._socket.accept(subprotocol=PROTOCOL)
        try:
            with self._room:
                must_go = self._room.enter_context(self._streams.without_key())
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._require_init())
                    tasks.create_task(self._make_room(must_go))
                    await self._read(tasks)
        except* _Close as closes:
            close = cast("_Close", closes.exceptions[0])
            await self._socket.close(close.code, close.reason)
        except* WebSocketDisconnect:
            pass

    async def _read(self, tasks: asyncio.TaskGroup) -> NoReturn:
        while True:
            message = await self._receive()
            match message.get("type"):
                case "connection_init":
                    await self._init(message.get("payload"), tasks)
                case "ping":
                    await self._send({"type": "pong"})
                case "pong":
                    pass
                case "subscribe":
                    await self._subscribe(message, tasks)
                case "complete":
                    if task := self._operations.pop(_id(message), None):
                        task.cancel()
                case _:
                    raise _Close(BAD_MESSAGE, "Unknown type of message")

    async def _receive(self) -> Mapping[str, Any]:
        received = await self._socket.receive()
        if received["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(received.get("code") or 1005)
        try:
            message: Any = orjson.loads(received.get("text") or received.get("bytes") or b"")
        except orjson.JSONDecodeError:
            raise _Close(BAD_MESSAGE, "A message is not JSON") from None
        if not isinstance(message, dict):
            raise _Close(BAD_MESSAGE, "A message is not a JSON object")
        return cast("dict[str, Any]", message)

    async def _send(self, message: Mapping[str, Any]) -> None:
        # As text, which the protocol demands. Returns when the client has room for more.
        await self._socket.send_text(orjson.dumps(message).decode())

    async def _init(self, payload: Any, tasks: asyncio.TaskGroup) -> None:
        if self._initialised.is_set():
            raise _Close(INITIALISED_TWICE, "Too many initialisation requests")
        if not isinstance(payload, dict | None):
            raise _Close(BAD_MESSAGE, "The payload of connection_init is not an object")
        self._initialised.set()
        key = bearer_key(_authorization(cast("dict[str, Any]", payload or {})))
        key = key or bearer_key(self._socket.headers.get("authorization"))
        try:
            caller = await caller_of(self._services.access, key)
        except Unauthorised as error:
            raise _Close(FORBIDDEN, str(error)) from None
        except Unavailable as error:
            raise _Close(TRY_AGAIN_LATER, str(error)) from None
        known_as(caller)
        self._context = Context(self._services, caller)
        if self._context.known:
            self._take_place()
        tasks.create_task(self._require_key(key))
        await self._send({"type": "connection_ack"})

    def _take_place(self) -> None:
        try:
            place = self._streams.place()
            self._room.close()
            self._room.enter_context(place)
        except Overloaded as error:
            raise _Close(TRY_AGAIN_LATER, str(error)) from None

    async def _make_room(self, must_go: asyncio.Event) -> None:
        await must_go.wait()
        raise _Close(TRY_AGAIN_LATER, "Too many connections wait without a valid key")

    async def _require_init(self) -> None:
        try:
            async with asyncio.timeout(INIT_TIMEOUT_S):
                await self._initialised.wait()
        except TimeoutError:
            raise _Close(INIT_TIMEOUT, "Connection initialisation timeout") from None

    async def _require_key(self, key: str | None) -> None:
        await self._streams.wait_while_valid(key)
        raise _Close(FORBIDDEN, str(NO_LONGER_VALID))

    async def _subscribe(self, message: Mapping[str, Any], tasks: asyncio.TaskGroup) -> None:
        if self._context is None:
            raise _Close(NOT_INITIALISED, "Unauthorized")
        name = _id(message)
        if name in self._operations:
            raise _Close(ID_IN_USE, f"Subscriber for {name} already exists")
        try:
            request = read_request(message.get("payload"))
        except BadInput as error:
            raise _Close(BAD_MESSAGE, str(error)) from None
        if len(self._operations) >= MAX_OPERATIONS:
            error = Overloaded(f"{MAX_OPERATIONS} operations run on this connection.")
            await self._send({"type": "error", "id": name, "payload": failed(error)["errors"]})
            return
        self._operations[name] = tasks.create_task(self._run(name, request, self._context))

    async def _run(self, name: str, request: Request, context: Context) -> None:
        async with aclosing(self._graphql.stream(request, context)) as responses:
            async for answer, _ in responses:
                if "data" not in answer:
                    self._operations.pop(name, None)
                    await self._send({"type": "error", "id": name, "payload": answer["errors"]})
                    return
                await self._send({"type": "next", "id": name, "payload": answer})
        # The id is free before the client hears so, as it may use it again at once.
        self._operations.pop(name, None)
        await self._send({"type": "complete", "id": name})


def _id(message: Mapping[str, Any]) -> str:
    name = message.get("id")
    if not isinstance(name, str) or not name:
        raise _Close(BAD_MESSAGE, "A message has no id")
    return name


def _authorization(payload: Mapping[str, Any]) -> str | None:
    """The key in the payload of `connection_init`; browsers' tools spell its name as a header's."""
    values = (value for name, value in payload.items() if name.lower() == "authorization")
    found = next(values, None)
    return found if isinstance(found, str) else None
