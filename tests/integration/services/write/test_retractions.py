"""What a source said in a range of time is taken out of the evidence, and given back."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from identity_service.domain.identifiers import Identifier, parse_identifier
from identity_service.domain.judgements import Verdict
from identity_service.domain.policies.parse import parse_policy
from identity_service.domain.policies.policy import Policy
from identity_service.domain.policies.value_rules import ValueRules
from identity_service.domain.retractions import Retraction
from identity_service.errors import FieldInvalid, NotFound
from identity_service.services.kit.clock import system_clock
from identity_service.services.limits import Limits, RetractionLimits
from identity_service.settings import Settings
from tests.support.everything import all_of
from tests.support.neo4j import environment_of
from tests.support.recorder import answers_as_of, answers_now
from tests.support.space import PATIENCE, NewWorld, World, beside, event, judge_at_random, reported
from tests.support.waiting import until
from tests.support.worlds import Event, dice, events, in_some_worlds, policies

ROOT = Path(__file__).parents[4]

WORLDS = 4

VICTIM, HER_PHONE = "email:victim@example.com", "anonymous_id:hers"
ATTACKER = "page"

ONE_BY_ONE = Limits(retraction=RetractionLimits(events_per_page=3, events_per_transaction=2))


async def attacked(world: NewWorld, **more: Any) -> World:
    """A victim, whose e-mail a page's key connected with others for an hour."""
    space = await world(**more)
    await space.send(
        event("login", 10, "user_id:victim", VICTIM, HER_PHONE),
        event("visit", 20, HER_PHONE),
        received_at=100,
    )
    await space.send(
        *(
            event(f"junk-{n}", 30 + n, VICTIM, f"user_id:u{n}", f"anonymous_id:a{n}")
            for n in range(6)
        ),
        source=ATTACKER,
        received_at=200,
    )
    return space


async def test_junk_of_a_source_is_retracted_and_given_back(world: NewWorld) -> None:
    space = await world()
    await space.send(event("login", 10, "user_id:victim", VICTIM, HER_PHONE), received_at=100)
    before = await all_of(space)
    await space.send(
        *(event(f"junk-{n}", 30 + n, VICTIM, f"user_id:u{n}", "anonymous_id:ax") for n in range(6)),
        source=ATTACKER,
        received_at=200,
    )
    harmed = await all_of(space)
    assert harmed["customers"] != before["customers"]

    made = await space.retract(ATTACKER, 150, 250)

    freed = await all_of(space)
    for name in ("customers", "kinds", "anchors", "contested", "seen", "links"):
        assert freed[name] == before[name]
    await space.give_back(made)
    assert await all_of(space) == harmed


async def test_only_what_the_source_said_in_that_time_is_retracted(world: NewWorld) -> None:
    space = await world()
    for number, (source, at) in enumerate(
        [("page", 99), ("page", 100), ("shop", 150), ("page", 199), ("page", 200)]
    ):
        await space.send(
            event(f"m{number}", number, f"user_id:u{number}"), source=source, received_at=at
        )

    await space.retract("page", 100, 200)

    found = await space.check()
    assert {str(i) for i in found.first_seen} == {"user_id:u0", "user_id:u2", "user_id:u4"}


@pytest.mark.parametrize(
    ("source", "begin", "until", "path"),
    [
        ("page", 100, 100, "until"),
        ("page", 100, 2**53, "until"),
        ("page", 300, 400, "source"),
        ("other", 100, 300, "source"),
    ],
)
async def test_what_cannot_be_retracted_is_refused(
    world: NewWorld, source: str, begin: int, until: int, path: str
) -> None:
    space = await attacked(world)

    with pytest.raises(FieldInvalid) as caught:
        await space.use_cases.retractions.retract(space.scope, source, begin, until, "Junk.")

    assert caught.value.problems[0].path == path
    assert not (await space.use_cases.retractions.list(space.scope, "~", 10)).items


async def test_a_retraction_needs_a_reason(world: NewWorld) -> None:
    space = await attacked(world)

    with pytest.raises(FieldInvalid, match="needs a reason"):
        await space.use_cases.retractions.retract(space.scope, ATTACKER, 0, 300, " ")


async def test_a_retraction_is_withdrawn_once(world: NewWorld) -> None:
    space = await attacked(world)
    made = await space.retract(ATTACKER, 0, 300)
    await space.give_back(made)

    with pytest.raises(FieldInvalid, match="withdrawn before, by admin"):
        await space.use_cases.retractions.withdraw(space.scope, made.id, "Again.")
    with pytest.raises(NotFound):
        await space.use_cases.retractions.withdraw(space.scope, "ret_none", "Again.")


async def test_another_space_knows_nothing_of_a_retraction(world: NewWorld) -> None:
    space, other = await attacked(world), await attacked(world)
    before = await all_of(other)

    made = await space.retract(ATTACKER, 0, 300)

    assert await all_of(other) == before
    with pytest.raises(NotFound):
        await other.use_cases.retractions.withdraw(other.scope, made.id, "Not ours.")


@pytest.mark.parametrize("first", [0, 1])
async def test_an_event_is_retracted_while_any_retraction_stands(
    world: NewWorld, first: int
) -> None:
    space = await attacked(world, limits=ONE_BY_ONE)
    before = await all_of(space)
    both = [await space.retract(ATTACKER, 0, 300), await space.retract(ATTACKER, 200, 201)]
    retracted = await all_of(space)

    await space.give_back(both[first])

    assert await all_of(space) == retracted
    await space.give_back(both[1 - first])
    assert await all_of(space) == before


async def test_a_replay_of_a_retracted_event_stays_retracted(world: NewWorld) -> None:
    space = await attacked(world)
    await space.retract(ATTACKER, 0, 300)
    before = await all_of(space)

    await space.send(space.sent["junk-1"], source=ATTACKER, received_at=900)

    assert await all_of(space) == before


@pytest.mark.parametrize("detached_first", [True, False])
@pytest.mark.parametrize("retraction_first", [True, False])
async def test_each_withdrawal_restores_only_its_own_part(
    world: NewWorld, *, detached_first: bool, retraction_first: bool
) -> None:
    space = await attacked(world)
    made: Retraction | None = None
    if not detached_first:
        made = await space.retract(ATTACKER, 0, 300)
    judged = await space.detach("junk-1", VICTIM)
    made = made or await space.retract(ATTACKER, 0, 300)
    await all_of(space)

    if retraction_first:
        await space.give_back(made)
        await all_of(space)
        await space.withdraw(judged.judgement)
    else:
        await space.withdraw(judged.judgement)
        await all_of(space)
        await space.give_back(made)

    await all_of(space)


async def test_events_that_arrive_meanwhile_elsewhere_are_not_lost(world: NewWorld) -> None:
    space = await attacked(world, limits=ONE_BY_ONE)
    other = beside(space, space.database)

    async def send(numbers: range) -> None:
        for n in numbers:
            await other.send(
                event(f"again-{n}", 40 + n, VICTIM, f"user_id:u{n % 6}"), received_at=400 + n
            )

    async def retract_and_give_back() -> None:
        for _ in range(3):
            made = await space.retract(ATTACKER, 150, 250)
            await space.give_back(made)

    await asyncio.gather(retract_and_give_back(), *(send(range(n, n + 10)) for n in (0, 10, 20)))

    await all_of(space)
    await space.retract(ATTACKER, 150, 250)
    await all_of(space)


async def test_an_event_that_was_received_before_and_is_stored_later_is_retracted(
    world: NewWorld,
) -> None:
    space = await attacked(world)
    other = beside(space, space.database)
    await other.send(event("knows", 5, HER_PHONE), received_at=90)
    made = await space.retract(ATTACKER, 150, 250)

    await other.send(event("late", 60, VICTIM, "user_id:late"), source=ATTACKER, received_at=249)
    await other.send(event("late-again", 61, VICTIM, HER_PHONE), source=ATTACKER, received_at=249)

    progress = await space.until_followed(made.id)
    assert progress.events == 8
    await all_of(space)
    await space.give_back(made)
    await all_of(space)


async def test_two_processes_share_the_work_and_do_nothing_twice(world: NewWorld) -> None:
    space = await attacked(world, limits=ONE_BY_ONE)
    other = beside(space, space.database, limits=ONE_BY_ONE)
    made = await space.use_cases.retractions.retract(space.scope, ATTACKER, 0, 300, "Junk.")
    space.retracted[made.id] = made
    other.use_cases.retractions.go_on(other.scope, made.id)

    progress = await space.until_followed(made.id)

    assert progress.events == 6
    await all_of(space)


async def test_a_retraction_whose_process_was_killed_is_finished_by_another(
    world: NewWorld, database_settings: Settings
) -> None:
    space = await attacked(world)
    before = await all_of(space)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.killed_retraction"),
        *(space.space, ATTACKER),
        cwd=ROOT,
        env=os.environ | environment_of(database_settings),
    )
    assert await process.wait() == -signal.SIGKILL
    [left] = (await space.use_cases.retractions.list(space.scope, "~", 10)).items
    space.retracted[left.id] = left

    limits = Limits(retraction=RetractionLimits(look_interval_s=0.1))
    after = beside(space, space.database, limits=limits)
    after.use_cases.retractions.look_after_all()
    async with asyncio.timeout(PATIENCE):
        shown = [p async for p in after.use_cases.retractions.progress(space.scope, left.id)]
    await after.use_cases.retractions.close()

    assert (left.events, left.done) == (4, False)
    assert (shown[-1].events, shown[-1].done) == (6, True)
    await all_of(space)
    await space.give_back(left)
    assert await all_of(space) == before


async def test_a_retraction_that_is_withdrawn_while_it_is_made_leaves_nothing(
    world: NewWorld,
) -> None:
    space = await attacked(world, limits=ONE_BY_ONE)
    before = await all_of(space)
    retractions = space.use_cases.retractions
    made = await retractions.retract(space.scope, ATTACKER, 0, 300, "Junk.")
    async for progress in retractions.progress(space.scope, made.id):
        if progress.events:
            break

    await retractions.withdraw(space.scope, made.id, "It was not junk.")

    assert (await space.until_followed(made.id)).done
    assert await all_of(space) == before


async def test_a_component_that_holds_too_many_identifiers_is_freed(world: NewWorld) -> None:
    space = await world("extends: merge_all\nmax_component: 10\n")
    await space.send(event("login", 10, "user_id:victim", VICTIM), received_at=100)
    await space.send(
        *(event(f"junk-{n}", 20 + n, VICTIM, f"user_id:u{n}") for n in range(30)),
        source=ATTACKER,
        received_at=200,
    )

    made = await space.retract(ATTACKER, 150, 250)

    await all_of(space)
    progress = await space.use_cases.retractions.find(space.scope, made.id)
    assert (progress.events, progress.skipped) == (30, 0)


async def test_judgements_about_retracted_identifiers_wait_for_them(world: NewWorld) -> None:
    space = await attacked(world)
    await space.judge(Verdict.SAME, "user_id:u1", "user_id:victim")
    await space.judge(Verdict.APART, "user_id:u2", "user_id:u3")
    before = await all_of(space)

    made = await space.retract(ATTACKER, 0, 300)

    await all_of(space)
    await space.give_back(made)
    assert await all_of(space) == before


@in_some_worlds(WORLDS)
@given(events(12), policies(), dice)
async def test_the_state_is_the_function_over_what_was_not_retracted(
    world: NewWorld, happened: list[Event], policy: Policy, draw: random.Random
) -> None:
    space = await world(policy, limits=ONE_BY_ONE)
    for at, each in enumerate(reported(happened)):
        await space.send(each, source=draw.choice("ab"), received_at=at // 2)
        await judge_at_random(space, happened, draw)
    befores = [await all_of(space)]
    made = list[Retraction]()
    for _ in range(3):
        source = draw.choice("ab")
        begin, until = sorted(draw.sample(range(len(happened) // 2 + 2), 2))
        try:
            made.append(await space.retract(source, begin, until))
        except FieldInvalid:
            continue
        befores.append(await all_of(space))
        await space.send(draw.choice(list(space.sent.values())))
    for retraction in reversed(made):
        befores.pop()
        await space.give_back(retraction)
        assert await all_of(space) == befores[-1]


@in_some_worlds(WORLDS)
@given(events(12), policies(), dice)
async def test_retractions_and_detachments_are_withdrawn_in_any_order(
    world: NewWorld, happened: list[Event], policy: Policy, draw: random.Random
) -> None:
    space = await world(policy)
    for at, each in enumerate(reported(happened)):
        await space.send(each, source=draw.choice("ab"), received_at=at // 2)
    before = await all_of(space)
    made = list[Any]()
    for _ in range(4):
        if draw.random() < 0.5:
            chosen = draw.choice([*space.sent.values()])
            identifier: Identifier = draw.choice(chosen.identifiers)
            made.append((await space.detach(chosen.message_id, identifier)).judgement)
        else:
            begin, until = sorted(draw.sample(range(len(happened) // 2 + 2), 2))
            try:
                made.append(await space.retract(draw.choice("ab"), begin, until))
            except FieldInvalid:
                continue
        await all_of(space)
    draw.shuffle(made)
    for each in made:
        await (space.give_back(each) if isinstance(each, Retraction) else space.withdraw(each))
        await all_of(space)
    after = await all_of(space)
    for name in ("contested", "super_connectors", "events", "seen", "links"):
        assert after[name] == before[name]
    assert {*after["customers"].values()} == {*before["customers"].values()}


async def test_a_policy_that_lets_more_through_counts_for_what_was_retracted_meanwhile(
    world: NewWorld,
) -> None:
    policy = parse_policy("extends: quarantine\nblocked: [{value: late}]\n")
    space = await world(policy)
    await space.send(event("login", 10, "user_id:victim", VICTIM), received_at=100)
    await space.send(
        event("page", 20, VICTIM, "anonymous_id:late"), source=ATTACKER, received_at=200
    )
    made = await space.retract(ATTACKER, 150, 250)

    await space.set_policy(parse_policy("extends: quarantine\n"))

    assert parse_identifier("anonymous_id:late") not in (await space.check()).first_seen
    await space.give_back(made)
    await space.until_settled()
    assert parse_identifier("anonymous_id:late") in (await space.check()).first_seen


async def test_what_a_retracted_event_said_of_an_account_is_in_no_answer(world: NewWorld) -> None:
    space = await world()
    group = {"type": "group", "account_id": "acme"}
    await space.send(
        event("told", 10, VICTIM, account_traits={"plan": "free"}, **group), received_at=100
    )
    await space.send(
        event("forged", 20, VICTIM, account_traits={"plan": "gold"}, **group),
        event("again", 21, VICTIM, account_traits={"plan": "free"}, **group),
        source=ATTACKER,
        received_at=200,
    )
    before = await accounts_of(space)

    made = await space.retract(ATTACKER, 150, 250)

    assert [traits for _, traits in await accounts_of(space)] == ['{"plan":"free"}']
    await space.give_back(made)
    assert await accounts_of(space) == before
    await space.retract(ATTACKER, 150, 250)
    await space.send(
        event("told-again", 15, VICTIM, account_traits={"plan": "gold"}, **group), received_at=300
    )
    assert {traits for _, traits in await accounts_of(space)} == {
        '{"plan":"free"}',
        '{"plan":"gold"}',
    }


ACCOUNTS = """
MATCH (:Account {space: $space})-[:DESCRIBED_AS]->(t) WHERE t.last_seen IS NOT NULL
RETURN t.last_seen, t.traits ORDER BY t.traits
"""


async def accounts_of(space: World) -> list[list[Any]]:
    """What is said of accounts, and by which event last."""
    return await space.rows(ACCOUNTS)


async def test_as_of_a_moment_a_retraction_counts_from_when_it_was_made_until_it_was_withdrawn(
    world: NewWorld,
) -> None:
    space = await attacked(world)
    group = event("told", 40, VICTIM, type="group", account_id="acme", account_traits={"size": 4})
    await space.send(group, source=ATTACKER, received_at=210)
    asked = [parse_identifier(each) for each in (VICTIM, HER_PHONE, "user_id:victim", "user_id:u1")]
    values = ValueRules(space.policy)
    cases, scope = space.use_cases, space.scope

    async def now() -> tuple[int, Any]:
        moment = await later()
        found = await answers_now(cases, scope, values, asked, [])
        await later()
        return moment, found

    said = [await now()]
    made = await space.retract(ATTACKER, 150, 250)
    said.append(await now())
    await space.give_back(made)
    said.append(await now())

    assert said[0][1] != said[1][1]
    for moment, found in said:
        assert await answers_as_of(cases, scope, values, asked, [], moment) == found


async def later() -> int:
    """A moment after all that happened until now."""
    before = system_clock()

    async def is_past() -> bool:
        return system_clock() > before

    await until(is_past)
    return system_clock()
