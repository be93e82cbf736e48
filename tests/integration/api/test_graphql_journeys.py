"""Journeys over GraphQL: rows become objects, and mistakes are said."""

from __future__ import annotations

import pytest

from tests.support.graphql import GraphQLWorld, OpenSpace, event

pytestmark = pytest.mark.neo4j

MINUTE = 60_000


@pytest.fixture
async def space(world: GraphQLWorld) -> OpenSpace:
    """Ann looks at a page and buys on another device; Ben only looks."""
    made = await world.create_space()
    await world.send(
        made,
        event(MINUTE, "user_id:ann", "anonymous_id:phone", name="Home", type="page"),
        event(3 * MINUTE, "user_id:ann", "anonymous_id:laptop", name="Bought"),
        event(2 * MINUTE, "user_id:ben", "anonymous_id:tablet", name="Home", type="page"),
    )
    return made


async def test_the_journeys_of_the_contract_count_customers_and_not_devices(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    found = await world.of_space(
        space,
        """journeys {
          lastPageBefore(event: "Bought") { page customers share }
          flows(startEvent: "Home", depth: 2) { step from to customers }
          funnel(steps: ["Home", "Bought"]) { event customers share medianSeconds }
          correlation(goal: "Bought") { event phi both eventOnly goalOnly neither }
          dropOff(silentFor: "1d") { event customers share }
        }""",
    )

    assert found["journeys"] == {
        "lastPageBefore": [{"page": "Home", "customers": 1, "share": 1.0}],
        "flows": [{"step": 1, "from": "Home", "to": "Bought", "customers": 1}],
        "funnel": [
            {"event": "Home", "customers": 2, "share": 1.0, "medianSeconds": None},
            {"event": "Bought", "customers": 1, "share": 0.5, "medianSeconds": 120.0},
        ],
        "correlation": [
            {
                "event": "Home",
                "phi": 0.0,
                "both": 1,
                "eventOnly": 1,
                "goalOnly": 0,
                "neither": 0,
            }
        ],
        "dropOff": [
            {"event": "Bought", "customers": 1, "share": 0.5},
            {"event": "Home", "customers": 1, "share": 0.5},
        ],
    }


async def test_a_bad_parameter_is_named(world: GraphQLWorld, space: OpenSpace) -> None:
    answer = await world.ask(
        "query ($space: String!)"
        ' { space(name: $space) { journeys { dropOff(silentFor: "soon") { event } } } }',
        {"space": space.name},
        key=space.reader_key,
    )

    assert "silent" in answer["errors"][0]["message"]


async def test_the_path_of_a_customer_is_typed(world: GraphQLWorld, space: OpenSpace) -> None:
    await world.send(space, event(4 * MINUTE, "user_id:ann", "card:7, a:b", name="Paid"))

    found = await world.of_space(
        space,
        """journeys {
          customerPath(identifier: {type: "user_id", value: "ann"}, first: 2) {
            at event identifiers { type value }
          }
        }""",
    )

    assert found["journeys"]["customerPath"] == [
        {
            "at": "1970-01-01T00:03:00.000Z",
            "event": "Bought",
            "identifiers": [
                {"type": "anonymous_id", "value": "laptop"},
                {"type": "user_id", "value": "ann"},
            ],
        },
        {
            "at": "1970-01-01T00:04:00.000Z",
            "event": "Paid",
            "identifiers": [
                {"type": "card", "value": "7, a:b"},
                {"type": "user_id", "value": "ann"},
            ],
        },
    ]
