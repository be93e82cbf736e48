"""Properties of occurrences, and what `where` says of them, made ready to be asked very often."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias, cast

from identity_service.domain.policies.regexes import compile_regex
from identity_service.domain.profiles.definitions import (
    AllOf,
    AnyOf,
    Comparison,
    NotOf,
    Operator,
    Predicate,
    PropertyIs,
    Scalar,
)
from identity_service.domain.profiles.occurrences import ProfileEvent
from identity_service.domain.profiles.values import as_number, at_path, value_key
from identity_service.domain.timestamps import iso, read_moment

Occurrence: TypeAlias = tuple[ProfileEvent, Mapping[str, Any], str]
"""An event, the properties that count (of it and of one of its elements), whose it is."""

Getter: TypeAlias = Callable[[Occurrence], Any]
Test: TypeAlias = Callable[[Any], bool]
"""Whether a value, None where there is none, fulfils something."""

OF_THE_EVENT: Final[Mapping[str, tuple[Getter, str]]] = {
    "at": (lambda occurrence: iso(occurrence[0].order.at), "its time"),
    "customer": (lambda occurrence: occurrence[2], "the id of its customer"),
}
"""Names that always speak of the event, and what they are."""

UNLESS_A_PROPERTY: Final[Mapping[str, tuple[Getter, str]]] = {
    "step": (lambda occurrence: occurrence[0].step, "its step"),
    "channel": (lambda occurrence: occurrence[0].channel, "its channel, as in journeys"),
    "source": (lambda occurrence: occurrence[0].source, "who sent it"),
    "account": (lambda occurrence: occurrence[0].account_id, "the account that it names"),
}
"""Names that speak of the event where it has no property of that name."""


def getter(name: str) -> Getter:
    """Reads a property of occurrences by its name; None where there is none."""
    if name in OF_THE_EVENT:
        return OF_THE_EVENT[name][0]
    if name in UNLESS_A_PROPERTY:
        of_event = UNLESS_A_PROPERTY[name][0]

        def either(occurrence: Occurrence) -> Any:
            found = occurrence[1].get(name)
            return of_event(occurrence) if found is None else found

        return either
    if "." in name:
        return lambda occurrence: at_path(occurrence[1], name)
    return lambda occurrence: occurrence[1].get(name)


def predicate(said: Predicate) -> Callable[[Occurrence], bool]:
    """Whether an occurrence fulfils what `where` says."""
    match said:
        case PropertyIs(name, comparisons):
            get, fulfils = getter(name), all_of(comparisons)
            return lambda occurrence: fulfils(get(occurrence))
        case AllOf(parts):
            all_parts = [predicate(part) for part in parts]
            return lambda occurrence: all(part(occurrence) for part in all_parts)
        case AnyOf(parts):
            any_parts = [predicate(part) for part in parts]
            return lambda occurrence: any(part(occurrence) for part in any_parts)
        case NotOf(part):
            inner = predicate(part)
            return lambda occurrence: not inner(occurrence)


def all_of(comparisons: tuple[Comparison, ...]) -> Test:
    """Whether a value fulfils all comparisons."""
    tests = [_TESTS[comparison.operator](comparison.operand) for comparison in comparisons]
    if len(tests) == 1:
        return tests[0]
    return lambda value: all(test(value) for test in tests)


def moment_of(value: Any) -> int | None:
    """The time that a value is: ISO 8601 text, or a number of seconds since 1970.

    None for what is none, and for what some clock on earth shows as no year from 1 to 9999.
    """
    if isinstance(value, str):
        try:
            at = read_moment(value)
        except (ValueError, OverflowError):
            return None
    else:
        seconds = as_number(value)
        if seconds is None:
            return None
        at = int(seconds * 1_000 // 1)
    return at if _FIRST_MOMENT <= at <= _LAST_MOMENT else None


_FIRST_MOMENT: Final = read_moment("0001-01-02")
_LAST_MOMENT: Final = read_moment("9999-12-30")

Operand: TypeAlias = Scalar | tuple[Scalar, ...]


def _is(operand: Operand) -> Test:
    if isinstance(operand, str):
        return lambda value: value == operand
    key = value_key(operand)
    return lambda value: value_key(value) == key


def _is_not(operand: Operand) -> Test:
    equal = _is(operand)
    return lambda value: not equal(value)


def _in(operand: Operand) -> Test:
    keys = {value_key(each) for each in cast("tuple[Scalar, ...]", operand)}
    return lambda value: value_key(value) in keys


def _not_in(operand: Operand) -> Test:
    within = _in(operand)
    return lambda value: not within(value)


def _compared(compare: Callable[[Any, Any], bool]) -> Callable[[Operand], Test]:
    """Only values of one type compare: numbers with numbers, text with text."""

    def against(operand: Operand) -> Test:
        if isinstance(operand, str):
            return lambda value: isinstance(value, str) and compare(value, operand)

        def number_fulfils(value: Any) -> bool:
            found = as_number(value)
            return found is not None and compare(found, operand)

        return number_fulfils

    return against


def _contains(operand: Operand) -> Test:
    key = value_key(operand)

    def contains(value: Any) -> bool:
        if isinstance(value, str):
            return isinstance(operand, str) and operand in value
        return isinstance(value, list) and any(
            value_key(each) == key for each in cast("list[Any]", value)
        )

    return contains


def _of_text(fulfils: Callable[[str, str], bool]) -> Callable[[Operand], Test]:
    return lambda operand: (
        lambda value: isinstance(value, str) and fulfils(value, cast("str", operand))
    )


def _matches(operand: Operand) -> Test:
    regex = compile_regex(cast("str", operand))
    return lambda value: isinstance(value, str) and regex.fullmatch(value) is not None


def _exists(operand: Operand) -> Test:
    return lambda value: (value is not None) is operand


def _of_moment(fulfils: Callable[[int, int], bool]) -> Callable[[Operand], Test]:
    def against(operand: Operand) -> Test:
        moment = cast("int", operand)

        def moment_fulfils(value: Any) -> bool:
            found = moment_of(value)
            return found is not None and fulfils(found, moment)

        return moment_fulfils

    return against


_TESTS: Final[Mapping[Operator, Callable[[Operand], Test]]] = {
    Operator.IS: _is,
    Operator.NOT: _is_not,
    Operator.IN: _in,
    Operator.NOT_IN: _not_in,
    Operator.GT: _compared(lambda value, operand: value > operand),
    Operator.GTE: _compared(lambda value, operand: value >= operand),
    Operator.LT: _compared(lambda value, operand: value < operand),
    Operator.LTE: _compared(lambda value, operand: value <= operand),
    Operator.CONTAINS: _contains,
    Operator.STARTS: _of_text(str.startswith),
    Operator.ENDS: _of_text(str.endswith),
    Operator.MATCHES: _matches,
    Operator.EXISTS: _exists,
    Operator.BEFORE: _of_moment(lambda value, operand: value < operand),
    Operator.AFTER: _of_moment(lambda value, operand: value > operand),
}
"""`in_last` is not among them: it needs to know what time it is."""
