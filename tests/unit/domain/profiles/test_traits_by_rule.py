"""Which of the reported values is the trait, and which others there are."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import pytest

from identity_service.domain.profiles.definitions import Take, TraitRule
from identity_service.domain.profiles.occurrences import ReportedValue
from identity_service.domain.profiles.traits_by_rule import OtherValue, choose_traits
from tests.support.profile_evidence import HOUR, NOW, reported

CRM = TraitRule(Take.LATEST, ("crm", "app"))
FREQUENT = TraitRule(Take.MOST_FREQUENT)
FIRST = TraitRule(Take.FIRST)


def chosen(rule: TraitRule | None, *values: ReportedValue, now: int = NOW) -> Any:
    rules = {} if rule is None else {"x": rule}
    found = choose_traits(rules, {"x": values}, now).get("x")
    return None if found is None else (found.value, found.source, NOW - found.at)


A, B, B2, C = reported("a", 9), reported("b", 8, "crm"), reported("b", 7), reported("c", 6, "web")
GONE = reported(None, 5, "web")
GUESS = reported("guess", 1, limited=True)


@pytest.mark.parametrize(
    ("rule", "values", "expected"),
    [
        (None, [A, B], ("b", "crm", 8)),
        (TraitRule(), [A, B, C], ("c", "web", 6)),
        (FIRST, [A, B, C], ("a", "app", 9)),
        (FREQUENT, [A, B, B2, C], ("b", "app", 7)),
        (FREQUENT, [C, A], ("a", "app", 9)),
        (FREQUENT, [reported(1, 2), reported(True, 1), reported("a", 3)], (True, "app", 1)),
        (CRM, [A, B, B2, C], ("b", "crm", 8)),
        (CRM, [A, C], ("a", "app", 9)),
        (CRM, [C], ("c", "web", 6)),
        (TraitRule(Take.FIRST, ("app",)), [A, B, B2], ("a", "app", 9)),
        (TraitRule(Take.FIRST, ("x",)), [A, B, B2], ("a", "app", 9)),
        (None, [A, GONE], None),
        (FIRST, [A, GONE, reported("d", 4)], ("d", "app", 4)),
        (FREQUENT, [A, B, B2, GONE, C._replace(order=reported("c", 1).order)], ("c", "web", 1)),
        (CRM, [B, GONE], ("b", "crm", 8)),
        (CRM, [B, reported(None, 5, "crm"), A], ("a", "app", 9)),
        (CRM, [B, reported(None, 5, "crm")], None),
        (None, [A, GUESS], ("a", "app", 9)),
        (None, [GUESS], ("guess", "app", 1)),
        (FIRST, [reported("guess", 20, limited=True), C], ("c", "web", 6)),
        (None, [GONE, GUESS], None),
        (None, [A, reported("later", -1)], ("a", "app", 9)),
        (None, [], None),
    ],
)
def test_a_trait_by_its_rule(
    rule: TraitRule | None, values: Sequence[ReportedValue], expected: Any
) -> None:
    for order in permutations(values):
        assert chosen(rule, *order) == expected


def test_what_is_reported_ahead_counts_from_its_time_on() -> None:
    assert chosen(None, A, reported("later", -HOUR), now=NOW + HOUR) == ("later", "app", -HOUR)


def test_every_other_value_comes_with_its_source_its_time_and_how_often() -> None:
    values = [A, B, B2, C, reported("a", 3), reported("b", 2), reported("x", -1), GONE]

    found = choose_traits({"x": FIRST}, {"x": [*values, reported("e", 1)]}, NOW)["x"]

    assert (found.value, found.rule) == ("a", FIRST)
    assert found.others == (
        OtherValue("e", "app", NOW - 1, 1),
        OtherValue("b", "app", NOW - 2, 2),
        OtherValue("c", "web", NOW - 6, 1),
        OtherValue("b", "crm", NOW - 8, 1),
    )


def test_traits_come_by_name_in_alphabetical_order() -> None:
    found = choose_traits({}, {"b": [A], "a": [A], "gone": [A, GONE]}, NOW)

    assert list(found) == ["a", "b"]


def test_values_of_any_kind_are_counted() -> None:
    values = [reported({"a": 1, "b": 2}, 3), reported({"b": 2, "a": 1}, 2), reported([1], 1)]

    assert chosen(FREQUENT, *values) == ({"a": 1, "b": 2}, "app", 2)
