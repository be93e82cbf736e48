"""A snapshot of a space, or of a part of one."""

from __future__ import annotations

from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import Judgement, Verdict
from identity_service.domain.preview.snapshot import NOWHERE, LinkColumns, Snapshot
from identity_service.domain.resolution.evidence import Link, gather
from identity_service.domain.resolution.id_register import CustomerKind, RegisteredId
from identity_service.domain.resolution.subgraph import (
    BoundaryNode,
    NewEvidence,
    Sightings,
    Span,
    StoredIdentifier,
    StoredLink,
    Subgraph,
)
from tests.support.snapshots import unsettled_snapshot

A, B, C, D = (Identifier("cookie", value) for value in "abcd")


def first_seen(snapshot: Snapshot) -> dict[Identifier, int]:
    return dict(zip(snapshot.identifiers, snapshot.first_seen, strict=True))


def links(snapshot: Snapshot) -> dict[frozenset[Identifier], tuple[int, ...]]:
    """By the two ends: first and last seen, and how often."""
    columns, named = snapshot.links, snapshot.identifiers
    rows = zip(
        columns.a, columns.b, columns.first_seen, columns.last_seen, columns.times_seen, strict=True
    )
    return {frozenset((named[a], named[b])): tuple(seen) for a, b, *seen in rows}


def test_links_are_held_in_columns() -> None:
    columns = LinkColumns()

    columns.append(Link(0, 1, 20, 30, 4))

    assert len(columns) == 1
    assert [columns.a[0], columns.b[0]] == [0, 1]
    assert [columns.first_seen[0], columns.last_seen[0], columns.times_seen[0]] == [20, 30, 4]


def test_positions_are_those_of_known_identifiers() -> None:
    snapshot = unsettled_snapshot(gather([(1, (A, B, C))]))

    assert snapshot.positions([C, D, A, C]) == {A: 0, C: 2}
    assert snapshot.positions([]) == {}


# What events observe again


def test_an_identifier_that_is_reinstated_is_new_and_belongs_to_nobody() -> None:
    snapshot = unsettled_snapshot(gather([(1, (A, B))]))
    new = NewEvidence({C: Span(4, 9)}, {(A, C): Sightings(4, 9, 2, {"shop"})})

    snapshot.reinstate(new)

    assert first_seen(snapshot) == {A: 1, B: 1, C: 4}
    assert snapshot.customer_of == [None, None, None]
    assert links(snapshot) == {frozenset((A, B)): (1, 1, 1), frozenset((A, C)): (4, 9, 2)}
    assert snapshot.reinstated is new


def test_sightings_are_added_to_a_link_that_is_known() -> None:
    snapshot = unsettled_snapshot(gather([(3, (A, B)), (5, (A, B)), (4, (B, C))]))
    new = NewEvidence({}, {(A, B): Sightings(2, 7, 3, {"shop"})})

    snapshot.reinstate(new)

    assert links(snapshot) == {frozenset((A, B)): (2, 7, 5), frozenset((B, C)): (4, 4, 1)}


def test_sightings_inside_the_known_span_leave_it_as_it_is() -> None:
    snapshot = unsettled_snapshot(gather([(1, (B, A)), (9, (A, B))]))
    new = NewEvidence({A: Span(5, 5)}, {(A, B): Sightings(5, 5, 1, {"shop"})})

    snapshot.reinstate(new)

    assert first_seen(snapshot) == {A: 1, B: 1}
    assert links(snapshot) == {frozenset((A, B)): (1, 9, 3)}


def test_an_earlier_sighting_counts_for_a_known_identifier() -> None:
    snapshot = unsettled_snapshot(gather([(6, (A, B))]))

    snapshot.reinstate(NewEvidence({A: Span(5, 5)}))

    assert first_seen(snapshot) == {A: 5, B: 6}


def test_a_known_link_is_found_whichever_way_round_it_is_held() -> None:
    snapshot = Snapshot(identifiers=[B, A], customer_of=[None, None])
    snapshot.first_seen.extend([1, 1])
    snapshot.links.append(Link(0, 1, 1, 1, 1))

    snapshot.reinstate(NewEvidence({}, {(A, B): Sightings(1, 1, 1, {"shop"})}))

    assert links(snapshot) == {frozenset((A, B)): (1, 1, 2)}


# A part of a space


def stored(customer: str | None, *, contested: bool = False, at: int = 1) -> StoredIdentifier:
    return StoredIdentifier(at, customer, contested=contested, super_connector=False)


def test_a_subgraph_becomes_a_snapshot() -> None:
    judged = Judgement("j", Verdict.SAME, A, B, 1)
    at_a, at_d = (
        RegisteredId(name, 1, anchor, CustomerKind.KNOWN) for name, anchor in (("a", A), ("d", D))
    )
    subgraph = Subgraph(
        interior=frozenset({A, C}),
        nodes={
            C: stored(None, at=7),
            A: stored("c", contested=True, at=5),
            B: StoredIdentifier(6, "h", contested=False, super_connector=True),
        },
        links={
            (A, B): StoredLink(1, 2, 3),
            (B, C): StoredLink(4, 5, 6),
            (C, D): StoredLink(1, 1, 1),
            (D, A): StoredLink(1, 1, 1),
        },
        revisions={},
        register=[at_d, at_a],
        judgements=[judged],
        boundary={B: BoundaryNode(True, 9, frozenset(), 0, ())},
        settled_under=1,
    )

    snapshot = Snapshot.of(subgraph)

    assert first_seen(snapshot) == {A: 5, B: 6, C: 7}
    assert snapshot.customer_of == ["c", "h", None]
    assert snapshot.contested == {0}
    assert snapshot.super_connectors == {1}
    assert links(snapshot) == {frozenset((A, B)): (1, 2, 3), frozenset((B, C)): (4, 5, 6)}
    assert snapshot.links_beyond == {1: 7}
    assert snapshot.judgements == [judged]
    assert (snapshot.register, list(snapshot.anchors)) == ([at_a], [0])


def test_of_a_boundary_node_whose_links_were_loaded_none_lie_beyond() -> None:
    subgraph = Subgraph(
        interior=frozenset({A}),
        nodes={A: stored("c")},
        links={},
        revisions={},
        register=[],
        judgements=[],
        boundary={A: BoundaryNode(True, 9, frozenset(), 0, ())},
        settled_under=1,
    )

    assert Snapshot.of(subgraph).links_beyond == {}


# Where ids stand


def entry(name: str, anchor: Identifier, *earlier: Identifier) -> RegisteredId:
    return RegisteredId(name, 1, anchor, CustomerKind.KNOWN, earlier=earlier)


def placed(*register: RegisteredId, blocked: Identifier) -> list[tuple[str, Identifier, int]]:
    """Each id that stands somewhere while one identifier is blocked: its name, where, and place."""
    snapshot = Snapshot(identifiers=[A, B, C], register=list(register))
    snapshot.anchors.extend({A: 0, B: 1, C: 2}.get(each.anchor, NOWHERE) for each in register)

    snapshot.place_ids(lambda identifier: identifier != blocked)

    found = zip(snapshot.register, snapshot.anchors, strict=True)
    return [(each.id, each.anchor, position) for each, position in found]


def test_an_id_is_placed_where_it_falls_back_to() -> None:
    assert placed(entry("a", A), entry("b", B, C), blocked=B) == [("a", A, 0), ("b", C, 2)]
    assert placed(entry("a", A), entry("b", B, C), blocked=A) == [("a", A, 0), ("b", B, 1)]


def test_an_id_that_stands_outside_the_snapshot_is_dropped() -> None:
    assert placed(entry("a", A), entry("d", D, C), blocked=A) == [("a", A, 0)]
    assert placed(entry("d", D, C), blocked=D) == [("d", C, 2)]
    assert placed(entry("a", A, D), blocked=A) == []


def test_a_subgraph_keeps_an_id_that_may_fall_back_to_one_of_its_identifiers() -> None:
    falls_back, elsewhere = entry("d", D, A), entry("e", D)
    subgraph = Subgraph(
        interior=frozenset({A}),
        nodes={A: stored("d")},
        links={},
        revisions={},
        register=[falls_back, elsewhere],
        judgements=[],
        boundary={},
        settled_under=1,
    )

    snapshot = Snapshot.of(subgraph)

    assert (snapshot.register, list(snapshot.anchors)) == ([falls_back], [NOWHERE])
