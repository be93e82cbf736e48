"""What features compute: functions of occurrences, and operations on features."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

from identity_service.domain.profiles.definitions import (
    Aggregate,
    Arithmetic,
    Function,
    ListOrder,
    Operation,
    Part,
    SessionMeasure,
    Unit,
)
from identity_service.domain.profiles.predicates import Getter, Occurrence, moment_of
from identity_service.domain.profiles.timeline import Horizon
from identity_service.domain.profiles.values import (
    DIVISION,
    ValueKey,
    as_number,
    json_text,
    number,
    of_key,
    value_key,
)
from identity_service.domain.timestamps import iso

DAY: Final = 86_400_000
TICKING: Final = frozenset({Unit.SECOND, Unit.MINUTE})
"""Times that are counted in these change too often to be stored at each change."""

NUMERIC: Final = frozenset(
    {Function.SUM, Function.AVERAGE, Function.MIN, Function.MAX, Function.MEDIAN}
)
"""They take the property as a number."""

OF_A_PROPERTY: Final = NUMERIC | {
    Function.FIRST,
    Function.LAST,
    Function.MOST_FREQUENT,
    Function.LEAST_FREQUENT,
    Function.LIST,
    Function.DISTINCT,
    Function.COUNTS,
}
"""They read a property; all others read only when it happened."""


class Ticks(NamedTuple):
    """A value that time alone changes so often that nobody waits for it.

    At `at` it changes next: by one, and by one again after every `every` milliseconds; None: it may
    become anything.
    """

    at: int
    every: int | None


class FeatureValue(NamedTuple):
    """The value of a feature: None, a boolean, whole number, decimal, text, list or mapping.

    Numbers are integers, else decimals without trailing zeros, so that equal values have equal
    text (`values.json_text`). Instants are ISO 8601 text in UTC. `skipped` counts occurrences whose
    property could not be used; `truncated`: the value holds only as much as its limit allows.
    `ticks`: it rests on a time that is counted in seconds or minutes.
    """

    value: Any
    skipped: int = 0
    truncated: bool = False
    ticks: Ticks | None = None


class Readings(NamedTuple):
    """The occurrences that have the property in a form that can be used, and that form of each."""

    used: Sequence[Occurrence]
    values: Sequence[Any]
    skipped: int


def read_property(feature: Aggregate, get: Getter, occurrences: Iterable[Occurrence]) -> Readings:
    """The property of each occurrence: exact numbers for numeric functions, else value keys."""
    read = _reading_of(feature)
    used: list[Occurrence] = []
    values: list[Any] = []
    skipped = 0
    for occurrence in occurrences:
        value = get(occurrence)
        if value is None:
            continue
        found = read(value)
        if found is None:
            skipped += 1
            continue
        used.append(occurrence)
        values.append(found)
    return Readings(used, values, skipped)


def aggregate(
    feature: Aggregate, get: Getter | None, occurrences: Sequence[Occurrence], horizon: Horizon
) -> FeatureValue:
    """The value of a feature over the occurrences that count, in their order."""
    if feature.function in _SINCE:
        return _since(feature, occurrences, horizon)
    if get is None:
        return FeatureValue(_OF_TIMES[feature.function](feature, occurrences))
    readings = read_property(feature, get, occurrences)
    value = _OF_VALUES[feature.function](feature, readings.values)
    truncated = False
    if feature.function in (Function.LIST, Function.COUNTS):
        truncated = len(set(readings.values)) > feature.limit
    return FeatureValue(value, readings.skipped, truncated)


def calculate(feature: Arithmetic, values: Mapping[str, FeatureValue]) -> FeatureValue:
    """An operation on features and numbers; null where an operand has no number."""
    operands = [values[each] if isinstance(each, str) else each for each in feature.operands]
    ticking = [each.ticks.at for each in operands if isinstance(each, FeatureValue) and each.ticks]
    result = _calculated(
        feature.operation,
        [each.value if isinstance(each, FeatureValue) else each for each in operands],
    )
    return FeatureValue(
        None if result is None else number(result),
        ticks=Ticks(min(ticking), None) if ticking else None,
    )


def _calculated(operation: Operation, operands: Sequence[Any]) -> int | Decimal | None:
    result: int | Decimal | None = None
    for position, operand in enumerate(operands):
        value = as_number(operand)
        if value is None:
            return None
        if position == 0:
            result = value
            continue
        result = as_number(_OPERATIONS[operation](result, value))
        if result is None:
            return None
    return result


def decisive(feature: Aggregate, readings: Readings) -> list[tuple[Occurrence, Any]]:
    """The occurrences that made the value of a property, each with what it contributed."""
    pairs = list(zip(readings.used, readings.values, strict=True))
    match feature.function:
        case Function.FIRST:
            return pairs[:1]
        case Function.LAST:
            return pairs[-1:]
        case Function.MIN | Function.MAX | Function.MOST_FREQUENT | Function.LEAST_FREQUENT:
            value = _OF_VALUES[feature.function](feature, readings.values)
            return [pair for pair in pairs if _plain(feature, pair[1]) == value]
        case _:
            return pairs


def contributed(feature: Aggregate, reading: Any) -> Any:
    """A reading of `read_property` as a value."""
    return _plain(feature, reading)


def _plain(feature: Aggregate, reading: Any) -> Any:
    return number(reading) if feature.function in NUMERIC else of_key(reading)


def _reading_of(feature: Aggregate) -> Callable[[Any], Any]:
    if feature.part is not None:
        part, zone = feature.part, zone_of(feature.timezone)
        return lambda value: _part_key(value, part, zone)
    if feature.function not in NUMERIC:
        return value_key
    if feature.as_number:
        return lambda value: as_number(value, from_text=True)
    return as_number


def _part_key(value: Any, part: Part, zone: ZoneInfo | None) -> ValueKey | None:
    at = moment_of(value)
    if at is None:
        return None
    moment = local(at, zone)
    match part:
        case Part.HOUR:
            return (2, moment.hour)
        case Part.WEEKDAY:
            return (2, moment.isoweekday())
        case Part.MONTH:
            return (2, moment.month)


def zone_of(name: str) -> ZoneInfo | None:
    """The zone of that name; None for UTC, which needs no table."""
    return None if name == "UTC" else ZoneInfo(name)


def local(at: int, zone: ZoneInfo | None) -> datetime:
    """A moment as the clocks there show it."""
    moment = _EPOCH + timedelta(milliseconds=at)
    return moment if zone is None else moment.astimezone(zone)


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

# Functions of numbers and of value keys, in the order of the occurrences.


def _sum(_: Aggregate, values: Sequence[Any]) -> Any:
    return number(sum(values))


def _average(_: Aggregate, values: Sequence[Any]) -> Any:
    return _divide(sum(values), len(values)) if values else None


def _min(_: Aggregate, values: Sequence[Any]) -> Any:
    return number(min(values)) if values else None


def _max(_: Aggregate, values: Sequence[Any]) -> Any:
    return number(max(values)) if values else None


def _median(_: Aggregate, values: Sequence[Any]) -> Any:
    if not values:
        return None
    ordered, middle = sorted(values), len(values) // 2
    if len(values) % 2:
        return number(ordered[middle])
    return _divide(ordered[middle - 1] + ordered[middle], 2)


def _first(_: Aggregate, values: Sequence[ValueKey]) -> Any:
    return of_key(values[0]) if values else None


def _last(_: Aggregate, values: Sequence[ValueKey]) -> Any:
    return of_key(values[-1]) if values else None


def _most_frequent(feature: Aggregate, values: Sequence[ValueKey]) -> Any:
    frequent = [(-n, key) for key, n in Counter(values).items() if n >= feature.at_least]
    return of_key(min(frequent)[1]) if frequent else None


def _least_frequent(feature: Aggregate, values: Sequence[ValueKey]) -> Any:
    frequent = [(n, key) for key, n in Counter(values).items() if n >= feature.at_least]
    return of_key(min(frequent)[1]) if frequent else None


def _list(feature: Aggregate, values: Sequence[ValueKey]) -> list[Any]:
    match feature.order:
        case ListOrder.TEXT:
            ordered = sorted(set(values))
        case ListOrder.FIRST:
            ordered = list(dict.fromkeys(values))
        case ListOrder.LAST:
            ordered = list(dict.fromkeys(reversed(values)))
    return [of_key(key) for key in ordered[: feature.limit]]


def _distinct(_: Aggregate, values: Sequence[ValueKey]) -> int:
    return len(set(values))


def _counts(feature: Aggregate, values: Sequence[ValueKey]) -> dict[str, int]:
    largest = sorted((-n, key) for key, n in Counter(values).items())[: feature.limit]
    found: dict[str, int] = {}
    for n, key in largest:
        name = key[1] if key[0] == 3 else json_text(of_key(key))
        found[name] = found.get(name, 0) - n
    return found


_OF_VALUES: Final[Mapping[Function, Callable[[Aggregate, Sequence[Any]], Any]]] = {
    Function.SUM: _sum,
    Function.AVERAGE: _average,
    Function.MIN: _min,
    Function.MAX: _max,
    Function.MEDIAN: _median,
    Function.FIRST: _first,
    Function.LAST: _last,
    Function.MOST_FREQUENT: _most_frequent,
    Function.LEAST_FREQUENT: _least_frequent,
    Function.LIST: _list,
    Function.DISTINCT: _distinct,
    Function.COUNTS: _counts,
}

# Functions of when it happened.

_OfTimes: TypeAlias = Callable[[Aggregate, Sequence[Occurrence]], Any]


def _count(_: Aggregate, occurrences: Sequence[Occurrence]) -> int:
    return len(occurrences)


def _days(feature: Aggregate, occurrences: Sequence[Occurrence]) -> int:
    zone = zone_of(feature.timezone)
    if zone is None:
        return len({event.order.at // DAY for event, _, _ in occurrences})
    return len({local(event.order.at, zone).date() for event, _, _ in occurrences})


def _sessions(feature: Aggregate, occurrences: Sequence[Occurrence]) -> Any:
    sessions = length = 0
    before: int | None = None
    for occurrence in occurrences:
        at = occurrence[0].order.at
        if before is None or at - before > feature.pause:
            sessions += 1
        else:
            length += at - before
        before = at
    match feature.measure:
        case SessionMeasure.COUNT:
            return sessions
        case SessionMeasure.SECONDS:
            return number(Decimal(length) / 1_000)
        case SessionMeasure.AVERAGE_SECONDS:
            return _divide(length, sessions * 1_000) if sessions else None


def _first_at(_: Aggregate, occurrences: Sequence[Occurrence]) -> str | None:
    return iso(occurrences[0][0].order.at) if occurrences else None


def _last_at(_: Aggregate, occurrences: Sequence[Occurrence]) -> str | None:
    return iso(occurrences[-1][0].order.at) if occurrences else None


_OF_TIMES: Final[Mapping[Function, _OfTimes]] = {
    Function.COUNT: _count,
    Function.DAYS: _days,
    Function.SESSIONS: _sessions,
    Function.FIRST_AT: _first_at,
    Function.LAST_AT: _last_at,
}

_SINCE: Final[Mapping[Function, int]] = {Function.SINCE_FIRST: 0, Function.SINCE_LAST: -1}
"""Functions of the time since one of the occurrences, and which one."""


def _since(feature: Aggregate, occurrences: Sequence[Occurrence], horizon: Horizon) -> FeatureValue:
    if not occurrences:
        return FeatureValue(None)
    at, unit = occurrences[_SINCE[feature.function]][0].order.at, feature.unit.milliseconds
    units = (horizon.now - at) // unit
    following = at + (units + 1) * unit
    if feature.unit in TICKING:
        return FeatureValue(units, ticks=Ticks(following, unit))
    horizon.may_change(following)
    return FeatureValue(units)


# Operations on two numbers.


def _divide(dividend: Any, divisor: Any) -> int | Decimal | None:
    if not divisor:
        return None
    return number(DIVISION.divide(Decimal(dividend), Decimal(divisor)))


_OPERATIONS: Final[Mapping[Operation, Callable[[Any, Any], Any]]] = {
    Operation.PLUS: lambda one, other: one + other,
    Operation.MINUS: lambda one, other: one - other,
    Operation.MULTIPLY: lambda one, other: one * other,
    Operation.DIVIDE: _divide,
}
