"""A customer's events across devices: a lane for each device, a shaded band for each session.

Events stand in their order, each as far from the next as any other: on a scale of time, the
minutes of a visit would be one point and the weeks between visits empty.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

from identity_service.domain.identifiers import IdentifierKind
from identity_service.domain.journeys.journeys import SESSION
from identity_service.domain.policies.durations import parse_duration
from identity_service.domain.recorded import SeenIdentifier
from identity_service.domain.timestamps import read_moment
from identity_service.pictures.picture import Picture
from identity_service.pictures.theme import GREY, LIGHT, QUIET, SIZE, STEPS, WHITE, sentence, vega
from identity_service.pictures.words import clean, moment, shortened, subtitle
from identity_service.services.journeys.figures import Figure
from identity_service.services.read.customer_graph import CustomerTimeline

EVENT: Final = 18
"""From one event to the next."""
PAUSE: Final = 10
"""Room between two sessions."""
LANE: Final = 34
OTHERS: Final = "other steps"
LEGEND: Final = "a grey band: a session; the line: from one event to the next"


class Happened(NamedTuple):
    """An event: when (milliseconds), which step, in which lane, and its tooltip."""

    at: int
    step: str
    lane: str
    caption: str


def draw_customer_timeline(lived: CustomerTimeline) -> Picture:
    """The latest events of a customer. A lane is the device of an event, else who it names."""
    customer = lived.customer
    events = [
        Happened(event.at, event.name or f"({event.type})", _lane(carried), event.source)
        for event, carried in lived.events
    ]
    facts = [f"{lived.event_count:,} events"]
    if len(events) < lived.event_count:
        facts.append(f"the latest {len(events):,} are drawn")
    title = f"Customer {customer.customer_id}"
    notes = [" · ".join(facts), LEGEND]
    if not events:
        return sentence(title, [], "There are no events to draw.")
    return draw_timeline(title, notes, events, parse_duration(SESSION))


def draw_path(figure: Figure) -> Picture:
    """The path of one customer. A lane is all that an event carries."""
    rows: list[Any] = sorted(figure, key=lambda row: str(row["at"]))
    events = [
        Happened(read_moment(row["at"]), row["event"], ", ".join(row["identifiers"]), row["source"])
        for row in rows
    ]
    notes = subtitle(figure, LEGEND)
    return draw_timeline(figure.journey.question, notes, events, figure.asked["session"])


def _lane(carried: Sequence[SeenIdentifier]) -> str:
    devices = [each for each in carried if each.kind is IdentifierKind.DEVICE]
    return str((devices or carried)[0].identifier)


def draw_timeline(
    title: str, notes: Sequence[str], events: Sequence[Happened], session: int
) -> Picture:
    """Events, oldest first, at least one. A pause longer than `session`, in ms, ends a session."""
    lanes = {lane: n for n, lane in enumerate(dict.fromkeys(event.lane for event in events))}
    named = [step for step, _ in Counter(event.step for event in events).most_common()]
    shown = [clean(step) for step in named[: len(STEPS)]]
    points: list[dict[str, Any]] = []
    bands: list[dict[str, Any]] = []
    x = 0.0
    for event, began in zip(events, _begins(events, session), strict=True):
        if began:
            x += PAUSE if bands else 0
            bands.append({"x": x, "began": moment(event.at)})
        step = clean(event.step)
        points.append(
            {
                "x": x + EVENT / 2,
                "y": (lanes[event.lane] + 0.5) * LANE,
                "step": step if step in shown else OTHERS,
                "caption": f"{moment(event.at)} UTC · {step} · {clean(event.caption)}",
            }
        )
        x += EVENT
        bands[-1]["end"] = x
    kinds = [*shown, *([OTHERS] if len(named) > len(shown) else [])]
    return vega(
        title,
        notes,
        {
            "width": x,
            "height": LANE * len(lanes),
            "data": [
                {"name": "events", "values": points},
                {"name": "sessions", "values": bands},
                {"name": "lanes", "values": [_name(lane, n) for lane, n in lanes.items()]},
            ],
            "scales": [
                {"name": "step", "type": "ordinal", "domain": kinds, "range": [*STEPS, GREY]},
            ],
            "legends": [_legend()],
            "marks": [_sessions(), _moments(), _names(), _lines(), _events()],
        },
    )


def _begins(events: Sequence[Happened], session: int) -> list[bool]:
    """Of each event, whether a session begins with it."""
    return [True, *(later.at - earlier.at > session for earlier, later in pairwise(events))]


def _name(lane: str, number: int) -> dict[str, Any]:
    kind, colon, value = clean(lane).partition(":")
    return {"y": (number + 0.5) * LANE, "name": f"{kind}{colon}{shortened(value)}"}


def _names() -> dict[str, Any]:
    return {
        "type": "text",
        "from": {"data": "lanes"},
        "encode": {
            "enter": {
                "x": {"value": -10},
                "y": {"field": "y"},
                "text": {"field": "name"},
                "align": {"value": "right"},
                "baseline": {"value": "middle"},
            }
        },
    }


def _legend() -> dict[str, Any]:
    return {
        "fill": "step",
        "orient": "bottom",
        "direction": "horizontal",
        "columns": 5,
        "symbolType": "circle",
        "symbolSize": 110,
        "labelLimit": 180,
        "offset": 16,
    }


def _sessions() -> dict[str, Any]:
    return {
        "type": "rect",
        "from": {"data": "sessions"},
        "encode": {
            "enter": {
                "x": {"field": "x"},
                "x2": {"field": "end"},
                "y": {"value": 0},
                "y2": {"signal": "height"},
                "cornerRadius": {"value": 3},
                "fill": {"value": LIGHT},
            }
        },
    }


def _moments() -> dict[str, Any]:
    """When each session began, upright, so that short ones have room."""
    return {
        "type": "text",
        "from": {"data": "sessions"},
        "encode": {
            "enter": {
                "x": {"signal": "datum.x + 5"},
                "y": {"value": -6},
                "angle": {"value": -55},
                "text": {"field": "began"},
                "fill": {"value": QUIET},
                "fontSize": {"value": SIZE - 1},
            }
        },
    }


def _lines() -> dict[str, Any]:
    """One line through all events: it shows where the customer changes devices."""
    return {
        "type": "line",
        "from": {"data": "events"},
        "encode": {
            "enter": {
                "x": {"field": "x"},
                "y": {"field": "y"},
                "stroke": {"value": GREY},
                "strokeWidth": {"value": 1.2},
            }
        },
    }


def _events() -> dict[str, Any]:
    return {
        "type": "symbol",
        "from": {"data": "events"},
        "encode": {
            "enter": {
                "x": {"field": "x"},
                "y": {"field": "y"},
                "fill": {"scale": "step", "field": "step"},
                "stroke": {"value": WHITE},
                "strokeWidth": {"value": 1},
                "size": {"value": 120},
                "tooltip": {"field": "caption"},
            }
        },
    }
