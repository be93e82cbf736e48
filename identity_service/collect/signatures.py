"""Signatures of webhooks: that whoever knows the secret of a source sent these bytes.

One row for each way in which vendors sign, and one function that checks them all. Where the time
is signed, a request counts for `REPLAY_WINDOW` around it; without, only its delivery id tells
that it was sent before.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from identity_service.errors import TooLarge, Unauthorised

MAX_BODY: Final = 1024 * 1024
"""Longest body that is hashed, in bytes."""

REPLAY_WINDOW: Final = 300_000
"""How far a signed time may be from now, before it or after it, in milliseconds."""

_DIGITS: Final = re.compile(r"[0-9]{1,15}")
_ESCAPED: Final = re.compile("%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)", re.IGNORECASE)


class Scheme(StrEnum):
    """How requests are signed."""

    STRIPE = "stripe"
    SHOPIFY = "shopify"
    ZENDESK = "zendesk"
    HUBSPOT_V3 = "hubspot v3"
    HUBSPOT_V2 = "hubspot v2"
    HUBSPOT_V1 = "hubspot v1"
    CUSTOMERIO = "customer.io"
    MAILCHIMP = "mailchimp"
    SEGMENT = "segment"
    INTERCOM = "intercom"
    AUTHORIZATION = "authorization"
    """No signature: the secret itself is the header `Authorization`."""


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What signatures are made of: `url` as the sender knows it, `body` as it came.

    The names of `headers` are in lower case.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes

    def header(self, names: Sequence[str]) -> str:
        """The first of these headers that the request has; empty without one."""
        return next((self.headers[name] for name in names if name in self.headers), "")


def _hexadecimal(sent: str) -> bytes:
    return bytes.fromhex(sent)


def _base64(sent: str) -> bytes:
    return base64.b64decode(sent, validate=True)


def _plain(sent: str) -> bytes:
    return sent.encode("utf-8", "surrogatepass")


def _seconds(text: str) -> int | None:
    return int(text) * 1000 if _DIGITS.fullmatch(text) else None


def _milliseconds(text: str) -> int | None:
    return int(text) if _DIGITS.fullmatch(text) else None


def _iso(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _hmac_sha256(secret: bytes, message: bytes) -> bytes:
    return hmac.digest(secret, message, "sha256")


def _hmac_sha1(secret: bytes, message: bytes) -> bytes:
    return hmac.digest(secret, message, "sha1")


def _sha256(secret: bytes, message: bytes) -> bytes:
    return hashlib.sha256(secret + message).digest()


def _secret_itself(secret: bytes, _message: bytes) -> bytes:
    return secret


def _body(request: SignedRequest, _time: str) -> bytes:
    return request.body


def _time_dot_body(request: SignedRequest, time: str) -> bytes:
    return time.encode() + b"." + request.body


def _time_body(request: SignedRequest, time: str) -> bytes:
    return time.encode() + request.body


def _v0_time_body(request: SignedRequest, time: str) -> bytes:
    return b"v0:" + time.encode() + b":" + request.body


def _method_url_body(request: SignedRequest, _time: str) -> bytes:
    return (request.method + request.url).encode() + request.body


def _method_url_body_time(request: SignedRequest, time: str) -> bytes:
    url = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), request.url)
    return (request.method + url).encode() + request.body + time.encode()


def _nothing(_request: SignedRequest, _time: str) -> bytes:
    return b""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signature:
    """One row: the headers that carry it, what is signed, with what, and how it is written.

    `time_header` carries the signed time; where it is the same as a header of the signature, both
    stand there as `t=…,v1=…`, with a `v1` for each secret while one is being rotated.
    """

    headers: Sequence[str]
    message: Callable[[SignedRequest, str], bytes] = _body
    digest: Callable[[bytes, bytes], bytes] = _hmac_sha256
    decode: Callable[[str], bytes] = _hexadecimal
    prefix: str = ""
    time_header: str | None = None
    read_time: Callable[[str], int | None] = _seconds

    def sent(self, request: SignedRequest) -> tuple[list[str], str]:
        """The signatures that a request carries, and the time that is signed with them."""
        carried = request.header(self.headers).strip()
        if self.time_header in self.headers:
            parts = [part.strip().partition("=") for part in carried.split(",")]
            time = next((value for name, _, value in parts if name == "t"), "")
            return [value for name, _, value in parts if name == "v1"], time
        time = request.header([self.time_header]).strip() if self.time_header else ""
        if not carried.lower().startswith(self.prefix):
            return [], time
        return [carried[len(self.prefix) :]] if carried else [], time


_SIGNATURES: Final[Mapping[Scheme, _Signature]] = {
    Scheme.STRIPE: _Signature(
        headers=["stripe-signature"], time_header="stripe-signature", message=_time_dot_body
    ),
    Scheme.SHOPIFY: _Signature(
        headers=["x-shopify-hmac-sha256", "shopify-hmac-sha256"], decode=_base64
    ),
    Scheme.ZENDESK: _Signature(
        headers=["x-zendesk-webhook-signature"],
        time_header="x-zendesk-webhook-signature-timestamp",
        read_time=_iso,
        message=_time_body,
        decode=_base64,
    ),
    Scheme.HUBSPOT_V3: _Signature(
        headers=["x-hubspot-signature-v3"],
        time_header="x-hubspot-request-timestamp",
        read_time=_milliseconds,
        message=_method_url_body_time,
        decode=_base64,
    ),
    Scheme.HUBSPOT_V2: _Signature(
        headers=["x-hubspot-signature"], message=_method_url_body, digest=_sha256
    ),
    Scheme.HUBSPOT_V1: _Signature(headers=["x-hubspot-signature"], digest=_sha256),
    Scheme.CUSTOMERIO: _Signature(
        headers=["x-cio-signature"], time_header="x-cio-timestamp", message=_v0_time_body
    ),
    Scheme.MAILCHIMP: _Signature(
        headers=["x-mailchimp-signature"],
        time_header="x-mailchimp-signature",
        message=_time_dot_body,
    ),
    Scheme.SEGMENT: _Signature(headers=["x-signature"], digest=_hmac_sha1),
    Scheme.INTERCOM: _Signature(headers=["x-hub-signature"], prefix="sha1=", digest=_hmac_sha1),
    Scheme.AUTHORIZATION: _Signature(
        headers=["authorization"], message=_nothing, digest=_secret_itself, decode=_plain
    ),
}


def verify(scheme: Scheme, request: SignedRequest, secrets: Sequence[str], now: int) -> None:
    """Return when one of the secrets signed the request, at a time near `now` (milliseconds).

    Raises Unauthorised, and TooLarge for a body that is not hashed.
    """
    if len(request.body) > MAX_BODY:
        raise TooLarge(f"The body has more than {MAX_BODY:,} bytes.")
    row = _SIGNATURES[scheme]
    carried, time = row.sent(request)
    if not carried:
        raise Unauthorised(
            f"There is no signature in the header {row.headers[0]}.",
            remedy="Send the webhook as its vendor signs it.",
        )
    if row.time_header is not None:
        _check_time(row, time, now)
    message = row.message(request, time)
    right = [row.digest(secret.encode(), message) for secret in secrets]
    sent = [found for one in carried if (found := _decoded(row, one)) is not None]
    # No early end: how long it takes says nothing of which one was right.
    if not sum(hmac.compare_digest(a, b) for a in right for b in sent):
        raise Unauthorised(
            "The signature is not valid.",
            remedy="Compare the secret of the source with the vendor's; where the vendor signs"
            " the address, the source's public address with the one that the vendor has.",
        )


def _check_time(row: _Signature, text: str, now: int) -> None:
    at = row.read_time(text)
    if at is None:
        raise Unauthorised(f"There is no time in the header {row.time_header}.")
    if abs(now - at) > REPLAY_WINDOW:
        raise Unauthorised(
            f"The signed time is more than {REPLAY_WINDOW // 1000} s from now.",
            remedy="A vendor signs each attempt anew; check the clock of this machine.",
        )


def _decoded(row: _Signature, sent: str) -> bytes | None:
    try:
        return row.decode(sent.strip())
    except (binascii.Error, ValueError):
        return None
