"""Comparing what is settled in a space with what a policy makes of its evidence, group by group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count

from identity_service.domain.explain.explanation import Decision, describe_decision
from identity_service.domain.identifiers import Identifier
from identity_service.domain.policies.policy import Policy
from identity_service.domain.policies.value_rules import ValueRules, WithheldValue
from identity_service.domain.preview.partition import Cut, Group, cut
from identity_service.domain.preview.report import (
    MAX_DECIDING,
    CustomerDifference,
    DecidingLink,
    DifferenceList,
    Preview,
    PreviewSummary,
)
from identity_service.domain.preview.snapshot import Snapshot
from identity_service.domain.resolution.changes import Change, ChangeKind
from identity_service.domain.resolution.evidence import Evidence, Link
from identity_service.domain.resolution.id_register import (
    ChangeSet,
    CustomerKind,
    RegisteredId,
    Settled,
    change_set,
)
from identity_service.domain.resolution.resolve import BoundaryState, Resolution, resolve, strength


def preview(snapshot: Snapshot, policy: Policy, values: ValueRules) -> Preview:
    """What a policy would change; `values` are its rules about values.

    The snapshot already holds what events observe again under that policy.
    """
    comparison = Comparison(snapshot, policy, values)
    for group in comparison.groups:
        comparison.take(group)
    return comparison.outcome()


class Comparison:
    """A comparison under way: `take` each of the `groups`, then ask for the `outcome`."""

    def __init__(self, snapshot: Snapshot, policy: Policy, values: ValueRules) -> None:
        self._snapshot = snapshot
        self._policy = policy
        absent = {
            position
            for position, identifier in enumerate(snapshot.identifiers)
            if isinstance(values.identifier(identifier), WithheldValue)
        }
        self._cut: Cut = cut(snapshot, policy, absent)
        self._found = DifferenceList()
        self._new_ids = count(1)
        self._summary = PreviewSummary(over_connected=self._cut.over_connected)
        self._count_left()

    @property
    def groups(self) -> Sequence[Group]:
        """What is to be compared."""
        return self._cut.groups

    def outcome(self) -> Preview:
        """What was found, when all groups were taken."""
        self._summary.differences = self._found.counted
        return Preview(self._summary, self._found.listed(), self._snapshot.reinstated)

    def take(self, group: Group) -> list[Change]:
        """Compare one group; returns what the ledger will tell of it, new ids under other names."""
        settled, evidence, place = self._question(group)
        forced = {i for position, i in place.items() if position in self._cut.forced}
        first_round = frozenset(
            forced | {place[super_connector] for super_connector in group.released}
        )
        size = len(group.members)
        resolution = resolve(evidence, self._policy, BoundaryState(super_connectors=first_round))
        found = change_set(settled, _of_members(resolution, size), self._policy, self._mint)
        changes, after = found.changes, _applied(settled, found)
        if group.released:
            resolution = resolve(
                evidence, self._policy, BoundaryState(super_connectors=frozenset(forced))
            )
            found = change_set(after, _of_members(resolution, size), self._policy, self._mint)
            changes, after = [*changes, *found.changes], _applied(after, found)
        compared = _Compared(
            group, self._snapshot, self._policy, settled, after, evidence, resolution
        )
        self._count(compared, changes)
        self._found.extend(compared.differences())
        return changes

    def _question(self, group: Group) -> tuple[Settled, Evidence, dict[int, int]]:
        """What is settled of the members, and their evidence, in which others may follow."""
        snapshot, links = self._snapshot, self._snapshot.links
        place = {position: i for i, position in enumerate(group.members)}
        ends = [(links.a[number], links.b[number]) for number in group.links]
        for a, b in ends:
            place.setdefault(a, len(place))
            place.setdefault(b, len(place))
        identifiers = [snapshot.identifiers[position] for position in place]
        members = group.members
        settled = Settled(
            identifiers=identifiers[: len(members)],
            customer_of=[snapshot.customer_of[position] for position in members],
            contested=_places(snapshot.contested, members),
            super_connectors=_places(snapshot.super_connectors, members),
            register=group.register,
        )
        evidence = Evidence(
            identifiers=identifiers,
            first_seen=[snapshot.first_seen[position] for position in place],
            links=[
                Link(
                    place[a],
                    place[b],
                    links.first_seen[number],
                    links.last_seen[number],
                    links.times_seen[number],
                )
                for number, (a, b) in zip(group.links, ends, strict=True)
            ],
            judgements=group.judgements,
        )
        return settled, evidence, place

    def _mint(self) -> str:
        return f"new-{next(self._new_ids)}"

    def _count(self, compared: _Compared, changes: Iterable[Change]) -> None:
        summary = self._summary
        summary.ledger.update(change.kind for change in changes)
        summary.customers_before += compared.customers_before
        summary.customers_after += len(compared.after)
        summary.unchanged += compared.unchanged
        summary.kind_changed += compared.kind_changed
        summary.identifiers_moved += compared.identifiers_moved
        summary.identifiers_blocked += compared.identifiers_blocked
        summary.remarked += compared.remarked

    def _count_left(self) -> None:
        """Customers of components that are too large stay as they are."""
        left, snapshot = self._cut.left, self._snapshot
        if left:
            customers = sum(
                1
                for entry, anchor in zip(snapshot.register, snapshot.anchors, strict=True)
                if entry.kind and anchor in left
            )
            self._summary.customers_before += customers
            self._summary.customers_after += customers
            self._summary.unchanged += customers


def _places(marked: set[int], members: Iterable[int]) -> frozenset[int]:
    if not marked:
        return frozenset()
    return frozenset(i for i, position in enumerate(members) if position in marked)


def _of_members(resolution: Resolution, size: int) -> Resolution:
    """The resolution of the first identifiers; the others stand alone."""
    if len(resolution.cluster_of) == size:
        return resolution
    return replace(
        resolution,
        cluster_of=resolution.cluster_of[:size],
        contested=frozenset(i for i in resolution.contested if i < size),
        super_connectors=frozenset(i for i in resolution.super_connectors if i < size),
    )


_NOW = 2**62
"""When what is minted in a comparison is minted: after everything."""


def _applied(settled: Settled, found: ChangeSet) -> Settled:
    """What is settled once a difference was written."""
    customer_of = list(settled.customer_of)
    for i, _, customer in found.moves:
        customer_of[i] = customer
    kinds = dict([*found.minted, *found.revived, *found.kinds])
    retired = dict(found.retired)
    anchors = {customer: settled.identifiers[i] for customer, i in found.anchors}
    register = [_entry_after(entry, kinds, retired, anchors) for entry in settled.register]
    register += [RegisteredId(c, _NOW, anchors[c], kind) for c, kind in found.minted]
    return Settled(
        identifiers=settled.identifiers,
        customer_of=customer_of,
        contested=(settled.contested | set(found.contested)) - set(found.released),
        super_connectors=(settled.super_connectors | set(found.super_connectors))
        - set(found.no_super_connectors),
        register=register,
    )


def _entry_after(
    entry: RegisteredId,
    kinds: Mapping[str, CustomerKind],
    retired: Mapping[str, str | None],
    anchors: Mapping[str, Identifier],
) -> RegisteredId:
    anchor = anchors.get(entry.id, entry.anchor)
    if entry.id in retired:
        return replace(entry, anchor=anchor, kind=None, forwards_to=retired[entry.id])
    if entry.id in kinds:
        return replace(entry, anchor=anchor, kind=kinds[entry.id], forwards_to=None)
    return entry if anchor is entry.anchor else replace(entry, anchor=anchor)


class _Compared:
    """A group before and after. `before` and `after`: by customer, positions in the snapshot."""

    def __init__(
        self,
        group: Group,
        snapshot: Snapshot,
        policy: Policy,
        settled: Settled,
        after: Settled,
        evidence: Evidence,
        resolution: Resolution,
    ) -> None:
        self._group = group
        self._snapshot = snapshot
        self._policy = policy
        self._evidence = evidence
        self._resolution = resolution
        self._kind_before = {e.id: e.kind for e in settled.register if e.kind}
        self._kind_after = {e.id: e.kind for e in after.register if e.kind}
        self._known_ids = {e.id for e in settled.register}
        self._customer_before = settled.customer_of
        self._customer_after = after.customer_of
        blocked = [(i, snapshot.customer_of[i]) for i in group.absent]
        self.before = _by_customer(
            [*zip(group.members, settled.customer_of, strict=True), *blocked]
        )
        self.after = _by_customer(zip(group.members, after.customer_of, strict=True))
        self.customers_before = len(self._kind_before)
        self.identifiers_moved = sum(
            old is not None and old != new
            for old, new in zip(settled.customer_of, after.customer_of, strict=True)
        )
        self.identifiers_blocked = sum(customer is not None for _, customer in blocked)
        self.remarked = len(settled.super_connectors ^ after.super_connectors)
        self._newly_marked = {group.members[i] for i in after.contested - settled.contested}
        self._released = {group.members[i] for i in settled.contested - after.contested}
        self.unchanged = self.kind_changed = 0
        if self._nothing_moves():
            self._differing = list[_Customers]()
            self.unchanged = sum(
                self._kind_before.get(customer) is self._kind_after.get(customer)
                for customer in self.after
            )
            self.kind_changed = len(self.after) - self.unchanged
        else:
            self._differing = [some for some in self._connected() if self._differs(some)]

    def _nothing_moves(self) -> bool:
        return (
            self._customer_before == self._customer_after
            and not self.identifiers_blocked
            and not (self._newly_marked or self._released)
        )

    def _connected(self) -> Iterator[_Customers]:
        """Customers before and after that share identifiers."""
        leads_to: dict[str, set[str]] = {customer: set() for customer in self.before}
        comes_from: dict[str, set[str]] = {customer: set() for customer in self.after}
        for old, new in zip(self._customer_before, self._customer_after, strict=True):
            if old is not None and new is not None:
                leads_to[old].add(new)
                comes_from[new].add(old)
        met: set[str] = set()
        for start in self.after:
            if start not in met:
                met.add(start)
                yield _reached([start], met, leads_to, comes_from)
        for old, new in leads_to.items():
            if not new:
                yield _Customers([old], [])

    def _differs(self, some: _Customers) -> bool:
        """Whether they are to be told; counts those that are not."""
        if not self._is_same(some) or self._changes_mark(some):
            return True
        [customer] = some.after
        if self._kind_before.get(customer) is self._kind_after.get(customer):
            self.unchanged += 1
        else:
            self.kind_changed += 1
        return False

    def _is_same(self, some: _Customers) -> bool:
        return some.before == some.after and all(
            set(self.before[customer]) == set(self.after[customer]) for customer in some.after
        )

    def _changes_mark(self, some: _Customers) -> bool:
        if not (self._newly_marked or self._released):
            return False
        members = self.after[some.after[0]]
        return any(i in self._newly_marked or i in self._released for i in members)

    def _kind_of(self, some: _Customers) -> ChangeKind:
        if self._is_same(some):
            marked = any(i in self._newly_marked for i in self.after[some.after[0]])
            return ChangeKind.QUARANTINED if marked else ChangeKind.RELEASED
        match len(some.before), len(some.after):
            case 0, _:
                return ChangeKind.CREATED
            case 1, 1:
                return self._kind_of_one(some.before[0], some.after[0])
            case _, 1:
                return ChangeKind.MERGED
            case 1, _:
                return ChangeKind.SPLIT
            case _:
                return ChangeKind.MOVED

    def _kind_of_one(self, before: str, after: str) -> ChangeKind:
        if not set(self.before[before]) <= set(self.after[after]):
            return ChangeKind.SPLIT
        if before == after:
            return ChangeKind.CREATED
        return ChangeKind.MERGED

    def differences(self) -> Iterator[CustomerDifference]:
        """What is to be told."""
        if not self._differing:
            return
        deciding = self._deciding()
        for some in self._differing:
            before = self._strongest_first(some.before, self.before)
            after = self._strongest_first(some.after, self.after)
            ids = [customer for customer, _ in before]
            ids += [c for c, _ in after if c in self._known_ids and c not in ids]
            yield CustomerDifference(
                kind=self._kind_of(some),
                before=tuple(identifiers for _, identifiers in before),
                after=tuple(identifiers for _, identifiers in after),
                customer_ids=tuple(ids),
                deciding_links=self._strongest(deciding.get(some.key, [])),
            )

    def _strongest_first(
        self, customers: Iterable[str], positions: Mapping[str, Sequence[int]]
    ) -> list[tuple[str, tuple[Identifier, ...]]]:
        named = self._snapshot.identifiers
        found = [
            (c, tuple(sorted((named[i] for i in positions[c]), key=self._strength)))
            for c in customers
        ]
        return sorted(found, key=lambda each: self._strength(each[1][0]))

    def _strength(self, identifier: Identifier) -> tuple[float, Identifier]:
        return strength(identifier, self._policy)

    def _deciding(self) -> dict[tuple[str, ...], list[DecidingLink]]:
        """Deciding links by the key of the customers that they decide about."""
        key_of = {
            **{("before", c): some.key for some in self._differing for c in some.before},
            **{("after", c): some.key for some in self._differing for c in some.after},
        }
        found: dict[tuple[str, ...], list[DecidingLink]] = {}
        before, after = self._customer_before, self._customer_after
        size = len(before)
        for number, link in enumerate(self._evidence.links):
            if link.a >= size or link.b >= size:
                continue  # to a super-connector of another customer: joined neither way
            was = before[link.a] is not None and before[link.a] == before[link.b]
            is_now = after[link.a] == after[link.b]
            if was != is_now:
                key = key_of[("after", after[link.a] or "")]
                found.setdefault(key, []).append(self._decided(number, link))
        links, customer_of = self._snapshot.links, self._snapshot.customer_of
        for number in self._group.absent_links:
            customer = customer_of[links.a[number]]
            if customer is not None and customer == customer_of[links.b[number]]:
                key = key_of[("before", customer)]
                found.setdefault(key, []).append(self._unjoined(number))
        return found

    def _decided(self, number: int, link: Link) -> DecidingLink:
        evidence = self._evidence
        decision = describe_decision(number, evidence, self._resolution, self._policy)
        a, b = evidence.identifiers[link.a], evidence.identifiers[link.b]
        return DecidingLink(a, b, *link[2:], decision)

    def _unjoined(self, number: int) -> DecidingLink:
        """A link that an identifier had which the policy blocks."""
        snapshot, links = self._snapshot, self._snapshot.links
        ends = (links.a[number], links.b[number])
        a, b = (snapshot.identifiers[i] for i in ends)
        absent = set(self._group.absent).intersection(ends)
        blocked = sorted(snapshot.identifiers[i] for i in absent)
        message = f"Joins nothing: the policy blocks {' and '.join(map(str, blocked))}."
        seen = (links.first_seen[number], links.last_seen[number], links.times_seen[number])
        return DecidingLink(a, b, *seen, Decision(joined=False, message=message))

    def _strongest(self, links: list[DecidingLink]) -> tuple[DecidingLink, ...]:
        return tuple(sorted(links, key=self._weakness)[:MAX_DECIDING])

    def _weakness(self, link: DecidingLink) -> tuple[float, float, list[Identifier]]:
        """The priority of the weaker end, then of the stronger, then the pair in text order."""
        a, b = self._strength(link.a)[0], self._strength(link.b)[0]
        return (max(a, b), min(a, b), sorted((link.a, link.b)))


@dataclass(frozen=True, slots=True)
class _Customers:
    """Ids of customers as they are, and as they would be."""

    before: list[str]
    after: list[str]

    @property
    def key(self) -> tuple[str, ...]:
        """Tells them from all others of their group."""
        return ("before", self.before[0]) if self.before else ("after", self.after[0])


def _by_customer(positions: Iterable[tuple[int, str | None]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for i, customer in positions:
        if customer is not None:
            found.setdefault(customer, []).append(i)
    return found


def _reached(
    after: list[str],
    met: set[str],
    leads_to: Mapping[str, set[str]],
    comes_from: Mapping[str, set[str]],
) -> _Customers:
    """All that is connected with customers as they would be; `met` gathers these."""
    before: dict[str, None] = {}
    for new in after:  # grows on the way
        for old in sorted(comes_from[new]):
            if old not in before:
                before[old] = None
                more = sorted(leads_to[old] - met)
                met.update(more)
                after.extend(more)
    return _Customers(list(before), after)
