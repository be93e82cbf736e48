"""Mixpanel: profiles of people, `POST /engage`, and their events, `POST /import`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from identity_service.activation.definition import TakesEvents, VendorRules
from identity_service.activation.destinations.base import (
    HttpAdapter,
    basic,
    bearer,
    event_of,
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
from identity_service.activation.records import UNIVERSAL_ID, Operation

HOSTS: Final = {
    "us": ("https://api.mixpanel.com", "https://mixpanel.com"),
    "eu": ("https://api-eu.mixpanel.com", "https://eu.mixpanel.com"),
    "in": ("https://api-in.mixpanel.com", "https://in.mixpanel.com"),
}
"""Of each region, where profiles go, and where deletions are asked for."""

REFUSED_IDS: Final = frozenset(
    {
        *("anon", "anonymous", "nil", "none", "null", "n/a", "na", "undefined", "unknown"),
        *("0", "-1", "true", "false", "[]", "{}", "lmy47d"),
        "00000000-0000-0000-0000-000000000000",
    }
)
"""Ids that Mixpanel takes nothing for."""


_INSERT_ID: Final = re.compile(r"[A-Za-z0-9-]{1,36}")


class Mixpanel(HttpAdapter):
    """A profile for each record, by distinct id; audiences are properties."""

    RULES = VendorRules(
        required=("project_token",),
        optional=("region", "service_account", "url"),
        secrets=("service_account_secret",),
        optional_secrets=("deletion_token",),
        keys=frozenset({"user_id", "email", UNIVERSAL_ID}),
        events=TakesEvents.BY_ID,
    )
    PACE = Pace(operations=2_000, connections=4, requests_per_s=10)

    MAX_UPDATES: Final = 2_000
    MAX_BYTES: Final = 2_000_000
    MAX_DELETIONS: Final = 1_999

    def unsendable(self, operation: Operation) -> str | None:
        """Mixpanel takes nothing for ids that name nobody."""
        value = operation.record.key.value
        return f"Mixpanel refuses the id “{value}”" if value.lower() in REFUSED_IDS else None

    def upserts(self, operations: Sequence[Operation]) -> list[Request]:
        """Updates of profiles: what is set, and what is emptied."""
        return batched_requests(
            f"{self._host(0)}/engage?strict=1&verbose=1",
            [(each, update) for each in operations for update in self._updates(each)],
            self.MAX_UPDATES,
            self.MAX_BYTES,
            list,
        )

    def events(self, operations: Sequence[Operation]) -> list[Request]:
        """Events, each with an id by which one that comes twice is known there."""
        return batched_requests(
            f"{self._host(0)}/import?strict=1",
            [(each, _event(each)) for each in operations],
            self.MAX_UPDATES,
            self.MAX_BYTES,
            list,
        )

    def erasures(self, operations: Sequence[Operation]) -> list[Request]:
        """A deletion of people's data, as the GDPR asks."""
        token = self.connection["project_token"]
        url = f"{self._host(1)}/api/app/data-deletions/v3.0/?token={token}"
        slices = (
            operations[n : n + self.MAX_DELETIONS]
            for n in range(0, len(operations), self.MAX_DELETIONS)
        )
        return [
            json_request(
                url,
                {
                    "distinct_ids": [each.record.key.value for each in some],
                    "compliance_type": "GDPR",
                },
                some,
            )
            for some in slices
        ]

    def outcomes(self, request: Request, answer: Answer) -> Outcomes:
        """A 400 with `failed_records` is a partial success: all others are in."""
        failed = answer.rows("failed_records") if answer.status == 400 else []
        if failed:
            return failed_at(request, [(each.get("index", -1), _reason(each)) for each in failed])
        return super().outcomes(request, answer)

    def each(self, request: Request, answer: Answer) -> Outcomes:
        """A 200 may say, with status 0, that nothing was taken."""
        if answer.body == b"0" or answer.fields.get("error"):
            return all_of(request, RefusedTogether(answer.said))
        return all_of(request, Done())

    def credentials(
        self,
        secrets: Mapping[str, str],
        request: Request,
        now_s: int,  # noqa: ARG002
    ) -> Mapping[str, str]:
        """A service account; events go by the project's token, deletions by one of their own."""
        if "/data-deletions/" in request.url:
            return bearer(secrets.get("deletion_token", ""))
        if "/import?" in request.url:
            return basic(self.connection["project_token"], "")
        return basic(self.connection.get("service_account", ""), secrets["service_account_secret"])

    def _host(self, which: int) -> str:
        hosts = HOSTS.get(self.connection.get("region", "us"), HOSTS["us"])
        return self.url(hosts[which])

    def _updates(self, operation: Operation) -> list[dict[str, Any]]:
        attributes = with_audiences(operation.record)
        emptied = [name for name, value in attributes.items() if value is None]
        said = {name: value for name, value in attributes.items() if value is not None}
        profile = {
            "$token": self.connection["project_token"],
            "$distinct_id": operation.record.key.value,
        }
        return [{**profile, "$set": said}, *([{**profile, "$unset": emptied}] if emptied else [])]


def _event(operation: Operation) -> dict[str, Any]:
    event = event_of(operation)
    own = {
        "time": event.at,
        "distinct_id": operation.record.key.value,
        "$insert_id": _insert_id(event.message_id),
    }
    return {"event": event.name, "properties": {**event.properties, **own}}


def _insert_id(message_id: str) -> str:
    """The message id where Mixpanel takes it for an id, else one that follows from it."""
    if _INSERT_ID.fullmatch(message_id):
        return message_id
    return hashlib.sha256(message_id.encode()).hexdigest()[:32]


def _reason(error: Mapping[str, Any]) -> str:
    parts = (error.get(name) for name in ("field", "message"))
    return ": ".join(str(part) for part in parts if part)
