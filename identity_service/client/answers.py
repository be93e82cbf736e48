"""What an answer over HTTP means: data, an error, or to come back later."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final, cast

from identity_service.client.errors import Busy, Failed, NotAllowed, Refused, TooLarge

REQUEST_ID: Final = "x-request-id"

_LATER: Final = frozenset({"OVERLOADED", "UNAVAILABLE", "REQUEST_TIMEOUT"})
_NOT_ALLOWED: Final = frozenset({"FORBIDDEN", "UNAUTHORISED"})

_LATER_STATUSES: Final = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)

_NOT_BEGUN: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
"""Statuses that say that nothing of the request was done."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The `data` of an answer."""

    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NotNow:
    """The service asks to come back later. `not_begun`: nothing was done of what was asked."""

    error: Busy
    not_begun: bool


def read_answer(status: int, headers: Mapping[str, str], body: bytes) -> Answered | NotNow:
    """What an answer means; names of headers in lower case. Raises Refused and Failed."""
    answer = _object(body)
    request_id = headers.get(REQUEST_ID)
    if "errors" in answer:
        return _errors(answer, retry_after(headers), request_id)
    if status == HTTPStatus.OK and isinstance(answer.get("data"), dict):
        return Answered(answer["data"])
    message = str(answer.get("message") or f"The answer was {status}, and no data.")
    if status in _LATER_STATUSES:
        busy = Busy(message, retry_after(headers), request_id=request_id)
        return NotNow(busy, status in _NOT_BEGUN)
    if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        raise _refused(str(answer.get("code", "BAD_INPUT")), message, request_id)
    raise Failed(message, request_id=request_id)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds of `Retry-After`, which may name a date; None where there is none to be read."""
    said = headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return float(said)
    with suppress(ValueError):
        return max(0.0, parsedate_to_datetime(said).timestamp() - time.time())
    return None


def _errors(answer: Mapping[str, Any], after_s: float | None, request_id: str | None) -> NotNow:
    """The first error of an answer, as what it asks of the client."""
    error: dict[str, Any] = answer["errors"][0]
    extensions: dict[str, Any] = error.get("extensions") or {}
    code, message = str(extensions.get("code", "")), str(error.get("message", ""))
    if code in _LATER:
        said: object = extensions.get("retryAfter")
        after_s = float(said) if isinstance(said, int | float) else after_s
        busy = Busy(message, after_s, request_id=request_id)
        return NotNow(busy, code == "OVERLOADED" and "data" not in answer)
    if code in ("INTERNAL", ""):
        raise Failed(message, request_id=request_id)
    raise _refused(code, message, request_id)


def _refused(code: str, message: str, request_id: str | None) -> Refused:
    kind = NotAllowed if code in _NOT_ALLOWED else TooLarge if code == "TOO_LARGE" else Refused
    return kind(code, message, request_id=request_id)


def _object(body: bytes) -> dict[str, Any]:
    """The JSON object that a body is; an empty one for anything else, as proxies send."""
    with suppress(ValueError):
        found: object = json.loads(body)
        if isinstance(found, dict):
            return cast("dict[str, Any]", found)
    return {}
