"""Requests as transports bring them, the same three parameters in every one, and answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

import orjson

from identity_service.errors import BadInput

Answer: TypeAlias = dict[str, Any]
"""`data`, `errors`, `extensions`, as GraphQL over HTTP has them; no `data` if nothing was executed.

`extensions` has the `cost` of an operation that could be read: what was `requested`, the `limit`
of one operation, and what is `left` to the key where it has a limit.
"""

_FORM: Final = 'Send {"query": "…", "variables": {…}}.'


@dataclass(frozen=True, slots=True)
class Request:
    """One request, as every transport brings it."""

    query: str
    variables: Mapping[str, Any] | None
    operation: str | None


def read_body(body: bytes) -> Request:
    """The request in the body of a POST; raises BadInput."""
    return read_request(_json(body, "The request"))


def read_address(parameters: Mapping[str, str]) -> Request:
    """The request in the address of a GET; raises BadInput."""
    request: dict[str, Any] = dict(parameters)
    for name in ("variables", "extensions"):
        if request.get(name):
            request[name] = _json(request[name], f"“{name}”")
        else:
            request.pop(name, None)
    return read_request(request)


def read_request(request: Any) -> Request:
    """The request in a JSON object; raises BadInput."""
    if isinstance(request, list):
        raise BadInput(
            "Several queries in one request are not taken.",
            remedy="Ask for many customers by “customers(identifiers: …)”.",
        )
    if not isinstance(request, dict):
        raise BadInput("The request is not a JSON object.", remedy=_FORM)
    given = cast("dict[str, Any]", request)
    query, variables = given.get("query"), given.get("variables")
    operation = given.get("operationName")
    if not isinstance(query, str) or not query.strip():
        raise BadInput("The request has no “query”.", remedy=_FORM)
    if not isinstance(variables, dict | None):
        raise BadInput("“variables” is not an object.", remedy=_FORM)
    if not isinstance(operation, str | None):
        raise BadInput("“operationName” is not a text.", remedy=_FORM)
    if not isinstance(given.get("extensions"), dict | None):
        raise BadInput("“extensions” is not an object.", remedy=_FORM)
    return Request(query, cast("dict[str, Any] | None", variables), operation)


def _json(text: bytes | str, what: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadInput(f"{what} is not JSON: {error}.", remedy=_FORM) from None
