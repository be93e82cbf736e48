"""Limited sources over GraphQL and HTTP: why a link is unconfirmed, and what proves a user id."""

from __future__ import annotations

import hashlib
import hmac
import secrets

import pytest

from identity_service.collect.segment import read_call
from identity_service.services.kit.clock import system_clock
from tests.support.graphql import GraphQLWorld, OpenSpace, event

EXPLAIN = """
explain(a: {type: "user_id", value: "ann"}, b: {type: "email", value: "ann@example.com"}) {
  ... on Explanation {
    sameCustomer message path { decision { joined reason message } }
  }
}
"""
CREATE_SECRET = """
mutation ($space: String!, $source: String!) {
  createProofSecret(space: $space, source: $source) {
    ... on ProofSecretCreated { source secret }
    ... on Invalid { problems { path message } }
  }
}
"""

WHY = (
    "only the source {name} saw them together, and by its word alone the policy joins no two people"
    " (`limited_sources`); another source that sees them together would confirm it, or an event"
    " with a proof of the user id."
)


@pytest.fixture
async def space(world: GraphQLWorld) -> OpenSpace:
    """One whose only source, of its own name, is limited."""
    name = f"page-{secrets.token_hex(8)}"
    return await world.create_space(f"extends: quarantine\nlimited_sources: [{name}]\n", name)


async def secret_of(world: GraphQLWorld, space: OpenSpace) -> str:
    sent = {"space": space.name, "source": space.name}
    answer = await world.ask(CREATE_SECRET, sent, key=space.admin_key)
    made = answer["data"]["createProofSecret"]
    assert made["source"] == space.name
    return made["secret"]


async def identify(world: GraphQLWorld, space: OpenSpace, secret: str, message_id: str) -> None:
    """An identify call as the page sends it, with a proof made with a secret."""
    proof = hmac.new(secret.encode(), b"ann", hashlib.sha256).hexdigest()
    call = {
        "userId": "ann",
        "messageId": message_id,
        "traits": {"email": "ann@example.com"},
        "context": {"userHash": proof},
    }
    collected = read_call("identify", call, system_clock(), lambda: message_id)
    await world.send(space, *collected.events)


async def test_an_unconfirmed_link_is_explained_live_and_as_of_now(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await world.send(space, event(1, "user_id:ann", "email:ann@example.com"))

    explained = (await world.of_space(space, EXPLAIN))["explain"]
    links = "... on Customer { links { decision { joined reason } } }"
    now = await world.customer(space, "user_id:ann", links)
    past = await world.customer(space, "user_id:ann", links, as_of=system_clock())

    why = WHY.format(name=space.name)
    assert explained["sameCustomer"] is False
    assert explained["message"] == f"Two customers: {why}"
    [hop] = explained["path"]
    assert hop["decision"] == {
        "joined": False,
        "reason": "UNCONFIRMED",
        "message": f"Kept apart: {why}",
    }
    assert now["links"] == [{"decision": {"joined": False, "reason": "UNCONFIRMED"}}]
    assert past["links"] == now["links"]


async def test_the_page_proves_its_user_with_the_secret_of_its_source(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await identify(world, space, "a guess", "m1")
    guessed = (await world.of_space(space, EXPLAIN))["explain"]

    await identify(world, space, await secret_of(world, space), "m2")

    proven = (await world.of_space(space, EXPLAIN))["explain"]
    assert (guessed["sameCustomer"], proven["sameCustomer"]) == (False, True)


async def test_a_page_without_proof_changes_no_trait_that_another_source_told(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    crm = event(1, "user_id:ann", traits={"plan": "free"})
    page = event(9, "user_id:ann", traits={"plan": "gold", "hat": "red"})
    await world.send(space, crm, source="crm")
    await world.send(space, page)

    traits = "... on Customer { traits { name value source } }"
    now = await world.customer(space, "user_id:ann", traits)
    past = await world.customer(space, "user_id:ann", traits, as_of=system_clock())

    assert now["traits"] == [
        {"name": "hat", "value": "red", "source": space.name},
        {"name": "plan", "value": "free", "source": "crm"},
    ]
    assert past["traits"] == now["traits"]


async def test_another_secret_ends_the_one_before(world: GraphQLWorld, space: OpenSpace) -> None:
    before = await secret_of(world, space)
    assert before != await secret_of(world, space)

    await identify(world, space, before, "m1")

    assert (await world.of_space(space, EXPLAIN))["explain"]["sameCustomer"] is False


async def test_a_secret_is_made_for_a_source_of_the_space_only(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    other = await world.create_space()
    both = f"{space.name}-both"
    await world.ask(
        f'mutation {{ createSource(name: "{both}", spaces: ["{space.name}", "{other.name}"])'
        " { __typename } }",
        key=world.admin_key,
    )

    async def problems(source: str, key: str) -> list[dict[str, str]] | None:
        sent = {"space": space.name, "source": source}
        answer = await world.ask(CREATE_SECRET, sent, key=key)
        return answer["data"]["createProofSecret"].get("problems")

    nobody = f"There is no source “{other.name}” that feeds “{space.name}”."
    elsewhere = (
        f"The source “{both}” feeds other spaces too."
        " Only the instance administrator can make its secret."
    )
    assert await problems(other.name, space.admin_key) == [{"path": "source", "message": nobody}]
    assert await problems(both, space.admin_key) == [{"path": "source", "message": elsewhere}]
    assert await problems(both, world.admin_key) is None
