"""A policy put in force: the space comes out as if that policy had always been."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity_service.domain.identifiers import Identifier, IdentifierKind, parse_identifier
from identity_service.domain.judgements import Verdict
from identity_service.domain.policies.policy import Blocked, Policy, Rule, Sharing
from identity_service.domain.policies.value_rules import ValueRules, observe
from identity_service.domain.resolution.resolve import strength
from identity_service.errors import PolicyInvalid, VersionConflict
from identity_service.graph.policies import PolicyStore
from tests.support.busy import busy_devices
from tests.support.rollouts import close_at, stop_after
from tests.support.space import (
    PATIENCE,
    SOURCE,
    NewWorld,
    World,
    beside,
    event,
    policy_text,
    reported,
    steps_of,
)
from tests.support.worlds import Event, dice, events, in_some_worlds, number_of_worlds, policies

WORLDS = 4

ANN, BOB = "user_id:ann", "user_id:bob"
PHONE, TABLET = "anonymous_id:phone", "anonymous_id:tablet"

QUARANTINE = Policy(
    {
        "user_id": Rule(1, IdentifierKind.PERSON, 1),
        "anonymous_id": Rule(2, IdentifierKind.DEVICE, shared=Sharing.QUARANTINE),
    }
)
DEVICES_FIRST = Policy(
    {
        "anonymous_id": Rule(1, IdentifierKind.DEVICE),
        "user_id": Rule(2, IdentifierKind.PERSON, 1),
    }
)


def blocking(policy: Policy, identifiers: Sequence[Identifier]) -> Policy:
    """The policy, with these and no other values blocked."""
    return replace(
        policy,
        blocked=tuple(Blocked(value=i.value, types=frozenset({i.type})) for i in identifiers),
    )


async def test_a_space_whose_policy_holds_a_ttl_goes_on(world: NewWorld) -> None:
    space = await world(QUARANTINE)
    text = "types: {user_id: {priority: 1, kind: person, ttl: 30d}}"
    await PolicyStore(space.database).put_in_force(space.space, text, 1, "tests", None, 1)

    await space.until_settled()
    await space.send(event("m1", 1, ANN))

    assert await space.rows("MATCH (i)-[:BELONGS_TO]->({space: $space}) RETURN i.value") == [
        ["ann"]
    ]
    with pytest.raises(PolicyInvalid):
        await space.use_cases.policy_rollout.set_policy(space.scope, text, 2, None)


async def assert_events_follow(space: World) -> None:
    """Every event observes what the policy lets through, and belongs to the strongest of it."""
    values = ValueRules(space.policy)
    found = await space.rows(
        "MATCH (e:Event {space: $space}) RETURN e.message_id,"
        " COLLECT { MATCH (e)-[:OBSERVED]->(i) WHERE NOT i:Blocked RETURN [i.type, i.value] },"
        " COLLECT { MATCH (e)-[:ATTRIBUTED_TO]->(i) RETURN [i.type, i.value] }"
    )
    for message_id, observed, attributed in found:
        said = observe(space.sent[message_id], values, 0, SOURCE)
        identifiers = getattr(said, "identifiers", ())
        assert sorted(Identifier(*i) for i in observed) == sorted(identifiers)
        if identifiers:
            strongest = min(identifiers, key=lambda i: strength(i, space.policy))
            assert [Identifier(*i) for i in attributed] == [strongest]


@in_some_worlds(WORLDS)
@given(events(16), st.lists(policies(), min_size=2, max_size=3), dice)
async def test_any_change_of_policy_gives_what_the_pure_function_says(
    world: NewWorld, happened: list[Event], in_turn: list[Policy], draw: random.Random
) -> None:
    space = await world(in_turn[0])
    identifiers = sorted({identifier for _, who in happened for identifier in who})
    todo = reported(happened)

    for policy in in_turn[1:]:
        some = draw.randint(0, len(todo))
        await space.send(*todo[:some])
        todo = todo[some:]
        blocked = draw.sample(identifiers, draw.choice([0, 0, min(2, len(identifiers))]))
        await space.set_policy(blocking(policy, blocked))
        await space.check()
    await space.send(*todo)

    await space.check()
    await assert_events_follow(space)


@pytest.mark.parametrize("seed", range(number_of_worlds(WORLDS)))
async def test_events_that_come_while_a_policy_changes_are_settled_by_it(
    world: NewWorld, seed: int
) -> None:
    happened, policy = busy_devices(seed + 2_000)
    space = await world(policy, limits=steps_of(2))
    todo = reported(happened)
    early, late = todo[: len(todo) // 2], todo[len(todo) // 2 :]
    await space.send(*early)
    stricter = replace(
        policy, rules={kind: replace(rule, max_links=4) for kind, rule in policy.rules.items()}
    )

    await asyncio.gather(space.set_policy(stricter), *(space.send(each) for each in late))
    await space.check()
    await space.set_policy(policy)

    await space.check()
    await assert_events_follow(space)


async def test_a_blocked_value_taken_back_restores_partition_and_ids(world: NewWorld) -> None:
    space = await world(QUARANTINE)
    await space.send(event("m1", 1, ANN, TABLET), event("m2", 2, PHONE, TABLET))
    await space.judge(Verdict.SAME, PHONE, "anonymous_id:watch")
    await space.send(event("m3", 3, "anonymous_id:watch"))
    before = await space.check()

    await space.set_policy(blocking(QUARANTINE, [Identifier("anonymous_id", "tablet")]))
    blocked = await space.check()
    await space.set_policy(QUARANTINE)

    after = await space.check()
    assert len(before.customers) == 1
    assert len(blocked.customers) == 2
    assert blocked.blocked == {Identifier("anonymous_id", "tablet"): 0}
    assert after.customers == before.customers
    assert after.anchors == before.anchors


async def test_what_came_while_it_was_blocked_counts_once_it_is_not(world: NewWorld) -> None:
    tablet = Identifier("anonymous_id", "tablet")
    space = await world(blocking(QUARANTINE, [tablet]))
    await space.send(event("m1", 5, ANN, TABLET), event("m2", 7, ANN, PHONE, TABLET))
    withheld = await space.check()

    await space.set_policy(QUARANTINE)
    await space.until_settled()

    found = await space.check()
    assert tablet not in withheld.first_seen
    assert found.links[tablet, Identifier("user_id", "ann")] == (5, 7, 2)
    assert found.customers[found.customer_of(TABLET)] >= {tablet, Identifier("user_id", "ann")}
    await assert_events_follow(space)
    assert (
        await space.rows(
            "MATCH (e:Event {space: $space}) WHERE e.withheld IS NOT NULL RETURN e.message_id"
        )
        == []
    )


ONE_EACH = replace(
    QUARANTINE,
    rules={**QUARANTINE.rules, "user_id": Rule(1, IdentifierKind.PERSON, 1, per_event=1)},
)


async def test_values_beyond_per_event_count_once_a_policy_lets_them(world: NewWorld) -> None:
    space = await world(ONE_EACH)
    await space.send(event("m1", 5, ANN, BOB, PHONE), event("m2", 7, ANN, TABLET))
    withheld = await space.check()

    await space.set_policy(QUARANTINE)

    await space.check()
    await assert_events_follow(space)
    assert Identifier("user_id", "bob") not in withheld.first_seen


async def test_what_an_event_observes_stays_when_a_policy_allows_fewer_values(
    world: NewWorld,
) -> None:
    space = await world(QUARANTINE)
    await space.send(event("m1", 5, ANN, BOB, PHONE))
    before = await space.check()

    preview = await space.use_cases.previews.preview(space.scope, policy_text(ONE_EACH))
    await space.set_policy(ONE_EACH)
    await space.send(event("m2", 6, ANN, BOB, TABLET))

    after = await space.settled()
    assert preview.preview.changes_nothing
    assert after.links.items() >= before.links.items()
    assert (await space.use_cases.previews.check(space.scope)).changes_nothing
    assert await space.rows(
        "MATCH (e:Event {space: $space}) RETURN e.message_id, e.withheld ORDER BY e.message_id"
    ) == [["m1", None], ["m2", [ANN, BOB]]]


async def test_a_customer_grows_up_to_max_identifiers_and_beyond_by_a_judgement(
    world: NewWorld,
) -> None:
    space = await world(replace(QUARANTINE, max_identifiers=2))
    await space.send(event("m1", 1, ANN, PHONE), event("m2", 2, ANN, TABLET))
    refused = await space.check()

    made, _ = await space.judge(Verdict.SAME, ANN, TABLET)
    joined = await space.check()
    await space.withdraw(made)
    withdrawn = await space.check()
    await space.set_policy(QUARANTINE)

    everything = await space.check()
    assert sorted(map(len, refused.customers.values())) == [1, 2]
    assert set(joined.customers.values()) == {
        frozenset({parse_identifier(ANN), parse_identifier(TABLET)}),
        frozenset({parse_identifier(PHONE)}),
    }
    assert withdrawn.customers == refused.customers
    assert sorted(map(len, everything.customers.values())) == [3]


async def test_a_blocked_super_connector_lets_go_of_its_neighbours(world: NewWorld) -> None:
    busy = replace(
        QUARANTINE,
        rules={**QUARANTINE.rules, "anonymous_id": Rule(2, IdentifierKind.DEVICE, max_links=2)},
    )
    space = await world(busy)
    hub, spokes = "anonymous_id:hub", [f"anonymous_id:s{n}" for n in range(3)]
    await space.send(*(event(f"m{n}", n, hub, spoke) for n, spoke in enumerate(spokes)))
    before = await space.check()

    await space.set_policy(blocking(busy, [Identifier("anonymous_id", "s0")]))
    released = await space.check()
    await space.set_policy(busy)

    assert before.super_connectors == {Identifier("anonymous_id", "hub")}
    assert released.super_connectors == frozenset()
    assert (await space.check()).customers == before.customers


async def test_a_judgement_about_a_blocked_value_waits_until_it_is_not(world: NewWorld) -> None:
    space = await world(QUARANTINE)
    await space.send(event("m1", 1, PHONE))
    await space.judge(Verdict.SAME, PHONE, TABLET)
    await space.set_policy(blocking(QUARANTINE, [Identifier("anonymous_id", "phone")]))

    await space.send(event("m2", 2, TABLET))
    apart = await space.check()
    await space.set_policy(QUARANTINE)

    assert len(apart.customers) == 1
    assert len((await space.check()).customers) == 1


async def test_a_judgement_waits_for_what_is_observed_only_when_it_is_unblocked(
    world: NewWorld,
) -> None:
    space = await world(blocking(QUARANTINE, [Identifier("anonymous_id", "phone")]))
    await space.judge(Verdict.SAME, PHONE, TABLET)
    await space.send(event("m1", 1, ANN, PHONE), event("m2", 2, TABLET))

    await space.set_policy(QUARANTINE)

    assert len((await space.check()).customers) == 1


async def test_events_are_attributed_by_the_new_priorities(world: NewWorld) -> None:
    space = await world(QUARANTINE)
    await space.send(event("m1", 1, ANN, PHONE))

    await space.set_policy(DEVICES_FIRST)

    await space.check()
    await assert_events_follow(space)
    assert await space.rows(
        "MATCH (:Event {space: $space})-[:ATTRIBUTED_TO]->(i) RETURN i.value"
    ) == [["phone"]]


async def test_a_rollout_that_was_stopped_goes_on_where_it_was(
    world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened, policy = busy_devices(3_000)
    space = await world(policy, limits=steps_of(1))
    await space.send(*reported(happened))
    space.policy = replace(
        policy,
        rules={
            kind: replace(r, shared=Sharing.MERGE, dominance=None)
            for kind, r in policy.rules.items()
        },
    )
    rollout = space.use_cases.policy_rollout
    gate = stop_after(monkeypatch, 1)

    await rollout.set_policy(space.scope, policy_text(space.policy), 1, None)
    await asyncio.wait_for(gate.reached.wait(), PATIENCE)
    versions = await space.rows(
        "MATCH (c:Customer {space: $space}) RETURN DISTINCT c.policy_version AS v ORDER BY v"
    )
    await close_at(gate, rollout)
    steps = gate.steps
    after = beside(space, space.database, limits=steps_of(1))
    await after.until_settled()

    assert versions == [[1], [2]]
    assert steps == 1
    await after.check()
    await assert_events_follow(after)


async def test_a_policy_put_in_force_twice_is_refused_the_second_time(world: NewWorld) -> None:
    space = await world(QUARANTINE)
    await space.send(event("m1", 1, ANN, PHONE))
    await space.set_policy(DEVICES_FIRST)
    before = await space.check()

    with pytest.raises(VersionConflict) as refused:
        await space.use_cases.policy_rollout.set_policy(
            space.scope, policy_text(DEVICES_FIRST), 1, None
        )

    assert refused.value.current_version == 2
    assert await space.settled() == before


async def test_a_policy_with_a_mistake_changes_nothing(world: NewWorld) -> None:
    space = await world(QUARANTINE)
    await space.send(event("m1", 1, ANN, PHONE))
    before = await space.check()

    with pytest.raises(PolicyInvalid):
        await space.use_cases.policy_rollout.set_policy(space.scope, "types: {}", 1, None)

    assert await space.settled() == before
