"""The graph of a customer: identifiers in a circle, and the links between them.

The layout is made here; Vega only draws it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from identity_service.domain.identifiers import IdentifierKind
from identity_service.domain.recorded import DecidedLink, SeenIdentifier, SettledCustomer
from identity_service.pictures.picture import Picture
from identity_service.pictures.theme import (
    BLUE,
    GREY,
    ORANGE,
    SIZE,
    TEXT,
    VERMILION,
    WHITE,
    rimmed,
    vega,
)
from identity_service.pictures.words import clean, moment, shortened
from identity_service.services.read.customer_graph import CustomerGraph

MAX_NODES: Final = 300
"""Identifiers of the customer that are drawn for themselves: the strongest."""
ROW: Final = 30
ROOM: Final = 80
"""From one identifier to the next, the least and the most."""
HEIGHT: Final = 260
"""Of a graph with few identifiers."""
WIDTH: Final = 190
"""From the middle to the side."""
FEW: Final = 24
"""Up to as many refused links, each carries its reason."""


@dataclass(slots=True)
class _Node:
    identifier: SeenIdentifier
    member: bool
    x: float = 0
    y: float = 0


def draw_graph(linked: CustomerGraph) -> Picture:
    """The customer's identifiers, and those that were seen with them and are not the customer's."""
    nodes = _nodes(linked.customer, linked.links)
    _place(list(nodes.values()))
    reasons = sum(not link.decision.joined for link in linked.links) <= FEW
    edges = [_edge(nodes[link.a.key], nodes[link.b.key], link, reasons) for link in linked.links]
    ys = [node.y for node in nodes.values()]
    return vega(
        f"Customer {linked.customer.customer_id}",
        _subtitle(linked),
        {
            "width": 2 * WIDTH,
            "height": min(ys) + max(ys),
            "data": [
                {"name": "links", "values": edges},
                {"name": "nodes", "values": [_dot(node) for node in nodes.values()]},
            ],
            "marks": [_links(), *_reasons(), _dots(), *_names()],
        },
    )


def _subtitle(linked: CustomerGraph) -> list[str]:
    customer = linked.customer
    count = customer.identifier_count
    seen = f"seen from {moment(customer.first_seen)} to {moment(customer.last_seen)} UTC"
    lines = [f"{customer.kind} · {count:,} identifier{'s' if count != 1 else ''} · {seen}"]
    if linked.more:
        lines.append(f"only the {len(linked.links)} links that were seen most often are drawn")
    if count > MAX_NODES:
        lines.append(f"only {MAX_NODES} of the identifiers are drawn, and those of the links")
    lines.append("a line: seen together, the wider the more often; dashed: the link was refused")
    lines.append(
        "filled: a person's identifier; ring: a device; orange: contested; grey: not the customer's"
    )
    return lines


def _nodes(customer: SettledCustomer, links: Iterable[DecidedLink]) -> dict[str, _Node]:
    nodes = {each.key: _Node(each, member=True) for each in customer.identifiers[:MAX_NODES]}
    for link in links:
        for end in (link.a, link.b):
            node = nodes.setdefault(end.key, _Node(end, member=False))
            node.member = node.member or link.decision.joined
    return nodes


def _place(nodes: Sequence[_Node]) -> None:
    """Around an ellipse, clockwise from the top: no line runs through a third node.

    They stand in rows as far apart as their names need.
    """
    ordered = sorted(nodes, key=lambda node: not node.member)
    rows = math.ceil(len(ordered) / 2)
    apart = max(ROW, min(ROOM, HEIGHT / rows))
    for number, node in enumerate(ordered):
        right = number < rows
        row = number if right else 2 * rows - 1 - number
        node.y = (row + 0.5) * apart
        height = 2 * (row + 0.5) / rows - 1
        across = WIDTH * math.sqrt(1 - height**2 * 0.8)
        node.x = WIDTH + across if right else WIDTH - across


def _edge(a: _Node, b: _Node, link: DecidedLink, reasons: bool) -> dict[str, Any]:
    """A bow towards the middle. A reason stands nearer to the end that is not the customer's."""
    if b.member and not a.member:
        a, b = b, a
    x, y = (a.x + b.x + 2 * WIDTH) / 4, (a.y + b.y) / 2
    at = (0.09 * a.x + 0.42 * x + 0.49 * b.x, 0.09 * a.y + 0.42 * y + 0.49 * b.y)
    decision = link.decision
    times = "once" if link.times_seen == 1 else f"{link.times_seen:,} times"
    when = f"{moment(link.first_seen)} to {moment(link.last_seen)}"
    return {
        "path": f"M{a.x:.1f},{a.y:.1f}Q{x:.1f},{y:.1f},{b.x:.1f},{b.y:.1f}",
        "colour": BLUE if decision.joined else VERMILION,
        "dash": [] if decision.joined else [5, 4],
        "width": min(1.2 + math.log2(max(link.times_seen, 1)) * 0.8, 7),
        "x": at[0],
        "y": at[1],
        "reason": decision.reason if reasons and decision.reason else "",
        "seen": f"{times}, {when}",
        "ends": f"{clean(a.identifier.identifier)} and {clean(b.identifier.identifier)}",
        "decision": clean(decision.message),
    }


def _dot(node: _Node) -> dict[str, Any]:
    identifier = node.identifier
    colour = ORANGE if identifier.contested else BLUE if node.member else GREY
    ring = identifier.kind is IdentifierKind.DEVICE
    right = node.x >= WIDTH
    return {
        "x": node.x,
        "y": node.y,
        "colour": colour,
        "fill": WHITE if ring else colour,
        "name": f"{clean(identifier.type)}:{shortened(clean(identifier.value))}",
        "side": "left" if right else "right",
        "name_x": node.x + (12 if right else -12),
        "whole": clean(identifier.identifier),
        "seen": f"{moment(identifier.first_seen)} to {moment(identifier.last_seen)}",
    }


def _links() -> dict[str, Any]:
    tooltip = "{title: datum.ends, seen: datum.seen, decision: datum.decision}"
    return {
        "type": "path",
        "from": {"data": "links"},
        "encode": {
            "enter": {
                "path": {"field": "path"},
                "stroke": {"field": "colour"},
                "strokeWidth": {"field": "width"},
                "strokeDash": {"field": "dash"},
                "strokeCap": {"value": "round"},
                "tooltip": {"signal": tooltip},
            },
            "update": {"strokeOpacity": {"value": 0.55}},
            "hover": {"strokeOpacity": {"value": 1}},
        },
    }


def _dots() -> dict[str, Any]:
    return {
        "type": "symbol",
        "from": {"data": "nodes"},
        "encode": {
            "enter": {
                "x": {"field": "x"},
                "y": {"field": "y"},
                "size": {"value": 130},
                "fill": {"field": "fill"},
                "stroke": {"field": "colour"},
                "strokeWidth": {"value": 2.5},
                "tooltip": {"signal": "{title: datum.whole, seen: datum.seen}"},
            }
        },
    }


def _names() -> list[dict[str, Any]]:
    place = {
        "x": {"field": "name_x"},
        "y": {"field": "y"},
        "text": {"field": "name"},
        "align": {"field": "side"},
        "baseline": {"value": "middle"},
    }
    return rimmed("nodes", place, TEXT, opacity=0.85)


def _reasons() -> list[dict[str, Any]]:
    place = {
        "x": {"field": "x"},
        "y": {"field": "y"},
        "text": {"field": "reason"},
        "align": {"value": "center"},
        "baseline": {"value": "middle"},
        "fontSize": {"value": SIZE - 2},
    }
    return rimmed("links", place, VERMILION, opacity=0.85)
