"""Where a sender's write key stands in a request."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple, TypeGuard, cast
from urllib.parse import parse_qsl

_KEY = re.compile(r"[A-Za-z0-9_-]{1,256}")


class KeyInside(NamedTuple):
    """Where the bodies of one protocol name their write key.

    `pattern` finds it, as its first group, in text that is not decoded, at whatever depth; `find`
    takes it from a decoded body, as it was sent. `may_be_last`: there are SDKs that write it
    behind all their events. `is_outranked`: any key outside the body counts instead.
    """

    pattern: re.Pattern[bytes]
    find: Callable[[object], object]
    may_be_last: bool = False
    is_outranked: bool = False


def _write_key(body: object) -> object:
    return cast("dict[str, Any]", body).get("writeKey") if isinstance(body, dict) else None


WRITE_KEY: Final = KeyInside(re.compile(rb'"writeKey"\s*:\s*"([A-Za-z0-9_-]{1,256})"'), _write_key)
"""As Segment, RudderStack and Jitsu name it: `writeKey` of the body."""


class KeysOutside(NamedTuple):
    """The write keys that a request names outside its body.

    `basic`, the Basic user, outranks a key in the body, and that mostly outranks `other`.
    """

    basic: str | None
    other: str | None

    def write_key(self, body: object, inside: KeyInside = WRITE_KEY) -> str | None:
        """The write key of the request with that decoded body, which may name one; or None."""
        if self.basic is not None:
            return self.basic
        if inside.is_outranked and self.other is not None:
            return self.other
        key = inside.find(body)
        return key if _is_key(key) else self.other


def keys_outside(headers: Mapping[bytes, bytes], query: bytes) -> KeysOutside:
    """The write keys in the headers, whose names are in lower case, and in the query of a request.

    The first of these that is a key (letters, digits, `_`, `-`) counts: the Basic user,
    `writeKey` in the body, the query parameter `writeKey`, `X-Write-Key` up to a colon, the
    Bearer token. One that is not a key is passed over: Jitsu's browser SDK masks the key in the
    body (`KEY:***`) and sends the true one in `X-Write-Key` (`KEY:SECRET`).
    """
    scheme, credentials = _authorization(headers)
    if scheme == "basic" and _is_key(user := _basic_user(credentials)):
        return KeysOutside(user, None)
    others = _below_the_body(headers, query, credentials if scheme == "bearer" else "")
    return KeysOutside(None, next(filter(_is_key, others), None))


def first_key_in(beginning: bytes, inside: KeyInside = WRITE_KEY) -> str | None:
    """The first write key in the text of a body or of its beginning, at whatever depth; or None.

    Found without decoding anything: to be compared with what `write_key` finds later.
    """
    found = inside.pattern.search(beginning)
    return found[1].decode("ascii") if found else None


def last_key_in(end: bytes, inside: KeyInside) -> str | None:
    """The last write key in the text of a body's end; or None. As `first_key_in`."""
    found: list[bytes] = inside.pattern.findall(end)
    return found[-1].decode("ascii") if found else None


def _below_the_body(headers: Mapping[bytes, bytes], query: bytes, bearer: str) -> Iterator[str]:
    yield dict(parse_qsl(query.decode("latin-1"))).get("writeKey", "")
    yield _text(headers, b"x-write-key").partition(":")[0]
    yield bearer


def _is_key(candidate: object) -> TypeGuard[str]:
    return isinstance(candidate, str) and _KEY.fullmatch(candidate) is not None


def _authorization(headers: Mapping[bytes, bytes]) -> tuple[str, str]:
    """The scheme in lower case, and the credentials."""
    scheme, _, credentials = _text(headers, b"authorization").partition(" ")
    return scheme.lower(), credentials.strip()


def _text(headers: Mapping[bytes, bytes], name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1").strip()


def _basic_user(credentials: str) -> str | None:
    try:
        decoded = base64.b64decode(credentials, validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return None
    return decoded.partition(":")[0]
