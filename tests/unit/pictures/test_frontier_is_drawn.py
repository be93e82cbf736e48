"""What stands in the picture of the frontier of policies. Nothing is rendered here."""

from __future__ import annotations

from typing import Any

from identity_service.domain.scoring.score import EventCounts, Score
from identity_service.pictures import draw_frontier
from identity_service.pictures.frontier import NO_EVENTS


def score(right: int, wrong: int, nobody: int) -> Score:
    return Score(10, 1, 2, EventCounts(right, wrong, nobody), EventCounts())


def points(scores: dict[str, Score]) -> list[dict[str, Any]]:
    return draw_frontier(scores).spec["data"]["values"]


def test_a_policy_is_a_point_and_those_that_none_beats_are_on_the_line() -> None:
    found = points({"a": score(90, 10, 0), "b": score(50, 20, 30), "c": score(60, 0, 40)})

    assert [(each["policy"], each["right"], each["wrong"], each["rank"]) for each in found] == [
        ("a: 90.0% right, 10.0% wrong", 0.9, 0.1, 1),
        ("b: 50.0% right, 20.0% wrong", 0.5, 0.2, None),
        ("c: 60.0% right, 0.0% wrong", 0.6, 0.0, 0),
    ]


def test_two_policies_whose_names_look_alike_are_two_points() -> None:
    found = points({"a\x01": score(1, 0, 0), "a\x02": score(1, 0, 0)})

    assert len({each["policy"] for each in found}) == 2


def test_without_events_a_sentence_says_so() -> None:
    assert points({"a": score(0, 0, 0)}) == [{"said": NO_EVENTS}]
