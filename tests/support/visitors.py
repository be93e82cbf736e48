"""Random visitors of a shop over forty days, with what journeys are hard about."""

from __future__ import annotations

import random
from typing import Any

from identity_service.domain.events import ReportedEvent
from tests.support.space import event

HOUR = 3_600_000
DAY = 24 * HOUR
START = 400 * DAY
END = START + 40 * DAY
MOMENTS = 60
PAGES = ("Home", "Pricing", "Docs")
TRACKS = ("Signed Up", "Added", "Ordered", "Email Session")
CHANNELS = ("google", "partner")


def happened(draw: random.Random) -> list[ReportedEvent]:
    """Three weeks and more of a few people, often at the same instant, some on one device."""
    moments = [START + draw.randrange(40 * DAY // HOUR) * HOUR // 2 for _ in range(MOMENTS)]
    sent: list[ReportedEvent] = []
    for number in range(140):
        person = draw.randrange(12)
        device = "anonymous_id:tablet" if draw.random() < 0.1 else f"anonymous_id:a{person}"
        identifiers = [device]
        if person % 3 == 0 and draw.random() < 0.4:
            identifiers.append(f"user_id:u{person}")
        sent.append(_call(draw, number, moments, identifiers))
    # Two devices of one person, who signs in on both: merged.
    sent.append(event("login-1", START + DAY, "anonymous_id:a1", "user_id:one", name="Signed In"))
    sent.append(event("login-2", START + DAY, "anonymous_id:a2", "user_id:one", name="Signed In"))
    return sent


def _call(
    draw: random.Random, number: int, moments: list[int], identifiers: list[str]
) -> ReportedEvent:
    # Ids that do not sort as they were sent.
    message_id = f"m{draw.randrange(10**6):06}-{number}"
    at = draw.choice(moments)
    properties: dict[str, Any] = {}
    if draw.random() < 0.3:
        properties["utm_source"] = draw.choice(CHANNELS)
    if draw.random() < 0.3:
        properties["plan"] = draw.choice(("pro", "free", 1, 2.5, True))
    kind = draw.choice(("track", "track", "track", "page", "page", "screen", "identify"))
    name: str | None = None
    if kind == "track":
        name = draw.choice(TRACKS) if draw.random() < 0.95 else None
    elif kind == "page" and draw.random() < 0.2:
        properties["path"] = "/deep"
    elif kind != "identify":
        name = draw.choice(PAGES) if draw.random() < 0.9 else None
    return event(
        message_id,
        at,
        *identifiers,
        place=number,
        type=kind,
        name=name,
        properties=properties,
        traits=properties if kind == "identify" else {},
    )
