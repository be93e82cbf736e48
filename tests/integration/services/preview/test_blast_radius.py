"""The blast radius of a value is what blocking it does, found from its component alone."""

from __future__ import annotations

import random

import pytest

from identity_service.domain.identifiers import Identifier, IdentifierKind, parse_identifier
from identity_service.domain.judgements import OF_TWO
from identity_service.domain.policies.parse import parse_policy
from identity_service.domain.policies.policy import Policy, Rule, Sharing
from identity_service.errors import TooLarge
from identity_service.services.limits import Limits
from identity_service.services.preview.previews import PolicyPreview
from identity_service.services.read.view import Missing, MissingReason
from tests.support.busy import busy_devices
from tests.support.settled import SettledSpace
from tests.support.space import NewWorld, World, event, reported

SHARED, SPOKES = "cookie:shared", [f"user:u{n}" for n in range(4)]


def merging(max_component: int = 10_000) -> Policy:
    """All users that were seen with one cookie are one customer."""
    return Policy(
        {
            "user": Rule(1, IdentifierKind.PERSON),
            "cookie": Rule(2, IdentifierKind.DEVICE, shared=Sharing.MERGE),
        },
        max_component=max_component,
    )


async def blast(space: World, identifier: str | Identifier) -> PolicyPreview:
    asked = identifier if isinstance(identifier, Identifier) else parse_identifier(identifier)
    found = await space.use_cases.blast_radius.of(space.scope, asked)
    assert isinstance(found, PolicyPreview)
    return found


async def put_in_force(space: World, found: PolicyPreview) -> SettledSpace:
    """Put exactly the text that was previewed in force; returns the space settled by it."""
    await space.use_cases.policy_rollout.set_policy(space.scope, found.policy_text, 1, None)
    await space.until_settled()
    space.policy = parse_policy(found.policy_text)
    return await space.check()


async def assert_as_in_the_whole_space(space: World, found: PolicyPreview) -> None:
    """A preview of the whole space says the same, and counts what lies elsewhere besides."""
    whole = (await space.use_cases.previews.preview(space.scope, found.policy_text)).preview
    here, there = found.preview.summary, whole.summary
    assert found.preview.differences == whole.differences
    assert (here.ledger, here.differences) == (there.ledger, there.differences)
    assert here.identifiers_moved == there.identifiers_moved
    assert here.identifiers_blocked == there.identifiers_blocked
    elsewhere = there.unchanged - here.unchanged
    assert there.customers_before - here.customers_before == elsewhere
    assert there.customers_after - here.customers_after == elsewhere


@pytest.mark.parametrize("seed", range(4))
async def test_the_component_alone_tells_what_a_preview_of_the_whole_space_tells(
    world: NewWorld, seed: int
) -> None:
    happened, policy = busy_devices(seed + 5_000)
    draw = random.Random(seed)  # noqa: S311
    space = await world(policy)
    await space.send(*reported(happened), event("far", 1, "user:elsewhere", "cookie:elsewhere"))
    seen = sorted({identifier for _, who in happened for identifier in who})
    for verdict in OF_TWO:
        await space.judge(verdict, *draw.sample(seen, 2))

    for identifier in draw.sample(seen, 3):
        await assert_as_in_the_whole_space(space, await blast(space, identifier))


async def test_what_was_shown_comes_true_when_the_text_is_put_in_force(world: NewWorld) -> None:
    space = await world(merging())
    await space.send(*(event(f"m{n}", n, SHARED, who) for n, who in enumerate(SPOKES)))
    before = await space.check()

    found = await blast(space, SHARED)
    assert await space.settled() == before
    after = await put_in_force(space, found)

    [difference] = found.preview.differences
    assert {frozenset(some) for some in difference.before} == before.partition
    assert {frozenset(some) for some in difference.after} == after.partition
    assert found.preview.summary.customers_after == len(after.customers) == len(SPOKES)
    assert after.blocked == {parse_identifier(SHARED): 0}


async def test_blocking_the_shared_value_of_an_over_connected_component_sets_its_parts_free(
    world: NewWorld,
) -> None:
    space = await world(merging(max_component=3))
    await space.send(*(event(f"m{n}", n, SHARED, who) for n, who in enumerate(SPOKES)))

    found = await blast(space, SHARED)

    summary = found.preview.summary
    assert (summary.over_connected, summary.customers_after) == (0, len(SPOKES))
    await assert_as_in_the_whole_space(space, found)
    assert len((await put_in_force(space, found)).customers) == len(SPOKES)


async def test_a_part_that_stays_too_large_stays_as_it_is(world: NewWorld) -> None:
    space = await world(merging(max_component=3))
    large = [event(f"l{n}", 9 + n, "cookie:second", f"user:v{n}") for n in range(5)]
    await space.send(*(event(f"m{n}", n, SHARED, who) for n, who in enumerate(SPOKES)), *large)
    await space.send(event("bridge", 20, SHARED, "user:v0"))

    found = await blast(space, SHARED)

    assert found.preview.summary.over_connected == 1
    await assert_as_in_the_whole_space(space, found)


async def test_a_super_connector_held_nothing_together(world: NewWorld) -> None:
    rules = {**merging().rules, "cookie": Rule(2, IdentifierKind.DEVICE, max_links=3)}
    space = await world(Policy(rules))
    await space.send(*(event(f"m{n}", n, SHARED, who) for n, who in enumerate(SPOKES)))

    found = await blast(space, SHARED)

    [difference] = found.preview.differences
    assert (difference.before, difference.after) == (((parse_identifier(SHARED),),), ())
    await assert_as_in_the_whole_space(space, found)


async def test_with_one_link_less_a_super_connector_may_hold_together_again(
    world: NewWorld,
) -> None:
    rules = {**merging().rules, "cookie": Rule(2, IdentifierKind.DEVICE, max_links=3)}
    space = await world(Policy(rules))
    await space.send(*(event(f"m{n}", n, SHARED, who) for n, who in enumerate(SPOKES)))

    found = await blast(space, SPOKES[0])

    assert found.preview.summary.customers_after == 1
    await assert_as_in_the_whole_space(space, found)


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ("user:nobody", MissingReason.UNKNOWN),
        ("user:null", MissingReason.BLOCKED_VALUE),
        (f"user:{'x' * 1_025}", MissingReason.INVALID_VALUE),
    ],
)
async def test_what_is_not_there_has_no_blast_radius(
    world: NewWorld, asked: str, reason: MissingReason
) -> None:
    space = await world(merging())

    found = await space.use_cases.blast_radius.of(space.scope, parse_identifier(asked))

    assert isinstance(found, Missing)
    assert found.reason is reason


async def test_more_than_can_be_loaded_is_said(world: NewWorld) -> None:
    space = await world(merging(), limits=Limits(blast_radius_identifiers=3))
    await space.send(*(event(f"m{n}", n, SHARED, who) for n, who in enumerate(SPOKES)))

    with pytest.raises(TooLarge, match="More than 3 identifiers are connected with cookie:shared"):
        await blast(space, SHARED)
