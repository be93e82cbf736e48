"""PostHog's capture API: events of servers and browsers, as calls of the tracking API.

| in the event | read as |
| --- | --- |
| `distinct_id` of an `$identify` | `user_id`; one that is a UUID also as `anonymous_id` |
| `distinct_id` of other events | `user_id`; but `anonymous_id` where the event says that it \
identifies nobody (`$is_identified`, `$process_person_profile`), where it is the `$device_id`, and \
where it is a UUID and nothing says that it identifies somebody |
| `$anon_distinct_id`, `$device_id` | `anonymous_id` |
| the two ids of `$create_alias` and `$merge_dangerously` | the new one as any `distinct_id`, the \
old one as `anonymous_id` |
| `email`, `phone` of `$set` and `$set_once` | `email`, `phone` |
| `$group_key` of `$groupidentify`, the first of `$groups` | the account |

Every distinct id looks the same, and an SDK makes a UUID for whoever is not known; read as a
`user_id`, it would be a second login of the person who signs in later.

Not read: `ip`, feature flags, recordings of sessions; what of these comes with an event is kept
with it.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple, cast
from urllib.parse import unquote_plus, urlsplit

import orjson

from identity_service.collect.body import Contents, as_object
from identity_service.collect.identifiers import external_ids
from identity_service.collect.keys import KeyInside
from identity_service.collect.segment import Collected, read_batch
from identity_service.errors import BadInput

PYTHON: Final = "posthog-python"
"""How PostHog's Python SDK calls itself."""

_FORM: Final = b"data="
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_COOKIELESS: Final = "$posthog_cookieless"
"""The distinct id of everybody whose browser keeps nothing."""

_ALIASES: Final = ("$create_alias", "$merge_dangerously")
_KINDS: Final = {
    "$identify": "identify",
    "$set": "identify",
    "$create_alias": "alias",
    "$merge_dangerously": "alias",
    "$groupidentify": "group",
    "$pageview": "page",
    "$screen": "screen",
}
_PERSON: Final = ("$set_once", "$set")
"""Where what is known of a person stands, in the event or its properties; the last one wins."""

_READ: Final = {
    *("distinct_id", "properties", "timestamp", "uuid", *_PERSON),
    *("api_key", "token"),  # secrets
}
"""What of an event need not be kept apart from its call."""


class _Ids(NamedTuple):
    """What an event names, as sent: a login or None, and any number of browsers and devices."""

    user: object
    anonymous: tuple[object, ...]
    previous: object = None


def _key_of(body: object) -> object:
    """`api_key` or `token` of the body; of events of a browser, in the first one's properties."""
    given = as_object(body)
    if not given and isinstance(body, list) and body:
        given = as_object(cast("list[object]", body)[0])
    properties = as_object(given.get("properties"))
    found = (given.get("api_key"), given.get("token"), properties.get("token"))
    return next((key for key in found if key), None)


KEY: Final = KeyInside(
    re.compile(rb'"(?:api_key|token)"\s*:\s*"([A-Za-z0-9_-]{1,256})"'),
    _key_of,
    may_be_last=True,  # PostHog's Python SDK writes it there
)

FLAGS: Final = orjson.dumps(
    {"flags": {}, "featureFlags": {}, "featureFlagPayloads": {}, "errorsWhileComputingFlags": False}
)
"""The answer to who asks for feature flags: there are none."""


def plain(text: bytes) -> bytes:
    """The JSON of a body that may be a form, `data=BASE64`, as browsers without gzip send it.

    Raises BadInput where it is no base64, and TooLarge where it holds more than a body may.
    """
    if not text.startswith(_FORM):
        return text
    encoded = unquote_plus(text[len(_FORM) :].partition(b"&")[0].decode("latin-1"))
    try:
        decoded = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadInput("The form's data is not base64.", remedy="Send JSON.") from error
    Contents().count(decoded)
    return decoded


def read_events(
    body: object,
    received_at: int,
    new_id: Callable[[], str],
    *,
    sent_at: str | None = None,
    sdk: str | None = None,
) -> Collected:
    """The events of a body: `{"batch": […]}`, a list of events, or one event.

    `new_id` is as in `read_batch`. `sent_at`: when the request says that it was sent, where its
    body does not; `sdk`: which SDK sent it, where the events do not say so. Raises BadInput for
    any other body, and TooLarge as `read_batch` does.
    """
    given = as_object(body)
    events: object = given.get("batch") if "batch" in given else [given] if given else body
    if not isinstance(events, list):
        raise BadInput("The body holds no events.", remedy='Send {"batch": [{"event": …}, …]}.')
    listed = cast("list[object]", events)
    key = _key_of(body)
    calls = [_call(event, key, sdk) for event in listed]
    batch = {"batch": calls, "sentAt": given.get("sent_at") or sent_at}
    collected = read_batch(batch, received_at, new_id)
    timed = tuple(
        replace(event, at=received_at - ago)
        if (ago := _offset(listed[event.place], received_at)) is not None
        else event
        for event in collected.events
    )
    return replace(collected, events=timed)


def read_flags(body: object, _received_at: int, _new_id: Callable[[], str]) -> Collected:
    """Nothing: a request for feature flags. Raises BadInput for a body that is no object."""
    if not isinstance(body, dict):
        raise BadInput("The body is not a JSON object.", remedy='Send {"api_key": …}.')
    return Collected((), ())


def results(collected: Collected) -> bytes:
    """The answer of the v1 route, as JSON: what became of each event, by its uuid.

    `drop`, with the reason, for what was set aside: the SDK reports it and sends it no more.
    """
    taken: dict[str, dict[str, str]] = {
        event.message_id: {"result": "ok"} for event in collected.events
    }
    dropped = {
        each.message_id: {"result": "drop", "details": each.message}
        for each in collected.rejections
        if each.message_id is not None
    }
    return orjson.dumps({"results": taken | dropped})


def _call(event: object, key: object, sdk: str | None) -> object:
    """One event as a call; what is no object stays as it is, and is rejected."""
    if not isinstance(event, dict):
        return event
    given = cast("dict[str, Any]", event)
    properties = {
        name: value
        for name, value in as_object(given.get("properties")).items()
        if name not in _PERSON and (name != "token" or value != key)
    }
    name = given.get("event")
    kind = _KINDS.get(name, "track") if isinstance(name, str) else "track"
    person = _person(given)
    ids = _ids(given, properties, sdk)
    # The same id as both would name no login.
    first = next((each for each in ids.anonymous if each and each != ids.user), None)
    context = {
        "page": _page(properties),
        "traits": {} if kind == "identify" else person,
        "externalIds": external_ids(
            ("anonymous_id", each) for each in ids.anonymous if each != first
        ),
        "posthog": {field: value for field, value in given.items() if field not in _READ},
    }
    call = {
        "type": kind,
        "userId": ids.user,
        "anonymousId": first,
        "previousId": ids.previous,
        "messageId": given.get("uuid") or properties.get("$insert_id"),
        "timestamp": given.get("timestamp"),
        "groupId": _account(kind, properties),
        "properties": properties,
        "context": {field: value for field, value in context.items() if value},
        **_carried(kind, name, properties, person),
    }
    return {field: value for field, value in call.items() if value is not None}


def _carried(
    kind: str, name: object, properties: Mapping[str, Any], person: Mapping[str, Any]
) -> dict[str, Any]:
    """The fields that only calls of this kind have."""
    match kind:
        case "identify":
            return {"traits": person}
        case "group":
            return {"traits": as_object(properties.get("$group_set"))}
        case "track":
            return {"event": name}
        case "screen":
            return {"name": properties.get("$screen_name")}
        case _:
            return {}


def _person(given: Mapping[str, Any]) -> dict[str, Any]:
    """What an event says of a person, at its top (Python) or in its properties (all others)."""
    places = (given, as_object(given.get("properties")))
    return {
        trait: value
        for name in _PERSON
        for place in places
        for trait, value in as_object(place.get(name)).items()
    }


def _ids(given: Mapping[str, Any], properties: Mapping[str, Any], sdk: str | None) -> _Ids:
    distinct = given.get("distinct_id") or properties.get("distinct_id")
    device = properties.get("$device_id")
    name = given.get("event")
    if distinct == _COOKIELESS or (name == "$groupidentify" and _names_group(distinct, properties)):
        return _Ids(None, (device,))
    if name == "$identify":
        alike = distinct if _is_uuid(distinct) else None
        return _Ids(distinct, (properties.get("$anon_distinct_id"), device, alike))
    previous = None
    if name in _ALIASES:
        previous = properties.get("alias")
        # PostHog's Python SDK says it the other way round: from the old id, with the new as alias.
        if name == "$create_alias" and (properties.get("$lib") or sdk) == PYTHON:
            distinct, previous = previous, distinct
    if _is_anonymous(given, properties, distinct):
        return _Ids(None, (distinct, device), previous)
    return _Ids(distinct, (device,), previous)


def _is_anonymous(
    given: Mapping[str, Any], properties: Mapping[str, Any], distinct_id: object
) -> bool:
    """Whether that distinct id of the event names a browser or a device, and no login."""
    is_identified = properties.get("$is_identified")
    profile = properties.get("$process_person_profile")
    option = as_object(given.get("options")).get("process_person_profile")
    if is_identified is False or profile is False or option is False:
        return True
    if distinct_id == properties.get("$device_id"):
        return True
    return is_identified is not True and _is_uuid(distinct_id)


def _is_uuid(value: object) -> bool:
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def _names_group(distinct_id: object, properties: Mapping[str, Any]) -> bool:
    """Whether an SDK made it up for a group that nobody was named with."""
    return distinct_id == f"${properties.get('$group_type')}_{properties.get('$group_key')}"


def _account(kind: str, properties: Mapping[str, Any]) -> object:
    if kind == "group":
        return properties.get("$group_key")
    return next(iter(as_object(properties.get("$groups")).values()), None)


def _page(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The page as the tracking API has it; empty for an event of no page."""
    address = properties.get("$current_url")
    if not isinstance(address, str):
        return {}
    page = {
        "url": address,
        "path": properties.get("$pathname") or _path(address),
        "referrer": properties.get("$referrer"),
        "title": properties.get("title"),
    }
    return {name: value for name, value in page.items() if value is not None}


def _path(address: str) -> str | None:
    try:
        return urlsplit(address).path or None
    except ValueError:
        return None


def _offset(event: object, received_at: int) -> int | None:
    """How many milliseconds before it was sent an event of a browser's queue happened.

    Such an event has no time. It is not made one of its call, since what is sent again comes with
    the same offset later, and has to stay the same event.
    """
    given = as_object(event)
    offset: object = given.get("offset")
    if given.get("timestamp") is not None or isinstance(offset, bool):
        return None
    if not isinstance(offset, int | float) or not 0 <= offset <= received_at:
        return None
    return int(offset)
