"""Figures made by hand, as journeys answer them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from identity_service.domain.journeys.journeys import Value, journey
from identity_service.services.journeys.figures import Figure

NOW: Final = 1_773_576_000_000
"""2026-03-15 12:00 UTC."""

STEPS: Final = ("Product Viewed", "Order Completed")

ROWS: Final[dict[str, tuple[dict[str, Any], Sequence[Sequence[Value]]]]] = {
    "last_page_before": (
        {"event": "Signed Up"},
        [("Pricing", 30, 0.75), ("Home", 10, 0.25)],
    ),
    "flows": (
        {},
        [
            (1, "Home", "Pricing", 6),
            (1, "Home", "(other)", 3),
            (1, "Blog", "Pricing", 2),
            (2, "Pricing", "Signed Up", 5),
        ],
    ),
    "funnel": (
        {"steps": STEPS, "within": "7d"},
        [("Product Viewed", 200, 1.0, None), ("Order Completed", 50, 0.25, 5_400.0)],
    ),
    "funnel_by": (
        {"steps": STEPS, "by": "plan"},
        [
            ("free", "Product Viewed", 100, 1.0, None),
            ("free", "Order Completed", 20, 0.2, 60.0),
            ("pro", "Product Viewed", 10, 1.0, None),
            ("pro", "Order Completed", 0, 0.0, None),
        ],
    ),
    "correlation": (
        {"goal": "Order Completed"},
        [("Product Added", 0.8, 4, 1, 0, 5), ("Unsubscribed", -0.3, 0, 3, 4, 3)],
    ),
    "drop_off": ({"silent_for": "14d"}, [("Home", 9, 0.9), ("Blog", 1, 0.1)]),
    "retention": (
        {},
        [
            ("2026-02-23", 0, 10, 1.0),
            ("2026-02-23", 1, 4, 0.4),
            ("2026-02-23", 2, 2, 0.2),
            ("2026-03-02", 0, 20, 1.0),
            ("2026-03-02", 1, 5, 0.25),
        ],
    ),
    "time_to_convert": (
        {"start_event": "Product Viewed", "goal": "Order Completed"},
        [(0, 60, 1, 0.1), (60, 600, 4, 0.4), (600, 3_600, 2, 0.2), (7_776_000, None, 1, 0.1)],
    ),
    "attribution": (
        {"goal": "Order Completed"},
        [("google", 5, 3.0, 1.0, 2.0, 1.5), ("(direct)", 2, 0.0, 2.0, 1.0, 1.5)],
    ),
    "changed_identities": (
        {"changed_since": "2026-03-01", "event": "Order Completed"},
        [("MERGED", 9, 4, 12, 0.12), ("SPLIT", 1, 1, 3, 0.03), ("(any)", 10, 5, 15, 0.15)],
    ),
}
"""Of each journey that is not plain bars of customers: what is asked, and an answer."""


def figure(name: str, rows: Sequence[Sequence[Value]] | None = None, **asked: Any) -> Figure:
    """The figure of a journey, its rows those of `ROWS` unless given."""
    usual, answer = ROWS[name]
    arguments = journey(name).arguments({**usual, **asked}, NOW)
    return Figure(journey(name), arguments, answer if rows is None else rows)
