"""Journeys of subscribers and of changed identities over random spaces, against Python."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from identity_service.domain.events import ReportedEvent
from identity_service.domain.judgements import OF_TWO, Verdict
from identity_service.domain.recorded import RecordedChange
from identity_service.errors import FieldInvalid
from identity_service.graph.ledger import ALL_CHANGES
from tests.support import subscribers_and_changes as oracle
from tests.support.journeys import Asked, Person, Row, people, walk
from tests.support.settled import SettledSpace
from tests.support.space import NewWorld, World, event

HOUR = 3_600_000
DAY = 24 * HOUR
START = 400 * DAY
TODAY = 800 * DAY
STEPS = ("Subscribed", "Ordered", "Viewed")
EVERYBODY = ("ANONYMOUS", "KNOWN", "QUARANTINED")
ROUNDS = 6

ASKED = (
    Asked(),
    Asked(since=START + 2 * DAY, until=START + 8 * DAY),
    Asked(kinds=("KNOWN",)),
    Asked(kinds=EVERYBODY, did="Viewed"),
    Asked(property="plan", value="pro"),
    Asked(until=START),
)


@dataclass
class Told:
    """A space after its days, its customers, and what the ledger tells of it, newest first."""

    space: World
    everybody: Sequence[Person]
    today: SettledSpace
    changes: Sequence[RecordedChange]


def happened(draw: random.Random, round_: int) -> list[ReportedEvent]:
    """What some people did, often at the same instant, some on one device."""
    sent: list[ReportedEvent] = []
    for number in range(30):
        person = draw.randrange(12)
        device = draw.choice(("tablet", "kiosk")) if draw.random() < 0.15 else f"a{person}"
        identifiers = [f"anonymous_id:{device}"]
        if person % 2 and draw.random() < 0.4:
            identifiers.append(f"user_id:u{person // 3}")
        properties: dict[str, Any] = {}
        if draw.random() < 0.5:
            properties["utm_source"] = draw.choice(("google", "partner"))
        if draw.random() < 0.3:
            properties["plan"] = draw.choice(("pro", "free"))
        sent.append(
            event(
                f"m{draw.randrange(10**6):06}-{round_}-{number}",
                START + draw.randrange(10 * 12) * 2 * HOUR,
                *identifiers,
                name=draw.choice(STEPS),
                properties=properties,
            )
        )
    return sent


async def judge_at_random(space: World, draw: random.Random) -> None:
    """Two are one, or are not; now and then that was wrong."""
    if draw.random() < 0.4:
        await space.withdraw(draw.choice(list(space.judged.values())))
    seen = sorted({str(i) for each in space.sent.values() for i in each.identifiers})
    for _ in range(2):
        await space.judge(draw.choice(OF_TWO), *draw.sample(seen, 2))


async def share_a_device_and_own_it(space: World) -> None:
    """A device of two people is found to be one's: contested, then released."""
    await space.send(
        event("shared-1", START, "anonymous_id:shared", "user_id:ann", name="Ordered"),
        event("shared-2", START, "anonymous_id:shared", "user_id:ben", name="Ordered"),
        event("shared-3", START + DAY, "anonymous_id:shared", name="Ordered"),
        received_at=TODAY,
    )
    await space.judge(Verdict.SAME, "anonymous_id:shared", "user_id:ann")


@pytest.fixture(scope="module", params=range(2))
async def told(request: pytest.FixtureRequest, world: NewWorld) -> Told:
    days = [TODAY]
    space = await world(clock=lambda: days[-1])
    draw = random.Random(request.param)  # noqa: S311
    await share_a_device_and_own_it(space)
    for round_ in range(ROUNDS):
        days.append(TODAY + round_ * DAY)
        await space.send(*happened(draw, round_), received_at=days[-1])
        await judge_at_random(space, draw)
    today = await space.check()
    page = await space.use_cases.ledger.changes(space.scope, ALL_CHANGES, 2**53, 1_000)
    return Told(
        space, people(space.sent.values(), space.evidence(), space.policy), today, page.items
    )


async def rows(space: World, name: str, asked: Asked, **own: Any) -> list[Row]:
    figure = await space.use_cases.journeys.run(space.scope, name, own | asked.given())
    return rounded(figure.rows)


def rounded(found: Sequence[Sequence[Any]]) -> list[Row]:
    return [tuple(round(x, 9) if isinstance(x, float) else x for x in row) for row in found]


@pytest.mark.parametrize("asked", ASKED, ids=str)
async def test_subscribers_who_became_customers_are_what_the_definitions_say(
    told: Told, asked: Asked
) -> None:
    for goal, within, first in (("Ordered", 30, 50), ("Ordered", 1, 2), ("Subscribed", 3, 50)):
        found = await rows(
            told.space,
            "newsletter_to_customer",
            asked,
            subscribed="Subscribed",
            goal=goal,
            within=f"{within}d",
            first=first,
        )

        assert found == rounded(
            oracle.newsletter_to_customer(
                asked.counted(told.everybody), "Subscribed", goal, within * DAY, first
            )
        )


async def test_the_ledgers_tell_every_kind_of_change_and_retired_ids(told: Told) -> None:
    assert {change.kind.value for change in told.changes} >= set(oracle.KINDS)
    assert len({change.at for change in told.changes}) > ROUNDS / 2
    named = {change.other_customer_id for change in told.changes} & set(told.today.retired)
    assert named, "No change names an id that is retired today."


@pytest.mark.parametrize("asked", [*ASKED, Asked(kinds=EVERYBODY)], ids=str)
async def test_changed_identities_and_what_is_theirs_are_what_the_definitions_say(
    told: Told, asked: Asked
) -> None:
    customer_of = {str(i): c for c, members in told.today.customers.items() for i in members}
    in_range = Asked(since=asked.since, until=asked.until, kinds=EVERYBODY)
    steps = {
        customer_of[person.events[0].belongs_to]: [each.step for each in walk(person)]
        for person in in_range.counted(told.everybody)
    }
    those = {customer_of[person.events[0].belongs_to] for person in asked.counted(told.everybody)}
    if asked.did is None and asked.property is None:
        those = {c for c, kind in told.today.kinds.items() if kind in asked.kinds}

    for changed_since in (TODAY, TODAY + 2 * DAY, TODAY + (ROUNDS - 1) * DAY, TODAY + ROUNDS * DAY):
        found = await rows(
            told.space, "changed_identities", asked, changed_since=changed_since, event="Ordered"
        )

        expected = oracle.changed_identities(
            told.changes, told.today, those, steps, changed_since, "Ordered"
        )
        assert found == rounded(expected)


async def test_a_merge_changes_one_customer_and_taking_it_back_two(world: NewWorld) -> None:
    space = await world(clock=lambda: TODAY)
    await space.send(
        event("m1", START, "user_id:ann", name="Ordered"),
        event("m2", START, "anonymous_id:phone", name="Ordered"),
        event("m3", START, "user_id:ben", name="Ordered"),
        received_at=TODAY - DAY,
    )
    asked: Any = {"changed_since": TODAY, "event": "Ordered"}
    before = await rows(space, "changed_identities", Asked(), **asked)

    judgement, _ = await space.judge(Verdict.SAME, "user_id:ann", "anonymous_id:phone")
    joined = await rows(space, "changed_identities", Asked(), **asked)
    await space.withdraw(judgement)
    apart = await rows(space, "changed_identities", Asked(), **asked)

    assert before == [(kind, 0, 0, 0, 0.0) for kind in (*oracle.KINDS, "(any)")]
    assert joined[0] == ("MERGED", 1, 1, 2, round(2 / 3, 9))
    assert joined[-1] == ("(any)", 1, 1, 2, round(2 / 3, 9))
    assert apart[:2] == [
        ("MERGED", 2, 2, 2, round(2 / 3, 9)),
        ("SPLIT", 2, 2, 2, round(2 / 3, 9)),
    ]


async def test_one_subscriber_in_time_and_one_too_late_are_told_by_channel(
    world: NewWorld,
) -> None:
    space = await world()
    google = {"utm_source": "google"}
    await space.send(
        event("m1", START, "anonymous_id:a", name="Subscribed", properties=google),
        event("m2", START + HOUR, "anonymous_id:a", "user_id:ann", name="Ordered"),
        event("m3", START, "user_id:ben", name="Subscribed", properties=google),
        event("m4", START + 2 * DAY, "user_id:ben", name="Ordered"),
        event("m5", START, "user_id:cat", name="Ordered"),
        event("m6", START + 1, "user_id:cat", name="Subscribed"),
    )

    found = await rows(
        space,
        "newsletter_to_customer",
        Asked(),
        subscribed="Subscribed",
        goal="Ordered",
        within="1d",
    )

    assert found == [("google", 2, 1, 0.5, 3_600.0), ("(direct)", 1, 0, 0.0, None)]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"event": "Ordered"}, "needs “changed_since”"),
        ({"event": "Ordered", "changed_since": "lately"}, "write a time"),
        ({"changed_since": "2026-01-01"}, "needs “event”"),
    ],
)
async def test_a_question_without_a_moment_or_a_step_is_refused(
    told: Told, given: dict[str, Any], why: str
) -> None:
    with pytest.raises(FieldInvalid, match=why):
        await told.space.use_cases.journeys.run(told.space.scope, "changed_identities", given)
