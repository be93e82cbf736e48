"""Cutting a snapshot into groups that can be settled one after the other.

A group is a few whole components, as a settlement walks them, and whatever the customers of
these hold besides. The walk ends at super-connectors; to those that no longer are any under the
policy it comes back when all else is settled, so they lie inside a group.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Final

from identity_service.domain.judgements import Judgement, Verdict
from identity_service.domain.policies.policy import Policy
from identity_service.domain.preview.snapshot import Snapshot
from identity_service.domain.resolution.id_register import RegisteredId

GROUP_SIZE: Final = 3_000
"""Identifiers of one group, unless a component holds more."""

_NOWHERE: Final = -1


@dataclass(slots=True)
class Group:
    """Positions in the snapshot, and numbers of its links.

    `absent` ones are blocked by the policy. `released` were super-connectors, `forced` stay
    what they are. `links` lead from members to members or to `forced` identifiers, which may
    belong to other groups; `absent_links` touch absent ones.
    """

    members: list[int] = field(default_factory=list[int])
    absent: list[int] = field(default_factory=list[int])
    released: set[int] = field(default_factory=set[int])
    links: list[int] = field(default_factory=list[int])
    absent_links: list[int] = field(default_factory=list[int])
    judgements: list[Judgement] = field(default_factory=list[Judgement])
    register: list[RegisteredId] = field(default_factory=list[RegisteredId])


@dataclass(slots=True)
class Cut:
    """Groups, and what is too large for any.

    `forced`: super-connectors that remain. `over_connected`: how many components hold more
    identifiers than the policy allows; `left`: the positions that are in no group for that.
    """

    groups: list[Group]
    forced: set[int]
    over_connected: int
    left: set[int]


def cut(snapshot: Snapshot, policy: Policy, absent: set[int]) -> Cut:
    """Cut a snapshot. `absent`: positions of what the policy blocks."""
    connectors = snapshot.super_connectors - absent
    around = _neighbours(connectors, snapshot, absent)
    released = {i for i in connectors if not _has_too_many(len(around[i]), i, snapshot, policy)}
    forced = connectors - released
    walked = _Sets(range(len(snapshot.identifiers)))
    walked.join_all(_walked_links(snapshot, absent | connectors))
    walked.join_all(_judged_the_same(snapshot, absent))
    component = _roots_with(walked, released, forced, around)
    too_large = _too_large(component, around, forced, absent, policy)
    if too_large and released:
        # What would be too large only with super-connectors in it is settled without them.
        released -= {
            super_connector
            for super_connector in released
            if component[super_connector] in too_large
        }
        alone = walked.roots()
        component = [alone[i] if root in too_large else root for i, root in enumerate(component)]
        forced = connectors - released
        too_large = _too_large(component, around, forced, absent, policy)
    left = {i for i, root in enumerate(component) if root in too_large and i not in absent}
    groups = _groups(snapshot, component, absent, left)
    group_of = _group_of(snapshot, groups)
    _put_links(snapshot, groups, group_of, absent, forced)
    _put_register_and_judgements(snapshot, groups, group_of)
    for group in groups:
        group.released = released.intersection(group.members) if released else set()
    return Cut(groups, forced, len(too_large), left)


class _Sets:
    """Disjoint sets of positions."""

    def __init__(self, parent: Iterable[int]) -> None:
        self._parent = list(parent)

    def join_all(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Put both of each pair into one set."""
        parent = self._parent
        for a, b in pairs:
            while parent[a] != a:
                parent[a] = a = parent[parent[a]]
            while parent[b] != b:
                parent[b] = b = parent[parent[b]]
            parent[a] = b

    def roots(self) -> list[int]:
        """By position: equal for two exactly if they are in one set. Later joins change nothing."""
        roots = self._parent
        while (higher := [roots[root] for root in roots]) != roots:
            roots = higher
        return higher


def _walked_links(snapshot: Snapshot, closed: set[int]) -> Iterator[tuple[int, int]]:
    ends = zip(snapshot.links.a, snapshot.links.b, strict=True)
    return ((a, b) for a, b in ends if a not in closed and b not in closed) if closed else ends


def _neighbours(of: set[int], snapshot: Snapshot, absent: set[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {i: [] for i in of}
    if found:
        for a, b in zip(snapshot.links.a, snapshot.links.b, strict=True):
            if a in of and b not in absent:
                found[a].append(b)
            if b in of and a not in absent:
                found[b].append(a)
    return found


def _has_too_many(links: int, position: int, snapshot: Snapshot, policy: Policy) -> bool:
    rule = policy.rule_of(snapshot.identifiers[position].type)
    links += snapshot.links_beyond.get(position, 0)
    return rule is not None and rule.max_links is not None and links > rule.max_links


def _judged_the_same(snapshot: Snapshot, absent: set[int]) -> list[tuple[int, int]]:
    judged = [j for j in snapshot.judgements if j.verdict is Verdict.SAME]
    position = snapshot.positions(i for j in judged for i in (j.a, j.b))
    ends = [(position[j.a], position[j.b]) for j in judged if {j.a, j.b} <= position.keys()]
    return [(a, b) for a, b in ends if a not in absent and b not in absent]


def _roots_with(
    walked: _Sets, released: set[int], forced: set[int], around: dict[int, list[int]]
) -> list[int]:
    """The components once super-connectors are released."""
    if not released:
        return walked.roots()
    together = _Sets(walked.roots())
    together.join_all(
        (super_connector, i)
        for super_connector in released
        for i in around[super_connector]
        if i not in forced
    )
    return together.roots()


def _too_large(
    component: list[int],
    around: dict[int, list[int]],
    forced: set[int],
    absent: set[int],
    policy: Policy,
) -> set[int]:
    """Roots of components that hold too many identifiers; super-connectors beside them count."""
    sizes = Counter(component)
    for i in absent:
        sizes[component[i]] -= 1
    beside = {
        (component[i], super_connector)
        for super_connector in forced
        for i in around[super_connector]
    }
    for root, super_connector in beside:
        sizes[root] += component[super_connector] != root
    return {root for root, size in sizes.items() if size > policy.max_component}


def _groups(
    snapshot: Snapshot, component: list[int], absent: set[int], left: set[int]
) -> list[Group]:
    whole = _Sets(component)
    first_of: dict[str, int] = {}
    whole.join_all(
        (first_of.setdefault(customer, i), i)
        for i, customer in enumerate(snapshot.customer_of)
        if customer and i not in left
    )
    members_of: dict[int, list[int]] = {}
    for i, root in enumerate(whole.roots()):
        if i not in left:
            members_of.setdefault(root, []).append(i)
    groups = [Group()]
    for some in members_of.values():
        group = groups[-1]
        if len(group.members) + len(group.absent) >= GROUP_SIZE:
            groups.append(group := Group())
        if absent:
            group.absent += [i for i in some if i in absent]
            group.members += [i for i in some if i not in absent]
        else:
            group.members += some
    return groups


def _group_of(snapshot: Snapshot, groups: list[Group]) -> array[int]:
    group_of = array("i", repeat(_NOWHERE, len(snapshot.identifiers)))
    for number, group in enumerate(groups):
        for i in group.members:
            group_of[i] = number
        for i in group.absent:
            group_of[i] = number
    return group_of


def _put_links(
    snapshot: Snapshot,
    groups: list[Group],
    group_of: Sequence[int],
    absent: set[int],
    forced: set[int],
) -> None:
    """Each link to the group that decides on it; those that join nothing anyway to none."""
    for link, (a, b) in enumerate(zip(snapshot.links.a, snapshot.links.b, strict=True)):
        if a in absent or b in absent:
            if group_of[a] == group_of[b] != _NOWHERE:
                groups[group_of[a]].absent_links.append(link)
            continue
        if a in forced:
            if b in forced:
                continue
            a = b
        if (number := group_of[a]) != _NOWHERE:
            groups[number].links.append(link)


def _put_register_and_judgements(
    snapshot: Snapshot, groups: list[Group], group_of: Sequence[int]
) -> None:
    for entry, anchor in zip(snapshot.register, snapshot.anchors, strict=True):
        if (number := group_of[anchor]) != _NOWHERE:
            groups[number].register.append(entry)
    position = snapshot.positions(i for j in snapshot.judgements for i in (j.a, j.b))
    for judgement in snapshot.judgements:
        a, b = position.get(judgement.a), position.get(judgement.b)
        if a is not None and b is not None and group_of[a] == group_of[b] != _NOWHERE:
            groups[group_of[a]].judgements.append(judgement)
