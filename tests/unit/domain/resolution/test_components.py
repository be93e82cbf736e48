"""Connected components of evidence."""

from __future__ import annotations

import networkx as nx
from hypothesis import given

from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import Judgement, Verdict
from identity_service.domain.resolution.components import components
from identity_service.domain.resolution.evidence import Evidence, gather
from tests.support.worlds import World, in_many_worlds, worlds

A, B, C, D = (Identifier("cookie", value) for value in "abcd")


def partition(evidence: Evidence) -> set[frozenset[Identifier]]:
    found: dict[int, set[Identifier]] = {}
    for identifier, component in zip(evidence.identifiers, components(evidence), strict=True):
        found.setdefault(component, set()).add(identifier)
    return set(map(frozenset, found.values()))


def test_links_connect() -> None:
    evidence = gather([(1, (A, B)), (2, (B, C)), (3, (D,))])

    assert partition(evidence) == {frozenset({A, B, C}), frozenset({D})}


def test_of_judgements_only_those_that_say_same_connect() -> None:
    same = Judgement("1", Verdict.SAME, A, B, 0)
    apart = Judgement("2", Verdict.APART, C, D, 0)

    evidence = gather([(1, (A,)), (1, (B,)), (1, (C,)), (1, (D,))], [same, apart])

    assert partition(evidence) == {frozenset({A, B}), frozenset({C}), frozenset({D})}


def test_a_judgement_about_what_was_never_seen_connects_nothing() -> None:
    judged = [Judgement("1", Verdict.SAME, A, D, 0), Judgement("2", Verdict.SAME, D, B, 0)]

    evidence = gather([(1, (A,)), (1, (B,))], judged)

    assert partition(evidence) == {frozenset({A}), frozenset({B})}


@in_many_worlds
@given(worlds())
def test_components_are_those_of_the_graph_of_links_and_judgements(world: World) -> None:
    evidence = world.evidence()
    seen = set(evidence.identifiers)
    graph: nx.Graph[Identifier] = nx.Graph()
    graph.add_nodes_from(seen)
    for _, together in world.events:
        graph.add_edges_from((together[0], other) for other in together)
    graph.add_edges_from(
        (j.a, j.b) for j in world.judgements if j.verdict is Verdict.SAME and {j.a, j.b} <= seen
    )

    assert partition(evidence) == set(map(frozenset, nx.connected_components(graph)))
