"""Memberships of accounts are what the evidence says, whatever happens to their members."""

from __future__ import annotations

import asyncio
import random
from typing import Any, LiteralString

import pytest

from identity_service.domain.events import EventOrder
from identity_service.domain.identifiers import IdentifierKind
from identity_service.domain.judgements import Verdict
from identity_service.domain.policies.policy import Policy, Rule, Sharing
from identity_service.domain.profiles.evaluate import evaluate_account
from identity_service.domain.profiles.occurrences import (
    AccountEvidence,
    CustomerEvidence,
    ProfileEvent,
)
from identity_service.domain.profiles.parse import parse_profiles
from identity_service.domain.resolution.id_register import CustomerKind
from identity_service.graph.database import Database
from identity_service.graph.ledger import NEWEST_CHANGE
from identity_service.services.limits import DEFAULT_LIMITS, Limits, ProfileLimits
from identity_service.services.read.audiences import NamedAudience
from tests.support.profiles import (
    DAY,
    HOUR,
    MARKS,
    Change,
    FakeClock,
    apply_text,
    changes,
    computed,
    replayed,
    stored,
    whatever_happens,
)
from tests.support.space import NewWorld, World, beside, event

START = 1_700_000_000_000

POLICY = Policy(
    {
        "user_id": Rule(1, IdentifierKind.PERSON, limit=1, shared=Sharing.MERGE),
        "email": Rule(2, IdentifierKind.PERSON, shared=Sharing.MERGE),
        "device": Rule(3, IdentifierKind.DEVICE, shared=Sharing.QUARANTINE),
    }
)

TEXT = """
account_features:
  active: {distinct: customer, of: any, within: 1d, by: members}
audiences:
  large_and_active:
    of: accounts
    who: {all: [{did: Signed Up}, {trait: seats, gte: 50}, {feature: active, gte: 2}]}
  buyers: {of: accounts, who: {members: {any: {did: Bought, within: 1d}}}}
  all_buy: {of: accounts, who: {members: {all: {did: Bought}}}}
  one_person: {of: accounts, who: {not: {feature: active, gte: 2}}}
  colleagues: {who: {in: large_and_active}}
"""

BUYERS = "audiences: {buyers: {of: accounts, who: {members: {any: {did: Bought}}}}}\n"

EVIDENCE: LiteralString = """
MATCH (c:Customer {space: $space})
RETURN c.id, c.kind, COLLECT { MATCH (c)<-[:BELONGS_TO]-()<-[:ATTRIBUTED_TO]-(e:Event)
  OPTIONAL MATCH (e)-[:NAMES]->(a:Account)
  RETURN [e.at, e.received_at, coalesce(e.place, 0), e.key, e.message_id, e.type, e.step,
    e.name, e.properties, e.source, a.account_id] }
"""


def did(message_id: str, at: int, name: str, *who: str, account: str | None = "acme") -> Any:
    return event(message_id, at, *who, name=name, account_id=account)


def described(message_id: str, at: int, who: str, account: str, seats: int) -> Any:
    said = {"seats": seats}
    return event(
        message_id, at, who, type="group", name=None, account_id=account, account_traits=said
    )


async def space_of(
    world: NewWorld, clock: FakeClock, text: str = TEXT, limits: Limits = DEFAULT_LIMITS
) -> World:
    space = await world(POLICY, clock=clock, limits=limits)
    await apply_text(space, text)
    return space


def of_accounts(stream: list[Change]) -> list[tuple[str, str, str, str, bool]]:
    """Audience, account, change, cause and whether it starts campaigns."""
    return [
        (e.audience, e.customer_id, e.change, e.cause, e.starts_campaigns)
        for e in stream
        if not e.customer_id.startswith("cus_")
    ]


async def members(space: World, name: str) -> tuple[list[str], int]:
    """Who is listed, and how many are counted."""
    audiences = space.use_cases.audiences
    found = await audiences.find(space.scope, name)
    assert isinstance(found, NamedAudience)
    page = await audiences.members(space.scope, found, "", 10)
    return [each.member_id for each in page.items], await audiences.size(space.scope, found)


async def check(space: World, text: str, now: int) -> set[tuple[str, str]]:
    """What is stored of accounts is what the pure function says; returns the memberships."""
    by_account: dict[str, list[CustomerEvidence]] = {}
    for customer, kind, events in await space.rows(EVIDENCE):
        read = [
            ProfileEvent(
                EventOrder(*order), message_id, type_, step, name, said, None, source, None, account
            )
            for *order, message_id, type_, step, name, said, source, account in events
        ]
        evidence = CustomerEvidence(customer, CustomerKind(kind), read)
        for account in {each.account_id for each in read if each.account_id is not None}:
            by_account.setdefault(account, []).append(evidence)
    profiles, expected = parse_profiles(text), set[tuple[str, str]]()
    for account, some in by_account.items():
        traits = await space.use_cases.accounts.traits(space.scope, account)
        evidence = AccountEvidence(
            account,
            {
                each.customer_id: [e for e in each.events if e.account_id == account]
                for each in some
            },
            {each.name: each.value for each in traits or ()},
            some,
        )
        found = evaluate_account(profiles, evidence, now)
        expected |= {(audience, account) for audience in found.audiences}
    memberships = (await stored(space)).memberships
    kept = {each for each in memberships if not each[1].startswith("cus_")}
    assert kept == expected
    assert replayed(await changes(space)) == memberships
    assert await space.rows(MARKS) == [[0]]
    checked = await space.use_cases.profile_checks.check(space.scope)
    assert checked is not None
    assert (checked.is_sound, checked.waiting) == (True, False), checked
    assert checked.accounts == len(by_account)
    return kept


async def test_large_accounts_that_signed_up_and_are_active(world: NewWorld) -> None:
    clock = FakeClock(START)
    space = await space_of(world, clock)
    await space.send(
        did("m1", START, "Signed Up", "user_id:ann"),
        described("m2", START, "user_id:ann", "acme", 80),
        did("m3", START, "Signed Up", "user_id:eve", account="initech"),
        received_at=START,
    )
    await computed(space)
    assert await members(space, "large_and_active") == ([], 0)

    clock.now += HOUR
    active = did("m4", clock.now, "Report Opened", "user_id:bob")
    for _ in range(2):
        await space.send(active, active, received_at=clock.now)
        await computed(space)
        assert await members(space, "large_and_active") == (["acme"], 1)
    await check(space, TEXT, clock.now)

    clock.now = START + DAY
    await computed(space)
    assert await members(space, "large_and_active") == ([], 0)
    await check(space, TEXT, clock.now)
    mine = [each for each in await changes(space) if each.audience == "large_and_active"]
    assert of_accounts(mine) == [
        ("large_and_active", "acme", "entered", "EVENT", True),
        ("large_and_active", "acme", "left", "TIME", True),
    ]
    assert [(each.at, each.first) for each in mine] == [
        (START + HOUR, True),
        (START + DAY, False),
    ]
    page = await space.use_cases.audiences.changes(space.scope, "buyers", NEWEST_CHANGE, 10)
    assert page.items == []


async def test_a_merge_and_its_undoing_a_split_and_an_erasure_are_the_causes(
    world: NewWorld,
) -> None:
    clock = FakeClock(START)
    space = await space_of(world, clock, BUYERS)
    await space.send(
        did("m1", START, "Saw", "user_id:ann"),
        did("m2", START, "Bought", "email:ann", account=None),
        received_at=START,
    )
    await computed(space)
    assert await check(space, BUYERS, clock.now) == set()

    async def then() -> list[tuple[str, str, str, str, bool]]:
        """What changed since, after a check."""
        clock.now += HOUR
        await computed(space)
        await check(space, BUYERS, clock.now)
        return of_accounts(await changes(space))[-1:]

    judgement, _ = await space.judge(Verdict.SAME, "user_id:ann", "email:ann")
    assert await then() == [("buyers", "acme", "entered", "MERGE", False)]
    await space.withdraw(judgement)
    assert await then() == [("buyers", "acme", "left", "JUDGEMENT", False)]

    await space.send(did("m3", clock.now, "Bought", "user_id:ann"), received_at=clock.now)
    assert await then() == [("buyers", "acme", "entered", "EVENT", True)]
    assert (await changes(space))[-1].first, "what was undone never was"
    await space.rows(
        """
        MATCH (c:Customer {space: $space})-[:HAS_PROFILE]->(p) WHERE p.accounts IS NOT NULL
        MATCH (c)<-[:BELONGS_TO]-(i)<-[:ATTRIBUTED_TO]-(e)
        SET p.touched = 1
        DETACH DELETE c, i, e
        RETURN 1
        """
    )
    assert await then() == [("buyers", "acme", "left", "ERASURE", False)]


async def test_a_new_text_changes_what_its_preview_said(world: NewWorld) -> None:
    clock = FakeClock(START)
    limits = Limits(profiles=ProfileLimits(customers_per_step=2))
    space = await world(POLICY, clock=clock, limits=limits)
    await space.send(
        *(did(f"m{n}", START, "Bought", f"user_id:p{n}", account=f"a{n % 3}") for n in range(6)),
        received_at=START,
    )
    clock.now += HOUR
    preview = await space.use_cases.profile_previews.preview(space.scope, BUYERS)
    await apply_text(space, BUYERS)

    assert [each.entering for each in preview.of_accounts.audiences] == [["a0", "a1", "a2"]]
    assert await members(space, "buyers") == (["a0", "a1", "a2"], 3)
    assert {each[2:] for each in of_accounts(await changes(space))} == {
        ("entered", "DEFINITION", False)
    }

    clock.now += HOUR
    await apply_text(space, "audiences: {buyers: {who: {did: Bought}}}\n", 1)
    listed, size = await members(space, "buyers")
    assert (len(listed), size) == (6, 6)
    assert all(each.startswith("cus_") for each in listed)
    assert of_accounts(await changes(space))[3:] == [
        ("buyers", f"a{n}", "left", "DEFINITION", False) for n in range(3)
    ]


async def test_an_account_with_very_many_events_is_computed_once_in_a_while(
    world: NewWorld,
) -> None:
    clock = FakeClock(START)
    limits = Limits(profiles=ProfileLimits(large_events=2))
    space = await space_of(world, clock, BUYERS, limits)
    await space.send(
        *(did(f"m{n}", START, "Saw", f"user_id:p{n}") for n in range(3)), received_at=START
    )
    await computed(space)

    clock.now += 1_000
    await space.send(did("m4", clock.now, "Bought", "user_id:p1"), received_at=clock.now)
    await computed(space)
    assert await members(space, "buyers") == ([], 0)
    clock.now += 60_000
    await computed(space)
    assert await members(space, "buyers") == (["acme"], 1)
    assert of_accounts(await changes(space)) == [("buyers", "acme", "entered", "EVENT", True)]


async def test_two_processes_at_once_write_nothing_twice(
    world: NewWorld, database: Database
) -> None:
    clock = FakeClock(START)
    space = await space_of(world, clock)
    other = beside(space, database, clock=clock)

    async def send(through: World, numbers: range) -> None:
        for n in numbers:
            who = (f"user_id:{n % 5}", f"email:{n % 7}")
            name = ("Signed Up", "Bought")[n % 2]
            await through.send(
                did(f"m{n}", START + n, name, *who, account=f"a{n % 4}"), received_at=START
            )
            through.use_cases.profiles.wake(space.space)

    await asyncio.gather(send(space, range(30)), send(other, range(15, 45)))
    clock.now += HOUR
    await asyncio.gather(computed(space), computed(other))
    await computed(space)

    assert await check(space, TEXT, clock.now)
    await other.use_cases.close()


def any_event(draw: random.Random, message_id: str, now: int, names: list[str]) -> Any:
    at = now - draw.choice([0, 1, HOUR, DAY, -HOUR])
    who = draw.sample(names, draw.choice([1, 1, 2, 3]))
    account = draw.choice([None, "a", "b", "c"])
    if account is not None and draw.random() < 0.3:
        return described(message_id, at, who[0], account, draw.choice([10, 50]))
    name = draw.choice(["Signed Up", "Bought", "Saw"])
    return did(message_id, at, name, *who, account=account)


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_happens_memberships_are_what_the_evidence_says(
    world: NewWorld, seed: int
) -> None:
    draw = random.Random(seed)  # noqa: S311
    clock = FakeClock(START)
    space = await space_of(world, clock)
    names = [f"user_id:{n}" for n in "abc"] + ["email:x", "email:y", "device:1"]

    def some_events(message_id: str) -> list[Any]:
        return [
            any_event(draw, f"{message_id}-{n}", clock.now, names)
            for n in range(draw.randint(1, 3))
        ]

    await whatever_happens(
        space, clock, draw, steps=25, policy=POLICY, names=names, some_events=some_events
    )
    await check(space, TEXT, clock.now)
    clock.now += 2 * DAY
    await computed(space)
    await check(space, TEXT, clock.now)
