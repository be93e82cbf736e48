"""Mailchimp: members of a list, `POST /lists/{id}`; audiences are tags."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from identity_service.activation.definition import VendorRules
from identity_service.activation.destinations.base import KeyAdapter, basic
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
    all_of,
    batched_requests,
    json_request,
)
from identity_service.activation.records import Operation


class Mailchimp(KeyAdapter):
    """A member for each record with an address.

    Who is new gets the status of the definition, and nobody else is given one: a `status` would
    subscribe again who left.
    """

    RULES = VendorRules(
        required=("data_center", "list_id"),
        optional=("status_if_new", "url"),
        secrets=("api_key",),
        keys=frozenset({"email"}),
        default_key=("email",),
    )
    PACE = Pace(operations=500, connections=8, requests_per_s=10)

    MAX_MEMBERS: Final = 500
    MAX_BYTES: Final = 5_000_000

    def upserts(self, operations: Sequence[Operation]) -> list[Request]:
        """Members, with their attributes as merge fields."""
        return batched_requests(
            self._list(),
            [(each, self._member(each)) for each in operations],
            self.MAX_MEMBERS,
            self.MAX_BYTES,
            lambda batch: {"members": batch, "update_existing": True, "sync_tags": False},
        )

    def erasures(self, operations: Sequence[Operation]) -> list[Request]:
        """Members are deleted for good, and cannot be imported again."""
        return [
            Request("POST", self._of_member(each, "actions/delete-permanent"), b"", (each,))
            for each in operations
        ]

    def whole(self, answer: Answer) -> Outcome | None:
        """Under load it answers 403 without JSON: that is no lack of rights."""
        if answer.status == 403 and answer.json() is None:
            return Later(answer.said, of_all=True, too_much=True)
        return super().whole(answer)

    def outcomes(self, request: Request, answer: Answer) -> Outcomes:
        """Who is not there has been erased."""
        if request.url.endswith("delete-permanent") and answer.status == 404:
            return all_of(request, Done())
        return super().outcomes(request, answer)

    def each(self, request: Request, answer: Answer) -> Outcomes:
        """A 200 names the addresses that were refused; tags of the others follow."""
        if request.url != self._list():
            return all_of(request, Done())
        refused = {
            str(each.get("email_address", "")).lower(): _reason(each)
            for each in answer.rows("errors")
        }
        return {
            each.id: Never(reason)
            if (reason := refused.get(each.record.key.value.lower())) is not None
            else self._then(each)
            for each in request.operations
        }

    def authorization(self, secrets: Mapping[str, str]) -> Mapping[str, str]:
        """Basic authentication; any user name is good."""
        return basic("key", secrets["api_key"])

    def _list(self) -> str:
        host = f"https://{self.connection['data_center']}.api.mailchimp.com/3.0"
        return f"{self.url(host)}/lists/{self.connection['list_id']}"

    def _of_member(self, operation: Operation, path: str) -> str:
        address = operation.record.key.value.lower().encode()
        digest = hashlib.md5(address, usedforsecurity=False).hexdigest()
        return f"{self._list()}/members/{digest}/{path}"

    def _member(self, operation: Operation) -> dict[str, Any]:
        fields = {name: _field(value) for name, value in operation.record.attributes.items()}
        return {
            "email_address": operation.record.key.value,
            "status_if_new": self.connection.get("status_if_new", "transactional"),
            "merge_fields": fields,
        }

    def _then(self, operation: Operation) -> Outcome:
        """The tags that follow a member who was taken."""
        if not operation.record.audiences:
            return Done()
        tags = [
            {"name": name, "status": "active" if is_in else "inactive"}
            for name, is_in in operation.record.audiences.items()
        ]
        return Follow(json_request(self._of_member(operation, "tags"), {"tags": tags}, [operation]))


def _field(value: Any) -> Any:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case list() | dict():
            return orjson.dumps(value).decode()
        case _:
            return value


def _reason(error: Mapping[str, Any]) -> str:
    parts = (error.get(name) for name in ("error_code", "error"))
    return ": ".join(str(part) for part in parts if part)
