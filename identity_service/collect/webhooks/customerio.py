"""Customer.io's reporting webhooks: what became of messages, one event a request.

| in the event | read as |
| --- | --- |
| `data.identifiers.id`, else `data.customer_id` | `user_id`; an e-mail address is an `email`, \
`cio_…` a `cio_id` |
| `data.identifiers.email`, `cio_id`, `anonymous_id` | `email`, `cio_id`, `anonymous_id` |

Not read: `data.recipient`, `data.email_address` and `data.recipients`. They say where a message
went, and a mail that was forwarded would join strangers. Events have the names that Segment's
source of Customer.io gives them: `Email Delivered`, `Email Link Clicked`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from identity_service.collect.body import as_object
from identity_service.collect.customerio import person_named
from identity_service.collect.webhooks.reading import Delivery, Reading

_OBJECTS: Final[Mapping[str, str]] = {"sms": "SMS", "in_app": "In-App"}

_METRICS: Final[Mapping[str, str]] = {
    "clicked": "Link Clicked",
    "spammed": "Marked as Spam",
    "cio_subscription_preferences_changed": "Subscription Preferences Changed",
}
"""Words that are not simply the vendor's in title case."""


def read(delivery: Delivery) -> Reading:
    """What one event says."""
    body: object = delivery.body
    if not isinstance(body, dict):
        return Reading([body])
    event = as_object(cast("object", body))
    data = as_object(event.get("data"))
    identifiers = as_object(data.get("identifiers")) or {"id": data.get("customer_id")}
    call = {
        **person_named(identifiers),
        "type": "track",
        "event": _name(event.get("object_type"), event.get("metric")),
        "messageId": event.get("event_id"),
        "timestamp": event.get("timestamp"),
        "properties": data,
    }
    return Reading([call])


def _name(object_type: object, metric: object) -> str | None:
    if not isinstance(object_type, str) or not isinstance(metric, str):
        return None
    return f"{_OBJECTS.get(object_type) or _title(object_type)} " + (
        _METRICS.get(metric) or _title(metric)
    )


def _title(word: str) -> str:
    return word.replace("_", " ").title()
