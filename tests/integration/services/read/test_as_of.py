"""As of: at the end, the service answers of every moment what it answered at that moment."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from identity_service.domain.events import ReportedEvent
from identity_service.domain.identifiers import Identifier, IdentifierKind, parse_identifier
from identity_service.domain.judgements import OF_TWO, Verdict
from identity_service.domain.policies.policy import Blocked, Policy, Rule, Sharing
from identity_service.domain.policies.value_rules import ValueRules
from identity_service.domain.recorded import OverConnectedComponent, SettledCustomer
from identity_service.domain.timestamps import iso
from identity_service.errors import BadInput, TooLarge
from identity_service.services.kit.clock import system_clock
from identity_service.services.limits import Limits
from identity_service.services.read.as_of.view import AsOfView
from identity_service.services.read.view import CustomerAnswer, Missing, MissingReason
from tests.support.busy import busy_devices
from tests.support.recorder import Said, answers_as_of, answers_now
from tests.support.space import NewWorld, World, event, proof_of, reported
from tests.support.worlds import UNSEEN, Event, dice, events, in_some_worlds, policies

START = 1_790_000_000_000

ANN, BOB = "user_id:ann", "user_id:bob"
PHONE, TABLET = "anonymous_id:phone", "anonymous_id:tablet"

POLICY = Policy(
    {
        "user_id": Rule(1, IdentifierKind.PERSON, 1),
        "anonymous_id": Rule(2, IdentifierKind.DEVICE, shared=Sharing.QUARANTINE),
    }
)


class Hand:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now


class Recorded(NamedTuple):
    """What was asked at a moment, and answered."""

    at: int
    values: ValueRules
    asked: list[Identifier]
    ids: list[str]
    answers: dict[str, Said]


def described(happened: list[Event], draw: random.Random) -> list[ReportedEvent]:
    """The events of a world, some of which say something of a person, or of an account."""
    return [
        event(
            f"m{number}",
            at,
            *who,
            name=draw.choice(["Paid", "Visited", None]),
            properties={"n": number},
            traits=draw.choice([{}, {}, {"plan": draw.randint(0, 2)}, {"city": None}]),
            context_traits=draw.choice([{}, {"city": draw.choice("xy")}]),
            account_id=account,
            account_traits=draw.choice([{}, {"city": draw.choice("xy")}]) if account else {},
            proof=draw.choice([None, None, proof_of("u")]),
        )
        for number, (at, who) in enumerate(happened)
        for account in [draw.choice([None, None, "acme", "zeta"])]
    ]


SOME_LIMITED = (frozenset[str](), frozenset({"till"}), frozenset({"till", "shop"}))


def with_blocked(policy: Policy, identifiers: list[Identifier]) -> Policy:
    """The policy, with these values blocked."""
    blocked = tuple(Blocked(value=i.value, types=frozenset({i.type})) for i in identifiers)
    return replace(policy, blocked=blocked)


async def step(
    space: World, todo: list[ReportedEvent], in_turn: list[Policy], draw: random.Random, hand: Hand
) -> None:
    """Whatever may happen in a space: events, a judgement, its withdrawal, another policy."""
    if in_turn and draw.random() < 0.2:
        await space.set_policy(in_turn.pop())
        return
    seen = [i for each in space.sent.values() for i in each.identifiers]
    chance = draw.random()
    if chance < 0.2 and len(set(seen)) > 1:
        await space.judge(draw.choice(OF_TWO), *draw.sample(sorted(set(seen)), 2))
    elif chance < 0.3 and space.judged:
        await space.withdraw(draw.choice(list(space.judged.values())))
    else:
        some = [todo.pop() for _ in range(min(len(todo), draw.randint(1, 3)))]
        await space.send(*some, source=draw.choice(["shop", "till"]), received_at=hand.now)


# A world takes too long to be made smaller and smaller.
@settings(in_some_worlds(3), phases=[Phase.generate])
@given(events(16), st.lists(policies(), min_size=3, max_size=3), dice)
async def test_as_of_any_moment_is_what_was_answered_at_that_moment(
    world: NewWorld, happened: list[Event], in_turn: list[Policy], draw: random.Random
) -> None:
    hand = Hand()
    identifiers = sorted({identifier for _, who in happened for identifier in who})
    some = [draw.sample(identifiers, min(len(identifiers), draw.choice([0, 1, 2]))) for _ in "123"]
    in_turn = [with_blocked(p, blocked) for p, blocked in zip(in_turn, some, strict=True)]
    in_turn = [replace(p, limited_sources=draw.choice(SOME_LIMITED)) for p in in_turn]
    space = await world(in_turn.pop(), clock=hand)
    todo = described(happened, draw)
    recorded: list[Recorded] = []

    while todo or in_turn:
        hand.now += draw.randint(1, 5)
        await step(space, todo, in_turn, draw, hand)
        found = await space.settled()
        ids = [*found.customers, *(r for r, (_, to) in found.retired.items() if to)]
        values = ValueRules(space.policy)
        asked = [*draw.sample(identifiers, min(len(identifiers), 5)), UNSEEN]
        ids = draw.sample(sorted(ids), min(len(ids), 4))
        answers = await answers_now(space.use_cases, space.scope, values, asked, ids)
        recorded.append(Recorded(hand.now, values, asked, ids, answers))

    ends = [*(each.at for each in recorded[1:]), hand.now + 1]
    for each, end in zip(recorded, ends, strict=True):
        at = draw.randint(each.at, end - 1)
        cases, scope, answers = space.use_cases, space.scope, each.answers
        past = await answers_as_of(cases, scope, each.values, each.asked, each.ids, at)
        assert differences(answers, past) == {}


def differences(recorded: dict[str, Said], past: dict[str, Said]) -> dict[str, Any]:
    """By what was asked and part of the answer: what was answered then, and as of then."""
    return {
        f"{asked} {part}": (then, said)
        for asked in recorded
        for part in {*recorded[asked], *past[asked]}
        for then, said in [(recorded[asked].get(part), past[asked].get(part))]
        if then != said
    }


async def found_at(space: World, asked: str, as_of: int) -> SettledCustomer:
    """The customer of an identifier, or of an id, as of a moment."""
    answer = await answer_at(space, asked, as_of)
    assert isinstance(answer, SettledCustomer)
    return answer


async def answer_at(space: World, asked: str, as_of: int) -> CustomerAnswer:
    """Whatever is answered about an identifier, or an id, as of a moment."""
    view = await space.use_cases.customers.as_of(space.scope, as_of)
    if isinstance(view, Missing):
        return view
    if asked.startswith("cus_"):
        return await view.find_by_id(asked)
    return await view.find(parse_identifier(asked))


def named(customer: SettledCustomer) -> list[str]:
    return [str(seen.identifier) for seen in customer.identifiers]


async def test_as_of_now_is_the_settled_answer(world: NewWorld) -> None:
    happened, policy = busy_devices(4)
    space = await world(policy)
    await space.send(*reported(happened))
    asked = sorted({identifier for _, who in happened for identifier in who})[:12]
    values, now = ValueRules(policy), system_clock()
    ids = sorted((await space.settled()).retired)[:4]

    cases, scope = space.use_cases, space.scope
    settled = await answers_now(cases, scope, values, asked, ids)
    assert await answers_as_of(cases, scope, values, asked, ids, now) == settled


async def test_a_customer_has_the_id_and_the_identifiers_of_then(world: NewWorld) -> None:
    hand = Hand()
    space = await world(POLICY, clock=hand)
    visitor, member = hand.now + 10, hand.now + 20
    hand.now = visitor
    await space.send(event("m1", 1, PHONE), received_at=hand.now)
    await space.send(event("m2", 2, ANN, TABLET), received_at=hand.now)
    hand.now = member
    await space.send(event("m3", 0, ANN, PHONE), received_at=hand.now)

    before, after = await found_at(space, PHONE, member - 1), await found_at(space, PHONE, member)
    assert named(before) == [PHONE]
    assert named(after) == [ANN, PHONE, TABLET]
    assert before.first_seen == 1
    assert after.first_seen == 0
    assert after.customer_id == (await found_at(space, ANN, visitor)).customer_id
    assert (await found_at(space, before.customer_id, member - 1)).redirected_from is None
    assert (await found_at(space, before.customer_id, member)).redirected_from == before.customer_id


async def test_an_id_that_signed_up_is_found_by_what_it_was_anchored_at(world: NewWorld) -> None:
    hand = Hand()
    space = await world(POLICY, clock=hand)
    await space.send(event("m1", 1, PHONE), received_at=hand.now)
    visitor = await found_at(space, PHONE, hand.now)
    hand.now += 10
    await space.send(event("m2", 2, ANN, PHONE), received_at=hand.now)
    hand.now += 10
    await space.judge(Verdict.APART, ANN, PHONE)

    assert (await found_at(space, ANN, hand.now)).customer_id == visitor.customer_id
    assert named(await found_at(space, visitor.customer_id, hand.now - 11)) == [PHONE]
    assert named(await found_at(space, visitor.customer_id, hand.now - 10)) == [ANN, PHONE]
    assert named(await found_at(space, visitor.customer_id, hand.now)) == [ANN]


async def test_what_was_known_later_is_not_there_yet(world: NewWorld) -> None:
    hand = Hand()
    space = await world(POLICY, clock=hand)
    made = hand.now
    hand.now += 10
    await space.send(event("m1", 1, PHONE), received_at=hand.now)
    customer = (await found_at(space, PHONE, hand.now)).customer_id

    answers = [
        await answer_at(space, PHONE, hand.now - 1),
        await answer_at(space, customer, hand.now - 1),
        await answer_at(space, PHONE, made - 1),
    ]

    assert [a.reason for a in answers if isinstance(a, Missing)] == [MissingReason.NOT_YET] * 3
    for answer, since in zip(answers, (hand.now, hand.now, made), strict=True):
        assert iso(since) in str(answer)
    never = await answer_at(space, TABLET, hand.now)
    assert isinstance(never, Missing)
    assert never.reason is MissingReason.UNKNOWN


async def test_the_future_is_refused_but_for_the_difference_of_clocks(world: NewWorld) -> None:
    hand = Hand()
    space = await world(POLICY, clock=hand)
    await space.send(event("m1", 1, PHONE), received_at=hand.now)

    assert named(await found_at(space, PHONE, hand.now + 60_000)) == [PHONE]
    with pytest.raises(BadInput, match="now it is"):
        await answer_at(space, PHONE, hand.now + 60_001)


async def test_too_many_that_were_connected_are_over_connected_only_as_long_as_they_did(
    world: NewWorld,
) -> None:
    hand = Hand()
    small = replace(POLICY, max_component=3)
    space = await world(small, clock=hand)
    for n in range(4):
        await space.send(event(f"m{n}", n, TABLET, f"anonymous_id:p{n}"), received_at=hand.now)
    hand.now += 10
    await space.set_policy(with_blocked(small, [Identifier("anonymous_id", "tablet")]))

    then = await answer_at(space, TABLET, hand.now - 1)

    assert isinstance(then, OverConnectedComponent)
    assert (then.limit, then.size) == (3, 5)
    assert named(await found_at(space, "anonymous_id:p1", hand.now)) == ["anonymous_id:p1"]


async def test_a_super_connector_of_today_joined_while_it_was_none(world: NewWorld) -> None:
    hand = Hand()
    device = Rule(2, IdentifierKind.DEVICE, max_links=2)
    space = await world(Policy({**POLICY.rules, "anonymous_id": device}), clock=hand)
    kiosk, spokes = "anonymous_id:kiosk", [f"anonymous_id:s{n}" for n in range(3)]
    hand.now += 10
    await space.send(
        event("m0", 0, kiosk, spokes[0]), event("m1", 1, kiosk, spokes[1]), received_at=hand.now
    )
    hand.now += 10
    await space.send(event("m2", 2, kiosk, spokes[2]), received_at=hand.now)

    assert isinstance(await answer_at(space, kiosk, START), Missing)
    then, now = await found_at(space, kiosk, hand.now - 1), await found_at(space, kiosk, hand.now)

    assert named(then) == [kiosk, *spokes[:2]]
    assert [seen.super_connector for seen in then.identifiers] == [False] * 3
    assert named(now) == [kiosk]
    assert [seen.super_connector for seen in now.identifiers] == [True]


async def test_all_that_is_answered_of_a_super_connector_is_answered_as_of_then(
    world: NewWorld,
) -> None:
    hand = Hand()
    device = Rule(2, IdentifierKind.DEVICE, max_links=2)
    space = await world(Policy({**POLICY.rules, "anonymous_id": device}), clock=hand)
    spokes = [f"anonymous_id:s{n}" for n in range(4)]
    for n, spoke in enumerate(spokes):
        await space.send(event(f"m{n}", n, "anonymous_id:kiosk", spoke), received_at=hand.now)
    await space.send(event("m9", 9, *spokes[:2]), received_at=hand.now)
    asked = [parse_identifier(text) for text in ("anonymous_id:kiosk", *spokes)]
    values, ids = ValueRules(space.policy), sorted((await space.settled()).customers)
    cases, scope, then = space.use_cases, space.scope, hand.now
    recorded = await answers_now(cases, scope, values, asked, ids)
    hand.now += 10
    await space.send(event("m5", 5, "anonymous_id:kiosk", *spokes), received_at=hand.now)

    past = await answers_as_of(cases, scope, values, asked, ids, then)

    assert differences(recorded, past) == {}
    assert len(recorded["anonymous_id:kiosk"]["links"]) == 4


async def test_what_is_judged_the_same_as_a_super_connector_keeps_its_links(
    world: NewWorld,
) -> None:
    hand = Hand()
    device = Rule(2, IdentifierKind.DEVICE, max_links=2)
    space = await world(Policy({**POLICY.rules, "anonymous_id": device}), clock=hand)
    for n in range(3):
        await space.send(event(f"m{n}", n, "anonymous_id:kiosk", f"anonymous_id:s{n}"))
    await space.send(event("m5", 5, "fax:1", ANN))
    await space.judge(Verdict.SAME, "anonymous_id:kiosk", "fax:1")
    asked = [parse_identifier(text) for text in ("anonymous_id:kiosk", "fax:1", ANN)]
    values, ids = ValueRules(space.policy), sorted((await space.settled()).customers)
    cases, scope = space.use_cases, space.scope

    settled = await answers_now(cases, scope, values, asked, ids)

    assert len(settled["fax:1"]["links"]) == 4
    assert len(settled[ANN]["links"]) == 1
    hand.now += 100_000_000_000
    past = await answers_as_of(cases, scope, values, asked, ids, hand.now)
    assert differences(settled, past) == {}


@pytest.mark.parametrize(
    "kiosk", ["anonymous_id:a", "anonymous_id:z"], ids=["stronger than the blocked", "weaker"]
)
async def test_a_blocked_value_is_neither_linked_with_a_super_connector_nor_takes_its_events(
    world: NewWorld, kiosk: str
) -> None:
    hand = Hand()
    device = Rule(2, IdentifierKind.DEVICE, max_links=2)
    policy = Policy({**POLICY.rules, "anonymous_id": device})
    space = await world(policy, clock=hand)
    spokes = [f"anonymous_id:s{n}" for n in range(4)]
    for n, spoke in enumerate(spokes):
        await space.send(event(f"m{n}", n, kiosk, spoke), received_at=hand.now)
    await space.set_policy(with_blocked(policy, [parse_identifier(spokes[0])]))
    asked = [parse_identifier(kiosk)]
    values, ids = ValueRules(space.policy), sorted((await space.settled()).customers)
    cases, scope = space.use_cases, space.scope

    now = await answers_now(cases, scope, values, asked, ids)

    assert len(now[kiosk]["links"]) == 3
    assert differences(now, await answers_as_of(cases, scope, values, asked, ids, hand.now)) == {}


async def test_super_connectors_that_were_judged_the_same_are_shown_as_joined(
    world: NewWorld,
) -> None:
    hand = Hand()
    device = Rule(2, IdentifierKind.DEVICE, max_links=2)
    space = await world(Policy({**POLICY.rules, "anonymous_id": device}), clock=hand)
    both = ["anonymous_id:kiosk", "anonymous_id:other"]
    for n in range(3):
        for each in both:
            await space.send(event(f"{each}{n}", n, each, f"anonymous_id:s{n}"))
    await space.send(event("m5", 5, *both))
    await space.judge(Verdict.SAME, *both)
    asked = [parse_identifier(text) for text in both]
    values, ids = ValueRules(space.policy), sorted((await space.settled()).customers)
    cases, scope = space.use_cases, space.scope

    now = await answers_now(cases, scope, values, asked, ids)

    assert [link[3][0] for link in now[both[0]]["links"]].count(True) == 1
    hand.now += 100_000_000_000
    assert differences(now, await answers_as_of(cases, scope, values, asked, ids, hand.now)) == {}


async def test_people_who_are_too_scattered_are_not_looked_for(world: NewWorld) -> None:
    hand = Hand()
    device = Rule(2, IdentifierKind.DEVICE, max_links=2)
    policy = Policy({**POLICY.rules, "anonymous_id": device})
    space = await world(policy, clock=hand, limits=Limits(shared_by_components=2))
    for n in range(3):
        await space.send(event(f"m{n}", n, "anonymous_id:kiosk", f"user_id:u{n}"))
    hand.now += 100_000_000_000
    past = await space.use_cases.customers.as_of(space.scope, hand.now)
    assert isinstance(past, AsOfView)
    kiosk = await past.find(Identifier("anonymous_id", "kiosk"))
    assert isinstance(kiosk, SettledCustomer)

    latest = await past.shared_by(kiosk.identifiers[0], 2)

    assert [named(person) for person in latest] == [["user_id:u2"], ["user_id:u1"]]
    with pytest.raises(TooLarge, match="is connected with"):
        await past.shared_by(kiosk.identifiers[0], 3)
