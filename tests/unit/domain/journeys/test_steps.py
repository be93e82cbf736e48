from __future__ import annotations

from typing import Any

import pytest

from identity_service.domain.journeys.steps import MAX_STEP, channel_of, step_of
from tests.support.space import event


def told(**fields: Any) -> Any:
    return event("m1", 0, "anonymous_id:a", **fields)


@pytest.mark.parametrize(
    ("fields", "step"),
    [
        ({"type": "track", "name": "Added"}, "Added"),
        ({"type": "track", "name": None}, None),
        ({"type": "page", "name": "Home", "properties": {"path": "/"}}, "Home"),
        ({"type": "page", "name": None, "properties": {"path": "/deep"}}, "/deep"),
        ({"type": "page", "name": None, "context": {"page": {"path": "/seen"}}}, "/seen"),
        ({"type": "page", "name": None}, "(page)"),
        ({"type": "screen", "name": None, "properties": {"path": 7}}, "(screen)"),
        ({"type": "identify", "name": None, "properties": {"path": "/"}}, None),
        ({"type": "track", "name": "x" * 2_000}, "x" * MAX_STEP),
    ],
)
def test_a_step_is_the_name_of_what_somebody_did(fields: dict[str, Any], step: str | None) -> None:
    assert step_of(told(**fields)) == step


@pytest.mark.parametrize(
    ("fields", "channel"),
    [
        ({}, None),
        ({"context": {"campaign": {"source": "google"}}, "name": "Email Session"}, "google"),
        ({"properties": {"utm_source": "partner"}}, "partner"),
        (
            {"properties": {"url": "https://shop.example/?a=1&utm_source=news%20letter#x"}},
            "news letter",
        ),
        ({"context": {"page": {"search": "?utm_source=bing"}}}, "bing"),
        ({"name": "Email Session"}, "email"),
        ({"name": "Email Delivered"}, None),
        ({"properties": {"referrer": "https://www.search.example/q"}}, "search.example"),
        (
            {
                "context": {
                    "page": {
                        "referrer": "https://shop.example/a",
                        "url": "https://www.shop.example/",
                    }
                }
            },
            None,
        ),
        ({"properties": {"referrer": "http://[broken"}}, None),
        ({"context": {"campaign": "none", "page": []}}, None),
    ],
)
def test_a_channel_is_what_brought_somebody_here(
    fields: dict[str, Any], channel: str | None
) -> None:
    assert channel_of(told(**fields)) == channel
