"""How many anonymous events reach the right person in simulated households, by preset.

Run: python benchmarks/households.py. The truth is known, so every answer can be marked: the
event's browser belongs to the customer of the person who used it, to that of somebody else, or to
no known person. The peers are the presets that never leave a device to nobody.
"""

from __future__ import annotations

import random

from identity_service.domain.policies.parse import preset
from identity_service.domain.policies.policy import Policy
from identity_service.domain.scoring.households import household_visits
from identity_service.domain.scoring.score import EventCounts, score_events

SEED = 1
HOUSEHOLDS = 2_000
PRESETS = ("quarantine", "dominant_owner", "first_owner", "last_login", "merge_all")
SHARE_OF_COUPLES = (0.0, 0.2, 1.0)
"""Of all households, those whose two people give one e-mail address."""


def anonymous_events(couples: float, policy: Policy) -> EventCounts:
    """The anonymous visits that reach the right person, a wrong one, and nobody."""
    visits = list(household_visits(HOUSEHOLDS, couples, random.Random(SEED)))
    return score_events(visits, policy).anonymous_events


def main() -> None:
    """Print the table."""
    print(f"Anonymous events of {HOUSEHOLDS:,} households that reach the right person")
    for couples in SHARE_OF_COUPLES:
        print(f"  {couples:.0%} of the couples share an e-mail address")
        for name in PRESETS:
            found = anonymous_events(couples, preset(name))
            counts = {"right": found.right, "wrong": found.wrong, "nobody": found.nobody}
            shares = (f"{found.share(count):4.0%} {mark}" for mark, count in counts.items())
            print(f"    {name:15}", "  ".join(shares))


if __name__ == "__main__":
    main()
