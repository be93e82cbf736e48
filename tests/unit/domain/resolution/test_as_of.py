"""The register and the evidence of a moment."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.judgements import Judgement, Verdict
from identity_service.domain.policies.policy import Blocked, Policy, Rule
from identity_service.domain.policies.value_rules import ValueRules
from identity_service.domain.resolution.as_of import AnchoredId, HistoricalEvidence, ids_at
from identity_service.domain.resolution.evidence import Evidence, gather
from identity_service.domain.resolution.resolve import resolve
from identity_service.domain.resolution.subgraph import Sightings, Span

ANN, PHONE, TABLET, HUB = (
    Identifier("user_id", "ann"),
    Identifier("device", "phone"),
    Identifier("device", "tablet"),
    Identifier("device", "hub"),
)
POLICY = Policy(
    {
        "user_id": Rule(1, IdentifierKind.PERSON, 1),
        "device": Rule(2, IdentifierKind.DEVICE, max_links=2),
    },
    blocked=(Blocked(value="unknown device"),),
)


def EVERYTHING(_: Identifier) -> bool:  # noqa: N802
    """Nothing is blocked."""
    return True


SIGNED_UP = AnchoredId("cus_2", 20, ANN, [(30, PHONE)])


@pytest.mark.parametrize(
    ("moment", "anchor"), [(10, PHONE), (20, PHONE), (29, PHONE), (30, ANN), (99, ANN)]
)
def test_an_id_stays_at_its_anchor_until_the_moment_it_moves(
    moment: int, anchor: Identifier
) -> None:
    assert SIGNED_UP.at(moment).anchor == anchor


def test_of_anchors_left_at_one_moment_the_first_counts_before_it() -> None:
    moved_twice = AnchoredId("cus_2", 20, ANN, [(30, TABLET), (30, PHONE)])

    assert moved_twice.at(29).anchor == TABLET
    assert moved_twice.at(30).anchor == ANN


def test_a_cluster_has_the_id_with_the_strongest_anchor_of_those_minted_by_then() -> None:
    older = AnchoredId("cus_1", 10, TABLET)
    later = AnchoredId("cus_3", 40, ANN)
    register = [older, SIGNED_UP, later]
    members = {ANN, PHONE, TABLET}

    assert ids_at(19, members, register, POLICY, EVERYTHING) == ("cus_1", [])
    assert ids_at(20, members, register, POLICY, EVERYTHING) == ("cus_1", ["cus_2"])
    assert ids_at(25, members, register, POLICY, EVERYTHING) == ("cus_1", ["cus_2"])
    assert ids_at(35, members, register, POLICY, EVERYTHING) == ("cus_2", ["cus_1"])
    assert ids_at(45, members, register, POLICY, EVERYTHING) == ("cus_2", ["cus_1", "cus_3"])


def test_ids_anchored_elsewhere_are_not_the_clusters() -> None:
    assert ids_at(25, {ANN}, [SIGNED_UP], POLICY, EVERYTHING) == (None, [])
    assert ids_at(35, {ANN}, [SIGNED_UP], POLICY, EVERYTHING) == ("cus_2", [])


def test_before_its_first_settlement_a_cluster_has_the_id_that_it_got_first() -> None:
    register = [AnchoredId("cus_1", 10, TABLET), SIGNED_UP]

    assert ids_at(5, {PHONE, TABLET}, register, POLICY, EVERYTHING) == ("cus_1", [])


def test_what_is_taken_in_identifier_by_identifier_is_the_evidence_of_all() -> None:
    bob, watch = Identifier("user_id", "bob"), Identifier("device", "watch")
    observed = [(3, (ANN, PHONE)), (1, (ANN, PHONE)), (2, (PHONE, TABLET)), (5, (bob, watch))]
    free = Policy({"user_id": Rule(1, IdentifierKind.PERSON), "device": POLICY.rules["user_id"]})
    expected = gather(observed)
    judged = Judgement("j", Verdict.APART, ANN, bob, 4)
    past = HistoricalEvidence(free, ValueRules(free), judgements={judged.id: judged})

    for name in {identifier for _, who in observed for identifier in who}:
        times = [at for at, who in observed if name in who]
        others = {other for _, who in observed if name in who for other in who} - {name}
        past.take(name, Span(min(times), max(times)), {o: _seen(observed, name, o) for o in others})
    evidence, outside = past.resolution_input()

    assert outside.super_connectors == frozenset()
    assert dict(zip(evidence.identifiers, evidence.first_seen, strict=True)) == dict(
        zip(expected.identifiers, expected.first_seen, strict=True)
    )
    assert _links(evidence) == _links(expected)
    assert evidence.judgements == [judged]
    assert _partition(evidence.identifiers, resolve(evidence, free).cluster_of) == _partition(
        expected.identifiers, resolve(expected, free).cluster_of
    )


def test_what_the_policy_withholds_is_neither_followed_nor_linked() -> None:
    past = HistoricalEvidence(POLICY, ValueRules(POLICY))
    nobody = Identifier("device", "unknown device")

    following = past.take(ANN, Span(1, 1), {PHONE: _once(1), nobody: _once(1)})

    assert following == [PHONE]
    assert list(past.links) == [(PHONE, ANN)]
    assert past.withheld() == [nobody]


def test_a_link_is_held_once_whichever_end_is_taken_in_first() -> None:
    past = HistoricalEvidence(POLICY, ValueRules(POLICY))

    past.take(ANN, Span(1, 1), {PHONE: _once(1)})
    past.take(PHONE, Span(1, 1), {ANN: _once(1)})

    assert list(past.links) == [(PHONE, ANN)]


def test_a_super_connector_is_met_and_not_followed() -> None:
    past = HistoricalEvidence(POLICY, ValueRules(POLICY))
    crowd = {Identifier("device", f"d{n}"): _once(n) for n in range(3)}

    past.take(PHONE, Span(1, 1), {HUB: _once(1)})
    following = past.take(HUB, Span(0, 9), crowd)
    evidence, outside = past.resolution_input()

    assert following == []
    assert evidence.identifiers == [PHONE, HUB]
    assert outside.super_connectors == {1}
    assert [link[:2] for link in evidence.links] == [(1, 0)]


def test_neighbours_that_are_withheld_make_no_super_connector() -> None:
    past = HistoricalEvidence(POLICY, ValueRules(POLICY))
    nobody = Identifier("device", "unknown device")

    assert past.is_super_connector(HUB, [PHONE, TABLET, ANN])
    assert not past.is_super_connector(HUB, [PHONE, TABLET, nobody])


def _once(at: int) -> Sightings:
    return Sightings(at, at, 1, {"shop"})


def _seen(
    observed: list[tuple[int, tuple[Identifier, ...]]], a: Identifier, b: Identifier
) -> Sightings:
    times = [at for at, who in observed if {a, b} <= set(who)]
    return Sightings(min(times), max(times), len(times), {"shop"})


def _links(evidence: Evidence) -> dict[frozenset[Identifier], tuple[int, ...]]:
    """By the two ends: first and last seen, and how often."""
    named = evidence.identifiers
    return {frozenset((named[link.a], named[link.b])): link[2:5] for link in evidence.links}


def _partition(
    identifiers: Sequence[Identifier], cluster_of: list[int]
) -> set[frozenset[Identifier]]:
    clusters: dict[int, set[Identifier]] = {}
    for identifier, cluster in zip(identifiers, cluster_of, strict=True):
        clusters.setdefault(cluster, set()).add(identifier)
    return set(map(frozenset, clusters.values()))


# Anchors that are blocked


def test_an_entry_knows_the_anchors_that_it_had_left_by_then_the_last_one_first() -> None:
    moved_twice = AnchoredId("cus_2", 20, ANN, [(30, TABLET), (40, PHONE)])

    assert moved_twice.at(29).earlier == ()
    assert (moved_twice.at(35).anchor, moved_twice.at(35).earlier) == (PHONE, (TABLET,))
    assert moved_twice.at(40).earlier == (PHONE, TABLET)


def test_while_the_anchor_was_blocked_the_id_stood_at_the_one_that_it_had_left() -> None:
    def blocked(identifier: Identifier) -> bool:
        return identifier != ANN

    assert ids_at(35, {PHONE}, [SIGNED_UP], POLICY, blocked) == ("cus_2", [])
    assert ids_at(35, {PHONE}, [SIGNED_UP], POLICY, EVERYTHING) == (None, [])


def test_an_id_that_was_not_minted_yet_had_taken_no_anchor_over() -> None:
    later = AnchoredId("cus_3", 50, PHONE)

    def blocked(identifier: Identifier) -> bool:
        return identifier != ANN

    assert ids_at(49, {PHONE}, [SIGNED_UP, later], POLICY, blocked) == ("cus_2", [])
    assert ids_at(50, {PHONE}, [SIGNED_UP, later], POLICY, blocked) == ("cus_3", [])
