"""Traits that a search finds customers by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from identity_service.domain.profiles.definitions import TraitRule
from identity_service.domain.profiles.occurrences import ReportedValue
from identity_service.domain.profiles.traits_by_rule import choose_value
from identity_service.domain.search import MAX_STARTS, Clue, text_of

MAX_SEARCHED: Final = MAX_STARTS
"""Most traits that a search finds customers by: by the whole value of each."""


def searched_traits(
    rules: Mapping[str, TraitRule], reported: Mapping[str, Sequence[ReportedValue]], now: int
) -> list[Clue]:
    """Those that the customer has, in the order of the rules: texts and whole numbers."""
    return [
        Clue(name, value)
        for name, rule, values in _searched(rules, reported)
        if (chosen := choose_value(rule, values, now)) and (value := text_of(chosen.value))
    ]


def next_searched_at(
    rules: Mapping[str, TraitRule], reported: Mapping[str, Sequence[ReportedValue]], now: int
) -> int | None:
    """The first moment at which one of them can change without an event; None: never."""
    ahead = (
        report.order.at
        for _, _, values in _searched(rules, reported)
        for report in values
        if report.order.at > now
    )
    return min(ahead, default=None)


def _searched(
    rules: Mapping[str, TraitRule], reported: Mapping[str, Sequence[ReportedValue]]
) -> Iterator[tuple[str, TraitRule, Sequence[ReportedValue]]]:
    for name, rule in rules.items():
        if rule.search and name in reported:
            yield name, rule, reported[name]
