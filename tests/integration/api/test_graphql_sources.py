"""Sources are listed, paused, limited, given new keys and other spaces, also by two at once."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from identity_service.domain.timestamps import iso
from identity_service.errors import FieldInvalid
from identity_service.graph.access import AccessStore
from identity_service.graph.database import Database
from identity_service.services.kit.clock import system_clock
from identity_service.services.spaces.access import KEY_CACHE_S, Access, Sender, hash_key
from identity_service.services.spaces.sources import MAX_GOOD_KEYS
from tests.support.elapsed import Elapsed
from tests.support.graphql import GraphQLWorld, OpenSpace, event, graphql_world
from tests.support.service import RunningService, Space, create_space
from tests.support.statements import reading

pytestmark = pytest.mark.neo4j

SOURCE = (
    "name spaces feedsOtherSpaces region createdAt pausedAt pausedBy eventsPerSecond"
    " keys { createdAt goodUntil }"
)
CHANGED = (
    f"{{ __typename ... on Source {{ {SOURCE} }}"
    " ... on Invalid { problems { path message } } }"
)
ROTATED = (
    f"{{ __typename ... on SourceKeyRotated {{ writeKey source {{ {SOURCE} }} }}"
    " ... on Invalid { problems { path message } } }"
)


@pytest.fixture(scope="module")
async def elsewhere(database: Database) -> AsyncGenerator[GraphQLWorld]:
    """Another process, as far as the database can tell."""
    async with graphql_world(database) as world:
        yield world


@pytest.fixture(scope="module")
async def space(world: GraphQLWorld) -> OpenSpace:
    return await world.create_space()


@pytest.fixture
async def source(world: GraphQLWorld, space: OpenSpace) -> OpenSpace:
    """A source of the space: its name and its key, beside the keys of the space."""
    return await create(world, space.admin_key, space)


async def create(world: GraphQLWorld, key: str, *spaces: OpenSpace) -> OpenSpace:
    name = f"source-{secrets.token_hex(6)}"
    made = await mutated(
        world,
        f'createSource(name: "{name}", spaces: {json.dumps([each.name for each in spaces])})'
        " { ... on SourceCreated { writeKey } }",
        key,
    )
    return OpenSpace(name, spaces[0].admin_key, spaces[0].reader_key, made["writeKey"])


async def mutated(world: GraphQLWorld, mutation: str, key: str) -> dict[str, Any]:
    answer = await world.ask(f"mutation {{ {mutation} }}", key=key)
    assert "errors" not in answer, answer
    [made] = answer["data"].values()
    return made


async def change(
    world: GraphQLWorld, name: str, space: OpenSpace, source: OpenSpace, key: str, more: str = ""
) -> dict[str, Any]:
    of_source = f'space: "{space.name}", source: "{source.name}"'
    answers = ROTATED if name == "rotateSourceKey" else CHANGED
    return await mutated(world, f"{name}({of_source} {more}) {answers}", key)


async def sender_of(access: Access, key: str) -> Sender | None:
    return access.sender(await access.authenticate(key))


async def test_sources_are_listed_by_name_page_by_page(world: GraphQLWorld) -> None:
    space = await world.create_space()
    made = [await create(world, space.admin_key, space) for _ in range(2)]
    names = sorted((space.name, *(each.name for each in made)))

    page = f"edges {{ node {{ {SOURCE} }} }} pageInfo {{ hasNextPage endCursor }}"
    first = await world.of_space(space, f"sources(first: 2) {{ {page} }}")
    end = first["sources"]["pageInfo"]["endCursor"]
    second = await world.of_space(space, f'sources(first: 2, after: "{end}") {{ {page} }}')
    before = await world.ask(
        f'{{ sources(first: 500, after: "{end}") {{ edges {{ node {{ name spaces }} }} }} }}',
        key=world.admin_key,
    )

    pages = [first["sources"], second["sources"]]
    found = [edge["node"] for each in pages for edge in each["edges"]]
    assert [each["name"] for each in found] == names
    assert [each["pageInfo"]["hasNextPage"] for each in pages] == [True, False]
    assert all(each["spaces"] == [space.name] and len(each["keys"]) == 1 for each in found)
    assert {"name": names[2], "spaces": [space.name]} in [
        edge["node"] for edge in before["data"]["sources"]["edges"]
    ]


async def test_administrators_of_one_space_learn_of_no_other(world: GraphQLWorld) -> None:
    ours, theirs = await world.create_space(), await world.create_space()
    both = await create(world, world.admin_key, ours, theirs)

    listed = await world.of_space(ours, f"sources {{ edges {{ node {{ {SOURCE} }} }} }}")
    refused = [
        await change(world, name, ours, both, ours.admin_key)
        for name in ("pauseSource", "resumeSource", "limitSource", "rotateSourceKey")
    ]
    unknown = await change(world, "pauseSource", ours, theirs, ours.admin_key)

    found = {edge["node"]["name"]: edge["node"] for edge in listed["sources"]["edges"]}
    assert theirs.name not in json.dumps(listed)
    assert (found[both.name]["spaces"], found[both.name]["feedsOtherSpaces"]) == ([ours.name], True)
    message = f"The source “{both.name}” feeds other spaces too."
    assert all(each["problems"][0]["message"].startswith(message) for each in refused)
    assert unknown["problems"][0]["message"] == (
        f"There is no source “{theirs.name}” that feeds “{ours.name}”."
    )
    paused = await change(world, "pauseSource", ours, both, world.admin_key)
    assert paused["spaces"] == sorted((ours.name, theirs.name))


async def test_a_source_is_paused_since_the_first_time_and_resumed(
    world: GraphQLWorld, elsewhere: GraphQLWorld, space: OpenSpace, source: OpenSpace
) -> None:
    first = await change(world, "pauseSource", space, source, space.admin_key)
    again = await change(elsewhere, "pauseSource", space, source, space.admin_key)
    of_paused = await sender_of(world.access, source.write_key)
    back = [
        await change(each, "resumeSource", space, source, space.admin_key)
        for each in (world, elsewhere)
    ]

    assert first["pausedAt"] is not None
    assert first["pausedBy"] == "admin"
    assert again == first
    assert of_paused is not None
    assert of_paused.is_paused
    assert back[0] == back[1]
    assert (back[0]["pausedAt"], back[0]["pausedBy"]) == (None, None)
    resumed = await sender_of(world.access, source.write_key)
    assert resumed is not None
    assert not resumed.is_paused


async def test_other_processes_notice_a_change_in_time(
    database: Database, world: GraphQLWorld, space: OpenSpace, source: OpenSpace
) -> None:
    timer = Elapsed()
    other = Access(AccessStore(database), timer)
    before = await sender_of(other, source.write_key)

    await change(world, "pauseSource", space, source, space.admin_key)
    await change(world, "limitSource", space, source, space.admin_key, "eventsPerSecond: 7.5")
    timer.now += KEY_CACHE_S
    after = await sender_of(other, source.write_key)

    assert before is not None
    assert (before.is_paused, before.events_per_s) == (False, None)
    assert after is not None
    assert (after.is_paused, after.events_per_s) == (True, 7.5)


async def test_other_processes_notice_a_rotation_in_time(
    database: Database, world: GraphQLWorld, space: OpenSpace, source: OpenSpace
) -> None:
    timer = Elapsed()
    other = Access(AccessStore(database), timer)
    before = await sender_of(other, source.write_key)

    await change(world, "rotateSourceKey", space, source, space.admin_key, "graceSeconds: 0")
    timer.now += KEY_CACHE_S
    after = await sender_of(other, source.write_key)

    assert before is not None
    assert after is None


async def test_a_limit_is_set_changed_and_taken_away(
    world: GraphQLWorld, space: OpenSpace, source: OpenSpace
) -> None:
    limits = [
        (await change(world, "limitSource", space, source, space.admin_key, more))[
            "eventsPerSecond"
        ]
        for more in ("eventsPerSecond: 5", "eventsPerSecond: 5", "eventsPerSecond: 0.5", "")
    ]
    refused = await change(
        world, "limitSource", space, source, space.admin_key, "eventsPerSecond: 0"
    )

    assert limits == [5.0, 5.0, 0.5, None]
    assert refused["problems"][0]["path"] == "eventsPerSecond"


async def test_after_a_rotation_both_keys_are_good_until_the_grace_is_over(
    database: Database, world: GraphQLWorld, space: OpenSpace, source: OpenSpace
) -> None:
    rotated = await change(
        world, "rotateSourceKey", space, source, space.admin_key, "graceSeconds: 3600"
    )
    new = rotated["writeKey"]
    during = [await sender_of(world.access, key) for key in (source.write_key, new)]
    ended = await change(
        world, "rotateSourceKey", space, source, space.admin_key, "graceSeconds: 0"
    )
    after = [
        await sender_of(world.access, key) for key in (source.write_key, new, ended["writeKey"])
    ]
    stored = await database.read_all(
        reading("MATCH (k:ApiKey {source: $source}) RETURN properties(k) AS key"),
        source=source.name,
    )

    assert [each is not None and each.source for each in during] == [source.name] * 2
    assert [key["goodUntil"] is None for key in rotated["source"]["keys"]] == [False, True]
    assert [each is not None for each in after] == [False, False, True]
    assert len(ended["source"]["keys"]) == 1
    assert {row["key"]["hash"] for row in stored} == {
        hash_key(key) for key in (source.write_key, new, ended["writeKey"])
    }
    assert all(key not in str(stored) for key in (source.write_key, new, ended["writeKey"]))


async def test_a_later_rotation_prolongs_no_key(
    world: GraphQLWorld, space: OpenSpace, source: OpenSpace
) -> None:
    first = await change(
        world, "rotateSourceKey", space, source, space.admin_key, "graceSeconds: 60"
    )
    second = await change(
        world, "rotateSourceKey", space, source, space.admin_key, "graceSeconds: 3600"
    )

    ends = [key["goodUntil"] for key in second["source"]["keys"]]
    assert ends[0] == first["source"]["keys"][0]["goodUntil"]
    assert ends[0] < ends[1]
    assert ends[2] is None


async def test_of_two_rotations_at_once_both_keys_are_good(
    world: GraphQLWorld, elsewhere: GraphQLWorld, space: OpenSpace, source: OpenSpace
) -> None:
    made = await asyncio.gather(
        *(
            change(each, "rotateSourceKey", space, source, space.admin_key)
            for each in (world, elsewhere)
        )
    )

    keys = [source.write_key, *(each["writeKey"] for each in made)]
    good = [await sender_of(world.access, key) for key in keys]
    assert [each is not None for each in good] == [True] * 3
    listed = await change(world, "resumeSource", space, source, space.admin_key)
    assert [key["goodUntil"] is None for key in listed["keys"]].count(True) == 1


async def test_good_keys_do_not_pile_up(
    world: GraphQLWorld, space: OpenSpace, source: OpenSpace
) -> None:
    for _ in range(MAX_GOOD_KEYS - 1):
        await change(world, "rotateSourceKey", space, source, space.admin_key)

    refused = await change(world, "rotateSourceKey", space, source, space.admin_key)
    ended = await change(
        world, "rotateSourceKey", space, source, space.admin_key, "graceSeconds: 0"
    )

    assert "10 keys that are good" in refused["problems"][0]["message"]
    assert len(ended["source"]["keys"]) == 1


async def test_a_source_whose_key_was_revoked_gets_another(
    world: GraphQLWorld, space: OpenSpace, source: OpenSpace
) -> None:
    await mutated(
        world,
        f'revokeKey(space: "{space.name}", name: "{source.name}") {{ __typename }}',
        space.admin_key,
    )
    without = await change(world, "resumeSource", space, source, space.admin_key)

    rotated = await change(world, "rotateSourceKey", space, source, space.admin_key)

    assert without["keys"] == []
    assert len(rotated["source"]["keys"]) == 1
    assert await sender_of(world.access, source.write_key) is None
    assert await sender_of(world.access, rotated["writeKey"]) is not None


async def test_a_source_feeds_the_spaces_that_it_is_given(
    world: GraphQLWorld, elsewhere: GraphQLWorld, source: OpenSpace, space: OpenSpace
) -> None:
    second, third = await world.create_space(), await world.create_space()
    wanted = json.dumps([third.name, second.name, third.name])
    feed = f"spaces: {wanted}"

    fed = await change(world, "feedSpaces", space, source, world.admin_key, feed)
    again = await change(elsewhere, "feedSpaces", second, source, elsewhere.admin_key, feed)
    gone = await change(world, "pauseSource", space, source, space.admin_key)
    sender = await sender_of(world.access, source.write_key)

    assert fed["spaces"] == sorted((second.name, third.name))
    assert again == fed
    assert gone["__typename"] == "Invalid"
    assert sender is not None
    assert sorted(scope.space for scope in sender.scopes) == fed["spaces"]


async def test_spaces_that_are_none_or_have_a_key_of_the_name_are_not_fed(
    world: GraphQLWorld, source: OpenSpace, space: OpenSpace
) -> None:
    other = await world.create_space()
    await mutated(
        world,
        f'createKey(space: "{other.name}", role: READER, name: "{source.name}") {{ __typename }}',
        other.admin_key,
    )

    refused = [
        await change(
            world, "feedSpaces", space, source, world.admin_key, f"spaces: {json.dumps(spaces)}"
        )
        for spaces in (["no-such-space"], [other.name], [])
    ]
    listed = await change(world, "resumeSource", space, source, world.admin_key)

    assert [each["problems"][0]["message"] for each in refused] == [
        "There is no space “no-such-space”.",
        f"The space “{other.name}” has a key “{source.name}” already.",
        "A source feeds 1 to 100 spaces.",
    ]
    assert listed["spaces"] == [space.name]


async def test_what_a_source_sent_is_shown_with_it(
    world: GraphQLWorld, space: OpenSpace, source: OpenSpace
) -> None:
    now = system_clock()
    sender = OpenSpace(space.name, space.admin_key, space.reader_key, source.write_key)
    await world.send(
        sender, event(now - 1_500, "user_id:ann"), event(now, "user_id:null"), received_at=now
    )
    await world.services.source_counts.write()

    found = await change(world, "resumeSource", space, source, space.admin_key)
    listed = await world.of_space(
        space,
        "sources { edges { node { name lastSeenAt statistics(days: 1) { received accepted known"
        " rejected { code events } collisions meanLagSeconds longestLagSeconds } } } }",
    )
    too_many = await world.ask(
        f'{{ space(name: "{space.name}") {{ sources {{ edges {{ node {{'
        " statistics(days: 91) { received } } } } } }",
        key=space.admin_key,
    )

    [shown] = [
        edge["node"] for edge in listed["sources"]["edges"] if edge["node"]["name"] == found["name"]
    ]
    assert shown == {
        "name": source.name,
        "lastSeenAt": iso(now),
        "statistics": {
            "received": 2,
            "accepted": 1,
            "known": 0,
            "rejected": [{"code": "NO_IDENTIFIER", "events": 1}],
            "collisions": 0,
            "meanLagSeconds": 1.5,
            "longestLagSeconds": 1.5,
        },
    }
    assert too_many["errors"][0]["extensions"]["code"] == "BAD_INPUT"


async def test_an_app_id_of_snowplow_is_the_source_until_its_keys_are_revoked(
    world: GraphQLWorld, elsewhere: GraphQLWorld, space: OpenSpace
) -> None:
    app_id = f"app-{secrets.token_hex(6)}"

    async def create_with(name: str, of: GraphQLWorld) -> dict[str, Any]:
        return await mutated(
            of,
            f'createSource(name: "{name}", spaces: ["{space.name}"], snowplowAppId: "{app_id}")'
            " { __typename ... on SourceCreated { name } ... on Invalid { problems { path } } }",
            space.admin_key,
        )

    made = await asyncio.gather(create_with(f"{app_id}-a", world), create_with(app_id, elsewhere))
    [name] = [each["name"] for each in made if each["__typename"] == "SourceCreated"]
    source = OpenSpace(name, space.admin_key, space.reader_key, "")
    rotated = await change(
        world, "rotateSourceKey", space, source, space.admin_key, "graceSeconds: 0"
    )
    sender = await sender_of(world.access, app_id)
    await mutated(
        world,
        f'revokeKey(space: "{space.name}", name: "{name}") {{ __typename }}',
        space.admin_key,
    )

    assert sorted(each["__typename"] for each in made) == ["Invalid", "SourceCreated"]
    assert len(rotated["source"]["keys"]) == 1
    assert sender is not None
    assert sender.source == name
    assert await sender_of(world.access, app_id) is None
    again = await create_with(f"{app_id}-b", world)
    assert again["problems"] == [{"path": "snowplowAppId"}]


@pytest.mark.parametrize("app_id", ["", "two words", "ids_write_x", "a" * 256])
async def test_an_app_id_that_could_be_no_key_is_refused(
    world: GraphQLWorld, space: OpenSpace, app_id: str
) -> None:
    with pytest.raises(FieldInvalid, match="An app id has"):
        await world.spaces.create_source(
            await world.access.authenticate(space.admin_key),
            f"s-{secrets.token_hex(4)}",
            [space.name],
            None,
            app_id,
        )


def ask(service: RunningService, space: Space, mutation: str) -> None:
    answer = service.post(
        "/graphql",
        json={"query": f"mutation {{ {mutation} {{ __typename }} }}"},
        headers={"Authorization": f"Bearer {space.admin_key}"},
    )
    assert "errors" not in answer.json(), answer.text


def test_senders_of_a_paused_source_are_asked_to_come_back(service: RunningService) -> None:
    space = create_space(service.settings)
    of_source = f'space: "{space.name}", source: "{space.name}"'
    call = {"userId": "u", "event": "Seen", "messageId": "m"}
    ask(service, space, f"pauseSource({of_source})")
    refused = service.post("/v1/track", space.write_key, json=call)
    none = space.events()

    ask(service, space, f"resumeSource({of_source})")
    taken = service.post("/v1/track", space.write_key, json=call)

    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "30")
    assert refused.json()["code"] == "SOURCE_PAUSED"
    assert none == []
    assert taken.status_code == 200
    assert len(space.events()) == 1


def test_a_source_beyond_its_limit_is_asked_to_wait(service: RunningService) -> None:
    space = create_space(service.settings)
    calls = [{"type": "track", "userId": "u", "event": str(n)} for n in range(40)]
    ask(
        service,
        space,
        f'limitSource(space: "{space.name}", source: "{space.name}", eventsPerSecond: 1)',
    )

    taken = service.post("/v1/batch", space.write_key, json={"batch": calls})
    refused = service.post("/v1/batch", space.write_key, json={"batch": calls})

    assert taken.status_code == 200
    assert (refused.status_code, refused.json()["code"]) == (429, "OVERLOADED")
    assert 25 <= int(refused.headers["Retry-After"]) <= 31


def test_trackers_of_snowplow_are_known_by_their_app_id(service: RunningService) -> None:
    space, app_id = create_space(service.settings), f"app-{secrets.token_hex(6)}"
    made = service.post(
        "/graphql",
        json={
            "query": f'mutation {{ createSource(name: "{app_id}", spaces: ["{space.name}"],'
            f' snowplowAppId: "{app_id}") {{ ... on SourceCreated {{ name }} }} }}'
        },
        headers={"Authorization": f"Bearer {space.admin_key}"},
    )
    path = "/com.snowplowanalytics.snowplow/tp2"

    def payload(eid: str, aid: str) -> dict[str, Any]:
        event = {"e": "pv", "eid": eid, "aid": aid, "duid": "d", "p": "web"}
        return {"schema": "iglu:payload_data", "data": [{"e": "pp"}, event]}

    answers = [
        service.post(path, json=payload("e1", app_id)),
        service.get("/i", params={"e": "pv", "eid": "e2", "aid": app_id, "duid": "d"}),
        service.post(path, json=payload("e3", "another-app"), params={"writeKey": space.write_key}),
        service.post(path, json=payload("e4", "another-app")),
        service.get("/i", params={"e": "pv", "eid": "e5", "aid": "another-app", "duid": "d"}),
        service.post(path, json=payload("e6", app_id), params={"writeKey": "ids_write_none"}),
    ]

    assert made.json()["data"]["createSource"] == {"name": app_id}
    assert [answer.status_code for answer in answers] == [200, 200, 200, 401, 401, 401]
    sources = space.rows(
        "MATCH (e:Event {space: $space}) RETURN e.message_id AS id, e.source AS source ORDER BY id"
    )
    assert [(row["id"], row["source"]) for row in sources] == [
        ("e1", app_id),
        ("e2", app_id),
        ("e3", space.name),
    ]
