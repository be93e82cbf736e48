"""Reading a space over GraphQL, on the real graph, of events that the service took in itself."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import REGISTRY

from identity_service.domain.events import Rejection, RejectionCode
from identity_service.graph.database import Database
from identity_service.services.kit.clock import system_clock
from tests.support.graphql import GraphQLWorld, OpenSpace, event
from tests.support.statements import writing

CUSTOMER = "... on Customer"

WITHOUT_TRAIT_KEYS = writing(
    "MATCH (e:Event {space: $space}) REMOVE e.trait_keys, e.stored_bytes",
    "tests/without_trait_keys",
)


@pytest.fixture
async def space(world: GraphQLWorld) -> OpenSpace:
    return await world.create_space()


def nodes(connection: dict[str, Any]) -> list[Any]:
    return [edge["node"] for edge in connection["edges"]]


async def customer_id(world: GraphQLWorld, space: OpenSpace, identifier: str) -> str:
    found = await world.customer(space, identifier, f"{CUSTOMER} {{ customerId }}")
    return found["customerId"]


async def test_any_identifier_finds_the_customer_with_all_of_them(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await world.send(
        space, event(1_000, "anonymous_id:c"), event(3_000, "anonymous_id:c", "user_id:u")
    )

    found = await world.customer(
        space,
        "anonymous_id:c",
        f"{CUSTOMER} {{ kind identifierCount firstSeen lastSeen"
        " identifiers { type value kind firstSeen lastSeen contested superConnector } }",
    )

    seen = {"lastSeen": "1970-01-01T00:00:03.000Z", "contested": False, "superConnector": False}
    assert found == {
        "__typename": "Customer",
        "kind": "KNOWN",
        "identifierCount": 2,
        "firstSeen": "1970-01-01T00:00:01.000Z",
        "lastSeen": "1970-01-01T00:00:03.000Z",
        "identifiers": [
            {"type": "user_id", "value": "u", "kind": "PERSON"}
            | {"firstSeen": "1970-01-01T00:00:03.000Z"}
            | seen,
            {"type": "anonymous_id", "value": "c", "kind": "DEVICE"}
            | {"firstSeen": "1970-01-01T00:00:01.000Z"}
            | seen,
        ],
    }


async def test_an_identifier_is_normalised_as_in_events(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await world.send(space, event(1, "email:Ann@Example.com"))

    assert await customer_id(world, space, "email: ANN@example.COM ")


@pytest.mark.parametrize(
    ("identifier", "reason"),
    [
        ("email:nobody@example.com", "UNKNOWN"),
        ("user_id:undefined", "BLOCKED_VALUE"),
        ("email:no address", "INVALID_VALUE"),
    ],
)
async def test_what_is_not_found_says_why(
    world: GraphQLWorld, space: OpenSpace, identifier: str, reason: str
) -> None:
    found = await world.customer(space, identifier, "... on NotFound { reason message }")

    assert found["reason"] == reason
    assert found["message"].startswith(identifier)


async def test_a_wrong_type_is_answered_with_the_identifiers_of_this_space_that_have_the_value(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await world.send(space, event(1, "email:ann@example.com"))
    elsewhere = await world.create_space()

    answers = [
        await world.customer(each, "mail: Ann@Example.com", "... on NotFound { reason message }")
        for each in (space, elsewhere)
    ]

    unknown = "mail:Ann@Example.com was never seen here."
    assert [answer["reason"] for answer in answers] == ["UNKNOWN", "UNKNOWN"]
    assert [answer["message"] for answer in answers] == [
        f"{unknown} Known here: email:ann@example.com.",
        unknown,
    ]


async def test_other_types_are_looked_for_only_where_the_message_is_asked_for(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    async def looked_for(selection: str) -> float:
        before = times_run("resolve/read_identifiers")
        await world.customer(space, "mail:ann@example.com", f"... on NotFound {{ {selection} }}")
        return times_run("resolve/read_identifiers") - before

    assert [await looked_for("reason"), await looked_for("reason message")] == [0, 1]


def times_run(statement: str) -> float:
    """How often this process has run a statement."""
    run = REGISTRY.get_sample_value("identity_statement_seconds_count", {"statement": statement})
    return run or 0


async def test_asking_creates_nothing(world: GraphQLWorld, space: OpenSpace) -> None:
    await world.customer(space, "email:nobody@example.com", "")

    found = await world.of_space(space, "statistics { identifiers customers }")
    assert found["statistics"] == {"identifiers": 0, "customers": 0}


async def test_many_are_answered_in_the_order_asked(world: GraphQLWorld, space: OpenSpace) -> None:
    await world.send(space, event(1, "user_id:a"), event(1, "user_id:b"))
    asked = [{"type": "user_id", "value": value} for value in ("b", "none-such", "null", "a", "b")]

    answer = await world.ask(
        "query($s: String!, $i: [IdentifierInput!]!) {"
        " space(name: $s) { customers(identifiers: $i) {"
        " ... on Customer { identifiers { value } } ... on NotFound { reason } } } }",
        {"s": space.name, "i": asked},
        key=space.reader_key,
    )

    assert answer["data"]["space"]["customers"] == [
        {"identifiers": [{"value": "b"}]},
        {"reason": "UNKNOWN"},
        {"reason": "BLOCKED_VALUE"},
        {"identifiers": [{"value": "a"}]},
        {"identifiers": [{"value": "b"}]},
    ]


async def test_more_than_a_thousand_at_once_are_too_many(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    answer = await world.ask(
        "query($s: String!, $i: [IdentifierInput!]!) {"
        " space(name: $s) { customers(identifiers: $i) { __typename } } }",
        {"s": space.name, "i": [{"type": "user_id", "value": "u"}] * 1_001},
        key=space.reader_key,
    )

    assert answer["errors"][0]["extensions"] == {"code": "TOO_LARGE"}


async def test_customers_that_are_asked_for_at_once_are_each_their_own(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await world.send(space, *(event(1, f"user_id:u{n}", f"email:{n}@x.org") for n in range(50)))
    fields = " ".join(
        f'c{n}: customer(identifier: {{type: "user_id", value: "u{n}"}})'
        f" {{ {CUSTOMER} {{ identifiers {{ value }} }} }}"
        for n in range(50)
    )

    found = await world.of_space(space, fields)

    assert found == {
        f"c{n}": {"identifiers": [{"value": f"u{n}"}, {"value": f"{n}@x.org"}]} for n in range(50)
    }


async def test_a_retired_id_leads_to_who_carries_on(world: GraphQLWorld, space: OpenSpace) -> None:
    await world.send(space, event(1, "anonymous_id:c"))
    anonymous = await customer_id(world, space, "anonymous_id:c")
    await world.send(space, event(2, "user_id:u"))
    known = await customer_id(world, space, "user_id:u")
    await world.send(space, event(3, "user_id:u", "anonymous_id:c"))

    found = await world.of_space(
        space,
        f'old: customer(id: "{anonymous}") {{ {CUSTOMER} {{ customerId redirectedFrom }} }}'
        f' new: customer(id: "{known}") {{ {CUSTOMER}'
        " { customerId redirectedFrom previousIds } }",
    )

    assert found == {
        "old": {"customerId": known, "redirectedFrom": anonymous},
        "new": {"customerId": known, "redirectedFrom": None, "previousIds": [anonymous]},
    }


@pytest.mark.parametrize(
    "arguments", ["live: true", 'id: "cus_1", identifier: {type: "a", value: "b"}']
)
async def test_a_customer_is_asked_for_by_exactly_one_thing(
    world: GraphQLWorld, space: OpenSpace, arguments: str
) -> None:
    answer = await world.ask(
        f'{{ space(name: "{space.name}") {{ customer({arguments}) {{ __typename }} }} }}',
        key=space.reader_key,
    )

    assert answer["errors"][0]["extensions"] == {"code": "BAD_INPUT"}
    assert "exactly one" in answer["errors"][0]["message"]


async def test_a_live_answer_is_the_settled_one(world: GraphQLWorld, space: OpenSpace) -> None:
    await world.send(
        space,
        event(1, "anonymous_id:c", "user_id:u", "email:u@x.org"),
        event(2, "anonymous_id:c", "user_id:v"),
        event(3, "anonymous_id:d", "user_id:v"),
    )
    fields = (
        f"{CUSTOMER} {{ customerId kind identifierCount firstSeen lastSeen"
        " identifiers { type value contested superConnector firstSeen lastSeen } receipt { live } }"
    )

    for value in ("u", "v"):
        identifier = f'identifier: {{type: "user_id", value: "{value}"}}'
        found = await world.of_space(
            space,
            f"settled: customer({identifier}) {{ {fields} }}"
            f" now: customer({identifier}, live: true) {{ {fields} }}",
        )

        assert found["now"].pop("receipt") == {"live": True}
        assert found["settled"].pop("receipt") == {"live": False}
        assert found["now"] == found["settled"]


async def test_the_receipt_says_what_the_answer_rests_on(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await world.send(space, event(1, "user_id:u"))

    found = await world.customer(
        space,
        "user_id:u",
        f"{CUSTOMER} {{ receipt {{ policyVersion revision live asOf resolvedAt }} }}",
    )

    assert found["receipt"].pop("resolvedAt") > "2026"
    assert found["receipt"] == {"policyVersion": 1, "revision": 1, "live": False, "asOf": None}


async def test_traits_come_from_all_identifiers_and_the_latest_wins(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await world.send(
        space,
        event(2, "user_id:u", "anonymous_id:c", traits={"plan": "pro", "age": None}),
        event(1, "anonymous_id:c", traits={"plan": "free", "age": 7, "city": "Graz"}),
    )

    found = await world.customer(
        space,
        "user_id:u",
        f"{CUSTOMER} {{ traits {{ name value updatedAt source identifier {{ type }} }}"
        ' trait(name: "plan") { value } none: trait(name: "age") { value } }',
    )

    assert found["trait"] == {"value": "pro"}
    assert found["none"] is None
    assert found["traits"] == [
        {
            "name": "city",
            "value": "Graz",
            "updatedAt": "1970-01-01T00:00:00.001Z",
            "source": space.name,
            "identifier": {"type": "anonymous_id"},
        },
        {
            "name": "plan",
            "value": "pro",
            "updatedAt": "1970-01-01T00:00:00.002Z",
            "source": space.name,
            "identifier": {"type": "user_id"},
        },
    ]


async def test_an_accounts_traits_are_not_the_persons(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await world.send(
        space,
        event(1, "user_id:u", account_id="acme", context_traits={"seats": 5, "name": "Ann"}),
        event(2, "user_id:u", account_id="acme", account_traits={"seats": 5, "city": "Graz"}),
        event(3, "user_id:u", account_id="acme", account_traits={"city": None, "plan": "pro"}),
    )

    found = await world.customer(
        space,
        "user_id:u",
        f"{CUSTOMER} {{ traits {{ name value }} accounts {{ accountId traits }} }}",
    )

    assert found["traits"] == [{"name": "name", "value": "Ann"}]
    assert found["accounts"] == [{"accountId": "acme", "traits": {"plan": "pro", "seats": 5}}]


async def test_a_trait_stays_known_however_many_events_came_after(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    junk = [event(n, "user_id:u", traits={"junk": n, "plan": n}) for n in range(10, 1_510)]
    await world.send(
        space,
        event(1, "user_id:u", traits={"city": "Graz", "gone": 1}),
        event(2, "user_id:u", traits={"gone": None}),
    )

    await world.send(space, *junk)

    at = system_clock()
    asked = 'traits { name value } traitsOmitted city: trait(name: "city") { updatedAt }'
    now = await world.customer(space, "user_id:u", f"{CUSTOMER} {{ {asked} }}")
    then = await world.customer(space, "user_id:u", f"{CUSTOMER} {{ {asked} }}", as_of=at)
    assert (
        now
        == then
        == {
            "__typename": "Customer",
            "traits": [
                {"name": "city", "value": "Graz"},
                {"name": "junk", "value": 1_509},
                {"name": "plan", "value": 1_509},
            ],
            "traitsOmitted": 0,
            "city": {"updatedAt": "1970-01-01T00:00:00.001Z"},
        }
    )


async def test_an_accounts_traits_in_ever_new_values_do_not_hide_the_persons(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await world.send(space, event(1, "user_id:u", account_id="a", context_traits={"city": "Graz"}))
    mixed = [
        part
        for n in range(2, 100, 2)
        for part in (
            event(n, "user_id:v", account_id="a", account_traits={"city": n}),
            event(n + 1, "user_id:u", account_id="a", context_traits={"city": n}),
        )
    ]

    await world.send(space, *mixed)

    at = system_clock()
    asked = f"{CUSTOMER} {{ traits {{ name value }} }}"
    for found in (
        await world.customer(space, "user_id:u", asked),
        await world.customer(space, "user_id:u", asked, as_of=at),
    ):
        assert found["traits"] == [{"name": "city", "value": "Graz"}]


async def test_more_traits_than_are_shown_are_counted_and_do_not_displace_the_first(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await world.send(space, event(5, "user_id:u", traits={"plan": "pro"}))

    await world.send(
        space,
        *(
            event(at, "user_id:u", traits={f"j{at}-{n}": n for n in range(500)} | {"plan": "new"})
            for at in (1, 9, 10)
        ),
    )

    asked = f'{CUSTOMER} {{ traits {{ name }} traitsOmitted trait(name: "plan") {{ value }} }}'
    found = await world.customer(space, "user_id:u", asked)
    assert (len(found["traits"]), found["traitsOmitted"]) == (1_000, 501)
    assert found["trait"] == {"value": "new"}


async def test_large_events_do_not_hide_the_traits_of_small_ones(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await world.send(
        space,
        event(1, "user_id:u", traits={"plan": "pro"}),
        *(event(n, "user_id:u", traits={f"junk{n}": "x" * 1_500_000}) for n in (2, 3, 4, 5)),
    )

    asked = f"{CUSTOMER} {{ traits {{ name }} traitsOmitted }}"
    found = await world.customer(space, "user_id:u", asked)

    assert {"name": "plan"} in found["traits"]
    assert found["traitsOmitted"] == 5 - len(found["traits"]) > 0


async def test_traits_of_events_without_trait_keys_are_found(
    world: GraphQLWorld, space: OpenSpace, database: Database
) -> None:
    await world.send(space, event(1, "user_id:u", traits={"plan": "free", "city": "Graz"}))
    await database.write_one(WITHOUT_TRAIT_KEYS, space=space.name)
    await world.send(space, event(2, "user_id:u", traits={"plan": "pro"}))

    at = system_clock()
    asked = f"{CUSTOMER} {{ traits {{ name value }} }}"
    for found in (
        await world.customer(space, "user_id:u", asked),
        await world.customer(space, "user_id:u", asked, as_of=at),
    ):
        assert found["traits"] == [
            {"name": "city", "value": "Graz"},
            {"name": "plan", "value": "pro"},
        ]


async def test_events_come_newest_first_page_by_page(world: GraphQLWorld, space: OpenSpace) -> None:
    # Events of one moment, receipt, place and message id lie on both sides of a page's end.
    times = [1, 2, 2, 2, 4]
    await world.send(
        space,
        *(
            event(at, "user_id:u", name=f"e{n}", message_id="m", digest=f"{n}", place=n // 4)
            for n, at in enumerate(times)
        ),
    )

    names: list[str] = []
    found: dict[str, Any] = {}
    after, more = "", True
    while more:
        found = await world.customer(
            space,
            "user_id:u",
            f"{CUSTOMER} {{ eventCount events(first: 2{after}) {{ edges {{ node {{ name }} }}"
            " pageInfo { hasNextPage hasPreviousPage endCursor } } }",
        )
        names += [node["name"] for node in nodes(found["events"])]
        page = found["events"]["pageInfo"]
        assert page["hasPreviousPage"] is bool(after)
        after, more = f', after: "{page["endCursor"]}"', page["hasNextPage"]

    assert found["eventCount"] == 5
    assert names == ["e4", "e3", "e2", "e1", "e0"]


async def test_events_can_be_narrowed_and_turned_round(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await world.send(space, *(event(at, "user_id:u", name=f"e{at}") for at in range(1, 7)))

    found = await world.customer(
        space,
        "user_id:u",
        f'{CUSTOMER} {{ window: events(since: "1970-01-01T00:00:00.002Z",'
        ' until: "1970-01-01T00:00:00.004Z", newestFirst: false) { edges { node { name } } }'
        ' named: events(names: ["e1", "e6"], newestFirst: false, first: 1)'
        " { edges { node { name } } pageInfo { endCursor } } }",
    )
    cursor = found["named"]["pageInfo"]["endCursor"]
    rest = await world.customer(
        space,
        "user_id:u",
        f'{CUSTOMER} {{ events(names: ["e1", "e6"], newestFirst: false, after: "{cursor}")'
        " { edges { node { name } } } }",
    )

    assert [node["name"] for node in nodes(found["window"])] == ["e2", "e3", "e4"]
    assert [node["name"] for node in nodes(found["named"])] == ["e1"]
    assert [node["name"] for node in nodes(rest["events"])] == ["e6"]


async def test_an_event_is_told_to_the_last_digit(world: GraphQLWorld, space: OpenSpace) -> None:
    properties = {"big": 2**70, "nested": [{"a": None}], "text": "ä"}
    await world.send(
        space, event(5, "user_id:u", "email:u@x.org", message_id="m:1", properties=properties)
    )

    found = await world.customer(
        space,
        "user_id:u",
        f"{CUSTOMER} {{ events {{ edges {{ node {{ id messageId type name at source properties"
        " identifiers { type } } } } }",
    )

    (told,) = nodes(found["events"])
    node_id = told.pop("id")
    assert told == {
        "messageId": "m:1",
        "type": "track",
        "name": "seen",
        "at": "1970-01-01T00:00:00.005Z",
        "source": space.name,
        "properties": properties,
        "identifiers": [{"type": "user_id"}, {"type": "email"}],
    }
    again = await world.ask(
        "query($id: ID!) { node(id: $id) { __typename id ... on Event { messageId } } }",
        {"id": node_id},
        key=space.reader_key,
    )
    assert again["data"]["node"] == {"__typename": "Event", "id": node_id, "messageId": "m:1"}


async def test_links_tell_their_decision_and_the_device_is_shared(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await world.send(
        space,
        event(1, "anonymous_id:c", "user_id:u"),
        event(2, "anonymous_id:c", "user_id:v"),
        event(3, "email:u@x.org", "user_id:u"),
        event(4, "email:u@x.org", "user_id:u"),
    )

    found = await world.customer(
        space,
        "user_id:u",
        f"{CUSTOMER} {{ links {{ a {{ value }} b {{ value }} timesSeen sources"
        " decision { joined reason message } } sharedDevices { value contested linkCount"
        f" customer {{ kind }} }} }}",
    )

    joined, refused = found["links"]
    assert joined == {
        "a": {"value": "u@x.org"},
        "b": {"value": "u"},
        "timesSeen": 2,
        "sources": [space.name],
        "decision": {
            "joined": True,
            "reason": None,
            "message": "One customer: they were seen together 2 times.",
        },
    }
    assert refused["decision"]["reason"] == "QUARANTINE"
    assert found["sharedDevices"] == [
        {"value": "c", "contested": True, "linkCount": 2, "customer": {"kind": "QUARANTINED"}}
    ]


async def test_a_limit_names_the_identifiers_that_stand_against_it(
    world: GraphQLWorld,
) -> None:
    space = await world.create_space("extends: merge_all\ntypes:\n"
        "  user_id: {priority: 1, kind: person, limit: 1}\n")  # fmt: skip
    await world.send(
        space, event(1, "anonymous_id:c", "user_id:u"), event(2, "anonymous_id:c", "user_id:v")
    )

    found = await world.customer(
        space,
        "user_id:v",
        f"{CUSTOMER} {{ links {{ decision {{ reason type conflict {{ value }} }} }} }}",
    )

    assert found["links"] == [
        {
            "decision": {
                "reason": "LIMIT",
                "type": "user_id",
                "conflict": [{"value": "u"}, {"value": "v"}],
            }
        }
    ]


async def test_changes_come_newest_first_of_the_space_and_of_a_customer(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await world.send(space, event(1, "anonymous_id:c"))
    await world.send(space, event(2, "user_id:u"))
    await world.send(space, event(3, "user_id:u", "anonymous_id:c", message_id="m3"))
    await world.send(space, event(4, "user_id:other"))

    found = await world.of_space(
        space,
        "changes { edges { node { id kind cause identifiers { value } } } }"
        " merged: changes(kinds: [MERGED]) { edges { node { kind } } }"
        " page: changes(first: 1) { edges { node { kind } } pageInfo { hasNextPage endCursor } }"
        f' customer(identifier: {{type: "user_id", value: "u"}}) {{ {CUSTOMER} {{'
        " changes { edges { node { kind } } } } }",
    )

    all_of_them = nodes(found["changes"])
    assert [change["kind"] for change in all_of_them] == ["CREATED", "MERGED", "CREATED", "CREATED"]
    assert all_of_them[1]["cause"] == "event:m3"
    assert all_of_them[1]["identifiers"] == [{"value": "c"}]
    assert [change["kind"] for change in nodes(found["merged"])] == ["MERGED"]
    assert [change["kind"] for change in nodes(found["customer"]["changes"])] == [
        "MERGED",
        "CREATED",
    ]
    after = found["page"]["pageInfo"]["endCursor"]
    rest = await world.of_space(space, f'changes(after: "{after}") {{ edges {{ node {{ id }} }} }}')
    assert [change["id"] for change in nodes(rest["changes"])] == [c["id"] for c in all_of_them[1:]]


async def test_a_change_names_the_event_that_caused_it_where_its_message_id_was_used_again(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    await world.send(space, event(1, "anonymous_id:c", message_id="m", name="first"))
    await world.send(space, event(2, "anonymous_id:d", message_id="m", name="other", digest="2"))

    found = await world.of_space(
        space, "changes { edges { node { cause causedBy { event { id name } } } } }"
    )

    changes = nodes(found["changes"])
    assert [change["cause"] for change in changes] == ["event:m", "event:m"]
    events = [change["causedBy"]["event"] for change in changes]
    assert [one["name"] for one in events] == ["other", "first"]
    for one in events:
        query = "query ($id: ID!) { node(id: $id) { ... on Event { id name } } }"
        again = await world.ask(query, {"id": one["id"]}, key=space.reader_key)
        assert again["data"]["node"] == one


async def test_contested_identifiers_and_super_connectors_are_listed_most_shared_first(
    world: GraphQLWorld,
) -> None:
    space = await world.create_space("""
types:
  user_id: {priority: 1, kind: person, limit: 1}
  cookie: {priority: 8, kind: device, shared: quarantine}
  hub: {priority: 9, kind: device, shared: merge, max_links: 1}
""")
    for hub in range(3):
        await world.send(
            space, *(event(n, f"cookie:c{hub}", f"user_id:u{n}") for n in range(hub + 2))
        )
    await world.send(space, event(1, "hub:h", "user_id:u1"), event(1, "hub:h", "user_id:u2"))

    found = await world.of_space(
        space,
        "contested(first: 2) { edges { node { value linkCount } } pageInfo { endCursor } }"
        " superConnectors { edges { node { value superConnector } } }",
    )
    after = found["contested"]["pageInfo"]["endCursor"]
    rest = await world.of_space(
        space, f'contested(after: "{after}") {{ edges {{ node {{ value }} }} }}'
    )

    assert nodes(found["contested"]) == [
        {"value": "c2", "linkCount": 4},
        {"value": "c1", "linkCount": 3},
    ]
    assert nodes(rest["contested"]) == [{"value": "c0"}]
    assert nodes(found["superConnectors"]) == [{"value": "h", "superConnector": True}]


async def test_an_over_connected_component_names_the_most_linked(world: GraphQLWorld) -> None:
    space = await world.create_space("""
types:
  user_id: {priority: 1, kind: person}
  cookie: {priority: 9, kind: device, shared: merge}
max_component: 3
""")
    for n in range(4):
        await world.send(space, event(n, "cookie:hub", f"user_id:u{n}"))

    found = await world.customer(
        space, "user_id:u3", "... on OverConnected { message size limit identifiers { value } }"
    )

    two = await world.of_space(
        space,
        'customers(identifiers: [{type: "user_id", value: "u3"}, {type: "cookie", value: "hub"},'
        ' {type: "user_id", value: "none"}]) { __typename ... on OverConnected { size } }',
    )

    # Those that were settled before the bound was passed stay as they are.
    assert [answer.get("size") for answer in two["customers"]] == [5, None, None]
    assert found["__typename"] == "OverConnected"
    assert (found["size"], found["limit"]) == (5, 3)
    assert found["identifiers"][0] == {"value": "hub"}
    assert "5 identifiers" in found["message"]


async def test_statistics_count_the_space(world: GraphQLWorld, space: OpenSpace) -> None:
    await world.send(
        space,
        event(1, "anonymous_id:c", "user_id:u"),
        event(2, "anonymous_id:c", "user_id:v"),
        event(3, "anonymous_id:d"),
    )

    found = await world.of_space(
        space, "statistics { customers known anonymous quarantined identifiers events links }"
    )

    assert found["statistics"] == {
        "customers": 4,
        "known": 2,
        "anonymous": 1,
        "quarantined": 1,
        "identifiers": 4,
        "events": 3,
        "links": 2,
    }


async def test_rejected_events_are_told_to_agents_with_what_was_sent(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    rejection = Rejection(RejectionCode.NO_IDENTIFIER, "It has none.", "m1", {"type": "track"})
    await world.send(space, rejection)

    found = await world.of_space(
        space, "rejectedEvents { edges { node { messageId source code message body } } }"
    )

    assert nodes(found["rejectedEvents"]) == [
        {
            "messageId": "m1",
            "source": space.name,
            "code": "NO_IDENTIFIER",
            "message": "It has none.",
            "body": {"type": "track"},
        }
    ]


@pytest.mark.parametrize("kind", ["Customer", "Identifier", "Change"])
async def test_every_node_is_found_again_by_its_id(
    world: GraphQLWorld, space: OpenSpace, kind: str
) -> None:
    await world.send(space, event(1, "email:a:b@x.org"), event(1, "user_id:u:1"))
    found = await world.of_space(
        space,
        'customer(identifier: {type: "user_id", value: "u:1"}) { ... on Customer { id'
        " identifiers { id } changes { edges { node { id } } } } }",
    )
    customer = found["customer"]
    node_id = {
        "Customer": customer["id"],
        "Identifier": customer["identifiers"][0]["id"],
        "Change": nodes(customer["changes"])[0]["id"],
    }[kind]

    answer = await world.ask(
        "query($id: ID!) { node(id: $id) { __typename id } }", {"id": node_id}, key=space.reader_key
    )

    assert answer["data"]["node"] == {"__typename": kind, "id": node_id}


async def test_a_node_of_a_space_that_the_key_may_not_enter_is_not_there(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    other = await world.create_space()
    await world.send(space, event(1, "user_id:u"))
    found = await world.customer(space, "user_id:u", f"{CUSTOMER} {{ id }}")
    query = "query($id: ID!) { node(id: $id) { id } }"

    answer = await world.ask(query, {"id": found["id"]}, key=other.admin_key)

    assert answer["data"] == {"node": None}


async def test_a_customer_of_another_space_is_not_found_by_its_id(
    world: GraphQLWorld, space: OpenSpace
) -> None:
    other = await world.create_space()
    await world.send(space, event(1, "user_id:u"))
    found = await customer_id(world, space, "user_id:u")

    answer = await world.of_space(
        other, f'customer(id: "{found}") {{ ... on NotFound {{ reason }} }}'
    )

    assert answer["customer"] == {"reason": "UNKNOWN"}


async def test_a_cursor_of_another_list_is_refused(world: GraphQLWorld, space: OpenSpace) -> None:
    answer = await world.ask(
        f'{{ space(name: "{space.name}") {{ changes(after: "abc") {{ edges {{ cursor }} }} }} }}',
        key=space.reader_key,
    )

    assert answer["errors"][0]["extensions"] == {"code": "BAD_INPUT"}
    assert "no cursor of this list" in answer["errors"][0]["message"]
