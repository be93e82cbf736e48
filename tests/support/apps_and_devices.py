"""Journeys of one customer, of devices, apps and accounts in plain Python, as in `journeys`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations, pairwise

from tests.support.journeys import Done, Person, Row, share, walk


def customer_path(
    everybody: Iterable[Person], identifier: str, session: int, first: int
) -> list[Row]:
    """`everybody` has the events of the range; each identifier belongs to one customer."""
    path = [
        event
        for person in everybody
        if any(event.belongs_to == identifier for event in person.events)
        for event in walk(person)
    ][-first:]
    numbers = [1]
    for before, after in pairwise(path):
        numbers.append(numbers[-1] + (after.at - before.at > session))
    return [
        (number, moment(event.at), event.step, event.source, list(event.identifiers))
        for number, event in zip(numbers, path, strict=False)
    ]


def moment(at: int) -> str:
    when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)
    part = f".{when.microsecond // 1000:03}" if when.microsecond else ""
    return when.strftime("%Y-%m-%dT%H:%M:%S") + part + "Z"


def hidden_by_quarantine(
    everybody: Iterable[Person], hidden: Iterable[Person], first: int
) -> list[Row]:
    times: Counter[str | None] = Counter(
        event.step for person in everybody for event in walk(person)
    )
    there = Counter((event.belongs_to, event.step) for person in hidden for event in walk(person))
    rows = [(device, step, n, share(n, times[step])) for (device, step), n in there.items()]
    return sorted(rows, key=lambda row: (-row[2], row[0], str(row[1])))[:first]


def cross_app_users(counted: Iterable[Person], first: int) -> list[Row]:
    apps = [{event.source for event in walk(person)} for person in counted]
    rows: list[Row] = []
    for a, b in combinations(sorted(set[str]().union(*apps)), 2):
        both = sum(1 for each in apps if {a, b} <= each)
        if both:
            rows.append((a, b, both, share(both, sum(1 for each in apps if {a, b} & each))))
    return sorted(rows, key=lambda row: (-row[2], *row))[:first]


def accounts(
    everybody: Mapping[int, Person], counted: Mapping[int, Person], steps: Sequence[str], first: int
) -> list[Row]:
    """`everybody` has all events of the customers that are counted, by the same numbers."""
    members: dict[str, list[list[Done]]] = defaultdict(list)
    for number, person in counted.items():
        did = [event for event in person.events if event.step in steps]
        if did:
            for account in {e.account for e in everybody[number].events if e.account}:
                members[account].append(did)
    rows = [
        (account, len(did), sum(map(len, did)))
        for account, did in members.items()
        if set(steps) <= {event.step for each in did for event in each}
    ]
    return sorted(rows, key=lambda row: (-row[1], -row[2], row[0]))[:first]
