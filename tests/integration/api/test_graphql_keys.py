"""Who may do what over GraphQL. A space that one may not enter and none look the same."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from identity_service.graph.database import Database
from tests.support.graphql import GraphQLWorld, OpenSpace
from tests.support.statements import reading

JUDGE = (
    'judge(space: "SPACE", verdict: SAME, a: {type: "user_id", value: "a"},'
    ' b: {type: "user_id", value: "b"}, reason: "said so") { __typename }'
)
WITHDRAW = 'withdrawJudgement(space: "SPACE", id: "jdg_1", reason: "wrong") { __typename }'
SET_POLICY = 'setPolicy(space: "SPACE", policy: "", expectedVersion: 1) { __typename }'
CREATE_KEY = 'createKey(space: "SPACE", role: READER, name: "new") { __typename }'
REVOKE_KEY = 'revokeKey(space: "SPACE", name: "no such key") { __typename }'
ROTATE_KEY = 'rotateKey(space: "SPACE", name: "no such key") { __typename }'
CREATE_SOURCE = 'createSource(name: "NAME", spaces: ["SPACE"]) { __typename }'
CREATE_PROOF_SECRET = 'createProofSecret(space: "SPACE", source: "no source") { __typename }'
OF_SOURCE = 'space: "SPACE", source: "no source"'
PAUSE_SOURCE = f"pauseSource({OF_SOURCE}) {{ __typename }}"
RESUME_SOURCE = f"resumeSource({OF_SOURCE}) {{ __typename }}"
LIMIT_SOURCE = f"limitSource({OF_SOURCE}, eventsPerSecond: 5) {{ __typename }}"
ROTATE_SOURCE_KEY = f"rotateSourceKey({OF_SOURCE}) {{ __typename }}"
FEED_SPACES = f'feedSpaces({OF_SOURCE}, spaces: ["SPACE"]) {{ __typename }}'
SET_RULES = f'setReadingRules({OF_SOURCE}, rules: "", expectedVersion: 0) {{ __typename }}'
RESEND = 'resendRejectedEvents(space: "SPACE", events: [{id: "rej_1"}]) { __typename }'
DROP_REJECTED = 'dropRejectedEvents(space: "SPACE", ids: ["rej_1"]) { __typename }'
CREATE_SPACE = 'createSpace(name: "Not a name") { __typename }'
DELETE_SPACE = 'deleteSpace(name: "SPACE", again: "another") { __typename }'

MUTATIONS = {
    JUDGE: {"agent", "admin"},
    WITHDRAW: {"agent", "admin"},
    SET_POLICY: {"admin"},
    CREATE_KEY: {"admin"},
    REVOKE_KEY: {"admin", "instance"},
    ROTATE_KEY: {"admin"},
    CREATE_SOURCE: {"admin", "instance"},
    CREATE_PROOF_SECRET: {"admin", "instance"},
    PAUSE_SOURCE: {"admin", "instance"},
    RESUME_SOURCE: {"admin", "instance"},
    LIMIT_SOURCE: {"admin", "instance"},
    ROTATE_SOURCE_KEY: {"admin", "instance"},
    FEED_SPACES: {"instance"},
    SET_RULES: {"admin", "instance"},
    RESEND: {"admin"},
    DROP_REJECTED: {"admin"},
    CREATE_SPACE: {"instance"},
    DELETE_SPACE: {"instance"},
}
WHO = ("reader", "agent", "admin", "instance", "write", "other", "nobody")


@pytest.fixture(scope="module")
async def space(world: GraphQLWorld) -> OpenSpace:
    return await world.create_space()


@pytest.fixture(scope="module")
async def keys(world: GraphQLWorld, space: OpenSpace) -> dict[str, str | None]:
    return {
        "reader": space.reader_key,
        "agent": await create_key(world, space, "AGENT", "an agent"),
        "admin": space.admin_key,
        "instance": world.admin_key,
        "write": space.write_key,
        "other": (await world.create_space()).admin_key,
        "nobody": None,
    }


async def create_key(world: GraphQLWorld, space: OpenSpace, role: str, name: str) -> str:
    answer = await world.ask(
        f'mutation {{ createKey(space: "{space.name}", role: {role}, name: "{name}")'
        " { ... on KeyCreated { key } ... on Invalid { message } } }",
        key=space.admin_key,
    )
    return answer["data"]["createKey"]["key"]


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("mutation", MUTATIONS)
async def test_a_mutation_needs_its_role(
    world: GraphQLWorld, space: OpenSpace, keys: dict[str, str | None], mutation: str, who: str
) -> None:
    text = mutation.replace("SPACE", space.name).replace("NAME", f"{space.name}-{who}")

    answer = await world.ask(f"mutation {{ {text} }}", key=keys[who])

    codes = [error["extensions"]["code"] for error in answer.get("errors", ())]
    assert codes == ([] if who in MUTATIONS[mutation] else ["FORBIDDEN"])


async def test_a_key_that_is_none_looks_different_from_one_that_sees_nothing(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    asked = {"query": f'{{ spaces {{ name }} space(name: "{space.name}") {{ name }} }}'}

    wrong = await world.post(asked, "ids_reader_of_nothing")
    none = await world.post(asked)

    [error] = wrong.json()["errors"]
    assert (wrong.status_code, error["extensions"]["code"]) == (401, "UNAUTHORISED")
    assert wrong.headers["WWW-Authenticate"] == "Bearer"
    assert "data" not in wrong.json()
    assert (none.status_code, none.json()["data"]) == (200, {"spaces": [], "space": None})
    assert "errors" not in none.json()


@pytest.mark.parametrize("mutation", MUTATIONS)
async def test_a_space_that_is_not_entered_and_one_that_is_none_look_the_same(
    world: GraphQLWorld, space: OpenSpace, keys: dict[str, str | None], mutation: str
) -> None:
    answers = [
        str(
            await world.ask(
                f"mutation {{ {mutation.replace('SPACE', name).replace('NAME', 'n')} }}",
                key=keys["other"],
            )
        ).replace(name, "SPACE")
        for name in (space.name, "no-such-space")
    ]

    assert "FORBIDDEN" in answers[0]
    assert answers[0] == answers[1]


@pytest.mark.parametrize("who", WHO)
async def test_a_key_sees_its_own_space_only(
    world: GraphQLWorld, space: OpenSpace, keys: dict[str, str | None], who: str
) -> None:
    query = (
        f'{{ spaces {{ name }} space(name: "{space.name}") {{ name }}'
        ' none: space(name: "x") { name } }'
    )

    answer = await world.ask(query, key=keys[who])

    seen = {"name": space.name} if who in {"reader", "agent", "admin"} else None
    assert answer["data"]["space"] == seen
    assert answer["data"]["none"] is None
    assert (seen in answer["data"]["spaces"]) is (seen is not None)


@pytest.mark.parametrize(
    ("who", "code"), [("reader", "FORBIDDEN"), ("agent", None), ("admin", None)]
)
async def test_rejected_events_are_not_for_readers(
    world: GraphQLWorld, space: OpenSpace, keys: dict[str, str | None], who: str, code: str | None
) -> None:
    query = f'{{ space(name: "{space.name}") {{ rejectedEvents {{ edges {{ cursor }} }} }} }}'

    answer = await world.ask(query, key=keys[who])

    assert [e["extensions"]["code"] for e in answer.get("errors", ())] == ([code] if code else [])


@pytest.mark.parametrize(
    ("who", "code"), [("reader", "FORBIDDEN"), ("agent", "FORBIDDEN"), ("admin", None)]
)
@pytest.mark.parametrize("what", ["sources", "keys"])
async def test_sources_and_keys_of_a_space_are_for_its_administrators(
    world: GraphQLWorld,
    space: OpenSpace,
    keys: dict[str, str | None],
    who: str,
    code: str | None,
    what: str,
) -> None:
    query = f'{{ space(name: "{space.name}") {{ {what} {{ edges {{ cursor }} }} }} }}'

    answer = await world.ask(query, key=keys[who])

    assert [e["extensions"]["code"] for e in answer.get("errors", ())] == ([code] if code else [])


@pytest.mark.parametrize("who", WHO)
async def test_sources_of_the_instance_are_for_its_administrator(
    world: GraphQLWorld, keys: dict[str, str | None], who: str
) -> None:
    answer = await world.ask("{ sources { edges { cursor } } }", key=keys[who])

    codes = [error["extensions"]["code"] for error in answer.get("errors", ())]
    assert codes == ([] if who == "instance" else ["FORBIDDEN"])


async def test_a_revoked_key_opens_nothing_at_once(world: GraphQLWorld, space: OpenSpace) -> None:
    key = await create_key(world, space, "READER", "short-lived")
    query = "{ spaces { name } }"
    before = await world.ask(query, key=key)

    revoked = await world.ask(
        f'mutation {{ revokeKey(space: "{space.name}", name: "short-lived")'
        " { ... on KeyRevoked { name } } }",
        key=space.admin_key,
    )

    assert before["data"]["spaces"] == [{"name": space.name}]
    assert revoked["data"]["revokeKey"] == {"name": "short-lived"}
    assert (await world.post({"query": query}, key)).status_code == 401


async def test_the_name_of_a_revoked_key_is_free_again(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    revoke = (
        f'mutation {{ revokeKey(space: "{space.name}", name: "again")'
        " { __typename ... on Invalid { problems { path message } } } }"
    )
    await create_key(world, space, "READER", "again")
    await world.ask(revoke, key=space.admin_key)

    assert await create_key(world, space, "AGENT", "again")
    await world.ask(revoke, key=space.admin_key)
    twice = await world.ask(revoke, key=space.admin_key)
    assert twice["data"]["revokeKey"]["problems"] == [
        {"path": "name", "message": "There is no key “again” that is not revoked."}
    ]


async def test_of_ten_keys_of_one_name_that_are_made_at_once_one_is_made(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    query = (
        f'mutation {{ createKey(space: "{space.name}", role: READER, name: "contended")'
        " { __typename } }"
    )

    answers = await asyncio.gather(*(world.ask(query, key=space.admin_key) for _ in range(10)))

    made = [answer["data"]["createKey"]["__typename"] for answer in answers]
    assert sorted(made) == ["Invalid"] * 9 + ["KeyCreated"]


async def test_a_key_that_is_rotated_stays_good_for_as_long_as_is_asked(
    world: GraphQLWorld,
) -> None:
    space = await world.create_space()
    before = await create_key(world, space, "AGENT", "robot")
    rotate = (
        f'mutation Rotate($grace: Int) {{ rotateKey(space: "{space.name}", name: "robot"'
        ", graceSeconds: $grace) { ... on KeyRotated { name role key earlierGoodUntil }"
        " ... on Invalid { code message problems { path } } } }"
    )
    keys = (
        f'{{ space(name: "{space.name}") {{ keys {{ edges'
        " { node { name role earlierGoodUntil } } } } viewer { name role spaces { name } } }"
    )

    async def rotated(grace: int | None) -> dict[str, Any]:
        given = {} if grace is None else {"grace": grace}
        return (await world.ask(rotate, given, key=space.admin_key))["data"]["rotateKey"]

    after = await rotated(None)
    both = [
        await world.ask("{ viewer { name role spaces { name } } }", key=k)
        for k in (before, after["key"])
    ]
    listed = (await world.ask(keys, key=space.admin_key))["data"]
    last = await rotated(0)
    too_long = await rotated(90 * 86_400 + 1)
    gone = [(await world.post({"query": keys}, k)).status_code for k in (before, after["key"])]
    listed_last = (await world.ask(keys, key=space.admin_key))["data"]

    robot = {"name": "robot", "role": "AGENT"}
    assert {name: after[name] for name in robot} == robot
    in_a_day = datetime.now(UTC) + timedelta(days=1)
    until = datetime.fromisoformat(after["earlierGoodUntil"])
    assert timedelta(0) <= in_a_day - until < timedelta(minutes=1)
    assert [each["data"]["viewer"] for each in both] == [
        {**robot, "spaces": [{"name": space.name}]}
    ] * 2
    assert listed["viewer"] == {"name": "admin", "role": "ADMIN", "spaces": [{"name": space.name}]}
    assert [edge["node"] for edge in listed["space"]["keys"]["edges"]] == [
        {"name": "admin", "role": "ADMIN", "earlierGoodUntil": None},
        {"name": "reader", "role": "READER", "earlierGoodUntil": None},
        {**robot, "earlierGoodUntil": after["earlierGoodUntil"]},
    ]
    assert gone == [401, 401]
    assert listed_last["space"]["keys"]["edges"][-1]["node"] == {**robot, "earlierGoodUntil": None}
    assert (await world.post({"query": keys}, last["key"])).status_code == 200
    assert (too_long["code"], too_long["problems"]) == ("BAD_INPUT", [{"path": "graceSeconds"}])


async def test_a_name_has_at_most_ten_keys_that_are_good(world: GraphQLWorld) -> None:
    space = await world.create_space()
    rotate = (
        f'mutation {{ rotateKey(space: "{space.name}", name: "reader")'
        " { __typename ... on Invalid { code message } } }"
    )

    answers = [
        (await world.ask(rotate, key=space.admin_key))["data"]["rotateKey"] for _ in range(10)
    ]
    missing = await world.ask(rotate.replace("reader", "nobody"), key=space.admin_key)

    assert [answer["__typename"] for answer in answers] == ["KeyRotated"] * 9 + ["Invalid"]
    assert "10 keys “reader” are good" in answers[-1]["message"]
    assert missing["data"]["rotateKey"]["code"] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("who", "role"),
    [
        ("reader", "READER"),
        ("agent", "AGENT"),
        ("admin", "ADMIN"),
        ("instance", "INSTANCE"),
        ("write", "WRITE"),
        ("nobody", None),
    ],
)
async def test_whoever_asks_learns_what_their_key_may_do(
    world: GraphQLWorld, keys: dict[str, str | None], who: str, role: str | None
) -> None:
    answer = await world.ask("{ viewer { role } }", key=keys[who])

    assert answer["data"]["viewer"] == (role and {"role": role})


async def test_keys_are_stored_hashed(
    database: Database, world: GraphQLWorld, space: OpenSpace
) -> None:
    rows = await database.read_all(reading("MATCH (k:ApiKey) RETURN properties(k) AS key"))

    stored = str(rows)
    assert len(rows) > 3
    for key in (space.admin_key, space.reader_key, space.write_key, world.admin_key):
        assert key not in stored


async def test_the_write_key_of_a_source_can_be_revoked_by_the_sources_name(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    name = f"{space.name}-web"
    made = await world.ask(
        f'mutation {{ createSource(name: "{name}", spaces: ["{space.name}"])'
        " { ... on SourceCreated { name spaces writeKey } } }",
        key=space.admin_key,
    )
    source = made["data"]["createSource"]
    before = world.access.sender(await world.access.authenticate(source["writeKey"]))

    await world.ask(
        f'mutation {{ revokeKey(space: "{space.name}", name: "{name}") {{ __typename }} }}',
        key=space.admin_key,
    )

    assert (source["name"], source["spaces"]) == (name, [space.name])
    assert before is not None
    assert [scope.space for scope in before.scopes] == [space.name]
    assert await world.access.authenticate(source["writeKey"]) is None


async def test_a_source_of_several_spaces_is_the_instance_administrators(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    other = await world.create_space()
    name = f"{space.name}-both"
    create = (
        f'mutation {{ createSource(name: "{name}", spaces: ["{space.name}", "{other.name}"])'
        " { ... on SourceCreated { writeKey } } }"
    )
    revoke = (
        f'mutation {{ revokeKey(space: "{space.name}", name: "{name}")'
        " { __typename ... on Invalid { message } } }"
    )

    refused = await world.ask(create, key=space.admin_key)
    made = await world.ask(create, key=world.admin_key)
    key = made["data"]["createSource"]["writeKey"]
    kept = await world.ask(revoke, key=space.admin_key)
    still_there = world.access.sender(await world.access.authenticate(key))
    revoked = await world.ask(revoke, key=world.admin_key)

    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert kept["data"]["revokeKey"]["__typename"] == "Invalid"
    assert "other spaces" in kept["data"]["revokeKey"]["message"]
    assert still_there is not None
    assert {scope.space for scope in still_there.scopes} == {space.name, other.name}
    assert revoked["data"]["revokeKey"]["__typename"] == "KeyRevoked"
    assert await world.access.authenticate(key) is None
