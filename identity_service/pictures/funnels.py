"""Funnels: a bar for each step, as long as the share of the first step's customers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from identity_service.pictures.bars import first_rows
from identity_service.pictures.picture import Picture
from identity_service.pictures.theme import BLUE, LIGHT, PLOT, QUIET, ROW, SIZE, vega_lite
from identity_service.pictures.words import clean, count, distinct, duration, percent, subtitle
from identity_service.services.journeys.figures import Figure

SHARE: Final = {
    "field": "share",
    "type": "quantitative",
    "axis": None,
    "scale": {"domain": [0, 1]},
}
TIMES: Final = "↓ median time since the step before"
TOOLTIP: Final = [
    {"field": "step"},
    {"field": "customers", "type": "quantitative", "format": ","},
    {"field": "share", "type": "quantitative", "format": ".1%"},
    {"field": "took", "title": "since the step before"},
]


def draw_funnel(figure: Figure) -> Picture:
    """The steps from top to bottom, with what is left and how long it took."""
    values = [_value(row, number) for number, row in enumerate(figure, start=1)]
    y = {
        "field": "step",
        "type": "nominal",
        "sort": [value["step"] for value in values],
        "axis": {"title": None, "offset": 2},
    }
    whole = {"mark": {"type": "bar", "height": 22, "color": LIGHT}, "encoding": {"y": y}}
    text = {"type": "text", "align": "left"}
    return vega_lite(
        figure.journey.question,
        subtitle(figure, TIMES),
        {
            "data": {"values": values},
            "width": PLOT,
            "height": {"step": 50},
            "layer": [
                whole | {"encoding": {"y": y, "x": {"datum": 1, **_without_field(SHARE)}}},
                {
                    "mark": {"type": "bar", "height": 22, "color": BLUE},
                    "encoding": {"x": SHARE, "y": y, "tooltip": TOOLTIP},
                },
                {
                    "mark": {**text, "dx": 10, "fontWeight": "bold"},
                    "encoding": {"x": {"value": PLOT}, "y": y, "text": {"field": "caption"}},
                },
                {
                    "transform": [{"filter": "datum.took"}],
                    "mark": {**text, "dy": -19, "dx": 1, "color": QUIET, "fontSize": SIZE - 1},
                    "encoding": {"x": {"value": 0}, "y": y, "text": {"field": "took"}},
                },
            ],
        },
    )


def draw_funnel_by(figure: Figure) -> Picture:
    """A group for each step, in it a bar for each value: values are compared step by step."""
    rows, notes = first_rows(figure, 400)
    steps = len(figure.asked["steps"])
    splits = list(dict.fromkeys(row["value"] for row in rows))
    label_of = dict(zip(splits, distinct(splits), strict=True))
    values: list[dict[str, Any]] = []
    for number, row in enumerate(rows):
        # A row for each step, in order, value by value.
        value = _value(row, number % steps + 1)
        took = f" · {value['took']}" if value["took"] else ""
        values.append(
            {**value, "value": label_of[row["value"]], "caption": f"{value['caption']}{took}"}
        )
    y = {
        "field": "value",
        "type": "nominal",
        "sort": list(label_of.values()),
        "axis": {"title": None},
    }
    groups = list(dict.fromkeys(value["step"] for value in values))
    header = {"labelOrient": "top", "labelAnchor": "start", "labelPadding": 4}
    return vega_lite(
        figure.journey.question,
        subtitle(figure, TIMES, *notes),
        {
            "data": {"values": values},
            "facet": {"row": {"field": "step", "sort": groups, "title": None, "header": header}},
            "spacing": 16,
            "spec": {
                "width": PLOT,
                "height": {"step": ROW - 4},
                "layer": [
                    {
                        "mark": {"type": "bar", "height": {"band": 0.72}, "color": LIGHT},
                        "encoding": {"y": y, "x": {"datum": 1, **_without_field(SHARE)}},
                    },
                    {
                        "mark": {"type": "bar", "height": {"band": 0.72}, "color": BLUE},
                        "encoding": {
                            "x": SHARE,
                            "y": y,
                            "tooltip": [{"field": "value"}, *TOOLTIP],
                        },
                    },
                    {
                        "mark": {"type": "text", "align": "left", "dx": 10},
                        "encoding": {"x": {"value": PLOT}, "y": y, "text": {"field": "caption"}},
                    },
                ],
            },
        },
    )


def _value(row: Mapping[str, Any], number: int) -> dict[str, Any]:
    took = row["median_seconds"]
    return {
        "step": f"{number}. {clean(row['event'])}",
        "customers": row["customers"],
        "share": row["share"],
        "caption": f"{percent(row['share'])} · {count(row['customers'])}",
        "took": None if took is None else f"↓ {duration(took)}",
    }


def _without_field(encoding: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in encoding.items() if name != "field"}
