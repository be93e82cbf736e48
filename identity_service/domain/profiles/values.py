"""Values of profiles: JSON whose numbers are exact, their order, and their text.

A value is what JSON holds. Its numbers are integers, else decimals without trailing zeros, so
that equal numbers are equal values. Values compare by type (false, true, numbers, text, then
lists and mappings), then by value.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Any, Final, TypeAlias, cast

MAX_DIGITS: Final = 400
"""Most digits of a number before the decimal point, and after it. Others are no numbers here."""

DIVISION: Final = Context(prec=28, rounding=ROUND_HALF_EVEN)
"""How averages and quotients are rounded; nothing else is."""

EXACT: Final = Context(prec=4 * MAX_DIGITS, Emax=10**6, Emin=-(10**6))
"""Wide enough for any sum of numbers, and for the product of two."""

ValueKey: TypeAlias = tuple[int, Any]
"""By what a value is compared, and equals others or not."""


def read_json(text: str) -> Any:
    """JSON text, its numbers as they are written: 0.1 is 0.1. Raises ValueError."""
    try:
        return _READER.decode(text)
    except ValueError:
        return _READER_OF_LARGE.decode(text)


def json_text(value: Any) -> str:
    """A value as JSON text: equal values have equal text, whatever order their keys had."""
    match value:
        case str() | int() | None:
            return _WRITER.encode(value)
        case dict():
            entries = sorted(cast("dict[str, Any]", value).items())
            return "{" + ", ".join([f"{json_text(k)}: {json_text(v)}" for k, v in entries]) + "}"
        case Decimal():
            return _number_text(value)
        case list() | tuple():
            return f"[{', '.join(map(json_text, cast('list[Any]', value)))}]"
        case _:
            return _WRITER.encode(value)


def number(value: int | Decimal) -> int | Decimal:
    """The one way to write a number: an integer, else a decimal without trailing zeros."""
    if isinstance(value, int):
        return value
    whole = value.to_integral_value()
    return int(whole) if whole == value else value.normalize(EXACT)


def as_number(value: Any, *, from_text: bool = False) -> int | Decimal | None:
    """The number that a value is, exactly; None where it is none, or is out of bounds.

    `from_text`: text that is the decimal text of a number is one too.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if -_LARGEST < value < _LARGEST else None
    if isinstance(value, Decimal):
        found = value
    elif isinstance(value, float):
        found = Decimal(repr(value))
    elif from_text and isinstance(value, str):
        found = _decimal(value)
    else:
        return None
    return found if found is not None and _fits(found) else None


def value_key(value: Any) -> ValueKey | None:
    """By what a scalar is compared; None for null, lists, mappings and numbers out of bounds."""
    if isinstance(value, str):
        return (3, value)
    if isinstance(value, bool):
        return (1, 1) if value else (0, 0)
    found = as_number(value)
    return None if found is None else (2, found)


def of_key(key: ValueKey) -> bool | int | Decimal | str:
    """The value of a key."""
    rank, value = key
    return bool(rank) if rank < 2 else number(value) if rank == 2 else value


def any_key(value: Any) -> ValueKey:
    """As `value_key`, for every value of JSON but null."""
    return value_key(value) or (4, json_text(value))


def at_path(of: Mapping[str, Any], name: str) -> Any:
    """A property by its name, or by dots into objects; None where there is none."""
    if name in of or "." not in name:
        return of.get(name)
    found: Any = of
    for part in name.split("."):
        if not isinstance(found, dict):
            return None
        found = cast("dict[str, Any]", found).get(part)
    return found


def _number_text(value: Decimal) -> str:
    if not _fits(value):
        return str(value)
    found = number(value)
    return str(found) if isinstance(found, int) else format(found, "f")


_LARGEST: Final = 10**MAX_DIGITS


def _whole(text: str) -> int | Decimal:
    return int(text) if len(text) <= MAX_DIGITS else Decimal(text)


_WRITER: Final = json.JSONEncoder(ensure_ascii=False)
_READER: Final = json.JSONDecoder(parse_float=Decimal)
_READER_OF_LARGE: Final = json.JSONDecoder(parse_float=Decimal, parse_int=_whole)
"""Python refuses to make an integer of thousands of digits, and this one does not ask it to."""


def _fits(value: Decimal) -> bool:
    if not value.is_finite():
        return False
    exponent = cast("int", value.as_tuple().exponent)
    return exponent >= -MAX_DIGITS and value.adjusted() < MAX_DIGITS


def _decimal(text: str) -> Decimal | None:
    if len(text) > 2 * MAX_DIGITS or "_" in text:
        return None
    try:
        return Decimal(text.strip())
    except InvalidOperation:
        return None
