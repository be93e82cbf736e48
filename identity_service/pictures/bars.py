"""Bars: a row for each name, the most first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from identity_service.domain.journeys.journeys import ColumnType
from identity_service.errors import BadInput
from identity_service.pictures.picture import Picture
from identity_service.pictures.theme import BLUE, LABEL, PLOT, QUIET, ROW, VERMILION, vega_lite
from identity_service.pictures.words import count, distinct, duration, percent, subtitle
from identity_service.services.journeys.figures import Figure

MAX_ROWS: Final = 100
"""Rows that are drawn; the subtitle says so where there are more."""

MODELS: Final = {
    "first_touch": "First touch",
    "last_touch": "Last touch",
    "linear": "Linear",
    "time_decay": "Time decay",
}


def draw_bars(figure: Figure) -> Picture:
    """Any figure that counts something by a name. Raises BadInput for one that does not.

    A bar is the number that the shares are of, which stands before them; else the customers.
    """
    names = [column.name for column in figure.journey.columns if column.type is ColumnType.TEXT]
    numbers = [c.name for c in figure.journey.columns if c.type is not ColumnType.TEXT]
    if not names or not numbers:
        raise BadInput(
            f"The journey {figure.journey.name} has no picture.",
            remedy="Ask for it as a table, CSV, JSON or Parquet.",
        )
    if "share" in numbers[1:]:
        value = numbers[numbers.index("share") - 1]
    else:
        value = "customers" if "customers" in numbers else numbers[0]
    rows, notes = first_rows(figure)
    labels = distinct(" · ".join(str(row[name]) for name in names) for row in rows)
    values = [
        {
            "name": label,
            "number": row[value],
            "caption": _caption(row, value),
        }
        for row, label in zip(rows, labels, strict=True)
    ]
    return vega_lite(figure.journey.question, subtitle(figure, *notes), _bars(values, value))


def draw_correlation(figure: Figure) -> Picture:
    """Phi of each step, to the right where it goes together with the goal, else to the left."""
    rows, notes = first_rows(figure)
    values = [
        {
            "name": label,
            "phi": row["phi"],
            "caption": f"{row['phi']:+.2f}",
            "end": max(_number(row["phi"]), 0),
            **{name: row[name] for name in ("both", "event_only", "goal_only", "neither")},
        }
        for row, label in zip(rows, distinct(row["event"] for row in rows), strict=True)
    ]
    phis = [_number(row["phi"]) for row in rows]
    y = _names(values)
    zero = {"datum": 0, "type": "quantitative", "axis": None}
    x: dict[str, Any] = {
        "field": "phi",
        "type": "quantitative",
        "axis": None,
        "scale": {"domain": [min(0, *phis), max(0, *phis)]},
    }
    tooltip = [
        {"field": "name", "title": "step"},
        {"field": "phi", "format": "+.3f"},
        {"field": "both", "title": "did both"},
        {"field": "event_only", "title": "the step alone"},
        {"field": "goal_only", "title": "the goal alone"},
        {"field": "neither"},
    ]
    colour = {"condition": {"test": "datum.phi < 0", "value": VERMILION}, "value": BLUE}
    note = "phi: +1 where always together, 0 by chance, below 0 seldom"
    return vega_lite(
        figure.journey.question,
        subtitle(figure, note, *notes),
        {
            "data": {"values": values},
            "width": PLOT,
            "height": {"step": ROW},
            "layer": [
                {
                    "mark": {"type": "bar", "height": {"band": 0.66}},
                    "encoding": {"x": x, "y": y, "color": colour, "tooltip": tooltip},
                },
                {"mark": {"type": "rule", "color": QUIET}, "encoding": {"x": zero}},
                {
                    "mark": {"type": "text", "align": "left", "dx": 6},
                    "encoding": {"x": x | {"field": "end"}, "y": y, "text": {"field": "caption"}},
                },
            ],
        },
    )


def draw_attribution(figure: Figure) -> Picture:
    """A column of bars for each way to share out conversions, over the same channels."""
    rows, notes = first_rows(figure)
    values = [
        {
            "name": label,
            "model": said,
            "number": row[model],
            "caption": count(_number(row[model])),
            "customers": row["customers"],
        }
        for row, label in zip(rows, distinct(row["channel"] for row in rows), strict=True)
        for model, said in MODELS.items()
    ]
    models = list(MODELS.values())
    header = {"labelAnchor": "start"}
    most: float = max(_number(row[model]) for row in rows for model in MODELS)
    drawn = _bars(values, "conversions", width=150, most=1.35 * most)
    return vega_lite(
        figure.journey.question,
        subtitle(figure, "conversions that each channel is given, four ways to count", *notes),
        {
            "data": drawn.pop("data"),
            "facet": {
                "column": {"field": "model", "sort": models, "title": None, "header": header}
            },
            "spacing": 24,
            "spec": drawn,
        },
    )


def draw_time_to_convert(figure: Figure) -> Picture:
    """A histogram. Its classes grow with time, so each is as wide as the other."""
    values = [
        {
            "name": _class(row["from_seconds"], row["to_seconds"]),
            "number": row["customers"],
            "caption": percent(_number(row["share"])),
            "share": row["share"],
        }
        for row in figure
    ]
    x = {
        "field": "name",
        "type": "ordinal",
        "sort": None,
        "axis": {"labelAngle": 0, "title": "it took"},
    }
    y = {"field": "number", "type": "quantitative", "axis": None}
    tooltip = [
        {"field": "name", "title": "it took"},
        {"field": "number", "title": "customers", "format": ","},
        {"field": "share", "format": ".1%"},
    ]
    return vega_lite(
        figure.journey.question,
        subtitle(figure, "shares are of all customers who began"),
        {
            "data": {"values": values},
            "width": {"step": 88},
            "height": 240,
            "layer": [
                {
                    "mark": {"type": "bar", "color": BLUE, "width": {"band": 0.9}},
                    "encoding": {"x": x, "y": y, "tooltip": tooltip},
                },
                {
                    "mark": {"type": "text", "dy": -9},
                    "encoding": {"x": x, "y": y, "text": {"field": "caption"}},
                },
            ],
        },
    )


def first_rows(figure: Figure, most: int = MAX_ROWS) -> tuple[list[Mapping[str, Any]], list[str]]:
    """The rows that are drawn, and a note where there are more."""
    rows = list(figure)
    note = [f"the first {most:,} of {len(rows):,} rows"] if len(rows) > most else []
    return rows[:most], note


def _bars(
    values: Sequence[Mapping[str, Any]], meaning: str, width: int = PLOT, most: float | None = None
) -> dict[str, Any]:
    """`number` as a bar and `caption` beside it, for each `name`, in the order of the values."""
    x = {
        "field": "number",
        "type": "quantitative",
        "axis": None,
        "scale": {"domainMin": 0} | ({} if most is None else {"domainMax": most}),
    }
    y = _names(values)
    tooltip = [
        {"field": "name"},
        {"field": "number", "title": meaning},
        {"field": "caption", "title": "that is"},
    ]
    return {
        "data": {"values": list(values)},
        "width": width,
        "height": {"step": ROW},
        "layer": [
            {
                "mark": {"type": "bar", "color": BLUE, "height": {"band": 0.66}},
                "encoding": {"x": x, "y": y, "tooltip": tooltip},
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 6},
                "encoding": {"x": x, "y": y, "text": {"field": "caption"}},
            },
        ],
    }


def _names(values: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    order = list(dict.fromkeys(value["name"] for value in values))
    axis = {"title": None, "labelLimit": LABEL}
    return {"field": "name", "type": "nominal", "sort": order, "axis": axis}


def _caption(row: Mapping[str, Any], value: str) -> str:
    number = count(_number(row[value]))
    return f"{number} · {percent(row['share'])}" if "share" in row else number


def _number(value: Any) -> Any:
    return 0 if value is None else value


def _class(least: Any, below: Any) -> str:
    if below is None:
        return f"over {duration(least)}"
    if not least:
        return f"under {duration(below)}"
    number, unit = duration(least).split(" ")
    shown = duration(below)
    same = unit.removesuffix("s") == shown.split(" ")[1].removesuffix("s")
    return f"{number} to {shown}" if same else f"{number} {unit} to {shown}"
