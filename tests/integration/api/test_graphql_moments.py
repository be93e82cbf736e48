"""Live, as of now and settled are three ways to one answer; as of then is the answer of then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from graphql import build_schema

from identity_service.api.graphql import schema as offered
from identity_service.domain.timestamps import iso
from identity_service.services.kit.clock import system_clock
from identity_service.services.spaces.access import Role
from tests.support.asking import Asking, Way
from tests.support.graphql import GraphQLWorld, OpenSpace, event
from tests.support.waiting import until

pytestmark = pytest.mark.neo4j

POLICY = """
types:
  user_id: {priority: 1, kind: person, limit: 1}
  email: {priority: 2, kind: person, limit: 2, normalise: email}
  cookie: {priority: 9, kind: device, shared: quarantine}
"""
PROFILES = """
traits: {plan: {take: latest}}
features: {paid: {sum: sum, of: Paid}}
audiences: {payers: {who: {did: Paid}}}
"""
BLOCKING = POLICY + "blocked: [{value: phone}]"

ALL: Mapping[str, Sequence[Way]] = {
    "Account.explainAudience": [{"name": "payers"}],
    "Account.explainFeature": [{"name": "paid"}],
    "Account.features": [{}],
    "Customer.explainAudience": [{"name": "payers"}],
    "Customer.explainFeature": [{"name": "paid"}],
    "Customer.identifiers": [{"first": 100}],
    "Customer.trait": [{"name": "plan"}],
    "Customer.events": [{"first": 100}, {"names": ["Paid"], "newestFirst": False}],
    "Customer.links": [{"first": 100}],
    "Customer.sharedDevices": [{"first": 100}],
    "Customer.changes": [{"first": 100}],
    "Customer.judgements": [{"first": 100}],
    "Identifier.sharedBy": [{"first": 100}],
    "Identifier.linksBySource": [{"first": 100}],
    "Identifier.linksOverTime": [{"first": 100}],
}

TAKE_APART = """
mutation ($space: String!, $policy: String!) {
  judge(space: $space, verdict: APART, reason: "she sold it", a: {type: "user_id", value: "ann"},
    b: {type: "cookie", value: "old"}) { __typename }
  setPolicy(space: $space, policy: $policy, expectedVersion: 1) { __typename }
}
"""

ANN = 'identifier: {type: "user_id", value: "ann"}'


@pytest.fixture
async def space(world: GraphQLWorld) -> OpenSpace:
    """Ann, who has two browsers, pays, and shares a phone with Ben."""
    space = await world.create_space(POLICY)
    await world.send(
        space,
        event(1, "cookie:old"),
        event(2, "user_id:ann", "cookie:old", name="Paid", properties={"sum": 3}),
        event(3, "user_id:ann", "email:Ann@example.com", traits={"plan": "free"}),
        event(4, "user_id:ann", "cookie:phone", account_id="acme", account_traits={"size": 4}),
        event(5, "user_id:ben", "cookie:phone"),
        event(6, "user_id:ann", "cookie:new", name="Paid", traits={"plan": "pro"}),
    )
    scope = world.access.require(world.access.operator(space.name), space.name, Role.ADMIN)
    await world.services.profile_texts.apply(scope, PROFILES, 0, None)
    return space


async def everything(world: GraphQLWorld, space: OpenSpace, how: str) -> dict[str, Any]:
    """By field: what is answered of a customer, who is asked for in some way."""
    asking = Asking(build_schema(offered.build_schema().as_str()), ALL)
    answers: dict[str, Any] = {}
    # A feature says when it was evaluated.
    for field in asking.fields("Customer", ("Receipt", "Space", "Feature")):
        asked = f"__typename ... on Customer {{ {field} }} ... on NotFound {{ reason message }}"
        answer = await world.ask(
            f'{{ space(name: "{space.name}") {{ customer({how}) {{ {asked} }} }} }}',
            key=space.reader_key,
        )
        assert "errors" not in answer, (field, answer["errors"])
        answers[field] = answer["data"]["space"]["customer"]
    return answers


async def take_apart(world: GraphQLWorld, space: OpenSpace) -> None:
    """Judge that the old browser was not Ann's, and put the policy in force that blocks a phone."""
    answer = await world.ask(
        TAKE_APART, {"space": space.name, "policy": BLOCKING}, key=space.admin_key
    )
    assert answer["data"] == {
        "judge": {"__typename": "Judged"},
        "setPolicy": {"__typename": "PolicySet"},
    }
    scope = world.access.require(world.access.operator(space.name), space.name, Role.READER)
    async for _ in world.policy_rollout.progress(scope):
        pass


async def passed(moment: int) -> None:
    """Until what is received from now on is received after a moment."""

    async def is_past() -> bool:
        return system_clock() > moment

    await until(is_past)


async def test_every_field_is_the_same_settled_live_and_as_of_now(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    now = iso(system_clock())

    settled = await everything(world, space, ANN)

    assert {said["__typename"] for said in settled.values()} == {"Customer"}
    assert await everything(world, space, f"{ANN}, live: true") == settled
    assert await everything(world, space, f'{ANN}, asOf: "{now}"') == settled


async def test_every_field_is_as_of_then_what_it_was_before_all_that_happened_since(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    then = system_clock()
    recorded = await everything(world, space, ANN)
    await passed(then)

    await world.send(
        space,
        event(7, "user_id:ann", "cookie:third", name="Paid", traits={"plan": "team"}),
        event(0, "cookie:new", "email:other@example.com", account_id="zeta"),
    )
    await take_apart(world, space)

    now = await everything(world, space, ANN)
    past = await everything(world, space, f'{ANN}, asOf: "{iso(then)}"')

    assert [field for field in past if past[field] != recorded[field]] == []
    changed = {
        field.partition("(")[0].partition(" ")[0] for field in now if now[field] != past[field]
    }
    assert changed >= {"identifiers", "identifierCount", "events", "traits", "links", "changes"}


SHARED = """
sharedDevices { value sharedBy { ...person } one: sharedBy(first: 1) { ...person } }
identifiers { value sharedBy { ...person } linksOverTime { day linkCount } }
"""


async def test_who_shared_a_device_is_told_as_of_then(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    async def asked(how: str) -> Any:
        answer = await world.ask(
            "fragment person on Customer { customerId identifiers { value } }"
            f' {{ space(name: "{space.name}") {{ customer({how}) {{ ... on Customer {{ {SHARED} }}'
            " } } }",
            key=space.reader_key,
        )
        assert "errors" not in answer, answer["errors"]
        return answer["data"]["space"]["customer"]

    def people(customer: Any, name: str = "sharedBy") -> list[str]:
        [phone] = customer["sharedDevices"]
        return [person["identifiers"][0]["value"] for person in phone[name]]

    then = iso(system_clock())
    recorded = await asked(ANN)
    await passed(system_clock())
    await world.send(space, event(8, "user_id:ann", "cookie:phone"))
    await world.send(space, event(9, "user_id:zoe", "email:zoe@example.com", "cookie:phone"))
    now = await asked(ANN)
    await take_apart(world, space)

    past = await asked(f'{ANN}, asOf: "{then}"')

    assert (people(now), people(now, "one")) == (["zoe", "ann", "ben"], ["zoe"])
    assert (people(past), people(past, "one")) == (["ben", "ann"], ["ben"])
    assert past == recorded
