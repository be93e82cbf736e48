"""Chains between two identifiers, and the sentences about them."""

from __future__ import annotations

from hypothesis import given

from identity_service.domain.chains import chain
from identity_service.domain.evidence import gather
from identity_service.domain.explanation import NEVER_CONNECTED, explain
from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import Judgement, Verdict
from identity_service.domain.policy_text import preset
from identity_service.domain.resolution import resolve
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
    assert explained.refusals[0].decision.message in explained.message


def test_what_was_never_connected_is_said_to_be_so() -> None:
    evidence = gather([(1, (ANN, MAIL)), (2, (BEN, PHONE))])

    explained = explain(ANN, BEN, evidence, resolve(evidence, POLICY), POLICY)

    assert explained.message == NEVER_CONNECTED
    assert explained.path == ()


def test_a_hop_that_rests_on_a_judgement_alone_has_no_link() -> None:
    same = Judgement("j", Verdict.SAME, ANN, BEN, 5, reason="she called")
    evidence = gather([(1, (ANN, MAIL)), (2, (BEN, PHONE))], [same])

    explained = explain(MAIL, PHONE, evidence, resolve(evidence, POLICY), POLICY)

    assert explained.same_customer
    assert [hop.link is None for hop in explained.path] == [False, True, False]
    assert "she called" in explained.path[1].decision.message


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
