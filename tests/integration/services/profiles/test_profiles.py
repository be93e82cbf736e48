"""Profiles and memberships are what the evidence says, whatever happens to it."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from identity_service.domain.identifiers import IdentifierKind
from identity_service.domain.judgements import Verdict
from identity_service.domain.policies.policy import Policy, Rule, Sharing
from identity_service.domain.recorded import SettledCustomer
from identity_service.graph.database import Database
from identity_service.graph.profiles import ProfileStore
from identity_service.services.kit.clock import system_clock
from identity_service.services.limits import DEFAULT_LIMITS, Limits, ProfileLimits
from identity_service.settings import Settings
from tests.support.neo4j import environment_of
from tests.support.profiles import (
    DAY,
    HOUR,
    MARKS,
    Change,
    FakeClock,
    apply_text,
    changes,
    check_profiles,
    computed,
    stored,
    whatever_happens,
)
from tests.support.space import PATIENCE, NewWorld, World, beside, event
from tests.support.waiting import until

ROOT = Path(__file__).parents[4]

MINUTE = 60_000
START = 1_700_000_000_000

POLICY = Policy(
    {
        "user_id": Rule(1, IdentifierKind.PERSON, limit=1, shared=Sharing.MERGE),
        "email": Rule(2, IdentifierKind.PERSON, shared=Sharing.MERGE),
        "device": Rule(3, IdentifierKind.DEVICE, shared=Sharing.QUARANTINE),
    }
)

TEXT = """
features:
  orders: {count: Bought}
  recent: {count: Bought, within: 1d}
  revenue: {sum: price, of: Bought}
  last_item: {last: item, of: any}
audiences:
  buyers: {who: {did: Bought}}
  recent_buyers: {who: {did: Bought, within: 1d}}
  loyal: {who: {did: Bought, times: {gte: 3}}}
  waiting: {who: {did: Saw, then_not: {did: Bought, within: 2h}}}
  nobody: {who: {not: {did: any}}}
"""

NOTHING_ELSE = """
audiences:
  buyers: {who: {did: Bought}}
"""


def bought(message_id: str, at: int, *who: str, price: float = 1) -> Any:
    return event(message_id, at, *who, name="Bought", properties={"price": price, "item": "x"})


async def space_of(
    world: NewWorld, clock: FakeClock, text: str = TEXT, limits: Limits = DEFAULT_LIMITS
) -> World:
    """A space that computes profiles, at the time of the clock."""
    space = await world(POLICY, clock=clock, limits=limits)
    await apply_text(space, text)
    return space


async def customer_of(space: World, identifier: str) -> str:
    rows = await space.rows(
        "MATCH (i:Identifier {key: $key})-[:BELONGS_TO]->(c) RETURN c.id",
        key=f"{space.space}/{identifier}",
    )
    return rows[0][0]


def told(stream: list[Change]) -> list[tuple[str, str, str, bool]]:
    """Audience, change, cause and whether it starts campaigns."""
    return [(e.audience, e.change, e.cause, e.starts_campaigns) for e in stream]


async def test_what_arrives_is_in_the_profile_and_an_event_is_the_cause(world: NewWorld) -> None:
    clock = FakeClock(START)
    space = await space_of(
        world, clock, NOTHING_ELSE + "features: {sum: {sum: price, of: Bought}}\n"
    )

    await space.send(bought("m1", START - 5, "user_id:ann", price=0.1), received_at=START)
    await computed(space)

    found = await stored(space)
    ann = await customer_of(space, "user_id:ann")
    assert found.values == {ann: {"sum": 0.1}}
    assert found.memberships == {("buyers", ann)}
    [entered] = await changes(space)
    assert entered == Change(1, "buyers", ann, "entered", "EVENT", None, True, True, START - 5)
    assert await space.rows("MATCH (p:Profile {space: $space}) RETURN p.f_sum") == [[0.1]]


async def test_a_space_without_a_text_marks_nothing(world: NewWorld) -> None:
    space = await world(POLICY)

    await space.send(bought("m1", START, "user_id:ann"))
    await space.send(bought("m2", START, "user_id:ann"), bought("m3", START, "email:ann"))
    await space.send(bought("m4", START, "user_id:ann", "email:ann"))

    assert (
        await space.rows(
            "MATCH (i:Identifier {space: $space}) WHERE i.touched IS NOT NULL RETURN i.key"
        )
        == []
    )


async def test_a_value_changes_at_the_very_instant_without_an_event(world: NewWorld) -> None:
    clock = FakeClock(START)
    space = await space_of(world, clock)
    await space.send(bought("m1", START, "user_id:ann"), received_at=START)
    await computed(space)
    ann = await customer_of(space, "user_id:ann")

    clock.now = START + DAY - 1
    await computed(space)
    before = await check_profiles(space, TEXT, clock.now)
    clock.now = START + DAY
    await computed(space)
    after = await check_profiles(space, TEXT, clock.now)

    assert ("recent_buyers", ann) in before.memberships
    assert before.values[ann]["recent"] == 1
    assert ("recent_buyers", ann) not in after.memberships
    assert after.values[ann]["recent"] == 0
    left = (await changes(space))[-1]
    assert (left.change, left.cause, left.at, left.starts_campaigns) == (
        "left",
        "TIME",
        START + DAY,
        True,
    )


TICKING = """
features:
  idle: {since_last: any, unit: m}
  half: {divide: [idle, 2]}
audiences:
  quiet: {who: {feature: idle, gte: 30}}
"""


async def test_a_time_in_minutes_is_exact_when_asked_for_and_stored_once_an_hour(
    world: NewWorld,
) -> None:
    clock = FakeClock(START)
    space = await space_of(world, clock, TICKING)
    await space.send(bought("m1", START, "user_id:ann"), received_at=START)
    await computed(space)
    ann = await customer_of(space, "user_id:ann")

    async def at(minutes: int) -> tuple[object, object]:
        """What is stored of `idle`, and what whoever asks is answered."""
        clock.now = START + minutes * MINUTE
        await computed(space)
        view = space.use_cases.customers.current(space.scope)
        [found] = await view.find_all_by_id([ann])
        assert isinstance(found, SettledCustomer)
        answer = await space.use_cases.customer_profiles.profile(view, found, with_audiences=True)
        assert answer is not None
        assert answer.features["half"].value * 2 == answer.features["idle"].value
        checked = await space.use_cases.profile_checks.check(space.scope)
        assert checked is not None
        assert (checked.is_sound, checked.waiting) == (True, False)
        return (await stored(space)).values[ann]["idle"], answer.features["idle"].value

    assert await at(10) == (0, 10)
    assert await changes(space) == []
    assert await at(31) == (31, 31)
    [entered] = await changes(space)
    assert (entered.cause, entered.at) == ("TIME", START + 30 * MINUTE)
    assert await at(90) == (31, 90)
    assert await at(91) == (91, 91)


async def test_the_worker_wakes_by_itself_when_time_has_come(world: NewWorld) -> None:
    space = await world(POLICY)
    await apply_text(space, "audiences: {recent: {who: {did: Bought, within: 2s}}}\n")
    now = system_clock()
    await space.send(bought("m1", now, "user_id:ann"), received_at=now)
    # It looks for work of others long after the time has come.
    space.use_cases.profiles.look_after_all()

    async def stream(*expected: str) -> bool:
        return tuple(each.cause for each in await changes(space)) == expected

    await until(partial(stream, "EVENT"))
    await until(partial(stream, "EVENT", "TIME"))
    await space.use_cases.close()
    assert (await changes(space))[-1].at == now + 2_000


async def test_a_merge_of_two_members_is_one_exit_and_its_undoing_restores_all(
    world: NewWorld,
) -> None:
    clock = FakeClock(START)
    space = await space_of(world, clock, NOTHING_ELSE)
    await space.send(
        bought("m1", START, "user_id:ann"), bought("m2", START, "email:ann"), received_at=START
    )
    await computed(space)
    ann, mail = [await customer_of(space, i) for i in ("user_id:ann", "email:ann")]
    before = await stored(space)
    assert len(await changes(space)) == 2

    clock.now += HOUR
    judgement, _ = await space.judge(Verdict.SAME, "user_id:ann", "email:ann")
    await computed(space)
    survivor = await customer_of(space, "email:ann")
    [retired] = {ann, mail} - {survivor}
    merged = (await changes(space))[2:]
    assert [(e.customer_id, e.from_customer, e.first) for e in merged] == [
        (retired, survivor, False)
    ]
    assert told(merged) == [("buyers", "left", "MERGE", False)]
    await check_profiles(space, NOTHING_ELSE, clock.now)

    clock.now += HOUR
    await space.withdraw(judgement)
    await computed(space)
    assert await stored(space) == before
    undone = (await changes(space))[3:]
    assert told(undone) == [("buyers", "entered", "JUDGEMENT", False)]
    assert [e.first for e in undone] == [False]
    await check_profiles(space, NOTHING_ELSE, clock.now)


async def test_what_a_merge_brought_and_its_undoing_took_was_never_first(world: NewWorld) -> None:
    clock = FakeClock(START)
    space = await space_of(world, clock, NOTHING_ELSE)
    await space.send(
        event("m1", START, "user_id:ann", name="Saw"),
        bought("m2", START, "email:ann"),
        received_at=START,
    )
    await computed(space)
    judgement, _ = await space.judge(Verdict.SAME, "user_id:ann", "email:ann")
    await computed(space)
    await space.withdraw(judgement)
    await computed(space)
    ann = await customer_of(space, "user_id:ann")

    clock.now += HOUR
    await space.send(bought("m3", clock.now, "user_id:ann"), received_at=clock.now)
    await computed(space)

    mine = [e for e in await changes(space) if e.customer_id == ann]
    assert [(e.change, e.cause, e.first) for e in mine] == [
        ("entered", "MERGE", False),
        ("left", "JUDGEMENT", False),
        ("entered", "EVENT", True),
    ]


async def test_a_device_that_becomes_contested_takes_its_events_out_with_that_cause(
    world: NewWorld,
) -> None:
    clock = FakeClock(START)
    space = await space_of(world, clock, NOTHING_ELSE)
    await space.send(
        event("m1", START, "user_id:ann", "device:tv", name="Saw"),
        bought("m2", START + 1, "device:tv"),
        received_at=START,
    )
    clock.now += HOUR
    await computed(space)
    ann = await customer_of(space, "user_id:ann")

    clock.now += HOUR
    await space.send(
        event("m3", START + 2, "user_id:bob", "device:tv", name="Saw"), received_at=clock.now
    )
    await computed(space)

    stream = await changes(space)
    assert [(e.customer_id, e.change, e.cause) for e in stream] == [
        (ann, "entered", "EVENT"),
        (ann, "left", "QUARANTINE"),
    ]
    await check_profiles(space, NOTHING_ELSE, clock.now)


async def test_all_customers_are_computed_by_a_new_text_with_that_cause(world: NewWorld) -> None:
    clock = FakeClock(START)
    limits = Limits(profiles=ProfileLimits(customers_per_step=2, progress_interval_s=0.01))
    space = await world(POLICY, clock=clock, limits=limits)
    await space.send(
        *(bought(f"m{n}", START, f"user_id:p{n}") for n in range(5)), received_at=START
    )
    clock.now += HOUR
    await apply_text(space, NOTHING_ELSE)
    entered = await changes(space)
    assert told(entered) == [("buyers", "entered", "DEFINITION", False)] * 5

    clock.now += HOUR
    await apply_text(space, "audiences: {all: {who: {did: any}}}\n", 1)

    assert (
        sorted(told((await changes(space))[5:]))
        == [("all", "entered", "DEFINITION", False)] * 5
        + [("buyers", "left", "DEFINITION", False)] * 5
    )
    progress = [each async for each in space.use_cases.profiles.progress(space.scope)]
    assert [(each.version, each.customers, each.computed, each.done) for each in progress] == [
        (2, 5, 5, True)
    ]


async def test_a_withdrawn_consent_is_the_cause(world: NewWorld) -> None:
    clock = FakeClock(START)
    text = "audiences: {reachable: {who: {consent: {purpose: marketing}}}}\n"
    space = await space_of(world, clock, text)

    for number, granted in enumerate([True, False]):
        clock.now += HOUR
        said = {"purpose": "marketing", "granted": granted}
        await space.send(
            event(f"m{number}", clock.now, "user_id:a", name="Consent Updated", properties=said),
            received_at=clock.now,
        )
        await computed(space)

    assert told(await changes(space)) == [
        ("reachable", "entered", "EVENT", True),
        ("reachable", "left", "CONSENT", False),
    ]


async def test_a_customer_with_very_many_events_is_computed_once_in_a_while(
    world: NewWorld,
) -> None:
    clock = FakeClock(START)
    limits = Limits(profiles=ProfileLimits(large_events=3, most_events=4))
    space = await space_of(world, clock, limits=limits)

    async def orders(count: int) -> int:
        for _ in range(count):
            clock.now += 1_000
            await space.send(
                bought(f"m{clock.now}", clock.now, "user_id:ann"), received_at=clock.now
            )
            await computed(space)
        [values] = (await stored(space)).values.values()
        return values["orders"]

    assert await orders(3) == 3, "computed while it was small"
    assert await orders(1) == 3
    clock.now += 60_000
    await computed(space)
    assert await orders(0) == 4
    assert await orders(1) == 4
    clock.now += 120_000
    await computed(space)
    assert await orders(0) == 4, "too many"


async def test_what_a_member_of_an_account_does_reaches_the_others(world: NewWorld) -> None:
    clock = FakeClock(START)
    text = """
audiences:
  active: {of: accounts, who: {members: {any: {did: Bought}}}}
  colleagues: {who: {in: active}}
"""
    space = await space_of(world, clock, text)
    await space.send(
        *(
            event(f"m{who}", START, f"user_id:{who}", name="Saw", account_id="acme")
            for who in ("ann", "bob")
        ),
        event("m0", START, "user_id:cid", name="Saw", account_id="other"),
        received_at=START,
    )
    await computed(space)
    assert (await stored(space)).memberships == set()

    clock.now += HOUR
    await space.send(bought("m1", clock.now, "user_id:ann"), received_at=clock.now)
    await computed(space)

    ann, bob = [await customer_of(space, f"user_id:{who}") for who in ("ann", "bob")]
    assert (await stored(space)).memberships == {
        ("active", "acme"),
        ("colleagues", ann),
        ("colleagues", bob),
    }
    assert {e.cause for e in await changes(space)} == {"EVENT"}
    checked = await space.use_cases.profile_checks.check(space.scope)
    assert checked is not None
    assert checked.is_sound


async def test_two_processes_at_once_write_nothing_twice(
    world: NewWorld, database_settings: Settings
) -> None:
    space = await world(POLICY)
    await apply_text(space, TEXT)
    now = system_clock() - HOUR
    # The database plans its statements before anybody waits for the processes.
    await space.send(bought("first", now, "user_id:first"), received_at=now)
    await computed(space)
    await space.use_cases.profiles.close()

    async def nothing_waits() -> bool:
        return await space.rows(MARKS) == [[0]]

    async with profiles_processes(2, space, database_settings) as processes:
        for n in range(24):
            await space.send(
                bought(f"m{n}", now + n, f"user_id:u{n % 5}", f"email:{n % 7}"), received_at=now
            )
            # Each computes something alone; from then on both are woken at once.
            for number, each in enumerate(processes):
                if n >= len(processes) or n == number:
                    assert each.stdin is not None
                    each.stdin.write(b"\n")
            if n < len(processes):
                await until(nothing_waits, seconds=PATIENCE)
        written = [int((await each.communicate(b""))[0]) for each in processes]

    assert all(written), written
    other = beside(space, space.database)

    async def is_computed() -> bool:
        await computed(other)
        return await nothing_waits()

    await until(is_computed, seconds=PATIENCE)
    await check_profiles(other, TEXT, system_clock())
    await other.use_cases.close()


@asynccontextmanager
async def profiles_processes(
    number: int, space: World, database: Settings
) -> AsyncGenerator[list[asyncio.subprocess.Process]]:
    """Other processes that compute the profiles of a space whenever they get a line."""
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.support.profiles_process", space.space),
            cwd=ROOT,
            env=os.environ | environment_of(database),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(number)
    ]
    try:
        yield processes
    finally:
        for each in processes:
            if each.returncode is None:
                each.kill()
            await each.wait()


async def test_who_is_touched_again_and_again_waits_no_longer_than_others(
    world: NewWorld, database: Database
) -> None:
    space = await space_of(world, FakeClock(START))
    await space.use_cases.profiles.close()
    store = ProfileStore(database, "test")
    for number, who in enumerate(("ann", "bob", "ann")):
        await space.send(bought(f"m{number}", START, f"user_id:{who}"))

    first, second = (await store.waiting(space.space, START, 10)).marks
    await space.send(bought("m3", START, "user_id:ann"))
    await store.clear(space.space, [first, second])
    [again] = (await store.waiting(space.space, START, 10)).marks
    await store.clear(space.space, [again])

    ann, bob = [f"{space.space}/user_id:{who}" for who in ("ann", "bob")]
    assert [first.key, second.key, again.key] == [ann, bob, ann]
    assert first.touched < second.touched < again.touched
    assert await space.rows(MARKS) == [[0]]


@asynccontextmanager
async def between_read_and_write(
    monkeypatch: pytest.MonkeyPatch, happens: Callable[[], Awaitable[None]]
) -> AsyncGenerator[None]:
    """Once, before something is written that was computed, something happens."""
    write = ProfileStore.write
    waits = [happens]

    async def after_that(store: ProfileStore, *args: Any) -> Any:
        if waits:
            await waits.pop()()
        return await write(store, *args)

    monkeypatch.setattr(ProfileStore, "write", after_that)
    yield
    assert not waits
    monkeypatch.undo()


async def test_what_comes_between_reading_and_writing_is_not_lost(
    world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FakeClock(START)
    space = await space_of(world, clock)
    await space.send(bought("m1", START - 2, "user_id:ann"), bought("m2", START, "email:ann"))

    async def merged() -> None:
        await space.send(bought("m3", START - 1, "user_id:ann", "email:ann"))

    async def again() -> None:
        await space.send(bought("m4", START - 1, "user_id:ann"))

    for number, happens in enumerate((merged, again)):
        async with between_read_and_write(monkeypatch, happens):
            await space.send(bought(f"before{number}", START - 3, "user_id:ann"))
            await computed(space)
        await check_profiles(space, TEXT, clock.now)


async def test_a_process_that_dies_between_reading_and_writing_loses_nothing(
    world: NewWorld, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FakeClock(START)
    space = await space_of(world, clock, limits=Limits(profiles=ProfileLimits(lease_ms=300)))
    await space.send(bought("m1", START, "user_id:ann"), received_at=START)
    died = asyncio.Event()

    async def dies() -> None:
        died.set()
        await asyncio.Event().wait()

    async with between_read_and_write(monkeypatch, dies):
        space.use_cases.profiles.wake(space.space)
        await died.wait()
    other = beside(space, database, clock=clock)

    async def is_computed() -> bool:
        await computed(other)
        return bool(await changes(space))

    await until(is_computed)
    assert await space.rows("MATCH (p:Profile {space: $space}) RETURN p.f_orders") == [[1]]


async def test_a_process_that_is_killed_before_it_writes_loses_nothing(
    world: NewWorld, database_settings: Settings
) -> None:
    space = await world(POLICY)
    await apply_text(space, TEXT)
    await space.use_cases.profiles.close()
    now = system_clock()
    await space.send(*(bought(f"m{n}", now, f"user_id:p{n}") for n in range(5)), received_at=now)
    killed = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.killed_profiles",
        space.space,
        cwd=ROOT,
        env=os.environ | environment_of(database_settings),
    )
    assert await killed.wait() == -signal.SIGKILL
    assert await changes(space) == []

    async with asyncio.timeout(PATIENCE):
        other = beside(space, space.database)

        async def all_are_computed() -> bool:
            await computed(other)
            return len(await changes(space)) > 0

        await until(all_are_computed)

    await check_profiles(other, TEXT, system_clock())
    await other.use_cases.close()


async def test_destinations_are_told_of_whom_something_changed(world: NewWorld) -> None:
    clock = FakeClock(START)
    space = await world(POLICY, clock=clock)
    await space.rows("CREATE (:Destination {space: $space, name: 'crm'}) RETURN 1")

    await space.send(bought("m1", START, "user_id:ann"), bought("m2", START, "email:ann"))
    await computed(space)

    ann, mail = [await customer_of(space, i) for i in ("user_id:ann", "email:ann")]
    outgoing = "MATCH (o:Outgoing {space: $space}) RETURN o.customer_id, o.destination, o.due"
    assert sorted(await space.rows(outgoing)) == sorted([[ann, "crm", 0], [mail, "crm", 0]])

    await space.rows("MATCH (o:Outgoing {space: $space}) SET o.due = 5 RETURN 1")
    await space.judge(Verdict.SAME, "user_id:ann", "email:ann")
    await computed(space)
    assert sorted(await space.rows(outgoing)) == sorted([[ann, "crm", 0], [mail, "crm", 0]])


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_happens_stored_is_what_the_evidence_says(
    world: NewWorld, seed: int
) -> None:
    draw = random.Random(seed)  # noqa: S311
    clock = FakeClock(START)
    space = await space_of(world, clock)
    names = (
        [f"user_id:{n}" for n in "abc"] + [f"email:{n}" for n in "xy"] + ["device:1", "device:2"]
    )

    def some_events(message_id: str) -> list[Any]:
        some: list[Any] = []
        for n in range(draw.randint(1, 4)):
            at = clock.now - draw.choice([0, 1, HOUR, DAY, 2 * DAY, -HOUR, -DAY])
            who = draw.sample(names, draw.choice([1, 1, 2, 2, 3]))
            name = draw.choice(["Bought", "Saw"])
            said = {"price": draw.choice([0.1, 2, "x"]), "item": draw.choice("ab")}
            some.append(event(f"{message_id}-{n}", at, *who, name=name, properties=said))
        return some

    await whatever_happens(
        space, clock, draw, steps=30, policy=POLICY, names=names, some_events=some_events
    )
    await check_profiles(space, TEXT, clock.now)
    clock.now += 3 * DAY
    await computed(space)
    await check_profiles(space, TEXT, clock.now)
