"""Intercom's webhooks: contacts, and conversations of one contact.

| in the notification | read as |
| --- | --- |
| `data.item.id` of a contact, the one contact of a conversation | `intercom_contact_id` |
| its `external_id`, in older versions `user_id` | `user_id` |
| its `email`, `phone` | `email`, `phone` |

Events have the name of the topic: `contact.user.created`. A deleted contact becomes a request too.
`contact.merged` is kept as an event and read no further: the notification holds one contact only.
Pings, and what is about admins, companies and conversations of several, are passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from identity_service.collect.body import as_object
from identity_service.collect.identifiers import external_ids
from identity_service.collect.notices import notice
from identity_service.collect.webhooks.reading import Delivery, Reading, word
from identity_service.domain.upstream import NoticeKind

CONTACT_ID: Final = "intercom_contact_id"

_PEOPLE: Final = {"contact", "user", "lead"}
_DELETED: Final = {"contact.deleted", "user.deleted"}


def read(delivery: Delivery) -> Reading:
    """What one notification says."""
    body: object = delivery.body
    if not isinstance(body, dict):
        return Reading([body])
    event = as_object(cast("object", body))
    topic = word(event.get("topic"))
    item = as_object(as_object(event.get("data")).get("item"))
    contact = _contact(item)
    if not contact:
        return Reading(ignored=[f"{topic} is not about one contact."])
    traits = {key: contact[key] for key in ("email", "phone", "name") if contact.get(key)}
    call: dict[str, Any] = {
        "type": "track",
        "event": topic,
        "messageId": event.get("id"),
        "timestamp": event.get("created_at"),
        "userId": contact.get("external_id") or contact.get("user_id"),
        "properties": item,
        "context": {
            "intercom": {"app_id": event.get("app_id")},
            "externalIds": external_ids([(CONTACT_ID, contact.get("id"))]),
            "traits": traits,
        },
    }
    if topic not in _DELETED:
        return Reading([call])
    ids = [(CONTACT_ID, contact.get("id"))]
    deletion = notice(NoticeKind.DELETION, topic, event.get("id"), ids, event.get("created_at"))
    return Reading([call], [deletion])


def _contact(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """The contact that an item is, or the only one of a conversation; empty without one."""
    if word(item.get("type")) in _PEOPLE:
        return item
    listed = as_object(item.get("contacts")).get("contacts")
    contacts = cast("list[object]", listed) if isinstance(listed, list) else []
    return as_object(contacts[0]) if len(contacts) == 1 else {}
