"""The ASGI application: which request goes where, and what it passes on its way."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import Lifespan, Receive, Scope, Send

from identity_service.api import collect, openapi, rest
from identity_service.api.collect import Collection
from identity_service.api.graphql import routes as graphql
from identity_service.api.graphql.limits import MAX_BODY
from identity_service.api.incoming import BodyLimit
from identity_service.api.problems import ANY_ERROR, Problems, request_problem
from identity_service.api.request_id import answered_with_id
from identity_service.api.sdk_settings import fetches_settings, sdk_settings


@dataclass(frozen=True, slots=True)
class Application:
    """Requests of the collection routes go straight to them, all others through FastAPI."""

    collection: Collection
    api: FastAPI

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, hold a connection, or run the lifespan."""
        if scope["type"] == "http":
            send = answered_with_id(scope, send)
            if collect.is_collected(scope["path"]):
                await self.collection(scope, receive, send)
                return
            if scope["method"] == "HEAD":
                # Whatever answers GET answers HEAD, which FastAPI's routes leave out. A copy: the
                # server reads its own to leave out the body.
                scope = {**scope, "method": "GET"}
            if fetches_settings(scope["path"]):
                await sdk_settings(scope, receive, send)
                return
        await self.api(scope, receive, send)


def create_api(lifespan: Lifespan[FastAPI], allowed_origins: str = "") -> FastAPI:
    """GraphQL, the explorer, REST and the OpenAPI document; every error is an `ErrorBody`.

    Pages of `allowed_origins`, separated by commas, may ask from a browser.
    """
    api = FastAPI(
        title="identity-service",
        version=version("identity-service"),
        description=openapi.DESCRIPTION,
        openapi_tags=openapi.TAGS,
        responses=ANY_ERROR,
        generate_unique_id_function=lambda route: route.name,
        # FastAPI's pages about the document load their scripts from another host.
        docs_url=None,
        redoc_url=None,
        # A redirect would lose the body of clients that follow none.
        redirect_slashes=False,
        routes=graphql.routes(),
        middleware=[
            *_cross_origin(allowed_origins),
            Middleware(Problems),
            Middleware(BodyLimit, MAX_BODY),
        ],
        exception_handlers={
            HTTPException: request_problem,
            RequestValidationError: request_problem,
        },
        lifespan=lifespan,
        # Its records hold addresses and the texts of exceptions, so values of customers.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    for router in rest.ROUTERS:
        api.include_router(router)
    api.openapi = partial(openapi.document, api)
    return api


def _cross_origin(allowed: str) -> list[Middleware]:
    """Answers to browsers that ask for pages elsewhere. A key comes as a header, never a cookie."""
    origins = [origin.strip() for origin in allowed.split(",") if origin.strip()]
    if not origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "Last-Event-ID", "X-Request-Id"],
            expose_headers=["Retry-After", "X-Request-Id"],
        )
    ]
