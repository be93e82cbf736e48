"""GraphQL over HTTP: `POST /graphql`."""

from __future__ import annotations

from typing import Any, Final

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from identity_service.api.graphql.context import Context, Services
from identity_service.api.graphql.execution import Answer, GraphQL
from identity_service.api.graphql.limits import MAX_BODY
from identity_service.api.graphql.schema import build_schema
from identity_service.api.security import bearer_key
from identity_service.errors import BadInput, IdentityServiceError, TooLarge

_JSON: Final = "application/json"
_GRAPHQL_JSON: Final = "application/graphql-response+json"


class GraphQLEndpoint:
    """Answers `POST /graphql`. A request that can be read is answered 200, whatever it asks.

    Where a client accepts `application/graphql-response+json`, a query that could not be
    executed is a 400, as that media type has it.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._graphql = GraphQL(build_schema())

    async def __call__(self, request: Request) -> Response:
        """Read, authenticate, run."""
        media_type = _GRAPHQL_JSON if _GRAPHQL_JSON in request.headers.get("accept", "") else _JSON
        try:
            query, variables, operation = _read(await _body(request))
            key = bearer_key(request.headers.get("authorization"))
            caller = await self._services.access.authenticate(key)
        except IdentityServiceError as error:
            return _response(_failed(error), error.status, media_type)
        context = Context(self._services, caller)
        answer = await self._graphql.run(query, variables, operation, context)
        executed = "data" in answer or media_type == _JSON
        return _response(answer, 200 if executed else BadInput.status, media_type)


async def _body(request: Request) -> bytes:
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY:
                raise TooLarge(f"The request is larger than {MAX_BODY:,} bytes.")
    except ClientDisconnect:
        raise BadInput("The request ended early.") from None
    return bytes(body)


def _read(body: bytes) -> tuple[str, dict[str, Any] | None, str | None]:
    """Query, variables and operation name; raises BadInput."""
    try:
        request: Any = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadInput(f"The request is not JSON: {error}.", remedy=_FORM) from None
    if isinstance(request, list):
        raise BadInput(
            "Several queries in one request are not taken.",
            remedy="Ask for many customers by “customers(identifiers: …)”.",
        )
    if not isinstance(request, dict):
        raise BadInput("The request is not a JSON object.", remedy=_FORM)
    query: Any = request.get("query")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    variables: Any = request.get("variables")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    operation: Any = request.get("operationName")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if not isinstance(query, str) or not query.strip():
        raise BadInput("The request has no “query”.", remedy=_FORM)
    if not isinstance(variables, dict | None):
        raise BadInput("“variables” is not an object.", remedy=_FORM)
    if not isinstance(operation, str | None):
        raise BadInput("“operationName” is not a text.", remedy=_FORM)
    return query, variables, operation  # pyright: ignore[reportUnknownVariableType]


_FORM: Final = 'Send {"query": "…", "variables": {…}}.'


def _failed(error: IdentityServiceError) -> Answer:
    return {"errors": [{"message": str(error), "extensions": {"code": error.code}}]}


def _response(answer: Answer, status: int, media_type: str) -> Response:
    return Response(orjson.dumps(answer), status, media_type=media_type)
