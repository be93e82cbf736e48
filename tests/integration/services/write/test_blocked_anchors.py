"""An id whose anchor a policy blocks falls back to an anchor that it left, and returns."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given

from identity_service.domain.identifiers import Identifier, parse_identifier
from identity_service.domain.judgements import Verdict
from identity_service.domain.policies.policy import Blocked, Policy
from identity_service.domain.recorded import SettledCustomer
from identity_service.services.read.view import Missing
from tests.support.settled import SettledSpace
from tests.support.space import NewWorld, World, event, judge_at_random, reported
from tests.support.waiting import a_later_moment
from tests.support.worlds import Event, dice, events, in_some_worlds, policies

ANN, MAIL = "user_id:ann", "email:ann@example.com"
PHONE, TABLET = "anonymous_id:phone", "anonymous_id:tablet"


def blocking(policy: Policy, *identifiers: str | Identifier) -> Policy:
    """The policy, with these values blocked besides."""
    named = [i if isinstance(i, Identifier) else parse_identifier(i) for i in identifiers]
    more = tuple(Blocked(value=i.value, types=frozenset({i.type})) for i in named)
    return replace(policy, blocked=(*policy.blocked, *more))


def ids_of(found: SettledSpace) -> object:
    """All that says who is called what."""
    return found.customers, found.kinds, found.anchors, found.retired


async def signed_up(world: NewWorld) -> tuple[World, str]:
    """A visitor who signed up, and the id."""
    space = await world()
    await space.send(event("m1", 1, PHONE))
    await space.send(event("m2", 2, PHONE, ANN))
    return space, (await space.check()).customer_of(PHONE)


async def find_by_id(space: World, customer: str) -> str | None:
    """The id of the customer that an id stands for."""
    found = await space.use_cases.customers.current(space.scope).find_by_id(customer)
    return found.customer_id if isinstance(found, SettledCustomer) else None


async def test_who_signed_up_keeps_the_id_when_the_login_is_blocked(world: NewWorld) -> None:
    space, customer = await signed_up(world)
    before = await space.check()

    await space.set_policy(blocking(space.policy, ANN))

    found = await space.check()
    assert found.customers == {customer: frozenset({parse_identifier(PHONE)})}
    assert found.kinds == {customer: "ANONYMOUS"}
    assert found.changes == before.changes
    assert await find_by_id(space, customer) == customer


async def test_unblocking_brings_back_who_was_called_what(world: NewWorld) -> None:
    space, _ = await signed_up(world)
    free = space.policy
    before = await space.check()

    await space.set_policy(blocking(free, ANN))
    await space.set_policy(free)

    assert ids_of(await space.check()) == ids_of(before)


async def test_who_never_had_another_anchor_keeps_the_id_at_what_is_left(world: NewWorld) -> None:
    space = await world()
    await space.send(event("m1", 1, PHONE, ANN))
    free, before = space.policy, await space.check()
    customer = before.customer_of(ANN)

    await space.set_policy(blocking(free, ANN))

    found = await space.check()
    assert found.customers == {customer: frozenset({parse_identifier(PHONE)})}
    assert await find_by_id(space, customer) == customer
    await space.set_policy(free)
    assert ids_of(await space.check()) == ids_of(before)


async def test_an_id_of_which_nothing_is_left_names_nobody_until_it_is_free(
    world: NewWorld,
) -> None:
    space = await world()
    await space.send(event("m1", 1, ANN))
    free, before = space.policy, await space.check()
    customer = before.customer_of(ANN)

    await space.set_policy(blocking(free, ANN))

    assert (await space.check()).customers == {}
    assert await find_by_id(space, customer) is None
    await space.set_policy(free)
    assert (await space.check()).customers == before.customers


async def test_an_id_that_left_its_anchor_to_another_does_not_come_back_to_it(
    world: NewWorld,
) -> None:
    space, customer = await signed_up(world)
    await space.judge(Verdict.APART, ANN, PHONE)
    phone = (await space.check()).customer_of(PHONE)

    await space.set_policy(blocking(space.policy, ANN))

    found = await space.check()
    assert found.customer_of(PHONE) == phone != customer
    assert await find_by_id(space, customer) is None


async def test_events_go_on_at_the_anchor_that_the_id_fell_back_to(world: NewWorld) -> None:
    space, customer = await signed_up(world)
    free = space.policy
    await space.set_policy(blocking(free, ANN))

    await space.send(event("m3", 3, PHONE, TABLET))
    await space.send(event("m4", 4, PHONE, MAIL))

    found = await space.check()
    assert found.customers.keys() == {customer}
    assert str(found.anchors[customer]) == MAIL
    await space.set_policy(free)
    await space.check()


async def test_as_of_a_moment_the_id_stands_where_the_policy_of_then_let_it(
    world: NewWorld,
) -> None:
    space, customer = await signed_up(world)
    free = space.policy
    await space.set_policy(blocking(free, ANN))
    blocked = await a_later_moment()
    await space.set_policy(free)

    then = await space.use_cases.customers.as_of(space.scope, blocked)
    assert not isinstance(then, Missing)
    found = [await then.find_by_id(customer), await then.find(parse_identifier(PHONE))]

    for each in found:
        assert isinstance(each, SettledCustomer)
        assert each.customer_id == customer
        assert [str(i.identifier) for i in each.identifiers] == [PHONE]


@in_some_worlds(8)
@given(events(16), policies(), dice)
async def test_blocking_and_unblocking_restores_every_id_in_any_world(
    world: NewWorld, happened: list[Event], policy: Policy, draw: random.Random
) -> None:
    space = await world(policy)
    seen = sorted({identifier for _, who in happened for identifier in who})
    for each in reported(happened):
        await space.send(each)
        await judge_at_random(space, happened, draw)
    before = await space.check()

    for _ in range(2):
        await space.set_policy(blocking(policy, *draw.sample(seen, min(3, len(seen)))))
        await space.check()
    await space.set_policy(policy)

    after = await space.check()
    assert after.customers == before.customers
    assert {c: after.retired[c] for c in before.retired} == before.retired


@in_some_worlds(6)
@given(events(16), policies(), dice)
async def test_events_while_anchors_are_blocked_leave_sound_ids_in_any_world(
    world: NewWorld, happened: list[Event], policy: Policy, draw: random.Random
) -> None:
    space = await world(policy)
    seen = sorted({identifier for _, who in happened for identifier in who})
    todo = reported(happened)
    for _ in range(3):
        some = draw.randint(0, len(todo))
        for each in todo[:some]:
            await space.send(each)
        todo = todo[some:]
        await space.check()
        await space.set_policy(
            blocking(policy, *draw.sample(seen, draw.choice([0, 1, min(3, len(seen))])))
        )
        await space.check()
