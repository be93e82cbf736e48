"""Events that only repeat what is known: written without asking, and exact whatever others do."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from identity_service.domain.events import ReportedEvent
from identity_service.domain.policies.parse import parse_policy
from identity_service.domain.policies.policy import Policy
from identity_service.errors import FieldInvalid, Unavailable
from identity_service.graph.evidence import EvidenceStore
from identity_service.observability import STATEMENT_RETRIES
from identity_service.services.limits import DEFAULT_LIMITS, Limits
from tests.support.settled import assert_ledger_tells_all
from tests.support.space import NewWorld, World, beside, event, reported
from tests.support.waiting import until
from tests.support.worlds import Event, dice, events, in_some_worlds, policies

WORLDS = 4

ANN, PHONE, TABLET = "user_id:ann", "anonymous_id:phone", "anonymous_id:tablet"


async def times_seen(space: World) -> list[list[Any]]:
    """First time, last time and number of sightings of every link."""
    return await space.rows(
        "MATCH (i:Identifier)-[l:OBSERVED_TOGETHER]->() WHERE i.key STARTS WITH $prefix"
        " RETURN l.first_seen, l.last_seen, l.times_seen"
    )


async def test_the_graph_is_asked_about_what_may_change_a_known_customer_only(
    world: NewWorld, asked: list[str]
) -> None:
    space = await world()

    await space.send(event("m1", 10, ANN, PHONE))
    await space.send(event("m2", 11, ANN, PHONE))
    await space.send(event("m3", 12, PHONE))
    await space.send(event("m4", 13, ANN, TABLET))
    await space.send(event("m5", 9, PHONE))
    await space.send(event("m6", 14, "user_id:bob"))

    assert asked == ["m4", "m5"]
    await space.check()


async def test_what_was_read_is_not_asked_for_again(world: NewWorld, asked: list[str]) -> None:
    space = await world()
    await space.send(event("m1", 10, ANN, PHONE))
    other = beside(space, space.database)

    await other.send(event("m2", 11, ANN, PHONE))
    await other.send(event("m3", 12, ANN, PHONE))

    assert asked == ["m2"]
    await space.check()


async def test_an_event_that_is_sent_again_counts_once(world: NewWorld) -> None:
    space = await world()
    await space.send(event("m1", 10, ANN, PHONE))
    again = event("m2", 11, ANN, PHONE)

    await space.send(again)
    await space.send(again)
    await space.send(again, event("m3", 12, ANN, PHONE), again)

    assert await times_seen(space) == [[10, 12, 3]]
    await space.check()


async def test_an_event_that_an_earlier_version_stored_counts_once(world: NewWorld) -> None:
    space = await world()
    await space.send(event("m1", 10, ANN, PHONE), event("m2", 11, ANN, PHONE))
    await space.rows("MATCH (e:Event {space: $space, message_id: 'm2'}) SET e.key = $space + '/m2'")

    await space.send(event("m2", 11, ANN, PHONE))

    assert await times_seen(space) == [[10, 11, 2]]


async def test_a_message_id_that_begins_with_another_is_another(
    world: NewWorld, asked: list[str]
) -> None:
    space = await world()
    await space.send(event("m", 10, ANN, PHONE))

    for message_id in ("m1", "m11", "m1 "):
        await space.send(event(message_id, 11, ANN, PHONE))

    assert asked == []
    assert await times_seen(space) == [[10, 11, 4]]


async def test_transactions_that_write_about_the_same_people_do_not_deadlock(
    world: NewWorld,
) -> None:
    space = await world()
    people = [f"user_id:{name}" for name in "abcdefgh"]
    await space.send(*(event(who, 10, who, f"{PHONE}-{who[-1]}") for who in people))
    before = _repeated_statements()

    async def send_all(sender: int) -> None:
        for n in range(40):
            who = people[(3 * sender + n) % len(people)]
            new = [f"anonymous_id:{sender}-{n}"] if n % 5 == 0 else []
            await space.send(event(f"{sender}-{n}", 11 + n, who, f"{PHONE}-{who[-1]}", *new))

    await asyncio.gather(*map(send_all, range(8)))

    assert _repeated_statements() == before
    await space.check()


def _repeated_statements() -> dict[str, float]:
    """How often each statement was tried again, by its name."""
    [metric] = STATEMENT_RETRIES.collect()
    return {
        sample.labels["statement"]: sample.value
        for sample in metric.samples
        if sample.name.endswith("_total")
    }


async def test_one_request_is_answered_when_both_lanes_are_done(
    world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = await world()
    await space.send(event("m1", 10, ANN, PHONE))
    may_settle = asyncio.Event()
    write_new_customers = EvidenceStore.write_new_customers

    async def later(store: EvidenceStore, *args: Any) -> Any:
        await may_settle.wait()
        return await write_new_customers(store, *args)

    monkeypatch.setattr(EvidenceStore, "write_new_customers", later)
    mixed = asyncio.create_task(
        space.send(event("m2", 11, ANN, PHONE), event("m3", 12, "user_id:bob", TABLET))
    )

    async def is_repeated() -> bool:
        return await times_seen(space) == [[10, 11, 2]]

    await until(is_repeated)
    assert not mixed.done()
    await space.send(event("m4", 13, ANN, PHONE))
    assert not mixed.done()

    may_settle.set()
    await mixed
    await space.check()


async def test_a_request_fails_when_a_part_of_it_does(
    world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = await world()
    await space.send(event("m1", 10, ANN, PHONE))

    async def never(*_: Any) -> Any:
        raise Unavailable("The test says so.")

    mixed = (event("m2", 11, ANN, PHONE), event("m3", 12, "user_id:bob", TABLET))
    with monkeypatch.context() as patch:
        patch.setattr(EvidenceStore, "write_new_customers", never)
        with pytest.raises(Unavailable):
            await space.send(*mixed)
    await space.send(*mixed)

    assert await times_seen(space) == [[10, 11, 2], [12, 12, 1]]
    await space.check()


async def detach(other: World) -> None:
    await other.detach("m1", PHONE)


async def retract(other: World) -> None:
    await other.retract("tests", 0, 5)


async def block(other: World) -> None:
    await other.set_policy(parse_policy("extends: quarantine\nblocked: [{value: phone}]\n"))


@pytest.mark.parametrize("change", [detach, retract, block], ids=lambda each: each.__name__)
@pytest.mark.parametrize("at", [11, 30, 50], ids=["earlier", "same", "later"])
async def test_what_another_process_changed_counts(
    world: NewWorld, change: Callable[[World], Awaitable[None]], at: int
) -> None:
    space = await world()
    await space.send(event("m1", 10, ANN, PHONE), source="tests", received_at=1)
    await space.send(event("m2", 30, ANN, PHONE), source="tests", received_at=9)
    other = beside(space, space.database)
    await change(other)
    space.policy = other.policy

    await space.send(event("m3", at, ANN, PHONE), source="tests", received_at=20)
    await space.send(event("m4", at + 1, ANN, PHONE), source="tests", received_at=21)

    await space.check()


async def test_a_link_that_others_took_away_is_made_again(world: NewWorld) -> None:
    space = await world()
    await space.send(event("m1", 10, ANN, PHONE), event("m2", 10, ANN), event("m3", 10, PHONE))
    other = beside(space, space.database)
    await other.detach("m1", PHONE)
    await other.send(event("m4", 20, ANN), event("m5", 20, PHONE))

    await space.send(event("m6", 30, PHONE))  # the number of corrections is learned anew
    await space.send(event("m7", 30, ANN))
    await space.send(event("m8", 40, ANN, PHONE))

    assert await times_seen(space) == [[40, 40, 1]]
    await space.check()


async def test_two_processes_that_repeat_one_message_id_store_it_once(world: NewWorld) -> None:
    space = await world()
    await space.send(event("m", 1, ANN, PHONE))
    other = beside(space, space.database)
    await other.send(event("n", 2, ANN, PHONE))
    again = [event(f"m{n}", 3 + n, ANN, PHONE) for n in range(20)]

    await asyncio.gather(*(writer.send(each) for each in again for writer in (space, other)))

    assert await times_seen(space) == [[1, 22, 22]]
    await space.check_after_a_race()


def again(each: ReportedEvent, number: int, draw: random.Random) -> ReportedEvent:
    """What an event says, once more and at most somewhat later."""
    return replace(each, message_id=f"{each.message_id}-{number}", at=each.at + draw.randrange(3))


@pytest.mark.parametrize(
    "cached_evidence_bytes",
    [0, 4_000, DEFAULT_LIMITS.cached_evidence_bytes],
    ids=["nothing", "some", "all"],
)
@in_some_worlds(WORLDS)
@given(events(10), policies(), dice)
async def test_whatever_is_cached_and_corrected_elsewhere_the_graph_holds_what_the_function_says(
    world: NewWorld,
    cached_evidence_bytes: int,
    happened: list[Event],
    policy: Policy,
    draw: random.Random,
) -> None:
    limits = Limits(cached_evidence_bytes=cached_evidence_bytes)
    space = await world(policy, limits=limits)
    writers = [space, beside(space, space.database, limits=limits)]
    todo = [
        [again(each, number, draw) if number else each for number in range(4)]
        for each in reported(happened)
    ]
    made = list[Any]()
    number = 0
    while todo := [each for each in todo if each]:
        number += 1
        some = [each.pop(0) for each in draw.sample(todo, draw.randint(1, len(todo)))]
        source = draw.choice("ab")
        await draw.choice(writers).send(*some, source=source, received_at=number)
        other = draw.choice(writers)
        if draw.random() < 0.2:
            chosen = draw.choice([*space.sent.values()])
            made.append((await other.detach(chosen.message_id, chosen.identifiers[0])).judgement)
        elif draw.random() < 0.2:
            try:
                made.append(await other.retract(draw.choice("ab"), 0, draw.randint(1, number + 1)))
            except FieldInvalid:
                continue
        elif made and draw.random() < 0.3:
            withdrawn = made.pop(draw.randrange(len(made)))
            is_retraction = withdrawn.id in other.retracted
            await (other.give_back(withdrawn) if is_retraction else other.withdraw(withdrawn))

    assert_ledger_tells_all(await space.check())
