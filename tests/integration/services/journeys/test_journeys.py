"""Journeys over random spaces, against the same definitions in plain Python."""

from __future__ import annotations

import random
from typing import Any

import pytest

from identity_service.domain.judgements import Verdict
from identity_service.errors import FieldInvalid, NotFound
from tests.support import journeys as oracle
from tests.support.journeys import Asked, Person, Row, people
from tests.support.profiles import apply_text
from tests.support.space import NewWorld, World, event
from tests.support.visitors import DAY, END, HOUR, START, happened

SEEDS = range(2)
ASKED = (
    Asked(),
    Asked(since=START + 10 * DAY, until=START + 30 * DAY),
    # Fewer events than twice the customers: those are found by these.
    Asked(since=START + 10 * DAY, until=START + 13 * DAY),
    Asked(until=END, kinds=("ANONYMOUS", "KNOWN", "QUARANTINED")),
    Asked(kinds=("KNOWN",)),
    Asked(did="Added"),
    Asked(since=START + 5 * DAY, property="plan", value="pro"),
    Asked(property="plan", value="2.5"),
    Asked(did="Ordered", property="plan", value="true"),
    Asked(did="nothing of the kind"),
    Asked(until=START),
    Asked(since=START + 5 * DAY, audience="buyers"),
    Asked(did="Added", audience="buyers", feature="orders", feature_value="1"),
    Asked(feature="orders", feature_value="0.0"),
)


@pytest.fixture(scope="module", params=SEEDS)
async def space(request: pytest.FixtureRequest, world: NewWorld) -> World:
    made = await world()
    await made.send(*happened(random.Random(request.param)))  # noqa: S311
    await apply_text(made, oracle.PROFILES)
    return made


@pytest.fixture(scope="module")
def everybody(space: World) -> list[Person]:
    return people(space.sent.values(), space.evidence(), space.policy)


async def rows(space: World, name: str, asked: Asked, **own: Any) -> list[Row]:
    figure = await space.use_cases.journeys.run(space.scope, name, own | asked.given())
    return [tuple(row) for row in figure.rows]


def close(found: list[Row], expected: list[Row]) -> None:
    """Equal row by row, numbers up to rounding."""
    assert [_rounded(row) for row in found] == [_rounded(row) for row in expected]


def _rounded(row: Row) -> Row:
    return tuple(round(value, 6) if isinstance(value, float) else value for value in row)


async def test_the_worlds_hold_what_journeys_are_hard_about(
    space: World, everybody: list[Person]
) -> None:
    kinds = {person.kind for person in everybody}
    steps = [oracle.walk(person) for person in everybody]

    assert kinds == {"KNOWN", "ANONYMOUS", "QUARANTINED"}
    assert any(len({e.at for e in walk}) < len(walk) for walk in steps)
    assert (await space.check()).customer_of("anonymous_id:a1") == (
        await space.check()
    ).customer_of("anonymous_id:a2")


@pytest.mark.parametrize("asked", ASKED, ids=str)
async def test_every_journey_is_what_the_definitions_say(
    space: World, everybody: list[Person], asked: Asked
) -> None:
    counted = asked.counted(everybody)
    steps, within = ["Home", "Added", "Ordered"], 20 * DAY

    close(
        await rows(space, "last_page_before", asked, event="Ordered"),
        oracle.last_page_before(counted, "Ordered"),
    )
    close(
        await rows(space, "funnel", asked, steps=steps, within="20d"),
        oracle.funnel(counted, steps, within),
    )
    close(
        await rows(space, "funnel", asked, steps=["Added", "Added"], within="3d"),
        oracle.funnel(counted, ["Added", "Added"], 3 * DAY),
    )
    close(
        await rows(space, "funnel_by", asked, steps=steps, within=within, by="plan", first=2),
        oracle.funnel_by(counted, steps, within, "plan", 2),
    )
    close(
        sorted(await rows(space, "correlation", asked, goal="Ordered")),
        sorted(oracle.correlation(counted, "Ordered")),
    )
    close(
        await rows(space, "drop_off", asked, silent_for="5d"),
        oracle.drop_off(counted, asked.until, 5 * DAY),
    )
    close(
        await rows(space, "time_to_convert", asked, start_event="Home", goal="Added"),
        oracle.time_to_convert(counted, "Home", "Added", 90 * DAY),
    )


@pytest.mark.parametrize("asked", ASKED, ids=str)
@pytest.mark.parametrize(
    "own",
    [
        {},
        {"start_event": "Home"},
        {"end_event": "Ordered", "depth": 2},
        {"start_event": "Home", "end_event": "Ordered", "depth": 3, "names": 3},
        {"names": 2, "depth": 1},
        {"start_event": "Home", "names": 2},
        {"end_event": "Ordered", "names": 2},
        {"start_event": "Added", "end_event": "Added"},
        {"first": 4},
    ],
    ids=str,
)
async def test_flows_are_what_the_definitions_say(
    space: World, everybody: list[Person], asked: Asked, own: dict[str, Any]
) -> None:
    found = await rows(space, "flows", asked, **own)

    assert found == oracle.flows(asked.counted(everybody), **own)


@pytest.mark.parametrize(
    "own", [{}, {"start_event": "Home", "return_event": "Added", "weeks": 2}], ids=str
)
async def test_retention_is_what_the_definitions_say(
    space: World, everybody: list[Person], own: dict[str, Any]
) -> None:
    for asked in (Asked(until=END), Asked(since=START + 8 * DAY, until=START + 30 * DAY)):
        found = await rows(space, "retention", asked, **own)

        close(found, oracle.retention(asked.counted(everybody), asked.until, **own))


@pytest.mark.parametrize("asked", ASKED, ids=str)
async def test_attribution_is_what_the_definitions_say(
    space: World, everybody: list[Person], asked: Asked
) -> None:
    counted = {
        number: person for number, each in enumerate(everybody) for person in asked.counted([each])
    }

    found = await rows(
        space, "attribution", asked, goal="Ordered", within="10d", session="2h", half_life="3d"
    )

    expected = oracle.attribution(
        dict(enumerate(everybody)), counted, "Ordered", 10 * DAY, 2 * HOUR, 3 * DAY
    )
    close(sorted(found), sorted(expected))
    conversions = sum(1 for p in counted.values() if any(e.step == "Ordered" for e in p.events))
    for model in range(2, 6):
        assert sum(row[model] for row in found) == pytest.approx(conversions)
    linear = [round(row[4], 9) for row in found]
    assert linear == sorted(linear, reverse=True)


async def test_an_empty_space_has_empty_figures(world: NewWorld) -> None:
    nobody = await world()

    assert await rows(nobody, "flows", Asked()) == []
    assert await rows(nobody, "drop_off", Asked()) == []
    assert await rows(nobody, "correlation", Asked(), goal="Ordered") == []
    assert await rows(nobody, "funnel", Asked(), steps=["A", "B"]) == [
        ("A", 0, 0.0, None),
        ("B", 0, 0.0, None),
    ]
    assert len(await rows(nobody, "time_to_convert", Asked(), start_event="A", goal="B")) == 11


async def test_a_judgement_changes_a_figure_and_its_withdrawal_changes_it_back(
    world: NewWorld,
) -> None:
    made = await world()
    await made.send(
        event("m1", START, "anonymous_id:a", name="Added"),
        event("m2", START + 1, "anonymous_id:b", name="Ordered"),
    )
    before = await rows(made, "funnel", Asked(), steps=["Added", "Ordered"])

    judgement, _ = await made.judge(Verdict.SAME, "anonymous_id:a", "anonymous_id:b")
    joined = await rows(made, "funnel", Asked(), steps=["Added", "Ordered"])
    await made.withdraw(judgement)
    after = await rows(made, "funnel", Asked(), steps=["Added", "Ordered"])

    assert before == [("Added", 1, 1.0, None), ("Ordered", 0, 0.0, None)]
    assert joined == [("Added", 1, 1.0, None), ("Ordered", 1, 1.0, 0.001)]
    assert after == before


async def test_what_a_journey_does_not_take_is_refused_with_what_it_takes(world: NewWorld) -> None:
    made = await world()

    with pytest.raises(NotFound, match="There are accounts, attribution"):
        await made.use_cases.journeys.run(made.scope, "everything", {})
    with pytest.raises(FieldInvalid, match=r"has no parameter “step”.* It takes .*steps"):
        await made.use_cases.journeys.run(made.scope, "funnel", {"step": "A"})


@pytest.mark.parametrize(
    ("segment", "said"),
    [
        ({"audience": "nobody"}, "no audience “nobody” of customers"),
        ({"audience": "big_accounts"}, "no audience “big_accounts” of customers"),
        ({"feature": "age", "feature_value": "1"}, "no feature “age” of customers"),
    ],
)
async def test_a_segment_of_a_profile_that_nobody_can_have_is_refused(
    space: World, segment: dict[str, str], said: str
) -> None:
    with pytest.raises(FieldInvalid, match=said):
        await space.use_cases.journeys.run(space.scope, "drop_off", segment)
