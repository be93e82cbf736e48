"""A snapshot of a space: all that its settlement rests on, in columns.

What belongs to an identifier stands at its position, and links name positions, so that a million
identifiers fit in some hundred megabytes.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import compress
from typing import Final

from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import Judgement
from identity_service.domain.resolution.evidence import Claim, Link, common_claim
from identity_service.domain.resolution.id_register import RegisteredId, standing
from identity_service.domain.resolution.subgraph import NewEvidence, Subgraph

NOWHERE: Final = -1
"""The position of an identifier that is not in a snapshot."""


def _positions() -> array[int]:
    return array("i")


def _numbers() -> array[int]:
    return array("q")


@dataclass(slots=True)
class LinkColumns:
    """Links: the positions of their ends, when they were seen (milliseconds), and how often.

    Most links have one of a few claims: `claim_numbers` says which, by the numbers of `claims`.
    """

    a: array[int] = field(default_factory=_positions)
    b: array[int] = field(default_factory=_positions)
    first_seen: array[int] = field(default_factory=_numbers)
    last_seen: array[int] = field(default_factory=_numbers)
    times_seen: array[int] = field(default_factory=_numbers)
    claim_numbers: array[int] = field(default_factory=_positions)
    claims: list[Claim] = field(default_factory=list[Claim])
    _number_of: dict[Claim, int] = field(default_factory=dict[Claim, int])

    def __len__(self) -> int:
        return len(self.a)

    def append(self, link: Link) -> None:
        """Add a link, each pair once."""
        self.a.append(link.a)
        self.b.append(link.b)
        self.first_seen.append(link.first_seen)
        self.last_seen.append(link.last_seen)
        self.times_seen.append(link.times_seen)
        self.add_claims((link.claim,))

    def add_claims(self, claims: Iterable[Claim]) -> None:
        """Add the claims of links, in their order."""
        self.claim_numbers.extend(map(self._numbered, claims))

    def claim(self, number: int) -> Claim:
        """The claim of a link."""
        return self.claims[self.claim_numbers[number]]

    def unite_claim(self, number: int, claim: Claim) -> None:
        """Take in what others say of a link."""
        self.claim_numbers[number] = self._numbered(common_claim(self.claim(number), claim))

    def _numbered(self, claim: Claim) -> int:
        if claim not in self._number_of:
            self._number_of[claim] = len(self.claims)
            self.claims.append(claim)
        return self._number_of[claim]


@dataclass(slots=True)
class Snapshot:
    """Identifiers, what is settled of them, links, judgements in force, and the register.

    `anchors` holds, for each entry of `register`, the position of its anchor, NOWHERE where that
    is not in the snapshot. `reinstated` is
    evidence that `reinstate` added: it is not in the graph yet. `links_beyond` counts, for
    super-connectors at which a snapshot of less than a space ends, their links to what is not
    in it.
    """

    identifiers: list[Identifier] = field(default_factory=list[Identifier])
    first_seen: array[int] = field(default_factory=_numbers)
    customer_of: list[str | None] = field(default_factory=list[str | None])
    contested: set[int] = field(default_factory=set[int])
    super_connectors: set[int] = field(default_factory=set[int])
    links_beyond: dict[int, int] = field(default_factory=dict[int, int])
    links: LinkColumns = field(default_factory=LinkColumns)
    judgements: list[Judgement] = field(default_factory=list[Judgement])
    register: list[RegisteredId] = field(default_factory=list[RegisteredId])
    anchors: array[int] = field(default_factory=_positions)
    reinstated: NewEvidence = field(default_factory=NewEvidence)

    @classmethod
    def of(cls, subgraph: Subgraph) -> Snapshot:
        """A subgraph that ends at super-connectors only, as a snapshot."""
        snapshot = cls()
        position = {identifier: i for i, identifier in enumerate(sorted(subgraph.nodes))}
        for identifier in position:
            node = subgraph.nodes[identifier]
            snapshot.identifiers.append(identifier)
            snapshot.first_seen.append(node.first_seen)
            snapshot.customer_of.append(node.customer)
        snapshot.contested = {position[i] for i, node in subgraph.nodes.items() if node.contested}
        snapshot.super_connectors = {
            position[i] for i, node in subgraph.nodes.items() if node.super_connector
        }
        for (a, b), seen in subgraph.links.items():
            if a in position and b in position:
                snapshot.links.append(Link(position[a], position[b], *seen))
        loaded = Counter((*snapshot.links.a, *snapshot.links.b))
        snapshot.links_beyond = {
            position[identifier]: node.degree - loaded[position[identifier]]
            for identifier, node in subgraph.boundary.items()
            if identifier not in subgraph.interior
        }
        snapshot.judgements = subgraph.judgements
        for entry in subgraph.register:
            if not position.keys().isdisjoint((entry.anchor, *entry.earlier)):
                snapshot.register.append(entry)
                snapshot.anchors.append(position.get(entry.anchor, NOWHERE))
        return snapshot

    def positions(self, of: Iterable[Identifier]) -> dict[Identifier, int]:
        """Where some identifiers stand; those that are not here are left out."""
        wanted = set(of)
        if not wanted:
            return {}
        return {i: position for position, i in enumerate(self.identifiers) if i in wanted}

    def place_ids(self, counts: Callable[[Identifier], bool]) -> None:
        """Put every id where it stands if only some identifiers count, and drop the others."""
        stands = standing(self.register, counts)
        moved = {
            number: placed.anchor
            for number, (entry, placed) in enumerate(zip(self.register, stands, strict=True))
            if placed is not entry
        }
        position = self.positions(moved.values())
        for number, anchor in moved.items():
            self.anchors[number] = position.get(anchor, NOWHERE)
        if NOWHERE in self.anchors:
            here = [place != NOWHERE for place in self.anchors]
            stands = list(compress(stands, here))
            self.anchors = array("i", compress(self.anchors, here))
        self.register = stands

    def reinstate(self, new: NewEvidence) -> None:
        """Take in what events observe again that was withheld from them; to be called once."""
        ends = {identifier for pair in new.links for identifier in pair}
        position = self.positions(ends | new.identifiers.keys())
        for identifier, span in new.identifiers.items():
            known = position.get(identifier)
            if known is None:
                position[identifier] = len(self.identifiers)
                self.identifiers.append(identifier)
                self.first_seen.append(span.first)
                self.customer_of.append(None)
            else:
                self.first_seen[known] = min(span.first, self.first_seen[known])
        links, touched = self.links, set(position.values())
        number_of = {
            frozenset(pair): number
            for number, pair in enumerate(zip(links.a, links.b, strict=True))
            if touched.issuperset(pair)
        }
        for (a, b), seen in new.links.items():
            number = number_of.get(frozenset((position[a], position[b])))
            if number is None:
                links.append(
                    Link(position[a], position[b], seen.first, seen.last, seen.times, seen.claim)
                )
            else:
                links.first_seen[number] = min(seen.first, links.first_seen[number])
                links.last_seen[number] = max(seen.last, links.last_seen[number])
                links.times_seen[number] += seen.times
                links.unite_claim(number, seen.claim)
        self.reinstated = new
