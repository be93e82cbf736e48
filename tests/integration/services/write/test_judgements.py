"""Ids that persist, and judgements that can be taken back without a trace."""

from __future__ import annotations

import pytest

from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import OF_TWO, Verdict
from identity_service.domain.resolution.changes import ChangeKind
from identity_service.errors import FieldInvalid, NotFound
from tests.support.space import NewWorld, World, event

ANN, BOB = "user_id:ann", "user_id:bob"
PHONE, TABLET = "anonymous_id:phone", "anonymous_id:tablet"


def ids(*identifiers: str) -> frozenset[str]:
    return frozenset(identifiers)


async def partition(space: World) -> set[frozenset[str]]:
    """Who is one customer, as `type:value`; the rest of the space is checked on the way."""
    return {frozenset(map(str, members)) for members in (await space.check()).partition}


async def test_an_id_stays_through_sign_up(world: NewWorld) -> None:
    space = await world()
    await space.send(event("m1", 1, PHONE))
    before = (await space.settled()).customer_of(PHONE)

    await space.send(event("m2", 2, PHONE, ANN))

    found = await space.check()
    assert found.customers.keys() == {before}
    assert str(found.anchors[before]) == ANN
    assert found.kinds[before] == "KNOWN"


async def test_a_known_customers_id_outlives_an_older_anonymous_one(world: NewWorld) -> None:
    space = await world()
    await space.send(event("m1", 1, PHONE))
    await space.send(event("m2", 2, ANN))
    before = await space.settled()

    await space.send(event("m3", 3, PHONE, ANN))

    after = await space.check()
    known, anonymous = before.customer_of(ANN), before.customer_of(PHONE)
    assert after.customers.keys() == {known}
    assert after.retired == {anonymous: (Identifier("anonymous_id", "phone"), [known])}
    assert [(c.kind, c.customer_id, c.other_id) for c in after.changes[2:]] == [
        (ChangeKind.MERGED, known, anonymous)
    ]


async def test_a_retired_id_lives_again_when_its_judgement_is_withdrawn(world: NewWorld) -> None:
    space = await world()
    await space.send(event("m1", 1, ANN, PHONE), event("m2", 2, BOB, TABLET))
    before = await space.check()

    made, _ = await space.judge(Verdict.SAME, ANN, BOB)
    joined = await space.check()
    changes = await space.withdraw(made)

    after = await space.check()
    assert joined.partition == {frozenset().union(*before.partition)}
    assert joined.retired.keys() == before.customers.keys() - joined.customers.keys()
    assert after.customers == before.customers
    assert after.retired == {}
    assert [change.kind for change in changes] == [ChangeKind.SPLIT]
    assert all(change.cause == f"judgement:{made.id} withdrawn" for change in changes)


async def test_settling_anew_never_shuffles_ids(world: NewWorld) -> None:
    space = await world()
    await space.send(event("m1", 1, ANN, PHONE), event("m2", 2, BOB, PHONE), event("m3", 3, TABLET))
    before = await space.check()

    for _ in range(3):
        await space.set_policy(space.policy)

    after = await space.check()
    assert (after.customers, after.anchors, after.changes) == (
        before.customers,
        before.anchors,
        before.changes,
    )


@pytest.mark.parametrize("verdict", OF_TWO)
async def test_a_judgement_about_what_was_never_seen_waits_and_then_applies(
    world: NewWorld, verdict: Verdict
) -> None:
    space = await world()
    _, changes = await space.judge(verdict, ANN, PHONE)
    await space.send(event("m1", 1, ANN))
    alone = await partition(space)

    await space.send(event("m2", 2, PHONE))
    apart = await partition(space)
    await space.send(event("m3", 3, PHONE, ANN))

    assert changes == []
    assert alone == {ids(ANN)}
    judged_same = verdict is Verdict.SAME
    assert apart == ({ids(ANN, PHONE)} if judged_same else {ids(ANN), ids(PHONE)})
    assert await partition(space) == apart


async def test_a_judgement_applies_when_both_identifiers_come_in_one_batch(world: NewWorld) -> None:
    space = await world()
    await space.judge(Verdict.SAME, ANN, TABLET)

    await space.send(event("m1", 1, ANN, PHONE), event("m2", 2, TABLET))

    assert await partition(space) == {ids(ANN, PHONE, TABLET)}


async def test_a_judgement_withdrawn_while_it_waits_never_applies(world: NewWorld) -> None:
    space = await world()
    made, _ = await space.judge(Verdict.SAME, ANN, PHONE)
    await space.withdraw(made)

    await space.send(event("m1", 1, ANN), event("m2", 2, PHONE))

    assert await partition(space) == {ids(ANN), ids(PHONE)}


async def test_apart_wins_over_same(world: NewWorld) -> None:
    space = await world()
    await space.send(event("m1", 1, ANN, PHONE), event("m2", 2, BOB, TABLET))
    await space.judge(Verdict.SAME, PHONE, TABLET)
    await space.judge(Verdict.APART, ANN, BOB)
    first_same = await partition(space)

    made, _ = await space.judge(Verdict.SAME, ANN, BOB)

    assert await partition(space) == first_same
    assert not any({ANN, BOB} <= members for members in first_same)
    await space.withdraw(made)
    assert await partition(space) == first_same


async def test_same_outranks_a_limit(world: NewWorld) -> None:
    space = await world()
    await space.send(event("m1", 1, ANN, PHONE), event("m2", 2, BOB, TABLET))

    await space.judge(Verdict.SAME, ANN, BOB)

    assert space.policy.rules["user_id"].limit == 1
    assert await partition(space) == {ids(ANN, BOB, PHONE, TABLET)}


async def test_same_outranks_quarantine(world: NewWorld) -> None:
    space = await world()
    await space.send(event("m1", 1, ANN, TABLET), event("m2", 2, BOB, TABLET))
    contested = (await space.check()).contested

    await space.judge(Verdict.SAME, ANN, TABLET)

    assert contested == {Identifier("anonymous_id", "tablet")}
    assert (await space.settled()).contested == frozenset()
    assert await partition(space) == {ids(ANN, TABLET), ids(BOB)}


async def test_a_judgement_is_withdrawn_once(world: NewWorld) -> None:
    space = await world()
    made, _ = await space.judge(Verdict.SAME, ANN, PHONE)
    await space.withdraw(made)

    with pytest.raises(FieldInvalid, match="withdrawn before"):
        await space.withdraw(made)


async def test_there_is_nothing_to_withdraw_of_another_space(world: NewWorld) -> None:
    space, other = await world(), await world()
    made, _ = await space.judge(Verdict.SAME, ANN, PHONE)

    with pytest.raises(NotFound, match=made.id):
        await other.use_cases.judgements.withdraw(other.scope, made.id, "Mistaken.")


@pytest.mark.parametrize("reason", ["", " \n", "x" * 2_001])
async def test_a_judgement_and_its_withdrawal_need_a_reason(world: NewWorld, reason: str) -> None:
    space = await world()
    made, _ = await space.judge(Verdict.SAME, ANN, PHONE)
    judgements, (ann, phone) = space.use_cases.judgements, (made.a, made.b)

    with pytest.raises(FieldInvalid, match="reason"):
        await judgements.judge(space.scope, Verdict.SAME, ann, phone, reason)
    with pytest.raises(FieldInvalid, match="reason"):
        await judgements.withdraw(space.scope, made.id, reason)


async def test_an_identifier_is_not_judged_against_itself(world: NewWorld) -> None:
    space = await world()

    with pytest.raises(FieldInvalid, match="against itself"):
        await space.judge(Verdict.APART, ANN, ANN)


async def test_the_same_judgement_twice_is_two_that_are_withdrawn_one_by_one(
    world: NewWorld,
) -> None:
    space = await world()
    await space.send(event("m1", 1, ANN), event("m2", 2, BOB))
    before = await space.check()

    first, _ = await space.judge(Verdict.SAME, ANN, BOB)
    second, changes = await space.judge(Verdict.SAME, ANN, BOB)
    await space.withdraw(first)
    still = await partition(space)
    await space.withdraw(second)

    assert changes == []
    assert still == {ids(ANN, BOB)}
    assert (await space.check()).customers == before.customers
