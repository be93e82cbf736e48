"""Whatever takes Segment's tracking calls: `POST /v1/batch` with `identify` and `track`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from identity_service.activation.definition import TakesEvents, VendorRules
from identity_service.activation.destinations.base import (
    KeyAdapter,
    basic,
    event_of,
    iso,
    with_audiences,
)
from identity_service.activation.exchange import Pace, Request, batched_requests
from identity_service.activation.records import UNIVERSAL_ID, Action, Operation


class Segment(KeyAdapter):
    """An `identify` for each record, a `track` for each event; audiences are traits.

    A message id follows from the record, and an event keeps its own: one that comes twice is known
    there.
    """

    RULES = VendorRules(
        optional=("url",),
        secrets=("write_key",),
        keys=frozenset({"user_id", UNIVERSAL_ID}),
        default_key=("user_id", UNIVERSAL_ID),
        events=TakesEvents.BY_ID,
    )
    PACE = Pace(operations=1_000, connections=4, requests_per_s=50)

    MAX_CALLS: Final = 500
    MAX_BYTES: Final = 500_000
    MAX_CALL_BYTES: Final = 32_000

    def unsendable(self, operation: Operation) -> str | None:
        """A call has 32 kB at most, and none of them erases."""
        if operation.action is Action.ERASE:
            return "Segment's tracking calls cannot erase: delete the person there"
        size = len(orjson.dumps(_call(operation)))
        return f"{size:,} bytes are too many" if size > self.MAX_CALL_BYTES else None

    def upserts(self, operations: Sequence[Operation]) -> list[Request]:
        """Batches of `identify`."""
        return self._batches(operations)

    def events(self, operations: Sequence[Operation]) -> list[Request]:
        """Batches of `track`."""
        return self._batches(operations)

    def erasures(self, operations: Sequence[Operation]) -> list[Request]:
        """There is no such call: each of them is unsendable."""
        if operations:
            raise NotImplementedError
        return []

    def authorization(self, secrets: Mapping[str, str]) -> Mapping[str, str]:
        """The write key as the user of Basic authentication."""
        return basic(secrets["write_key"], "")

    def _batches(self, operations: Sequence[Operation]) -> list[Request]:
        return batched_requests(
            f"{self.url('https://api.segment.io')}/v1/batch",
            [(each, _call(each)) for each in operations],
            self.MAX_CALLS,
            self.MAX_BYTES,
            lambda batch: {"batch": batch},
        )


def _call(operation: Operation) -> dict[str, Any]:
    return _identify(operation) if operation.event is None else _track(operation)


def _track(operation: Operation) -> dict[str, Any]:
    event = event_of(operation)
    return {
        "type": "track",
        "userId": operation.record.key.value,
        "messageId": event.message_id,
        "timestamp": iso(event.at),
        "event": event.name,
        "properties": event.properties,
    }


def _identify(operation: Operation) -> dict[str, Any]:
    return {
        "type": "identify",
        "userId": operation.record.key.value,
        "messageId": f"activation-{operation.id}",
        "timestamp": iso(operation.at),
        "traits": with_audiences(operation.record),
    }
