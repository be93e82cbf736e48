"""A policy is in force at once, and rolled out in the background to its end."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pytest

from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.policies.policy import Blocked, Policy, Rule, Sharing
from identity_service.domain.recorded import RolloutProgress, SettledCustomer
from identity_service.errors import StatementFailed
from identity_service.graph.rollouts import RolloutStore
from identity_service.services.kit import background
from identity_service.services.limits import DEFAULT_LIMITS, Limits, RolloutLimits
from identity_service.settings import Settings
from tests.support.busy import busy_devices
from tests.support.neo4j import environment_of
from tests.support.rollouts import close_at, stop_after
from tests.support.settled import assert_ledger_tells_all
from tests.support.space import (
    PATIENCE,
    NewWorld,
    World,
    beside,
    event,
    policy_text,
    reported,
    steps_of,
)
from tests.support.waiting import until

ROOT = Path(__file__).parents[4]

MERGING = Policy({"cookie": Rule(1, IdentifierKind.DEVICE, shared=Sharing.MERGE)})
APART = Policy({"cookie": Rule(1, IdentifierKind.DEVICE, limit=1)})
"""Under the one every pair of cookies is a customer, under the other every cookie is."""

ONE_BY_ONE = steps_of(1)
NOTHING_TO_SPARE = Limits(spare_identifiers=0)
"""No more identifiers are loaded than one component may hold."""


async def pairs(
    world: NewWorld, count: int, policy: Policy = MERGING, limits: Limits = DEFAULT_LIMITS
) -> World:
    """A space with pairs of cookies `aN` and `bN`."""
    space = await world(policy, limits=limits)
    await space.send(*(event(f"m{n}", n, f"cookie:a{n}", f"cookie:b{n}") for n in range(count)))
    return space


async def put(space: World, policy: Policy) -> None:
    """Put a policy in force without waiting for anything."""
    made = await space.use_cases.policy_rollout.set_policy(
        space.scope, policy_text(policy), space.version, None
    )
    space.policy, space.version = policy, made.version


async def progress(space: World) -> RolloutProgress:
    return await space.use_cases.spaces.rollout_progress(space.scope)


@asynccontextmanager
async def held(space: World) -> AsyncGenerator[None]:
    """Nothing can be settled inside: somebody else is writing all customers."""
    async with space.driver.session() as session, await session.begin_transaction() as writing:  # pyright: ignore[reportUnknownMemberType]
        locked = await writing.run(
            "MATCH (c:Customer {space: $space}) SET c.space = c.space", space=space.space
        )
        await locked.consume()
        yield


async def reached(space: World) -> list[int]:
    """How many customers there are of each version, by version."""
    rows = await space.rows(
        "MATCH (c:Customer {space: $space})"
        " RETURN c.policy_version, count(c) ORDER BY c.policy_version"
    )
    return [version for version, _ in rows]


async def test_a_policy_is_in_force_before_anything_is_settled_by_it(world: NewWorld) -> None:
    space = await pairs(world, 3)

    async with held(space):
        await put(space, APART)
        before = await progress(space)
        versions = await reached(space)
    await space.until_settled()

    assert before == RolloutProgress(2, customers_to_settle=3, settled=0, done=False)
    assert versions == [1]
    assert await progress(space) == RolloutProgress(2, 3, 3, done=True)
    assert len((await space.check()).customers) == 6


async def test_progress_never_goes_back_and_ends_when_all_is_done(
    world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = stop_after(monkeypatch, 3)
    limits = Limits(rollout=RolloutLimits(customers_per_step=1, count_interval_ms=0))
    space = await pairs(world, 5, limits=limits)
    shown: list[RolloutProgress] = []

    async def watch() -> None:
        async for each in space.use_cases.policy_rollout.progress(space.scope):
            shown.append(each)
            if 0 < each.settled < 5:
                gate.may_go_on.set()

    await put(space, APART)
    await asyncio.wait_for(watch(), PATIENCE)

    assert [each.settled for each in shown] == sorted(each.settled for each in shown)
    assert {each.customers_to_settle for each in shown} == {5}
    assert any(0 < each.settled < 5 for each in shown)
    assert [each.done for each in shown] == [False] * (len(shown) - 1) + [True]


async def test_each_customer_says_the_version_that_it_is_settled_under(
    world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = stop_after(monkeypatch, 3)
    space = await pairs(world, 8, limits=ONE_BY_ONE)

    async def settled() -> set[tuple[int, int]]:
        found = await space.use_cases.customers.current(space.scope).find_all(
            [Identifier("cookie", f"{side}{n}") for n in range(8) for side in "ab"]
        )
        customers = [each for each in found if isinstance(each, SettledCustomer)]
        assert len(customers) == 16
        return {(each.policy_version, len(each.identifiers)) for each in customers}

    await put(space, APART)
    await asyncio.wait_for(gate.reached.wait(), PATIENCE)
    halfway = await settled()
    gate.may_go_on.set()
    await space.until_settled()

    assert halfway == {(1, 2), (2, 1)}
    assert await settled() == {(2, 1)}


async def test_a_text_that_changes_nothing_changes_nothing(world: NewWorld) -> None:
    happened, policy = busy_devices(1)
    space = await world(policy)
    await space.send(*reported(happened))
    before = await space.check()

    await space.set_policy(policy)

    assert await space.check() == before
    assert await reached(space) == [2]


async def test_customers_that_stay_as_they_are_are_not_written(world: NewWorld) -> None:
    happened, policy = busy_devices(5)
    space = await world(policy)
    await space.send(*reported(happened))
    before = await space.check()

    await space.set_policy(replace(policy, max_component=9_000))

    assert await space.check() == before
    assert await reached(space) == [2]


async def test_what_is_settled_once_more_writes_nothing(world: NewWorld) -> None:
    happened, policy = busy_devices(2)
    space = await world(policy)
    await space.send(*reported(happened))
    some = [happened[0][1][0]]
    await space.set_policy(blocking(policy, *some))
    before = await space.check()

    await space.rows(
        "MATCH (p:Policy {space: $space, version: 2}) SET p:Settling"
        " WITH p MATCH (c:Customer {space: $space}) SET c.policy_version = 1"
    )
    await space.until_settled()

    assert await space.check() == before


async def test_a_newer_version_takes_over_in_the_middle(world: NewWorld) -> None:
    space = await pairs(world, 6, limits=ONE_BY_ONE)
    at_first = await space.check()

    await put(space, APART)
    await until(lambda: is_reached(space, 2))
    await put(space, MERGING)
    await space.until_settled()

    found = await space.check()
    assert await reached(space) == [3]
    assert found.customers == at_first.customers
    assert await space.rows("MATCH (p:Policy:Settling {space: $space}) RETURN p.version") == []
    assert_ledger_tells_all(found)


async def test_a_service_that_ends_leaves_the_rest_to_the_next(
    world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = stop_after(monkeypatch, 2)
    space = await pairs(world, 6, limits=ONE_BY_ONE)
    await put(space, APART)
    await asyncio.wait_for(gate.reached.wait(), PATIENCE)

    await close_at(gate, space.use_cases.policy_rollout)
    left = await progress(space)
    held_by = await space.rows(
        "MATCH (p:Policy:Settling {space: $space}) RETURN p.worker, p.lease_until"
    )
    after = beside(space, space.database, limits=ONE_BY_ONE)
    after.use_cases.policy_rollout.look_after_all()
    await until(lambda: is_done(after), seconds=PATIENCE)
    await after.use_cases.policy_rollout.close()

    assert not left.done
    assert held_by == [[None, None]]
    assert len((await after.check_after_a_race()).customers) == 12


def fails_at_first(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    """A defect hits the first call of this method of the store."""
    works = getattr(RolloutStore, method)
    calls = count()

    async def fails(self: RolloutStore, *args: Any, **options: Any) -> Any:
        if next(calls) == 0:
            raise StatementFailed("A defect.")
        return await works(self, *args, **options)

    monkeypatch.setattr(RolloutStore, method, fails)


@pytest.mark.parametrize("method", ["unattended", "claim", "record", "finish"])
async def test_an_error_ends_no_rollout(
    world: NewWorld, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    space = await pairs(world, 3)
    await space.use_cases.policy_rollout.close()
    await put(space, APART)
    monkeypatch.setattr(background, "FIRST_PAUSE_S", 0.01)
    fails_at_first(monkeypatch, method)

    after = beside(space, space.database)
    after.use_cases.policy_rollout.look_after_all()
    await until(lambda: is_done(after), seconds=PATIENCE)
    await after.use_cases.policy_rollout.close()

    assert len((await after.check()).customers) == 6


async def test_only_one_of_two_services_settles(world: NewWorld) -> None:
    space = await pairs(world, 6, limits=ONE_BY_ONE)
    other = beside(space, space.database, limits=ONE_BY_ONE)

    async with held(space):
        await put(space, APART)
        await until(lambda: is_claimed(space))
        other.use_cases.policy_rollout.go_on(other.scope)
        await other.use_cases.policy_rollout.close()
        untouched = await reached(space)
    await space.until_settled()

    assert untouched == [1]
    assert len((await space.check_after_a_race()).customers) == 12


async def test_a_rollout_whose_process_was_killed_is_finished_by_another(
    world: NewWorld, database_settings: Settings
) -> None:
    space = await pairs(world, 12)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.killed_rollout"),
        *(space.space, policy_text(APART)),
        cwd=ROOT,
        env=os.environ | environment_of(database_settings),
    )
    assert await process.wait() == -signal.SIGKILL
    space.policy, space.version = APART, 2
    left = await progress(space)

    limits = Limits(rollout=RolloutLimits(look_interval_s=0.1, customers_per_step=1))
    after = beside(space, space.database, limits=limits)
    after.use_cases.policy_rollout.look_after_all()
    await until(lambda: is_done(after), seconds=PATIENCE)
    await after.use_cases.policy_rollout.close()

    assert not left.done
    assert left.settled > 0
    found = await after.check_after_a_race()
    assert len(found.customers) == 24
    assert len([change for change in found.changes if change.kind == "SPLIT"]) == 12


@pytest.mark.parametrize("blocked", [Blocked(value="SHARED"), Blocked(pattern="share.")])
async def test_no_walk_crosses_what_the_new_policy_blocks(
    world: NewWorld, blocked: Blocked
) -> None:
    space = await world(APART, limits=NOTHING_TO_SPARE)
    await space.send(
        *(event(f"m{n}", n, "cookie:shared", f"cookie:s{n}", f"cookie:t{n}") for n in range(20))
    )

    await space.set_policy(replace(MERGING, max_component=10, blocked=(blocked,)))

    assert len((await space.check()).customers) == 20


async def test_blocking_a_value_settles_a_component_that_was_always_over_connected(
    world: NewWorld,
) -> None:
    small = replace(MERGING, max_component=3)
    space = await world(small)
    await space.send(*(event(f"m{n}", n, "cookie:shared", f"cookie:s{n}") for n in range(5)))
    assert (await space.settled()).unsettled

    await space.set_policy(replace(small, blocked=(Blocked(value="shared"),)))

    assert len((await space.check()).customers) == 5


async def test_customers_of_an_over_connected_component_are_skipped_and_the_others_settled(
    world: NewWorld,
) -> None:
    space = await pairs(world, 10, APART, NOTHING_TO_SPARE)
    chain = [f"cookie:c{n}" for n in range(20)]
    await space.send(*(event(f"c{n}", n, *ends) for n, ends in enumerate(pairwise(chain))))
    before = await space.check()

    await space.set_policy(replace(MERGING, max_component=8))

    found = await space.settled()
    assert {c: m for c, m in found.customers.items() if c in before.customers and len(m) == 1} == {
        c: m for c, m in before.customers.items() if str(min(m)).startswith("cookie:c")
    }
    assert len(found.customers) == 20 + 10
    assert await reached(space) == [2]


def blocking(policy: Policy, *identifiers: Identifier) -> Policy:
    """The policy, with these and no other values blocked."""
    entries = [Blocked(value=i.value, types=frozenset({i.type})) for i in identifiers]
    return replace(policy, blocked=tuple(entries))


@pytest.mark.parametrize("seed", range(2))
async def test_two_services_that_take_events_while_policies_change_end_in_one_truth(
    world: NewWorld, seed: int
) -> None:
    limits = steps_of(3)
    draw = random.Random(seed)  # noqa: S311 - a world, not a secret
    happened, policy = busy_devices(seed + 4_000)
    identifiers = sorted({identifier for _, who in happened for identifier in who})
    todo = reported(happened)
    space = await world(policy, limits=limits)
    other = beside(space, space.database, limits=limits)
    early, late = todo[: len(todo) // 3], todo[len(todo) // 3 :]
    await space.send(*early)

    async def send_all() -> None:
        for number, each in enumerate(late):
            await (space, other)[number % 2].send(each)

    async def change_policies() -> None:
        for links in (4, None, 6):
            rules = {kind: replace(r, max_links=links) for kind, r in policy.rules.items()}
            blocked = draw.sample(identifiers, 2)
            await put(space, blocking(replace(policy, rules=rules), *blocked))
            await until(lambda: is_reached(space, space.version))

    await asyncio.gather(send_all(), change_policies())
    await space.until_settled()

    # A policy of the middle may have rejected what this one would take.
    kept = await space.rows("MATCH (e:Event {space: $space}) RETURN e.message_id")
    space.sent = {each.message_id: each for each in todo if [each.message_id] in kept}
    await space.check_after_a_race()


async def is_reached(space: World, version: int) -> bool:
    return version in await reached(space)


async def is_claimed(space: World) -> bool:
    return (
        await space.rows(
            "MATCH (p:Policy:Settling {space: $space}) WHERE p.worker IS NOT NULL RETURN 1"
        )
        != []
    )


async def is_done(space: World) -> bool:
    return (await progress(space)).done
