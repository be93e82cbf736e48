"""Pictures: what figures and customers look like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from identity_service.pictures.bars import (
    draw_attribution,
    draw_bars,
    draw_correlation,
    draw_time_to_convert,
)
from identity_service.pictures.frontier import draw_frontier
from identity_service.pictures.funnels import draw_funnel, draw_funnel_by
from identity_service.pictures.graph import draw_graph
from identity_service.pictures.picture import Picture
from identity_service.pictures.retention import draw_retention
from identity_service.pictures.sankey import draw_flows
from identity_service.pictures.theme import sentence
from identity_service.pictures.timeline import draw_customer_timeline, draw_path
from identity_service.pictures.words import subtitle
from identity_service.services.journeys.figures import Figure

__all__ = ["Picture", "draw", "draw_customer_timeline", "draw_frontier", "draw_graph"]

DRAWN: Final[Mapping[str, Callable[[Figure], Picture]]] = {
    "attribution": draw_attribution,
    "correlation": draw_correlation,
    "customer_path": draw_path,
    "flows": draw_flows,
    "funnel": draw_funnel,
    "funnel_by": draw_funnel_by,
    "retention": draw_retention,
    "time_to_convert": draw_time_to_convert,
}
"""How journeys are drawn that are more than bars."""

NOBODY: Final = "There is nothing to draw: nobody fits the question in this range."


def draw(figure: Figure) -> Picture:
    """The picture of a figure. Raises BadInput for a journey that cannot be drawn."""
    if not any(row.get("customers", 1) for row in figure):
        return sentence(figure.journey.question, subtitle(figure), NOBODY)
    return DRAWN.get(figure.journey.name, draw_bars)(figure)
