"""Ids after each of several events and judgements."""

from __future__ import annotations

from hypothesis import given

from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.judgements import Judgement, Verdict
from identity_service.domain.policies.policy import Policy, Rule
from identity_service.domain.resolution.evidence import gather
from identity_service.domain.resolution.id_replay import ids_in_turn
from identity_service.domain.resolution.resolve import resolve
from tests.support.worlds import World, in_many_worlds, worlds

USER, OTHER = Identifier("user", "u"), Identifier("user", "v")
MAIL, OLD, NEW = Identifier("mail", "m"), Identifier("cookie", "1"), Identifier("cookie", "2")
POLICY = Policy(
    {
        "user": Rule(1, IdentifierKind.PERSON, 1),
        "mail": Rule(2, IdentifierKind.PERSON),
        "cookie": Rule(3, IdentifierKind.DEVICE),
    }
)
EVENTS = [(1, (OLD,)), (2, (NEW, USER)), (3, (OLD, USER))]


def test_a_known_customers_id_outlives_an_older_anonymous_one_which_lives_again() -> None:
    apart = Judgement("j", Verdict.APART, OLD, USER, 9)
    steps = [gather(EVENTS[:1]), gather(EVENTS[:2]), gather(EVENTS), gather(EVENTS, [apart])]

    alone, beside, joined, parted = ids_in_turn(steps, POLICY)

    assert alone == {OLD: "1-0"}
    assert beside == {OLD: "1-0", NEW: "2-0", USER: "2-0"}
    assert joined == {OLD: "2-0", NEW: "2-0", USER: "2-0"}
    assert parted == beside


def test_an_id_stays_through_a_sign_up() -> None:
    events = [(1, (OLD,)), (2, (OLD, USER))]

    _, known = ids_in_turn([gather(events[:1]), gather(events)], POLICY)

    assert known == {OLD: "1-0", USER: "1-0"}


def test_of_two_ids_the_one_of_the_earlier_step_stays_even_after_many_steps() -> None:
    events = [(at, (Identifier("cookie", str(at)),)) for at in range(1, 11)]
    steps = [gather(events[:n]) for n in range(1, 11)]
    second, tenth = events[1][1][0], events[9][1][0]

    *_, joined = ids_in_turn([*steps, gather([*events, (11, (second, tenth))])], POLICY)

    assert joined[second] == joined[tenth] == "2-0"


def test_a_customer_that_loses_its_anchor_keeps_its_id_and_finds_it_again_after_a_merge() -> None:
    signed_in, anonymous, other = (1, (OLD, USER)), (1, (OLD,)), (2, (NEW, OTHER))
    together = (3, (OLD, NEW))
    apart = Judgement("j", Verdict.APART, OLD, NEW, 9)
    steps = [
        gather([signed_in, other]),
        gather([anonymous, other]),
        gather([anonymous, other, together]),
        gather([anonymous, other, together], [apart]),
    ]

    before, without, joined, parted = ids_in_turn(steps, POLICY)

    assert before[OLD] == without[OLD] == parted[OLD] != before[OTHER]
    assert joined[OLD] == joined[NEW] == before[OTHER]


def test_an_id_whose_anchor_is_taken_away_falls_back_to_the_one_that_it_left() -> None:
    browser, sign_up, order = (1, (OLD,)), (2, (OLD, USER)), (3, (MAIL, OLD))
    apart = Judgement("j", Verdict.APART, OLD, MAIL, 9)
    steps = [
        gather([browser]),
        gather([browser, sign_up]),
        gather([browser, sign_up, order]),
        gather([browser, order]),
        gather([browser, order], [apart]),
    ]

    *_, parted = ids_in_turn(steps, POLICY)

    assert parted == {OLD: "1-0", MAIL: "5-0"}


@in_many_worlds
@given(worlds())
def test_two_identifiers_have_one_id_exactly_if_they_are_one_customer(world: World) -> None:
    steps = [gather(world.events[: n + 1]) for n in range(len(world.events))]

    *_, ids = ids_in_turn([*steps, world.evidence()], world.policy)

    evidence = world.evidence()
    cluster_of = resolve(evidence, world.policy).cluster_of
    pairs = set(zip(cluster_of, (ids[i] for i in evidence.identifiers), strict=True))
    assert len(pairs) == len({c for c, _ in pairs}) == len({customer for _, customer in pairs})
