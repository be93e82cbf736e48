"""The OpenAPI document at `/openapi.json`: FastAPI knows the REST routes, we add the collection."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from identity_service.api.openapi_collection import WRITE_KEYS, collection_paths
from identity_service.api.problems import ErrorBody

Json: TypeAlias = dict[str, Any]

DESCRIPTION: Final = (
    "An identity graph: it takes events, and says who a customer is and why.\n\n"
    "Customers are read over GraphQL at `POST /graphql`, which has a schema of its own;"
    " a browser that opens `/graphql` gets an explorer of it."
)

TAGS: Final[list[Json]] = [
    {
        "name": "collection",
        "description": "The tracking API of Segment, RudderStack and Jitsu; the APIs of PostHog,"
        " Snowplow, mParticle and Customer.io.",
    },
    {"name": "webhooks", "description": "What vendors send about their customers, signed."},
    {
        "name": "profiles",
        "description": "Customers and accounts, as Segment's and mParticle's Profile APIs answer.",
    },
    {"name": "health", "description": "For machines that watch the service."},
]


def document(api: FastAPI) -> Json:
    """The document of the REST routes of `api` and of the collection routes, made once."""
    if api.openapi_schema is None:
        made = get_openapi(
            title=api.title,
            version=api.version,
            description=api.description,
            tags=api.openapi_tags,
            routes=api.routes,
        )
        components = made.setdefault("components", {})
        components.setdefault("schemas", {})[ErrorBody.__name__] = ErrorBody.model_json_schema()
        components.setdefault("securitySchemes", {}).update(WRITE_KEYS)
        made["paths"] |= collection_paths()
        api.openapi_schema = made
    return api.openapi_schema
