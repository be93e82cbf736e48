"""A realistic stream of Segment calls, seeded: mostly returning people, some shared devices."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

RETURNING = 0.93
"""Share of calls that are of somebody who was there before: 13 % of all bring something new."""

SHARED_DEVICES = 0.02
START = 1_780_000_000_000


class Stream:
    """Calls in the order of time, without end; the later ones bring as much that is new.

    People browse with a cookie, some on an app with a device id; half sign up sooner or later;
    people come back, sometimes with a second browser; two devices in a hundred are shared by
    several people of a household or a shop.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._people = 0
        self._known: set[int] = set()
        self._number = 0
        self._prefix = f"s{seed}"

    def take(self, count: int) -> list[dict[str, Any]]:
        """The next calls."""
        return [self._call() for _ in range(count)]

    def _person(self) -> int:
        draw = self._random
        if self._people and draw.random() < RETURNING:
            return draw.randrange(self._people)
        self._people += 1
        return self._people - 1

    def _call(self) -> dict[str, Any]:
        draw = self._random
        self._number += 1
        person = self._person()
        browser = 0 if draw.random() < 0.97 else 1
        at = START + self._number * 50
        call: dict[str, Any] = {
            "messageId": f"{self._prefix}-{self._number}",
            "anonymousId": f"{self._prefix}-a{person}-{browser}",
            "timestamp": _iso(at),
            "context": {
                "library": {"name": "analytics.js", "version": "4.1.0"},
                "page": {"path": "/shop", "url": "https://shop.example/shop"},
                "userAgent": "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0",
            },
        }
        if person % 3 == 0:
            shared = person % 1_000 < SHARED_DEVICES * 1_000
            device = (
                f"{self._prefix}-tablet{person // 1_000}" if shared else f"{self._prefix}-d{person}"
            )
            call["context"]["device"] = {"id": device, "type": "ios"}
        if person in self._known or draw.random() < 0.05:
            self._known.add(person)
            call["userId"] = f"{self._prefix}-u{person}"
        if "userId" in call and draw.random() < 0.05:
            call["type"] = "identify"
            call["traits"] = {"email": f"{self._prefix}-p{person}@example.com", "plan": "pro"}
        else:
            call["type"] = "track"
            call["event"] = draw.choice(("Product Viewed", "Product Added", "Order Completed"))
            call["properties"] = {
                "product": f"sku-{draw.randrange(500)}",
                "price": draw.randrange(100, 9_900) / 100,
                "url": "https://shop.example/p",
            }
        return call


class SignUps:
    """Calls of which every one brings something new: a new cookie, or a new user on a cookie.

    A cookie's user comes `LATER` cookies after it, so that seldom both are under way.
    """

    LATER = 1_000

    def __init__(self) -> None:
        self._number = 0
        self._visitors: deque[int] = deque()

    def take(self, count: int) -> list[dict[str, Any]]:
        """The next calls."""
        return [self._call() for _ in range(count)]

    def _call(self) -> dict[str, Any]:
        self._number += 1
        call: dict[str, Any] = {
            "messageId": f"n-{self._number}",
            "timestamp": _iso(START + self._number * 50),
            "context": {"library": {"name": "analytics.js", "version": "4.1.0"}},
        }
        if len(self._visitors) > self.LATER:
            visitor = self._visitors.popleft()
            return {
                **call,
                "type": "identify",
                "anonymousId": f"n-a{visitor}",
                "userId": f"n-u{visitor}",
                "traits": {"plan": "pro"},
            }
        self._visitors.append(self._number)
        return {
            **call,
            "type": "track",
            "anonymousId": f"n-a{self._number}",
            "event": "Product Viewed",
            "properties": {"product": f"sku-{self._number % 500}", "price": 9.9},
        }


def _iso(at: int) -> str:
    seconds, milliseconds = divmod(at, 1_000)
    days, rest = divmod(seconds, 86_400)
    # Time of day only needs to be right; the calendar is a fixed month of a fixed year.
    day = 1 + (days - START // 86_400_000) % 28
    return (
        f"2026-06-{day:02}T{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}.{milliseconds:03}Z"
    )
