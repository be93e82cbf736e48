"""mParticle's Events API: batches of one user, whose events become calls of the tracking API.

| in the batch | read as |
| --- | --- |
| `user_identities.customerid`, `customer_id` | `user_id` |
| `user_identities.email` | `email` |
| the identities `mobile_number`, `phone_number_2`, `phone_number_3`, the attribute `$Mobile` | \
`phone` |
| any other identity: `other`, `other_id_2` …, `facebook` … | a type of that name |
| `mpid`, a signed number of 64 bits | `mpid` |
| `device_info` of iOS: `ios_idfv`; `ios_advertising_id`, when tracking is allowed; `push_token` | \
`ios.id`, `ios.idfa`, `ios.push_token` |
| of Android: `android_uuid`; `android_advertising_id`, likewise; `push_token` | \
`android.id`, `android.idfa`, `android.push_token` |

Not read: `ip`, `integration_attributes`, `consent_state`; they are kept with the event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from identity_service.collect.body import as_object
from identity_service.collect.identifiers import external_ids
from identity_service.collect.segment import Collected, read_batch
from identity_service.errors import BadInput, TooLarge

MAX_BATCHES: Final = 100
"""Most batches of one request, as with mParticle."""

_USER_ID: Final = ("customerid", "customer_id")

_PHONES: Final = ("mobile_number", "phone_number_2", "phone_number_3")

_TRAITS: Final = {
    "$FirstName": "firstName",
    "$LastName": "lastName",
    "$Mobile": "phone",
    "$Age": "age",
    "$Gender": "gender",
    "$City": "city",
    "$State": "state",
    "$Country": "country",
    "$Zip": "zip",
    "$Address": "address",
}
"""mParticle's own names of attributes, and ours; all others stay as they are."""

_ALLOWED: Final = ("authorized", None)
"""What iOS says of tracking where an advertising id may be read; older versions say nothing."""

_NAME_OF: Final = {"custom_event": "event_name", "screen_view": "screen_name"}


def read_events(body: object, received_at: int, new_id: Callable[[], str]) -> Collected:
    """The events of one batch, `{"events": […], "user_identities": {…}, …}`.

    `new_id` is as in `read_batch`. Raises BadInput for a body that is no object.
    """
    return _read([body], received_at, new_id)


def read_bulk_events(body: object, received_at: int, new_id: Callable[[], str]) -> Collected:
    """The events of a list of such batches.

    Raises BadInput for a body that is no list of objects, and TooLarge beyond `MAX_BATCHES`.
    """
    if not isinstance(body, list):
        raise BadInput("The body is not a list of batches.", remedy='Send [{"events": […]}, …].')
    batches = cast("list[object]", body)
    if len(batches) > MAX_BATCHES:
        raise TooLarge(f"There are {len(batches):,} batches; at most {MAX_BATCHES} are taken.")
    return _read(batches, received_at, new_id)


def _read(batches: list[object], received_at: int, new_id: Callable[[], str]) -> Collected:
    calls: list[object] = []
    for batch in batches:
        if not isinstance(batch, dict):
            raise BadInput("A batch is not a JSON object.", remedy='Send {"events": […], …}.')
        calls += calls_of(cast("dict[str, Any]", batch))
    return read_batch({"batch": calls}, received_at, new_id)


def calls_of(batch: dict[str, Any]) -> list[object]:
    """What a batch says, as calls: of each event, or of the user alone where it has none."""
    identities = as_object(batch.get("user_identities"))
    traits = {_TRAITS.get(k, k): v for k, v in as_object(batch.get("user_attributes")).items()}
    common = {
        "userId": next((identities[name] for name in _USER_ID if identities.get(name)), None),
        "timestamp": batch.get("timestamp_unixtime_ms"),
    }
    rest = {
        name: value
        for name, value in batch.items()
        if name not in {"events", "user_attributes", "timestamp_unixtime_ms"}
    }
    context = {
        **rest,
        "externalIds": _external_ids(identities, batch.get("mpid")),
        "device": _device(as_object(batch.get("device_info"))),
    }
    listed = batch.get("events")
    events = cast("list[object]", listed) if isinstance(listed, list) else []
    if not events:
        return [{**common, "type": "identify", "traits": traits, "context": context}]
    context["traits"] = traits
    return [
        {**common, **_event(cast("dict[str, Any]", event)), "context": context}
        if isinstance(event, dict)
        else event
        for event in events
    ]


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    kind, data = event.get("event_type"), as_object(event.get("data"))
    call: dict[str, Any] = {
        "type": "screen" if kind == "screen_view" else "track",
        "messageId": data.get("source_message_id") or event.get("message_id"),
        "properties": {**as_object(data.get("custom_attributes")), **data},
    }
    call["properties"].pop("custom_attributes", None)
    name = data.get(_NAME_OF.get(str(kind), ""), kind)
    if kind == "commerce_event":
        name = as_object(data.get("product_action")).get("action", kind)
    call["name" if kind == "screen_view" else "event"] = name
    if "timestamp_unixtime_ms" in data:
        call["timestamp"] = data["timestamp_unixtime_ms"]
    return call


def _external_ids(identities: Mapping[str, Any], mpid: object) -> list[dict[str, Any]]:
    named = [(_type_of(name), value) for name, value in identities.items() if name not in _USER_ID]
    return external_ids([*named, ("mpid", mpid)])


def _type_of(identity: str) -> str:
    return "phone" if identity in _PHONES else identity


def _device(info: Mapping[str, Any]) -> dict[str, Any]:
    """The device as the tracking API has it; empty for a platform whose ids are not read."""
    platform = str(info.get("platform")).lower()
    if platform == "ios":
        tracked = info.get("att_authorization_status") in _ALLOWED
        names = ("ios_idfv", "ios_advertising_id")
    elif platform == "android":
        tracked, names = True, ("android_uuid", "android_advertising_id")
    else:
        return {}
    return {
        "type": platform,
        "id": info.get(names[0]),
        "advertisingId": info.get(names[1]),
        "adTrackingEnabled": tracked and info.get("limit_ad_tracking") is not True,
        "token": info.get("push_token"),
    }
