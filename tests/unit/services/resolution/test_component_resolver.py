"""Where the walk over components begins, and what it cannot reach."""

from __future__ import annotations

from dataclasses import replace

from identity_service.domain.identifiers import Identifier
from identity_service.domain.resolution.id_register import CustomerKind, RegisteredId
from identity_service.domain.resolution.subgraph import (
    EMPTY_SUBGRAPH,
    BoundaryNode,
    StoredIdentifier,
    Subgraph,
)
from identity_service.services.resolution.component_resolver import Starts
from identity_service.services.resolution.subgraph_loader import beyond_the_walk

A, B, C, D = (Identifier("cookie", name) for name in "abcd")


def stored(
    customer: str | None, *, contested: bool = False, super_connector: bool = False
) -> StoredIdentifier:
    return StoredIdentifier(1, customer, contested, super_connector)


def test_one_identifier_of_each_customer_is_enough() -> None:
    starts = Starts.of({A: stored("c1"), B: stored("c1"), C: stored("c2"), D: stored(None)})

    assert len(starts.plain) == 3
    assert {C, D} < starts.plain


def test_contested_identifiers_and_super_connectors_are_all_kept_apart() -> None:
    starts = Starts.of(
        {
            A: stored("c1", contested=True),
            B: stored("c1", super_connector=True),
            C: stored("c1"),
            D: stored("c1", contested=True, super_connector=True),
        }
    )

    assert starts == Starts(frozenset({C}), frozenset({A}), frozenset({B, D}))


def test_identifiers_that_may_not_exist_are_tried_too() -> None:
    assert Starts.of({A: stored(None)}, [B]).plain == {A, B}


def test_nothing_to_begin_at_is_false() -> None:
    assert not Starts.of({})
    assert Starts.of({A: stored(None, super_connector=True)})


def test_a_walk_misses_what_is_judged_the_same_and_what_a_block_cuts_off() -> None:
    node = BoundaryNode(
        super_connector=True, degree=9, owners=frozenset(), co_members=0, judged=(B, C)
    )
    subgraph = replace(EMPTY_SUBGRAPH, boundary={A: node}, cut_off_by_block=frozenset({D}))

    assert beyond_the_walk(subgraph, lambda _: True) == {B, C, D}
    assert beyond_the_walk(EMPTY_SUBGRAPH, lambda _: True) == set()


def lost(anchor: Identifier, *earlier: Identifier) -> RegisteredId:
    return RegisteredId("lost", 1, anchor, CustomerKind.KNOWN, earlier=earlier)


def subgraph_with(entry: RegisteredId, *, alive_here: bool, member: Identifier | None) -> Subgraph:
    """A is loaded; the id is that of its customer, or alive elsewhere, or at its anchor."""
    return replace(
        EMPTY_SUBGRAPH,
        nodes={A: stored(entry.id if alive_here else None)},
        revisions={entry.id: 1} if alive_here else {},
        register=[entry],
        displaced={entry.id: member} if member else {},
    )


def test_a_walk_misses_the_anchor_to_which_an_id_of_its_customers_falls_back_or_returns() -> None:
    falls_back = subgraph_with(lost(B, C), alive_here=True, member=None)
    returns = subgraph_with(lost(B, A), alive_here=True, member=A)

    assert beyond_the_walk(falls_back, lambda i: i != B) == {C}
    assert beyond_the_walk(returns, lambda _: True) == {B}


def test_a_walk_misses_who_answers_elsewhere_under_an_id_that_stands_here() -> None:
    stands_here = subgraph_with(lost(A, C), alive_here=False, member=D)

    assert beyond_the_walk(stands_here, lambda _: True) == {D}
    assert beyond_the_walk(stands_here, lambda i: i != A) == set()


def test_a_walk_misses_nothing_where_an_id_stands_nowhere_or_at_its_anchor() -> None:
    nowhere = subgraph_with(lost(B), alive_here=True, member=A)
    settled = subgraph_with(lost(A, B), alive_here=True, member=None)

    assert beyond_the_walk(nowhere, lambda i: i != B) == set()
    assert beyond_the_walk(settled, lambda _: True) == set()
