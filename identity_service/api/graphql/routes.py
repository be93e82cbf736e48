"""The routes of GraphQL: `/graphql` answers programs, and shows a browser the explorer."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Scope
from starlette.websockets import WebSocket

from identity_service.api.graphql import explorer, sse

if TYPE_CHECKING:
    from identity_service.api.graphql.app import GraphQLEndpoint
    from identity_service.api.state import State


def routes() -> list[BaseRoute]:
    """`/graphql` over HTTP and WebSocket, and the explorer's files."""
    return [
        Route("/graphql", graphql, methods=["GET", "POST"]),
        WebSocketRoute("/graphql", websocket),
        *explorer.routes(),
    ]


async def graphql(request: Request) -> Response:
    """POST: an answer. GET: the explorer for a browser, a subscription for who takes events.

    Queries are taken by POST.
    """
    if request.method == "POST":
        return await _endpoint(request.scope).post(request)
    accepted = request.headers.get("accept", "")
    if "text/html" in accepted:
        return explorer.page()
    if sse.MEDIA_TYPE in accepted:
        return await _endpoint(request.scope).get(request)
    raise HTTPException(405, headers={"Allow": "POST"})


async def websocket(socket: WebSocket) -> None:
    """Operations over a connection that stays open."""
    await _endpoint(socket.scope).websocket(socket)


def _endpoint(scope: Scope) -> GraphQLEndpoint:
    return cast("State", scope["state"])["graphql"]
