"""Features, audiences and traits over GraphQL, and why they are as they are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from identity_service.errors import Unavailable
from identity_service.graph.database import Database
from identity_service.services.kit.clock import system_clock
from identity_service.services.spaces.access import Role
from identity_service.services.wiring import assemble
from tests.support.graphql import GraphQLWorld, OpenSpace, event

pytestmark = pytest.mark.neo4j

HOUR = 3_600_000
DAY = 24 * HOUR

TEXT = """
traits:
  plan: {prefer: [crm]}
features:
  orders: {count: Order Completed}
  revenue: {sum: revenue, of: Order Completed}
  refunds: {sum: amount, of: Order Refunded}
  net: {minus: [revenue, refunds]}
  bought: {list: sku, of: Order Completed, limit: 2}
audiences:
  abandoned_cart:
    who:
      all:
        - did: Product Added
          within: 7d
          then_not: {did: Order Completed, within: 2h}
        - not: {in: complained}
  loyal: {who: {all: [{feature: revenue, gte: 100}, {did: Order Completed, times: {gte: 2}}]}}
  complained: {who: {did: Ticket Created, where: {tag: complaint}, within: 30d}}
"""

PROFILE = """
... on Customer {
  features { name value skipped truncated version }
  audiences
}
"""


@pytest.fixture
async def space(world: GraphQLWorld) -> OpenSpace:
    """A shop: Ann bought twice and complained, Ben left a cart on the phone and bought nothing."""
    space = await world.create_space()
    now = system_clock()

    def order(at: int, revenue: Any, sku: str) -> Any:
        told = {"revenue": revenue, "sku": sku}
        return event(at, "user_id:ann", name="Order Completed", properties=told)

    await world.send(
        space,
        event(now - 9 * DAY, "user_id:ann", "email:ann@example.com", type="identify", name=None),
        order(now - 3 * DAY, 80.1, "bike"),
        order(now - 2 * DAY, 19.9, "helmet"),
        order(now - 1 * DAY, "much", "bell"),
        event(
            now - 2 * HOUR,
            "user_id:ann",
            name="Ticket Created",
            properties={"tag": "complaint"},
        ),
        event(now - DAY, "user_id:ben", "anonymous_id:phone", name="Product Added"),
    )
    return space


async def apply(world: GraphQLWorld, space: OpenSpace, text: str) -> None:
    scope = world.access.require(
        await world.access.authenticate(space.admin_key), space.name, Role.ADMIN
    )
    texts = world.services.profile_texts
    in_force = await texts.in_force(scope)
    await texts.apply(scope, text, in_force.version if in_force else 0, None)


async def compute(world: GraphQLWorld, space: OpenSpace) -> None:
    """Have the worker compute all that waits."""
    scope = world.access.require(
        await world.access.authenticate(space.admin_key), space.name, Role.ADMIN
    )
    await world.services.profiles.computed(scope)


async def test_without_a_text_there_are_none(world: GraphQLWorld, space: OpenSpace) -> None:
    found = await world.customer(space, "user_id:ann", PROFILE)

    assert found == {"__typename": "Customer", "features": [], "audiences": []}


async def test_profiles_are_the_same_computed_and_stored(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await apply(world, space, TEXT)
    computed = {
        who: await world.customer(space, who, PROFILE) for who in ("user_id:ann", "user_id:ben")
    }

    await compute(world, space)
    stored = {who: await world.customer(space, who, PROFILE) for who in computed}

    assert stored == computed
    ann = {each["name"]: each for each in computed["user_id:ann"]["features"]}
    assert list(ann) == ["orders", "revenue", "refunds", "net", "bought"]
    assert ann["orders"] == {
        "name": "orders",
        "value": 3,
        "skipped": 0,
        "truncated": False,
        "version": 1,
    }
    assert (ann["revenue"]["value"], ann["revenue"]["skipped"]) == (100, 1)
    assert (ann["bought"]["value"], ann["bought"]["truncated"]) == (["bell", "bike"], True)
    assert computed["user_id:ann"]["audiences"] == ["complained", "loyal"]
    assert computed["user_id:ben"]["audiences"] == ["abandoned_cart"]


async def test_what_was_touched_since_is_not_answered_from_what_is_stored(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await apply(world, space, TEXT)
    await compute(world, space)
    bought = event(system_clock(), "user_id:ben", name="Order Completed")

    await world.send(space, bought)
    found = await world.customer(
        space, "user_id:ben", '... on Customer { features(names: ["orders"]) { value } }'
    )

    assert found["features"] == [{"value": 1}]


async def test_as_of_a_moment_the_evidence_of_then_counts(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await apply(world, space, TEXT)
    before = system_clock()
    later = event(before - HOUR, "user_id:ben", name="Order Completed", properties={"revenue": 7})
    await world.send(space, later, received_at=before + 1_000)

    then = await world.customer(space, "user_id:ben", PROFILE, as_of=before)
    now = await world.customer(space, "user_id:ben", PROFILE, as_of=before + 2_000)

    assert [each["value"] for each in then["features"][:2]] == [0, 0]
    assert [each["value"] for each in now["features"][:2]] == [1, 7]


async def test_a_value_names_the_events_that_made_it(world: GraphQLWorld, space: OpenSpace) -> None:
    await apply(world, space, TEXT)

    found = await world.customer(
        space,
        "user_id:ann",
        """
        ... on Customer {
          revenue: explainFeature(name: "revenue", first: 1) {
            value skipped more
            events { value event { name properties identifiers { value } } }
          }
          net: explainFeature(name: "net") { value operands { name value } }
        }
        """,
    )

    assert found["revenue"] == {
        "value": 100,
        "skipped": 1,
        "more": 1,
        "events": [
            {
                "value": 19.9,
                "event": {
                    "name": "Order Completed",
                    "properties": {"revenue": 19.9, "sku": "helmet"},
                    "identifiers": [{"value": "ann"}],
                },
            }
        ],
    }
    assert found["net"]["operands"] == [
        {"name": "revenue", "value": 100},
        {"name": "refunds", "value": 0},
    ]


async def test_an_audience_says_which_parts_of_its_condition_hold(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await apply(world, space, TEXT)

    found = await world.customer(
        space,
        "user_id:ann",
        """
        ... on Customer {
          explainAudience(name: "loyal") { member reason conditions { depth text holds } }
          none: explainAudience(name: "abandoned_cart") { member conditions { depth holds } }
        }
        """,
    )

    loyal, abandoned = found["explainAudience"], found["none"]
    assert loyal["member"] is True
    assert [(each["depth"], each["holds"]) for each in loyal["conditions"]] == [
        (0, True),
        (1, True),
        (1, True),
    ]
    assert "revenue" in loyal["conditions"][1]["text"]
    assert abandoned["member"] is False
    assert not abandoned["conditions"][0]["holds"]


async def test_of_what_the_text_does_not_have_nothing_is_explained(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    selection = (
        '... on Customer { explainFeature(name: "x") { value }'
        ' explainAudience(name: "x") { member } }'
    )
    before = await world.customer(space, "user_id:ann", selection)
    await apply(world, space, TEXT)

    after = await world.customer(space, "user_id:ann", selection)

    nothing = {"__typename": "Customer", "explainFeature": None, "explainAudience": None}
    assert before == after == nothing


async def test_a_trait_is_chosen_by_its_rule_and_names_the_others(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    now = system_clock()
    for at, source, plan in ((3, "crm", "gold"), (2, "app", "silver"), (1, "app", "bronze")):
        told = event(now - at * HOUR, "user_id:ann", type="identify", traits={"plan": plan})
        await world.send(space, told, source=source)
    selection = """
    ... on Customer {
      traits { name value source rule { take prefer } identifier { value }
               otherValues { value source times } }
    }
    """
    before = await world.customer(space, "user_id:ann", selection)
    await apply(world, space, TEXT)

    after = await world.customer(space, "user_id:ann", selection)

    assert [(each["value"], each["source"]) for each in before["traits"]] == [("bronze", "app")]
    assert before["traits"][0]["rule"] == {"take": "LATEST", "prefer": []}
    assert after["traits"] == [
        {
            "name": "plan",
            "value": "gold",
            "source": "crm",
            "rule": {"take": "LATEST", "prefer": ["crm"]},
            "identifier": {"value": "ann"},
            "otherValues": [
                {"value": "bronze", "source": "app", "times": 1},
                {"value": "silver", "source": "app", "times": 1},
            ],
        }
    ]


async def test_a_preview_says_what_then_happens(world: GraphQLWorld, space: OpenSpace) -> None:
    await apply(world, space, TEXT)
    await compute(world, space)
    other = TEXT.replace("gte: 100", "gte: 1000").replace("within: 30d", "within: 1h")

    found = await world.of_space(
        space,
        f"previewProfiles(text: {json.dumps(other)}) {{"
        " ... on ProfilesPreview { customers skipped"
        " audiences { name before after enter leave entering { identifiers { value } }"
        " leaving { identifiers { value } } sample { kind } }"
        " features { name changed sample { before after } } } }",
    )
    await apply(world, space, other)
    await compute(world, space)
    then = await world.of_space(space, "audiences { name size }")

    preview = found["previewProfiles"]
    assert (preview["customers"], preview["skipped"]) == (2, 0)
    by_name = {each["name"]: each for each in preview["audiences"]}
    assert {name: (a["before"], a["after"]) for name, a in by_name.items()} == {
        "abandoned_cart": (1, 1),
        "loyal": (1, 0),
        "complained": (1, 0),
    }
    assert by_name["loyal"]["leaving"][0]["identifiers"][-1] == {"value": "ann@example.com"}
    assert {each["changed"] for each in preview["features"]} == {0}
    assert {each["name"]: each["size"] for each in then["audiences"]} == {
        name: each["after"] for name, each in by_name.items()
    }


async def test_a_preview_ends_when_its_time_is_over(
    database: Database, world: GraphQLWorld, space: OpenSpace
) -> None:
    hurried = assemble(database, 1, preview_timeout=1e-6)
    scope = world.access.require(world.access.operator(space.name), space.name, Role.READER)

    with pytest.raises(Unavailable, match="took longer"):
        await hurried.profile_previews.preview(scope, TEXT)

    await hurried.close()


CHANGES = "audience change cause causeRef first startsCampaigns customer { identifiers { value } }"


async def test_who_enters_and_leaves_is_listed_and_followed(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await apply(world, space, TEXT)
    await compute(world, space)
    listed = await world.of_space(
        space, f"membershipChanges(first: 2) {{ edges {{ cursor node {{ {CHANGES} }} }} }}"
    )
    cursor = listed["membershipChanges"]["edges"][0]["cursor"]
    complaint = event(
        system_clock(),
        "user_id:ben",
        name="Ticket Created",
        message_id="t1",
        properties={"tag": "complaint"},
    )
    await world.send(space, complaint)
    await compute(world, space)

    subscription = f'subscription {{ membershipChanges(space: "{space.name}", after: "{cursor}"'
    both = await world.follow(f"{subscription}) {{ {CHANGES} }} }}", 2, key=space.reader_key)
    one = await world.follow(
        f'{subscription}, audiences: ["complained"]) {{ audience }} }}', 1, key=space.reader_key
    )
    of_audience = await world.of_space(
        space,
        'audience(name: "complained") { size members(first: 1) { edges { node { since'
        " customer { kind } } } pageInfo { hasNextPage endCursor } } }"
        ' membershipChanges(audience: "abandoned_cart") { edges { node { change cause } } }',
    )

    assert len(listed["membershipChanges"]["edges"]) == 2
    assert {e["node"]["cause"] for e in listed["membershipChanges"]["edges"]} == {"DEFINITION"}
    changes = {each["data"]["membershipChanges"]["audience"]: each["data"] for each in both}
    assert changes["complained"]["membershipChanges"] == {
        "audience": "complained",
        "change": "ENTERED",
        "cause": "EVENT",
        "causeRef": "t1",
        "first": True,
        "startsCampaigns": True,
        "customer": {"identifiers": [{"value": "ben"}, {"value": "phone"}]},
    }
    assert changes["abandoned_cart"]["membershipChanges"]["change"] == "LEFT"
    assert one[0]["data"]["membershipChanges"] == {"audience": "complained"}
    assert of_audience["audience"]["size"] == 2
    assert of_audience["audience"]["members"]["pageInfo"]["hasNextPage"]
    assert [e["node"]["change"] for e in of_audience["membershipChanges"]["edges"]] == [
        "LEFT",
        "ENTERED",
    ]


async def test_another_space_sees_nothing_of_it(world: GraphQLWorld, space: OpenSpace) -> None:
    await apply(world, space, TEXT)
    await compute(world, space)
    other = await world.create_space()

    mine = await world.of_space(
        other, 'audience(name: "loyal") { size } membershipChanges { edges { cursor } }'
    )
    refused = await world.follow(
        f'subscription {{ membershipChanges(space: "{space.name}") {{ audience }} }}',
        1,
        key=other.admin_key,
    )

    assert mine == {"audience": None, "membershipChanges": {"edges": []}}
    assert refused[0]["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_customers_are_found_and_sorted_by_their_features(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    now = system_clock()
    for who, revenue in (("cid", 5), ("dan", 70), ("eve", 70)):
        told = {"revenue": revenue}
        await world.send(
            space, event(now, f"user_id:{who}", name="Order Completed", properties=told)
        )
    await apply(world, space, TEXT)
    await compute(world, space)

    async def found(arguments: str) -> tuple[list[str], str | None]:
        asked = f"customersByFeature({arguments}) {{ {page} }}"
        answer = (await world.of_space(space, asked))["customersByFeature"]
        names = [edge["node"]["identifiers"][0]["value"] for edge in answer["edges"]]
        info = answer["pageInfo"]
        return names, info["endCursor"] if info["hasNextPage"] else None

    page = "edges { node { identifiers(first: 1) { value } } } pageInfo { hasNextPage endCursor }"
    everybody, _ = await found('orderBy: "revenue"')
    by_page: list[str] = []
    after: str | None = ""
    while after is not None:
        some, after = await found(
            f'orderBy: "revenue", descending: false, first: 2, after: "{after}"'
        )
        by_page += some
    of_condition, _ = await found(
        'orderBy: "revenue", where: [{name: "revenue", gte: 70, lt: 100}, {name: "orders", is: 1}]'
    )
    members, _ = await found('orderBy: "orders", audience: "loyal"')

    assert everybody[0] == "ann"
    assert everybody[-2:] == ["cid", "ben"]
    assert by_page == everybody[::-1]
    assert sorted(of_condition) == ["dan", "eve"]
    assert members == ["ann"]
    query = f'{{ space(name: "{space.name}") {{ customersByFeature(orderBy: "x") {{ {page} }} }} }}'
    refused = await world.ask(query, key=space.reader_key)
    assert refused["errors"][0]["extensions"]["code"] == "BAD_INPUT"


OF_ACCOUNTS = """
account_features:
  revenue: {sum: revenue, of: Order Completed, by: members}
  named: {count: any}
audiences:
  active: {of: accounts, who: {members: {any: {did: Order Completed, within: 30d}}}}
  big: {of: accounts, who: {feature: named, gte: 9}}
"""

OF_ACCOUNT = """
... on Customer { accounts {
  accountId audiences features { name value version } revenue: features(names: ["revenue"]) { name }
  explainFeature(name: "revenue", first: 1) { value more events { event { name } value } }
  explainAudience(name: "active") { member conditions { depth holds } }
  nothing: explainFeature(name: "orders") { value }
  unknown: explainAudience(name: "x") { member }
} }
"""


async def test_an_account_has_the_features_and_audiences_of_its_members(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    now = system_clock()
    await world.send(
        space,
        *(
            event(now - DAY, f"user_id:{who}", name="Signed Up", account_id="acme")
            for who in ("ann", "ben")
        ),
    )
    [before] = (await world.customer(space, "user_id:ben", OF_ACCOUNT))["accounts"]
    previewed = await world.of_space(
        space,
        f"previewProfiles(text: {json.dumps(OF_ACCOUNTS)}) {{"
        " ... on ProfilesPreview { ofAccounts { accounts skipped"
        " audiences { name before after enter leave sample entering leaving }"
        " features { name changed sample { accountId before after } } } } }",
    )
    await apply(world, space, OF_ACCOUNTS)

    [acme] = (await world.customer(space, "user_id:ben", OF_ACCOUNT))["accounts"]

    assert (before["features"], before["audiences"]) == ([], [])
    assert before["explainFeature"] is before["explainAudience"] is None
    assert acme["features"] == [
        {"name": "revenue", "value": 100, "version": 1},
        {"name": "named", "value": 2, "version": 1},
    ]
    assert acme["revenue"] == [{"name": "revenue"}]
    assert acme["audiences"] == ["active"]
    assert acme["explainFeature"] == {
        "value": 100,
        "more": 1,
        "events": [{"event": {"name": "Order Completed"}, "value": 19.9}],
    }
    assert acme["explainAudience"]["member"] is True
    assert (acme["nothing"], acme["unknown"]) == (None, None)
    preview = previewed["previewProfiles"]["ofAccounts"]
    assert (preview["accounts"], preview["skipped"]) == (1, 0)
    nobody: dict[str, Any] = {"before": 0, "leave": 0, "leaving": []}
    assert preview["audiences"] == [
        {"name": "active", "after": 1, "enter": 1, "sample": ["acme"], "entering": ["acme"]}
        | nobody,
        {"name": "big", "after": 0, "enter": 0, **both([])} | nobody,
    ]
    assert [(each["name"], each["sample"]) for each in preview["features"]] == [
        ("revenue", [{"accountId": "acme", "before": None, "after": 100}]),
        ("named", [{"accountId": "acme", "before": None, "after": 2}]),
    ]


def both(accounts: list[str]) -> dict[str, list[str]]:
    """Accounts that would be in an audience, and enter it."""
    return {"sample": accounts, "entering": accounts}
