"""How long an operation may take follows from what it asks for."""

from __future__ import annotations

import pytest
from graphql import parse

from identity_service.api.graphql.schema import build_schema
from identity_service.api.graphql.time_limits import JOURNEYS, PREVIEWS, TimeLimits

LIMITS = TimeLimits(operation=60, journey=120, preview=300)


@pytest.mark.parametrize(
    ("query", "seconds"),
    [
        ("{ viewer { name } }", 60),
        ('{ space(name: "a") { journeys { retention { week } } } }', 120),
        ('query { space(name: "a") { ...some } } fragment some on Space { preview { a } }', 300),
        ('{ space(name: "a") { journeys { a } previewJudgement { a } } }', 300),
        ("{ journeys: viewer { name } }", 60),
    ],
)
def test_who_asks_for_a_journey_or_a_preview_has_its_time(query: str, seconds: float) -> None:
    assert LIMITS.longest(parse(query)) == seconds


def test_an_operation_may_be_given_more_time_than_a_journey() -> None:
    query = parse('{ space(name: "a") { journeys { a } } }')

    assert TimeLimits(operation=500, journey=120, preview=300).longest(query) == 500


def test_the_fields_with_a_limit_of_their_own_are_those_of_a_space() -> None:
    printed = build_schema().as_str()
    space = printed[printed.index("type Space {") :].split("\n}")[0]

    assert all(f"  {name}" in space for name in JOURNEYS | PREVIEWS)
