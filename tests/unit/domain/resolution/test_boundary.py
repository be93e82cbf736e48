"""Where the walk over a component may end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.policies.policy import Policy, Rule, Sharing
from identity_service.domain.resolution.boundary import boundary_is_stable
from identity_service.domain.resolution.subgraph import (
    EMPTY_SUBGRAPH,
    MAX_CO_MEMBERS,
    BoundaryNode,
    NewEvidence,
    Sightings,
    StoredIdentifier,
    Subgraph,
    merge_evidence,
)

USER, TABLET, COOKIE = (
    Identifier("user", "u"),
    Identifier("tablet", "t"),
    Identifier("cookie", "c"),
)

POLICY = Policy(
    {
        "user": Rule(1, IdentifierKind.PERSON),
        "tablet": Rule(2, IdentifierKind.DEVICE, shared=Sharing.QUARANTINE, max_links=5),
    }
)

SHARED = BoundaryNode(
    super_connector=False, degree=3, owners=frozenset("abc"), co_members=1, judged=()
)


def region_with(node: BoundaryNode) -> Subgraph:
    """One person's subgraph, at whose node a tablet stands."""
    return replace(
        EMPTY_SUBGRAPH,
        interior=frozenset({USER}),
        nodes={
            USER: StoredIdentifier(1, "a", contested=False, super_connector=False),
            TABLET: StoredIdentifier(1, "t", contested=True, super_connector=False),
        },
        links={(TABLET, USER): (1, 1, 1)},
        boundary={TABLET: node},
    )


def seen_together(*events: tuple[Identifier, ...]) -> NewEvidence:
    new = NewEvidence()
    for at, identifiers in enumerate(events):
        new.add(tuple(sorted(identifiers)), at, "shop")
    return new


@pytest.mark.parametrize(
    ("node", "ends"),
    [
        (SHARED, True),
        (replace(SHARED, owners=frozenset("abc")), True),
        (replace(SHARED, owners=frozenset("ab")), False),
        (replace(SHARED, co_members=MAX_CO_MEMBERS), False),
        (replace(SHARED, judged=(USER,)), False),
        (replace(SHARED, degree=5), True),
        (replace(SHARED, degree=6), False),
        (replace(SHARED, super_connector=True, owners=frozenset()), True),
        (replace(SHARED, super_connector=True, judged=(USER,)), False),
    ],
)
def test_a_region_ends_at_what_stays_as_it_is(node: BoundaryNode, *, ends: bool) -> None:
    assert boundary_is_stable(region_with(node), NewEvidence(), POLICY) is ends


def test_new_links_may_make_an_edge_a_super_connector() -> None:
    subgraph = region_with(replace(SHARED, degree=5))

    assert boundary_is_stable(subgraph, seen_together((USER, TABLET)), POLICY)
    assert not boundary_is_stable(subgraph, seen_together((COOKIE, TABLET)), POLICY)


def test_a_region_does_not_end_where_the_policy_no_longer_quarantines() -> None:
    lenient = replace(POLICY, rules={"tablet": Rule(2, IdentifierKind.DEVICE)})

    assert not boundary_is_stable(region_with(SHARED), NewEvidence(), lenient)


def test_new_evidence_is_put_to_what_was_loaded() -> None:
    resolution_input = merge_evidence(
        region_with(SHARED), seen_together((USER, TABLET), (USER, COOKIE))
    )

    evidence = resolution_input.evidence
    assert dict(zip(evidence.identifiers, evidence.first_seen, strict=True)) == {
        USER: 0,
        TABLET: 0,
        COOKIE: 1,
    }
    links = {
        (evidence.identifiers[link.a], evidence.identifiers[link.b]): tuple(link[2:])
        for link in evidence.links
    }
    assert links == {(TABLET, USER): (0, 1, 2), (COOKIE, USER): (1, 1, 1)}
    assert resolution_input.settled.customer_of == ["a", "t", None]
    assert resolution_input.outside.contested == {evidence.identifiers.index(TABLET)}


def test_a_known_event_adds_only_the_links_of_what_it_observes_besides() -> None:
    new = NewEvidence()

    new.add_to_event((TABLET, USER), [COOKIE], 7, "shop")

    assert new.identifiers.keys() == {COOKIE}
    assert new.links == {
        (COOKIE, TABLET): Sightings(7, 7, 1, {"shop"}),
        (COOKIE, USER): Sightings(7, 7, 1, {"shop"}),
    }


def test_only_customers_that_were_walked_wholly_are_decided() -> None:
    subgraph = region_with(SHARED)

    together = replace(
        subgraph, nodes=subgraph.nodes | {TABLET: replace(subgraph.nodes[TABLET], customer="a")}
    )

    assert subgraph.walked_customers == {"a"}
    assert together.walked_customers == set()
