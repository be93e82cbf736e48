"""Traits by rule: which of the reported values is the trait, and which others there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from identity_service.domain.profiles.definitions import Take, TraitRule
from identity_service.domain.profiles.occurrences import ReportedValue
from identity_service.domain.profiles.values import ValueKey, any_key

LATEST: Final = TraitRule()
"""The rule of a trait that the text does not name."""


@dataclass(frozen=True, slots=True)
class OtherValue:
    """A value of a trait by one source: when it was reported last, and how often."""

    value: Any
    source: str
    at: int
    times: int


@dataclass(frozen=True, slots=True)
class ChosenTrait:
    """A trait by its rule. `at` is when the value was reported, `source` by whom.

    `others`: every other value that was reported, by source, the latest first.
    """

    name: str
    value: Any
    source: str
    at: int
    rule: TraitRule
    others: tuple[OtherValue, ...] = ()


def choose_traits(
    rules: Mapping[str, TraitRule], reported: Mapping[str, Sequence[ReportedValue]], now: int
) -> dict[str, ChosenTrait]:
    """The traits of a customer by name, in alphabetical order; what was reported after `now` waits.

    A trait without a rule takes the latest value. Null removes what was reported before it; with
    `prefer`, what its own source reported. What a limited source says counts where nobody else says
    anything of that name.
    """
    found: dict[str, ChosenTrait] = {}
    for name in sorted(reported):
        rule = rules.get(name, LATEST)
        chosen = choose_value(rule, reported[name], now)
        if chosen is not None:
            value, source, at = chosen.value, chosen.source, chosen.order.at
            others = _others(chosen, reported[name], now)
            found[name] = ChosenTrait(name, value, source, at, rule, others)
    return found


def choose_value(
    rule: TraitRule, reported: Iterable[ReportedValue], now: int
) -> ReportedValue | None:
    """The report whose value is the trait; None where it has none.

    Of several reports of the most frequent value it is the latest.
    """
    in_order = sorted(_known(reported, now), key=lambda report: report.order)
    vouched = [report for report in in_order if not report.limited]
    candidates = vouched or in_order
    for source in rule.prefer:
        if preferred := _standing(r for r in candidates if r.source == source):
            return _taken(rule.take, preferred)
    others = [r for r in candidates if r.source not in rule.prefer]
    standing = _standing(others)
    return _taken(rule.take, standing) if standing else None


def _known(reported: Iterable[ReportedValue], now: int) -> list[ReportedValue]:
    return [report for report in reported if report.order.at <= now]


def _standing(in_order: Iterable[ReportedValue]) -> list[ReportedValue]:
    """What was reported since null removed the trait last."""
    standing: list[ReportedValue] = []
    for report in in_order:
        if report.value is None:
            standing.clear()
        else:
            standing.append(report)
    return standing


def _taken(take: Take, standing: Sequence[ReportedValue]) -> ReportedValue:
    match take:
        case Take.LATEST:
            return standing[-1]
        case Take.FIRST:
            return standing[0]
        case Take.MOST_FREQUENT:
            times = Counter(any_key(report.value) for report in standing)
            most = min(times, key=lambda key: (-times[key], key))
            return next(r for r in reversed(standing) if any_key(r.value) == most)


def _others(
    chosen: ReportedValue, reported: Iterable[ReportedValue], now: int
) -> tuple[OtherValue, ...]:
    latest: dict[tuple[ValueKey, str], tuple[ReportedValue, int]] = {}
    for report in sorted(_known(reported, now), key=lambda report: report.order):
        if report.value is not None and any_key(report.value) != any_key(chosen.value):
            key = (any_key(report.value), report.source)
            latest[key] = (report, latest[key][1] + 1 if key in latest else 1)
    found = sorted(latest.values(), key=lambda entry: entry[0].order, reverse=True)
    return tuple(OtherValue(r.value, r.source, r.order.at, times) for r, times in found)
