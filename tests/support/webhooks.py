"""Vendors, as far as a test needs them: they sign what they send, and send it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.support.service import RunningService, Space

SECRET = "a secret of the vendor"
VENDORS = (
    *("STRIPE", "SHOPIFY", "CUSTOMERIO", "HUBSPOT"),
    *("ZENDESK", "INTERCOM", "MPARTICLE", "SEGMENT"),
)
SHOP = {"X-Shopify-Shop-Domain": "s.myshopify.com"}
AT_S = 1_795_000_000


@dataclass(frozen=True)
class Hook:
    """A source of webhooks, and the vendor that sends to it."""

    service: RunningService
    space: Space
    vendor: str
    name: str
    secret: str = SECRET

    def send(
        self,
        body: Any,
        headers: dict[str, str] | None = None,
        *,
        secret: str | None = None,
        at: float | None = None,
        url: str | None = None,
        host: str | None = None,
    ) -> httpx.Response:
        """Send a body, signed with a secret and a time, of an address where that is signed."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        path = f"/hooks/{self.name}"
        signed = signature(
            self.vendor,
            secret or self.secret,
            raw,
            time.time() if at is None else at,
            url or f"{self.service.url}{path}",
        )
        host_header = {"Host": host} if host else {}
        return self.service.post(
            path, content=raw, headers={**signed, **(headers or {}), **host_header}
        )


@dataclass
class Asking:
    """The administrator of a space, over GraphQL; or another key."""

    service: RunningService
    key: str
    variables: dict[str, Any] = field(default_factory=dict[str, Any])

    def __call__(self, query: str, **variables: Any) -> dict[str, Any]:
        """The whole answer."""
        answer = self.service.post(
            "/graphql",
            json={"query": query, "variables": {**self.variables, **variables}},
            headers={"Authorization": f"Bearer {self.key}"},
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def data(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data, without errors."""
        answer = self(query, **variables)
        assert "errors" not in answer, answer
        return answer["data"]


CREATE = """
mutation ($name: String!, $spaces: [String!]!, $vendor: WebhookVendor!, $secret: String!,
    $publicUrl: String, $livemode: Boolean! = true, $noteAttribute: String) {
  made: createWebhookSource(name: $name, spaces: $spaces, vendor: $vendor, secret: $secret,
      publicUrl: $publicUrl, livemode: $livemode, noteAttribute: $noteAttribute) {
    __typename
    ... on WebhookSourceCreated { name vendor spaces path }
    ... on Invalid { message problems { path } }
  }
}
"""


def create_hook(service: RunningService, space: Space, vendor: str, **options: Any) -> Hook:
    """A new source of webhooks that feeds a space, with a name of its own."""
    name = f"{vendor.lower()}-{space.name}"[:60]
    made = Asking(service, space.admin_key).data(
        CREATE, name=name, spaces=[space.name], vendor=vendor, secret=SECRET, **options
    )["made"]
    assert made == {
        "__typename": "WebhookSourceCreated",
        "name": name,
        "vendor": vendor,
        "spaces": [space.name],
        "path": f"/hooks/{name}",
    }
    return Hook(service, space, vendor, name)


def signature(vendor: str, secret: str, body: bytes, at: float, url: str) -> dict[str, str]:
    """The headers with which a vendor signs a body."""
    key, seconds = secret.encode(), str(int(at))

    def sha256(message: bytes) -> hmac.HMAC:
        return hmac.new(key, message, hashlib.sha256)

    def in_base64(message: bytes) -> str:
        return base64.b64encode(sha256(message).digest()).decode()

    match vendor:
        case "STRIPE":
            signed = sha256(f"{seconds}.".encode() + body).hexdigest()
            return {"Stripe-Signature": f"t={seconds},v1={signed}"}
        case "SHOPIFY":
            return {"X-Shopify-Hmac-Sha256": in_base64(body)}
        case "CUSTOMERIO":
            signed = sha256(f"v0:{seconds}:".encode() + body).hexdigest()
            return {"X-CIO-Signature": signed, "X-CIO-Timestamp": seconds}
        case "HUBSPOT":
            millis = str(int(at * 1000))
            signed = in_base64(f"POST{url}".encode() + body + millis.encode())
            return {"X-HubSpot-Signature-v3": signed, "X-HubSpot-Request-Timestamp": millis}
        case "ZENDESK":
            stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
            return {
                "X-Zendesk-Webhook-Signature": in_base64(stamp.encode() + body),
                "X-Zendesk-Webhook-Signature-Timestamp": stamp,
            }
        case "INTERCOM":
            signed = hmac.new(key, body, hashlib.sha1).hexdigest()
            return {"X-Hub-Signature": f"sha1={signed}"}
        case "SEGMENT":
            return {"X-Signature": hmac.new(key, body, hashlib.sha1).hexdigest()}
        case "MPARTICLE":
            return {"Authorization": secret}
        case _:
            raise ValueError(vendor)


def stripe(number: int, type_: str = "invoice.paid", **found: Any) -> dict[str, Any]:
    """An event of Stripe about an object."""
    return {
        "id": f"evt_{number}",
        "object": "event",
        "type": type_,
        "created": AT_S + number,
        "livemode": True,
        "data": {"object": found},
    }


def delivery(vendor: str, number: int) -> tuple[Any, dict[str, str]]:
    """Body and headers of the first, second or third delivery about one person."""
    if vendor == "SHOPIFY":
        headers = {"X-Shopify-Topic": "orders/create", "X-Shopify-Webhook-Id": f"w-{number}"}
        return {"email": "a@x.org", "customer": {"id": number}}, {**SHOP, **headers}
    return _body(vendor, number), {}


def _body(vendor: str, number: int) -> Any:
    match vendor:
        case "STRIPE":
            found = {"customer": f"cus_{number}", "customer_email": "a@x.org"}
            return stripe(number, **found)
        case "CUSTOMERIO":
            return {
                "event_id": f"e-{number}",
                "object_type": "email",
                "metric": "opened",
                "timestamp": AT_S + number,
                "data": {"identifiers": {"id": "u-1", "cio_id": f"c{number}"}},
            }
        case "HUBSPOT":
            changed = [("email", "a@x.org"), ("phone", "+4915112345678"), ("city", "Bonn")][number]
            return [
                {
                    "eventId": 1,
                    "portalId": 3,
                    "objectId": 7,
                    "subscriptionType": "contact.propertyChange",
                    "occurredAt": AT_S * 1000 + number,
                    "propertyName": changed[0],
                    "propertyValue": changed[1],
                }
            ]
        case "ZENDESK":
            detail = {"id": "9", "external_id": "u-1", "email": f"{number}@x.org"}
            return {
                "id": f"z-{number}",
                "type": "zen:event-type:user.created",
                "time": "2026-11-18T11:06:30Z",
                "detail": {**detail, "role": "end-user"},
            }
        case "INTERCOM":
            item = {"type": "contact", "id": f"i{number}", "external_id": "u-1"}
            return {
                "id": f"n-{number}",
                "topic": "contact.user.updated",
                "created_at": AT_S + number,
                "data": {"item": item},
            }
        case "MPARTICLE":
            data = {"event_name": "x", "timestamp_unixtime_ms": AT_S * 1000 + number}
            event = {"event_type": "custom_event", "message_id": f"m-{number}", "data": data}
            identity = {"identity_type": "other", "identity": f"o{number}"}
            return {"mpid": 5, "user_identities": [identity], "events": [event]}
        case "SEGMENT":
            return {"type": "track", "event": "x", "messageId": f"s-{number}", "userId": "u-1"}
        case _:
            raise ValueError(vendor)
