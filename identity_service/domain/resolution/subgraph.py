"""The part of a space's evidence that a new decision about some identifiers rests on.

A subgraph is a whole connected component, or it ends at *boundary nodes*: contested
identifiers and super-connectors of whose links not all were loaded. `boundary` has the rules
that say when it may end there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import NamedTuple

from identity_service.domain.events import Observation
from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import Judgement
from identity_service.domain.resolution.evidence import (
    NO_CLAIM,
    Claim,
    Evidence,
    Link,
    common_claim,
)
from identity_service.domain.resolution.id_register import RegisteredId, Settled
from identity_service.domain.resolution.resolve import BoundaryState

MAX_CO_MEMBERS = 100
"""Most identifiers of a boundary node's customer that are loaded with it."""

MAX_OWNERS = 24
"""Most owners of a boundary node that are looked at."""


@dataclass(frozen=True, slots=True)
class StoredIdentifier:
    """What the graph holds of an identifier. `customer` is None while it has none."""

    first_seen: int
    customer: str | None
    contested: bool
    super_connector: bool


@dataclass(frozen=True, slots=True)
class BoundaryNode:
    """An identifier at which the subgraph ends.

    `degree` counts all its links, `owners` names customers of its stronger person neighbours
    (at most MAX_OWNERS), `co_members` counts its customer's other identifiers, which are in
    the subgraph unless they number MAX_CO_MEMBERS; `judged` are the identifiers that a
    judgement calls the same as it.
    """

    super_connector: bool
    degree: int
    owners: frozenset[str]
    co_members: int
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
    """When two identifiers were seen together, how often, and from which sources.

    `proven`: one of the events that saw both carried a proof.
    """

    times: int
    sources: set[str]
    proven: bool = False

    @property
    def claim(self) -> Claim:
        """The sources whose word alone it rests on."""
        return NO_CLAIM if self.proven else frozenset(self.sources)


class StoredLink(NamedTuple):
    """What the graph holds of a link, as `Link` has it."""

    first_seen: int
    last_seen: int
    times_seen: int
    claim: Claim = NO_CLAIM


Pair = tuple[Identifier, Identifier]
"""Two identifiers, in text order."""


@dataclass(frozen=True, slots=True)
class Correction:
    """What is left of evidence when events lose identifiers (rule 0).

    `seen`: when each of the identifiers was seen, None when no event carries it any more. `links`
    are those that lose sightings, with what is left of each, None when that is nothing.
    """

    seen: Mapping[Identifier, Span | None]
    links: Mapping[Pair, Sightings | None]


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

    @classmethod
    def of(cls, observations: Iterable[Observation]) -> NewEvidence:
        """What all of some events say."""
        new = cls()
        for each in observations:
            new.add(each.identifiers, each.event.at, each.source, proven=each.proven)
        return new

    def add(
        self, identifiers: tuple[Identifier, ...], at: int, source: str, *, proven: bool = False
    ) -> None:
        """Take in one event's identifiers, which are distinct and in text order."""
        for i, identifier in enumerate(identifiers):
            self._add_identifier(identifier, at)
            for other in identifiers[i + 1 :]:
                self._add_link((identifier, other), at, source, proven)

    def add_to_event(
        self,
        observed: Iterable[Identifier],
        more: Sequence[Identifier],
        at: int,
        source: str,
        *,
        proven: bool = False,
    ) -> None:
        """Take in what an event that is known says of `more` identifiers than it observed."""
        for identifier in more:
            self._add_identifier(identifier, at)
        for pair in combinations(sorted({*observed, *more}), 2):
            if pair[0] in more or pair[1] in more:
                self._add_link(pair, at, source, proven)

    def _add_identifier(self, identifier: Identifier, at: int) -> None:
        span = self.identifiers.get(identifier)
        if span is None:
            self.identifiers[identifier] = Span(at, at)
        else:
            span.widen(at, at)

    def _add_link(self, pair: Pair, at: int, source: str, proven: bool) -> None:
        seen = self.links.get(pair)
        if seen is None:
            self.links[pair] = Sightings(at, at, 1, {source}, proven)
        else:
            seen.widen(at, at)
            seen.times += 1
            seen.sources.add(source)
            seen.proven = seen.proven or proven


@dataclass(frozen=True, slots=True)
class Subgraph:
    """What was loaded.

    All links of the identifiers in `interior` are here; of the boundary nodes and the members
    of their customers only those links that lie between loaded identifiers are.
    `settled_under` is the oldest policy version that one of the customers was settled under,
    None without customers. `cut_off_by_block` still belong to one of the customers, but only a
    blocked identifier connects them with the rest.

    `register` holds the ids of the customers and every other id that was ever anchored at a loaded
    identifier. `displaced` maps those that are alive, but not with the identifier at which they are
    anchored, to one of their identifiers. `unseen` are those that were loaded, and that no event
    carries any more. `returned` maps ids to the anchor that they left when no event carried it,
    and that events carry again. `unsettled` are those of the interior whose evidence was not
    settled yet, with how often that was put off.

    `revisions` and `member_counts` were read before everything that is decided from; the latter
    count the identifiers of each customer. `link_counts` has for each identifier in `interior` how
    many links were read of it, those to blocked identifiers included. `opened` are boundary nodes
    that are contested or super-connectors no longer, so that a walk goes on to them. `torn`: the
    parts do not fit together (`is_torn`).
    """

    interior: frozenset[Identifier]
    nodes: dict[Identifier, StoredIdentifier]
    links: dict[Pair, StoredLink]
    revisions: dict[str, int]
    register: list[RegisteredId]
    judgements: list[Judgement]
    boundary: dict[Identifier, BoundaryNode]
    settled_under: int | None
    cut_off_by_block: frozenset[Identifier] = frozenset()
    displaced: Mapping[str, Identifier] = field(default_factory=dict[str, Identifier])
    unseen: frozenset[Identifier] = frozenset()
    unsettled: Mapping[Identifier, int] = field(default_factory=dict[Identifier, int])
    member_counts: Mapping[str, int] = field(default_factory=dict[str, int])
    link_counts: Mapping[Identifier, int] = field(default_factory=dict[Identifier, int])
    opened: frozenset[Identifier] = frozenset()
    torn: bool = False
    returned: Mapping[str, Identifier] = field(default_factory=dict[str, Identifier])

    @property
    def walked_customers(self) -> set[str]:
        """The customers that lie wholly in the interior: everything is decided about them."""
        inside = {node.customer for i, node in self.nodes.items() if i in self.interior}
        outside = {node.customer for i, node in self.nodes.items() if i not in self.interior}
        return {customer for customer in inside - outside if customer}

    def is_outside(self, identifier: Identifier) -> bool:
        """Whether an identifier was loaded without all of its links."""
        return identifier in self.nodes and identifier not in self.interior


def put_off_meanwhile(subgraph: Subgraph, waiting: Iterable[Identifier]) -> frozenset[Identifier]:
    """The identifiers that came after the walk, and whose settlement was put off.

    `waiting` are neighbours of the interior that wait to be settled. What settles those will load
    both ends. None where the subgraph lacks an identifier of one of its customers: then another
    writer did more than that meanwhile.
    """
    beyond = frozenset(identifier for identifier in waiting if identifier not in subgraph.nodes)
    if not beyond:
        return beyond
    members = Counter(node.customer for node in subgraph.nodes.values())
    if any(members[customer] != number for customer, number in subgraph.member_counts.items()):
        return frozenset()
    return beyond


def is_torn(subgraph: Subgraph, joined: Iterable[Pair]) -> bool:
    """Whether a commit came between the parts of a subgraph that was read part after part.

    Whatever joins an identifier of the interior leads to another one or to a boundary node, and
    every identifier belongs to a customer whose revision was read. `joined` are identifiers of the
    interior with what each is linked with or judged the same, but for what is blocked.
    """
    closed, revisions = subgraph.interior | subgraph.boundary.keys(), subgraph.revisions
    return any(end not in closed for pair in joined for end in pair) or any(
        node.customer is not None and node.customer not in revisions
        for node in subgraph.nodes.values()
    )


def corrected(subgraph: Subgraph, correction: Correction) -> Subgraph:
    """The subgraph without what events said of identifiers that they lose."""
    nodes = dict(subgraph.nodes)
    for identifier, seen in correction.seen.items():
        node = nodes.pop(identifier, None)
        if node is not None and seen is not None:
            nodes[identifier] = replace(node, first_seen=seen.first)
    unseen = frozenset(i for i, seen in correction.seen.items() if seen is None)
    links = dict(subgraph.links)
    for pair, left in correction.links.items():
        if left is None:
            links.pop(pair, None)
        else:
            links[pair] = StoredLink(left.first, left.last, left.times, left.claim)
    return replace(subgraph, nodes=nodes, links=links, unseen=unseen)


EMPTY_SUBGRAPH = Subgraph(frozenset(), {}, {}, {}, [], [], {}, None)


@dataclass(frozen=True, slots=True)
class ResolutionInput:
    """A subgraph and new evidence, as the resolution function and the id register take them."""

    evidence: Evidence
    outside: BoundaryState
    settled: Settled


def merge_evidence(subgraph: Subgraph, new: NewEvidence) -> ResolutionInput:
    """The loaded evidence with the new evidence added to it."""
    first_seen = {identifier: node.first_seen for identifier, node in subgraph.nodes.items()}
    for identifier, span in new.identifiers.items():
        first_seen[identifier] = min(span.first, first_seen.get(identifier, span.first))
    links = dict(subgraph.links)
    for pair, seen in new.links.items():
        first, last, times, claim = links.get(pair) or (seen.first, seen.last, 0, seen.claim)
        links[pair] = StoredLink(
            min(first, seen.first),
            max(last, seen.last),
            times + seen.times,
            common_claim(claim, seen.claim),
        )
    position = {identifier: i for i, identifier in enumerate(first_seen)}
    identifiers = list(first_seen)
    stored = [subgraph.nodes.get(identifier) for identifier in identifiers]
    contested = frozenset(i for i, node in enumerate(stored) if node and node.contested)
    super_connectors = frozenset(
        i for i, node in enumerate(stored) if node and node.super_connector
    )
    evidence = Evidence(
        identifiers=identifiers,
        first_seen=list(first_seen.values()),
        links=[
            Link(position[a], position[b], *seen)
            for (a, b), seen in links.items()
            if a in position and b in position
        ],
        judgements=[*subgraph.judgements, *new.judgements],
    )
    outside = {i for i, identifier in enumerate(identifiers) if subgraph.is_outside(identifier)}
    return ResolutionInput(
        evidence=evidence,
        outside=BoundaryState(
            contested=contested & outside, super_connectors=super_connectors & outside
        ),
        settled=Settled(
            identifiers=identifiers,
            customer_of=[node.customer if node else None for node in stored],
            contested=contested,
            super_connectors=super_connectors,
            register=subgraph.register,
            unseen=subgraph.unseen,
            returned=subgraph.returned,
        ),
    )
