"""Values of tables and databases as JSON has them."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, cast


def json_value(value: Any) -> Any:
    """A value as JSON can hold it; null for what is no value, such as NaN.

    Times are ISO 8601, with an offset if they have one. A decimal number is one where it is exact
    as such, else text; an integer beyond 64 bits is text. Bytes are text, or base64 where they are
    not UTF-8. Whatever else it is becomes the text that Python makes of it.
    """
    match value:
        case None | str() | bool():
            return value
        case int():
            return value if -(2**63) <= value < 2**63 else str(value)
        case float():
            return value if math.isfinite(value) else None
        case Decimal():
            return _number(value)
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case bytes() | bytearray() | memoryview():
            return _text(bytes(cast("bytes", value)))
        case Mapping():
            entries = cast("Mapping[object, Any]", value)
            return {str(key): json_value(each) for key, each in entries.items()}
        case list() | tuple() | set() | frozenset():
            return [json_value(each) for each in cast("Iterable[Any]", value)]
        case _:
            return str(value)


def _number(value: Decimal) -> int | float | str | None:
    if not value.is_finite():
        return None
    if value == value.to_integral_value():
        return json_value(int(value))
    return float(value) if Decimal(str(float(value))) == value else str(value)


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return base64.b64encode(value).decode()
