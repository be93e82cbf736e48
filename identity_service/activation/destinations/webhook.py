"""A webhook of the user's own, signed as Standard Webhooks has it: one call for each change
and each event.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any, Final

from identity_service.activation.definition import TakesEvents, VendorRules
from identity_service.activation.destinations.base import HttpAdapter, iso
from identity_service.activation.exchange import (
    Answer,
    NoAccess,
    Outcome,
    Pace,
    Request,
    json_request,
)
from identity_service.activation.records import Action, Operation

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what every such secret begins with
_TYPES: Final = {
    Action.UPSERT: "customer.updated",
    Action.ERASE: "customer.erased",
    Action.EVENT: "customer.event",
}


class Webhook(HttpAdapter):
    """Every record is a call of its own; its id is the same when it is sent again."""

    RULES = VendorRules(required=("url",), secrets=("secret",), events=TakesEvents.BY_ID)
    PACE = Pace(operations=200, connections=8, requests_per_s=50)

    def upserts(self, operations: Sequence[Operation]) -> list[Request]:
        """A call for each record."""
        return [self._call(each) for each in operations]

    def erasures(self, operations: Sequence[Operation]) -> list[Request]:
        """A call for each record."""
        return [self._call(each) for each in operations]

    def events(self, operations: Sequence[Operation]) -> list[Request]:
        """A call for each event."""
        return [self._call(each) for each in operations]

    def whole(self, answer: Answer) -> Outcome | None:
        """410 means that nothing is to be sent there any more."""
        return NoAccess(answer.said) if answer.status == 410 else super().whole(answer)

    def credentials(
        self, secrets: Mapping[str, str], request: Request, now_s: int
    ) -> Mapping[str, str]:
        """The id, the time and the signature, one for each secret while it is being changed."""
        return signature_headers(
            secrets["secret"].split(), request.operations[0].id, now_s, request.body
        )

    def _call(self, operation: Operation) -> Request:
        record = operation.record
        data: dict[str, Any] = {
            "key": {"type": record.key.type, "value": record.key.value},
            "customer_id": record.customer_id,
        }
        if operation.action is Action.UPSERT:
            data |= {"attributes": record.attributes, "audiences": record.audiences}
        if (event := operation.event) is not None:
            data["event"] = {
                "message_id": event.message_id,
                "name": event.name,
                "at": iso(event.at),
                "properties": event.properties,
            }
        body = {
            "type": _TYPES[operation.action],
            "timestamp": iso(operation.at),
            "data": data,
        }
        return json_request(self.connection["url"], body, [operation])


def signature_headers(
    secrets: Sequence[str], message_id: str, now_s: int, body: bytes
) -> dict[str, str]:
    """The headers of a signed call. A secret is `whsec_` and the key in base64, or a key."""
    signed = f"{message_id}.{now_s}.".encode() + body
    digests = (hmac.new(_key(each), signed, hashlib.sha256).digest() for each in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(now_s),
        "webhook-signature": " ".join("v1," + base64.b64encode(d).decode() for d in digests),
    }


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        return secret.encode()
