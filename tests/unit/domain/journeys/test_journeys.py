from __future__ import annotations

from typing import Any

import pytest

from identity_service.domain.journeys.journeys import JOURNEYS, journey
from identity_service.domain.journeys.parameters import ALWAYS, Kind
from identity_service.errors import FieldInvalid, NotFound

NOW = 1_000


def test_what_is_not_given_takes_its_default() -> None:
    asked = journey("funnel").arguments({"steps": ["A", "B"], "did": None}, NOW)

    assert asked == {
        "steps": ["A", "B"],
        "within": 30 * 86_400_000,
        "since": ALWAYS[0],
        "until": NOW + 1,
        "kinds": ["ANONYMOUS", "KNOWN"],
        "did": None,
        "property": None,
        "value": None,
        "audience": None,
        "feature": None,
        "feature_value": None,
    }


def test_text_as_a_command_line_gives_it_is_read() -> None:
    given = {
        "steps": "A, B",
        "within": "90m",
        "since": "2026-01-01",
        "until": "2026-01-01T01:00:00+01:00",
        "kinds": "KNOWN",
        "by": "utm source",
        "first": "3",
    }

    asked = journey("funnel_by").arguments(given, NOW)

    assert asked["steps"] == ["A", "B"]
    assert asked["within"] == 90 * 60_000
    assert asked["since"] == asked["until"] == 1_767_225_600_000
    assert asked["kinds"] == ["KNOWN"]
    assert asked["by"] == "p_utm_source"
    assert asked["first"] == 3


def test_a_list_keeps_the_commas_of_its_entries() -> None:
    assert journey("funnel").arguments({"steps": ["A, B"]}, NOW)["steps"] == ["A, B"]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({}, "needs “steps”"),
        ({"steps": []}, "1 to 20 values"),
        ({"steps": [""]}, "1 to 1,024 characters"),
        ({"steps": ["A"] * 21}, "1 to 20 values"),
        ({"steps": 7}, "give a list"),
        ({"steps": ["A"], "within": "soon"}, "not a duration"),
        ({"steps": ["A"], "within": 0}, "a number and s, m, h or d"),
        ({"steps": ["A"], "since": "yesterday"}, "write a time"),
        ({"steps": ["A"], "kinds": ["NICE"]}, "there is no kind NICE"),
        ({"steps": ["A"], "property": "plan"}, "a property and its value together"),
        ({"steps": ["A"], "value": "pro"}, "a property and its value together"),
        ({"steps": ["A"], "feature": "orders"}, "a feature and its value together"),
        ({"steps": ["A"], "feature_value": "3"}, "a feature and its value together"),
        ({"steps": ["A"], "first": 3}, "no parameter “first”"),
    ],
)
def test_a_mistake_is_named_with_what_would_be_right(given: dict[str, Any], why: str) -> None:
    with pytest.raises(FieldInvalid, match=why):
        journey("funnel").arguments(given, NOW)


@pytest.mark.parametrize("first", [0, 10_001, "many", True, -1])
def test_how_many_rows_may_be_asked_for_is_bounded(first: object) -> None:
    with pytest.raises(FieldInvalid, match="it may be 1 to 10,000"):
        journey("drop_off").arguments({"first": first}, NOW)


def test_an_unknown_journey_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(NotFound, match="funnel_by"):
        journey("funnels")


@pytest.mark.parametrize("name", JOURNEYS)
def test_every_default_can_be_taken(name: str) -> None:
    given = {
        p.name: "2026-01-01" if p.kind is Kind.MOMENT else "x:y"
        for p in journey(name).own
        if p.required
    }

    assert journey(name).arguments(given, NOW).keys() == {p.name for p in journey(name).parameters}


@pytest.mark.parametrize("name", JOURNEYS)
def test_what_is_prepared_for_pasting_are_the_journeys_own_defaults(name: str) -> None:
    asked = journey(name)
    needed = {p.name for p in asked.parameters if p.required}
    given = {p.name: "2026-01-01" if p.kind is Kind.MOMENT else "x:y" for p in asked.own}

    w = asked.prepared("shop", NOW)

    arguments = asked.arguments({each: given[each] for each in needed}, NOW)
    assert w == {"space": "shop", **{k: v for k, v in arguments.items() if k not in needed}}
