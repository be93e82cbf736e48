"""How fast the resolution function is: a whole space at once, and small components.

Run: python benchmarks/resolution.py [PEOPLE]. The floor is scipy's connected components over
the same links: what it costs to follow links and to refuse none. Processor time, so that
other work on the machine counts as little as possible.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from time import process_time
from typing import Any

import numpy as np
from scipy import sparse  # pyright: ignore[reportMissingTypeStubs]

from identity_service.domain.identifiers import Identifier
from identity_service.domain.policies.parse import preset
from identity_service.domain.resolution.evidence import Evidence, gather
from identity_service.domain.resolution.resolve import resolve

SEED = 1
PEOPLE = 140_000
SESSIONS = 4
SHARED_DEVICES = 0.02
SMALL = (3, 5, 10, 20)
DEFAULT = preset("quarantine")


def space(people: int, *, shuffled: bool) -> Evidence:
    """A space of people with an account, an address, a phone and two browsers.

    One device in fifty is shared by about a hundred people. A million links at 140,000 people.
    In the order of arrival, as a store hands it out, or shuffled: then what belongs together
    lies far apart in memory, which is the worst that can happen.
    """
    draw = random.Random(SEED)
    events: list[tuple[int, list[Identifier]]] = []
    for person in range(people):
        for session in range(SESSIONS):
            seen = [Identifier("anonymous_id", f"a{person}-{session % 2}")]
            if draw.random() < 0.7:
                seen.append(Identifier("user_id", f"u{person}"))
            if draw.random() < 0.5:
                seen.append(Identifier("email", f"e{person}@example.com"))
            if draw.random() < 0.5:
                shared = draw.random() < SHARED_DEVICES
                seen.append(Identifier("ios.id", f"s{person % 100}" if shared else f"i{person}"))
            events.append((len(events) * 1_000, seen))
    if shuffled:
        draw.shuffle(events)
    return gather(events)


def small(links: int) -> Evidence:
    """A customer of an account, an address and as many browsers as it takes."""
    user, mail = Identifier("user_id", "u"), Identifier("email", "e@example.com")
    first = [(0, [user, mail, Identifier("anonymous_id", "a0")])]
    browsers = [Identifier("anonymous_id", f"a{number}") for number in range(1, links - 2)]
    return gather([*first, *((1_000 * n, [user, b]) for n, b in enumerate(browsers, start=1))])


def best_of(rounds: int, work: Callable[[], object], times: int = 1) -> float:
    """Seconds of processor time of the best round, for one time."""
    best = float("inf")
    for _ in range(rounds):
        start = process_time()
        for _ in range(times):
            work()
        best = min(best, (process_time() - start) / times)
    return best


def main(people: int = PEOPLE) -> None:
    """Print the table."""
    for shuffled in (False, True):
        _whole_space(people, shuffled=shuffled)
    print("Small components")
    for count in SMALL:
        component = small(count)
        seconds = best_of(20, lambda component=component: resolve(component, DEFAULT), times=200)
        print(f"  {len(component.links):3} links {seconds * 1e6:26.1f} µs")


def _whole_space(people: int, *, shuffled: bool) -> None:
    evidence = space(people, shuffled=shuffled)
    links, size = len(evidence.links), len(evidence.identifiers)
    ends = np.array([(link.a, link.b) for link in evidence.links])
    scipy: Any = sparse  # it has no type stubs
    graph = scipy.csr_array((np.ones(links, dtype=np.int8), ends.T), shape=(size, size))
    ours = best_of(3, lambda: resolve(evidence, DEFAULT))
    floor = best_of(3, lambda: scipy.csgraph.connected_components(graph, directed=False))
    order = "shuffled" if shuffled else "in order of arrival"
    print(f"Whole space, {order}: {size:,} identifiers, {links:,} links, seed {SEED}")
    print(f"  resolve                    {ours:8.2f} s {links / ours:14,.0f} links/s")
    print(f"  scipy connected_components {floor:8.2f} s {links / floor:14,.0f} links/s")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
