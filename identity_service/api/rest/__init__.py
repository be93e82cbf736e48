"""REST: a module for each subject, with an `APIRouter` named `router` and its pydantic models."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from identity_service.api.rest import health, hooks, mparticle, segment

ROUTERS: Final[tuple[APIRouter, ...]] = (
    health.router,
    hooks.router,
    mparticle.router,
    segment.router,
)
"""All of them: what is added here is served, and stands in the OpenAPI document."""
