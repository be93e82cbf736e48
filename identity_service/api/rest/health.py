"""Whether the service lives, whether it can work, and how it does: for machines that watch it."""

from __future__ import annotations

import asyncio
import os
from typing import Final, Literal

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from pydantic import BaseModel

from identity_service.api.problems import error_responses
from identity_service.api.state import services_of
from identity_service.errors import Unavailable
from identity_service.observability import METRICS_DIR, AllProcesses

DATABASE_TIMEOUT_S: Final = 2
"""Seconds that the database may take to answer."""

router = APIRouter(tags=["health"])


class Alive(BaseModel):
    """The process answers."""

    alive: Literal[True] = True


class Ready(BaseModel):
    """The service works."""

    ready: Literal[True] = True


class Exposition(Response):
    """Prometheus' text format."""

    media_type = CONTENT_TYPE_LATEST


@router.get("/healthz", summary="Whether the process lives", response_description="It does.")
async def healthz() -> Alive:
    """The process answers; restart it when this does not."""
    return Alive()


@router.get(
    "/readyz",
    summary="Whether the service can work",
    response_description="It can.",
    responses=error_responses(Unavailable),
)
async def readyz(request: Request) -> Ready:
    """An event sent now would be taken, and a query answered; else 503 with the reason."""
    services = services_of(request.scope)
    if not services.ingest.ready:
        raise Unavailable("No events are taken: the queue is full, or the service is stopping.")
    try:
        async with asyncio.timeout(DATABASE_TIMEOUT_S):
            await services.database.ping()
    except TimeoutError:
        raise Unavailable(f"The database does not answer within {DATABASE_TIMEOUT_S} s.") from None
    return Ready()


@router.get(
    "/metrics",
    summary="Metrics, for Prometheus",
    response_description="Prometheus' text format.",
    response_class=Exposition,
)
async def metrics() -> Exposition:
    """Metrics of all processes; time, attempts and failures of each statement among them."""
    registry = REGISTRY
    if METRICS_DIR in os.environ:
        registry = CollectorRegistry()
        registry.register(AllProcesses())
    return Exposition(generate_latest(registry))
