"""The partition of a snapshot into groups that are settled one after the other.

A group is a few whole components and whatever else the customers of these hold. A component
ends at super-connectors. One that the policy releases, since it no longer has too many links,
lies inside a group, and is settled last.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Final

from identity_service.domain.disjoint_sets import DisjointSets
from identity_service.domain.judgements import Judgement, Verdict
from identity_service.domain.policies.policy import Policy
from identity_service.domain.preview.snapshot import Snapshot
from identity_service.domain.resolution.id_register import RegisteredId

GROUP_SIZE: Final = 3_000
"""Identifiers of one group, unless a component holds more."""

_NO_GROUP: Final = -1


@dataclass(slots=True)
class Group:
    """Positions in the snapshot, and numbers of its links.

    `members` are settled. `withheld` are what their customers held besides, and the policy
    withholds now. `released` are members that were super-connectors and no longer are. `links`
    lead from members to members or to super-connectors, which may belong to other groups;
    `withheld_links` have at least one withheld end.
    """

    members: list[int] = field(default_factory=list[int])
    withheld: list[int] = field(default_factory=list[int])
    released: set[int] = field(default_factory=set[int])
    links: list[int] = field(default_factory=list[int])
    withheld_links: list[int] = field(default_factory=list[int])
    judgements: list[Judgement] = field(default_factory=list[Judgement])
    register: list[RegisteredId] = field(default_factory=list[RegisteredId])


@dataclass(slots=True)
class Partition:
    """Groups, and what is skipped since its component is too large.

    `super_connectors`: those that remain ones under the policy. `over_connected`: how many
    components hold more identifiers than the policy allows; `skipped`: the positions in these.
    """

    groups: list[Group]
    super_connectors: set[int]
    over_connected: int
    skipped: set[int]


def partition(snapshot: Snapshot, policy: Policy, withheld: set[int]) -> Partition:
    """Partition a snapshot. `withheld`: positions of what the policy withholds."""
    stored = snapshot.super_connectors - withheld
    neighbours = _neighbours(stored, snapshot, withheld)
    released = {i for i in stored if not _has_too_many(len(neighbours[i]), i, snapshot, policy)}
    remaining = stored - released
    sets = DisjointSets(range(len(snapshot.identifiers)))
    sets.join_all(_links_between_others(withheld | stored, snapshot))
    sets.join_all(_judged_the_same(snapshot, withheld))
    without_released = sets.roots()
    component = _with_released(without_released, released, remaining, neighbours)
    too_large = _too_large(component, snapshot, withheld, neighbours, remaining, policy)
    if too_large:
        # What would be too large only with super-connectors in it is settled without them.
        released = {i for i in released if component[i] not in too_large}
        remaining = stored - released
        component = [
            without_released[i] if root in too_large else root for i, root in enumerate(component)
        ]
        too_large = _too_large(component, snapshot, withheld, neighbours, remaining, policy)
    skipped = {i for i, root in enumerate(component) if root in too_large}
    groups = _groups(snapshot, component, withheld, skipped)
    group_of = _group_of(snapshot, groups)
    _assign_links(snapshot, groups, group_of, withheld, remaining)
    _assign_register_and_judgements(snapshot, groups, group_of)
    for group in groups:
        group.released = released.intersection(group.members)
    return Partition(groups, remaining, len(too_large), skipped)


def _neighbours(of: set[int], snapshot: Snapshot, withheld: set[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {i: [] for i in of}
    if found:
        for a, b in zip(snapshot.links.a, snapshot.links.b, strict=True):
            if a in of and b not in withheld:
                found[a].append(b)
            if b in of and a not in withheld:
                found[b].append(a)
    return found


def _has_too_many(links: int, position: int, snapshot: Snapshot, policy: Policy) -> bool:
    rule = policy.rule_of(snapshot.identifiers[position].type)
    links += snapshot.links_beyond.get(position, 0)
    return rule is not None and rule.max_links is not None and links > rule.max_links


def _links_between_others(excluded: set[int], snapshot: Snapshot) -> Iterator[tuple[int, int]]:
    ends = zip(snapshot.links.a, snapshot.links.b, strict=True)
    if not excluded:
        return ends
    return ((a, b) for a, b in ends if a not in excluded and b not in excluded)


def _judged_the_same(snapshot: Snapshot, withheld: set[int]) -> list[tuple[int, int]]:
    judged = [j for j in snapshot.judgements if j.verdict is Verdict.SAME]
    position = snapshot.positions(i for j in judged for i in (j.a, j.b))
    ends = [(position[j.a], position[j.b]) for j in judged if {j.a, j.b} <= position.keys()]
    return [(a, b) for a, b in ends if a not in withheld and b not in withheld]


def _with_released(
    component: list[int],
    released: set[int],
    remaining: set[int],
    neighbours: dict[int, list[int]],
) -> list[int]:
    """The components, joined by the super-connectors that are released."""
    if not released:
        return component
    sets = DisjointSets(component)
    sets.join_all((i, other) for i in released for other in neighbours[i] if other not in remaining)
    return sets.roots()


def _too_large(
    component: list[int],
    snapshot: Snapshot,
    withheld: set[int],
    neighbours: dict[int, list[int]],
    super_connectors: set[int],
    policy: Policy,
) -> set[int]:
    """Roots of components that hold too many identifiers or links.

    Adjacent super-connectors are included.
    """
    sizes = Counter(component)
    adjacent = {(component[other], i) for i in super_connectors for other in neighbours[i]}
    for root, i in adjacent:
        sizes[root] += component[i] != root
    too_large = {root for root, size in sizes.items() if size > policy.max_component}
    if len(snapshot.links.a) > policy.max_component_links:
        links = Counter(
            component[b if a in super_connectors else a]
            for a, b in _links_between_others(withheld, snapshot)
        )
        too_large |= {root for root, n in links.items() if n > policy.max_component_links}
    return too_large


def _groups(
    snapshot: Snapshot, component: list[int], withheld: set[int], skipped: set[int]
) -> list[Group]:
    sets = DisjointSets(component)
    first_of: dict[str, int] = {}
    sets.join_all(
        (first_of.setdefault(customer, i), i)
        for i, customer in enumerate(snapshot.customer_of)
        if customer and i not in skipped
    )
    sets.join_all(
        (first_of[entry.id], anchor)
        for entry, anchor in zip(snapshot.register, snapshot.anchors, strict=True)
        if snapshot.customer_of[anchor] != entry.id and entry.id in first_of
        if anchor not in skipped
    )
    members_of: dict[int, list[int]] = {}
    for i, root in enumerate(sets.roots()):
        if i not in skipped:
            members_of.setdefault(root, []).append(i)
    groups = [Group()]
    for some in members_of.values():
        group = groups[-1]
        if len(group.members) + len(group.withheld) >= GROUP_SIZE:
            groups.append(group := Group())
        if withheld:
            group.withheld += [i for i in some if i in withheld]
            group.members += [i for i in some if i not in withheld]
        else:
            group.members += some
    return groups


def _group_of(snapshot: Snapshot, groups: list[Group]) -> array[int]:
    group_of = array("i", repeat(_NO_GROUP, len(snapshot.identifiers)))
    for number, group in enumerate(groups):
        for i in group.members:
            group_of[i] = number
        for i in group.withheld:
            group_of[i] = number
    return group_of


def _assign_links(
    snapshot: Snapshot,
    groups: list[Group],
    group_of: Sequence[int],
    withheld: set[int],
    super_connectors: set[int],
) -> None:
    """Each link to the group that decides on it. One between super-connectors joins nothing."""
    for link, (a, b) in enumerate(zip(snapshot.links.a, snapshot.links.b, strict=True)):
        if a in withheld or b in withheld:
            if group_of[a] == group_of[b] != _NO_GROUP:
                groups[group_of[a]].withheld_links.append(link)
            continue
        if a in super_connectors:
            if b in super_connectors:
                continue
            a = b
        if (number := group_of[a]) != _NO_GROUP:
            groups[number].links.append(link)


def _assign_register_and_judgements(
    snapshot: Snapshot, groups: list[Group], group_of: Sequence[int]
) -> None:
    for entry, anchor in zip(snapshot.register, snapshot.anchors, strict=True):
        if (number := group_of[anchor]) != _NO_GROUP:
            groups[number].register.append(entry)
    position = snapshot.positions(i for j in snapshot.judgements for i in (j.a, j.b))
    for judgement in snapshot.judgements:
        a, b = position.get(judgement.a), position.get(judgement.b)
        if a is not None and b is not None and group_of[a] == group_of[b] != _NO_GROUP:
            groups[group_of[a]].judgements.append(judgement)
