"""Stripe's webhooks: events about customers, payments and subscriptions.

| in the event | read as |
| --- | --- |
| `customer` of the object, or the object itself where it is a customer | `stripe_customer_id`, \
of a connected account `acct_…/cus_…` |
| `client_reference_id` | `user_id` |
| the first of `customer_details.email`, `customer_email`, `email`, `receipt_email` | `email` |
| the first of `customer_details.phone`, `phone` | `phone` |

Not read: `metadata`, `billing_details`, `previous_attributes`. Events of the other mode, live or
test, and events that name nobody are passed over. Of a thin event only its id and that of its
object are kept: nothing is fetched. A deleted customer becomes a request too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from identity_service.collect.body import as_object
from identity_service.collect.identifiers import external_ids
from identity_service.collect.notices import notice
from identity_service.collect.webhooks.reading import (
    Call,
    Delivery,
    Reading,
    prefixed,
    word,
)
from identity_service.domain.upstream import NoticeKind

CUSTOMER_ID: Final = "stripe_customer_id"

_THIN: Final = "v2.core.event"


def read(delivery: Delivery) -> Reading:
    """What one event says."""
    event = as_object(delivery.body)
    name = word(event.get("type"))
    if isinstance(mode := event.get("livemode"), bool) and mode is not delivery.options.livemode:
        return Reading(ignored=[f"{name} is of Stripe's {'live' if mode else 'test'} mode."])
    thin = event.get("object") == _THIN
    found = as_object(event.get("related_object")) if thin else _object_of(event)
    customer = prefixed(event.get("account"), _customer_id(found))
    call: Call = {
        "type": "track",
        "event": name,
        "messageId": event.get("id"),
        "timestamp": event.get("created"),
        "properties": found,
        "context": {
            "stripe": {key: event.get(key) for key in ("account", "api_version", "livemode")},
            "externalIds": external_ids([(CUSTOMER_ID, customer)]),
        },
    }
    if not thin:
        call["userId"] = found.get("client_reference_id")
        call["context"]["traits"] = _traits(found)
    if not (customer or call.get("userId") or call["context"].get("traits")):
        return Reading(ignored=[f"{name} names nobody."])
    if name != "customer.deleted":
        return Reading([call])
    about = [(CUSTOMER_ID, customer)]
    deletion = notice(NoticeKind.DELETION, name, event.get("id"), about, event.get("created"))
    return Reading([call], [deletion])


def _object_of(event: Mapping[str, Any]) -> dict[str, Any]:
    return as_object(as_object(event.get("data")).get("object"))


def _customer_id(found: Mapping[str, Any]) -> object:
    """The customer that an object belongs to, or is; expanded or not."""
    if found.get("object") == "customer" or word(found.get("id")).startswith("cus_"):
        return found.get("id")
    customer = found.get("customer")
    return as_object(cast("object", customer)).get("id") if isinstance(customer, dict) else customer


def _traits(found: Mapping[str, Any]) -> dict[str, Any]:
    """What an object says of the person who pays."""
    details = as_object(found.get("customer_details"))
    emails = (
        details.get("email"),
        found.get("customer_email"),
        found.get("email"),
        found.get("receipt_email"),
    )
    traits = {
        "email": next((email for email in emails if email), None),
        "phone": details.get("phone") or found.get("phone"),
        "name": details.get("name")
        or (found.get("name") if found.get("object") == "customer" else None),
    }
    return {name: value for name, value in traits.items() if isinstance(value, str) and value}
