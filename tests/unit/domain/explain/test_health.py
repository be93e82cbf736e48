"""The health of a customer: refused links, bridges, and how full its limits are."""

from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity_service.domain.explain.health import Health, count_bridges, health
from identity_service.domain.identifiers import Identifier, parse_identifier
from identity_service.domain.judgements import Judgement, Verdict
from identity_service.domain.policies.parse import parse_policy
from identity_service.domain.resolution.evidence import gather
from identity_service.domain.resolution.resolve import resolve
from tests.support.worlds import World, in_many_worlds, worlds

POLICY = """
types:
  user_id: {priority: 1, kind: person, limit: 1}
  email: {priority: 2, kind: person, limit: 4}
  cookie: {priority: 9, kind: device, limit: 2, within: 10s, shared: quarantine}
"""


def health_of(
    who: str, *seen: str, policy: str = POLICY, same: tuple[str, str] | None = None
) -> Health:
    """The health of a customer, where each of `seen` is an event's identifiers, a second apart."""
    judgements: list[Judgement] = []
    if same:
        a, b = map(parse_identifier, same)
        judgements = [Judgement("j", Verdict.SAME, a, b, 0)]
    observed = [(1_000 * at, map(parse_identifier, text.split())) for at, text in enumerate(seen)]
    evidence, rules = gather(observed, judgements), parse_policy(policy)
    member = evidence.identifiers.index(parse_identifier(who))
    return health(member, evidence, resolve(evidence, rules), rules)


def test_a_chain_breaks_at_every_link() -> None:
    found = health_of("email:a", "user_id:1 email:a", "email:a email:b", "email:b email:c")

    assert found == Health(refused_links=0, bridges=3, largest_share_of_limit=1.0)


def test_a_ring_breaks_nowhere() -> None:
    assert health_of("email:a", "email:a email:b", "email:b email:c email:a").bridges == 0


def test_refused_links_are_those_at_the_border_of_this_customer() -> None:
    seen = ("user_id:1 cookie:x", "user_id:2 cookie:x", "user_id:2 cookie:y", "user_id:3 cookie:y")

    assert health_of("user_id:1", *seen).refused_links == 1
    assert health_of("user_id:2", *seen).refused_links == 2
    assert health_of("cookie:x", *seen).refused_links == 2


def test_a_judgement_is_an_edge_and_one_beside_a_link_is_a_second_way() -> None:
    apart = ("email:a cookie:x", "email:b cookie:y")
    together = ("email:a email:b",)

    assert health_of("email:a", *apart, same=("email:a", "email:b")).bridges == 3
    assert health_of("email:a", *together, same=("email:a", "email:b")).bridges == 0


def test_the_fullest_type_counts_and_only_inside_its_window() -> None:
    few = ["user_id:1 email:a"] + ["email:a"] * 20

    assert health_of("email:a", "email:a email:b").largest_share_of_limit == 0.5
    assert health_of("email:a", "email:a cookie:1", "email:a cookie:2").largest_share_of_limit == 1
    # Ten seconds apart: never two inside one window of ten seconds.
    spread = health_of("cookie:1", "cookie:1 x:1", *["x:2"] * 9, "cookie:2 x:1")
    assert spread.largest_share_of_limit == 0.5
    assert health_of("user_id:1", *few).largest_share_of_limit == 1


def test_a_judgement_can_put_a_customer_over_its_limit() -> None:
    seen = ("user_id:1 email:a", "user_id:2 email:b")

    assert health_of("email:a", *seen, same=("user_id:1", "user_id:2")).largest_share_of_limit == 2


def test_without_limits_nothing_is_full() -> None:
    policy = "types:\n  email: {priority: 1, kind: person}\n"

    assert health_of("email:a", "email:a email:b", policy=policy).largest_share_of_limit == 0


def test_all_links_of_a_super_connector_outside_the_evidence_are_refused() -> None:
    evidence = gather([(0, (Identifier("email", "info"), Identifier("user_id", "1")))])
    policy = parse_policy(POLICY)
    hub = evidence.identifiers.index(Identifier("email", "info"))
    a, b = evidence.identifiers
    same = Judgement("j", Verdict.SAME, a, b, 0)
    judged = gather([(0, evidence.identifiers)], [same])

    assert health(hub, evidence, resolve(evidence, policy), policy, {hub: 9}).refused_links == 8
    assert health(hub, judged, resolve(judged, policy), policy, {hub: 9}).refused_links == 8


@pytest.mark.parametrize("size", [10_000])
def test_a_long_chain_is_counted_without_recursion(size: int) -> None:
    assert count_bridges(range(size), [(i, i + 1) for i in range(size - 1)]) == size - 1


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda e: e[0] != e[1])))
def test_bridges_are_those_that_networkx_finds(edges: list[tuple[int, int]]) -> None:
    expected = 0
    for number, (a, b) in enumerate(edges):
        without = nx.Graph([*edges[:number], *edges[number + 1 :]])
        without.add_nodes_from((a, b))
        expected += not nx.has_path(without, a, b)

    assert count_bridges(range(10), edges) == expected


@in_many_worlds
@given(worlds())
def test_nothing_is_over_its_limit_unless_somebody_judged_so(world: World) -> None:
    evidence = world.evidence()
    resolution = resolve(evidence, world.policy)

    for member in range(len(evidence.identifiers)):
        found = health(member, evidence, resolution, world.policy)

        at_border = [
            number
            for number in resolution.refusals
            for end in evidence.links[number][:2]
            if resolution.cluster_of[end] == resolution.cluster_of[member]
        ]
        assert found.refused_links == len(at_border)
        assert found.largest_share_of_limit <= 1 or evidence.judgements
