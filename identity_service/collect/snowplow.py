"""Snowplow's tracker protocol: events of web, mobile and server trackers, as calls.

| in the event | read as |
| --- | --- |
| `uid` | `user_id` |
| `duid`, and `client_session`'s `userId` on phones | `anonymous_id` |
| `tnuid`, else `nuid` | `network_userid` |
| `appleIdfv`, `appleIdfa` of the mobile context | `ios.id`, `ios.idfa` |
| `androidIdfa` likewise | `android.idfa` |

Not read: the network address, and what events of a schema of the sender's own hold, an e-mail
address for example. They are kept with the event.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from identity_service.collect.body import Contents, as_object, decode_json
from identity_service.collect.identifiers import external_ids
from identity_service.collect.keys import KeyInside
from identity_service.collect.segment import Collected, read_batch
from identity_service.errors import BadInput

_ENCODED: Final = {"ue_px": "ue_pr", "cx": "co"}
"""Fields in base64, and what they are called as they are."""


def _app_id(body: object) -> object:
    """The `aid` of the event of a GET, or of the first event of a POST that has one."""
    given = as_object(body)
    data = given.get("data")
    events = cast("list[object]", data) if isinstance(data, list) else [given]
    named = (as_object(event).get("aid") for event in events)
    return next((app_id for app_id in named if app_id is not None), None)


APP_ID: Final = KeyInside(
    re.compile(rb'"aid"\s*:\s*"([A-Za-z0-9_-]{1,255})"'), _app_id, is_outranked=True
)
"""Trackers have no key: without one in the address, their app id names the source."""

_CONTEXTS: Final = {"mobile_context": "mobile", "client_session": "session"}


def read_payload(body: object, received_at: int, new_id: Callable[[], str]) -> Collected:
    """The events of a POST, `{"schema": "…", "data": [{…}, …]}`.

    `new_id` is as in `read_batch`. Raises BadInput for a body without a list of events, and
    TooLarge where its encoded fields hold more than a body may.
    """
    data = cast("dict[str, Any]", body).get("data") if isinstance(body, dict) else None
    if not isinstance(data, list):
        raise BadInput("The body has no list “data”.", remedy='Send {"schema": "…", "data": […]}.')
    listed = cast("list[object]", data)
    inside = Contents()
    return read_batch({"batch": [call_of(event, inside) for event in listed]}, received_at, new_id)


def read_pixel(query: object, received_at: int, new_id: Callable[[], str]) -> Collected:
    """The event in the query of a GET, a dict of text."""
    return read_batch({"batch": [call_of(query, Contents())]}, received_at, new_id)


def call_of(event: object, inside: Contents) -> object:
    """One event as a call; what is no object stays as it is, and is rejected.

    `inside` counts what its fields hold that are JSON themselves. Raises TooLarge where that is
    more than a body may hold.
    """
    if not isinstance(event, dict):
        return event
    given = dict(cast("dict[str, Any]", event))
    given.pop("writeKey", None)  # of the query, and no business of who reads the event
    for encoded, plain in _ENCODED.items():
        if encoded in given:
            given[plain] = _decoded(given.pop(encoded), inside)
        elif isinstance(given.get(plain), str):
            given[plain] = _json_in(given[plain].encode(errors="replace"), inside)
    described = as_object(as_object(given.pop("ue_pr", None)).get("data"))
    contexts = _contexts(as_object(given.get("co")))
    mobile = contexts.get("mobile", {})
    session = contexts.get("session", {})
    kind, name, properties = _what(given, described)
    context = {
        "snowplow": given,
        "externalIds": external_ids([("network_userid", given.get("tnuid") or given.get("nuid"))]),
        "device": _device(mobile),
    }
    call = {
        "type": kind,
        "event" if kind == "track" else "name": name,
        "userId": given.pop("uid", None),
        "anonymousId": given.pop("duid", None) or session.get("userId"),
        "messageId": given.pop("eid", None),
        "timestamp": _moment(given.get("ttm") or given.get("dtm")),
        "sentAt": _moment(given.get("stm")),
        "properties": properties,
        "context": {name: value for name, value in context.items() if value},
    }
    return {name: value for name, value in call.items() if value is not None}


def _what(
    given: Mapping[str, Any], described: dict[str, Any]
) -> tuple[str, object, dict[str, Any]]:
    """The kind of call, its name, and its properties."""
    match given.get("e"):
        case "pv":
            properties = {"title": given.get("page"), "url": given.get("url")}
            return "page", given.get("page"), {**properties, "referrer": given.get("refr")}
        case "se":
            fields = {"se_ca": "category", "se_la": "label", "se_pr": "property", "se_va": "value"}
            properties = {ours: given[name] for name, ours in fields.items() if name in given}
            return "track", given.get("se_ac"), properties
        case "ue":
            name, data = _name_of(described.get("schema")), as_object(described.get("data"))
            return (
                ("screen", data.get("name"), data)
                if name == "screen_view"
                else (
                    "track",
                    name,
                    data,
                )
            )
        case "pp":
            return "track", "page_ping", {"url": given.get("url")}
        case kind:
            return "track", kind, {}


def _contexts(envelope: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Those that are read, by our name."""
    listed = envelope.get("data")
    found: dict[str, dict[str, Any]] = {}
    for entry in cast("list[object]", listed) if isinstance(listed, list) else []:
        name = _CONTEXTS.get(_name_of(as_object(entry).get("schema")) or "")
        if name:
            found[name] = as_object(as_object(entry).get("data"))
    return found


def _device(mobile: Mapping[str, Any]) -> dict[str, Any]:
    """The device as the tracking API has it. A tracker sends an advertising id if it may."""
    platform = str(mobile.get("osType")).lower()
    if platform == "ios":
        ids = {"id": mobile.get("appleIdfv"), "advertisingId": mobile.get("appleIdfa")}
    elif platform == "android":
        ids = {"advertisingId": mobile.get("androidIdfa")}
    else:
        return {}
    return {"type": platform, **ids, "adTrackingEnabled": True}


def _name_of(schema: object) -> str | None:
    """The name in `iglu:vendor/name/format/version`."""
    parts = schema.split("/") if isinstance(schema, str) else []
    return parts[1] if len(parts) > 1 else None


def _moment(value: object) -> object:
    """Milliseconds, which trackers send as text; anything else as it is."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value


def _decoded(value: object, inside: Contents) -> object:
    """What stands in base64, padded or not, of either alphabet; the text itself if it is none."""
    if not isinstance(value, str):
        return value
    plain = value.rstrip("=").replace("+", "-").replace("/", "_")
    try:
        return _json_in(base64.urlsafe_b64decode(plain + "=" * (-len(plain) % 4)), inside)
    except (binascii.Error, ValueError):
        return value


def _json_in(text: bytes, inside: Contents) -> object:
    inside.count(text)
    try:
        return decode_json(text)
    except BadInput:
        return text.decode(errors="replace")
