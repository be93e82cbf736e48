"""The customers of one group, before and after: which of them differ, and how."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from identity_service.domain.disjoint_sets import DisjointSets
from identity_service.domain.identifiers import Identifier
from identity_service.domain.policies.policy import Policy
from identity_service.domain.preview.deciding_links import (
    decided_otherwise,
    lost_to_blocking,
    strongest_links,
)
from identity_service.domain.preview.group_settlement import GroupSettlement
from identity_service.domain.preview.partition import Group
from identity_service.domain.preview.report import (
    CustomerDifference,
    DecidingLink,
    PreviewSummary,
)
from identity_service.domain.preview.snapshot import Snapshot
from identity_service.domain.resolution.changes import ChangeKind
from identity_service.domain.resolution.resolve import strength

Members = dict[str, list[int]]
"""By customer, the positions of its identifiers in the snapshot, in one order before and after."""


@dataclass(frozen=True, slots=True)
class RelatedCustomers:
    """Customers before and after that share identifiers, directly or through each other."""

    before: Members
    after: Members


@dataclass(frozen=True, slots=True)
class Marks:
    """Positions of identifiers that became contested, and of those that no longer are."""

    contested: set[int]
    released: set[int]


Differing = tuple[ChangeKind, RelatedCustomers]
"""Related customers that are not the same before and after, and how they differ."""


def compare(
    group: Group, settlement: GroupSettlement, snapshot: Snapshot, policy: Policy
) -> tuple[PreviewSummary, list[CustomerDifference]]:
    """Compare a group with what the policy makes of it."""
    before, after = settlement.before, settlement.after
    blocked = [(i, snapshot.customer_of[i]) for i in group.withheld]
    members_before = _members([*zip(group.members, before.customer_of, strict=True), *blocked])
    members_after = _members(zip(group.members, after.customer_of, strict=True))
    marks = Marks(
        contested={group.members[i] for i in after.contested - before.contested},
        released={group.members[i] for i in before.contested - after.contested},
    )
    differing = _differing(members_before, members_after, marks)
    lost = sum(customer is not None for _, customer in blocked)
    summary = _tally(settlement, members_after, differing, lost)
    return summary, list(_described(differing, group, settlement, snapshot, policy))


def _differing(before: Members, after: Members, marks: Marks) -> list[Differing]:
    if before == after and not marks.contested and not marks.released:
        return []
    classified = [(classify(some, marks), some) for some in related(before, after)]
    return [(kind, some) for kind, some in classified if kind is not None]


def _tally(
    settlement: GroupSettlement,
    members_after: Members,
    differing: Sequence[Differing],
    identifiers_blocked: int,
) -> PreviewSummary:
    before, after = settlement.before, settlement.after
    kinds_before = {entry.id: entry.kind for entry in before.register if entry.kind}
    kinds_after = {entry.id: entry.kind for entry in after.register if entry.kind}
    same = members_after.keys() - {c for _, customers in differing for c in customers.after}
    unchanged = sum(kinds_before.get(c) is kinds_after.get(c) for c in same)
    return PreviewSummary(
        customers_before=len(kinds_before),
        customers_after=len(members_after),
        unchanged=unchanged,
        kind_changed=len(same) - unchanged,
        ledger=Counter(change.kind for change in settlement.changes),
        identifiers_moved=sum(
            old is not None and old != new
            for old, new in zip(before.customer_of, after.customer_of, strict=True)
        ),
        identifiers_blocked=identifiers_blocked,
        remarked=len(before.super_connectors ^ after.super_connectors),
        differences=Counter(kind for kind, _ in differing),
    )


def _members(customer_of: Iterable[tuple[int, str | None]]) -> Members:
    found: Members = {}
    for position, customer in customer_of:
        if customer is not None:
            found.setdefault(customer, []).append(position)
    return found


def related(before: Members, after: Members) -> list[RelatedCustomers]:
    """Customers by those that share identifiers. One that shares none stands alone."""
    before_of = {
        position: number for number, members in enumerate(before.values()) for position in members
    }
    sets = DisjointSets(range(len(before) + len(after)))
    sets.join_all(
        (before_of[position], number)
        for number, members in enumerate(after.values(), start=len(before))
        for position in members
        if position in before_of
    )
    found: dict[int, RelatedCustomers] = {}
    roots = iter(sets.roots())
    for customer, members in before.items():
        found.setdefault(next(roots), RelatedCustomers({}, {})).before[customer] = members
    for customer, members in after.items():
        found.setdefault(next(roots), RelatedCustomers({}, {})).after[customer] = members
    return list(found.values())


def classify(customers: RelatedCustomers, marks: Marks) -> ChangeKind | None:
    """How related customers differ; None: they are the same. `report.KINDS` has the kinds."""
    before, after = customers.before, customers.after
    if before == after:
        [members] = after.values()
        if not marks.contested.isdisjoint(members):
            return ChangeKind.QUARANTINED
        return None if marks.released.isdisjoint(members) else ChangeKind.RELEASED
    match len(before), len(after):
        case 0, _:
            return ChangeKind.CREATED
        case 1, 1:
            [[old, held], [new, holds]] = *before.items(), *after.items()
            if not set(held) <= set(holds):
                return ChangeKind.SPLIT
            return ChangeKind.CREATED if old == new else ChangeKind.MERGED
        case _, 1:
            return ChangeKind.MERGED
        case 1, _:
            return ChangeKind.SPLIT
        case _:
            return ChangeKind.MOVED


def _described(
    differing: Sequence[Differing],
    group: Group,
    settlement: GroupSettlement,
    snapshot: Snapshot,
    policy: Policy,
) -> Iterator[CustomerDifference]:
    if not differing:
        return
    deciding = _deciding(differing, group, settlement, snapshot, policy)
    registered = {entry.id for entry in settlement.before.register}
    for (kind, customers), links in zip(differing, deciding, strict=True):
        before = _strongest_first(customers.before, snapshot, policy)
        after = _strongest_first(customers.after, snapshot, policy)
        ids = [customer for customer, _ in before]
        ids += [c for c, _ in after if c in registered and c not in ids]
        yield CustomerDifference(
            kind=kind,
            before=tuple(identifiers for _, identifiers in before),
            after=tuple(identifiers for _, identifiers in after),
            customer_ids=tuple(ids),
            deciding_links=strongest_links(links, policy),
        )


def _strongest_first(
    members: Mapping[str, Sequence[int]], snapshot: Snapshot, policy: Policy
) -> list[tuple[str, tuple[Identifier, ...]]]:
    def key(identifier: Identifier) -> tuple[float, Identifier]:
        return strength(identifier, policy)

    named = [
        (customer, tuple(sorted((snapshot.identifiers[i] for i in positions), key=key)))
        for customer, positions in members.items()
    ]
    return sorted(named, key=lambda each: key(each[1][0]))


def _deciding(
    differing: Sequence[Differing],
    group: Group,
    settlement: GroupSettlement,
    snapshot: Snapshot,
    policy: Policy,
) -> list[list[DecidingLink]]:
    """For each difference, the links that decide it."""
    number_before = {c: n for n, (_, some) in enumerate(differing) for c in some.before}
    number_after: dict[str | None, int] = {
        c: n for n, (_, some) in enumerate(differing) for c in some.after
    }
    found: list[list[DecidingLink]] = [[] for _ in differing]
    for customer, link in decided_otherwise(settlement, policy):
        found[number_after[customer]].append(link)
    for customer, link in lost_to_blocking(group, snapshot):
        found[number_before[customer]].append(link)
    return found
