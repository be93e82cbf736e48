"""A simulated population with known truth: households of two people who share a tablet."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final

from identity_service.domain.identifiers import Identifier
from identity_service.domain.scoring.truth import PersonEvent

VISITS: Final = 40
"""Visits of each household."""

OWN_DEVICE: Final = 0.85
"""Share of the visits that are made with one's own phone; the others are made with the tablet."""

LOGGED_IN: Final = 0.3
"""Share of the visits of people who log in."""

GIVES_EMAIL: Final = 0.5
"""Share of these that carry an e-mail address too."""


def household_visits(households: int, couples: float, draw: random.Random) -> Iterator[PersonEvent]:
    """Visits, in order of time, of two people with a phone each and a tablet that both use.

    `couples`: the share of the households whose two people give one e-mail address.
    """
    homes = [(home, draw.random() < couples) for home in range(households)]
    for _ in range(VISITS):
        for home, share_an_address in homes:
            who = f"person-{home}-{draw.randrange(2)}"
            own = draw.random() < OWN_DEVICE
            seen = [Identifier("anonymous_id", f"phone-{who}" if own else f"tablet-{home}")]
            if draw.random() < LOGGED_IN:
                seen.append(Identifier("user_id", who))
                if draw.random() < GIVES_EMAIL:
                    address = f"home-{home}" if share_an_address else f"own-{who}"
                    seen.append(Identifier("email", f"{address}@example.com"))
            yield PersonEvent(who, seen)
