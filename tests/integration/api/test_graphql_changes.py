"""What GraphQL changes: spaces, policies and judgements. Expected refusals are values."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

import pytest

from identity_service.graph.database import Database
from tests.support.graphql import GraphQLWorld, OpenSpace, event
from tests.support.neighbours import settled

INVALID = "... on Invalid { message problems { path message } }"


@pytest.fixture
async def space(world: GraphQLWorld) -> OpenSpace:
    return await world.create_space()


async def create_space(world: GraphQLWorld, name: str, policy: str | None = None) -> dict[str, Any]:
    answer = await world.ask(
        "mutation($n: String!, $p: String) { createSpace(name: $n, policy: $p) { __typename"
        " ... on SpaceCreated { adminKey readerKey writeKey"
        " space { name policy { version text } } }"
        f" {INVALID} }} }}",
        {"n": name, "p": policy},
        key=world.admin_key,
    )
    return answer["data"]["createSpace"]


async def judge(
    world: GraphQLWorld, space: OpenSpace, verdict: str, a: str, b: str, reason: str = "I know them"
) -> dict[str, Any]:
    (a_type, a_value), (b_type, b_value) = a.split(":"), b.split(":")
    answer = await world.ask(
        "mutation($s: String!, $v: Verdict!,"
        " $a: IdentifierInput!, $b: IdentifierInput!, $r: String!)"
        " { judge(space: $s, verdict: $v, a: $a, b: $b, reason: $r) { ... on Judged { judgement {"
        " id verdict author reason a { type value identifier { value } } b { value }"
        " withdrawnAt } changes { kind identifiers { value } } message }"
        f" {INVALID} }} }}",
        {
            "s": space.name,
            "v": verdict,
            "a": {"type": a_type, "value": a_value},
            "b": {"type": b_type, "value": b_value},
            "r": reason,
        },
        key=space.admin_key,
    )
    return answer["data"]["judge"]


async def same(world: GraphQLWorld, space: OpenSpace, a: str, b: str) -> bool:
    ids = [
        (await world.customer(space, i, "... on Customer { customerId }"))["customerId"]
        for i in (a, b)
    ]
    return ids[0] == ids[1]


async def test_a_new_space_has_a_policy_and_keys_for_each_role(world: GraphQLWorld) -> None:
    name = f"new-{secrets.token_hex(8)}"

    made = await create_space(world, name)

    assert made["space"] == {
        "name": name,
        "policy": {"version": 1, "text": "extends: quarantine\n"},
    }
    roles = [
        await world.access.authenticate(made[key]) for key in ("adminKey", "readerKey", "writeKey")
    ]
    assert [caller and caller.role for caller in roles] == ["ADMIN", "READER", "WRITE"]
    assert all(
        made[key].replace("_", "").replace("-", "").isalnum() and len(made[key]) > 43
        for key in ("adminKey", "readerKey", "writeKey")
    )


@pytest.mark.parametrize("name", ["", "Shop", "a/b", "a b", "ä", "x" * 64, "shop\n"])
async def test_a_space_needs_a_proper_name(world: GraphQLWorld, name: str) -> None:
    refused = await create_space(world, name)

    assert refused["__typename"] == "Invalid"
    assert refused["problems"][0]["path"] == "name"


async def test_a_space_with_a_policy_that_has_mistakes_is_not_made(world: GraphQLWorld) -> None:
    name = f"new-{secrets.token_hex(8)}"

    refused = await create_space(world, name, "types: {email: {priority: zero, kind: person}}")
    made = await create_space(world, name, "extends: merge_all")

    assert [problem["path"] for problem in refused["problems"]] == ["types.email.priority"]
    assert made["__typename"] == "SpaceCreated"


async def test_of_spaces_of_one_name_that_are_made_at_once_one_is_made(
    world: GraphQLWorld,
) -> None:
    name = f"new-{secrets.token_hex(8)}"

    made = await asyncio.gather(*(create_space(world, name) for _ in range(5)))

    assert sorted(m["__typename"] for m in made) == ["Invalid"] * 4 + ["SpaceCreated"]
    assert (await create_space(world, name))["problems"] == [
        {"path": "name", "message": f"There is a space “{name}” already."}
    ]


async def test_a_source_of_a_space_that_does_not_exist_is_not_made(world: GraphQLWorld) -> None:
    answer = await world.ask(
        f'mutation {{ createSource(name: "web", spaces: ["no-such-space"]) {{ {INVALID} }} }}',
        key=world.admin_key,
    )

    assert answer["data"]["createSource"]["problems"] == [
        {"path": "spaces", "message": "There is no space “no-such-space”."}
    ]


async def test_a_judgement_joins_and_its_withdrawal_takes_it_back(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await world.send(space, event(1, "user_id:u"), event(2, "email:a@x.org"))

    made = await judge(world, space, "SAME", "user_id:u", "email:A@x.org")
    joined = await same(world, space, "user_id:u", "email:a@x.org")
    withdrawn = await world.ask(
        'mutation($s: String!, $id: ID!) { withdrawJudgement(space: $s, id: $id, reason: "no") {'
        " ... on Judged { judgement { withdrawnAt withdrawnBy withdrawnReason }"
        " changes { kind } message } } }",
        {"s": space.name, "id": made["judgement"]["id"]},
        key=space.admin_key,
    )

    assert joined
    assert made["judgement"] | {"id": ""} == {
        "id": "",
        "verdict": "SAME",
        "author": "admin",
        "reason": "I know them",
        "a": {"type": "user_id", "value": "u", "identifier": {"value": "u"}},
        "b": {"value": "a@x.org"},
        "withdrawnAt": None,
    }
    assert made["changes"] == [{"kind": "MERGED", "identifiers": [{"value": "a@x.org"}]}]
    taken_back = withdrawn["data"]["withdrawJudgement"]
    assert taken_back["judgement"]["withdrawnBy"] == "admin"
    assert taken_back["judgement"]["withdrawnReason"] == "no"
    assert taken_back["changes"] == [{"kind": "SPLIT"}]
    assert taken_back["message"] == "user_id:u and email:a@x.org are two customers now."
    assert not await same(world, space, "user_id:u", "email:a@x.org")
    listed = await world.of_space(
        space, "judgements { edges { node { id verdict withdrawnBy withdrawnReason } } }"
    )
    assert [edge["node"] for edge in listed["judgements"]["edges"]] == [
        {
            "id": made["judgement"]["id"],
            "verdict": "SAME",
            "withdrawnBy": "admin",
            "withdrawnReason": "no",
        }
    ]


async def test_a_judgement_may_speak_of_what_was_not_seen_yet(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    made = await judge(world, space, "APART", "user_id:later", "user_id:u")

    assert made["judgement"]["a"] == {"type": "user_id", "value": "later", "identifier": None}
    assert made["changes"] == []
    assert "were not seen yet: the judgement waits." in made["message"]


async def test_same_outranks_a_limit_and_quarantine_and_its_changes_say_so(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await world.send(space, event(1, "user_id:ann", "anonymous_id:t"))
    await world.send(space, event(2, "user_id:bob", "anonymous_id:t"))

    given = await judge(world, space, "SAME", "user_id:ann", "anonymous_id:t")
    over_the_limit = await judge(world, space, "SAME", "user_id:ann", "user_id:bob")

    assert [(c["kind"], c["identifiers"]) for c in given["changes"]] == [
        ("MERGED", [{"value": "t"}]),
        ("RELEASED", [{"value": "t"}]),
    ]
    assert [c["kind"] for c in over_the_limit["changes"]] == ["MERGED"]
    assert over_the_limit["message"] == "user_id:ann and user_id:bob are one customer now."
    assert await same(world, space, "user_id:bob", "anonymous_id:t")


async def test_apart_outranks_everything_and_says_over_what(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await world.send(space, event(1, "user_id:ann", "email:a@x.org"))
    agreed = await judge(world, space, "SAME", "user_id:ann", "email:a@x.org")

    apart = await judge(world, space, "APART", "user_id:ann", "email:a@x.org")
    again = await judge(world, space, "SAME", "email:a@x.org", "user_id:ann")

    assert agreed["changes"] == []
    assert [c["kind"] for c in apart["changes"]] == ["SPLIT"]
    assert f"wins over {agreed['judgement']['id']}" in apart["message"]
    assert again["changes"] == []
    assert f"were judged apart ({apart['judgement']['id']}), and APART wins" in again["message"]
    assert not await same(world, space, "user_id:ann", "email:a@x.org")


async def test_the_same_judgement_and_the_same_withdrawal_twice_do_no_damage(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await world.send(space, event(1, "user_id:ann"), event(2, "user_id:bob"))

    made = [await judge(world, space, "SAME", "user_id:ann", "user_id:bob") for _ in range(2)]
    first, second = (each["judgement"]["id"] for each in made)
    answers = [
        (
            await world.ask(
                f'mutation {{ withdrawJudgement(space: "{space.name}", id: "{each}", reason: "no")'
                f" {{ ... on Judged {{ changes {{ kind }} message }} {INVALID} }} }}",
                key=space.admin_key,
            )
        )["data"]["withdrawJudgement"]
        for each in (first, first, second, second)
    ]

    assert f"judged before ({first})" in made[1]["message"]
    assert answers[0] == {
        "changes": [],
        "message": "user_id:ann and user_id:bob are one customer still.",
    }
    assert answers[2]["changes"] == [{"kind": "SPLIT"}]
    for refused in (answers[1], answers[3]):
        assert refused["problems"][0]["path"] == "id"
        assert "withdrawn before, by admin" in refused["message"]


@pytest.mark.parametrize(
    ("a", "b", "reason", "path"),
    [
        ("user_id:null", "user_id:u", "so", "a"),
        ("user_id:u", "email:none at all", "so", "b"),
        ("user_id:u", "user_id:u", "so", "b"),
        ("user_id:u", "user_id:v", " ", "reason"),
        ("user_id:u", "user_id:v", "x" * 2_001, "reason"),
        ("user_id:u", "not a type:v", "so", "b"),
    ],
)
async def test_a_judgement_that_makes_no_sense_is_refused(
    world: GraphQLWorld, space: OpenSpace, a: str, b: str, reason: str, path: str
) -> None:
    refused = await judge(world, space, "SAME", a, b, reason)

    assert [problem["path"] for problem in refused["problems"]] == [path]


async def test_a_judgement_that_does_not_exist_cannot_be_withdrawn(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    answer = await world.ask(
        f'mutation {{ withdrawJudgement(space: "{space.name}", id: "jdg_0", reason: "no") {{'
        f" {INVALID} }} }}",
        key=space.admin_key,
    )

    assert answer["data"]["withdrawJudgement"]["problems"][0]["path"] == "id"


SET_POLICY = (
    "mutation($s: String!, $p: String!, $v: Int!) {"
    ' setPolicy(space: $s, policy: $p, expectedVersion: $v, note: "why") { __typename'
    " ... on PolicySet { policy { version text author note } settlement { policyVersion } notes }"
    f" ... on VersionConflict {{ currentVersion }} {INVALID} }} }}"
)


async def test_a_policy_that_is_set_says_what_stored_events_keep(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    sent = {"s": space.name, "p": "extends: adobe\n", "v": 1}

    answer = await world.ask(SET_POLICY, sent, key=space.admin_key)

    (note,) = answer["data"]["setPolicy"]["notes"]
    assert note.startswith("types.CRMID.per_event counts on the events that come from now on")


async def test_a_policy_is_set_once_for_each_version_that_was_read(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    sent = {"s": space.name, "p": "extends: merge_all\n", "v": 1}

    first = await world.ask(SET_POLICY, sent, key=space.admin_key)
    second = await world.ask(SET_POLICY, sent, key=space.admin_key)

    assert first["data"]["setPolicy"] == {
        "__typename": "PolicySet",
        "policy": {"version": 2, "text": sent["p"], "author": "admin", "note": "why"},
        "settlement": {"policyVersion": 2},
        "notes": [],
    }
    assert second["data"]["setPolicy"] == {"__typename": "VersionConflict", "currentVersion": 2}
    listed = await world.of_space(
        space,
        "all: policies { edges { node { version } } }"
        " page: policies(first: 1) { edges { cursor node { version } } pageInfo { hasNextPage } }",
    )
    assert [edge["node"]["version"] for edge in listed["all"]["edges"]] == [2, 1]
    assert listed["page"]["pageInfo"] == {"hasNextPage": True}
    cursor = listed["page"]["edges"][0]["cursor"]
    rest = await world.of_space(
        space, f'policies(after: "{cursor}") {{ edges {{ node {{ version }} }} }}'
    )
    assert [edge["node"]["version"] for edge in rest["policies"]["edges"]] == [1]


async def test_the_settlement_of_a_policy_is_followed_until_it_is_done(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await world.send(space, event(1, "user_id:ann"))
    sent = {"s": space.name, "p": "extends: merge_all\n", "v": 1}
    query = f'subscription {{ settlement(space: "{space.name}") {{ policyVersion settled done }} }}'

    await world.ask(SET_POLICY, sent, key=space.admin_key)
    answers = await world.follow(query, 1_000, key=space.reader_key)

    told = [answer["data"]["settlement"] for answer in answers]
    assert [each["done"] for each in told] == [False] * (len(told) - 1) + [True]
    assert told[-1] == {"policyVersion": 2, "settled": 1, "done": True}


async def test_a_policy_with_mistakes_changes_nothing(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    sent = {"s": space.name, "p": "types: 5\nother: 6", "v": 1}

    refused = await world.ask(SET_POLICY, sent, key=space.admin_key)

    assert {"types", "other"} <= {
        problem["path"] for problem in refused["data"]["setPolicy"]["problems"]
    }
    found = await world.of_space(space, "policy { version } settlement { done policyVersion }")
    assert found == {"policy": {"version": 1}, "settlement": {"done": True, "policyVersion": 1}}


async def test_a_policy_that_another_process_set_is_noticed(
    database: Database, world: GraphQLWorld
) -> None:
    policy = "types: {badge: {priority: 1, kind: KIND}}"
    space = await world.create_space(policy.replace("KIND", "device"))
    await world.send(space, event(1, "badge:b"))
    other = GraphQLWorld(database, world.admin_key)
    selection = "... on Customer { identifiers { kind } }"

    before = await other.customer(space, "badge:b", selection)
    sent = {"s": space.name, "p": policy.replace("KIND", "person"), "v": 1}
    await world.ask(SET_POLICY, sent, key=space.admin_key)
    await settled(world, space)
    after = await other.customer(space, "badge:b", selection)
    await other.client.aclose()

    kinds = [found["identifiers"][0]["kind"] for found in (before, after)]
    assert kinds == ["DEVICE", "PERSON"]
