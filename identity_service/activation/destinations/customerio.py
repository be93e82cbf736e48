"""Customer.io: the Track API's batches, `POST /api/v2/batch`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from identity_service.activation.definition import VendorRules
from identity_service.activation.destinations.base import KeyAdapter, basic, with_audiences
from identity_service.activation.exchange import (
    Answer,
    Outcomes,
    Pace,
    Request,
    batched_requests,
    failed_at,
)
from identity_service.activation.records import UNIVERSAL_ID, Operation, RecordKey

HOSTS: Final = {
    "us": "https://track.customer.io",
    "eu": "https://track-eu.customer.io",
}
_IDENTIFIER: Final = {"email": "email", "phone": "phone"}


class CustomerIo(KeyAdapter):
    """A person for each record, by id, address or phone number; audiences are attributes."""

    RULES = VendorRules(
        required=("site_id",),
        optional=("region", "url"),
        secrets=("api_key",),
        keys=frozenset({"user_id", "email", "phone", UNIVERSAL_ID}),
        merges=True,
    )
    PACE = Pace(operations=1_000, connections=4, requests_per_s=100)

    MAX_BYTES: Final = 500_000
    MAX_ITEM_BYTES: Final = 32_000

    def unsendable(self, operation: Operation) -> str | None:
        """An item of a batch has 32 kB at most."""
        size = len(orjson.dumps(_upsert(operation)))
        return f"{size:,} bytes are too many" if size > self.MAX_ITEM_BYTES else None

    def upserts(self, operations: Sequence[Operation]) -> list[Request]:
        """People, with the time that orders their updates."""
        return self._batches([(each, _upsert(each)) for each in operations])

    def merges(self, operations: Sequence[Operation]) -> list[Request]:
        """The vendor's merge, which cannot be taken back."""
        return self._batches([(each, _merge(each)) for each in operations])

    def erasures(self, operations: Sequence[Operation]) -> list[Request]:
        """People are suppressed: a delete would let the next identify bring them back."""
        return self._batches([(each, _suppression(each)) for each in operations])

    def each(self, request: Request, answer: Answer) -> Outcomes:
        """A 207 names those that were refused by their place; all others were taken."""
        errors = answer.rows("errors")
        return failed_at(request, [(each["batch_index"], _reason(each)) for each in errors])

    def authorization(self, secrets: Mapping[str, str]) -> Mapping[str, str]:
        """Basic authentication with the site's id and its key."""
        return basic(self.connection["site_id"], secrets["api_key"])

    def _batches(self, items: Sequence[tuple[Operation, Any]]) -> list[Request]:
        host = HOSTS.get(self.connection.get("region", "us"), HOSTS["us"])
        url = f"{self.url(host)}/api/v2/batch"
        return batched_requests(
            url, items, self.PACE.operations, self.MAX_BYTES, lambda batch: {"batch": batch}
        )


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


def _reason(error: Mapping[str, Any]) -> str:
    parts = (error.get(name) for name in ("field", "reason", "message"))
    return ": ".join(str(part) for part in parts if part)
