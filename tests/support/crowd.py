"""A crowd around three tablets, written by two processes that meet at every person."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass

from identity_service.domain.events import ReportedEvent
from identity_service.domain.identifiers import Identifier
from tests.support.space import event

TABLETS = 3
LATER = 100_000


@dataclass(frozen=True, slots=True)
class Crowd:
    """Events that come `before`, and those that two processes then write at the same time."""

    before: list[ReportedEvent]
    first: list[ReportedEvent]
    second: list[ReportedEvent]


def crowd(people: int) -> Crowd:
    """Everybody has two cookies, and logs in at a tablet.

    Then the younger cookie is signed up in one process and linked with the older one in the other.
    """
    draw = random.Random(1)  # noqa: S311 - a world, not a secret
    halves: tuple[list[tuple[Identifier, ...]], ...] = ([], [])
    everybody = range(people)
    before = [
        *[(_older(person),) for person in everybody],
        *[(_tablet(draw), _login(person)) for person in everybody],
        *[(_younger(person),) for person in everybody],
    ]
    for person in everybody:
        halves[person % 2].append((_younger(person), _login(person)))
        halves[1 - person % 2].append((_younger(person), _older(person)))
        if draw.random() < 0.3:
            draw.choice(halves).append((_tablet(draw), _login(person)))
    return Crowd(
        _events("before", 0, before), _events("a", LATER, halves[0]), _events("b", LATER, halves[1])
    )


def _events(
    name: str, since: int, happened: Iterable[tuple[Identifier, ...]]
) -> list[ReportedEvent]:
    return [event(f"{name}{n}", since + n, *who) for n, who in enumerate(happened)]


def _older(person: int) -> Identifier:
    return Identifier("anonymous_id", f"cookie-{person}-older")


def _younger(person: int) -> Identifier:
    return Identifier("anonymous_id", f"cookie-{person}-younger")


def _login(person: int) -> Identifier:
    return Identifier("user_id", f"person-{person}")


def _tablet(draw: random.Random) -> Identifier:
    return Identifier("domain_userid", f"tablet-{draw.randrange(TABLETS)}")
