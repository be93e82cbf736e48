"""Where a sender's write key stands in a request."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

_KEY = re.compile(r"[A-Za-z0-9_-]{1,256}")
_KEY_IN_JSON = re.compile(rb'"writeKey"\s*:\s*"([A-Za-z0-9_-]{1,256})"')


def write_key(headers: Mapping[str, str], query: Mapping[str, str], body: object) -> str | None:
    """The write key of a request, or None; `headers` have lower-case names.

    The first of these that is a key (letters, digits, `_`, `-`): the Basic user, `writeKey` in the
    body, the query parameter `writeKey`, `X-Write-Key` up to a colon, the Bearer token. One that
    is not a key is passed over: Jitsu's browser SDK masks the key in the body (`KEY:***`) and
    sends the true one in `X-Write-Key` (`KEY:SECRET`).
    """
    for candidate in _candidates(headers, query, body):
        if isinstance(candidate, str) and _KEY.fullmatch(candidate):
            return candidate
    return None


def basic_key(headers: Mapping[str, str]) -> str | None:
    """The key that is the Basic user, which no other outranks; None without one."""
    scheme, credentials = _authorization(headers)
    user = _basic_user(credentials) if scheme == "basic" else None
    return user if user is not None and _KEY.fullmatch(user) else None


def first_key_in(beginning: bytes) -> str | None:
    """The first `writeKey` in the text of a body or of its beginning, at whatever depth; or None.

    Found without decoding anything: to be compared with what `write_key` finds later.
    """
    found = _KEY_IN_JSON.search(beginning)
    return found[1].decode("ascii") if found else None


def _candidates(
    headers: Mapping[str, str], query: Mapping[str, str], body: object
) -> Iterator[object]:
    yield basic_key(headers)
    if isinstance(body, dict):
        yield cast("dict[str, Any]", body).get("writeKey")
    yield query.get("writeKey")
    yield headers.get("x-write-key", "").strip().partition(":")[0]
    scheme, credentials = _authorization(headers)
    if scheme == "bearer":
        yield credentials


def _authorization(headers: Mapping[str, str]) -> tuple[str, str]:
    """The scheme in lower case, and the credentials."""
    scheme, _, credentials = headers.get("authorization", "").strip().partition(" ")
    return scheme.lower(), credentials.strip()


def _basic_user(credentials: str) -> str | None:
    try:
        decoded = base64.b64decode(credentials, validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return None
    return decoded.partition(":")[0]
