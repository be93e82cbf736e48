"""Flows as a Sankey diagram: steps in columns, between them bands as wide as they have customers.

The layout is made here; Vega only draws it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from identity_service.domain.journeys.journeys import OTHER
from identity_service.pictures.bars import first_rows
from identity_service.pictures.picture import Picture
from identity_service.pictures.theme import GREY, QUIET, SIZE, STEPS, TEXT, rimmed, vega
from identity_service.pictures.words import clean, count, cut, subtitle
from identity_service.services.journeys.figures import Figure

MAX_BANDS: Final = 400
COLUMN: Final = 190
"""From one column to the next."""
NODE: Final = 14
"""Width of a node."""
HEIGHT: Final = 460
"""Height of the customers of the fullest column, without the gaps."""
LINE: Final = 17
"""Height that the label of a node needs."""
GAP: Final = 8
CHARACTERS: Final = 20

_Key = tuple[int, str]


@dataclass(slots=True)
class _Node:
    """A step at a place of the path. What comes in and goes out is stacked from its top."""

    column: int
    name: str
    comes: int = 0
    goes: int = 0
    x: float = 0
    y: float = 0
    height: float = 0
    used: dict[str, float] = field(default_factory=lambda: {"in": 0.0, "out": 0.0})

    @property
    def customers(self) -> int:
        return max(self.comes, self.goes)


def draw_flows(figure: Figure) -> Picture:
    """Columns are places in the path. Where a node is higher than what leaves it, paths end."""
    rows, notes = first_rows(figure, MAX_BANDS)
    nodes = _nodes(rows)
    _place(nodes)
    colours = _colours(nodes.values())
    bands = [_band(nodes, row, colours) for row in _in_order(rows, nodes)]
    boxes = [
        {
            "x": node.x,
            "y": node.y,
            "height": max(node.height, 1),
            "middle": node.y + node.height / 2,
            "colour": colours[node.name],
            "name": clean(node.name),
            "label": cut(clean(node.name), CHARACTERS),
            "customers": node.customers,
            "caption": count(node.customers),
            "ends": node.customers - node.goes,
        }
        for node in nodes.values()
    ]
    columns = sorted({node.column for node in nodes.values()})
    heads = [{"x": _x(c, columns), "head": f"step {number}"} for number, c in enumerate(columns, 1)]
    return vega(
        figure.journey.question,
        subtitle(figure, *notes),
        {
            "width": _x(columns[-1], columns) + NODE,
            "height": max(node.y + node.height for node in nodes.values()),
            "data": [
                {"name": "bands", "values": bands},
                {"name": "nodes", "values": boxes},
                {"name": "heads", "values": heads},
            ],
            "marks": [_bands(), _boxes(), *_labels(), _heads()],
        },
    )


def _nodes(rows: Sequence[Mapping[str, Any]]) -> dict[_Key, _Node]:
    nodes: dict[_Key, _Node] = {}
    for row in rows:
        for column, name, goes in ((row["step"], row["from"], 1), (row["step"] + 1, row["to"], 0)):
            node = nodes.setdefault((column, name), _Node(column, name))
            node.goes += row["customers"] * goes
            node.comes += row["customers"] * (1 - goes)
    return nodes


def _place(nodes: Mapping[_Key, _Node]) -> None:
    """The largest of a column on top, what is folded at the bottom."""
    columns = sorted({node.column for node in nodes.values()})
    in_column = {c: [node for node in nodes.values() if node.column == c] for c in columns}
    fullest = max(sum(node.customers for node in here) for here in in_column.values())
    for column, here in in_column.items():
        y = 0.0
        for node in sorted(here, key=lambda n: (n.name == OTHER, -n.customers, n.name)):
            node.x = _x(column, columns)
            node.height = HEIGHT * node.customers / fullest
            slot = max(node.height, LINE)
            node.y = y + (slot - node.height) / 2
            y += slot + GAP


def _x(column: int, columns: Sequence[int]) -> float:
    return float((column - columns[0]) * COLUMN)


def _in_order(
    rows: Sequence[Mapping[str, Any]], nodes: Mapping[_Key, _Node]
) -> list[Mapping[str, Any]]:
    """Bands so that those which leave or reach a node do not cross there."""
    return sorted(
        rows,
        key=lambda row: (
            row["step"],
            nodes[row["step"], row["from"]].y,
            nodes[row["step"] + 1, row["to"]].y,
        ),
    )


def _band(
    nodes: Mapping[_Key, _Node], row: Mapping[str, Any], colours: Mapping[str, str]
) -> dict[str, Any]:
    source, target = nodes[row["step"], row["from"]], nodes[row["step"] + 1, row["to"]]
    width = source.height * row["customers"] / source.customers
    start, end = source.y + source.used["out"], target.y + target.used["in"]
    source.used["out"] += width
    target.used["in"] += width
    left, right = source.x + NODE, target.x
    middle = (left + right) / 2
    upper = f"M{left:.1f},{start:.1f}C{middle:.1f},{start:.1f},{middle:.1f},{end:.1f}"
    start, lower_end = start + width, end + width
    lower = f"L{right:.1f},{lower_end:.1f}C{middle:.1f},{lower_end:.1f},{middle:.1f},{start:.1f}"
    path = f"{upper},{right:.1f},{end:.1f}{lower},{left:.1f},{start:.1f}Z"
    return {
        "path": path,
        "colour": colours[source.name],
        "from": clean(source.name),
        "to": clean(target.name),
        "customers": row["customers"],
        "caption": f"{count(row['customers'])} customers",
    }


def _colours(nodes: Any) -> dict[str, str]:
    """A colour for each of the most frequent steps, wherever they stand; grey for the others."""
    times: dict[str, int] = defaultdict(int)
    for node in nodes:
        times[node.name] += node.customers
    ranked = sorted((n for n in times if n != OTHER), key=lambda name: (-times[name], name))
    chosen = dict.fromkeys(times, GREY)
    return chosen | dict(zip(ranked, STEPS[:-1], strict=False))


def _bands() -> dict[str, Any]:
    return {
        "type": "path",
        "from": {"data": "bands"},
        "encode": {
            "enter": {
                "path": {"field": "path"},
                "fill": {"field": "colour"},
                "tooltip": {"signal": "datum.from + ' → ' + datum.to + ': ' + datum.caption"},
            },
            "update": {"fillOpacity": {"value": 0.32}},
            "hover": {"fillOpacity": {"value": 0.6}},
        },
    }


def _boxes() -> dict[str, Any]:
    tooltip = (
        "{title: datum.name, customers: format(datum.customers, ','), "
        "'paths that end here': format(datum.ends, ',')}"
    )
    return {
        "type": "rect",
        "from": {"data": "nodes"},
        "encode": {
            "enter": {
                "x": {"field": "x"},
                "y": {"field": "y"},
                "width": {"value": NODE},
                "height": {"field": "height"},
                "fill": {"field": "colour"},
                "tooltip": {"signal": tooltip},
            }
        },
    }


def _labels() -> list[dict[str, Any]]:
    """Names beside their nodes."""
    label = {
        "x": {"field": "x", "offset": NODE + 5},
        "y": {"field": "middle"},
        "text": {"signal": "datum.label + '  ' + datum.caption"},
        "baseline": {"value": "middle"},
    }
    return rimmed("nodes", label, TEXT, opacity=0.75)


def _heads() -> dict[str, Any]:
    return {
        "type": "text",
        "from": {"data": "heads"},
        "encode": {
            "enter": {
                "x": {"field": "x"},
                "y": {"value": -10},
                "text": {"field": "head"},
                "fill": {"value": QUIET},
                "fontSize": {"value": SIZE},
            }
        },
    }
