"""What a batch of events adds, and the evidence that a decision rests on."""

from __future__ import annotations

from dataclasses import replace

from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import Judgement, Verdict
from identity_service.domain.resolution.evidence import Evidence
from identity_service.domain.resolution.id_register import CustomerKind, RegisteredId
from identity_service.domain.resolution.subgraph import (
    EMPTY_SUBGRAPH,
    BoundaryNode,
    Correction,
    NewEvidence,
    Sightings,
    Span,
    StoredIdentifier,
    StoredLink,
    corrected,
    is_torn,
    merge_evidence,
)

COOKIE, TABLET, USER = (
    Identifier("cookie", "c"),
    Identifier("tablet", "t"),
    Identifier("user", "u"),
)

STORED = replace(
    EMPTY_SUBGRAPH,
    interior=frozenset({USER}),
    nodes={
        USER: StoredIdentifier(1, "a", contested=False, super_connector=False),
        TABLET: StoredIdentifier(1, "t", contested=True, super_connector=False),
    },
    links={(TABLET, USER): StoredLink(1, 1, 1)},
)


def new_evidence(*events: tuple[int, str, tuple[Identifier, ...]]) -> NewEvidence:
    new = NewEvidence()
    for at, source, identifiers in events:
        new.add(tuple(sorted(identifiers)), at, source)
    return new


def first_seen(evidence: Evidence) -> dict[Identifier, int]:
    return dict(zip(evidence.identifiers, evidence.first_seen, strict=True))


def links(evidence: Evidence) -> dict[tuple[Identifier, Identifier], tuple[int, ...]]:
    named = evidence.identifiers
    return {(named[link.a], named[link.b]): link[2:5] for link in evidence.links}


# What a batch adds


def test_a_batch_holds_the_span_of_each_identifier_and_the_sightings_of_each_pair() -> None:
    new = new_evidence(
        (5, "shop", (USER, TABLET)), (3, "till", (USER, TABLET)), (9, "shop", (USER,))
    )

    assert new.identifiers == {USER: Span(3, 9), TABLET: Span(3, 5)}
    assert new.links == {(TABLET, USER): Sightings(3, 5, 2, {"shop", "till"})}


def test_an_event_links_each_of_its_identifiers_with_each_other() -> None:
    new = new_evidence((1, "shop", (USER, TABLET, COOKIE)))

    assert set(new.links) == {(COOKIE, TABLET), (COOKIE, USER), (TABLET, USER)}


def test_a_known_event_adds_only_the_links_of_what_it_observes_besides() -> None:
    new = NewEvidence()

    new.add_to_event((TABLET, USER), [COOKIE], 7, "shop")

    assert new.identifiers == {COOKIE: Span(7, 7)}
    assert new.links == {
        (COOKIE, TABLET): Sightings(7, 7, 1, {"shop"}),
        (COOKIE, USER): Sightings(7, 7, 1, {"shop"}),
    }


def test_what_a_known_event_observes_besides_is_linked_with_each_other_too() -> None:
    new = NewEvidence()

    new.add_to_event((), [USER, COOKIE], 7, "shop")

    assert set(new.links) == {(COOKIE, USER)}


def test_identifiers_alone_ask_what_is_known_of_them() -> None:
    assert NewEvidence.of_identifiers([USER]) == NewEvidence({USER: Span(0, 0)})


# A subgraph with new evidence


def test_new_evidence_is_merged_into_what_was_loaded() -> None:
    merged = merge_evidence(
        STORED, new_evidence((0, "shop", (USER, TABLET)), (4, "shop", (USER, COOKIE)))
    )

    assert first_seen(merged.evidence) == {USER: 0, TABLET: 0, COOKIE: 4}
    assert links(merged.evidence) == {(TABLET, USER): (0, 1, 2), (COOKIE, USER): (4, 4, 1)}


def test_later_sightings_leave_the_first_one_as_it_was() -> None:
    merged = merge_evidence(STORED, new_evidence((8, "shop", (USER, TABLET))))

    assert first_seen(merged.evidence) == {USER: 1, TABLET: 1}
    assert links(merged.evidence) == {(TABLET, USER): (1, 8, 2)}


def test_a_link_to_what_was_not_loaded_is_left_out() -> None:
    beyond = replace(
        STORED,
        links={
            (COOKIE, USER): StoredLink(1, 1, 1),
            (TABLET, Identifier("z", "z")): StoredLink(1, 1, 1),
        },
    )

    assert merge_evidence(beyond, NewEvidence()).evidence.links == []


def test_judgements_in_force_and_new_ones_both_count() -> None:
    old, made = (Judgement(name, Verdict.SAME, USER, TABLET, 0) for name in ("old", "made"))

    merged = merge_evidence(replace(STORED, judgements=[old]), NewEvidence(judgements=[made]))

    assert merged.evidence.judgements == [old, made]


def test_what_is_stored_goes_with_it() -> None:
    entry = RegisteredId("a", 1, USER, CustomerKind.KNOWN)
    stored = replace(
        STORED,
        register=[entry],
        nodes=STORED.nodes
        | {COOKIE: StoredIdentifier(1, "a", contested=False, super_connector=True)},
    )

    merged = merge_evidence(stored, new_evidence((4, "shop", (USER, Identifier("new", "n")))))

    named = merged.evidence.identifiers
    assert merged.settled.identifiers == named
    assert dict(zip(named, merged.settled.customer_of, strict=True)) == {
        USER: "a", TABLET: "t", COOKIE: "a", Identifier("new", "n"): None,
    }  # fmt: skip
    assert merged.settled.register == [entry]
    assert merged.settled.contested == {named.index(TABLET)}
    assert merged.settled.super_connectors == {named.index(COOKIE)}


def test_only_the_state_of_what_lies_outside_is_given() -> None:
    contested = StoredIdentifier(1, "a", contested=True, super_connector=True)
    mixed = replace(STORED, nodes={USER: contested, TABLET: contested})

    outside = merge_evidence(mixed, NewEvidence()).outside

    assert outside.contested == outside.super_connectors == {1}


def test_an_identifier_is_outside_when_it_was_loaded_without_its_links() -> None:
    assert STORED.is_outside(TABLET)
    assert not STORED.is_outside(USER)
    assert not STORED.is_outside(COOKIE)


def test_only_customers_that_lie_wholly_inside_are_decided() -> None:
    nodes = STORED.nodes | {COOKIE: replace(STORED.nodes[USER], customer=None)}
    shared = nodes | {TABLET: replace(nodes[TABLET], customer="a")}
    interior = frozenset({USER, COOKIE})

    assert replace(STORED, nodes=nodes, interior=interior).walked_customers == {"a"}
    assert replace(STORED, nodes=shared, interior=interior).walked_customers == set()


def test_a_correction_replaces_what_is_left_and_removes_what_is_not() -> None:
    a, b, c = (Identifier("cookie", value) for value in "abc")
    nodes = {i: StoredIdentifier(1, "x", contested=False, super_connector=False) for i in (a, b, c)}
    subgraph = replace(
        EMPTY_SUBGRAPH,
        nodes=nodes,
        links={
            (a, b): StoredLink(1, 9, 3),
            (a, c): StoredLink(1, 1, 1),
            (b, c): StoredLink(2, 2, 1),
        },
    )

    left = corrected(
        subgraph,
        Correction({a: Span(4, 9)}, {(a, b): Sightings(4, 9, 2, {"shop"}), (a, c): None}),
    )
    gone = corrected(subgraph, Correction({a: None}, {(a, b): None, (a, c): None}))

    assert left.links == {
        (a, b): StoredLink(4, 9, 2, frozenset({"shop"})),
        (b, c): StoredLink(2, 2, 1),
    }
    assert left.nodes[a].first_seen == 4
    assert gone.nodes.keys() == {b, c}
    assert gone.links == {(b, c): StoredLink(2, 2, 1)}


# Parts that were read at different moments

WHOLE = replace(
    STORED,
    boundary={TABLET: BoundaryNode(False, 1, frozenset(), 0, ())},
    revisions={"a": 1, "t": 1},
)
"""A user, walked, and a contested tablet at which the walk ended."""


def test_a_subgraph_whose_parts_fit_together_is_not_torn() -> None:
    assert not is_torn(WHOLE, [(TABLET, USER), (USER, USER)])
    assert not is_torn(EMPTY_SUBGRAPH, [])


def test_a_subgraph_is_torn_where_something_joins_an_identifier_that_was_not_walked_to() -> None:
    assert is_torn(WHOLE, [(TABLET, USER), (COOKIE, USER)])
    assert is_torn(WHOLE, [(USER, COOKIE)])
    assert is_torn(replace(WHOLE, boundary={}), [(TABLET, USER)])


def test_a_subgraph_is_torn_where_an_identifier_went_to_a_customer_of_an_unread_revision() -> None:
    assert is_torn(replace(WHOLE, revisions={"a": 1}), [(TABLET, USER)])


def test_a_subgraph_is_not_torn_where_an_identifier_has_no_customer() -> None:
    waiting = StoredIdentifier(1, None, contested=False, super_connector=False)

    assert not is_torn(replace(WHOLE, nodes={**WHOLE.nodes, USER: waiting}), [(TABLET, USER)])
