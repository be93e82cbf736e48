"""Worlds of devices that everybody uses: most of a component lies behind contested identifiers."""

from __future__ import annotations

import random

from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.policies.policy import Policy, Rule, Sharing
from tests.support.worlds import Event

PERSON, DEVICE = IdentifierKind.PERSON, IdentifierKind.DEVICE
QUARANTINE = Sharing.QUARANTINE


def busy_devices(seed: int) -> tuple[list[Event], Policy]:
    """Four to fourteen people around two tablets, with a policy that quarantines these."""
    draw = random.Random(seed)  # noqa: S311 - a world, not a secret
    return _events(draw), _policy(draw, with_dominance=seed % 4 == 3)


def _events(draw: random.Random) -> list[Event]:
    people, happened = draw.randint(4, 14), list[Event]()
    for moment in range(draw.randint(40, 90)):
        person = draw.randrange(people)
        who: list[tuple[str, str]] = []
        if draw.random() < 0.5:
            who.append(("user", f"u{person}"))
        if draw.random() < 0.15:
            # One's own address, that of a couple, or one that everybody may use.
            who.append(("mail", f"m{draw.choice([person, person, person // 2 * 2, 0])}"))
        if draw.random() < 0.6:
            who.append(("cookie", f"c{person}.{draw.randrange(3)}"))
        if draw.random() < 0.5:
            who.append(("tablet", f"t{draw.randrange(2)}"))
        if draw.random() < 0.15:
            who.append(("ga", f"g{person}" if draw.random() < 0.8 else "g"))
        if draw.random() < 0.05:
            who.append(("odd", f"o{person % 3}"))
        if who:
            at = moment if draw.random() < 0.8 else draw.randrange(100)
            happened.append((at, tuple(Identifier(*each) for each in who)))
    return happened


def _policy(draw: random.Random, *, with_dominance: bool) -> Policy:
    limit = draw.choice([None, 1, 2, 3])
    return Policy(
        {
            "user": Rule(1, PERSON, 1, shared=QUARANTINE),
            "mail": Rule(2, PERSON, draw.choice([None, 2]), shared=QUARANTINE),
            "tablet": Rule(
                draw.choice([3, 6]),
                DEVICE,
                draw.choice([None, 2]),
                shared=QUARANTINE,
                owners=draw.choice([1, 1, 1, 2]),
                dominance=0.6 if with_dominance else None,
                max_links=draw.choice([None, None, 25]),
            ),
            "cookie": Rule(
                4,
                DEVICE,
                limit,
                within=draw.choice([None, 20]) if limit else None,
                shared=draw.choice([QUARANTINE, QUARANTINE, Sharing.LATEST, Sharing.FIRST]),
            ),
            "ga": Rule(5, DEVICE, draw.choice([None, 1, 2]), shared=QUARANTINE),
        },
        other=draw.choice([None, Rule(9, DEVICE, 2, shared=QUARANTINE)]),
        max_identifiers=draw.choice([None, None, 4, 8]),
    )
