"""Where a sender's write key stands in a request."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

_KEY = re.compile(r"[A-Za-z0-9_-]{1,256}")


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


def _candidates(
    headers: Mapping[str, str], query: Mapping[str, str], body: object
) -> Iterator[object]:
    scheme, _, credentials = headers.get("authorization", "").strip().partition(" ")
    scheme = scheme.lower()
    if scheme == "basic":
        yield _basic_user(credentials.strip())
    if isinstance(body, dict):
        yield cast("dict[str, Any]", body).get("writeKey")
    yield query.get("writeKey")
    yield headers.get("x-write-key", "").strip().partition(":")[0]
    if scheme == "bearer":
        yield credentials.strip()


def _basic_user(credentials: str) -> str | None:
    try:
        decoded = base64.b64decode(credentials, validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return None
    return decoded.partition(":")[0]
