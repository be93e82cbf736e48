"""When a subgraph may end at a contested identifier or a super-connector."""

from __future__ import annotations

from dataclasses import replace

import pytest

from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.policies.policy import Policy, Rule, Sharing
from identity_service.domain.resolution.boundary import boundary_is_stable, boundary_unchanged
from identity_service.domain.resolution.resolve import resolve
from identity_service.domain.resolution.subgraph import (
    EMPTY_SUBGRAPH,
    MAX_CO_MEMBERS,
    BoundaryNode,
    NewEvidence,
    StoredIdentifier,
    StoredLink,
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


def subgraph_with(node: BoundaryNode) -> Subgraph:
    """One person's subgraph, which ends at a tablet."""
    return replace(
        EMPTY_SUBGRAPH,
        interior=frozenset({USER}),
        nodes={
            USER: StoredIdentifier(1, "a", contested=False, super_connector=False),
            TABLET: StoredIdentifier(1, "t", contested=True, super_connector=False),
        },
        links={(TABLET, USER): StoredLink(1, 1, 1)},
        boundary={TABLET: node},
    )


def seen_together(*events: tuple[Identifier, ...]) -> NewEvidence:
    new = NewEvidence()
    for at, identifiers in enumerate(events):
        new.add(tuple(sorted(identifiers)), at, "shop")
    return new


@pytest.mark.parametrize(
    ("node", "stable"),
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
def test_a_boundary_is_stable_where_every_node_stays_as_it_is(
    node: BoundaryNode, *, stable: bool
) -> None:
    assert boundary_is_stable(subgraph_with(node), NewEvidence(), POLICY) is stable


def test_one_node_that_may_change_is_enough() -> None:
    subgraph = subgraph_with(replace(SHARED, owners=frozenset()))
    hub = Identifier("hub", "h")
    boundary = {hub: replace(SHARED, super_connector=True), **subgraph.boundary}

    assert not boundary_is_stable(replace(subgraph, boundary=boundary), NewEvidence(), POLICY)


def test_new_links_may_make_a_boundary_node_a_super_connector() -> None:
    subgraph, with_room = (subgraph_with(replace(SHARED, degree=links)) for links in (5, 4))

    assert boundary_is_stable(with_room, seen_together((COOKIE, TABLET)), POLICY)
    assert boundary_is_stable(subgraph, seen_together((USER, TABLET)), POLICY)
    assert not boundary_is_stable(subgraph, seen_together((COOKIE, TABLET)), POLICY)


def test_a_boundary_is_not_stable_where_the_policy_no_longer_quarantines() -> None:
    lenient = replace(POLICY, rules={"tablet": Rule(2, IdentifierKind.DEVICE)})

    assert not boundary_is_stable(subgraph_with(SHARED), NewEvidence(), lenient)


# What the resolution may have done to customers at the boundary


APP, WEARABLE = Identifier("app", "p"), Identifier("wearable", "w")
DEVICES = Policy(
    {
        "user": Rule(1, IdentifierKind.PERSON),
        "tablet": Rule(2, IdentifierKind.DEVICE, shared=Sharing.QUARANTINE),
        "cookie": Rule(3, IdentifierKind.DEVICE),
        "app": Rule(3, IdentifierKind.DEVICE),
        "wearable": Rule(3, IdentifierKind.DEVICE),
    }
)
TABLET_AND_COOKIE = replace(
    EMPTY_SUBGRAPH,
    nodes={
        COOKIE: StoredIdentifier(1, "t", contested=False, super_connector=False),
        TABLET: StoredIdentifier(1, "t", contested=True, super_connector=False),
    },
    links={(COOKIE, TABLET): StoredLink(5, 5, 1)},
    boundary={TABLET: SHARED},
)
"""A contested tablet whose customer holds a cookie, linked with it at 5 ms."""


def unchanged(subgraph: Subgraph, new: NewEvidence, policy: Policy = DEVICES) -> bool:
    merged = merge_evidence(subgraph, new)
    resolution = resolve(merged.evidence, policy, merged.outside)
    return boundary_unchanged(subgraph, merged, resolution, policy)


def test_a_customer_that_holds_what_it_held_is_unchanged() -> None:
    assert unchanged(TABLET_AND_COOKIE, NewEvidence())


@pytest.mark.parametrize("device", [APP, WEARABLE])
@pytest.mark.parametrize(("at", "holds"), [(4, False), (6, True)])
def test_a_device_may_join_the_customer_only_after_everything_that_this_held(
    device: Identifier, at: int, *, holds: bool
) -> None:
    new = NewEvidence()
    new.add(tuple(sorted((device, TABLET))), at, "shop")

    assert unchanged(TABLET_AND_COOKIE, new) is holds


@pytest.mark.parametrize(("at", "holds"), [(4, False), (6, True)])
def test_links_that_join_nothing_and_links_of_others_do_not_matter(at: int, *, holds: bool) -> None:
    fax = Identifier("fax", "1")
    new = NewEvidence()
    new.add((COOKIE, fax), 9, "shop")
    new.add((APP, WEARABLE), 1, "shop")
    new.add((APP, TABLET), at, "shop")
    not_listed_first = replace(
        TABLET_AND_COOKIE,
        nodes={fax: replace(TABLET_AND_COOKIE.nodes[COOKIE], customer=None)}
        | TABLET_AND_COOKIE.nodes,
        links={(COOKIE, fax): StoredLink(0, 0, 1)} | TABLET_AND_COOKIE.links,
    )

    assert unchanged(not_listed_first, new) is holds


def test_two_devices_may_join_one_after_the_other() -> None:
    new = NewEvidence()
    new.add((TABLET, WEARABLE), 6, "shop")
    new.add((APP, TABLET), 7, "shop")

    assert unchanged(TABLET_AND_COOKIE, new)


def test_a_customer_that_lost_something_is_changed() -> None:
    assert not unchanged(replace(TABLET_AND_COOKIE, links={}), NewEvidence())


def test_a_contested_identifier_without_a_customer_is_changed() -> None:
    alone = replace(
        TABLET_AND_COOKIE,
        nodes={TABLET: replace(TABLET_AND_COOKIE.nodes[TABLET], customer=None)},
        links={},
    )

    assert not unchanged(alone, NewEvidence())


def test_what_lies_outside_may_not_join() -> None:
    outside = replace(
        TABLET_AND_COOKIE,
        nodes=TABLET_AND_COOKIE.nodes
        | {APP: StoredIdentifier(1, "other", contested=False, super_connector=False)},
    )
    new = NewEvidence()
    new.add((APP, TABLET), 6, "shop")

    assert unchanged(TABLET_AND_COOKIE, new)
    assert not unchanged(outside, new)


def test_nothing_may_join_a_contested_person() -> None:
    persons = replace(
        DEVICES,
        rules={
            **DEVICES.rules,
            "tablet": replace(DEVICES.rules["tablet"], kind=IdentifierKind.PERSON),
        },
    )
    new = NewEvidence()
    new.add((APP, TABLET), 6, "shop")
    merged = merge_evidence(TABLET_AND_COOKIE, new)
    with_devices = resolve(merged.evidence, DEVICES, merged.outside)

    assert boundary_unchanged(TABLET_AND_COOKIE, merged, with_devices, DEVICES)
    assert not boundary_unchanged(TABLET_AND_COOKIE, merged, with_devices, persons)


def test_whatever_becomes_of_a_super_connector_its_customer_is_unchanged() -> None:
    lost = replace(
        TABLET_AND_COOKIE, links={}, boundary={TABLET: replace(SHARED, super_connector=True)}
    )

    assert unchanged(lost, NewEvidence())
