"""Customer.io's Track API: people, their events and devices, as calls of the tracking API.

| sent | read as |
| --- | --- |
| the id in the path, or `id` | `user_id`; an e-mail address is an `email`, `cio_…` a `cio_id` |
| `anonymous_id` | `anonymous_id` |
| the attributes `email` and `phone` | `email`, `phone` |
| a device of iOS or Android | `ios.push_token`, `android.push_token` |
| `cio_relationships` of a person | the accounts that the person belongs to |
| the two people of a merge | both, as in RudderStack's merge call; a second `user_id` joins none; \
and an upstream notice |

That a person is deleted or suppressed is kept as an event, and nothing is deleted by it. Objects
without a person name nobody and are rejected.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final, TypeAlias, cast
from urllib.parse import unquote

from identity_service.collect.body import as_object
from identity_service.collect.identifiers import external_ids
from identity_service.collect.notices import merge_notice
from identity_service.collect.segment import Collected, read_batch
from identity_service.domain.upstream import Notice
from identity_service.errors import BadInput

Calls: TypeAlias = list[dict[str, Any]]

_CUSTOMER: Final = re.compile(r"/api/v1/customers/(?P<id>[^/]+)(?P<rest>/.*)?")
_DEVICE: Final = re.compile(r"/devices/(?P<token>[^/]+)")
_CIO_ID: Final = re.compile(r"cio_[0-9a-zA-Z]+")

_KINDS: Final = {"page", "screen"}
"""Events that are not tracked by name alone."""

MERGED: Final = "merge_customers"
"""What a merge of two people is called, for those who decide about it."""

DEVICE_ADDED: Final = "Device Added"
DEVICE_REMOVED: Final = "Device Removed"
SUPPRESSED: Final = "Person Suppressed"
UNSUPPRESSED: Final = "Person Unsuppressed"
DELETED: Final = "Person Deleted"
"""Names of the events that these calls become."""


def reader_of(
    method: str, path: str
) -> Callable[[object, int, Callable[[], str]], Collected] | None:
    """What reads the decoded body of a request; None where Customer.io has no such route.

    `path` is as sent, percent-encoded. The reader takes the body, the time of receipt and what
    makes message ids, as `read_batch` does, and raises BadInput for a body that is no object.
    """
    calls = _calls_of(method, path)
    return None if calls is None else partial(_read, calls)


def methods_of(path: str) -> list[str]:
    """The methods that a path of Customer.io takes; none where there is no such route."""
    return [each for each in ("DELETE", "POST", "PUT") if _calls_of(each, path)]


def _read(
    calls: Callable[[dict[str, Any]], Calls],
    body: object,
    received_at: int,
    new_id: Callable[[], str],
) -> Collected:
    if not isinstance(body, dict):
        raise BadInput("The body is not a JSON object.", remedy="Send a JSON object.")
    made = calls(cast("dict[str, Any]", body))
    collected = read_batch({"batch": made}, received_at, new_id)
    return replace(collected, notices=tuple(_merge_notices(made)))


def _calls_of(method: str, path: str) -> Callable[[dict[str, Any]], Calls] | None:
    found = _CUSTOMER.fullmatch(path)
    if found:
        return _of_customer(method, _named(unquote(found["id"])), found["rest"] or "")
    routes: Mapping[tuple[str, str], Callable[[dict[str, Any]], Calls]] = {
        ("POST", "/api/v1/events"): lambda body: [_event({}, body)],
        ("POST", "/api/v1/merge_customers"): lambda body: [_merge(body)],
        ("POST", "/api/v2/entity"): _entity,
        ("POST", "/api/v2/batch"): _batch,
    }
    return routes.get((method, path))


def _of_customer(
    method: str, person: dict[str, Any], rest: str
) -> Callable[[dict[str, Any]], Calls] | None:
    removed = _DEVICE.fullmatch(rest)
    if method == "DELETE" and removed:
        return lambda _: [_track(person, DEVICE_REMOVED, {"token": unquote(removed["token"])})]
    routes: Mapping[tuple[str, str], Callable[[dict[str, Any]], Calls]] = {
        ("PUT", ""): lambda body: _identify(person, body),
        ("DELETE", ""): lambda _: [_track(person, DELETED, {})],
        ("POST", "/events"): lambda body: [_event(person, body)],
        ("PUT", "/devices"): lambda body: [_device(person, as_object(body.get("device")))],
        ("POST", "/suppress"): lambda _: [_track(person, SUPPRESSED, {})],
        ("POST", "/unsuppress"): lambda _: [_track(person, UNSUPPRESSED, {})],
    }
    return routes.get((method, rest))


def _batch(body: dict[str, Any]) -> Calls:
    listed = body.get("batch")
    if not isinstance(listed, list):
        raise BadInput("The body has no list “batch”.", remedy='Send {"batch": [{…}, …]}.')
    calls: list[Any] = []
    for each in cast("list[object]", listed):
        # What is no object is refused where calls are read.
        calls += _entity(cast("dict[str, Any]", each)) if isinstance(each, dict) else [each]
    return calls


def _entity(entity: dict[str, Any]) -> Calls:
    """One entry of a batch: what was done to a person."""
    identifiers, action = as_object(entity.get("identifiers")), entity.get("action")
    person = person_named(identifiers)
    if entity.get("type") != "person":
        return [_track(person, f"{entity.get('type')} {action}", entity)]
    match action:
        case "identify":
            attributes = {
                **as_object(entity.get("attributes")),
                "cio_relationships": entity.get("cio_relationships"),
            }
            return _identify(person, attributes)
        case "event" | "page" | "screen":
            data = as_object(entity.get("attributes")) or as_object(entity.get("data"))
            return [_event(person, {"type": action, **entity, "data": data})]
        case "add_device":
            return [_device(person, as_object(entity.get("device")))]
        case "delete_device":
            return [_track(person, DEVICE_REMOVED, as_object(entity.get("device")))]
        case "merge":
            return [_merge(entity)]
        case "suppress":
            return [_track(person, SUPPRESSED, {})]
        case "unsuppress":
            return [_track(person, UNSUPPRESSED, {})]
        case "delete":
            return [_track(person, DELETED, {})]
        case _:
            return [_track(person, str(action), as_object(entity.get("attributes")))]


def _identify(person: dict[str, Any], attributes: dict[str, Any]) -> Calls:
    traits = dict(attributes)
    person = {**person, "anonymousId": traits.pop("anonymous_id", None)}
    listed = traits.pop("cio_relationships", None)
    if isinstance(listed, dict):  # {"action": "add_relationships", "relationships": […]}
        listed = cast("dict[str, Any]", listed).get("relationships")
    accounts = cast("list[object]", listed) if isinstance(listed, list) else []
    groups = [
        {**person, "type": "group", "groupId": ids["object_id"]}
        for ids in (as_object(as_object(account).get("identifiers")) for account in accounts)
        if ids.get("object_id")
    ]
    return [{**person, "type": "identify", "traits": traits}, *groups]


def _event(person: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """An event of a person, or of a browser that only `anonymous_id` names."""
    kind = body["type"] if body.get("type") in _KINDS else "track"
    return {
        **person,
        "type": kind,
        "anonymousId": body.get("anonymous_id"),
        "event" if kind == "track" else "name": body.get("name"),
        "messageId": body.get("id"),
        "timestamp": body.get("timestamp"),
        "properties": as_object(body.get("data")),
    }


def _device(person: dict[str, Any], device: dict[str, Any]) -> dict[str, Any]:
    call = _track(person, DEVICE_ADDED, device)
    context = as_object(call.get("context"))
    token = {"type": device.get("platform"), "token": device.get("id")}
    return {**call, "context": {**context, "device": token}}


def _merge(body: dict[str, Any]) -> dict[str, Any]:
    people = [as_object(body.get(name)) for name in ("primary", "secondary")]
    named = [
        {"type": "user_id" if name == "id" else name, "value": value}
        for person in people
        for name, value in person.items()
        if name in {"id", "email", "cio_id"}
    ]
    return {"type": "merge", "mergeProperties": named}


def _merge_notices(calls: Iterable[object]) -> list[Notice]:
    """What an agent is to decide: that the two people of each merge are one."""
    made: list[Notice | None] = []
    for call in map(as_object, calls):
        people = [(person["type"], person["value"]) for person in call.get("mergeProperties", ())]
        if len(people) == 2:
            made.append(merge_notice(MERGED, None, people[0], people[1], None))
    return [each for each in made if each]


def _track(person: dict[str, Any], name: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {**person, "type": "track", "event": name, "properties": properties}


def person_named(identifiers: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a call that name somebody by `id`, `email`, `cio_id` or `anonymous_id`."""
    named = _named(identifiers["id"]) if identifiers.get("id") else {}
    others = external_ids(
        (name, identifiers.get(name)) for name in ("email", "cio_id", "anonymous_id")
    )
    if others:
        listed = as_object(named.get("context")).get("externalIds", [])
        named = {**named, "context": {"externalIds": [*listed, *others]}}
    return named


def _named(value: object) -> dict[str, Any]:
    """The fields of a call that name somebody by what stands where Customer.io's id does."""
    of_type = None
    if isinstance(value, str):
        of_type = "email" if "@" in value else "cio_id" if _CIO_ID.fullmatch(value) else None
    if of_type is None:
        return {"userId": value}
    return {"context": {"externalIds": external_ids([(of_type, value)])}}
