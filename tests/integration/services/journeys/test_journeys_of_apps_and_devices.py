"""Journeys of one customer, of devices, apps and accounts over random spaces, against Python."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from identity_service.domain.events import ReportedEvent
from identity_service.domain.judgements import Verdict
from identity_service.errors import FieldInvalid
from tests.support import apps_and_devices as oracle
from tests.support.journeys import Asked, Person, Row, people
from tests.support.space import NewWorld, World, event

HOUR = 3_600_000
DAY = 24 * HOUR
START = 400 * DAY
APPS = ("shop", "app", "blog")
STEPS = ("Viewed", "Added", "Ordered")
EVERYBODY = ("KNOWN", "ANONYMOUS", "QUARANTINED")

ASKED = (
    Asked(),
    Asked(since=START + 2 * DAY, until=START + 8 * DAY),
    Asked(kinds=("KNOWN",)),
    Asked(kinds=EVERYBODY, did="Added"),
    Asked(property="plan", value="pro"),
    Asked(until=START),
)


def happened(draw: random.Random) -> list[tuple[str, ReportedEvent]]:
    sent: list[tuple[str, ReportedEvent]] = []
    for number in range(160):
        person = draw.randrange(14)
        device = f"anonymous_id:{draw.choice(('tablet', 'kiosk'))}"
        identifiers = [device if draw.random() < 0.2 else f"anonymous_id:a{person}"]
        if person % 2 and draw.random() < 0.5:
            identifiers.append(f"user_id:u{person // 3}")
        made = event(
            f"m{draw.randrange(10**6):06}-{number}",
            START + draw.randrange(10 * 24 * 4) * HOUR // 4,
            *identifiers,
            type=draw.choice(("track", "track", "track", "identify")),
            name=draw.choice(STEPS),
            properties={"plan": draw.choice(("pro", "free"))} if draw.random() < 0.3 else {},
            account_id=f"acme-{person % 4}" if draw.random() < 0.2 else None,
        )
        sent.append((draw.choice(APPS), made))
    return sent


@pytest.fixture(scope="module", params=range(2))
async def told(
    request: pytest.FixtureRequest, world: NewWorld
) -> tuple[World, Mapping[int, Person]]:
    """A space, and its customers with all of their events."""
    made = await world()
    sent = happened(random.Random(request.param))  # noqa: S311
    for app in APPS:
        await made.send(*(each for source, each in sent if source == app), source=app)
    sources = {each.message_id: source for source, each in sent}
    found = people(made.sent.values(), made.evidence(), made.policy, sources)
    assert {person.kind for person in found} == set(EVERYBODY)
    return made, dict(enumerate(found))


def counted(asked: Asked, everybody: Mapping[int, Person]) -> dict[int, Person]:
    return {n: person for n, each in everybody.items() for person in asked.counted([each])}


async def rows(space: World, name: str, asked: Asked, **own: Any) -> list[Row]:
    figure = await space.use_cases.journeys.run(space.scope, name, own | asked.given())
    return [tuple(round(x, 9) if isinstance(x, float) else x for x in row) for row in figure.rows]


def rounded(found: list[Row]) -> list[Row]:
    return [tuple(round(x, 9) if isinstance(x, float) else x for x in row) for row in found]


@pytest.mark.parametrize("asked", ASKED, ids=str)
async def test_cross_app_users_and_accounts_are_what_the_definitions_say(
    told: tuple[World, Mapping[int, Person]], asked: Asked
) -> None:
    space, everybody = told
    those = counted(asked, everybody)

    assert await rows(space, "cross_app_users", asked, first=2) == rounded(
        oracle.cross_app_users(those.values(), 2)
    )
    for steps in (["Added", "Ordered"], ["Viewed"], ["Viewed", "never"], ["Added", "Added"]):
        assert await rows(space, "accounts", asked, steps=steps, first=3) == oracle.accounts(
            everybody, those, steps, 3
        )


@pytest.mark.parametrize("asked", ASKED, ids=str)
async def test_what_quarantine_hides_is_what_the_definitions_say(
    told: tuple[World, Mapping[int, Person]], asked: Asked
) -> None:
    space, everybody = told
    ranged = replace(asked, kinds=EVERYBODY, did=None, property=None, value=None)
    contested = replace(asked, kinds=("QUARANTINED",))

    found = await rows(space, "hidden_by_quarantine", contested)

    expected = oracle.hidden_by_quarantine(
        ranged.counted(everybody.values()), contested.counted(everybody.values()), 50
    )
    assert found == rounded(expected)


async def test_nothing_is_hidden_of_customers_who_hold_no_contested_device(
    told: tuple[World, Mapping[int, Person]],
) -> None:
    space, _ = told

    assert await rows(space, "hidden_by_quarantine", Asked(kinds=("KNOWN", "ANONYMOUS"))) == []


@pytest.mark.parametrize("asked", ASKED[:4], ids=str)
async def test_the_path_of_every_customer_is_what_the_definitions_say(
    told: tuple[World, Mapping[int, Person]], asked: Asked
) -> None:
    space, everybody = told
    those = counted(asked, everybody).values()

    for identifier in sorted({person.events[0].belongs_to for person in those}):
        found = await rows(
            space, "customer_path", asked, identifier=identifier, session="6h", first=7
        )

        assert found == oracle.customer_path(those, identifier, 6 * HOUR, 7)


async def test_a_path_is_found_by_any_spelling_and_follows_a_judgement_and_its_withdrawal(
    world: NewWorld,
) -> None:
    made = await world()
    await made.send(
        event("m1", START, "email:ann@example.com", name="Viewed"),
        event("m2", START + HOUR, "anonymous_id:phone", name="Ordered"),
    )
    own: Any = {"identifier": "email: Ann@Example.COM"}
    alone = await rows(made, "customer_path", Asked(), **own)

    judgement, _ = await made.judge(Verdict.SAME, "email:ann@example.com", "anonymous_id:phone")
    joined = await rows(made, "customer_path", Asked(), **own)
    await made.withdraw(judgement)
    apart = await rows(made, "customer_path", Asked(), **own)

    assert [row[2] for row in alone] == ["Viewed"]
    assert [(row[0], row[2]) for row in joined] == [(1, "Viewed"), (2, "Ordered")]
    assert apart == alone


async def test_a_path_of_nobody_is_empty_and_what_is_no_identifier_is_refused(
    world: NewWorld,
) -> None:
    made = await world()

    assert await rows(made, "customer_path", Asked(), identifier="user_id:nobody") == []
    assert await rows(made, "customer_path", Asked(), identifier="user_id:null") == []
    with pytest.raises(FieldInvalid, match="is not TYPE:VALUE"):
        await made.use_cases.journeys.run(made.scope, "customer_path", {"identifier": "ann"})
