"""Conditions of audiences, made ready to be asked of customers and accounts.

A condition holds, does not hold, or is unknown (None): a comparison of a feature or a trait without
a value, and a consent that was neither given nor refused, are unknown, and so is what depends on
them. Conditions stop at the part that decides: until that part changes, nothing else matters.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeAlias, cast

from identity_service.domain.profiles.definitions import (
    AllConditions,
    AnyCondition,
    By,
    Comparison,
    Condition,
    Consents,
    Did,
    FeatureIs,
    HasIdentifier,
    InAudience,
    Members,
    NotCondition,
    Operator,
    Quantifier,
    TraitIs,
)
from identity_service.domain.profiles.functions import FeatureValue, Ticks
from identity_service.domain.profiles.predicates import (
    Getter,
    Occurrence,
    all_of,
    getter,
    moment_of,
)
from identity_service.domain.profiles.timeline import Horizon, Reader, Timeline
from identity_service.domain.profiles.values import ValueKey, any_key, as_number


class Subject(Protocol):
    """A customer or an account at one instant, as far as it was computed."""

    @property
    def horizon(self) -> Horizon:
        """When it may change."""
        ...

    @property
    def features(self) -> Mapping[str, FeatureValue]:
        """Those that conditions name."""
        ...

    @property
    def audiences(self) -> Collection[str]:
        """Those that it is in; of a customer, those of accounts that its accounts are in too."""
        ...

    @property
    def identifier_types(self) -> Collection[str]:
        """The types of its identifiers."""
        ...

    @property
    def consents(self) -> Mapping[str, bool]:
        """What it said of a purpose."""
        ...

    def timeline(self, by: By) -> Timeline:
        """Its events."""
        ...

    def trait(self, name: str) -> Any:
        """The value of a trait; None where it has none."""
        ...

    def members(self) -> Sequence[Subject]:
        """The customers that belong to it."""
        ...


Check: TypeAlias = Callable[[Subject], bool | None]
"""Whether a condition holds; None: unknown."""


def ready(condition: Condition) -> Check:
    """A condition, made ready."""
    match condition:
        case AllConditions(parts):
            return _all([ready(part) for part in parts])
        case AnyCondition(parts):
            return _any([ready(part) for part in parts])
        case NotCondition(part):
            return _not(ready(part))
        case Did():
            return _did(condition)
        case FeatureIs(name, comparisons):
            return _feature_is(name, comparisons)
        case TraitIs(name, comparisons):
            trait_fulfils = _compared(comparisons)
            return lambda it: trait_fulfils(it.trait(name), it.horizon)
        case HasIdentifier(identifier_type):
            return lambda it: identifier_type in it.identifier_types
        case InAudience(audience):
            return lambda it: audience in it.audiences
        case Consents(purpose):
            return lambda it: it.consents.get(purpose)
        case Members(quantifier, inner):
            return _members(quantifier, ready(inner))


def _all(checks: Sequence[Check]) -> Check:
    def every(it: Subject) -> bool | None:
        outcome: bool | None = True
        for check in checks:
            found = check(it)
            if found is False:
                return False
            if found is None:
                outcome = None
        return outcome

    return every


def _any(checks: Sequence[Check]) -> Check:
    def one(it: Subject) -> bool | None:
        outcome: bool | None = False
        for check in checks:
            found = check(it)
            if found:
                return True
            if found is None:
                outcome = None
        return outcome

    return one


def _not(check: Check) -> Check:
    def negated(it: Subject) -> bool | None:
        found = check(it)
        return None if found is None else not found

    return negated


def _members(quantifier: Quantifier, check: Check) -> Check:
    """What is unknown of a member does not hold of it."""
    match quantifier:
        case Quantifier.ANY:
            return lambda it: any(check(member) is True for member in it.members())
        case Quantifier.NONE:
            return lambda it: not any(check(member) is True for member in it.members())
        case Quantifier.ALL:

            def every(it: Subject) -> bool:
                members = list(it.members())
                return bool(members) and all(check(member) is True for member in members)

            return every


def _feature_is(name: str, comparisons: tuple[Comparison, ...]) -> Check:
    fulfils = _compared(comparisons)

    def feature_fulfils(it: Subject) -> bool | None:
        found = it.features[name]
        if found.ticks is not None:
            decided = _decided_at(found.value, found.ticks, comparisons)
            if decided is not None:
                it.horizon.may_change(decided)
        return fulfils(found.value, it.horizon)

    return feature_fulfils


def _decided_at(value: Any, ticks: Ticks, comparisons: Iterable[Comparison]) -> int | None:
    """When a value that ticks may first compare otherwise: as it reaches or passes an operand."""
    if ticks.every is None:
        return ticks.at
    decisive: list[int] = []
    for comparison in comparisons:
        if comparison.operator in _OF_MOMENTS:
            return ticks.at
        operand = comparison.operand
        for each in operand if isinstance(operand, tuple) else (operand,):
            if (limit := as_number(each)) is not None:
                decisive += [math.ceil(limit), math.floor(limit) + 1]
    ahead = [each for each in decisive if each > value]
    return ticks.at + (min(ahead) - value - 1) * ticks.every if ahead else None


_OF_MOMENTS: Final = frozenset({Operator.BEFORE, Operator.AFTER, Operator.IN_LAST})


def _compared(comparisons: tuple[Comparison, ...]) -> Callable[[Any, Horizon], bool | None]:
    """Compares a value; all that is said of an absent one is whether it exists."""
    existence = all_of(tuple(c for c in comparisons if c.operator is Operator.EXISTS))
    rest = tuple(c for c in comparisons if c.operator is not Operator.EXISTS)
    plain = all_of(tuple(c for c in rest if c.operator is not Operator.IN_LAST))
    durations = [cast("int", c.operand) for c in rest if c.operator is Operator.IN_LAST]

    def fulfils(value: Any, horizon: Horizon) -> bool | None:
        if not existence(value):
            return False
        if value is None:
            return None if rest else True
        return plain(value) and all(_in_last(value, duration, horizon) for duration in durations)

    return fulfils


def _in_last(value: Any, duration: int, horizon: Horizon) -> bool:
    at = moment_of(value)
    if at is None:
        return False
    horizon.may_change(at)
    horizon.may_change(at + duration)
    return horizon.now - duration < at <= horizon.now


def _did(did: Did) -> Check:
    follow_up = did.then or did.then_not
    by = did.selection.by
    reader = Reader(
        did.selection, reads_properties=follow_up is not None and follow_up.same is not None
    )
    if follow_up is not None:
        later = Reader(follow_up.selection, reads_properties=follow_up.same is not None)
        get = None if follow_up.same is None else getter(follow_up.same)
        wanted = did.then is not None

        def did_then(it: Subject) -> bool:
            timeline = it.timeline(by)
            first = timeline.select(reader)
            if not first:
                return False
            times = _times_by_value(get, timeline.select(later))
            if wanted:
                return any(_is_followed(each, follow_up.within, get, times) for each in first)
            return _one_not_followed(first, cast("int", follow_up.within), get, times, it.horizon)

        return did_then
    least = did.times.least or 0
    most = did.times.most

    def did_so_often(it: Subject) -> bool:
        times = len(it.timeline(by).select(reader))
        return times >= least and (most is None or times <= most)

    return did_so_often


def _one_not_followed(
    first: Sequence[Occurrence],
    within: int,
    get: Getter | None,
    times: Mapping[ValueKey | None, list[int]],
    horizon: Horizon,
) -> bool:
    """Whether one of them was not followed, and the time for it is over."""
    waiting = next((each for each in first if not _is_followed(each, within, get, times)), None)
    if waiting is None:
        return False
    over = waiting[0].order.at + within
    horizon.may_change(over)
    return over <= horizon.now


def _times_by_value(
    get: Getter | None, later: Iterable[Occurrence]
) -> Mapping[ValueKey | None, list[int]]:
    """When it was done later, in order, for each value of the property that is to be the same."""
    times: dict[ValueKey | None, list[int]] = {}
    for occurrence in later:
        times.setdefault(_key(get, occurrence), []).append(occurrence[0].order.at)
    return times


def _key(get: Getter | None, occurrence: Occurrence) -> ValueKey | None:
    value = None if get is None else get(occurrence)
    return None if value is None else any_key(value)


def _is_followed(
    occurrence: Occurrence,
    within: int | None,
    get: Getter | None,
    times: Mapping[ValueKey | None, list[int]],
) -> bool:
    key = _key(get, occurrence)
    if get is not None and key is None:
        return False
    candidates = times.get(key, ())
    at = occurrence[0].order.at
    position = bisect_right(candidates, at)
    return position < len(candidates) and (within is None or candidates[position] <= at + within)
