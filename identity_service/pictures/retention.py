"""Retention: a heat map, a row for each cohort."""

from __future__ import annotations

from typing import Final, cast

from identity_service.pictures.picture import Picture
from identity_service.pictures.theme import FEW_TO_MANY, TEXT, WHITE, sentence, vega_lite
from identity_service.pictures.words import percent, subtitle
from identity_service.services.journeys.figures import Figure

NOT_YET: Final = "There is nothing to draw yet: nobody began more than a week ago."


def draw_retention(figure: Figure) -> Picture:
    """Cohorts from top to bottom, weeks from left to right; the darker, the more came back.

    The first week, in which everybody is there, is shown as the size of the cohort.
    """
    rows = list(figure)
    size = {row["cohort"]: row["customers"] for row in rows if row["week"] == 0}
    later = [row for row in rows if row["week"] != 0 and row["cohort"] in size]
    if not later:
        return sentence(figure.journey.question, subtitle(figure), NOT_YET)
    most = max((row["share"] for row in later if isinstance(row["share"], float)), default=0) or 1
    values = [
        {
            "cohort": f"{row['cohort']} ({size[row['cohort']]:,})",
            "week": row["week"],
            "customers": row["customers"],
            "share": row["share"],
            "caption": percent(cast("float", row["share"])).removesuffix("%"),
        }
        for row in later
    ]
    x = {
        "field": "week",
        "type": "ordinal",
        "axis": {"orient": "top", "title": "weeks later", "labelAngle": 0},
    }
    y = {"field": "cohort", "type": "ordinal", "axis": {"title": None}}
    tooltip = [
        {"field": "cohort"},
        {"field": "week"},
        {"field": "customers", "format": ","},
        {"field": "share", "format": ".1%"},
    ]
    shade = {
        "field": "share",
        "type": "quantitative",
        "legend": None,
        "scale": {"domain": [0, most], "range": list(FEW_TO_MANY)},
    }
    dark = {"test": f"datum.share > {most * 0.65}", "value": WHITE}
    return vega_lite(
        figure.journey.question,
        subtitle(figure, "a row: the week in which customers began, and how many; % of them"),
        {
            "data": {"values": values},
            "width": {"step": 46},
            "height": {"step": 28},
            "encoding": {"x": x, "y": y},
            "layer": [
                {
                    "mark": {"type": "rect", "stroke": WHITE, "strokeWidth": 2},
                    "encoding": {"color": shade, "tooltip": tooltip},
                },
                {
                    "mark": {"type": "text"},
                    "encoding": {
                        "text": {"field": "caption"},
                        "color": {"condition": dark, "value": TEXT},
                    },
                },
            ],
        },
    )
