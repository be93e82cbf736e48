"""Evidence of many observations, and of parts that overlap."""

from __future__ import annotations

from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import Detachment, Judgement, Verdict
from identity_service.domain.resolution.evidence import (
    Evidence,
    SeenPair,
    attached,
    gather,
    union,
)

A, B, C, D = (Identifier("cookie", value) for value in "abcd")
SAME, APART = (
    Judgement("1", Verdict.SAME, A, B, 0),
    Judgement("2", Verdict.APART, B, C, 0),
)


def first_seen(evidence: Evidence) -> dict[Identifier, int]:
    return dict(zip(evidence.identifiers, evidence.first_seen, strict=True))


def links(evidence: Evidence) -> dict[frozenset[Identifier], tuple[int, ...]]:
    """By the two ends: first and last seen, and how often."""
    found = {
        frozenset((evidence.identifiers[link.a], evidence.identifiers[link.b])): link[2:5]
        for link in evidence.links
    }
    assert len(found) == len(evidence.links)
    return found


def test_observations_are_gathered_in_any_order() -> None:
    found = gather([(5, (A, B)), (3, (B, A)), (9, (A, B, C))], [SAME])

    assert first_seen(found) == {A: 3, B: 3, C: 9}
    assert links(found) == {
        frozenset({A, B}): (3, 9, 3),
        frozenset({A, C}): (9, 9, 1),
        frozenset({B, C}): (9, 9, 1),
    }
    assert found.judgements == [SAME]


def test_an_identifier_that_is_observed_twice_in_one_event_is_not_linked_with_itself() -> None:
    found = gather([(1, (A, A, B))])

    assert links(found) == {frozenset({A, B}): (1, 1, 1)}


def test_parts_that_overlap_become_one() -> None:
    first = gather([(5, (A, B)), (6, (B, C))], [SAME])
    second = gather([(7, (C, D)), (6, (C, B))], [APART, SAME])

    found = union(first, second)

    assert first_seen(found) == {A: 5, B: 5, C: 6, D: 7}
    assert links(found) == {
        frozenset({A, B}): (5, 5, 1),
        frozenset({B, C}): (6, 6, 1),
        frozenset({C, D}): (7, 7, 1),
    }
    assert {made.id: made for made in found.judgements} == {"1": SAME, "2": APART}
    assert len(found.judgements) == 2


def test_of_what_both_parts_hold_the_first_has_it_right() -> None:
    newer = gather([(1, (A, B)), (5, (A, B))])
    older = gather([(5, (B, A))])

    found = union(newer, older)

    assert first_seen(found) == {A: 1, B: 1}
    assert links(found) == {frozenset({A, B}): (1, 5, 2)}


def test_links_between_the_parts_are_added() -> None:
    found = union(gather([(1, (A, B))]), gather([(2, (C, D))]), [SeenPair(D, A, 3, 4, 5)])

    assert links(found)[frozenset({A, D})] == (3, 4, 5)
    assert len(found.links) == 3


def test_what_a_detachment_took_from_its_event_is_no_evidence() -> None:
    made = [Detachment("1", A, "m1", 0), Detachment("2", A, "m1", 1), Detachment("3", B, "m2", 2)]

    assert attached("m1", (A, B, C), made) == (B, C)
    assert attached("m2", (A, B, C), made) == (A, C)
    assert attached("m3", (A, B, C), made) == (A, B, C)
