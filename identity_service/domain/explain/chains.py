"""Chains: how two identifiers are connected, hop by hop, along the strongest links."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from identity_service.domain.disjoint_sets import DisjointSets
from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import Judgement, Verdict
from identity_service.domain.resolution.evidence import Evidence
from identity_service.domain.resolution.resolve import Resolution


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of a chain, from an identifier to the next.

    `link` is the position of the link in the evidence; a hop that rests on a judgement alone
    has none. `judgement` is the one that joins the two, if one does.
    """

    start: Identifier
    end: Identifier
    link: int | None
    judgement: Judgement | None = None


@dataclass(frozen=True, slots=True)
class Chain:
    """Whether two identifiers are one customer, and the strongest chain between them.

    Of one customer, every hop joins, and its links are such as did join by themselves. Of two,
    the chain leads through each customer by what joins it, and between customers by the
    strongest refused links; it is empty when nothing connects the two.

    A judgement is stronger than any link, the earlier the stronger; a link that was taken earlier
    is stronger, and one that is never taken is the weakest. No other chain has a stronger weakest
    hop.
    """

    same_customer: bool
    hops: tuple[Hop, ...]


def chain(a: Identifier, b: Identifier, evidence: Evidence, resolution: Resolution) -> Chain:
    """The strongest chain between two identifiers of the evidence."""
    position_of = {identifier: i for i, identifier in enumerate(evidence.identifiers)}
    start, end = position_of[a], position_of[b]
    same = resolution.cluster_of[start] == resolution.cluster_of[end]
    steps = _joining(evidence, resolution, position_of)
    if not same:
        steps += _refused(evidence, resolution)
    return Chain(same, _path(start, end, steps, evidence.identifiers))


_Step = tuple[int, int, int | None, Judgement | None]


def _joining(
    evidence: Evidence, resolution: Resolution, position_of: dict[Identifier, int]
) -> list[_Step]:
    """What joins identifiers into customers, the strongest first: judgements, then links."""
    steps: list[_Step] = []
    link_of = _link_of(evidence) if evidence.judgements else {}
    for made in sorted(evidence.judgements, key=lambda made: (made.made_at, made.id)):
        a, b = position_of.get(made.a), position_of.get(made.b)
        if made.verdict is not Verdict.SAME or a is None or b is None:
            continue
        # What an `apart` forbade to join is not one customer by other ways either.
        if resolution.cluster_of[a] == resolution.cluster_of[b]:
            steps.append((a, b, link_of.get(frozenset((a, b))), made))
    for number in _in_turn(evidence, resolution):
        if number not in resolution.refusals and number not in resolution.overruled:
            link = evidence.links[number]
            steps.append((link.a, link.b, number, None))
    return steps


def _link_of(evidence: Evidence) -> dict[frozenset[int], int]:
    return {frozenset((link.a, link.b)): number for number, link in enumerate(evidence.links)}


def _refused(evidence: Evidence, resolution: Resolution) -> list[_Step]:
    return [
        (evidence.links[number].a, evidence.links[number].b, number, None)
        for number in _in_turn(evidence, resolution)
        if number in resolution.refusals
    ]


def _in_turn(evidence: Evidence, resolution: Resolution) -> Iterator[int]:
    """Links in the order in which they were taken; those that never are come last."""
    yield from resolution.taken
    taken = set(resolution.taken)
    yield from (number for number in range(len(evidence.links)) if number not in taken)


def _path(
    start: int, end: int, steps: Iterable[_Step], identifiers: Iterable[Identifier]
) -> tuple[Hop, ...]:
    """The path of the strongest spanning forest: no other avoids its weakest step.

    Kruskal's algorithm, stopped as soon as the two ends are connected.
    """
    names = list(identifiers)
    connected = DisjointSets(range(len(names)))
    neighbours: dict[int, list[tuple[int, int | None, Judgement | None]]] = {}
    for a, b, link, judgement in steps:
        if connected.join(a, b):
            neighbours.setdefault(a, []).append((b, link, judgement))
            neighbours.setdefault(b, []).append((a, link, judgement))
            if connected.find(start) == connected.find(end):
                break
    came_by: dict[int, Hop | None] = {start: None}
    came_from: dict[int, int] = {}
    reached = [start]
    for position in reached:
        for other, link, judgement in neighbours.get(position, ()):
            if other not in came_by:
                came_by[other] = Hop(names[position], names[other], link, judgement)
                came_from[other] = position
                reached.append(other)
    hops: list[Hop] = []
    position = end
    while hop := came_by.get(position):
        hops.append(hop)
        position = came_from[position]
    return tuple(reversed(hops))
