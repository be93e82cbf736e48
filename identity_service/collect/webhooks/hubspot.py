"""HubSpot's CRM webhooks: lists of small notices about contacts.

| in a notice | read as |
| --- | --- |
| `portalId` and `objectId` | `hubspot_contact_id`, as `portal/object` |
| `propertyValue` of the property `email` | `email` |
| of `phone` and `mobilephone` | `phone` |

A property that changed is an identify call with that trait; all others are track calls with the
subscription's name: `contact.creation`. Of a merge, every contact that it ended is a notice beside
the one that lives on (`newObjectId`). A deleted contact becomes a request, and so does a privacy
deletion, of which no event is kept. Notices about companies, deals and other objects are passed
over. HubSpot's `eventId` is not unique, so that a message id is made of all that tells a notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

import orjson

from identity_service.collect.content import digest_of
from identity_service.collect.identifiers import external_ids, identifier_text
from identity_service.collect.notices import merge_notice, notice
from identity_service.collect.webhooks.reading import (
    Delivery,
    Reading,
    joined,
    prefixed,
    word,
)
from identity_service.domain.upstream import NoticeKind

CONTACT_ID: Final = "hubspot_contact_id"

CONTACTS: Final = "0-1"
"""The `objectTypeId` of contacts in generic subscriptions (`object.creation`)."""

_MADE_OF: Final = (
    *("portalId", "subscriptionType", "objectId", "propertyName", "occurredAt", "eventId"),
)
_PHONES: Final = ("phone", "mobilephone")
_PER_ATTEMPT: Final = ("attemptNumber", "appId", "subscriptionId")
"""What is not said of the contact, and may differ when a notice is sent again."""


def read(delivery: Delivery) -> Reading:
    """What a list of notices says, or one by itself."""
    body = delivery.body
    listed = cast("list[object]", body) if isinstance(body, list) else [body]
    return joined(
        [
            _read(cast("dict[str, Any]", each)) if isinstance(each, dict) else Reading([each])
            for each in listed
        ]
    )


def _read(sent: dict[str, Any]) -> Reading:
    subscription = word(sent.get("subscriptionType"))
    about, _, happened = subscription.partition(".")
    if about == "object" and sent.get("objectTypeId") == CONTACTS:
        about = "contact"
    if about != "contact":
        return Reading(ignored=[f"{subscription} is not about a contact."])
    portal, at, topic = sent.get("portalId"), sent.get("occurredAt"), f"contact.{happened}"
    message_id = _message_id(sent)
    contact = prefixed(portal, sent.get("objectId"))
    if happened == "privacyDeletion":
        asked = notice(NoticeKind.ERASURE, topic, message_id, [(CONTACT_ID, contact)], at)
        return Reading(notices=[asked])
    call: dict[str, Any] = {
        "type": "track",
        "event": topic,
        "messageId": message_id,
        "timestamp": at,
        "properties": {k: v for k, v in sent.items() if k not in _PER_ATTEMPT},
        "context": {
            "hubspot": {k: sent[k] for k in _PER_ATTEMPT if k in sent},
            "externalIds": external_ids([(CONTACT_ID, contact)]),
        },
    }
    if happened == "propertyChange":
        del call["event"], call["properties"]
        return Reading([{**call, "type": "identify", "traits": _traits(sent)}])
    if happened == "merge":
        kept = sent.get("newObjectId") or sent.get("primaryObjectId")
        survivor = prefixed(portal, kept)
        call["context"]["externalIds"] = external_ids([(CONTACT_ID, survivor)])
        merged = sent.get("mergedObjectIds")
        ended = [
            sent.get("primaryObjectId"),
            *(cast("list[object]", merged) if isinstance(merged, list) else ()),
        ]
        merges = [
            merge_notice(topic, message_id, (CONTACT_ID, survivor), (CONTACT_ID, gone), at)
            for gone in dict.fromkeys(prefixed(portal, each) for each in ended)
        ]
        return Reading([call], [each for each in merges if each])
    if happened == "deletion":
        ids = [(CONTACT_ID, contact)]
        return Reading([call], [notice(NoticeKind.DELETION, topic, message_id, ids, at)])
    return Reading([call])


def _traits(sent: Mapping[str, Any]) -> dict[str, Any]:
    """The property that changed, and `phone` where it is the mobile phone."""
    name, value = sent.get("propertyName"), sent.get("propertyValue")
    if not isinstance(name, str):
        return {}
    value = None if value == "" else value
    return {name: value} | ({"phone": value} if name in _PHONES and value else {})


def _message_id(sent: Mapping[str, Any]) -> str:
    made_of = [identifier_text(sent.get(key)) for key in _MADE_OF]
    return f"hubspot:{digest_of(orjson.dumps(made_of))}"
