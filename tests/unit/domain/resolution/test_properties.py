"""What must hold of the resolution function in every world, and its equality with the oracle."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from random import Random

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.judgements import Judgement, Verdict
from identity_service.domain.policies.policy import Policy
from identity_service.domain.resolution.evidence import Evidence, Link, gather
from identity_service.domain.resolution.resolve import BoundaryState, resolve
from tests.support.oracle import Answer, answer, answer_of
from tests.support.worlds import (
    CLAIMS,
    IDENTIFIERS,
    LIMITED,
    UNSEEN,
    Event,
    World,
    dice,
    events,
    in_many_worlds,
    judgements,
    policies,
    unprotected,
    worlds,
)

STANDING_JUDGEMENT = Judgement("z", Verdict.SAME, IDENTIFIERS[0], UNSEEN, 0)


def resolved(evidence: Evidence, policy: Policy, outside: BoundaryState | None = None) -> Answer:
    resolution = resolve(evidence, policy, outside) if outside else resolve(evidence, policy)
    return answer_of(evidence, resolution)


def restricted(whole: Answer, part: set[Identifier]) -> Answer:
    """What a whole says of identifiers that no link joins to others."""
    return Answer(
        partition={cluster for cluster in whole.partition if cluster <= part},
        contested=whole.contested & part,
        super_connectors=whole.super_connectors & part,
        owner_of_given={i: c for i, c in whole.owner_of_given.items() if i in part},
        refused={pair: why for pair, why in whole.refused.items() if part.issuperset(pair)},
    )


def components(pairs: Iterable[tuple[Identifier, Identifier]]) -> list[set[Identifier]]:
    graph: nx.Graph[Identifier] = nx.Graph(pairs)
    return [set(component) for component in nx.connected_components(graph)]


def meetings(happened: list[Event]) -> list[tuple[Identifier, Identifier]]:
    """Pairs that hold events together; an identifier alone is a pair with itself."""
    return [(identifiers[0], other) for _, identifiers in happened for other in identifiers]


@in_many_worlds
@given(worlds())
def test_the_outcome_is_what_the_rules_say_to_the_letter(world: World) -> None:
    evidence = world.evidence()

    found = resolved(evidence, world.policy)

    assert found == answer(*world)


@in_many_worlds
@given(worlds(), dice)
def test_with_limited_sources_the_outcome_is_what_the_rules_say_to_the_letter(
    world: World, draw: Random
) -> None:
    said = [(at, who, draw.choice(CLAIMS)) for at, who in world.events]
    policy = replace(world.policy, limited_sources=LIMITED)

    found = resolved(gather(said, world.judgements), policy)

    assert found == answer(said, world.judgements, policy)


@in_many_worlds
@given(worlds(), dice)
def test_whose_word_it_is_makes_no_difference_where_no_source_is_limited(
    world: World, draw: Random
) -> None:
    said = [(at, who, draw.choice(CLAIMS)) for at, who in world.events]

    found = resolved(gather(said, world.judgements), world.policy)

    assert found == resolved(world.evidence(), world.policy)


@in_many_worlds
@given(worlds(), st.sets(st.sampled_from(IDENTIFIERS)), st.sets(st.sampled_from(IDENTIFIERS)))
def test_what_is_contested_or_a_super_connector_outside_is_so_inside(
    world: World, contested: set[Identifier], super_connectors: set[Identifier]
) -> None:
    evidence = world.evidence()
    position = {identifier: i for i, identifier in enumerate(evidence.identifiers)}
    outside = BoundaryState(
        contested=frozenset(position[i] for i in contested & position.keys()),
        super_connectors=frozenset(position[i] for i in super_connectors & position.keys()),
    )

    found = resolved(evidence, world.policy, outside)

    expected = answer(*world, contested & position.keys(), super_connectors & position.keys())
    assert found == expected


@in_many_worlds
@given(worlds())
def test_hearing_from_outside_what_the_evidence_says_changes_nothing(world: World) -> None:
    evidence = world.evidence()
    once = resolve(evidence, world.policy)

    again = resolve(evidence, world.policy, BoundaryState(once.contested, once.super_connectors))

    assert answer_of(evidence, again) == answer_of(evidence, once)


@in_many_worlds
@given(worlds())
def test_without_limits_nothing_reaches_across_a_contested_identifier(world: World) -> None:
    policy = replace(
        world.policy,
        rules={kind: replace(rule, limit=None) for kind, rule in world.policy.rules.items()},
        other=world.policy.other and replace(world.policy.other, limit=None),
        max_identifiers=None,
    )
    evidence = gather(world.events)
    whole = resolve(evidence, policy)
    walls = whole.contested | whole.super_connectors
    identifiers = evidence.identifiers
    open_links = [link for link in evidence.links if not {link.a, link.b} & walls]
    alone = [(i, i) for i in identifiers]
    paths = [(identifiers[link.a], identifiers[link.b]) for link in open_links]

    for subgraph in components([*paths, *alone]):
        inside = _inside(evidence, subgraph, walls)
        outside = BoundaryState(whole.contested, whole.super_connectors)
        found = resolve(inside, policy, outside)
        together = {c & subgraph for c in answer_of(inside, found).partition} - {frozenset()}
        expected = {c & subgraph for c in answer_of(evidence, whole).partition} - {frozenset()}
        assert together == expected


def _inside(evidence: Evidence, subgraph: set[Identifier], walls: frozenset[int]) -> Evidence:
    """The links of a subgraph, those that reach a wall as well, but none from wall to wall."""
    within = {i for i, identifier in enumerate(evidence.identifiers) if identifier in subgraph}
    kept: list[Link] = [
        link
        for link in evidence.links
        if {link.a, link.b} <= within | walls and not {link.a, link.b} <= walls - within
    ]
    return replace(evidence, links=kept)


@in_many_worlds
@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(world: World, random: Random) -> None:
    evidence = world.evidence()
    shuffled_events = random.sample(world.events, len(world.events))
    shuffled_judgements = random.sample(world.judgements, len(world.judgements))
    arrived = gather(shuffled_events, shuffled_judgements)
    turned = [
        Link(link.b, link.a, *link[2:]) if random.random() < 0.5 else link
        for link in random.sample(list(arrived.links), len(arrived.links))
    ]

    otherwise = resolved(replace(arrived, links=turned), world.policy)

    assert otherwise == resolved(evidence, world.policy)


@in_many_worlds
@given(worlds())
def test_deciding_again_from_the_same_evidence_changes_nothing(world: World) -> None:
    evidence, untouched = world.evidence(), world.evidence()
    once = resolve(evidence, world.policy)

    again = resolve(evidence, world.policy)

    assert again == once
    assert evidence == untouched


@in_many_worlds
@given(worlds())
def test_seeing_everything_once_more_changes_nothing_where_no_rule_counts(world: World) -> None:
    rules = {kind: replace(rule, dominance=None) for kind, rule in world.policy.rules.items()}
    other = world.policy.other and replace(world.policy.other, dominance=None)
    policy = replace(world.policy, rules=rules, other=other)
    once = resolved(world.evidence(), policy)

    twice = resolved(gather(world.events * 2, world.judgements), policy)

    assert twice == once


@in_many_worlds
@given(worlds())
def test_each_component_is_what_it_would_be_if_there_were_no_other(world: World) -> None:
    seen = {i for _, identifiers in world.events for i in identifiers}
    said = [(j.a, j.b) for j in world.judgements if {j.a, j.b} <= seen]
    whole = resolved(world.evidence(), world.policy)

    for component in components([*meetings(world.events), *said]):
        own_events = [event for event in world.events if event[1][0] in component]
        own_judgements = [j for j in world.judgements if j.a in component and j.b in component]
        alone = resolved(gather(own_events, own_judgements), world.policy)
        assert alone == restricted(whole, component)


@in_many_worlds
@given(worlds())
def test_no_customer_holds_both_sides_of_an_apart(world: World) -> None:
    customers = resolved(world.evidence(), world.policy).partition

    for judgement in world.judgements:
        if judgement.verdict is Verdict.APART:
            assert not any({judgement.a, judgement.b} <= customer for customer in customers)


@in_many_worlds
@given(worlds())
def test_no_customer_exceeds_a_limit_but_by_what_was_judged_the_same(world: World) -> None:
    evidence = world.evidence()
    customers = resolved(evidence, world.policy).partition
    judged_the_same = resolved(replace(evidence, links=[]), world.policy).partition
    first_seen = dict(zip(evidence.identifiers, evidence.first_seen, strict=True))

    for customer in customers:
        for kind in {i.type for i in customer}:
            values = {i for i in customer if i.type == kind}
            times = [first_seen[i] for i in values]
            if _too_many(times, world.policy, kind):
                assert any(values <= group for group in judged_the_same)


def _too_many(times: list[int], policy: Policy, kind: str) -> bool:
    rule = policy.rule_of(kind)
    if rule is None or rule.limit is None:
        return False
    if rule.within is None:
        return len(times) > rule.limit
    within = rule.within
    return any(sum(start <= t < start + within for t in times) > rule.limit for start in times)


@in_many_worlds
@given(worlds())
def test_no_contested_identifier_is_with_a_person_other_than_itself(world: World) -> None:
    found = resolved(world.evidence(), world.policy)

    for customer in found.partition:
        for contested in customer & found.contested:
            assert not [i for i in customer - {contested} if _is_person(i, world.policy)]


def _is_person(identifier: Identifier, policy: Policy) -> bool:
    rule = policy.rule_of(identifier.type)
    return rule is not None and rule.kind is IdentifierKind.PERSON


@in_many_worlds
@given(worlds())
def test_every_link_within_a_customer_is_joined_and_every_other_has_its_reason(
    world: World,
) -> None:
    evidence = world.evidence()

    found = resolve(evidence, world.policy)

    across = {
        number
        for number, link in enumerate(evidence.links)
        if found.cluster_of[link.a] != found.cluster_of[link.b]
    }
    assert found.refusals.keys() == across


@in_many_worlds
@given(events(), judgements(), policies())
def test_a_judgement_about_what_was_never_seen_waits(
    happened: list[Event], said: list[Judgement], policy: Policy
) -> None:
    with_it = resolved(gather(happened, [*said, STANDING_JUDGEMENT]), policy)

    assert with_it == resolved(gather(happened, said), policy)


@in_many_worlds
@given(events(max_size=30), unprotected())
def test_without_protection_customers_are_the_connected_components(
    happened: list[Event], policy: Policy
) -> None:
    found = resolved(gather(happened), policy)

    assert found.partition == {frozenset(component) for component in components(meetings(happened))}
    assert not found.refused


@in_many_worlds
@given(events(max_size=30))
def test_with_nothing_listed_every_identifier_is_a_customer_of_its_own(
    happened: list[Event],
) -> None:
    evidence = gather(happened)

    found = resolved(evidence, Policy(rules={}))

    assert found.partition == {frozenset({i}) for i in evidence.identifiers}
    assert {why.reason for why in found.refused.values()} <= {"NOT_LISTED"}
    assert len(found.refused) == len(evidence.links)
