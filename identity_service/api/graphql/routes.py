"""The routes of GraphQL: `/graphql` answers programs, and shows a browser the explorer."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Scope
from starlette.websockets import WebSocket

from identity_service.api.graphql import explorer

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
    """POST: an answer. GET: the explorer for a browser, an answer for everybody else."""
    if request.method == "POST":
        return await _endpoint(request.scope).post(request)
    if "text/html" in request.headers.get("accept", ""):
        return explorer.page()
    return await _endpoint(request.scope).get(request)


async def websocket(socket: WebSocket) -> None:
    """Operations over a connection that stays open."""
    await _endpoint(socket.scope).websocket(socket)


def _endpoint(scope: Scope) -> GraphQLEndpoint:
    return cast("State", scope["state"])["graphql"]
