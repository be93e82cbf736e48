"""How the reading of one event ends early, and what is kept of an event that was set aside."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

import orjson

from identity_service.collect.proofs import without_hash
from identity_service.domain.events import RejectionCode
from identity_service.errors import BadInput

MAX_KEPT_BODY = 32_768
"""Longest rejected body that is kept whole, in bytes of JSON; vendors allow an event no more."""


class Refused(BadInput):
    """One event cannot be taken. `reason` is what its rejection will say."""

    def __init__(self, reason: RejectionCode, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def kept_body(body: object) -> Any:
    """What a rejection keeps of `body`: all of it but its secrets, or its beginning as text.

    A body of more than `MAX_KEPT_BODY` bytes becomes text that ends in a note of what is missing.
    So does one that cannot be stored as JSON (nested too deeply), however short.
    """
    if isinstance(body, dict):
        body = without_key(cast("dict[str, Any]", body))
        if isinstance(context := body.get("context"), dict):
            body["context"] = without_hash(cast("dict[str, Any]", context))
    try:
        encoded = orjson.dumps(body)
    except TypeError:
        return _text_of_unstorable(body)
    return body if len(encoded) <= MAX_KEPT_BODY else kept_text(encoded)


def without_key(call: Mapping[str, Any]) -> dict[str, Any]:
    """The call without its write key, which is a secret and must not be shown to readers."""
    rest = dict(call)
    rest.pop("writeKey", None)
    return rest


def kept_text(encoded: bytes) -> str:
    """The text of `encoded`, cut at `MAX_KEPT_BODY` bytes with a note; bad UTF-8 is replaced."""
    text = encoded[:MAX_KEPT_BODY].decode("utf-8", "replace")
    missing = len(encoded) - MAX_KEPT_BODY
    return text if missing <= 0 else f"{text}… (cut: {missing:,} more bytes)"


def _text_of_unstorable(body: object) -> str:
    try:
        return kept_text(json.dumps(body).encode())
    except (RecursionError, ValueError):
        return "(not kept: it cannot be written as JSON)"
