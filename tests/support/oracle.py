"""A deliberately naive resolution: the page *How resolution decides*, taken literally.

Nothing is kept up to date but the partition; every question is answered from sets each time it
is asked. Quadratic, and shares no rule with the product.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.judgements import Judgement, Verdict
from identity_service.domain.policies.policy import Order, Policy, Rule, Sharing
from identity_service.domain.resolution.evidence import Claim, Evidence
from identity_service.domain.resolution.resolve import Resolution

Event = tuple[int, Iterable[Identifier]] | tuple[int, Iterable[Identifier], Claim]
Cluster = frozenset[Identifier]
Pair = tuple[Identifier, Identifier]


@dataclass(frozen=True)
class Seen:
    """When two identifiers were seen together, in milliseconds, how often, and whose claims it is.

    An event without a claim was proven, or nobody doubts its source.
    """

    first: int
    last: int
    times: int
    claims: tuple[Claim, ...]


@dataclass(frozen=True)
class Refused:
    """Why a link joins nothing; of a limit, the type and its values on both sides.

    Of an `apart`, the two identifiers.
    """

    reason: str
    type: str | None = None
    values: frozenset[Identifier] = frozenset()


@dataclass
class Answer:
    """What the rules say, by identifier."""

    partition: set[Cluster]
    contested: set[Identifier]
    super_connectors: set[Identifier]
    owner_of_given: dict[Identifier, Cluster]
    refused: dict[Pair, Refused]


def answer(
    events: Sequence[Event],
    judgements: Sequence[Judgement],
    policy: Policy,
    contested: Iterable[Identifier] = (),
    super_connectors: Iterable[Identifier] = (),
) -> Answer:
    """Resolve events (time in milliseconds, identifiers, claim) by the letter of the rules.

    `contested` and `super_connectors` are so already, for what lies outside the events.
    """
    world = _World(events, judgements, policy)
    world.super_connectors |= set(super_connectors)
    return world.answer(set(contested))


def answer_of(evidence: Evidence, resolution: Resolution) -> Answer:
    """What the product says, in the oracle's words."""
    identifiers = evidence.identifiers
    clusters = {
        position: frozenset(identifiers[i] for i in cluster)
        for cluster in resolution.clusters()
        for position in cluster
    }

    def pair(number: int) -> Pair:
        link = evidence.links[number]
        a, b = sorted((identifiers[link.a], identifiers[link.b]))
        return a, b

    return Answer(
        partition=set(clusters.values()),
        contested={identifiers[i] for i in resolution.contested},
        super_connectors={identifiers[i] for i in resolution.super_connectors},
        owner_of_given={identifiers[i]: clusters[owner] for i, owner in resolution.given.items()},
        refused={
            pair(number): Refused(
                refusal.reason, refusal.type, frozenset(identifiers[i] for i in refusal.conflict)
            )
            for number, refusal in resolution.refusals.items()
        },
    )


class _World:
    def __init__(
        self, events: Sequence[Event], judgements: Sequence[Judgement], policy: Policy
    ) -> None:
        self.policy = policy
        self.judgements = judgements
        self.events = [(at, frozenset(identifiers)) for at, identifiers, *_ in events]
        self.claims = [claim for _, _, *said in events for claim in said or [Claim()]]
        self.identifiers = {i for _, identifiers in self.events for i in identifiers}
        self.links = {
            pair: self.seen(pair)
            for _, identifiers in self.events
            for pair in combinations(sorted(identifiers), 2)
        }
        self.super_connectors = {i for i in self.identifiers if self.too_many_links(i)}
        self.partition: set[Cluster] = {frozenset({i}) for i in self.identifiers}
        self.judged: set[Identifier] = set()
        self.contested: set[Identifier] = set()
        self.given: dict[Identifier, Identifier] = {}  # to a member of its owner
        self.late: set[Pair] = set()
        self.refused: dict[Pair, Refused] = {}

    # --- evidence

    def seen(self, pair: Pair) -> Seen:
        saw = [n for n, (_, identifiers) in enumerate(self.events) if identifiers.issuperset(pair)]
        times = [self.events[n][0] for n in saw]
        return Seen(min(times), max(times), len(times), tuple(self.claims[n] for n in saw))

    def first_seen(self, identifier: Identifier) -> int:
        return min(at for at, identifiers in self.events if identifier in identifiers)

    def neighbours(self, identifier: Identifier) -> set[Identifier]:
        return {j for pair in self.links if identifier in pair for j in pair if j != identifier}

    def confirmed_neighbours(self, identifier: Identifier) -> set[Identifier]:
        return {
            n
            for n in self.neighbours(identifier)
            if not self.unconfirmed((min(identifier, n), max(identifier, n)))
        }

    def between(self, a: Identifier, b: Identifier) -> Seen:
        return self.links[(min(a, b), max(a, b))]

    # --- policy

    def only_limited(self, pair: Pair) -> bool:
        claims = self.links[pair].claims
        return all(claim and claim <= self.policy.limited_sources for claim in claims)

    def unconfirmed(self, pair: Pair) -> bool:
        return self.only_limited(pair) and self.persons(frozenset(pair)) == set(pair)

    def rule(self, identifier: Identifier) -> Rule | None:
        return self.policy.rule_of(identifier.type)

    def priority(self, identifier: Identifier) -> int:
        rule = self.rule(identifier)
        assert rule is not None
        return rule.priority

    def too_many_links(self, identifier: Identifier) -> bool:
        rule = self.rule(identifier)
        if rule is None or rule.max_links is None:
            return False
        return len(self.neighbours(identifier)) > rule.max_links

    def persons(self, cluster: Cluster) -> set[Identifier]:
        rules = {i: self.rule(i) for i in cluster}
        return {i for i, rule in rules.items() if rule and rule.kind is IdentifierKind.PERSON}

    def isolated(self, cluster: Cluster) -> set[Identifier]:
        rules = {i: self.rule(i) for i in cluster - self.judged}
        return {
            i
            for i, rule in rules.items()
            if rule and rule.shared is Sharing.ISOLATE and rule.kind is IdentifierKind.DEVICE
        }

    # --- partition

    def cluster(self, identifier: Identifier) -> Cluster:
        return next(cluster for cluster in self.partition if identifier in cluster)

    def join(self, a: Identifier, b: Identifier) -> None:
        sides = {self.cluster(a), self.cluster(b)}
        self.partition = (self.partition - sides) | {frozenset[Identifier]().union(*sides)}

    def over_limit(self, parts: Iterable[Cluster]) -> Refused | None:
        """7a, of any number of clusters that would become one."""
        parts = list(parts)
        over: list[tuple[float, Refused]] = []
        most = self.policy.max_identifiers
        if most is not None and len(frozenset[Identifier]().union(*parts)) > most:
            over.append((float("inf"), Refused("LIMIT")))
        for kind in {i.type for part in parts for i in part}:
            rule = self.policy.rule_of(kind)
            sides = [{i for i in part if i.type == kind} for part in parts]
            brought_together = sum(1 for side in sides if side) > 1
            if rule is None or rule.limit is None or not brought_together:
                continue
            values = frozenset[Identifier]().union(*sides)
            if max(map(len, self.windows(values, rule.within))) > rule.limit:
                over.append((rule.priority, Refused("LIMIT", kind, values)))
        return min(over, key=lambda found: (found[0], found[1].type or ""), default=(0, None))[1]

    def windows(self, values: Cluster, within: int | None) -> list[Cluster]:
        if within is None:
            return [values]
        starts = {self.first_seen(i) for i in values}
        return [
            frozenset(i for i in values if start <= self.first_seen(i) < start + within)
            for start in starts
        ]

    def apart(self, parts: Iterable[Cluster]) -> Refused | None:
        """7b, of any number of clusters that would become one; the first pair in text order."""
        joined = frozenset[Identifier]().union(*parts)
        pairs = [
            (min(j.a, j.b), max(j.a, j.b))
            for j in self.judgements
            if j.verdict is Verdict.APART and {j.a, j.b} <= joined
        ]
        return Refused("APART", values=frozenset(min(pairs))) if pairs else None

    # --- the rules

    def answer(self, contested: set[Identifier]) -> Answer:
        self.take_judgements()
        self.contested = contested - self.judged - self.super_connectors
        open_links = set(self.links)
        for pair in self.links:
            if self.super_connectors.intersection(pair):
                self.refused[pair] = Refused("SUPER_CONNECTOR")
            elif any(self.rule(i) is None for i in pair):
                self.refused[pair] = Refused("NOT_LISTED")
            elif self.unconfirmed(pair):
                self.refused[pair] = Refused("UNCONFIRMED")
        open_links -= set(self.refused)
        if self.policy.order is Order.TIME:
            self.take_level(open_links)
        else:
            priorities = {self.priority(i) for i in self.identifiers if self.rule(i) is not None}
            for level in sorted(priorities):
                self.settle_shared(level)
                self.take_level({p for p in open_links if self.level(p) == level})
        return Answer(
            self.partition,
            self.contested,
            self.super_connectors,
            {i: self.cluster(owner) for i, owner in self.given.items()},
            {(a, b): r for (a, b), r in self.refused.items() if self.cluster(a) != self.cluster(b)},
        )

    def take_judgements(self) -> None:
        for judgement in sorted(self.judgements, key=lambda j: (j.made_at, j.id)):
            a, b = judgement.a, judgement.b
            if judgement.verdict is not Verdict.SAME or not {a, b} <= self.identifiers:
                continue
            if self.cluster(a) == self.cluster(b) or not self.apart(
                [self.cluster(a), self.cluster(b)]
            ):
                self.join(a, b)
                self.judged |= {a, b}

    def level(self, pair: Pair) -> int:
        return max(self.priority(i) for i in pair)

    def settle_shared(self, level: int) -> None:
        """Rule 6: contested or given, all looked at before the level is taken."""
        for identifier in self.identifiers - self.judged - self.super_connectors - self.contested:
            rule = self.rule(identifier)
            if rule and rule.priority == level and rule.shared is Sharing.QUARANTINE:
                self.settle(identifier, rule)

    def settle(self, identifier: Identifier, rule: Rule) -> None:
        counting = {
            n
            for n in self.confirmed_neighbours(identifier) - self.super_connectors - set(self.given)
            if self.rule(n) is not None and self.priority(n) < rule.priority
        }
        spoken_for = self.spoken_for(counting)
        counting -= spoken_for
        self.late |= {(min(identifier, n), max(identifier, n)) for n in spoken_for}
        owners = {c for c in map(self.cluster, counting) if self.persons(c)}
        too_many = len(owners) > rule.owners
        irreconcilable = len(owners) > 1 and (
            self.over_limit(owners) is not None or self.apart(owners) is not None
        )
        if not too_many and not irreconcilable:
            return
        sightings = {
            owner: max(self.between(identifier, n).times for n in counting & owner)
            for owner in owners
        }
        for owner, times in sightings.items():
            share = times / sum(sightings.values())
            if rule.dominance is not None and share >= rule.dominance and times >= 2:
                self.given[identifier] = min(owner)
                return
        self.contested.add(identifier)

    def spoken_for(self, counting: set[Identifier]) -> set[Identifier]:
        """Neighbours that name nobody of their own, since a stronger one speaks for them."""
        spoken_for: set[Identifier] = set()
        for y in sorted(counting, key=lambda i: (self.priority(i), i)):
            if not self.persons(frozenset({y})) or y != self.strongest(self.cluster(y)):
                continue
            for z in counting - spoken_for:
                if (
                    self.persons(frozenset({z}))
                    and self.priority(z) < self.priority(y)
                    and z in self.confirmed_neighbours(y)
                    and self.cluster(z) != self.cluster(y)
                ):
                    spoken_for.add(y)
                    break
        return spoken_for

    def strongest(self, cluster: Cluster) -> Identifier:
        listed = [i for i in cluster if self.rule(i) is not None]
        return min(listed, key=lambda i: (self.priority(i), i)) if listed else min(cluster)

    def take_level(self, pairs: set[Pair]) -> None:
        def turn(pair: Pair) -> tuple[bool, bool, int, int, Pair]:
            late = pair in self.late or any(i in self.contested or i in self.given for i in pair)
            weaker = max(pair, key=self.priority)
            rule, seen = self.rule(weaker), self.links[pair]
            latest = rule is not None and rule.shared is Sharing.LATEST
            t = -seen.last if latest else seen.first
            return late, self.only_limited(pair), t, sum(map(self.priority, pair)), pair

        for pair in sorted(pairs, key=turn):
            a, b = pair
            if self.cluster(a) == self.cluster(b):
                continue
            refused = self.forbids(a, b)
            if refused is None:
                self.join(a, b)
            else:
                self.refused[pair] = refused

    def forbids(self, a: Identifier, b: Identifier) -> Refused | None:
        """Rule 7, in its order."""
        sides = [self.cluster(a), self.cluster(b)]
        if refused := self.over_limit(sides) or self.apart(sides):
            return refused
        facing = [(sides[0], sides[1], a), (sides[1], sides[0], b)]
        if any(self.contested & one and self.persons(other) for one, other, _ in facing):
            return Refused("QUARANTINE")
        if any(self.visits(one, other, end) for one, other, end in facing):
            return Refused("VISITOR")
        if any(self.isolated(one) and self.persons(other) for one, other, _ in facing):
            return Refused("ISOLATE")
        return None

    def visits(self, one: Cluster, other: Cluster, end: Identifier) -> bool:
        """7d, seen from `one`, whose end of the link is `end`."""
        if not self.persons(other):
            return False
        own_link = end in self.given and self.given[end] not in other
        away = any(self.given[i] not in one | other for i in one if i in self.given)
        return own_link or away
