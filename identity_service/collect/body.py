"""The body of a request: unpacked within bounds, and read as the JSON that SDKs really send.

What a body costs to read depends on what it holds: two bytes make a list that takes seventy in
memory. So brackets and commas are counted before, at the speed of memory.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Final, NoReturn, cast

import orjson

from identity_service.errors import BadInput, TooLarge

MAX_WIRE_BYTES = 10 * 1024 * 1024
"""Longest body as it is sent."""

MAX_UNPACKED_BYTES = 64 * 1024 * 1024
"""Longest body once it is unpacked."""

MAX_UNKNOWN_BYTES: Final = 64 * 1024
"""How much of a body is looked at, as sent and unpacked, while nobody knows who sends it.

It is the most that a browser sends when a page is left.
"""

MAX_UNKNOWN_LARGE_BYTES: Final = MAX_WIRE_BYTES
"""Longest body, as sent and unpacked, that is read to its end to find out who sends it."""

MAX_CONTAINERS: Final = 500_000
"""Most lists and objects of a body: ten thousand events of fifty each."""

MAX_VALUES: Final = 1_000_000
"""Most values of a body: ten thousand events of a hundred each."""

MAX_ESCAPES: Final = 1_000_000
"""Most escapes in the texts of a body that only the forgiving reader can read."""

_SMALLEST_CONTAINER: Final = 2
_PIECE: Final = 1024 * 1024
_SLICE: Final = 64 * 1024
PACKED: Final = (b"\x1f\x8b", b"x\x01", b"x\x5e", b"x\x9c", b"x\xda")
"""How gzip begins, then zlib in its four levels, which HTTP calls deflate; JSON never does."""

_EITHER = 32 + zlib.MAX_WBITS
"""Tells zlib to find out itself which of the two it is given."""

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
    """The JSON value of a request's body. Raises what `unpack_body` and `decode_json` raise."""
    return decode_json(unpack_body(raw))


def unpack_body(raw: bytes) -> bytes:
    """A request's body as JSON text, were it packed (recognised by its first bytes) or not.

    Raises TooLarge beyond 10 MB as sent or 64 MB unpacked, and beyond `MAX_CONTAINERS` or
    `MAX_VALUES` (all found out while unpacking), and BadInput when it cannot be unpacked.
    """
    if len(raw) > MAX_WIRE_BYTES:
        raise TooLarge(
            f"The body has {len(raw):,} bytes; at most {MAX_WIRE_BYTES:,} are read.",
            remedy="Send smaller batches.",
        )
    if raw.startswith(PACKED):
        contents, pieces = Contents(), list[bytes]()
        for piece in _unpacked(raw, MAX_UNPACKED_BYTES):
            contents.count(piece)
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)
    # A shorter one has no room for so many, and most are shorter.
    if len(raw) > _SMALLEST_CONTAINER * MAX_CONTAINERS:
        Contents().count(raw)
    return raw


def beginning(raw: bytes) -> bytes:
    """The first `MAX_UNKNOWN_BYTES` of a body, and one more if there are more, unpacked.

    `raw` may be the beginning of what was sent. Raises BadInput when it cannot be unpacked.
    """
    if not raw.startswith(PACKED):
        return raw[: MAX_UNKNOWN_BYTES + 1]
    unpacker = zlib.decompressobj(wbits=_EITHER)
    return _unpack(unpacker.decompress, raw, MAX_UNKNOWN_BYTES + 1)


def end(raw: bytes) -> bytes:
    """The last `MAX_UNKNOWN_BYTES` of a whole body, unpacked; no more of it is kept meanwhile.

    Raises TooLarge beyond `MAX_UNKNOWN_LARGE_BYTES`, and BadInput when it cannot be unpacked.
    """
    if not raw.startswith(PACKED):
        return raw[-MAX_UNKNOWN_BYTES:]
    last = b""
    for piece in _unpacked(raw, MAX_UNKNOWN_LARGE_BYTES):
        last = (last + piece)[-MAX_UNKNOWN_BYTES:]
    return last


def decode_json(raw: bytes) -> Any:
    """The JSON value of `raw`, forgiving what SDKs in the field get wrong.

    NaN, Infinity and numbers beyond a double become null; half of a surrogate pair becomes
    U+FFFD, in keys too; a byte order mark is skipped. An integer beyond 64 bits becomes the text
    of its digits: exact, and storable everywhere. Raises BadInput with the position of a mistake,
    and TooLarge beyond `MAX_ESCAPES`.
    """
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return _decode_forgiving(raw)
    return _decode_forgiving(raw) if _may_hold_long_integer(raw) else value


def as_object(value: object) -> dict[str, Any]:
    """The value if it is an object, else an empty one: PHP writes an empty object as []."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


class Contents:
    """Counts what a body holds, piece by piece; signs inside texts count too."""

    def __init__(self) -> None:
        self._containers = self._values = 0

    def count(self, piece: bytes) -> None:
        """Raises TooLarge when it is more than a body may hold."""
        self._containers += piece.count(b"[") + piece.count(b"{")
        self._values += piece.count(b",")
        if self._containers > MAX_CONTAINERS:
            raise _holds_too_much(f"{MAX_CONTAINERS:,} lists and objects")
        if self._values > MAX_VALUES:
            raise _holds_too_much(f"{MAX_VALUES:,} values")


def _holds_too_much(most: str) -> TooLarge:
    return TooLarge(f"The body holds more than {most}.", remedy="Send smaller batches.")


def _unpacked(raw: bytes, most: int) -> Iterator[bytes]:
    """What a packed body holds, piece by piece.

    Raises TooLarge beyond `most` bytes, and BadInput when it cannot be unpacked.
    """
    unpacker = zlib.decompressobj(wbits=_EITHER)
    size = 0
    # In slices, as what is not unpacked yet is copied for every piece.
    for start in range(0, len(raw), _SLICE):
        if unpacker.eof:
            raise _bad_stream("The body's packed stream goes on after its end.")
        rest = raw[start : start + _SLICE]
        while rest:
            piece = _unpack(unpacker.decompress, rest, _PIECE)
            rest = unpacker.unconsumed_tail
            size += len(piece)
            if size > most:
                raise TooLarge(
                    f"The body unpacks to more than {most:,} bytes.",
                    remedy="Send smaller batches.",
                )
            yield piece
    if not unpacker.eof:
        raise _bad_stream("The body's packed stream ends too early.")
    if unpacker.unused_data:
        raise _bad_stream("The body's packed stream goes on after its end.")


def _unpack(decompress: Callable[[bytes, int], bytes], packed: bytes, most: int) -> bytes:
    try:
        return decompress(packed, most)
    except zlib.error as error:
        raise _bad_stream(
            f"The body begins like gzip or zlib but cannot be unpacked: {error}."
        ) from error


def _bad_stream(message: str) -> BadInput:
    return BadInput(message, remedy="Send one whole gzip stream, or plain JSON.")


def _may_hold_long_integer(raw: bytes) -> bool:
    """Whether an integer may stand in `raw` that orjson read as a double and so rounded.

    The first test is a pass at memory speed; most bodies end there.
    """
    if _NINETEEN_DIGITS not in raw.translate(_DIGITS_TO_ZERO):
        return False
    return _LONG_INTEGER.search(raw) is not None


def _decode_forgiving(raw: bytes) -> Any:
    if len(raw) > MAX_ESCAPES and raw.count(b"\\") > MAX_ESCAPES:
        raise TooLarge(
            f"The texts of the body hold more than {MAX_ESCAPES:,} escapes.",
            remedy="Send smaller batches.",
        )
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
