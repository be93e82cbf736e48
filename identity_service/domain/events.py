"""Events, as a sender reports them and as the graph keeps them.

All times are milliseconds since 1970, UTC.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

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


@dataclass(frozen=True, slots=True)
class ReportedEvent:
    """One event as its sender means it, before any policy was applied.

    `identifiers` are as sent (strings, trimmed, no duplicates). `properties`, `traits`,
    `context_traits`, `account_traits` and `context` together hold all that the sender sent.
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


@dataclass(frozen=True, slots=True)
class Rejection:
    """An event that was set aside: why, and what was sent (decoded JSON, or text)."""

    code: RejectionCode
    message: str
    message_id: str | None
    body: Any


@dataclass(frozen=True, slots=True)
class Observation:
    """What one event says under a policy: these identifiers, together, at this time.

    `identifiers` are normalised, distinct and in text order; `withheld` are those that the
    policy blocks or whose format it refuses (they stay with the event only). `region` is the
    country of the source's national phone numbers, which they were read with.
    """

    event: ReportedEvent
    identifiers: tuple[Identifier, ...]
    withheld: tuple[Identifier, ...]
    received_at: int
    source: str
    region: str | None = None


@lru_cache(maxsize=4_096)
def property_key(name: str) -> str:
    """Under which key the graph keeps a scalar property: `p_` and its name.

    The name keeps A-Z, a-z, 0-9 and `_` (anything else becomes `_`) and 64 characters.
    """
    return "p_" + _UNSAFE.sub("_", name[:MAX_PROPERTY_NAME])
