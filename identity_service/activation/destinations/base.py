"""What all vendors with an HTTP API have in common."""

from __future__ import annotations

import base64
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from identity_service.activation.definition import Definition, VendorRules
from identity_service.activation.exchange import (
    Answer,
    Done,
    Outcome,
    Outcomes,
    Pace,
    Request,
    all_of,
    by_status,
)
from identity_service.activation.records import (
    Action,
    Operation,
    OutgoingEvent,
    Record,
    of_action,
)


class HttpAdapter(ABC):
    """An adapter; a vendor's own says how it is asked for each action, and reads its answers."""

    RULES: ClassVar[VendorRules]
    PACE: ClassVar[Pace]

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.connection = definition.connection

    @property
    def pace(self) -> Pace:
        """How much the vendor takes."""
        return self.PACE

    def unsendable(self, operation: Operation) -> str | None:  # noqa: ARG002
        """Why the vendor could never take an operation; None where it might."""
        return None

    def requests(self, operations: Sequence[Operation]) -> list[Request]:
        """Requests that tell all of the operations, erasures first."""
        return [
            *self.erasures(of_action(operations, Action.ERASE)),
            *self.upserts(of_action(operations, Action.UPSERT)),
            *self.merges(of_action(operations, Action.MERGE)),
            *self.events(of_action(operations, Action.EVENT)),
        ]

    @abstractmethod
    def erasures(self, operations: Sequence[Operation]) -> list[Request]:
        """Requests that have people forgotten, in the vendor's own terms."""

    @abstractmethod
    def upserts(self, operations: Sequence[Operation]) -> list[Request]:
        """Requests that make or change records."""

    def merges(self, operations: Sequence[Operation]) -> list[Request]:
        """Requests that have the vendor merge records; a definition asks it only where it can."""
        if operations:
            raise NotImplementedError
        return []

    def events(self, operations: Sequence[Operation]) -> list[Request]:
        """Requests that add events to records; a definition asks it only where they are taken."""
        if operations:
            raise NotImplementedError
        return []

    def outcomes(self, request: Request, answer: Answer) -> Outcomes:
        """What became of each operation of a request."""
        outcome = self.whole(answer)
        return all_of(request, outcome) if outcome else self.each(request, answer)

    def whole(self, answer: Answer) -> Outcome | None:
        """The outcome of a request as a whole; None where the vendor took it."""
        outcome = by_status(answer)
        return None if isinstance(outcome, Done) else outcome

    def each(self, request: Request, answer: Answer) -> Outcomes:  # noqa: ARG002
        """The outcomes of the operations of a request that the vendor took."""
        return all_of(request, Done())

    @abstractmethod
    def credentials(
        self, secrets: Mapping[str, str], request: Request, now_s: int
    ) -> Mapping[str, str]:
        """The headers that prove who sends a request."""

    def url(self, otherwise: str) -> str:
        """The address of the API: that of the definition, else the vendor's own."""
        return self.connection.get("url", otherwise).rstrip("/")


class KeyAdapter(HttpAdapter):
    """An adapter of a vendor whose credentials are the same for every request."""

    def credentials(
        self,
        secrets: Mapping[str, str],
        request: Request,  # noqa: ARG002
        now_s: int,  # noqa: ARG002
    ) -> Mapping[str, str]:
        """The headers that prove who sends any request."""
        return self.authorization(secrets)

    @abstractmethod
    def authorization(self, secrets: Mapping[str, str]) -> Mapping[str, str]:
        """The headers that prove who sends any request."""


def basic(user: str, password: str) -> Mapping[str, str]:
    """Basic authentication."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def bearer(token: str) -> Mapping[str, str]:
    """A bearer token."""
    return {"Authorization": f"Bearer {token}"}


def event_of(operation: Operation) -> OutgoingEvent:
    """The event that an operation adds."""
    assert operation.event is not None  # noqa: S101  (asked only of those that add one)
    return operation.event


def iso(at: int) -> str:
    """A time as ISO 8601, in UTC."""
    return datetime.fromtimestamp(at / 1_000, UTC).isoformat(timespec="milliseconds")


def with_audiences(record: Record) -> dict[str, Any]:
    """The attributes, and for each audience whether the customer is in it."""
    return {**record.attributes, **record.audiences}
