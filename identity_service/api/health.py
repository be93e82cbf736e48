"""Whether the service lives, whether it can work, and how it does: for machines that watch it."""

from __future__ import annotations

import asyncio
import os
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from identity_service.api.state import services_of
from identity_service.errors import Unavailable

DATABASE_TIMEOUT_S: Final = 2
"""Seconds that the database may take to answer."""

METRICS_DIR: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The variable under which the metrics library's files of several workers are found."""


def routes() -> list[Route]:
    """`/healthz`, `/readyz`, `/metrics`."""
    return [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
    ]


async def healthz(_request: Request) -> JSONResponse:
    """The process answers; restart it when this does not."""
    return JSONResponse({"alive": True})


async def readyz(request: Request) -> JSONResponse:
    """An event sent now would be taken, and a query answered; else 503 with the reason."""
    services = services_of(request.scope)
    if not services.ingest.ready:
        raise Unavailable("No events are taken: the queue is full, or the service is stopping.")
    try:
        async with asyncio.timeout(DATABASE_TIMEOUT_S):
            await services.database.ping()
    except TimeoutError:
        raise Unavailable(f"The database does not answer within {DATABASE_TIMEOUT_S} s.") from None
    return JSONResponse({"ready": True})


async def metrics(_request: Request) -> Response:
    """Metrics of all workers, in Prometheus' text format."""
    registry = REGISTRY
    if METRICS_DIR in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
