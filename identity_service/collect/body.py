"""The body of a request: gunzipped within bounds, and read as the JSON that SDKs really send."""

from __future__ import annotations

import json
import re
import zlib
from typing import Any, NoReturn

import orjson

from identity_service.errors import BadInput, TooLarge

MAX_WIRE_BYTES = 10 * 1024 * 1024
"""Longest body as it is sent."""

MAX_UNPACKED_BYTES = 64 * 1024 * 1024
"""Longest body once it is unpacked."""

_GZIP_MAGIC = b"\x1f\x8b"
_BYTE_ORDER_MARK = "\ufeff"

_DIGITS_TO_ZERO = bytes.maketrans(b"123456789", b"000000000")
_NINETEEN_DIGITS = b"0" * 19
_LONG_INTEGER = re.compile(rb"(?:\A|[\[:,\s])(?:-\d{19,}|\d{20,})(?:\Z|[\],}\s])")

_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})"
    r"|.)",
    re.DOTALL,
)


def decode_body(raw: bytes) -> Any:
    """The JSON value of a request's body, gzipped or not (recognised by its first bytes).

    Raises TooLarge beyond 10 MB as sent or 64 MB unpacked (found out while unpacking), and
    BadInput when it is not gzip, UTF-8 or JSON, with the position of the mistake.
    """
    if len(raw) > MAX_WIRE_BYTES:
        raise TooLarge(
            f"The body has {len(raw):,} bytes; at most {MAX_WIRE_BYTES:,} are read.",
            remedy="Send smaller batches.",
        )
    return decode_json(_gunzip(raw) if raw.startswith(_GZIP_MAGIC) else raw)


def decode_json(raw: bytes) -> Any:
    """The JSON value of `raw`, forgiving what SDKs in the field get wrong.

    NaN, Infinity and numbers beyond a double become null; half of a surrogate pair becomes
    U+FFFD, in keys too; a byte order mark is skipped. An integer beyond 64 bits becomes the text
    of its digits: exact, and storable everywhere. Raises BadInput with the position of a mistake.
    """
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return _decode_forgiving(raw)
    return _decode_forgiving(raw) if _may_hold_long_integer(raw) else value


def _gunzip(raw: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        unpacked = unpacker.decompress(raw, MAX_UNPACKED_BYTES + 1)
    except zlib.error as error:
        raise BadInput(
            f"The body begins like gzip but cannot be unpacked: {error}.",
            remedy="Send one whole gzip stream, or plain JSON.",
        ) from error
    if len(unpacked) > MAX_UNPACKED_BYTES:
        raise TooLarge(
            f"The body unpacks to more than {MAX_UNPACKED_BYTES:,} bytes.",
            remedy="Send smaller batches.",
        )
    if not unpacker.eof or unpacker.unused_data:
        fault = "goes on after its end" if unpacker.eof else "ends too early"
        raise BadInput(
            f"The body's gzip stream {fault}.",
            remedy="Send one whole gzip stream, or plain JSON.",
        )
    return unpacked


def _may_hold_long_integer(raw: bytes) -> bool:
    """Whether an integer may stand in `raw` that orjson read as a double and so rounded.

    The first test is a pass at memory speed; most bodies end there.
    """
    if _NINETEEN_DIGITS not in raw.translate(_DIGITS_TO_ZERO):
        return False
    return _LONG_INTEGER.search(raw) is not None


def _decode_forgiving(raw: bytes) -> Any:
    try:
        text = raw.decode("utf-8").removeprefix(_BYTE_ORDER_MARK)
    except UnicodeDecodeError as error:
        raise BadInput(
            f"The body is not UTF-8: byte {error.start} is 0x{raw[error.start]:02x}.",
            remedy="Encode the JSON as UTF-8.",
        ) from error
    try:
        return json.loads(
            _ESCAPE.sub(_mend_escape, text) if "\\u" in text else text,
            parse_int=_read_integer,
            parse_float=_read_float,
            parse_constant=_read_constant,
        )
    except json.JSONDecodeError as error:
        _refuse_json(error)
    except RecursionError as error:
        raise BadInput(
            "The body nests arrays or objects too deeply.", remedy="Send flatter JSON."
        ) from error


def _refuse_json(error: json.JSONDecodeError) -> NoReturn:
    if not error.doc.strip():
        raise BadInput("The body is empty.", remedy="Send a JSON object.") from error
    raise BadInput(
        f"The body is not JSON: {error.msg} at character {error.pos}"
        f" (line {error.lineno}, column {error.colno}).",
        remedy="Send a JSON object.",
    ) from error


def _mend_escape(escape: re.Match[str]) -> str:
    return "\\ufffd" if escape["lone"] else escape[0]


def _read_integer(digits: str) -> int | str:
    # Eighteen digits and a sign always fit; the comparison is only made where it is in doubt.
    if len(digits) <= 18:
        return int(digits)
    if len(digits) <= 20 and -(2**63) <= int(digits) < 2**64:
        return int(digits)
    return digits


def _read_float(text: str) -> float | None:
    number = float(text)
    return number if abs(number) != float("inf") else None


def _read_constant(_name: str) -> None:
    return None
