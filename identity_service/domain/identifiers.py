"""Identifiers: typed values, and the order in which the rules take them."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

MAX_VALUE_BYTES = 1_024
"""Longest identifier value, in bytes of UTF-8."""

MAX_TYPE_LENGTH = 64
"""Longest identifier type, in characters."""


CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""What no identifier, message id or name holds: control characters, half a surrogate pair."""


class IdentifierKind(StrEnum):
    """Whether a type names a person or only a device that persons use."""

    PERSON = "person"
    DEVICE = "device"


class Identifier(NamedTuple):
    """A typed value, unique per space.

    A tuple, since millions are compared and hashed; its order is *text order*:
    type, then value, by code point.
    """

    type: str
    value: str

    def __str__(self) -> str:
        return f"{self.type}:{self.value}"


def parse_identifier(text: str) -> Identifier:
    """Read `TYPE:VALUE`; the value may hold colons. Raises ValueError without a colon."""
    kind, colon, value = text.partition(":")
    if not colon or not kind.strip() or not value.strip():
        msg = f"“{text}” is not TYPE:VALUE, as in email:ann@example.com"
        raise ValueError(msg)
    return Identifier(kind.strip(), value.strip())
