"""What a judgement would change is what judging then does, and nothing is written before."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given

from identity_service.domain.identifiers import Identifier, parse_identifier
from identity_service.domain.judgements import OF_TWO, Verdict
from identity_service.domain.policies.policy import Policy
from identity_service.domain.preview.report import Preview
from identity_service.errors import FieldInvalid, TooLarge
from tests.integration.services.preview.test_blast_radius import merging
from tests.integration.services.preview.test_previews import WHOLE_GRAPH, applied, moved
from tests.support.space import NewWorld, World, event, reported
from tests.support.worlds import Event, dice, events, in_some_worlds, policies

ANN, BOB = "user_id:ann", "user_id:bob"
PHONE, TABLET = "anonymous_id:phone", "anonymous_id:tablet"


async def previewed(space: World, verdict: Verdict, a: str, b: str) -> Preview:
    found = await space.use_cases.judgement_previews.of_pair(
        space.scope, verdict, parse_identifier(a), parse_identifier(b)
    )
    return found.preview


async def assert_comes_true(space: World, verdict: Verdict, a: Identifier, b: Identifier) -> None:
    """Preview a judgement, make it, and compare."""
    before, graph = await space.settled(), await space.rows(WHOLE_GRAPH)
    preview = (await space.use_cases.judgement_previews.of_pair(space.scope, verdict, a, b)).preview
    assert await space.rows(WHOLE_GRAPH) == graph

    await space.judge(verdict, a, b)

    after = await space.check()
    written = after.changes[len(before.changes) :]
    assert applied(before.partition, preview.differences) == after.partition
    assert preview.summary.ledger == Counter(change.kind for change in written)
    assert preview.summary.identifiers_moved == moved(before, after)
    named = {customer for each in preview.differences for customer in each.customer_ids}
    assert named <= before.customers.keys() | before.retired.keys()


@in_some_worlds(6)
@given(events(16), policies(), dice)
async def test_what_is_previewed_comes_true_in_any_world(
    world: NewWorld, happened: list[Event], policy: Policy, draw: random.Random
) -> None:
    space = await world(policy)
    seen = sorted({identifier for _, who in happened for identifier in who})
    await space.send(*reported(happened))
    if len(seen) < 2:
        return

    for _ in range(3):
        await assert_comes_true(space, draw.choice(OF_TWO), *draw.sample(seen, 2))


async def test_a_judgement_that_would_wait_changes_nothing(world: NewWorld) -> None:
    space = await world()
    await space.send(event("m1", 1, ANN, PHONE))

    found = await previewed(space, Verdict.SAME, ANN, BOB)

    assert found.changes_nothing


async def test_joining_two_says_who_becomes_one(world: NewWorld) -> None:
    space = await world()
    await space.send(event("m1", 1, ANN, PHONE), event("m2", 2, BOB, TABLET))
    before = await space.settled()

    found = await previewed(space, Verdict.SAME, ANN, BOB)

    [difference] = found.differences
    assert {frozenset(map(str, some)) for some in difference.before} == {
        frozenset({ANN, PHONE}),
        frozenset({BOB, TABLET}),
    }
    assert difference.customer_ids == (before.customer_of(ANN), before.customer_of(BOB))
    assert (found.summary.customers_before, found.summary.customers_after) == (2, 1)


async def test_customers_that_the_judgement_does_not_touch_are_not_read(world: NewWorld) -> None:
    space = await world()
    await space.send(event("m1", 1, ANN, PHONE), event("m2", 2, BOB, TABLET))

    found = await previewed(space, Verdict.APART, ANN, PHONE)

    assert (found.summary.customers_before, found.summary.customers_after) == (1, 2)


@pytest.mark.parametrize(
    ("a", "b", "path"), [("user_id:null", ANN, "a"), (ANN, "user_id:null", "b"), (ANN, ANN, "b")]
)
async def test_what_could_not_be_judged_is_refused(
    world: NewWorld, a: str, b: str, path: str
) -> None:
    space = await world()

    with pytest.raises(FieldInvalid) as error:
        await previewed(space, Verdict.SAME, a, b)

    assert [problem.path for problem in error.value.problems] == [path]


async def test_an_over_connected_component_is_refused_as_judging_refuses_it(
    world: NewWorld,
) -> None:
    space = await world(merging(max_component=3))
    await space.send(*(event(f"m{n}", n, "cookie:shared", f"user:u{n}") for n in range(4)))

    for act in (previewed(space, Verdict.APART, "user:u0", "user:u1"),
                space.judge(Verdict.APART, "user:u0", "user:u1")):  # fmt: skip
        with pytest.raises(TooLarge):
            await act
