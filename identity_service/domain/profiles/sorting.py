"""Values of features as text that sorts as they do, for indexes of text."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from math import isinf
from typing import Final, NamedTuple, TypeAlias

Scalar: TypeAlias = bool | int | float | str
"""A value by which customers can be sorted."""

Place: TypeAlias = tuple[str, str]
"""The name of a feature, and the text that a value of it is sorted by."""

MOST_CHARACTERS: Final = 200
"""So many of a text count; texts that differ only behind them have one place."""

_MIDDLE: Final = 500
"""Added to the exponents of numbers, which are then positive and have three digits."""

_INFINITE: Final = 499
"""An exponent beyond those of all numbers."""

_EXACT: Final = 2.0**64
"""Floats below are written as the integers that they are: integers that are stored end before."""

_COMPLEMENTS: Final = str.maketrans("0123456789", "9876543210")
_AFTER_DIGITS: Final = "~"


class Moved(NamedTuple):
    """What differs of where a customer stands.

    It stands no longer at `gone`, and newly at `new`. `changed`: at a place of the same feature
    as before, where one was, which comes first.
    """

    gone: Collection[Place]
    new: Collection[Place]
    changed: Collection[tuple[Place, Place]] = ()


NOT_MOVED: Final = Moved((), ())


def moved_between(before: Mapping[str, Scalar | None], after: Mapping[str, Scalar | None]) -> Moved:
    """What differs of where a customer stands, by its values of features before and after."""
    same = {
        name
        for name, value in after.items()
        if (was := before.get(name)) == value and type(was) is type(value)
    }
    left = dict(places({name: value for name, value in before.items() if name not in same}))
    taken = dict(places({name: value for name, value in after.items() if name not in same}))
    return Moved(
        [(name, text) for name, text in left.items() if name not in taken],
        [(name, text) for name, text in taken.items() if name not in left],
        [
            ((name, text), (name, taken[name]))
            for name, text in left.items()
            if name in taken and taken[name] != text
        ],
    )


def places(values: Mapping[str, Scalar | None]) -> list[Place]:
    """Where a customer stands, by its values of features."""
    return [(name, sort_text(value)) for name, value in values.items() if value is not None]


def sort_text(value: Scalar) -> str:
    """Text that sorts by its characters as values do: false, true, numbers, text.

    Equal numbers have equal text. It holds no zero character, so what is put behind one sorts
    equal values only.
    """
    if isinstance(value, bool):
        return f"{type_of(value)}{value:d}"
    if isinstance(value, str):
        return type_of(value) + _escaped(value[:MOST_CHARACTERS])
    return type_of(value) + _number_text(value)


def type_of(value: Scalar) -> str:
    """The character that the text of every value of this type begins with, and of no other."""
    match value:
        case bool():
            return "1"
        case str():
            return "3"
        case _:
            return "2"


def is_cut(value: Scalar) -> bool:
    """Whether other values may have the same text."""
    return isinstance(value, str) and len(value) > MOST_CHARACTERS


def _escaped(text: str) -> str:
    return text.replace("\x01", "\x01\x02").replace("\x00", "\x01\x01")


def _number_text(number: float) -> str:
    """Sign, exponent and digits; of a negative number their complements, so that less is first."""
    if not number:
        return "0"
    exponent, digits = _exponent_and_digits(abs(number))
    magnitude = f"{exponent + _MIDDLE:03}{digits}"
    if number > 0:
        return f"1{magnitude}"
    return f"-{magnitude.translate(_COMPLEMENTS)}{_AFTER_DIGITS}"


def _exponent_and_digits(number: float) -> tuple[int, str]:
    """The exponent of ten of the first digit of a positive number, and all digits."""
    if isinstance(number, int) or (number < _EXACT and number.is_integer()):
        digits = str(int(number))
        return len(digits) - 1, digits.rstrip("0")
    if isinf(number):
        return _INFINITE, ""
    first, _, rest = f"{number:.16e}".partition(".")
    digits, _, exponent = rest.partition("e")
    return int(exponent), (first + digits).rstrip("0")
