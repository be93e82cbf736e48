"""Events, as a sender reports them and as the graph keeps them.

All times are milliseconds since 1970, UTC.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from identity_service.domain.identifiers import Identifier

MAX_IDENTIFIERS = 50
"""Most identifiers on one event: links are a full mesh."""

MAX_PROPERTY_NAME = 64
"""Longest name of a scalar property, in characters, without its prefix `p_`."""

_UNSAFE = re.compile(r"[^A-Za-z0-9_]")


class RejectionCode(StrEnum):
    """Why an event was set aside."""

    NOT_AN_OBJECT = "NOT_AN_OBJECT"
    NO_IDENTIFIER = "NO_IDENTIFIER"
    TOO_MANY_IDENTIFIERS = "TOO_MANY_IDENTIFIERS"
    IDENTIFIER_TOO_LONG = "IDENTIFIER_TOO_LONG"
    INVALID_IDENTIFIER = "INVALID_IDENTIFIER"
    INVALID_TIME = "INVALID_TIME"
    INVALID_FIELD = "INVALID_FIELD"
    NOT_JSON = "NOT_JSON"
    TOO_LARGE = "TOO_LARGE"


class EventIdentity(NamedTuple):
    """What tells an event from all others: one with the same message id and digest is the same.

    `digest`: of what the event says (32 hexadecimal digits). Senders repeat an event under its
    message id until it is taken; others make the same id by mistake, or guess it.
    """

    message_id: str
    digest: str


class UserProof(NamedTuple):
    """The user id of an event, and what its sender says is the HMAC of it. Not verified."""

    user_id: str
    user_hash: str


class EventOrder(NamedTuple):
    """Where an event stands among the others of a customer.

    By time; of one time, by receipt (both in milliseconds since 1970), then by the place in the
    request or the file, then by the key, which begins with the message id.
    """

    at: int
    received_at: int
    place: int
    key: str


@dataclass(frozen=True, slots=True)
class ReportedEvent:
    """One event as its sender means it, before any policy was applied.

    `identifiers` are as sent (strings, trimmed, no duplicates). `properties`, `traits`,
    `context_traits`, `account_traits` and `context` together hold all that the sender sent.
    `digest` is that of its `identity`; `place` is its position in the request, from 0, or the
    number of its line; `size` is how many bytes of JSON were sent of it. `proof` is what it carries
    to prove its user id.
    """

    message_id: str
    type: str
    name: str | None
    at: int
    identifiers: tuple[Identifier, ...]
    properties: Mapping[str, Any]
    context: Mapping[str, Any]
    traits: Mapping[str, Any]
    context_traits: Mapping[str, Any]
    account_id: str | None
    account_traits: Mapping[str, Any]
    digest: str
    place: int
    size: int = field(default=0, compare=False)
    proof: UserProof | None = None

    @property
    def identity(self) -> EventIdentity:
        """What tells it from all others."""
        return EventIdentity(self.message_id, self.digest)


@dataclass(frozen=True, slots=True)
class Rejection:
    """An event that was set aside: why, and what was sent (decoded JSON, or text).

    `digest` tells it from others with its message id, which is None where none was sent.
    `sent_with` is what its reading needs beside the body, if it is to be read again. `event` is
    what was read of one that names nobody, so that rules of its source may find whom it names.
    """

    code: RejectionCode
    message: str
    message_id: str | None
    body: Any
    digest: str = ""
    sent_with: Mapping[str, Any] | None = None
    event: ReportedEvent | None = None


def event_body(event: ReportedEvent) -> dict[str, Any]:
    """The event as JSON, in the words of `ReportedEvent`: nothing of it is lost but its proof."""
    return {
        "messageId": event.message_id,
        "type": event.type,
        "name": event.name,
        "at": event.at,
        "identifiers": [{"type": i.type, "value": i.value} for i in event.identifiers],
        "properties": dict(event.properties),
        "traits": dict(event.traits),
        "context": dict(event.context),
        "contextTraits": dict(event.context_traits),
        "accountId": event.account_id,
        "accountTraits": dict(event.account_traits),
    }


@dataclass(frozen=True, slots=True)
class Observation:
    """What one event says under a policy: these identifiers, together, at this time.

    `identifiers` are normalised, distinct and in text order; `withheld` are those that the
    policy blocks or whose format it refuses (they stay with the event only). `region` is the
    country of the source's national phone numbers, which they were read with. `proven`: the event
    carries a valid proof of its user id.
    """

    event: ReportedEvent
    identifiers: tuple[Identifier, ...]
    withheld: tuple[Identifier, ...]
    received_at: int
    source: str
    region: str | None = None
    proven: bool = False


def property_key(name: str) -> str:
    """Under which key the graph keeps a scalar property: `p_` and its name.

    The name keeps A-Z, a-z, 0-9 and `_` (anything else becomes `_`) and 64 characters.
    """
    # Cut before it is kept: senders choose the names, of any length.
    return _property_key(name[:MAX_PROPERTY_NAME])


@lru_cache(maxsize=4_096)
def _property_key(name: str) -> str:
    return "p_" + _UNSAFE.sub("_", name)
