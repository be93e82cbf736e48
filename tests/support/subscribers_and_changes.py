"""Journeys of subscribers and of changed identities in plain Python, as in `journeys`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from statistics import median

from identity_service.domain.recorded import RecordedChange
from tests.support.journeys import Done, Person, Row, reached, share
from tests.support.settled import SettledSpace

KINDS = ("MERGED", "SPLIT", "MOVED", "QUARANTINED", "RELEASED")


def newsletter_to_customer(
    counted: Iterable[Person], subscribed: str, goal: str, within: int, first: int
) -> list[Row]:
    by_channel: dict[str, list[Sequence[Done]]] = defaultdict(list)
    for person in counted:
        through = reached(person, (subscribed, goal), within)
        if through:
            by_channel[through[0].channel or "(direct)"].append(through)
    rows: list[Row] = []
    for channel, began in by_channel.items():
        took = [(each[1].at - each[0].at) / 1000 for each in began if len(each) == 2]
        middle = median(took) if took else None
        rows.append((channel, len(began), len(took), share(len(took), len(began)), middle))
    return sorted(rows, key=lambda row: (-row[2], -row[1], row[0]))[:first]


def changed_identities(
    changes: Iterable[RecordedChange],
    today: SettledSpace,
    those: Collection[str],
    steps: Mapping[str, Sequence[str | None]],
    changed_since: int,
    event: str,
) -> list[Row]:
    """`those` are the customers that count; `steps`: what customers did in the range, by id."""
    named: dict[str, set[str]] = defaultdict(set)
    for change in changes:
        if change.at >= changed_since:
            both = (change.customer_id, change.other_customer_id)
            for customer in filter(None, both):
                heirs = today.retired[customer][1] if customer in today.retired else [customer]
                named[change.kind.value].update(heir for heir in heirs if heir in those)
    named["(any)"] = set[str]().union(*(named[kind] for kind in KINDS))
    everybodys = sum(did.count(event) for did in map(list, steps.values()))
    rows: list[Row] = []
    for kind in (*KINDS, "(any)"):
        times = [list(steps.get(customer, ())).count(event) for customer in named[kind]]
        active = sum(1 for each in times if each)
        rows.append((kind, len(times), active, sum(times), share(sum(times), everybodys)))
    return rows
