"""Large components are settled later; their events are stored at once, and nobody else waits."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from neo4j import AsyncDriver

from identity_service.domain.events import ReportedEvent
from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.policies.policy import Policy, Rule, Sharing
from identity_service.graph.database import Database
from identity_service.services.limits import DeferralLimits, Limits
from tests.integration.services.write.test_convergence import batches
from tests.support.busy import busy_devices
from tests.support.settled import assert_ledger_tells_all
from tests.support.space import NewWorld, World, beside, event, judge_at_random, reported
from tests.support.waiting import until
from tests.support.worlds import Event, dice, events, in_some_worlds, number_of_worlds, policies

WORLDS = 5

SMALL = Limits(prompt_identifiers=3, deferred=DeferralLimits(rest=0, retry_interval_s=0.01))

MERGING = Policy({"cookie": Rule(1, IdentifierKind.DEVICE, shared=Sharing.MERGE)})


def cookies(first: int, last: int) -> tuple[Identifier, ...]:
    return tuple(Identifier("cookie", f"{number:03}") for number in range(first, last + 1))


async def asleep(space: World) -> None:
    """From now on what this process puts off is settled by somebody else."""
    await space.use_cases.deferred.close()


async def stored(space: World) -> set[str]:
    return {m for [m] in await space.rows("MATCH (e:Event {space: $space}) RETURN e.message_id")}


async def customer_with(space: World, identifier: Identifier) -> frozenset[Identifier]:
    found = await space.settled()
    [members] = [m for m in found.customers.values() if identifier in m]
    return members


async def test_events_of_a_large_component_are_stored_and_its_customers_stay_until_it_is_settled(
    world: NewWorld,
) -> None:
    space = await world(MERGING, limits=SMALL)
    await space.send(event("m1", 1, *cookies(1, 3)))
    await asleep(space)

    await space.send(event("m2", 2, *cookies(3, 4)))

    assert await stored(space) == {"m1", "m2"}
    assert await customer_with(space, cookies(1, 1)[0]) == frozenset(cookies(1, 3))
    assert (await space.settled()).unsettled == frozenset(cookies(3, 4))


async def test_what_was_put_off_is_settled_by_any_process(
    world: NewWorld, database: Database
) -> None:
    space = await world(MERGING, limits=SMALL)
    await space.send(event("m1", 1, *cookies(1, 3)))
    await asleep(space)
    await space.send(event("m2", 2, *cookies(3, 4)))

    other = beside(space, database, limits=SMALL)
    other.use_cases.deferred.look_after_all()

    async def all_settled() -> bool:
        return not (await other.settled()).unsettled

    await until(all_settled)
    await other.use_cases.deferred.close()

    found = await space.check()
    assert await customer_with(space, cookies(1, 1)[0]) == frozenset(cookies(1, 4))
    assert_ledger_tells_all(found)


async def test_changes_name_the_event_that_was_put_off(world: NewWorld) -> None:
    space = await world(MERGING, limits=SMALL)
    await space.send(event("m1", 1, *cookies(1, 2)), event("m2", 1, *cookies(8, 9)))

    await space.send(event("m3", 2, *cookies(2, 8)))
    await space.settle_deferred()

    causes = await space.rows("MATCH (c:Change {space: $space, kind: 'MERGED'}) RETURN c.cause")
    assert causes == [["event:m3"]]


async def test_others_of_a_request_are_settled_at_once(world: NewWorld) -> None:
    space = await world(MERGING, limits=SMALL)
    await space.send(event("m1", 1, *cookies(1, 3)))
    await asleep(space)

    others = [event(f"o{number}", 3, f"cookie:o{number}") for number in range(20)]
    await space.send(*others[:9], event("m2", 2, *cookies(3, 4)), *others[9:])

    found = await space.settled()
    assert found.unsettled == frozenset(cookies(3, 4))
    assert {frozenset(other.identifiers) for other in others} <= set(found.customers.values())


async def test_what_is_known_to_be_large_is_not_walked_again(
    world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = await world(MERGING, limits=SMALL)
    await space.send(event("m1", 1, *cookies(1, 5)))
    await space.settle_deferred()
    await asleep(space)

    async def walked(*_: object, **__: object) -> None:
        raise AssertionError("It was walked.")

    monkeypatch.setattr("identity_service.graph.evidence.EvidenceStore.load_subgraph", walked)
    await space.send(event("m2", 2, *cookies(5, 6)))
    await space.send(event("m3", 3, *cookies(6, 7)))

    assert await stored(space) == {"m1", "m2", "m3"}


async def test_a_component_with_too_many_links_is_over_connected(world: NewWorld) -> None:
    policy = replace(MERGING, max_component=30)
    space = await world(policy)

    await space.send(event("m1", 1, *cookies(1, 24)))
    await space.send(event("m2", 2, *cookies(4, 27)))
    await space.settle_deferred()

    assert (await space.settled()).customers.keys()
    assert (await space.settled()).unsettled >= frozenset(cookies(25, 27))
    assert await customer_with(space, cookies(1, 1)[0]) == frozenset(cookies(1, 24))


async def test_a_component_that_can_be_resolved_again_is_settled_at_the_next_event(
    world: NewWorld,
) -> None:
    space = await world(replace(MERGING, max_component=4), limits=SMALL)
    await space.send(event("m1", 1, *cookies(1, 3)))
    await space.send(event("m2", 2, *cookies(3, 5)))
    await space.settle_deferred()
    assert (await space.settled()).unsettled

    await space.set_policy(replace(MERGING, max_component=10))
    await space.settle_deferred()

    await space.check()


async def test_evidence_that_comes_while_a_component_is_settled_is_not_lost(
    world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = await world(MERGING, limits=SMALL)
    await space.send(event("m1", 1, *cookies(1, 3)))
    settler = space.use_cases.deferred._settler  # pyright: ignore[reportPrivateUsage]
    resolve, sent = settler._resolver.resolve, list[ReportedEvent]()  # pyright: ignore[reportPrivateUsage]

    async def meanwhile(*args: object, **options: object) -> object:
        found = await resolve(*args, **options)  # pyright: ignore[reportArgumentType]
        if found and not options.get("promptly") and not sent:
            sent.append(event("m3", 3, *cookies(4, 5)))
            await space.send(*sent)
        return found

    monkeypatch.setattr(settler._resolver, "resolve", meanwhile)  # pyright: ignore[reportPrivateUsage]
    await space.send(event("m2", 2, *cookies(3, 4)))
    await space.settle_deferred()

    assert sent
    assert_ledger_tells_all(await space.check())


@in_some_worlds(WORLDS)
@given(events(24), policies(), dice)
async def test_whatever_is_put_off_the_graph_holds_what_the_pure_function_says(
    world: NewWorld, happened: list[Event], policy: Policy, draw: random.Random
) -> None:
    space = await world(policy, limits=SMALL)

    await send_all(space, reported(happened), draw)

    await space.settle_deferred()
    assert_ledger_tells_all(await space.check())


@pytest.mark.parametrize("seed", range(number_of_worlds(WORLDS)))
async def test_judgements_about_what_is_put_off_give_what_the_pure_function_says(
    world: NewWorld, seed: int
) -> None:
    happened, policy = busy_devices(seed + 2_000)
    draw = random.Random(seed)  # noqa: S311
    space = await world(policy, limits=SMALL)

    for some in batches(reported(happened), draw):
        await space.send(*some)
        await space.settle_deferred()
        await judge_at_random(space, happened, draw)

    await space.settle_deferred()
    assert_ledger_tells_all(await space.check())


@in_some_worlds(WORLDS)
@given(events(24), policies(), dice)
async def test_two_processes_that_put_off_give_what_the_pure_function_says(
    world: NewWorld,
    database: Database,
    driver: AsyncDriver,
    happened: list[Event],
    policy: Policy,
    draw: random.Random,
) -> None:
    space = await world(policy, limits=SMALL)
    other = beside(space, database, driver, limits=SMALL)
    todo = reported(happened)
    middle = len(todo) // 2

    await asyncio.gather(send_all(space, todo[:middle], draw), send_all(other, todo[middle:], draw))

    await space.settle_deferred()
    await other.settle_deferred()
    await space.settle_deferred()
    assert_ledger_tells_all(await space.check())


async def send_all(space: World, todo: Sequence[ReportedEvent], draw: random.Random) -> None:
    for some in batches(todo, draw):
        await space.send(*some)
