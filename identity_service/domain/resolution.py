"""The resolution function: which identifiers are one customer, and why the others are not.

Pure: evidence, judgements and a policy go in; clusters, contested identifiers,
super-connectors and a reason for every refused link come out. The rules are numbered as on
the page *How resolution decides* of the documentation; rules 4 and 7 live in `clusters`,
rule 6 in `sharing`, rule 1 in `values`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from identity_service.domain.clusters import NOT_LISTED, SUPER_CONNECTOR, Clusters, Refusal
from identity_service.domain.evidence import Evidence, Link
from identity_service.domain.identifiers import Identifier
from identity_service.domain.policy import MAX_PRIORITY, Order, Policy, Rule, Sharing
from identity_service.domain.sharing import SharedIdentifiers


@dataclass(frozen=True, slots=True)
class Outside:
    """What is known of identifiers whose links lie partly outside the evidence.

    Positions of identifiers that the links outside already make contested, or
    super-connectors, whatever the evidence says.
    """

    contested: frozenset[int] = frozenset()
    super_connectors: frozenset[int] = frozenset()


NOTHING_OUTSIDE = Outside()


@dataclass(frozen=True, slots=True)
class Resolution:
    """The outcome, by position in the evidence.

    `cluster_of` is equal for two identifiers exactly if they are one customer. `given` names,
    for an identifier that dominance gave to one of several owners, a member of that owner.
    `refusals` has an entry for every link that joins nothing; the others are joined. `taken`
    names the links of rule 5 in the order in which they were taken.
    """

    cluster_of: list[int]
    contested: frozenset[int]
    super_connectors: frozenset[int]
    given: dict[int, int]
    refusals: dict[int, Refusal]
    taken: list[int]

    def clusters(self) -> list[list[int]]:
        """The partition: positions by cluster, each ascending."""
        found: dict[int, list[int]] = {}
        for position, root in enumerate(self.cluster_of):
            found.setdefault(root, []).append(position)
        return list(found.values())


def resolve(evidence: Evidence, policy: Policy, outside: Outside = NOTHING_OUTSIDE) -> Resolution:
    """Decide which identifiers are one customer. The order of the evidence does not matter."""
    clusters = Clusters(evidence, policy)
    super_connectors = _super_connectors(evidence.links, clusters.rules) | outside.super_connectors
    judged = clusters.take_judgements(evidence.judgements)
    plan = _plan(evidence, policy, clusters.rules, super_connectors)
    refusals = plan.refusals
    shared = SharedIdentifiers(clusters, evidence.links, plan.counting, judged | super_connectors)
    for position in outside.contested - judged - super_connectors:
        shared.contest(position)
    to_decide = shared.by_level()
    taken: list[int] = []
    for level, positions in plan.levels:
        shared.decide([i for i in to_decide.get(level, ()) if i not in shared.contested])
        taken += _take(positions, evidence.links, clusters, shared.special, refusals)
    find, links = clusters.find, evidence.links
    return Resolution(
        cluster_of=[find(i) for i in range(len(evidence.identifiers))],
        contested=frozenset(shared.contested),
        super_connectors=frozenset(super_connectors),
        given=dict(clusters.owner_of),
        # Links between members of one customer are joined, by whatever way they came together.
        refusals={k: why for k, why in refusals.items() if find(links[k].a) != find(links[k].b)},
        taken=taken,
    )


def strength(identifier: Identifier, policy: Policy) -> tuple[float, Identifier]:
    """A sort key: the stronger the identifier, the smaller. Types not listed come last.

    The strongest identifier of an event is the one that the event belongs to (rule 8).
    """
    rule = policy.rule_of(identifier.type)
    return (rule.priority if rule else float("inf"), identifier)


@dataclass(frozen=True, slots=True)
class _Plan:
    """In which order links are taken, and what can be said of them before any is.

    `levels`: positions of links in the order of rule 5, level by level. `refusals`: links that
    join nothing in any order (rule 2, types not listed). `counting`: by identifier with
    `shared: quarantine`, the links that count for rule 6.
    """

    levels: list[tuple[int, list[int]]]
    refusals: dict[int, Refusal]
    counting: dict[int, list[int]]


def _plan(
    evidence: Evidence,
    policy: Policy,
    rules: Sequence[Rule | None],
    super_connectors: Collection[int],
) -> _Plan:
    by_time = policy.order is Order.TIME
    refusals: dict[int, Refusal] = {}
    levels: dict[int, list[int]] = defaultdict(list)
    counting: dict[int, list[int]] = defaultdict(list)
    keys = [0] * len(evidence.links)
    for position, (a, b, first_seen, last_seen, _) in enumerate(evidence.links):
        rule_a, rule_b = rules[a], rules[b]
        if a in super_connectors or b in super_connectors:
            refusals[position] = SUPER_CONNECTOR
            continue
        if rule_a is None or rule_b is None:
            refusals[position] = NOT_LISTED
            continue
        priority_a, priority_b = rule_a.priority, rule_b.priority
        weaker, weaker_rule = (a, rule_a) if priority_a > priority_b else (b, rule_b)
        time = first_seen
        if not by_time and weaker_rule.shared is Sharing.LATEST:
            time = -last_seen
        # Time, then sum of priorities, as one number: numbers sort faster than tuples.
        keys[position] = time * _MORE_THAN_ANY_SUM + priority_a + priority_b
        levels[0 if by_time else weaker_rule.priority].append(position)
        if priority_a != priority_b and weaker_rule.shared is Sharing.QUARANTINE:
            counting[weaker].append(position)
    for positions in levels.values():
        _sort(positions, keys, evidence)
    return _Plan(sorted(levels.items()), refusals, counting)


_MORE_THAN_ANY_SUM = 2 * MAX_PRIORITY + 1


def _sort(positions: list[int], keys: Sequence[int], evidence: Evidence) -> None:
    """Sort links by key, and those of one key by their pair in text order."""
    positions.sort(key=keys.__getitem__)
    start = 0
    for end in range(1, len(positions) + 1):
        if end == len(positions) or keys[positions[end]] != keys[positions[start]]:
            if end - start > 1:
                positions[start:end] = sorted(
                    positions[start:end], key=lambda i: _pair(evidence.links[i], evidence)
                )
            start = end


def _pair(link: Link, evidence: Evidence) -> tuple[Identifier, Identifier]:
    a, b = evidence.identifiers[link.a], evidence.identifiers[link.b]
    return (a, b) if a < b else (b, a)


def _take(
    positions: Sequence[int],
    links: Sequence[Link],
    clusters: Clusters,
    special: Collection[int],
    refusals: dict[int, Refusal],
) -> list[int]:
    """Take the links of one level, those that touch a contested or given identifier last.

    Returns them in the order in which they were taken.
    """
    if special:
        touching = [i for i in positions if links[i].a in special or links[i].b in special]
        if touching:
            deferred = set(touching)
            positions = [i for i in positions if i not in deferred] + touching
    take = clusters.take
    for position in positions:
        a, b, *_ = links[position]
        refusal = take(a, b)
        if refusal:
            refusals[position] = refusal
    return list(positions)


def _super_connectors(links: Sequence[Link], rules: Sequence[Rule | None]) -> set[int]:
    """Rule 2: identifiers with more distinct neighbours than their type allows."""
    degree = Counter(link.a for link in links)
    degree.update(link.b for link in links)
    limits = {i: rule.max_links for i in degree if (rule := rules[i]) and rule.max_links}
    return {i for i, most in limits.items() if degree[i] > most}
