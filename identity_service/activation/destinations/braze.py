"""Braze: `POST /users/track` with attributes or events, `/users/merge` and `/users/delete`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from identity_service.activation.definition import TakesEvents, VendorRules
from identity_service.activation.destinations.base import (
    KeyAdapter,
    bearer,
    event_of,
    iso,
    with_audiences,
)
from identity_service.activation.exchange import (
    Answer,
    Done,
    Outcomes,
    Pace,
    RefusedTogether,
    Request,
    all_of,
    batched_requests,
    failed_at,
    json_request,
)
from identity_service.activation.records import UNIVERSAL_ID, Operation, RecordKey


class Braze(KeyAdapter):
    """A user for each record, by external id or address; audiences are attributes."""

    RULES = VendorRules(
        required=("url",),
        secrets=("api_key",),
        keys=frozenset({"user_id", "email", UNIVERSAL_ID}),
        merges=True,
        events=TakesEvents.WITHOUT_ID,
    )
    PACE = Pace(operations=750, connections=4, requests_per_s=50)

    MAX_OBJECTS: Final = 75
    MAX_BYTES: Final = 4_000_000
    MAX_IDENTITIES: Final = 50

    def upserts(self, operations: Sequence[Operation]) -> list[Request]:
        """Attribute objects: each is a data point that is paid for."""
        items = [
            (each, {**_user(each.record.key), **with_audiences(each.record)}) for each in operations
        ]
        return self._tracked("attributes", items)

    def events(self, operations: Sequence[Operation]) -> list[Request]:
        """Event objects. Braze does not know one that comes twice."""
        return self._tracked("events", [(each, _event(each)) for each in operations])

    def merges(self, operations: Sequence[Operation]) -> list[Request]:
        """The vendor's merge, which cannot be taken back: one a request, for it keeps no order."""
        return [
            json_request(f"{self.url('')}/users/merge", {"merge_updates": [_merge(each)]}, [each])
            for each in operations
        ]

    def erasures(self, operations: Sequence[Operation]) -> list[Request]:
        """Users are deleted; a request holds one kind of id."""
        by_email = [each for each in operations if each.record.key.type == "email"]
        by_id = [each for each in operations if each.record.key.type != "email"]
        url = f"{self.url('')}/users/delete"
        return [
            json_request(url, {name: [each.record.key.value for each in some]}, some)
            for name, these in (("external_ids", by_id), ("email_addresses", by_email))
            for some in _slices(these, self.MAX_IDENTITIES)
        ]

    def each(self, request: Request, answer: Answer) -> Outcomes:
        """A 2xx names the objects that were refused by list and place; the others are in."""
        if not request.url.endswith("/users/track"):
            return all_of(request, Done())
        if answer.fields.get("message") != "success":
            return all_of(request, RefusedTogether(answer.said))
        return failed_at(
            request,
            [
                (each.get("index", -1), str(each.get("type")))
                for each in answer.rows("errors")
                if each.get("input_array") in ("attributes", "events")
            ],
        )

    def authorization(self, secrets: Mapping[str, str]) -> Mapping[str, str]:
        """A REST key that may do all of this."""
        return bearer(secrets["api_key"])

    def _tracked(self, name: str, items: Sequence[tuple[Operation, Any]]) -> list[Request]:
        return batched_requests(
            f"{self.url('')}/users/track",
            items,
            self.MAX_OBJECTS,
            self.MAX_BYTES,
            lambda batch: {name: batch},
        )


def _user(key: RecordKey) -> dict[str, str]:
    return {"email" if key.type == "email" else "external_id": key.value}


def _event(operation: Operation) -> dict[str, Any]:
    event = event_of(operation)
    return {
        **_user(operation.record.key),
        "name": event.name,
        "time": iso(event.at),
        "properties": event.properties,
    }


def _merge(operation: Operation) -> dict[str, Any]:
    keep = {} if operation.into is None else _identifier(operation.into)
    return {"identifier_to_merge": _identifier(operation.record.key), "identifier_to_keep": keep}


def _identifier(key: RecordKey) -> dict[str, Any]:
    user: dict[str, Any] = dict(_user(key))
    if key.type == "email":  # of several users with the address, the one that was changed last
        user["prioritization"] = ["most_recently_updated"]
    return user


def _slices(operations: Sequence[Operation], most: int) -> list[Sequence[Operation]]:
    return [operations[n : n + most] for n in range(0, len(operations), most)]
