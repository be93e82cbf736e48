"""How many anonymous events reach the right person in simulated households, by preset.

Run: python benchmarks/households.py. The truth is known, so every answer can be marked: the
event's browser belongs to the customer of the person who used it, to that of somebody else, or to
no known person. The peers are the presets that never leave a device to nobody.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

from identity_service.domain.identifiers import Identifier
from identity_service.domain.policies.parse import preset
from identity_service.domain.policies.policy import Policy
from identity_service.domain.resolution.evidence import gather
from identity_service.domain.resolution.resolve import resolve

SEED = 1
HOUSEHOLDS = 2_000
VISITS = 40
PRESETS = ("quarantine", "dominant_owner", "first_owner", "last_login", "merge_all")
MARKS = ("right", "wrong", "nobody")
SHARE_OF_COUPLES = (0.0, 0.2, 1.0)
"""Of all households, those whose two people give one e-mail address."""

OWN_DEVICE = 0.85
LOGGED_IN = 0.3
GIVES_EMAIL = 0.5

Visit = tuple[str, Identifier, list[Identifier]]
"""Who visits, with which browser, and the identifiers of the event."""


def visits(couples: float) -> Iterator[Visit]:
    """Visits of two people with a phone each and a tablet that both use, in order of time."""
    draw = random.Random(SEED)
    homes = [(home, draw.random() < couples) for home in range(HOUSEHOLDS)]
    for _ in range(VISITS):
        for home, share_an_address in homes:
            who = f"{home}-{draw.randrange(2)}"
            own = draw.random() < OWN_DEVICE
            browser = Identifier("anonymous_id", f"phone-{who}" if own else f"tablet-{home}")
            seen = [browser]
            if draw.random() < LOGGED_IN:
                seen.append(Identifier("user_id", who))
                if draw.random() < GIVES_EMAIL:
                    address = f"home-{home}" if share_an_address else f"own-{who}"
                    seen.append(Identifier("email", f"{address}@example.com"))
            yield who, browser, seen


def marked(couples: float, policy: Policy) -> Counter[str]:
    """The anonymous visits that reach the right person, a wrong one, and nobody."""
    happened = list(visits(couples))
    evidence = gather((at, seen) for at, (_, _, seen) in enumerate(happened))
    resolution = resolve(evidence, policy)
    cluster_of = dict(zip(evidence.identifiers, resolution.cluster_of, strict=True))
    people: dict[int, set[str]] = {}
    for identifier, cluster in cluster_of.items():
        if identifier.type == "user_id":
            people.setdefault(cluster, set()).add(identifier.value)
    found: Counter[str] = Counter()
    for who, browser, seen in happened:
        if len(seen) == 1:
            reached = people.get(cluster_of[browser], set())
            right = "right" if reached == {who} else "wrong"
            found[right if reached else "nobody"] += 1
    return found


def main() -> None:
    """Print the table."""
    print(f"Anonymous events of {HOUSEHOLDS:,} households that reach the right person")
    for couples in SHARE_OF_COUPLES:
        print(f"  {couples:.0%} of the couples share an e-mail address")
        for name in PRESETS:
            found = marked(couples, preset(name))
            shares = (f"{found[mark] / found.total():4.0%} {mark}" for mark in MARKS)
            print(f"    {name:15}", "  ".join(shares))


if __name__ == "__main__":
    main()
