"""The resolution function: which identifiers are one customer, and why the others are not.

Pure: evidence, judgements and a policy go in; clusters, contested identifiers,
super-connectors and a reason for every refused link come out. The rules are numbered as on
the page *How resolution decides* of the documentation; rules 4 and 7 live in `clusters`,
rule 6 in `sharing`, rule 1 in `values`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf

from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.policies.policy import MAX_PRIORITY, Order, Policy, Rule, Sharing
from identity_service.domain.resolution.clusters import (
    NOT_LISTED,
    SUPER_CONNECTOR,
    UNCONFIRMED,
    Clusters,
    Ends,
    Refusal,
)
from identity_service.domain.resolution.evidence import Evidence, Link
from identity_service.domain.resolution.shared_identifiers import SharedIdentifiers


@dataclass(frozen=True, slots=True)
class BoundaryState:
    """What is known of identifiers whose links lie partly outside the evidence.

    Positions of identifiers that the links outside already make contested, or
    super-connectors, whatever the evidence says.
    """

    contested: frozenset[int] = frozenset()
    super_connectors: frozenset[int] = frozenset()


NO_BOUNDARY = BoundaryState()


@dataclass(frozen=True, slots=True)
class Resolution:
    """The outcome, by position in the evidence.

    `cluster_of` is equal for two identifiers exactly if they are one customer. `given` names,
    for an identifier that dominance gave to one of several owners, a member of that owner.
    `refusals` has an entry for every link that joins nothing; the others are joined. `taken`
    names the links of rule 5 in the order in which they were taken. `overruled` names links that
    join nothing by themselves either, but whose ends came together by other ways.
    """

    cluster_of: list[int]
    contested: frozenset[int]
    super_connectors: frozenset[int]
    given: dict[int, int]
    refusals: dict[int, Refusal]
    taken: list[int]
    overruled: frozenset[int] = frozenset()

    def clusters(self) -> list[list[int]]:
        """The partition: positions by cluster, each ascending."""
        found: dict[int, list[int]] = {}
        for position, root in enumerate(self.cluster_of):
            found.setdefault(root, []).append(position)
        return list(found.values())


def resolve(evidence: Evidence, policy: Policy, outside: BoundaryState = NO_BOUNDARY) -> Resolution:
    """Decide which identifiers are one customer. The order of the evidence does not matter."""
    links = evidence.links
    types = [identifier[0] for identifier in evidence.identifiers]
    rules = {kind: policy.rule_of(kind) for kind in set(types)}
    clusters = Clusters(evidence, types, rules, policy.max_identifiers)
    judged = clusters.take_judgements(evidence.judgements)
    super_connectors = _super_connectors(links, types, rules) | outside.super_connectors
    priority = _priority_by_position(types, rules, super_connectors)
    limited = _of_limited_sources(links, policy)
    plan = _plan(links, policy.order, rules, priority, super_connectors, limited)
    shared = SharedIdentifiers(clusters, evidence, rules, plan.levels, plan.ends, judged)
    for position in outside.contested - judged - super_connectors:
        shared.contest(position)
    refusals, taken = plan.refusals, list[int]()
    for rule, numbers in plan.levels:
        late: Collection[int] = ()
        if rule and rule.shared is Sharing.QUARANTINE:
            late = shared.decide(rule, plan.to_stronger(numbers))
        plan.sort(numbers, shared.special, late, evidence)
        clusters.take(numbers, plan.ends, refusals)
        taken += numbers
    roots = clusters.roots()
    overruled = {k for k in refusals if roots[links[k].a] == roots[links[k].b]}
    return Resolution(
        cluster_of=roots,
        contested=frozenset(shared.contested),
        super_connectors=frozenset(super_connectors),
        given=clusters.owner_of,
        # Links between members of one customer are joined, by whatever way they came together.
        refusals={k: why for k, why in refusals.items() if k not in overruled},
        taken=taken,
        overruled=frozenset(overruled),
    )


def strength(identifier: Identifier, policy: Policy) -> tuple[float, Identifier]:
    """A sort key: the stronger the identifier, the smaller. Types not listed come last."""
    rule = policy.rule_of(identifier.type)
    return (rule.priority if rule else inf, identifier)


def strongest(identifiers: Sequence[Identifier], policy: Policy) -> Identifier:
    """The identifier that an event belongs to (rule 8), of at least one."""
    if len(identifiers) == 1:
        return identifiers[0]
    return min(identifiers, key=lambda identifier: strength(identifier, policy))


def _super_connectors(
    links: Sequence[Link], types: Sequence[str], rules: Mapping[str, Rule | None]
) -> set[int]:
    """Rule 2: identifiers with more distinct neighbours than their type allows."""
    most = {kind: rule.max_links for kind, rule in rules.items() if rule and rule.max_links}
    if not most:
        return set()
    neighbours = [0] * len(types)
    for a, b, *_ in links:
        neighbours[a] += 1
        neighbours[b] += 1
    return {
        position
        for position, count in enumerate(neighbours)
        if count > most.get(types[position], count)
    }


def _of_limited_sources(links: Sequence[Link], policy: Policy) -> frozenset[int]:
    """The links that only limited sources saw, none of them with a proof, by their numbers."""
    limited = policy.limited_sources
    if not limited:
        return frozenset()
    return frozenset(n for n, link in enumerate(links) if link.claim and link.claim <= limited)


_MORE_THAN_ANY_SUM = 2 * MAX_PRIORITY + 1


@dataclass(frozen=True, slots=True)
class _Plan:
    """Which links are taken at which level, and in which order inside it (rule 5).

    `levels`: numbers of links, strongest level first, each with the rule of its weaker ends;
    the one level of `order: time` has none. `keys`: by number, what links of one level are
    sorted by. `refusals`: links that join nothing in any order (rule 2, types not listed, between
    persons by the word of limited sources alone).
    `priority`: by position, 0 where no link joins anything. `limited`: links of limited sources.
    """

    levels: list[tuple[Rule | None, list[int]]]
    ends: Ends
    keys: list[int]
    priority: list[int]
    refusals: dict[int, Refusal]
    limited: frozenset[int]

    def to_stronger(self, numbers: Iterable[int]) -> list[int]:
        """Those links whose ends differ in priority."""
        priority, (weaker, stronger) = self.priority, self.ends
        return [n for n in numbers if priority[weaker[n]] != priority[stronger[n]]]

    def sort(
        self,
        numbers: list[int],
        special: Collection[int],
        late: Collection[int],
        evidence: Evidence,
    ) -> None:
        """Bring the links of one level into their order: `late` and what touches `special` last.

        Of each part those come last that only limited sources saw: what fills a limit first is
        what others said too.
        """
        weaker, stronger = self.ends
        last = set(late)
        if special:
            last.update(n for n in numbers if weaker[n] in special or stronger[n] in special)
        others = [n for n in numbers if n not in last]
        numbers[:] = [*self._sorted(others, evidence), *self._sorted(last, evidence)]

    def _sorted(self, numbers: Iterable[int], evidence: Evidence) -> list[int]:
        if not self.limited:
            return self._by_time(numbers, evidence)
        numbers = set(numbers)
        return [
            *self._by_time(numbers - self.limited, evidence),
            *self._by_time(numbers & self.limited, evidence),
        ]

    def _by_time(self, numbers: Iterable[int], evidence: Evidence) -> list[int]:
        keys = self.keys
        found = sorted(numbers, key=keys.__getitem__)
        _sort_ties(found, [keys[number] for number in found], evidence)
        return found


def _plan(
    links: Sequence[Link],
    order: Order,
    rules: Mapping[str, Rule | None],
    priority: list[int],
    super_connectors: Collection[int],
    limited: frozenset[int],
) -> _Plan:
    rule_at = {rule.priority: rule for rule in rules.values() if rule}
    by_time = order is Order.TIME
    persons = {p for p, rule in rule_at.items() if rule.kind is IdentifierKind.PERSON}
    latest = {p for p, rule in rule_at.items() if rule.shared is Sharing.LATEST and not by_time}
    count = len(links)
    weaker, stronger, keys = [0] * count, [0] * count, [0] * count
    refusals: dict[int, Refusal] = {}
    levels: dict[int, list[int]] = {priority: [] for priority in sorted(rule_at)}
    for number, (a, b, first_seen, last_seen, _, _) in enumerate(links):
        level, other = priority[a], priority[b]
        if not (level and other):
            connects_too_many = a in super_connectors or b in super_connectors
            refusals[number] = SUPER_CONNECTOR if connects_too_many else NOT_LISTED
            continue
        if number in limited and level in persons and other in persons:
            refusals[number] = UNCONFIRMED
            continue
        if level < other:
            level, other, a, b = other, level, b, a
        weaker[number] = a
        stronger[number] = b
        time = -last_seen if level in latest else first_seen
        # Time, then sum of priorities, as one number: numbers sort faster than tuples.
        keys[number] = time * _MORE_THAN_ANY_SUM + level + other
        levels[level].append(number)
    by_level: list[tuple[Rule | None, list[int]]] = [(rule_at[p], levels[p]) for p in levels]
    if by_time:
        by_level = [(None, [number for numbers in levels.values() for number in numbers])]
    return _Plan(by_level, Ends(weaker, stronger), keys, priority, refusals, limited)


def _priority_by_position(
    types: Iterable[str], rules: Mapping[str, Rule | None], super_connectors: Collection[int]
) -> list[int]:
    by_type = {kind: rule.priority if rule else 0 for kind, rule in rules.items()}
    return [
        0 if position in super_connectors else by_type[kind] for position, kind in enumerate(types)
    ]


def _sort_ties(numbers: list[int], keys: list[int], evidence: Evidence) -> None:
    """Sort those of one key by their pair in text order; `keys` are those of the numbers."""
    if len(set(keys)) == len(keys):
        return
    start = 0
    for end, key in enumerate([*keys, None]):
        if key != keys[start]:
            if end - start > 1:
                tied = numbers[start:end]
                numbers[start:end] = sorted(tied, key=lambda n: _pair(evidence.links[n], evidence))
            start = end


def _pair(link: Link, evidence: Evidence) -> list[Identifier]:
    return sorted((evidence.identifiers[link.a], evidence.identifiers[link.b]))
