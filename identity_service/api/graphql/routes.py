"""The routes of GraphQL: `/graphql` answers programs, and shows a browser the explorer."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from identity_service.api.graphql import explorer

if TYPE_CHECKING:
    from identity_service.api.state import State


def routes() -> list[Route]:
    """`/graphql`, and the explorer's files."""
    return [Route("/graphql", graphql, methods=["GET", "POST"]), *explorer.routes()]


async def graphql(request: Request) -> Response:
    """POST: an answer. GET: the explorer, for a browser only; queries are taken by POST."""
    if request.method == "POST":
        state = cast("State", request.scope["state"])
        return await state["graphql"](request)
    if "text/html" in request.headers.get("accept", ""):
        return explorer.page()
    raise HTTPException(405, headers={"Allow": "POST"})
