"""GraphQL as a client meets it: over HTTP, as server-sent events, and over WebSocket."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Final

import orjson
from graphql import OperationType
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
from identity_service.api.graphql.time_limits import TimeLimits
from identity_service.api.problems import when_to_retry
from identity_service.api.security import bearer_key, caller_of
from identity_service.errors import (
    BadInput,
    IdentityServiceError,
    Overloaded,
    TooLarge,
    Unauthorised,
)
from identity_service.services.kit.allowances import Allowances
from identity_service.services.wiring import UseCases

_JSON: Final = "application/json"
_GRAPHQL_JSON: Final = "application/graphql-response+json"
_ANY: Final = "*/*"

_TAKEN_FOR_JSON: Final = frozenset({_JSON, "application/x-www-form-urlencoded", ""})
"""What bodies of JSON are said to be: curl and Python say the second of all that they send."""

_NOT_JSON: Final = BadInput(
    "The request says that it is something else than JSON.",
    remedy="Send it with “Content-Type: application/json”.",
)
_CHANGES_BY_GET: Final = BadInput("A mutation is not taken by GET.", remedy="Send it by POST.")


class GraphQLEndpoint:
    """Answers at `/graphql`; `most_streams` connections of known keys may stay open at a time."""

    def __init__(
        self,
        services: UseCases,
        most_streams: int,
        large: LargeQueries | None = None,
        allowances: Allowances | None = None,
        times: TimeLimits | None = None,
    ) -> None:
        """`large` answers large queries; without it they are answered as all others.

        `allowances`: what the operations of one key may cost; without them, any number. `times`:
        how long operations may take; without them, any time.
        """
        self._services = services
        self._charges = Charges(allowances)
        self._graphql = GraphQL(build_schema(), large, self._charges, times)
        self.streams = Streams(services.access, most_streams)

    async def post(self, request: Request) -> Response:
        """Any operation, as JSON in the body; what says that it is something else is a 415."""
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type not in _TAKEN_FOR_JSON:
            return _response(failed(_NOT_JSON), 415, _media_type(request))
        return await self._respond(request)

    async def get(self, request: Request) -> Response:
        """A query or a subscription in the address; a mutation is a 405."""
        return await self._respond(request)

    async def _respond(self, request: Request) -> Response:
        """Authenticate, read, run. A request that can be read is answered 200, whatever it asks,
        but for one with a key that is none, which is answered 401, and one whose key has to wait,
        which is answered 429.

        Where a client accepts `application/graphql-response+json`, a query that could not be
        executed is a 400, as that media type has it. A subscription is answered as server-sent
        events where the client accepts them, and so is all that a client asks who accepts
        nothing else.
        """
        accepted = request.headers.get("accept", "")
        media_type = _media_type(request)
        try:
            key = bearer_key(request.headers.get("authorization"))
            context = await self._context(request, key)
            asked = await _asked(request, context)
            by_get, events = request.method == "GET", sse.MEDIA_TYPE in accepted
            # Not for every request: without a valid key, nothing that is parsed is kept.
            kind = await self._graphql.kind(asked, context) if by_get or events else None
        except IdentityServiceError as error:
            return _refused(error, media_type)
        if by_get and kind is OperationType.MUTATION:
            return _response(failed(_CHANGES_BY_GET), 405, media_type, {"Allow": "POST"})
        if events and (
            kind is OperationType.SUBSCRIPTION or not (_JSON in accepted or _ANY in accepted)
        ):
            return self._event_stream(asked, context, key)
        answer = await self._graphql.run(asked, context)
        return self._response(answer, media_type)

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
        caller = await caller_of(self._services.access, key)
        known_as(caller)
        return Context(self._services, caller, request.headers.get("last-event-id"))


def _media_type(request: Request) -> str:
    """The media type of an answer, as the client accepts it."""
    return _GRAPHQL_JSON if _GRAPHQL_JSON in request.headers.get("accept", "") else _JSON


async def _asked(request: Request, context: Context) -> requests.Request:
    if request.method == "GET":
        return requests.read_address(request.query_params)
    most = MAX_STRANGERS_BODY if context.caller is None else MAX_BODY
    return requests.read_body(await _body(request, most))


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
    if isinstance(error, Unauthorised):
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def _response(
    answer: requests.Answer, status: int, media_type: str, headers: dict[str, str] | None = None
) -> Response:
    return Response(orjson.dumps(answer), status, headers, media_type)
