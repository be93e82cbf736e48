"""GraphQL as a client meets it: over HTTP, as server-sent events, and over WebSocket."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Final

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.websockets import WebSocket

from identity_service.api.graphql import requests, sse, websocket
from identity_service.api.graphql.charges import Charges, retry_after
from identity_service.api.graphql.context import Context, known_as
from identity_service.api.graphql.execution import GraphQL, failed
from identity_service.api.graphql.large_queries import LargeQueries
from identity_service.api.graphql.limits import MAX_BODY, MAX_STRANGERS_BODY
from identity_service.api.graphql.schema import build_schema
from identity_service.api.graphql.streams import Streams
from identity_service.api.problems import when_to_retry
from identity_service.api.security import bearer_key
from identity_service.errors import BadInput, IdentityServiceError, Overloaded, TooLarge
from identity_service.services.kit.allowances import Allowances
from identity_service.services.wiring import UseCases

_JSON: Final = "application/json"
_GRAPHQL_JSON: Final = "application/graphql-response+json"
_ANY: Final = "*/*"


class GraphQLEndpoint:
    """Answers at `/graphql`; `most_streams` connections of known keys may stay open at a time."""

    def __init__(
        self,
        services: UseCases,
        most_streams: int,
        large: LargeQueries | None = None,
        allowances: Allowances | None = None,
    ) -> None:
        """`large` answers large queries; without it they are answered as all others.

        `allowances`: what the operations of one key may cost; without them, any number.
        """
        self._services = services
        self._charges = Charges(allowances)
        self._graphql = GraphQL(build_schema(), large, self._charges)
        self.streams = Streams(services.access, most_streams)

    async def post(self, request: Request) -> Response:
        """Authenticate, read, run. A request that can be read is answered 200, whatever it asks;
        429 only where its key has to wait.

        Where a client accepts `application/graphql-response+json`, a query that could not be
        executed is a 400, as that media type has it. A subscription is answered as server-sent
        events where the client accepts them, and so is all that a client asks who accepts
        nothing else.
        """
        accepted = request.headers.get("accept", "")
        media_type = _GRAPHQL_JSON if _GRAPHQL_JSON in accepted else _JSON
        try:
            key = bearer_key(request.headers.get("authorization"))
            context = await self._context(request, key)
            most = MAX_STRANGERS_BODY if context.caller is None else MAX_BODY
            asked = requests.read_body(await _body(request, most))
            streamed = sse.MEDIA_TYPE in accepted and (
                not (_JSON in accepted or _ANY in accepted)
                or await self._graphql.subscribes(asked, context)
            )
        except IdentityServiceError as error:
            return _refused(error, media_type)
        if streamed:
            return self._event_stream(asked, context, key)
        answer = await self._graphql.run(asked, context)
        return self._response(answer, media_type)

    async def get(self, request: Request) -> Response:
        """A subscription in the address, for clients that only know GET: server-sent events."""
        try:
            asked = requests.read_address(request.query_params)
            key = bearer_key(request.headers.get("authorization"))
            context = await self._context(request, key)
            if not await self._graphql.subscribes(asked, context):
                raise BadInput(
                    "Only a subscription is taken by GET.", remedy="Send a query by POST."
                )
        except IdentityServiceError as error:
            return _refused(error, _JSON)
        return self._event_stream(asked, context, key)

    async def websocket(self, socket: WebSocket) -> None:
        """Operations over a connection that stays open."""
        await websocket.Connection(socket, self._graphql, self._services, self.streams).serve()

    def _response(self, answer: requests.Answer, media_type: str) -> Response:
        status = 200 if "data" in answer or media_type == _JSON else BadInput.status
        if retry_after(answer) is not None:
            status = Overloaded.status
        response = _response(answer, status, media_type)
        response.headers.update(self._charges.headers(answer))
        return response

    def _event_stream(
        self, asked: requests.Request, context: Context, key: str | None
    ) -> sse.EventStream:
        place = self.streams.place() if context.known else nullcontext()
        return sse.EventStream(self._graphql.stream(asked, context), self.streams, key, place)

    async def _context(self, request: Request, key: str | None) -> Context:
        caller = await self._services.access.authenticate(key)
        known_as(caller)
        return Context(self._services, caller, request.headers.get("last-event-id"))


async def _body(request: Request, most: int) -> bytes:
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                raise TooLarge(f"The request is larger than {most:,} bytes.")
    except ClientDisconnect:
        raise BadInput("The request ended early.") from None
    return bytes(body)


def _refused(error: IdentityServiceError, media_type: str) -> Response:
    answer = _response(failed(error), error.status, media_type)
    answer.headers.update(when_to_retry(error))
    return answer


def _response(answer: requests.Answer, status: int, media_type: str) -> Response:
    return Response(orjson.dumps(answer), status, media_type=media_type)
