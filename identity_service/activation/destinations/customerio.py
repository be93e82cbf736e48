"""Customer.io: the Track API's batches, `POST /api/v2/batch`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from identity_service.activation.definition import TakesEvents, VendorRules
from identity_service.activation.destinations.base import (
    KeyAdapter,
    basic,
    event_of,
    with_audiences,
)
from identity_service.activation.exchange import (
    Answer,
    Outcomes,
    Pace,
    Request,
    batched_requests,
    failed_at,
)
from identity_service.activation.records import UNIVERSAL_ID, Action, Operation, RecordKey

HOSTS: Final = {
    "us": "https://track.customer.io",
    "eu": "https://track-eu.customer.io",
}
_IDENTIFIER: Final = {"email": "email", "phone": "phone"}
_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LATEST: Final = 2**48 - 1


class CustomerIo(KeyAdapter):
    """A person for each record, by id, address or phone number; audiences are attributes."""

    RULES = VendorRules(
        required=("site_id",),
        optional=("region", "url"),
        secrets=("api_key",),
        keys=frozenset({"user_id", "email", "phone", UNIVERSAL_ID}),
        merges=True,
        events=TakesEvents.BY_ID,
    )
    PACE = Pace(operations=1_000, connections=4, requests_per_s=100)

    MAX_BYTES: Final = 500_000
    MAX_ITEM_BYTES: Final = 32_000

    def unsendable(self, operation: Operation) -> str | None:
        """An item of a batch has 32 kB at most."""
        size = len(orjson.dumps(_item(operation)))
        return f"{size:,} bytes are too many" if size > self.MAX_ITEM_BYTES else None

    def upserts(self, operations: Sequence[Operation]) -> list[Request]:
        """People, with the time that orders their updates."""
        return self._batches(operations)

    def merges(self, operations: Sequence[Operation]) -> list[Request]:
        """The vendor's merge, which cannot be taken back."""
        return self._batches(operations)

    def erasures(self, operations: Sequence[Operation]) -> list[Request]:
        """People are suppressed: a delete would let the next identify bring them back."""
        return self._batches(operations)

    def events(self, operations: Sequence[Operation]) -> list[Request]:
        """Events, each with an id by which one that comes twice is known there."""
        return self._batches(operations)

    def each(self, request: Request, answer: Answer) -> Outcomes:
        """A 207 names those that were refused by their place; all others were taken."""
        errors = answer.rows("errors")
        return failed_at(request, [(each["batch_index"], _reason(each)) for each in errors])

    def authorization(self, secrets: Mapping[str, str]) -> Mapping[str, str]:
        """Basic authentication with the site's id and its key."""
        return basic(self.connection["site_id"], secrets["api_key"])

    def _batches(self, operations: Sequence[Operation]) -> list[Request]:
        items = [(each, _item(each)) for each in operations]
        host = HOSTS.get(self.connection.get("region", "us"), HOSTS["us"])
        url = f"{self.url(host)}/api/v2/batch"
        return batched_requests(
            url, items, self.PACE.operations, self.MAX_BYTES, lambda batch: {"batch": batch}
        )


def _item(operation: Operation) -> dict[str, Any]:
    match operation.action:
        case Action.UPSERT:
            return _upsert(operation)
        case Action.MERGE:
            return _merge(operation)
        case Action.ERASE:
            return _suppression(operation)
        case Action.EVENT:
            return _event(operation)


def _identifiers(key: RecordKey) -> dict[str, str]:
    return {_IDENTIFIER.get(key.type, "id"): key.value}


def _upsert(operation: Operation) -> dict[str, Any]:
    # An empty text removes an attribute.
    attributes = {n: "" if v is None else v for n, v in with_audiences(operation.record).items()}
    return {
        "type": "person",
        "identifiers": _identifiers(operation.record.key),
        "action": "identify",
        "timestamp": operation.at // 1_000,
        "attributes": attributes,
    }


def _merge(operation: Operation) -> dict[str, Any]:
    primary = {} if operation.into is None else _identifiers(operation.into)
    secondary = _identifiers(operation.record.key)
    return {"type": "person", "action": "merge", "primary": primary, "secondary": secondary}


def _suppression(operation: Operation) -> dict[str, Any]:
    identifiers = _identifiers(operation.record.key)
    return {"type": "person", "identifiers": identifiers, "action": "suppress"}


def _event(operation: Operation) -> dict[str, Any]:
    event = event_of(operation)
    return {
        "type": "person",
        "identifiers": _identifiers(operation.record.key),
        "action": "event",
        "name": event.name,
        "id": ulid(event.at, event.message_id),
        "timestamp": event.at // 1_000,
        "attributes": event.properties,
    }


def ulid(at: int, message_id: str) -> str:
    """A ULID that is a function of an event: its time, and 80 bits of its message id's SHA-256."""
    digest = int.from_bytes(hashlib.sha256(message_id.encode()).digest()[:10])
    number = (min(max(at, 0), _LATEST) << 80) | digest
    return "".join(_CROCKFORD[number >> 5 * place & 31] for place in reversed(range(26)))


def _reason(error: Mapping[str, Any]) -> str:
    parts = (error.get(name) for name in ("field", "reason", "message"))
    return ": ".join(str(part) for part in parts if part)
