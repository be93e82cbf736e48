"""Limited sources: their word alone joins no two people, and contests nobody's."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from prometheus_client import REGISTRY

from identity_service.domain.events import ReportedEvent, UserProof
from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import AnyJudgement
from identity_service.domain.policies.policy import Policy
from identity_service.domain.resolution.evidence import Claim, Evidence
from identity_service.graph.keys import identifier_of
from identity_service.services.write import event_batch, repeats
from tests.support.busy import busy_devices
from tests.support.settled import assert_ledger_tells_all
from tests.support.space import NewWorld, World, event, proof_of, told_by_some
from tests.support.worlds import (
    LIMITED,
    Event,
    dice,
    events,
    in_some_worlds,
    number_of_worlds,
    policies,
)

WORLDS = 5

POLICY = "extends: quarantine\nlimited_sources: [page, app]\n"

ANN, BEN, MAIL, COOKIE = "user_id:ann", "user_id:ben", "email:ann@example.com", "anonymous_id:c"

Told = tuple[str, ReportedEvent]


Request = tuple[str, list[ReportedEvent]]


def never(*_: object) -> bool:
    return False


def requests(todo: Sequence[Told], draw: random.Random) -> Iterator[Request]:
    """The events in any order, some together, some of them twice."""
    shuffled, sent = draw.sample(todo, len(todo)), list[Told]()
    while shuffled:
        source = shuffled[0][0]
        size = draw.choice([1, 1, 2, 3])
        some = [each for each in shuffled if each[0] == source][:size]
        shuffled = [each for each in shuffled if each not in some]
        again = [each for each in sent if each[0] == source and draw.random() < 0.1]
        sent += some
        yield source, [each for _, each in (*some, *again)]


@in_some_worlds(WORLDS)
@given(events(24), policies(), dice)
async def test_in_any_order_and_batching_the_graph_holds_what_the_pure_function_says(
    world: NewWorld, happened: list[Event], policy: Policy, draw: random.Random
) -> None:
    space = await world(replace(policy, limited_sources=LIMITED))

    for source, some in requests(told_by_some(happened, draw), draw):
        await space.send(*some, source=source)

    assert_ledger_tells_all(await space.check())
    assert await claims_of(space) == claims_in(space.evidence())


@in_some_worlds(WORLDS)
@given(events(24), policies(), dice)
async def test_the_fast_path_gives_what_the_full_function_gives(
    world: NewWorld, happened: list[Event], policy: Policy, draw: random.Random
) -> None:
    limiting = replace(policy, limited_sources=LIMITED)
    fast, slow = await world(limiting), await world(limiting)

    for source, some in requests(told_by_some(happened, draw), draw):
        await fast.send(*some, source=source)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(event_batch, "only_repeats", never)
            patch.setattr(repeats, "only_repeats", never)
            await slow.send(*some, source=source)

    by_fast, by_slow = await fast.check(), await slow.check()
    assert by_fast.partition == by_slow.partition


@in_some_worlds(WORLDS)
@given(events(16), policies(), dice)
async def test_events_that_lose_and_get_back_an_identifier_give_what_the_pure_function_says(
    world: NewWorld, happened: list[Event], policy: Policy, draw: random.Random
) -> None:
    space = await world(replace(policy, limited_sources=LIMITED))
    for source, each in told_by_some(happened, draw):
        await space.send(each, source=source)

    made: list[AnyJudgement] = []
    for each in draw.sample(list(space.sent.values()), min(3, len(space.sent))):
        made.append((await space.detach(each.message_id, draw.choice(each.identifiers))).judgement)
        await space.check()
        assert await claims_of(space) == claims_in(space.evidence())
    for judgement in made:
        await space.withdraw(judgement)
        await space.check()
        assert await claims_of(space) == claims_in(space.evidence())


@pytest.mark.parametrize("seed", range(number_of_worlds(WORLDS)))
async def test_busy_shared_devices_give_what_the_pure_function_says(
    world: NewWorld, seed: int
) -> None:
    happened, policy = busy_devices(seed + 3_000)
    draw = random.Random(seed)  # noqa: S311
    space = await world(replace(policy, limited_sources=LIMITED))

    for source, some in requests(told_by_some(happened, draw), draw):
        await space.send(*some, source=source)

    assert_ledger_tells_all(await space.check())


async def claims_of(space: World) -> dict[frozenset[Identifier], Claim]:
    """By the ends of links, by whose word alone they rest."""
    rows = await space.rows(
        "MATCH (a:Identifier)-[l:OBSERVED_TOGETHER]->(b) WHERE a.key STARTS WITH $prefix"
        " RETURN a.key, b.key, CASE WHEN l.proven THEN [] ELSE l.sources END"
    )
    return {frozenset(map(identifier_of, ends)): frozenset(claim) for *ends, claim in rows}


def claims_in(evidence: Evidence) -> dict[frozenset[Identifier], Claim]:
    named = evidence.identifiers
    return {frozenset((named[link.a], named[link.b])): link.claim for link in evidence.links}


async def test_a_page_alone_joins_nobody_and_contests_nothing(world: NewWorld) -> None:
    space = await world(POLICY)
    await space.send(event("m1", 1, ANN, MAIL), source="shop")

    await space.send(event("m2", 2, BEN, MAIL), source="page")

    found = await space.check()
    assert found.customer_of(ANN) == found.customer_of(MAIL) != found.customer_of(BEN)
    assert found.contested == frozenset()


async def test_a_page_joins_a_device_to_a_person(world: NewWorld) -> None:
    space = await world(POLICY)

    await space.send(event("m1", 1, ANN, COOKIE), source="page")

    found = await space.check()
    assert found.customer_of(ANN) == found.customer_of(COOKIE)


@pytest.mark.parametrize(
    ("source", "proof", "joined"),
    [
        ("shop", None, True),
        ("page", proof_of("ann"), True),
        ("app", None, False),
        ("page", None, False),
        ("page", UserProof("ben", proof_of("ann").user_hash), False),
        ("page", UserProof("ann", ""), False),
    ],
)
async def test_a_known_link_is_confirmed_by_another_source_or_by_a_proof(
    world: NewWorld, source: str, proof: UserProof | None, joined: bool
) -> None:
    space = await world(POLICY)
    await space.send(event("m1", 1, ANN, MAIL), source="page")

    await space.send(event("m2", 2, ANN, MAIL, proof=proof), source=source)

    found = await space.check()
    assert (found.customer_of(ANN) == found.customer_of(MAIL)) is joined


async def test_a_link_that_was_confirmed_stays_so_when_the_page_says_it_again(
    world: NewWorld,
) -> None:
    space = await world(POLICY)
    await space.send(event("m1", 1, ANN, MAIL, proof=proof_of("ann")), source="page")
    before = await space.settled()

    await space.send(event("m2", 2, ANN, MAIL), source="app")

    assert (await space.check()).customers == before.customers


async def test_an_event_that_loses_its_mail_takes_its_proof_along(world: NewWorld) -> None:
    space = await world(POLICY)
    await space.send(event("m1", 1, ANN, MAIL), source="page")
    await space.send(event("m2", 2, ANN, MAIL, proof=proof_of("ann")), source="page")

    made = (await space.detach("m2", MAIL)).judgement

    apart = await space.check()
    assert apart.customer_of(ANN) != apart.customer_of(MAIL)
    await space.withdraw(made)
    again = await space.check()
    assert again.customer_of(ANN) == again.customer_of(MAIL)


async def test_to_limit_a_source_and_no_longer_restores_customers_and_ids(world: NewWorld) -> None:
    space = await world("extends: quarantine")
    plain = space.policy
    await space.send(event("m1", 1, ANN, MAIL, COOKIE), source="page")
    before = await space.check()

    await space.set_policy(replace(plain, limited_sources=frozenset({"page"})))
    apart = await space.check()
    await space.set_policy(plain)
    after = await space.check()

    assert apart.customer_of(ANN) != apart.customer_of(MAIL)
    assert after.customers == before.customers


async def test_a_proof_that_is_not_valid_is_counted(world: NewWorld) -> None:
    space = await world(POLICY)

    await space.send(
        event("m1", 1, ANN, MAIL, proof=UserProof("ann", "0" * 64)),
        event("m2", 2, ANN, MAIL, proof=proof_of("ann")),
        event("m3", 3, ANN, MAIL),
        source="page-with-wrong-proofs",
    )

    labels = {"source": "page-with-wrong-proofs"}
    assert REGISTRY.get_sample_value("identity_invalid_proofs_total", labels) == 1
