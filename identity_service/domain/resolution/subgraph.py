"""The part of a space's evidence that deciding anew about some identifiers rests on.

A region is a whole component, or ends at *edges*: contested identifiers and super-connectors
whose links were not all loaded. Rules that tell when such an edge may be left alone live here
too: a busy shared device would otherwise make every event load everybody who ever used it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.judgements import Judgement
from identity_service.domain.policies.policy import Policy, Sharing
from identity_service.domain.resolution.evidence import Evidence, Link
from identity_service.domain.resolution.id_register import RegisteredId, Settled
from identity_service.domain.resolution.resolve import Outside, Resolution

MAX_COMPANIONS = 100
"""Most identifiers that the customer of an edge may hold to be loaded with it."""

MAX_OWNERS = 24
"""Most owners of an edge that are looked at."""


@dataclass(frozen=True, slots=True)
class StoredIdentifier:
    """What the graph holds of an identifier. `customer` is None while it has none."""

    first_seen: int
    customer: str | None
    contested: bool
    super_connector: bool


@dataclass(frozen=True, slots=True)
class Edge:
    """An identifier at which the region ends.

    `degree` counts all its links, `owners` names customers of its stronger person neighbours
    (at most MAX_OWNERS), `companions` counts its customer's other identifiers, which are in
    the region unless they number MAX_COMPANIONS; `judged` are those that it was judged the
    same with.
    """

    super_connector: bool
    degree: int
    owners: frozenset[str]
    companions: int
    judged: tuple[Identifier, ...]


@dataclass(slots=True)
class Span:
    """When something was seen, in milliseconds: first and last."""

    first: int
    last: int

    def widen(self, first: int, last: int) -> None:
        """Take in other times."""
        self.first = min(self.first, first)
        self.last = max(self.last, last)


@dataclass(slots=True)
class Sightings(Span):
    """When two identifiers were seen together, how often, and from which sources."""

    times: int
    sources: set[str]


Pair = tuple[Identifier, Identifier]
"""Two identifiers, in text order."""


@dataclass(slots=True)
class NewEvidence:
    """What a batch of events adds: times of identifiers, and sightings of links."""

    identifiers: dict[Identifier, Span] = field(default_factory=dict[Identifier, Span])
    links: dict[Pair, Sightings] = field(default_factory=dict[Pair, Sightings])
    judgements: list[Judgement] = field(default_factory=list[Judgement])

    @classmethod
    def of_identifiers(cls, identifiers: Iterable[Identifier]) -> NewEvidence:
        """Identifiers alone, to ask what is known of them."""
        return cls({identifier: Span(0, 0) for identifier in identifiers})

    def add(self, identifiers: tuple[Identifier, ...], at: int, source: str) -> None:
        """Take in one event's identifiers, which are distinct and in text order."""
        for i, identifier in enumerate(identifiers):
            self._add_identifier(identifier, at)
            for other in identifiers[i + 1 :]:
                self._add_link((identifier, other), at, source)

    def add_to_event(
        self, observed: Iterable[Identifier], more: Sequence[Identifier], at: int, source: str
    ) -> None:
        """Take in what an event that is known says of `more` identifiers than it observed."""
        for identifier in more:
            self._add_identifier(identifier, at)
        for pair in combinations(sorted({*observed, *more}), 2):
            if pair[0] in more or pair[1] in more:
                self._add_link(pair, at, source)

    def _add_identifier(self, identifier: Identifier, at: int) -> None:
        span = self.identifiers.get(identifier)
        if span is None:
            self.identifiers[identifier] = Span(at, at)
        else:
            span.widen(at, at)

    def _add_link(self, pair: Pair, at: int, source: str) -> None:
        seen = self.links.get(pair)
        if seen is None:
            self.links[pair] = Sightings(at, at, 1, {source})
        else:
            seen.widen(at, at)
            seen.times += 1
            seen.sources.add(source)


@dataclass(frozen=True, slots=True)
class Region:
    """What was loaded. `near` was walked, all its links are here; `edges` and theirs are not.

    `settled_under` is the oldest policy version that one of the customers was settled under;
    None without customers. `severed` belong to one of the customers still, but only a blocked
    identifier connects them with the rest.
    """

    near: frozenset[Identifier]
    nodes: dict[Identifier, StoredIdentifier]
    links: dict[Pair, tuple[int, int, int]]
    revisions: dict[str, int]
    register: list[RegisteredId]
    judgements: list[Judgement]
    edges: dict[Identifier, Edge]
    settled_under: int | None
    severed: frozenset[Identifier] = frozenset()

    @property
    def walked_customers(self) -> set[str]:
        """Those of whose identifiers all were walked, so that all is decided about them."""
        near = {node.customer for i, node in self.nodes.items() if i in self.near}
        far = {node.customer for i, node in self.nodes.items() if i not in self.near}
        return {customer for customer in near - far if customer}


EMPTY_REGION = Region(frozenset(), {}, {}, {}, [], [], {}, None)


@dataclass(frozen=True, slots=True)
class Question:
    """A region and what is new, as the resolution function and the register take them."""

    evidence: Evidence
    outside: Outside
    settled: Settled


def put(region: Region, new: NewEvidence) -> Question:
    """Put what is new to what was loaded."""
    first_seen = {identifier: node.first_seen for identifier, node in region.nodes.items()}
    for identifier, span in new.identifiers.items():
        first_seen[identifier] = min(span.first, first_seen.get(identifier, span.first))
    links = dict(region.links)
    for pair, seen in new.links.items():
        first, last, times = links.get(pair, (seen.first, seen.last, 0))
        links[pair] = (min(first, seen.first), max(last, seen.last), times + seen.times)
    position = {identifier: i for i, identifier in enumerate(first_seen)}
    identifiers = list(first_seen)
    stored = [region.nodes.get(identifier) for identifier in identifiers]
    contested = frozenset(i for i, node in enumerate(stored) if node and node.contested)
    connected = frozenset(i for i, node in enumerate(stored) if node and node.super_connector)
    evidence = Evidence(
        identifiers=identifiers,
        first_seen=list(first_seen.values()),
        links=[
            Link(position[a], position[b], *seen)
            for (a, b), seen in links.items()
            if a in position and b in position
        ],
        judgements=[*region.judgements, *new.judgements],
    )
    far = {i for i, identifier in enumerate(identifiers) if _is_far(identifier, region)}
    return Question(
        evidence=evidence,
        outside=Outside(contested=contested & far, super_connectors=connected & far),
        settled=Settled(
            identifiers=identifiers,
            customer_of=[node.customer if node else None for node in stored],
            contested=contested,
            super_connectors=connected,
            register=region.register,
        ),
    )


def _is_far(identifier: Identifier, region: Region) -> bool:
    return identifier in region.nodes and identifier not in region.near


def may_end_at(region: Region, new: NewEvidence, policy: Policy) -> bool:
    """Whether every edge stays what it is, whatever the region is decided to be.

    A super-connector stays one, since evidence only grows. A contested identifier stays
    contested when more owners than it may have lie outside the region, nothing was judged of
    it, and it does not become a super-connector.
    """
    inside = {node.customer for i in region.near if (node := region.nodes.get(i))}
    for identifier, edge in region.edges.items():
        if edge.judged:
            return False
        if edge.super_connector:
            continue
        rule = policy.rule_of(identifier.type)
        if rule is None or rule.shared is not Sharing.QUARANTINE:
            return False
        if edge.companions >= MAX_COMPANIONS or len(edge.owners - inside) <= rule.owners:
            return False
        if rule.max_links is not None:
            added = sum(1 for pair in new.links if identifier in pair and pair not in region.links)
            if edge.degree + added > rule.max_links:
                return False
    return True


def ends_well(region: Region, question: Question, resolution: Resolution, policy: Policy) -> bool:
    """Whether the customers of all contested edges came out so that nothing outside changes.

    That is so when such a customer holds what it held before. It may also have grown by
    devices of the region, if they came after all that joined it before: then whatever else
    tried to join it met the same customer as before, or was refused and would be by a larger
    one.
    """
    evidence, settled = question.evidence, question.settled
    members: dict[int, set[int]] = {}
    for position, root in enumerate(resolution.cluster_of):
        members.setdefault(root, set()).add(position)
    before: dict[str | None, set[int]] = {}
    for position, customer in enumerate(settled.customer_of):
        before.setdefault(customer, set()).add(position)
    edges = {i for i in region.edges if not region.edges[i].super_connector}
    for position, identifier in enumerate(evidence.identifiers):
        if identifier not in edges:
            continue
        customer = settled.customer_of[position]
        now, then = members[resolution.cluster_of[position]], before[customer]
        if customer is None or not now >= then:
            return False
        joined = now - then
        if joined and not (
            _is_device(identifier, policy)
            and not any(_is_far(evidence.identifiers[i], region) for i in joined)
            and _came_last(joined, then, evidence.links, resolution)
        ):
            return False
    return True


def _is_device(identifier: Identifier, policy: Policy) -> bool:
    rule = policy.rule_of(identifier.type)
    return rule is not None and rule.kind is IdentifierKind.DEVICE


def _came_last(
    joined: set[int], then: set[int], links: Iterable[Link], resolution: Resolution
) -> bool:
    """Whether all links inside the old customer were taken before any that brought it more."""
    taken = {link: turn for turn, link in enumerate(resolution.taken)}
    last_inside, first_between = -1, len(taken)
    for number, link in enumerate(links):
        turn = taken.get(number)
        if turn is None:
            continue
        if link.a in then and link.b in then:
            last_inside = max(last_inside, turn)
        elif (link.a in then and link.b in joined) or (link.b in then and link.a in joined):
            first_between = min(first_between, turn)
    return last_inside < first_between
