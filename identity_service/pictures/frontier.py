"""The frontier of policies: what each gains in right events, and pays for in wrong ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from identity_service.domain.scoring.score import Score, frontier
from identity_service.pictures.picture import Picture
from identity_service.pictures.theme import (
    GREY,
    LABEL,
    LIGHT,
    PLOT,
    SIZE,
    STEPS,
    sentence,
    vega_lite,
)
from identity_service.pictures.words import distinct, percent

TITLE: Final = "How many events reach the right person?"
NO_EVENTS: Final = "There is nothing to draw: there is no event of a person who is known."
SUBTITLE: Final = (
    "a point: a policy, with the share of events at the right person and at a wrong one",
    "filled, on the line: no other policy has more right without more wrong",
)


def draw_frontier(scores: Mapping[str, Score]) -> Picture:
    """Policies by name: wrong events from left to right, right ones from bottom to top.

    A line connects those that no other policy beats.
    """
    if not any(score.events.total for score in scores.values()):
        return sentence(TITLE, SUBTITLE, NO_EVENTS)
    best = frontier(list(scores.values()))
    values = [
        {
            "policy": f"{name}: {_shares(score)}",
            "right": score.events.share(score.events.right),
            "wrong": score.events.share(score.events.wrong),
            "people split": score.people_split,
            "customers of two": score.customers_of_two,
            "rank": best.index(number) if number in best else None,
        }
        for number, (name, score) in enumerate(zip(distinct(scores), scores.values(), strict=True))
    ]
    axis = {"format": ".0%", "grid": True, "gridColor": LIGHT, "tickCount": 6}
    x = {
        "field": "wrong",
        "type": "quantitative",
        "axis": {**axis, "title": "events at a wrong person"},
    }
    y = {
        "field": "right",
        "type": "quantitative",
        "axis": {**axis, "title": "events at the right person"},
        "scale": {"zero": False, "nice": True, "padding": 12},
    }
    on_it = {"filter": "datum.rank !== null"}
    colour = {
        "field": "policy",
        "type": "nominal",
        "scale": {
            "domain": [value["policy"] for value in values],
            "range": [*STEPS, *[GREY] * len(values)][: len(values)],
        },
        "legend": {"title": None, "labelLimit": LABEL + PLOT, "labelFontSize": SIZE},
    }
    tooltip = [
        {"field": "policy"},
        {"field": "right", "format": ".1%"},
        {"field": "wrong", "format": ".1%"},
        {"field": "people split", "format": ","},
        {"field": "customers of two", "format": ","},
    ]
    return vega_lite(
        TITLE,
        SUBTITLE,
        {
            "data": {"values": values},
            "width": PLOT,
            "height": 280,
            "encoding": {"x": x, "y": y},
            "layer": [
                {
                    "transform": [on_it],
                    "mark": {"type": "line", "color": GREY, "strokeWidth": 2},
                    "encoding": {"order": {"field": "rank", "type": "quantitative"}},
                },
                {
                    "mark": {"type": "point", "size": 100, "strokeWidth": 2, "opacity": 1},
                    "encoding": {"color": colour, "tooltip": tooltip},
                },
                {
                    "transform": [on_it],
                    "mark": {"type": "point", "size": 100, "filled": True, "opacity": 1},
                    "encoding": {"color": colour, "tooltip": tooltip},
                },
            ],
        },
    )


def _shares(score: Score) -> str:
    events = score.events
    right, wrong = (percent(events.share(count)) for count in (events.right, events.wrong))
    return f"{right} right, {wrong} wrong"
