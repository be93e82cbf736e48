"""Inboxes: what is shared by whom, and what is linked with too much, since when."""

from __future__ import annotations

from typing import Any

import pytest

from identity_service.collect.segment import Collected
from identity_service.graph import inboxes
from identity_service.services.kit.clock import system_clock
from tests.support.graphql import GraphQLWorld, OpenSpace, event

POLICY = """
types:
  user_id: {priority: 1, kind: person, limit: 1}
  email: {priority: 2, kind: person, limit: 5}
  cookie: {priority: 8, kind: device, shared: quarantine}
  hub: {priority: 9, kind: device, shared: merge, max_links: 1}
"""
DAY = 86_400_000
PEOPLE = "value sharedBy { kind identifiers(first: 1) { value } }"


@pytest.fixture
async def space(world: GraphQLWorld) -> OpenSpace:
    return await world.create_space(POLICY)


async def share(world: GraphQLWorld, space: OpenSpace, cookie: str, *people: str) -> None:
    """People use a device one after the other; each is known by two person identifiers."""
    await world.send(
        space,
        *(
            event(at, f"cookie:{cookie}", f"user_id:{who}", f"email:{who}@x.org")
            for at, who in enumerate(people)
        ),
    )


def nodes(connection: dict[str, Any]) -> list[dict[str, Any]]:
    return [edge["node"] for edge in connection["edges"]]


def names(identifier: dict[str, Any]) -> list[str]:
    return [customer["identifiers"][0]["value"] for customer in identifier["sharedBy"]]


async def test_what_most_people_share_comes_first_however_many_links_they_left(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await share(world, space, "few", "ann", "bob")
    await world.send(space, *(event(9, "cookie:few", f"cookie:visitor-{n}") for n in range(9)))
    await share(world, space, "many", "ann", "bob", "cid", "dan")
    await share(world, space, "some", "ann", "bob", "cid")

    found = await world.of_space(
        space,
        f"contested {{ edges {{ node {{ {PEOPLE} linkCount }} }} }}"
        " page: contested(first: 1) { edges { node { value } }"
        " pageInfo { hasNextPage endCursor } }",
    )
    after = found["page"]["pageInfo"]["endCursor"]
    rest = await world.of_space(
        space, f'contested(after: "{after}") {{ edges {{ node {{ value }} }} }}'
    )

    assert [(i["value"], len(i["sharedBy"])) for i in nodes(found["contested"])] == [
        ("many", 4),
        ("some", 3),
        ("few", 2),
    ]
    assert nodes(found["contested"])[2]["linkCount"] == 13
    assert nodes(found["page"]) == [{"value": "many"}]
    assert found["page"]["pageInfo"]["hasNextPage"]
    assert nodes(rest["contested"]) == [{"value": "some"}, {"value": "few"}]


async def test_of_as_many_people_the_first_by_key_comes_first_and_none_twice(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    for cookie in ("c2", "c3", "c1"):
        await share(world, space, cookie, "ann", "bob")

    listed: list[str] = []
    after = "null"
    while after:
        found = await world.of_space(
            space,
            f"contested(first: 1, after: {after}) {{ edges {{ node {{ value }} }}"
            " pageInfo { hasNextPage endCursor } }",
        )
        listed += [node["value"] for node in nodes(found["contested"])]
        page = found["contested"]["pageInfo"]
        after = f'"{page["endCursor"]}"' if page["hasNextPage"] else ""

    assert listed == ["c1", "c2", "c3"]


async def test_who_used_it_last_is_named_first_and_only_known_customers_are(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await share(world, space, "tablet", "ann", "bob", "cid")
    await world.send(space, event(50, "cookie:tablet", "user_id:ann"))
    await world.send(space, event(60, "cookie:tablet", "cookie:nobodys"))

    found = await world.of_space(
        space, f"contested {{ edges {{ node {{ {PEOPLE} two: sharedBy(first: 2) {{ kind }} }} }} }}"
    )

    [tablet] = nodes(found["contested"])

    assert names(tablet) == ["ann", "cid", "bob"]
    assert {customer["kind"] for customer in tablet["sharedBy"]} == {"KNOWN"}
    assert len(tablet["two"]) == 2


async def test_people_are_customers_and_a_judgement_makes_two_of_them_one(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await share(world, space, "tablet", "ann", "bob", "cid")

    await world.ask(
        f'mutation {{ judge(space: "{space.name}", verdict: SAME, reason: "married name",'
        ' a: {type: "user_id", value: "ann"}, b: {type: "user_id", value: "bob"})'
        " { __typename } }",
        key=space.admin_key,
    )
    found = await world.of_space(space, f"contested {{ edges {{ node {{ {PEOPLE} }} }} }}")

    assert names(nodes(found["contested"])[0]) == ["cid", "ann"]


async def test_what_is_used_by_one_person_is_shared_by_that_one(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await share(world, space, "phone", "ann")

    phone = await world.customer(
        space, "cookie:phone", f"... on Customer {{ identifiers {{ {PEOPLE} }} }}"
    )
    found = await world.of_space(space, "contested { edges { node { value } } }")

    assert [names(identifier) for identifier in phone["identifiers"]] == [["ann"]] * 3
    assert nodes(found["contested"]) == []


async def test_links_over_time_add_up_by_day_to_the_number_of_links(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    seen = {-1: ["a"], 0: ["b", "c"], DAY - 1: ["d"], DAY: ["e"], 40 * DAY + 5: ["a", "f"]}
    await world.send(
        space, *(event(at, "hub:h", f"cookie:{c}") for at, them in seen.items() for c in them)
    )

    found = await world.of_space(
        space,
        "superConnectors { edges { node { value linkCount linksOverTime { day linkCount }"
        " last: linksOverTime(first: 2) { linkCount } none: linksOverTime(first: 0) { day } } } }",
    )

    [hub] = nodes(found["superConnectors"])
    assert [(at["day"][:10], at["linkCount"]) for at in hub["linksOverTime"]] == [
        ("1969-12-31", 1),
        ("1970-01-01", 4),
        ("1970-01-02", 5),
        ("1970-02-10", 6),
    ]
    assert hub["linkCount"] == 6
    assert hub["last"] == [{"linkCount": 5}, {"linkCount": 6}]
    assert hub["none"] == []


async def test_the_source_that_brought_most_links_is_named_with_the_day_on_which_it_began(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await world.send(space, event(0, "hub:h", "cookie:a"), event(DAY, "hub:h", "cookie:b"))
    junk = [event(5 * DAY, "hub:h", "cookie:b"), event(6 * DAY, "hub:h", "cookie:c")]
    junk += [event(7 * DAY + n, "hub:h", f"cookie:j{n}") for n in range(3)]
    sender = world.access.operator_as_sender(space.name)
    await world.ingest.take(sender, Collected(tuple(junk), ()), system_clock())

    found = await world.of_space(
        space,
        "superConnectors { edges { node { linksBySource { source linkCount since peak }"
        " first: linksBySource(first: 1) { source } } } }",
    )

    [hub] = nodes(found["superConnectors"])
    assert hub["linksBySource"] == [
        {
            "source": "command line",
            "linkCount": 5,
            "since": "1970-01-02T00:00:00.000Z",
            "peak": "1970-01-08T00:00:00.000Z",
        },
        {
            "source": space.name,
            "linkCount": 2,
            "since": "1970-01-01T00:00:00.000Z",
            "peak": "1970-01-01T00:00:00.000Z",
        },
    ]
    assert hub["first"] == [{"source": "command line"}]


async def test_an_inbox_ranks_those_with_the_most_links_where_there_are_too_many(
    world: GraphQLWorld, space: OpenSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inboxes, "MAX_RANKED", 2)
    for number, cookie in enumerate(("c1", "c2", "c3"), 2):
        await share(world, space, cookie, *(f"u{n}" for n in range(number)))

    found = await world.of_space(space, "contested { edges { node { value } } }")

    assert nodes(found["contested"]) == [{"value": "c3"}, {"value": "c2"}]


@pytest.mark.parametrize(
    "field", ["sharedBy(first: 101) { kind }", "linksOverTime(first: 1001) { day }"]
)
async def test_no_more_is_asked_for_than_may_be(
    world: GraphQLWorld, space: OpenSpace, field: str
) -> None:
    await share(world, space, "tablet", "ann", "bob")

    answer = await world.ask(
        f'{{ space(name: "{space.name}") {{ contested {{ edges {{ node {{ {field} }} }} }} }} }}',
        key=space.reader_key,
    )

    assert answer["errors"][0]["extensions"]["code"] == "BAD_INPUT"
