"""Intercom: a contact is searched, then made or changed; `POST /events` adds to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

import orjson

from identity_service.activation.definition import TakesEvents, VendorRules
from identity_service.activation.destinations.base import (
    KeyAdapter,
    bearer,
    event_of,
    with_audiences,
)
from identity_service.activation.exchange import (
    Answer,
    Done,
    Follow,
    Later,
    Outcome,
    Outcomes,
    Pace,
    Request,
    all_of,
    json_request,
)
from identity_service.activation.records import UNIVERSAL_ID, Action, Operation

VERSION: Final = "2.15"
SEARCH_LAG_S: Final = 5
"""For how long a contact that was made may not be found."""

_OWN: Final = frozenset({"email", "name", "phone"})
"""Attributes that a contact has by itself; all others are custom ones."""


class Intercom(KeyAdapter):
    """A contact for each record, by external id or address; audiences are custom attributes."""

    RULES = VendorRules(
        optional=("url",),
        secrets=("token",),
        keys=frozenset({"user_id", "email", UNIVERSAL_ID}),
        events=TakesEvents.WITHOUT_ID,
    )
    PACE = Pace(operations=200, connections=4, requests_per_s=50)

    def upserts(self, operations: Sequence[Operation]) -> list[Request]:
        """The search for each contact."""
        return [self._search(each) for each in operations]

    def erasures(self, operations: Sequence[Operation]) -> list[Request]:
        """The search for each contact: it is deleted by Intercom's id, not by ours."""
        return [self._search(each) for each in operations]

    def events(self, operations: Sequence[Operation]) -> list[Request]:
        """A request for each: Intercom does not know one that comes twice."""
        return [json_request(self._path("events"), _event(each), [each]) for each in operations]

    def outcomes(self, request: Request, answer: Answer) -> Outcomes:
        """A search is followed by a change, a creation or a deletion."""
        [operation] = request.operations
        if answer.status == 409:  # it is there, and the search does not show it yet
            return {operation.id: Later(answer.said, SEARCH_LAG_S)}
        if request.method == "DELETE" and answer.status == 404:
            return {operation.id: Done()}
        if _is_search(request) and answer.status in (200, 404):
            return {operation.id: self._after_search(operation, answer)}
        return super().outcomes(request, answer)

    def authorization(self, secrets: Mapping[str, str]) -> Mapping[str, str]:
        """An access token."""
        return {**bearer(secrets["token"]), "Intercom-Version": VERSION}

    def _search(self, operation: Operation) -> Request:
        key = operation.record.key
        if key.type != "email":
            path = f"contacts/find_by_external_id/{quote(key.value, safe='')}"
            return Request("GET", self._path(path), b"", (operation,))
        query = {"query": {"field": "email", "operator": "=", "value": key.value}}
        return json_request(self._path("contacts/search"), query, [operation])

    def _after_search(self, operation: Operation, answer: Answer) -> Outcome:
        found = _id_found(answer)
        if operation.action is Action.ERASE:
            if found is None:
                return Done()
            return Follow(Request("DELETE", self._path(f"contacts/{found}"), b"", (operation,)))
        body = _contact(operation)
        if found is None:
            return Follow(json_request(self._path("contacts"), body, [operation]))
        return Follow(json_request(self._path(f"contacts/{found}"), body, [operation], "PUT"))

    def _path(self, path: str) -> str:
        return f"{self.url('https://api.intercom.io')}/{path}"

    def each(self, request: Request, answer: Answer) -> Outcomes:  # noqa: ARG002
        """A creation or a change that was taken."""
        return all_of(request, Done())


def _is_search(request: Request) -> bool:
    return "/find_by_external_id/" in request.url or request.url.endswith("/contacts/search")


def _id_found(answer: Answer) -> str | None:
    if answer.status == 404:
        return None
    operation = answer.fields
    contacts = answer.rows("data") if "data" in operation else [operation]
    return str(contacts[0]["id"]) if contacts else None


def _contact(operation: Operation) -> dict[str, Any]:
    key = operation.record.key
    attributes = with_audiences(operation.record)
    own = {name: value for name, value in attributes.items() if name in _OWN}
    by = {"email": key.value} if key.type == "email" else {"external_id": key.value}
    custom = {name: _plain(value) for name, value in attributes.items() if name not in _OWN}
    return {"role": "user", **own, **by, "custom_attributes": custom}


def _event(operation: Operation) -> dict[str, Any]:
    key, event = operation.record.key, event_of(operation)
    return {
        "event_name": event.name,
        "created_at": event.at // 1_000,
        "email" if key.type == "email" else "user_id": key.value,
        "metadata": {name: _plain(value) for name, value in event.properties.items()},
    }


def _plain(value: Any) -> Any:
    """Custom attributes and properties of events are texts, numbers and truth values."""
    return orjson.dumps(value).decode() if isinstance(value, list | dict) else value
