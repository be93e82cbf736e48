"""Which properties a space can be filtered by: taken by sources, bounded, and given back."""

from __future__ import annotations

import pytest

from identity_service.errors import FieldInvalid
from identity_service.graph.evidence import EvidenceStore
from identity_service.services.write.property_names import (
    MAX_NAMES,
    MAX_NAMES_OF_SOURCE,
    REFRESH_S,
    PropertyNames,
)
from tests.support.space import NewWorld, World, event

FUNNEL = {"steps": ["Visited"]}


async def flood(space: World, source: str) -> None:
    """Send more names than a source may take."""
    await space.send(
        *(
            event(
                f"{source}-{n}", n, "user_id:u", properties={f"{source}_{n}_{m}": m for m in names}
            )
            for n, names in enumerate([range(50)] * (MAX_NAMES_OF_SOURCE // 50 + 2))
        ),
        source=source,
    )


async def stored_names(space: World) -> set[str]:
    return {
        key
        for [keys] in await space.rows("MATCH (e:Event {space: $space}) RETURN keys(e)")
        for key in keys
        if key.startswith("p_")
    }


async def test_one_source_leaves_room_for_another(world: NewWorld) -> None:
    space = await world()

    await flood(space, "page")
    await space.send(event("order", 99, "user_id:u", properties={"plan": "pro"}), source="shop")

    in_use = await space.use_cases.spaces.property_names(space.scope)
    assert len(in_use) == MAX_NAMES_OF_SOURCE + 1
    assert in_use["p_plan"] == "shop"
    assert set(in_use) == await stored_names(space)


async def test_all_sources_together_fill_a_space_and_no_more(world: NewWorld) -> None:
    space = await world()

    for n in range(MAX_NAMES // MAX_NAMES_OF_SOURCE + 1):
        await flood(space, f"page{n}")

    assert len(await space.use_cases.spaces.property_names(space.scope)) == MAX_NAMES


async def test_a_filter_by_what_is_not_indexed_is_refused_and_says_so(world: NewWorld) -> None:
    space = await world()
    await flood(space, "page")
    await space.send(event("order", 99, "user_id:u", properties={"plan": "pro"}), source="page")

    with pytest.raises(FieldInvalid, match="“plan” is not indexed") as refused:
        await space.use_cases.journeys.run(
            space.scope, "funnel", FUNNEL | {"property": "plan", "value": "pro"}
        )

    assert refused.value.problems[0].path == "property"
    assert "release-properties" in refused.value.remedy


async def test_a_name_that_was_given_back_makes_room_for_another(world: NewWorld) -> None:
    space = await world()
    now = [0.0]
    names = PropertyNames(EvidenceStore(space.database), lambda: now[0])
    full = {f"p_{n}": 1 for n in range(MAX_NAMES_OF_SOURCE)}
    assert set(await names.in_use(space.space, [("page", full)])) == set(full)
    assert "p_plan" not in await names.in_use(space.space, [("page", {"p_plan": 1})])

    released = await space.use_cases.spaces.release_property_names(
        space.scope, ["p_7", "p_8", "p_none"]
    )
    now[0] += REFRESH_S

    assert released == ["p_7", "p_8"]
    found = await names.in_use(space.space, [("page", {"p_plan": 1})])
    assert set(found) == {*full, "p_plan"} - {"p_7", "p_8"}
    assert set(await space.use_cases.spaces.property_names(space.scope)) == set(found)


async def test_names_that_an_earlier_version_took_are_nobodys(world: NewWorld) -> None:
    space = await world()
    await space.rows(
        "MATCH (s:Space {name: $space}) SET s.property_names = ['p_old'] "
        "REMOVE s.property_name_sources"
    )

    await space.send(event("m", 1, "user_id:u", properties={"plan": "pro"}), source="shop")

    found = await space.use_cases.spaces.property_names(space.scope)
    assert found == {"p_old": None, "p_plan": "shop"}
