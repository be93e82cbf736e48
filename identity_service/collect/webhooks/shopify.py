"""Shopify's webhooks: customers, carts, checkouts and orders of a shop.

| in the body | read as |
| --- | --- |
| `id` of a customer, `customer.id` of an order or a checkout | `shopify_customer_id`, as \
`shop.myshopify.com/id` |
| `email`, else `contact_email`, else `customer.email` | `email` |
| `phone`, else `customer.phone` | `phone` |
| `cart_token`, of a cart its `token`; `checkout_token`, of a checkout its `token` | \
`cart_token`, `checkout_token` |
| the note attribute that the source names | `anonymous_id` |

Not read: addresses, `note`, `tags` and all other note attributes; they are kept with the event. A
completed merge is a notice; a failed one, and any other state, changes nothing. `customers/delete`,
`customers/redact`, `customers/data_request` and `shop/redact` become requests; of the last three no
event is kept. Topics about products, stock and the like are passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from identity_service.collect.body import as_object
from identity_service.collect.identifiers import external_ids
from identity_service.collect.notices import merge_notice, notice
from identity_service.collect.webhooks.reading import (
    Delivery,
    Reading,
    prefixed,
    word,
)
from identity_service.domain.upstream import NoticeKind

CUSTOMER_ID: Final = "shopify_customer_id"
CART: Final = "cart_token"
CHECKOUT: Final = "checkout_token"

_NAMES: Final[Mapping[str, str]] = {
    "orders/create": "Order Completed",
    "orders/paid": "Order Paid",
    "orders/updated": "Order Updated",
    "orders/edited": "Order Edited",
    "orders/fulfilled": "Order Fulfilled",
    "orders/partially_fulfilled": "Order Partially Fulfilled",
    "orders/cancelled": "Order Cancelled",
    "checkouts/create": "Checkout Started",
    "checkouts/update": "Checkout Updated",
    "carts/create": "Cart Created",
    "carts/update": "Cart Updated",
    "customers/create": "Customer Created",
    "customers/update": "Customer Updated",
    "customers/enable": "Customer Enabled",
    "customers/disable": "Customer Disabled",
    "customers/delete": "Customer Deleted",
    "customers/merge": "Customers Merged",
    "customers/email_marketing_consent_update": "Email Marketing Consent Updated",
    "customers/marketing_consent_update": "SMS Marketing Consent Updated",
}
"""What the topics are called in journeys, in the words of Segment's e-commerce events."""

_PRIVACY: Final[Mapping[str, NoticeKind]] = {
    "customers/redact": NoticeKind.ERASURE,
    "customers/data_request": NoticeKind.ACCESS,
    "shop/redact": NoticeKind.ERASURE,
}

_COMPLETED: Final = "completed"


def read(delivery: Delivery) -> Reading:
    """What the body of one topic says."""
    body = as_object(delivery.body)
    topic = word(delivery.headers.get("x-shopify-topic"))
    shop = delivery.headers.get("x-shopify-shop-domain") or body.get("shop_domain")
    message_id = delivery.headers.get("x-shopify-webhook-id")
    at = delivery.headers.get("x-shopify-triggered-at")
    if topic in _PRIVACY:
        asked = notice(_PRIVACY[topic], topic, message_id, _subjects(body, shop), at)
        return Reading(notices=[asked])
    name = _NAMES.get(topic)
    if name is None:
        return Reading(ignored=[f"The topic “{topic}” is not read."])
    call: dict[str, Any] = {
        "type": "track",
        "event": name,
        "messageId": message_id,
        "timestamp": at,
        "properties": body,
        "context": {"shopify": {"topic": topic, "shop": shop}},
    }
    if topic == "customers/merge":
        return _merge(call, body, shop)
    about = topic.partition("/")[0]
    person = _customer(body) if about == "customers" else as_object(body.get("customer"))
    customer = prefixed(shop, person.get("id"))
    call["context"]["externalIds"] = external_ids([(CUSTOMER_ID, customer), *_tokens(about, body)])
    call["context"]["traits"] = _traits(body, person)
    call["anonymousId"] = _anonymous_id(body, delivery.options.note_attribute)
    if topic == "customers/delete":
        ids = [(CUSTOMER_ID, customer)]
        return Reading([call], [notice(NoticeKind.DELETION, topic, message_id, ids, at)])
    return Reading([call])


def _merge(call: dict[str, Any], body: Mapping[str, Any], shop: object) -> Reading:
    topic = "customers/merge"
    status = word(body.get("status"))
    if status.lower() != _COMPLETED:
        return Reading(ignored=[f"{topic} has the status “{status}”: nothing was merged."])
    kept, gone = (
        prefixed(shop, _number(body.get(f"admin_graphql_api_customer_{which}_id")))
        for which in ("kept", "deleted")
    )
    call["context"]["externalIds"] = external_ids([(CUSTOMER_ID, kept)])
    merged = merge_notice(
        topic, call["messageId"], (CUSTOMER_ID, kept), (CUSTOMER_ID, gone), call["timestamp"]
    )
    return Reading([call], [merged] if merged else [])


def _customer(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The customer of a customers' topic: all of the body, but for a consent that was changed."""
    return {
        **body,
        "id": body.get("id") or body.get("customer_id"),
        "email": body.get("email") or body.get("email_address"),
    }


def _tokens(about: str, body: Mapping[str, Any]) -> list[tuple[str, object]]:
    own = body.get("token")
    cart = own if about == "carts" else body.get("cart_token")
    checkout = own if about == "checkouts" else body.get("checkout_token")
    return [(CART, _without_key(cart)), (CHECKOUT, checkout)]


def _without_key(token: object) -> object:
    """A cart's token without the key that newer ones carry behind a question mark."""
    return token.partition("?")[0] if isinstance(token, str) else token


def _traits(body: Mapping[str, Any], person: Mapping[str, Any]) -> dict[str, Any]:
    traits = {
        "email": body.get("email") or body.get("contact_email") or person.get("email"),
        "phone": body.get("phone") or person.get("phone"),
        "firstName": person.get("first_name"),
        "lastName": person.get("last_name"),
    }
    return {name: value for name, value in traits.items() if isinstance(value, str) and value}


def _anonymous_id(body: Mapping[str, Any], name: str | None) -> object:
    listed = body.get("note_attributes")
    if name is None or not isinstance(listed, list):
        return None
    attributes = map(as_object, cast("list[object]", listed))
    return next((each.get("value") for each in attributes if each.get("name") == name), None)


def _subjects(body: Mapping[str, Any], shop: object) -> list[tuple[str, object]]:
    """Whom a privacy topic is about; nobody in particular where it is the whole shop."""
    person = as_object(body.get("customer"))
    return [
        (CUSTOMER_ID, prefixed(shop, person.get("id"))),
        ("email", person.get("email")),
        ("phone", person.get("phone")),
    ]


def _number(gid: object) -> object:
    """The number in `gid://shopify/Customer/123`."""
    return gid.rpartition("/")[2] if isinstance(gid, str) else gid
