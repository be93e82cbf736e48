"""The routes of senders in the OpenAPI document.

A bad event never fails its request, so the body of a call is any object: what its fields mean is
said in words, and no type is demanded of them.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from identity_service.api.collect import (
    BEACON,
    JITSU,
    MPARTICLE,
    PIXELS,
    POSTHOG,
    POSTHOG_FLAGS,
    POSTHOG_V1,
    PREFIX,
    SNOWPLOW,
)
from identity_service.api.problems import ANY_ERROR, error_responses
from identity_service.collect.mparticle import MAX_BATCHES
from identity_service.errors import (
    BadInput,
    IdentityServiceError,
    Overloaded,
    TooLarge,
    Unauthorised,
    Unavailable,
)

Json: TypeAlias = dict[str, Any]

WRITE_KEYS: Final[Json] = {
    "writeKeyAsUser": {
        "type": "http",
        "scheme": "basic",
        "description": "A write key as the user name; the password is of no interest.",
    },
    "writeKeyInQuery": {"type": "apiKey", "in": "query", "name": "writeKey"},
    "writeKeyInHeader": {"type": "apiKey", "in": "header", "name": "X-Write-Key"},
    "writeKeyAsBearer": {"type": "http", "scheme": "bearer"},
}
"""The security schemes of all of these routes: any of them will do."""

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


def collection_paths() -> Json:
    """The paths of all senders, as OpenAPI has them."""
    return {
        **_tracking(),
        **_posthog(),
        **_snowplow(),
        **_mparticle(),
        **_customerio(),
        **_settings(),
    }


def _tracking() -> Json:
    paths = {f"{PREFIX}/batch": {"post": _batch()}}
    for kind, (summary, fields, example) in _CALLS.items():
        others = [f"{PREFIX}/{kind[0]}", *(f"{prefix}/{kind}" for prefix in JITSU)]
        also = "" if kind == "merge" else f"Also at `{'`, `'.join(others)}`. "
        schema = {"type": "object", "properties": _described(_EVERY_CALL | fields)}
        operation = _collected(kind, summary, also, schema, {"userId": "u-1001", **example})
        paths[f"{PREFIX}/{kind}"] = {"post": operation}
    return paths


def _batch() -> Json:
    others = {name: _EVERY_CALL[name] for name in ("context", "sentAt", "writeKey")}
    schema = _listing(
        "batch", "A call as its own route takes it, and its kind in `type`.", **others
    )
    example = {"batch": [{"type": "track", "userId": "u-1001", "event": "Order Completed"}]}
    return _collected(
        "batch",
        "Many calls at once",
        f"Also at `{PREFIX}/b` and `{BEACON}/batch`. ",
        schema,
        example,
    )


# -- PostHog, Snowplow, mParticle, Customer.io -------------------------------------------------


def _posthog() -> Json:
    fields = {
        "event": "The name of the event; `$identify`, `$set`, `$create_alias`, `$groupidentify`,"
        " `$pageview` and `$screen` are calls of those kinds.",
        "distinct_id": "The person or the browser; may stand in the properties.",
        "properties": "What is known of the event.",
        "timestamp": "When it happened, in ISO 8601.",
        "uuid": "The id of the event. The same id with the same content is kept once.",
        "$set": "What is known of the person, also in the properties.",
        "api_key": "The write key, also as `token`, where it stands in no header.",
    }
    described = _described(
        {
            **fields,
            "batch": "A list of events, in the place of one.",
            "sent_at": "When it was sent, by the sender's clock.",
        }
    )
    described["batch"]["type"] = "array"
    body = {
        "anyOf": [
            {"type": "object", "minProperties": 1, "properties": described},
            {"type": "array", "items": {"description": "An event."}},
        ]
    }
    example = {"event": "signed up", "distinct_id": "u-1001", "properties": {"plan": "pro"}}
    one, many = POSTHOG[1], POSTHOG[0]
    others = "`, `".join([f"{path}{slash}" for path in POSTHOG[2:] for slash in ("", "/")])
    flags = {"type": "object", "properties": _described({"token": fields["api_key"]})}
    return {
        f"{many}/": {
            "post": _collected(
                "posthogBatch",
                "Events of PostHog's server SDKs",
                f"Also at `{many}`. ",
                body,
                {"batch": [example]},
            )
        },
        f"{one}/": {
            "post": _collected(
                "posthogEvents",
                "An event of PostHog's browser SDK, or a list of them",
                f"Also at `{one}`, `{others}`. ",
                body,
                example,
            )
        },
        POSTHOG_V1: {
            "post": _collected(
                "posthogResults",
                "Events of PostHog's newer server SDKs, each with a result",
                f"Also at `{POSTHOG_V1}/`. Where too much waits, it answers 503. ",
                body,
                {"batch": [example]},
                answer=_json({"type": "object", "required": ["results"]}),
            )
        },
        f"{POSTHOG_FLAGS}/": {
            "post": _collected(
                "posthogFlags",
                "The feature flags of PostHog: there are none",
                f"Also at `{POSTHOG_FLAGS}`. ",
                flags,
                {"distinct_id": "u-1001"},
                answer=_json({"type": "object", "required": ["flags"]}),
            )
        },
    }


def _snowplow() -> Json:
    fields = {
        "e": "The kind of event: `pv`, `pp`, `se` or `ue`.",
        "eid": "The id of the event.",
        "uid": "The identifier `user_id`.",
        "duid": "The identifier `anonymous_id`.",
        "tnuid": "The identifier `network_userid`; also `nuid`.",
        "dtm": "When it happened, in milliseconds since 1970.",
    }
    pixel = _collected("snowplowPixel", "An event of Snowplow's trackers, as a GET", "", {}, {})
    del pixel["requestBody"]
    pixel["parameters"] = [
        {"in": "query", "name": name, "description": text, "schema": {"type": "string"}}
        for name, text in fields.items()
    ]
    pixel["responses"]["200"] = {
        "description": "The event is durable, and its customer resolved: a GIF of one pixel.",
        "content": {"image/gif": {"schema": {"type": "string", "format": "binary"}}},
    }
    payload = _listing("data", "An event, its fields as in the query of `GET /i`.")
    return {
        f"{SNOWPLOW}/tp2": {
            "post": _collected(
                "snowplowPayload",
                "Events of Snowplow's trackers",
                "",
                payload,
                {"data": [{"e": "pv", "uid": "u-1001", "page": "Pricing"}]},
            )
        },
        PIXELS: {"get": pixel},
    }


def _mparticle() -> Json:
    fields = {
        "events": "The events, each with `event_type` and `data`.",
        "user_identities": "`customerid` is the identifier `user_id`; `email`, and others.",
        "user_attributes": "What is known of the person.",
        "device_info": "The device, with its ids.",
        "mpid": "The identifier `mpid`.",
    }
    batch = {"type": "object", "properties": _described(fields)}
    example = {
        "user_identities": {"customerid": "u-1001"},
        "events": [{"event_type": "custom_event", "data": {"event_name": "signed up"}}],
    }
    batches = {"type": "array", "items": batch}
    one = _collected("mparticleEvents", "Events of one user of mParticle", "", batch, example)
    many = _collected(
        "mparticleBulk",
        "Events of mParticle's users",
        f"At most {MAX_BATCHES} batches. ",
        batches,
        [example],
    )
    return {
        f"{MPARTICLE}/events": {"post": one},
        f"{MPARTICLE}/bulkevents": {"post": many},
    }


def _customerio() -> Json:
    customer = "/api/v1/customers/{id}"
    person = _path_parameter("id", "The identifier `user_id`, or `email` or `cio_id`.")
    token = _path_parameter("token", "The push token of the device.")
    event = {"name": "signed up", "data": {"plan": "pro"}}
    anything: Json = {"type": "object"}

    def call(
        name: str,
        summary: str,
        example: Json | None = None,
        schema: Json = anything,
        parameters: tuple[Json, ...] = (person,),
    ) -> Json:
        made = _collected(f"customerio{name}", f"{summary} (Customer.io)", "", schema, example)
        if example is None:
            del made["requestBody"]
        elif schema is anything:
            made["requestBody"]["required"] = False  # no body is an object without fields
        return made | ({"parameters": list(parameters)} if parameters else {})

    def of_nobody(name: str, summary: str, example: Json, schema: Json = anything) -> Json:
        return {"post": call(name, summary, example, schema, ())}

    entity = {"type": "person", "identifiers": {"id": "u-1001"}, "action": "event", **event}
    device = {"device": {"id": "token", "platform": "ios"}}
    merge = {"primary": {"id": "u-1001"}, "secondary": {"email": "ann@example.com"}}
    return {
        customer: {
            "put": call("Identify", "Who a person is", {"email": "ann@example.com"}),
            "delete": call("Delete", "That a person was deleted: kept as an event"),
        },
        f"{customer}/events": {"post": call("Event", "What a person did", event)},
        f"{customer}/devices": {"put": call("AddDevice", "A device of a person", device)},
        f"{customer}/devices/{{token}}": {
            "delete": call(
                "RemoveDevice",
                "That a device is gone: kept as an event",
                parameters=(person, token),
            )
        },
        f"{customer}/suppress": {"post": call("Suppress", "That a person gets nothing more")},
        f"{customer}/unsuppress": {"post": call("Unsuppress", "The end of that")},
        "/api/v1/events": of_nobody("Anonymous", "What a visitor did", event),
        "/api/v1/merge_customers": of_nobody("Merge", "Two people who are one", merge),
        "/api/v2/entity": of_nobody("Entity", "What was done to a person", entity),
        "/api/v2/batch": of_nobody(
            "Batch",
            "Many of these at once",
            {"batch": [entity]},
            _listing("batch", "As `/api/v2/entity` takes it."),
        ),
    }


# -- what browser SDKs fetch -------------------------------------------------------------------


_NO_DESTINATIONS: Final = "A source that sends all events here, and to nobody else."


def _settings() -> Json:
    key = _path_parameter("key", "A write key.")
    script = {"application/javascript": {"schema": {"type": "string"}}}
    of_posthog = "What PostHog's browser SDK fetches first"
    return {
        "/v1/projects/{key}/settings": {
            "get": _fetched("segmentSettings", "What Segment's browser SDK fetches first", [key])
        },
        "/sourceConfig/": {
            "get": {
                **_fetched("rudderstackSettings", "What RudderStack's browser SDK fetches first"),
                "description": f"Also at `/sourceConfig`. {_NO_DESTINATIONS}",
                "security": [{scheme: []} for scheme in WRITE_KEYS],
            }
        },
        "/array/{key}/config": {"get": _fetched("posthogSettings", of_posthog, [key])},
        "/array/{key}/config.js": {
            "get": _fetched("posthogScript", f"{of_posthog}, as a script", [key], script)
        },
    }


def _fetched(
    name: str, summary: str, parameters: list[Json] | None = None, content: Json | None = None
) -> Json:
    return {
        "tags": ["collection"],
        "summary": summary,
        "description": _NO_DESTINATIONS,
        "operationId": name,
        "parameters": parameters or [],
        "responses": {
            "200": {
                "description": "The settings.",
                "content": content or _json({"type": "object"}),
            },
            **_errors(Unauthorised, Unavailable),
            **ANY_ERROR,
        },
    }


# -- one operation -----------------------------------------------------------------------------


def _collected(
    name: str, summary: str, also: str, schema: Json, example: object, answer: Json | None = None
) -> Json:
    """The operation of one route. `also` says where else it is; `answer`: the content of a 200."""
    return {
        "tags": ["collection"],
        "summary": summary,
        "description": (
            f"{also}Content-Type is ignored, and gzip is recognised by its first bytes."
            " An event that cannot be taken is set aside with its reason, and answered 200 too."
        ),
        "operationId": name,
        "security": [{scheme: []} for scheme in WRITE_KEYS],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": schema, "example": example}},
        },
        "responses": {
            "200": {
                "description": "The events are durable, and their customers resolved.",
                "content": answer or _SUCCESS,
            },
            **_errors(BadInput, Unauthorised, TooLarge, Overloaded, Unavailable),
            **ANY_ERROR,
        },
    }


def _json(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


_SUCCESS: Final = _json(
    {"type": "object", "required": ["success"], "properties": {"success": {"const": True}}}
)


def _errors(*errors: type[IdentityServiceError]) -> Json:
    return {str(status): response for status, response in error_responses(*errors).items()}


def _listing(name: str, item: str, **others: str) -> Json:
    """The schema of an object with a list of anything."""
    listed = {"type": "array", "items": {"description": item}}
    return {
        "type": "object",
        "required": [name],
        "properties": {name: listed, **_described(others)},
    }


def _path_parameter(name: str, description: str) -> Json:
    return {
        "in": "path",
        "name": name,
        "required": True,
        "description": description,
        "schema": {"type": "string", "minLength": 1},
    }


def _described(fields: dict[str, str]) -> Json:
    return {field: {"description": text} for field, text in fields.items()}
