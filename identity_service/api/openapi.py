"""The OpenAPI document at `/openapi.json`: FastAPI knows the REST routes, we add the collection.

A bad event never fails its request, so the body of a call is any object: what its fields mean is
said in words, and no type is demanded of them.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from identity_service.api.collect import BEACON, JITSU, PREFIX
from identity_service.api.problems import ANY_ERROR, ErrorBody, error_responses
from identity_service.errors import BadInput, Overloaded, TooLarge, Unauthorised, Unavailable

Json: TypeAlias = dict[str, Any]

DESCRIPTION: Final = (
    "An identity graph: it takes events, and says who a customer is and why.\n\n"
    "Customers are read over GraphQL at `POST /graphql`, which has a schema of its own;"
    " a browser that opens `/graphql` gets an explorer of it."
)

TAGS: Final[list[Json]] = [
    {"name": "collection", "description": "The tracking API of Segment, RudderStack and Jitsu."},
    {"name": "webhooks", "description": "What vendors send about their customers, signed."},
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
        components.setdefault("securitySchemes", {}).update(_WRITE_KEYS)
        made["paths"] |= _collection_paths()
        api.openapi_schema = made
    return api.openapi_schema


_WRITE_KEYS: Final[Json] = {
    "writeKeyAsUser": {
        "type": "http",
        "scheme": "basic",
        "description": "A write key as the user name; the password is of no interest.",
    },
    "writeKeyInQuery": {"type": "apiKey", "in": "query", "name": "writeKey"},
    "writeKeyInHeader": {"type": "apiKey", "in": "header", "name": "X-Write-Key"},
    "writeKeyAsBearer": {"type": "http", "scheme": "bearer"},
}

_EVERY_CALL: Final = {
    "userId": "The account of the person: the identifier `user_id`.",
    "anonymousId": "The browser or device: the identifier `anonymous_id`.",
    "messageId": "The id of the call. The same id with the same content is kept once.",
    "timestamp": "When it happened, in ISO 8601. Without it, `originalTimestamp`, then now.",
    "sentAt": "When it was sent, by the sender's clock, whose error it corrects.",
    "context": "What is known of the device, the page and the person (`context.traits`).",
    "writeKey": "The write key, where it stands in no header and not in the address.",
}

_CALLS: Final = {
    "track": (
        "What a person did",
        {"event": "The name of the event.", "properties": "What is known of the event."},
        {"event": "Order Completed", "properties": {"total": 25}},
    ),
    "identify": (
        "Who a person is",
        {"traits": "What is known of the person. `email` and `phone` are identifiers."},
        {"traits": {"email": "ann@example.com"}},
    ),
    "page": (
        "A page that was looked at",
        {"name": "The name of the page.", "properties": "What is known of the page."},
        {"name": "Pricing"},
    ),
    "screen": (
        "A screen of an app that was looked at",
        {"name": "The name of the screen.", "properties": "What is known of the screen."},
        {"name": "Basket"},
    ),
    "group": (
        "Which account, say a company, a person belongs to",
        {"groupId": "The id of the account.", "traits": "What is known of the account."},
        {"groupId": "acme", "traits": {"plan": "team"}},
    ),
    "alias": (
        "Another id of the same person",
        {"previousId": "The other id: an identifier `anonymous_id`."},
        {"previousId": "a-1"},
    ),
    "merge": (
        "Two identifiers of the same person (RudderStack)",
        {"mergeProperties": "Two objects, each with a `type` and a `value`."},
        {"mergeProperties": [{"type": "email", "value": "ann@example.com"}]},
    ),
}
"""Each kind of call: its summary, its own fields, and what an example has beside `userId`."""


def _collection_paths() -> Json:
    paths = {f"{PREFIX}/batch": {"post": _batch()}}
    for kind, (summary, fields, example) in _CALLS.items():
        others = [f"{PREFIX}/{kind[0]}", *(f"{prefix}/{kind}" for prefix in JITSU)]
        also = "" if kind == "merge" else f"Also at `{'`, `'.join(others)}`. "
        schema = {"type": "object", "properties": _described(_EVERY_CALL | fields)}
        operation = _collected(kind, summary, also, schema, {"userId": "u-1001", **example})
        paths[f"{PREFIX}/{kind}"] = {"post": operation}
    return paths


def _batch() -> Json:
    schema = {
        "type": "object",
        "required": ["batch"],
        "properties": {
            "batch": {
                "type": "array",
                "items": {
                    "description": "A call as its own route takes it, and its kind in `type`."
                },
            },
            **_described({name: _EVERY_CALL[name] for name in ("context", "sentAt", "writeKey")}),
        },
    }
    example = {"batch": [{"type": "track", "userId": "u-1001", "event": "Order Completed"}]}
    return _collected(
        "batch",
        "Many calls at once",
        f"Also at `{PREFIX}/b` and `{BEACON}/batch`. ",
        schema,
        example,
    )


def _collected(name: str, summary: str, also: str, schema: Json, example: Json) -> Json:
    """The operation of one route. `also` says where else it is."""
    return {
        "tags": ["collection"],
        "summary": summary,
        "description": (
            f"{also}Content-Type is ignored, and gzip is recognised by its first bytes."
            " An event that cannot be taken is set aside with its reason, and answered 200 too."
        ),
        "operationId": name,
        "security": [{scheme: []} for scheme in _WRITE_KEYS],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": schema, "example": example}},
        },
        "responses": {
            "200": {
                "description": "The events are durable, and their customers resolved.",
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "required": ["success"],
                            "properties": {"success": {"const": True}},
                        }
                    }
                },
            },
            **{
                str(status): response
                for status, response in error_responses(
                    BadInput, Unauthorised, TooLarge, Overloaded, Unavailable
                ).items()
            },
            **ANY_ERROR,
        },
    }


def _described(fields: dict[str, str]) -> Json:
    return {field: {"description": text} for field, text in fields.items()}
