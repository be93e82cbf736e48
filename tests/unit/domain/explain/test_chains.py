"""Chains between two identifiers, and the sentences about them."""

from __future__ import annotations

import networkx as nx
from hypothesis import given

from identity_service.domain.explain.chains import Hop, chain
from identity_service.domain.explain.explanation import NEVER_CONNECTED, describe_decision, explain
from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import Judgement, Verdict
from identity_service.domain.policies.parse import parse_policy, preset
from identity_service.domain.resolution.clusters import RefusalReason
from identity_service.domain.resolution.evidence import Evidence, gather
from identity_service.domain.resolution.resolve import BoundaryState, Resolution, resolve
from tests.support.worlds import World, in_many_worlds, worlds

POLICY = preset("quarantine")
ANN, BEN = Identifier("user_id", "ann"), Identifier("user_id", "ben")
MAIL, PHONE = Identifier("email", "a@example.com"), Identifier("ios.id", "phone")


def test_one_customer_is_explained_by_the_links_that_joined_it() -> None:
    evidence = gather([(1, (ANN, MAIL)), (2, (MAIL, PHONE)), (3, (ANN, PHONE))])

    explained = explain(MAIL, PHONE, evidence, resolve(evidence, POLICY), POLICY)

    assert explained.same_customer
    assert [(hop.start, hop.end) for hop in explained.path] == [(MAIL, PHONE)]
    assert explained.refusals == ()


def test_two_customers_are_explained_by_the_refused_link_between_them() -> None:
    evidence = gather([(1, (ANN, MAIL)), (2, (ANN, PHONE)), (3, (BEN, PHONE))])

    explained = explain(MAIL, BEN, evidence, resolve(evidence, POLICY), POLICY)

    assert not explained.same_customer
    assert [(hop.start, hop.end) for hop in explained.path] == [
        (MAIL, ANN),
        (ANN, PHONE),
        (PHONE, BEN),
    ]
    assert explained.refusals[0].end == PHONE
    assert (
        explained.message == "Two customers: ios.id:phone belongs to several people, so to nobody."
    )


def test_what_was_never_connected_is_said_to_be_so() -> None:
    evidence = gather([(1, (ANN, MAIL)), (2, (BEN, PHONE))])

    explained = explain(ANN, BEN, evidence, resolve(evidence, POLICY), POLICY)

    assert explained.message == NEVER_CONNECTED
    assert explained.path == ()


def test_a_hop_that_rests_on_a_judgement_alone_has_no_link() -> None:
    same = Judgement("j", Verdict.SAME, ANN, BEN, 5, "kim", "she called")
    evidence = gather([(1, (ANN, MAIL)), (2, (BEN, PHONE))], [same])

    explained = explain(MAIL, PHONE, evidence, resolve(evidence, POLICY), POLICY)

    assert explained.same_customer
    assert [hop.link is None for hop in explained.path] == [False, True, False]
    assert explained.judgement == same
    assert explained.message == (
        "One customer: 3 steps join them, by way of user_id:ann and user_id:ben; kim judged on "
        "1970-01-01 that user_id:ann and user_id:ben are one customer (“she called”)."
    )


def test_a_judged_link_is_told_as_judged_and_as_seen() -> None:
    """Two accounts in one event are not one customer unless somebody says so."""
    same = Judgement("j", Verdict.SAME, ANN, BEN, 5)
    evidence = gather([(1, (ANN, BEN))], [same])

    explained = explain(ANN, BEN, evidence, resolve(evidence, POLICY), POLICY)

    [hop] = explained.path
    assert hop.link is not None
    assert hop.judgement == explained.judgement == same
    assert "somebody judged" in explained.message


def test_two_that_were_judged_apart_are_told_who_said_so_even_if_nothing_connects_them() -> None:
    apart = Judgement("j", Verdict.APART, BEN, ANN, 86_400_000, "kim", "twins")
    evidence = gather([(1, (ANN, MAIL)), (2, (BEN, PHONE))], [apart])

    explained = explain(ANN, BEN, evidence, resolve(evidence, POLICY), POLICY)

    assert explained.path == ()
    assert explained.judgement == apart
    assert explained.message == (
        "Two customers: kim judged on 1970-01-02 that user_id:ben and user_id:ann are two "
        "customers (“twins”)."
    )


def test_a_judgement_about_others_of_the_two_customers_keeps_them_apart_too() -> None:
    apart = Judgement("j", Verdict.APART, MAIL, PHONE, 5)
    evidence = gather([(1, (ANN, MAIL)), (2, (BEN, PHONE))], [apart])

    explained = explain(ANN, BEN, evidence, resolve(evidence, POLICY), POLICY)

    assert explained.judgement == apart


def test_a_judgement_that_is_overruled_decides_nothing() -> None:
    said = [
        Judgement("1", Verdict.SAME, ANN, BEN, 1),
        Judgement("2", Verdict.APART, ANN, BEN, 2),
    ]
    evidence = gather([(1, (ANN, MAIL)), (2, (BEN, PHONE))], said)

    explained = explain(ANN, BEN, evidence, resolve(evidence, POLICY), POLICY)

    assert explained.judgement == said[1]


def test_beyond_a_super_connector_nobody_says_that_nothing_connects_them() -> None:
    """Each side ends at one whose other links were not loaded."""
    hub, other = Identifier("email", "info@example.com"), Identifier("email", "hi@example.com")
    evidence = gather([(1, (ANN, hub)), (2, (BEN, other))])
    outside = BoundaryState(
        super_connectors=frozenset(map(evidence.identifiers.index, (hub, other)))
    )

    explained = explain(ANN, BEN, evidence, resolve(evidence, POLICY, outside), POLICY, outside)

    assert explained.path == ()
    assert explained.message == (
        "Two customers: only identifiers with more links than one person could have may connect "
        "them, such as email:hi@example.com and email:info@example.com, and those join nothing."
    )


def test_a_super_connector_on_one_side_alone_connects_nothing() -> None:
    hub = Identifier("email", "info@example.com")
    evidence = gather([(1, (ANN, hub)), (2, (BEN, PHONE))])
    outside = BoundaryState(super_connectors=frozenset({evidence.identifiers.index(hub)}))

    explained = explain(ANN, BEN, evidence, resolve(evidence, POLICY, outside), POLICY, outside)

    assert explained.message == NEVER_CONNECTED


def test_a_link_that_joins_nothing_by_itself_is_on_no_path() -> None:
    """A visitor to somebody's device turns out to be the owner by a weaker device of both."""
    policy = parse_policy("""
        types:
          email: {priority: 1, kind: person}
          tablet: {priority: 5, kind: device, shared: quarantine, dominance: 0.6}
          cookie: {priority: 9, kind: device, shared: merge}
    """)
    ann, ben = Identifier("email", "ann"), Identifier("email", "ben")
    tablet, cookie = Identifier("tablet", "t"), Identifier("cookie", "c")
    often = [(at, (ann, tablet)) for at in range(5)]
    evidence = gather([*often, (6, (ben, tablet)), (7, (ann, cookie)), (8, (ben, cookie))])
    resolution = resolve(evidence, policy)

    explained = explain(tablet, ben, evidence, resolution, policy)

    assert explained.same_customer
    assert [hop.end for hop in explained.path] == [ann, cookie, ben]
    [overruled] = resolution.overruled
    assert describe_decision(overruled, evidence, resolution, policy).message == (
        "One customer: they were seen together once, but it is not this that joins them."
    )


@in_many_worlds
@given(worlds())
def test_a_chain_leads_from_one_to_the_other_and_joins_exactly_customers(world: World) -> None:
    evidence = world.evidence()
    resolution = resolve(evidence, world.policy)
    identifiers = evidence.identifiers
    first, clusters = identifiers[0], resolution.cluster_of

    for other, cluster in zip(identifiers[1:], clusters[1:], strict=True):
        found = chain(first, other, evidence, resolution)

        assert found.same_customer == (cluster == clusters[0])
        assert found.hops or not found.same_customer
        ends = [hop.end for hop in found.hops]
        assert [hop.start for hop in found.hops] == [first, *ends][: len(ends)]
        assert not ends or ends[-1] == other
        refused = [hop for hop in found.hops if hop.link in resolution.refusals]
        assert bool(refused) == (bool(ends) and not found.same_customer)


@in_many_worlds
@given(worlds())
def test_the_weakest_hop_of_a_chain_is_as_strong_as_that_of_any_other(world: World) -> None:
    """Against a search of the whole graph with all that is weaker left out."""
    evidence = world.evidence()
    resolution = resolve(evidence, world.policy)
    identifiers = evidence.identifiers
    ranked = ranked_steps(evidence, resolution)

    for other in identifiers[1:]:
        found = chain(identifiers[0], other, evidence, resolution)

        ranks = [rank_of(hop, ranked) for hop in found.hops]
        weakest = max(ranks, default=(0, 0))
        stronger = nx.Graph(pair for pair, rank in ranked.items() if rank < weakest)
        connected = {identifiers[0], other} <= set(stronger.nodes) and nx.has_path(
            stronger, identifiers[0], other
        )
        assert not connected
        assert found.hops or not found.same_customer


@in_many_worlds
@given(worlds())
def test_the_judgement_told_is_one_that_decides(world: World) -> None:
    evidence = world.evidence()
    resolution = resolve(evidence, world.policy)
    cluster_of = dict(zip(evidence.identifiers, resolution.cluster_of, strict=True))
    first = evidence.identifiers[0]

    for other in evidence.identifiers[1:]:
        explained = explain(first, other, evidence, resolution, world.policy)

        ends = {cluster_of[first], cluster_of[other]}
        between = [
            made
            for made in evidence.judgements
            if made.verdict is Verdict.APART
            and {cluster_of.get(made.a), cluster_of.get(made.b)} == ends
        ]
        if explained.same_customer:
            on_path = {hop.judgement.id for hop in explained.path if hop.judgement}
            assert (explained.judgement.id in on_path) if explained.judgement else not on_path
        elif between:
            assert explained.judgement in between
        elif explained.judgement:
            assert explained.refusals[0].decision.reason is RefusalReason.APART


def ranked_steps(
    evidence: Evidence, resolution: Resolution
) -> dict[tuple[Identifier, Identifier], tuple[int, int]]:
    """Each pair that something joins or could join, with the rank of the strongest such thing."""
    identifiers, links = evidence.identifiers, evidence.links
    cluster_of = dict(zip(identifiers, resolution.cluster_of, strict=True))
    ranked: dict[tuple[Identifier, Identifier], tuple[int, int]] = {}
    turn = {number: turn for turn, number in enumerate(resolution.taken)}
    for number, link in enumerate(links):
        pair = identifiers[link.a], identifiers[link.b]
        refused = number in resolution.refusals or number in resolution.overruled
        never = len(links) + number
        ranked[min(pair), max(pair)] = (2 if refused else 1, turn.get(number, never))
    said = sorted(evidence.judgements, key=lambda made: (made.made_at, made.id), reverse=True)
    for place, made in enumerate(said):
        one = made.a in cluster_of and cluster_of[made.a] == cluster_of.get(made.b)
        if made.verdict is Verdict.SAME and one:
            ranked[min(made.a, made.b), max(made.a, made.b)] = (0, len(said) - place)
    return ranked


def rank_of(
    hop: Hop, ranked: dict[tuple[Identifier, Identifier], tuple[int, int]]
) -> tuple[int, int]:
    return ranked[min(hop.start, hop.end), max(hop.start, hop.end)]
