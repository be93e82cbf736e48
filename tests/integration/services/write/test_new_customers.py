"""Events of which every identifier is new: written without asking, and refused where one is not."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeAlias

import pytest
from hypothesis import given

from identity_service.domain.judgements import Verdict
from identity_service.domain.policies.parse import parse_policy
from identity_service.domain.policies.policy import Policy
from identity_service.errors import FieldInvalid
from identity_service.graph.evidence import EvidenceStore, Written
from identity_service.graph.write_rows import SettlementWrite
from identity_service.services.limits import DEFAULT_LIMITS, Limits
from identity_service.services.write.novelty import Novelty
from tests.support.settled import assert_ledger_tells_all
from tests.support.space import NewWorld, World, beside, event, judge_at_random, reported
from tests.support.worlds import Event, dice, events, in_some_worlds, policies

WORLDS = 4

ANN, BOB, MAIL = "user_id:ann", "user_id:bob", "email:ann@shop.example"
PHONE, TABLET = "anonymous_id:phone", "anonymous_id:tablet"

POLICY_WITH = """
extends: quarantine
types: {{anonymous_id: {{priority: 9, kind: device, {}}}}}
"""

Change: TypeAlias = Callable[[World], Awaitable[Any]]

REFUSED, WRITTEN = "refused", "written"


class Unasked:
    """Every attempt to write without asking, with what came of it.

    `before_next` happens once, right before the next attempt, when it has been decided.
    """

    def __init__(self) -> None:
        self.outcomes: list[str] = []
        self.before_next: Callable[[], Awaitable[Any]] | None = None


@pytest.fixture
def unasked(monkeypatch: pytest.MonkeyPatch) -> Unasked:
    watched = Unasked()
    write_new_customers = EvidenceStore.write_new_customers

    async def watching(store: EvidenceStore, write: SettlementWrite) -> Written | None:
        if act := watched.before_next:
            watched.before_next = None
            await act()
        place = len(watched.outcomes)
        watched.outcomes.append(REFUSED)
        written = await write_new_customers(store, write)
        if written:
            watched.outcomes[place] = WRITTEN
        return written

    monkeypatch.setattr(EvidenceStore, "write_new_customers", watching)
    return watched


@pytest.fixture
def always_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not in the cache is taken to be new, however often it was not."""

    def is_likely(*_: Any) -> bool:
        return True

    monkeypatch.setattr(Novelty, "is_likely", is_likely)


async def stored(space: World) -> list[Any]:
    """The message ids of all events, in order."""
    rows = await space.rows("MATCH (e:Event {space: $space}) RETURN e.message_id")
    return sorted(message_id for [message_id] in rows)


@pytest.mark.parametrize(
    "policy",
    [
        "extends: quarantine\n",
        POLICY_WITH.format("shared: quarantine, owners: 1, max_links: 1"),
        POLICY_WITH.format("shared: isolate"),
    ],
    ids=["quarantine", "super-connector", "isolate"],
)
async def test_customers_are_as_if_the_graph_had_been_asked(
    world: NewWorld, asked: list[str], unasked: Unasked, policy: str
) -> None:
    space = await world(policy)

    await space.send(
        event("m1", 3, PHONE, traits={"plan": "pro"}, account_id="acme", account_traits={"a": 1}),
        event("m2", 2, ANN, PHONE),
        event("m3", 4, ANN, PHONE, MAIL),
        event("m4", 5, BOB, PHONE),
        event("m5", 1, TABLET),
    )

    assert (asked, unasked.outcomes) == ([], [WRITTEN])
    assert_ledger_tells_all(await space.check_after_a_race())


async def test_an_event_that_is_sent_again_counts_once(world: NewWorld, unasked: Unasked) -> None:
    space = await world()
    new = event("m1", 1, ANN, PHONE)
    await space.send(new, new)
    await space.send(new)
    # Nothing is known there.
    other = beside(space, space.database)

    await other.send(new)

    assert unasked.outcomes == [WRITTEN, REFUSED]
    assert await stored(space) == ["m1"]
    await space.check_after_a_race()


async def bring_it(other: World) -> None:
    await other.send(event("other", 5, TABLET, BOB))


async def bring_another(other: World) -> None:
    await other.send(event("other", 5, MAIL))


async def bring_the_same(other: World) -> None:
    await other.send(event("m1", 1, TABLET, BOB))


async def bring_its_message_id(other: World) -> None:
    await other.send(event("m1", 5, MAIL, digest="other content"))
    other.sent["m1 of other"] = other.sent.pop("m1")
    other.received["m1 of other"] = other.received.pop("m1")


async def take_it_away(other: World) -> None:
    await other.send(event("other", 5, TABLET, MAIL))
    await other.detach("other", TABLET)


async def put_a_policy_in_force(other: World) -> None:
    await other.set_policy(parse_policy("extends: quarantine\nblocked: [{value: tablet}]\n"))


async def retract(other: World) -> None:
    await other.retract("shop", 0, 2_000)


async def judge_it_the_same(other: World) -> None:
    await other.judge(Verdict.SAME, TABLET, ANN)


async def judge_it_apart(other: World) -> None:
    await other.judge(Verdict.APART, TABLET, BOB)


async def judge_and_withdraw(other: World) -> None:
    made, _ = await other.judge(Verdict.SAME, TABLET, ANN)
    await other.withdraw(made)


CHANGES: dict[Change, str] = {
    bring_it: REFUSED,
    bring_another: WRITTEN,
    bring_the_same: REFUSED,
    bring_its_message_id: REFUSED,
    take_it_away: REFUSED,
    put_a_policy_in_force: REFUSED,
    retract: REFUSED,
    judge_it_the_same: REFUSED,
    judge_it_apart: REFUSED,
    judge_and_withdraw: WRITTEN,
}


@pytest.mark.parametrize("between", [False, True], ids=["before", "between"])
@pytest.mark.parametrize("change", CHANGES, ids=lambda each: each.__name__)
async def test_what_another_process_did_counts(
    world: NewWorld, unasked: Unasked, change: Change, *, between: bool
) -> None:
    """Before the events are decided, or between that and their transaction."""
    space = await world()
    await space.send(event("known", 1, ANN))
    other = beside(space, space.database)
    unasked.outcomes.clear()
    if between:
        outcomes = unasked.outcomes

        async def act() -> None:
            await change(other)
            outcomes.clear()

        unasked.before_next = act
    else:
        await change(other)
        unasked.outcomes.clear()

    await space.send(event("m1", 1, TABLET, BOB), event("m2", 2, BOB))
    space.policy = other.policy
    for retraction in space.retracted:
        await space.until_followed(retraction)

    assert unasked.outcomes[:1] == [CHANGES[change]]
    await space.check_after_a_race()
    assert {"m1", "m2"} <= set(await stored(space))


async def test_a_message_id_of_an_earlier_version_is_found(
    world: NewWorld, unasked: Unasked
) -> None:
    space = await world()
    await space.send(event("m1", 1, ANN))
    await space.rows("MATCH (e:Event {space: $space}) SET e.key = $space + '/m1'")

    await space.send(event("m1", 1, TABLET))

    assert unasked.outcomes == [WRITTEN, REFUSED]
    assert await stored(space) == ["m1"]


@pytest.mark.usefixtures("always_tries")
async def test_two_processes_that_bring_the_same_at_once_write_it_once(
    world: NewWorld, unasked: Unasked
) -> None:
    space = await world()
    other = beside(space, space.database)
    new = [event(f"m{n}", n, f"user_id:u{n // 2}", f"anonymous_id:a{n // 3}") for n in range(24)]

    await asyncio.gather(*(writer.send(each) for each in new for writer in (space, other)))

    assert REFUSED in unasked.outcomes
    assert await stored(space) == sorted(each.message_id for each in new)
    assert_ledger_tells_all(await space.check_after_a_race())


async def test_who_finds_too_often_that_it_was_not_new_asks_again(
    world: NewWorld, asked: list[str], unasked: Unasked
) -> None:
    space = await world()
    known = [event(f"m{n}", n, f"anonymous_id:a{n}") for n in range(40)]
    await space.send(*known)
    other = beside(space, space.database)
    unasked.outcomes.clear()

    for each in known[:20]:
        await other.send(replace(each, message_id=f"{each.message_id} again"))
    refused = unasked.outcomes.copy()
    for n in range(30):
        await other.send(event(f"n{n}", n, f"user_id:u{n}"))

    assert refused == [REFUSED, REFUSED]
    assert "m2 again" in asked
    assert unasked.outcomes[2:]
    assert set(unasked.outcomes[2:]) == {WRITTEN}
    await space.check()


@pytest.mark.usefixtures("always_tries")
@pytest.mark.parametrize(
    "cached_evidence_bytes",
    [0, 4_000, DEFAULT_LIMITS.cached_evidence_bytes],
    ids=["nothing", "some", "all"],
)
@in_some_worlds(WORLDS)
@given(events(12), policies(), dice)
async def test_whatever_is_taken_to_be_new_the_graph_holds_what_the_function_says(
    world: NewWorld,
    cached_evidence_bytes: int,
    happened: list[Event],
    policy: Policy,
    draw: random.Random,
) -> None:
    limits = Limits(cached_evidence_bytes=cached_evidence_bytes)
    space = await world(policy, limits=limits)
    writers = [space, beside(space, space.database, limits=limits)]
    made = list[Any]()
    for number, each in enumerate(reported(happened)):
        source = draw.choice("ab")
        await draw.choice(writers).send(each, source=source, received_at=number)
        other = draw.choice(writers)
        chance = draw.random()
        if chance < 0.35:
            chosen = draw.choice([*space.sent.values()])
            try:
                if chance < 0.2:
                    judged = await other.detach(chosen.message_id, chosen.identifiers[0])
                    made.append(judged.judgement)
                else:
                    until = draw.randint(1, number + 1)
                    made.append(await other.retract(draw.choice("ab"), 0, until))
            except FieldInvalid:
                continue
        elif chance < 0.6:
            await judge_at_random(other, happened, draw)
        elif made and chance < 0.8:
            withdrawn = made.pop(draw.randrange(len(made)))
            is_retraction = withdrawn.id in other.retracted
            await (other.give_back(withdrawn) if is_retraction else other.withdraw(withdrawn))

    await space.check_after_a_race()
