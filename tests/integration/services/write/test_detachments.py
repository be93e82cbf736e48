"""An identifier that does not name the person on an event is taken from it, and given back."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from identity_service.domain.identifiers import parse_identifier
from identity_service.domain.judgements import Verdict
from identity_service.domain.policies.policy import Policy
from identity_service.errors import FieldInvalid
from identity_service.graph.keys import identifier_of
from tests.support.everything import LINKS, SEEN, all_of
from tests.support.settled import SettledSpace
from tests.support.space import NewWorld, World, beside, event, reported
from tests.support.waiting import until
from tests.support.worlds import Event, dice, events, in_some_worlds, policies

WIFE, HIS = "email:wife@example.com", "anonymous_id:his"
HER_ACCOUNT, HIS_ACCOUNT = "user_id:she", "user_id:he"

WORLDS = 4


async def household(world: NewWorld) -> World:
    """A wife, a husband, and his order with her e-mail."""
    space = await world()
    await space.send(
        event("her-login", 10, HER_ACCOUNT, WIFE, "anonymous_id:hers"),
        event("his-login", 20, HIS_ACCOUNT, HIS),
        event("order", 30, WIFE, HIS, name="Order Completed"),
    )
    return space


def customer_of(found: SettledSpace, message_id: str, rows: list[list[Any]]) -> str | None:
    (attributed,) = (keys for name, _, keys in rows if name == message_id)
    return found.customer_of(str(identifier_of(attributed[0]))) if attributed else None


async def test_an_order_with_the_wifes_email_follows_the_husbands_cookie(world: NewWorld) -> None:
    space = await household(world)
    before = await all_of(space)
    assert customer_of(await space.check(), "order", before["events"]) == (
        (await space.check()).customer_of(WIFE)
    )

    judged = await space.detach("order", WIFE)

    found = await space.check()
    rows = (await all_of(space))["events"]
    assert customer_of(found, "order", rows) == found.customer_of(HIS_ACCOUNT)
    assert judged.message == (
        "“Order Completed” is no longer of email:wife@example.com: it follows anonymous_id:his."
    )
    await space.withdraw(judged.judgement)
    assert await all_of(space) == before


async def test_an_identifier_that_no_other_event_carries_is_nobodys(world: NewWorld) -> None:
    space = await world()
    await space.send(event("m1", 1, HIS_ACCOUNT, HIS), event("m2", 2, WIFE, HIS))
    before = await all_of(space)

    judged = await space.detach("m2", WIFE)

    found = await space.check()
    assert parse_identifier(WIFE) not in found.first_seen
    assert judged.message.endswith(f"No other event carries {WIFE}: it is nobody's now.")
    await space.withdraw(judged.judgement)
    assert await all_of(space) == before


async def test_an_event_without_any_other_identifier_belongs_to_nobody(world: NewWorld) -> None:
    space = await world()
    await space.send(event("m1", 1, WIFE), event("m2", 2, WIFE, HIS), event("m3", 3, HER_ACCOUNT))
    before = await all_of(space)

    judged = await space.detach("m1", WIFE)

    assert (await all_of(space))["events"][0] == ["m1", [], []]
    await space.withdraw(judged.judgement)
    assert await all_of(space) == before


async def test_a_customer_of_whom_nothing_is_left_lives_again(world: NewWorld) -> None:
    space = await world()
    await space.send(event("m1", 1, HIS))
    before = await all_of(space)

    judged = await space.detach("m1", HIS)

    found = await space.check()
    assert found.customers == {}
    assert [forwards_to for _, forwards_to in found.retired.values()] == [[]]
    await space.withdraw(judged.judgement)
    assert await all_of(space) == before


async def test_the_id_of_a_customer_outlives_its_anchor(world: NewWorld) -> None:
    space = await world()
    await space.send(
        event("m1", 1, HIS), event("m2", 2, HIS, WIFE), event("m3", 3, HIS, "anonymous_id:other")
    )
    before = await all_of(space)

    judged = await space.detach("m2", WIFE)

    found = await space.check()
    assert found.customers.keys() == before["customers"].keys()
    await space.withdraw(judged.judgement)
    assert await all_of(space) == before


async def test_an_unseen_identifier_that_an_event_brings_again_is_new(world: NewWorld) -> None:
    space = await world()
    await space.send(event("m1", 10, HIS))
    judged = await space.detach("m1", HIS)
    (retired,) = (await space.check()).retired

    await space.send(event("m2", 20, HIS, HIS_ACCOUNT))

    found = await space.check()
    assert found.customers.keys() == {retired}
    await space.withdraw(judged.judgement)
    await all_of(space)


@pytest.mark.parametrize("first", [0, 1])
async def test_a_detachment_is_in_force_while_any_stands(world: NewWorld, first: int) -> None:
    space = await household(world)
    before = await all_of(space)
    once, again = await space.detach("order", WIFE), await space.detach("order", WIFE)
    assert "was not of email:wife@example.com before either" in again.message
    both = [once.judgement, again.judgement]
    detached = await all_of(space)

    await space.withdraw(both[first])

    assert await all_of(space) == detached
    await space.withdraw(both[1 - first])
    assert await all_of(space) == before


async def test_a_replay_of_the_event_changes_nothing(world: NewWorld) -> None:
    space = await household(world)
    await space.detach("order", WIFE)
    before = await all_of(space)

    await space.send(space.sent["order"])
    await space.send(space.sent["order"])

    assert await all_of(space) == before


async def test_a_shared_device_is_released_and_contested_again(world: NewWorld) -> None:
    space = await world()
    await space.send(
        event("m1", 1, HER_ACCOUNT, "anonymous_id:tablet"),
        event("m2", 2, HIS_ACCOUNT, "anonymous_id:tablet"),
    )
    before = await all_of(space)

    judged = await space.detach("m1", "anonymous_id:tablet")

    assert (await space.check()).contested == frozenset()
    await space.withdraw(judged.judgement)
    assert await all_of(space) == before


async def test_a_super_connector_that_loses_links_joins_again(world: NewWorld) -> None:
    space = await world(
        """
types:
  user_id: {priority: 1, kind: person, shared: merge}
  anonymous_id: {priority: 2, kind: device, shared: merge, max_links: 2}
"""
    )
    await space.send(*(event(f"m{n}", n, f"user_id:{n}", HIS) for n in range(1, 4)))
    before = await all_of(space)
    assert before["super_connectors"]

    judged = await space.detach("m3", "user_id:3")

    assert not (await space.check()).super_connectors
    await space.withdraw(judged.judgement)
    assert await all_of(space) == before


async def test_what_the_event_does_not_carry_cannot_be_detached(world: NewWorld) -> None:
    space = await household(world)

    with pytest.raises(FieldInvalid, match="No event of this space has the message id “nothing”"):
        await space.detach("nothing", WIFE)
    with pytest.raises(FieldInvalid) as caught:
        await space.detach("order", HER_ACCOUNT)

    assert str(caught.value).endswith(
        f"The event does not carry {HER_ACCOUNT}. It carries {HIS}, {WIFE}."
    )


async def test_judgements_about_an_unseen_identifier_wait_for_it(world: NewWorld) -> None:
    space = await world()
    await space.send(event("m1", 1, WIFE, HIS), event("m2", 2, HER_ACCOUNT))
    await space.judge(Verdict.SAME, WIFE, HER_ACCOUNT)
    before = await all_of(space)

    judged = await space.detach("m1", WIFE)

    await space.check()
    await space.withdraw(judged.judgement)
    assert await all_of(space) == before


async def test_events_that_arrive_meanwhile_elsewhere_are_not_lost(world: NewWorld) -> None:
    space = await household(world)
    other = beside(space, space.database)

    async def send(number: int) -> None:
        await other.send(event(f"again-{number}", 40 + number, WIFE, HIS))

    async def send_some(numbers: range) -> None:
        for number in numbers:
            await send(number)

    async def detach_and_withdraw() -> None:
        for _ in range(8):
            judged = await space.detach("order", WIFE)
            await space.withdraw(judged.judgement)

    await asyncio.gather(
        detach_and_withdraw(), *(send_some(range(n, n + 20)) for n in range(0, 60, 20))
    )

    await all_of(space)
    await space.detach("order", WIFE)
    await all_of(space)


BLOCKED = """
SHOW TRANSACTIONS YIELD metaData, status WHERE status STARTS WITH 'Blocked'
RETURN collect(metaData.name) AS names
"""

LOCK = "MATCH (i:Identifier {key: $key}) SET i.space = i.space"


async def test_an_event_that_was_read_before_and_is_written_after_a_detachment_counts(
    world: NewWorld,
) -> None:
    space = await household(world)
    other = beside(space, space.database)

    async def is_blocked(name: str) -> bool:
        [[names]] = await space.rows(BLOCKED)
        return name in names

    session = space.driver.session()  # pyright: ignore[reportUnknownMemberType]
    async with session, await session.begin_transaction() as holding:
        await (await holding.run(LOCK, key=f"{space.space}/{WIFE}")).consume()
        detaching = asyncio.create_task(space.detach("order", WIFE))
        await until(lambda: is_blocked("ingest/write_settlement"))
        # All that it says is known, so that it is written without a look at any customer.
        sending = asyncio.create_task(other.send(event("again", 40, WIFE, HIS)))
        await until(lambda: is_blocked("ingest/write_events"))
        await holding.rollback()

    await asyncio.gather(detaching, sending)

    found = await all_of(space)
    assert [row[4] for row in found["links"] if row[1].endswith(WIFE)] == [1, 1]


@in_some_worlds(WORLDS)
@given(events(9), policies(), dice)
async def test_withdrawing_restores_every_random_world(
    world: NewWorld, happened: list[Event], policy: Policy, draw: random.Random
) -> None:
    space = await world(policy)
    sent = reported(happened)
    for each in sent:
        await space.send(each)
    befores = [await all_of(space)]
    made = list[Any]()
    for _ in range(3):
        chosen = draw.choice(sent)
        identifier = draw.choice(chosen.identifiers)
        if chosen.message_id not in space.sent:
            continue
        made.append((await space.detach(chosen.message_id, identifier)).judgement)
        befores.append(await all_of(space))
    for judgement in reversed(made):
        befores.pop()
        await space.withdraw(judgement)
        assert await all_of(space) == befores[-1]


@in_some_worlds(WORLDS)
@given(events(9), policies(), dice)
async def test_a_detachment_equals_an_event_that_came_without_the_identifier(
    world: NewWorld, happened: list[Event], policy: Policy, draw: random.Random
) -> None:
    space, without = await world(policy), await world(policy)
    sent = reported(happened)
    for each in sent:
        await space.send(each)
    chosen = draw.choice([each for each in sent if each.message_id in space.sent])
    identifier = draw.choice(chosen.identifiers)
    left = tuple(i for i in chosen.identifiers if i != identifier)

    await space.detach(chosen.message_id, identifier)

    for each in sent:
        if each is chosen:
            each = replace(each, identifiers=left)
        if each.identifiers:
            await without.send(each)
    found, expected = await space.check(), await without.check()
    assert found.partition == expected.partition
    assert {found.kinds[found.customer_of(str(i))] for i in found.first_seen} == {
        expected.kinds[expected.customer_of(str(i))] for i in expected.first_seen
    }
    for query in (SEEN, LINKS):
        ours, theirs = await space.rows(query), await without.rows(query)
        assert [_without_space(row) for row in ours] == [_without_space(row) for row in theirs]


def _without_space(row: list[Any]) -> list[Any]:
    return [str(identifier_of(each)) if isinstance(each, str) else each for each in row]
