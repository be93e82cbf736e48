"""HubSpot: contacts in batches, `POST /crm/v3/objects/contacts/batch/upsert`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import orjson

from identity_service.activation.definition import VendorRules
from identity_service.activation.destinations.base import KeyAdapter, bearer, with_audiences
from identity_service.activation.exchange import (
    Answer,
    Done,
    Follow,
    Later,
    Never,
    Outcome,
    Outcomes,
    Pace,
    Request,
    Unknown,
    all_of,
    batched_requests,
    json_request,
    waiting_time,
)
from identity_service.activation.records import UNIVERSAL_ID, Operation, RecordKey

PREFIX: Final = "crm/v3/objects/contacts"
UNTOLD_WAIT_S: Final = 10
"""What HubSpot's limits are counted over, where a 429 does not say how long to wait."""


class HubSpot(KeyAdapter):
    """A contact for each record, by its address or a unique property; audiences are properties."""

    RULES = VendorRules(
        optional=("prefix", "user_id_property", "universal_id_property", "url"),
        secrets=("token",),
        keys=frozenset({"user_id", "email", UNIVERSAL_ID}),
        default_key=("email",),
        merges=True,
    )
    PACE = Pace(operations=1_000, connections=4, requests_per_s=10)

    MAX_INPUTS: Final = 100
    MAX_BYTES: Final = 3_000_000

    def upserts(self, operations: Sequence[Operation]) -> list[Request]:
        """Batches, each of contacts that one property keys."""
        requests: list[Request] = []
        for kind in dict.fromkeys(each.record.key.type for each in operations):
            inputs = [(each, self._input(each)) for each in operations if _type(each) == kind]
            requests += batched_requests(
                self._path("batch/upsert"),
                inputs,
                self.MAX_INPUTS,
                self.MAX_BYTES,
                lambda batch: {"inputs": batch},
            )
        return requests

    def merges(self, operations: Sequence[Operation]) -> list[Request]:
        """HubSpot merges by its own ids: they are asked for first."""
        return [
            json_request(self._path("batch/read"), self._ids_of(each), [each])
            for each in operations
        ]

    def erasures(self, operations: Sequence[Operation]) -> list[Request]:
        """Each is deleted as the GDPR asks, and an address that is not known is blocked."""
        return [
            json_request(
                self._path("gdpr-delete"),
                {"objectId": key.value, "idProperty": self._property(key)},
                [each],
            )
            for each in operations
            for key in (each.record.key,)
        ]

    def whole(self, answer: Answer) -> Outcome | None:
        """A 429 that does not say how long to wait means the window of the limit."""
        if answer.status == 429 and waiting_time(answer, 0) is None:
            return Later(answer.said, UNTOLD_WAIT_S, of_all=True, too_much=True)
        return super().whole(answer)

    def each(self, request: Request, answer: Answer) -> Outcomes:
        """A 207 names those that were refused by their trace id."""
        if request.url.endswith("batch/read"):
            return {each.id: self._merge(each, answer) for each in request.operations}
        if request.url.endswith(("merge", "gdpr-delete")):
            return all_of(request, Done())
        if not answer.fields.keys() & {"results", "errors"}:
            return all_of(request, Unknown(f"no results: {answer.said}"))
        return _of_batch(request, answer)

    def authorization(self, secrets: Mapping[str, str]) -> Mapping[str, str]:
        """The token of a private app, or of OAuth."""
        return bearer(secrets["token"])

    def _path(self, path: str) -> str:
        prefix = self.connection.get("prefix", PREFIX).strip("/")
        return f"{self.url('https://api.hubapi.com')}/{prefix}/{path}"

    def _property(self, key: RecordKey) -> str:
        return self.connection.get(f"{key.type}_property", key.type)

    def _input(self, operation: Operation) -> dict[str, Any]:
        key = operation.record.key
        return {
            "idProperty": self._property(key),
            "id": key.value,
            "objectWriteTraceId": operation.id,
            "properties": {
                name: _property_value(value)
                for name, value in with_audiences(operation.record).items()
                if name != self._property(key)
            },
        }

    def _ids_of(self, operation: Operation) -> dict[str, Any]:
        keys = _ends(operation)
        return {
            "idProperty": self._property(keys[0]),
            "inputs": [{"id": key.value} for key in keys],
            "properties": [self._property(keys[0])],
        }

    def _merge(self, operation: Operation, answer: Answer) -> Outcome:
        keys = _ends(operation)
        name = self._property(keys[0])
        id_of = {each["properties"].get(name): each["id"] for each in answer.rows("results")}
        if keys[0].value not in id_of:
            return Done()  # what was to be merged is gone
        if keys[-1].value not in id_of:
            return Never("there is no contact to merge it into")
        body = {
            "primaryObjectId": id_of[keys[-1].value],
            "objectIdToMerge": id_of[keys[0].value],
        }
        return Follow(json_request(self._path("merge"), body, [operation]))


def _of_batch(request: Request, answer: Answer) -> Outcomes:
    outcomes: dict[str, Outcome] = {each.id: Done() for each in request.operations}
    for error in answer.rows("errors"):
        context: dict[str, list[str]] = error.get("context") or {}
        traced = context.get("objectWriteTraceId") or []
        refused = [each for each in traced if each in outcomes]
        if not refused:  # an error that does not say whose it is could be anybody's
            reason = f"an error of nobody in particular: {error.get('message')}"
            return all_of(request, Unknown(reason))
        for each in refused:
            parts = (error.get(name) for name in ("category", "message"))
            outcomes[each] = Never(": ".join(str(part) for part in parts if part))
    return outcomes


def _type(operation: Operation) -> str:
    return operation.record.key.type


def _ends(operation: Operation) -> list[RecordKey]:
    return (
        [operation.record.key] if operation.into is None else [operation.record.key, operation.into]
    )


def _property_value(value: Any) -> str:
    match value:
        case None:
            return ""  # clears it
        case bool():
            return "true" if value else "false"
        case list():
            return ";".join(str(each) for each in cast("list[object]", value))
        case dict():
            return orjson.dumps(value).decode()
        case _:
            return str(value)
