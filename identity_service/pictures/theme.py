"""How pictures look: one typeface, few colours, as little ink as will do.

The colours are those of Okabe and Ito, which people of every kind of colour vision tell apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from identity_service.pictures.picture import Picture

BLUE: Final = "#0072B2"
ORANGE: Final = "#E69F00"
VERMILION: Final = "#D55E00"
GREY: Final = "#9AA3AD"
LIGHT: Final = "#EDF0F3"
TEXT: Final = "#1F2933"
QUIET: Final = "#616E7C"
WHITE: Final = "#FFFFFF"
FEW_TO_MANY: Final = ("#F3F7FB", "#08519C")
STEPS: Final = (
    BLUE,
    ORANGE,
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    VERMILION,
    "#F0E442",
    "#000000",
)
"""Colours of kinds that have no order; what comes after them is grey."""

FONT: Final = 'Arial, Helvetica, "Liberation Sans", sans-serif'
SIZE: Final = 12
ROW: Final = 26
"""Height of a row: its label and room around it."""
LABEL: Final = 240
"""Width that a label may have before it is cut."""
PLOT: Final = 420
"""Width of what the labels stand beside."""

_CONFIG: Final = {
    "font": FONT,
    "view": {"stroke": None},
    "title": {
        "anchor": "start",
        "frame": "bounds",
        "color": TEXT,
        "fontSize": 17,
        "fontWeight": "bold",
        "subtitleColor": QUIET,
        "subtitleFontSize": SIZE,
        "subtitleLineHeight": 17,
        "subtitlePadding": 6,
        "offset": 18,
        "font": FONT,
        "subtitleFont": FONT,
    },
    "axis": {
        "labelColor": TEXT,
        "labelFontSize": SIZE,
        "labelLimit": LABEL,
        "labelPadding": 8,
        "titleColor": QUIET,
        "titleFontSize": SIZE,
        "titleFontWeight": "normal",
        "domain": False,
        "ticks": False,
        "grid": False,
        "labelFont": FONT,
        "titleFont": FONT,
    },
    "header": {
        "labelColor": TEXT,
        "labelFontSize": SIZE + 1,
        "labelFontWeight": "bold",
        "labelLimit": LABEL + PLOT,
        "title": None,
    },
    "text": {"fontSize": SIZE, "color": TEXT, "font": FONT},
}
_VEGA_CONFIG: Final = {
    "title": _CONFIG["title"],
    "text": {"fontSize": SIZE, "fill": TEXT, "font": FONT},
    "axis": _CONFIG["axis"],
    "legend": {"labelFont": FONT, "titleFont": FONT, "labelFontSize": SIZE},
}
_PADDING: Final = {"left": 16, "right": 24, "top": 16, "bottom": 16}


def vega_lite(title: str, subtitle: Sequence[str], drawn: Mapping[str, Any]) -> Picture:
    """A picture in Vega-Lite."""
    return _picture("vega-lite", title, subtitle, {"config": _CONFIG, **drawn})


def vega(title: str, subtitle: Sequence[str], drawn: Mapping[str, Any]) -> Picture:
    """A picture in Vega."""
    return _picture("vega", title, subtitle, {"autosize": "pad", "config": _VEGA_CONFIG, **drawn})


def _picture(
    language: str, title: str, subtitle: Sequence[str], drawn: Mapping[str, Any]
) -> Picture:
    return Picture(
        title,
        {
            "$schema": f"https://vega.github.io/schema/{language}/v6.json",
            "title": {"text": title, "subtitle": list(subtitle)},
            "background": WHITE,
            "padding": _PADDING,
            **drawn,
        },
    )


def rimmed(
    data: str, text: Mapping[str, Any], colour: str, *, opacity: float
) -> list[dict[str, Any]]:
    """Marks of Vega: text on a white rim, since it stands on lines or bands."""
    rim = {
        "stroke": {"value": WHITE},
        "strokeWidth": {"value": 4},
        "strokeJoin": {"value": "round"},
        "strokeOpacity": {"value": opacity},
    }
    mark = {"type": "text", "from": {"data": data}, "interactive": False}
    return [
        mark | {"encode": {"enter": {**text, **rim}}},
        mark | {"encode": {"enter": {**text, "fill": {"value": colour}}}},
    ]


def sentence(title: str, subtitle: Sequence[str], said: str) -> Picture:
    """A sentence where there is nothing to draw."""
    mark = {"type": "text", "align": "left", "baseline": "top", "fontSize": 15, "color": TEXT}
    return vega_lite(
        title,
        subtitle,
        {
            "width": PLOT,
            "height": 40,
            "data": {"values": [{"said": said}]},
            "mark": mark,
            "encoding": {
                "x": {"value": 0},
                "y": {"value": 0},
                "text": {"field": "said"},
            },
        },
    )
