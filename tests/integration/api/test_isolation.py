"""Two spaces hold the same identifiers; nobody learns or changes anything of one with a key of
the other, by any field, argument or mutation that the schema has.

Questions are made from the schema: a field that is added is asked for, and an argument that is
added has to be given a value in `ways`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from graphql import GraphQLInterfaceType, GraphQLSchema, build_schema

from identity_service.api.graphql import schema as offered
from identity_service.api.graphql.connections import encode_cursor
from identity_service.graph.database import Database
from tests.support.asking import Asking, Way, Word, entities, output_fields
from tests.support.graphql import GraphQLWorld
from tests.support.neighbours import (
    OURS,
    SHARED,
    THEIRS,
    Neighbour,
    dump,
    fill,
    leaked,
    only_of,
    two_names,
)

# Every question of the schema is asked with every wrong key: minutes, on a slow machine.
pytestmark = pytest.mark.timeout(1800)

STRANGERS = (
    "our reader",
    "our agent",
    "our admin",
    "our write key",
    "their write key",
    "the instance administrator",
    "nobody",
)
NO_KEYS = ("their revoked key", "a key that is none")
FROM_THE_BEGINNING = encode_cursor("change", 0)
BEFORE_ALL_MEMBERSHIPS = encode_cursor("membership", 0)
FIRST_DEAD_LETTER = encode_cursor("dead letter", "a")
SENT_NOW = re.compile(r'"timestamp":"[^"]*",')
BEFORE_ALL_DIFFERENCES = encode_cursor("difference", 0, "a", "a")

INSIDE = ("our reader", "our agent", "our admin")

MAY_NOT: Mapping[str, Sequence[str]] = {
    "rejectedEvents": ("our reader",),
    "sources": ("our reader", "our agent"),
    "previewReadingRules": ("our reader", "our agent"),
    "upstreamRequests": ("our reader", "our agent"),
    "destinations": ("our reader", "our agent"),
    "keys": ("our reader", "our agent"),
    "destinationRecords": ("our reader", "our agent"),
}
"""By field of a space, who may enter it and may not ask for that."""


@dataclass(frozen=True)
class Two:
    """Both spaces; `theirs` was filled after `ours`, between the two sets of our answers."""

    ours: Neighbour
    theirs: Neighbour
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    secret: frozenset[str]
    keys: Mapping[str, str | None]


def ways(door: str, about: Neighbour) -> dict[str, Sequence[Way]]:
    """How to ask for each field with arguments: at the door of a space, about what is known."""
    said, after = about.said, about.cursors
    identifiers = [
        dict(zip(("type", "value"), each.split(":"), strict=True))
        for each in (*SHARED, f"anonymous_id:{said}-10")
    ]
    ids = (*about.customers, about.retired)
    always = {"since": "1960-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}

    def pages(path: str) -> list[Way]:
        return [{"first": 100}, {"first": 100, "after": after[path]}]

    return {
        "Space.customer": [
            *({"identifier": identifier} for identifier in identifiers),
            *({"id": each} for each in ids),
            {"identifier": identifiers[0], "live": True},
            {"id": about.retired, "live": True},
            {"identifier": identifiers[0], "asOf": about.filled},
            {"identifier": identifiers[-1], "asOf": about.filled},
            {"id": about.retired, "asOf": about.filled},
        ],
        "Space.customers": [{"identifiers": identifiers}],
        "Space.customersById": [{"ids": list(ids)}],
        "Space.explain": [
            {"a": identifiers[0], "b": identifiers[1]},
            {"a": identifiers[0], "b": identifiers[-1]},
        ],
        "Space.policies": pages("Space.policies"),
        "Space.profilesHistory": pages("Space.profilesHistory"),
        "Space.audience": [{"name": "seers"}, {"name": "holders"}],
        "Audience.members": [
            {"first": 100},
            {"first": 100, "after": encode_cursor("member", "")},
        ],
        "Space.membershipChanges": [
            *pages("Space.membershipChanges"),
            {"audience": "seers"},
        ],
        "Space.search": [
            *({"text": each["value"]} for each in identifiers),
            {"text": about.customers[0]},
            {"text": about.retired},
            {"text": said, "first": 100},
            {"text": said, "after": encode_cursor("found", 0)},
        ],
        "Space.customersByFeature": [
            {"orderBy": "seen", "where": [{"name": "seen", "gte": 1}], "audience": "seers"},
            {"orderBy": "seen", "descending": False, "first": 100}
            | {"after": encode_cursor("sorted", "")},
        ],
        "Space.previewProfiles": [{"text": "audiences: {seers: {who: {did: page}}}"}],
        "Account.features": [{"names": ["seen"]}],
        "Account.explainFeature": [{"name": "seen", "first": 1}],
        "Account.explainAudience": [{"name": "seers"}],
        "Customer.features": [{"names": ["seen"]}],
        "Customer.explainFeature": [{"name": "seen", "first": 1}],
        "Customer.explainAudience": [{"name": "seers"}],
        "Space.profilesDiff": [{"older": 1}, {"older": 1, "newer": 1}],
        "Space.contested": pages("Space.contested"),
        "Space.superConnectors": pages("Space.superConnectors"),
        "Space.changes": [
            *pages("Space.changes"),
            {"kinds": [Word("CREATED"), Word("MERGED")]},
            {"kinds": [Word("CREATED")], **always},
            *({"customer": each, **always} for each in ids),
        ],
        "Space.rejectedEvents": [
            *pages("Space.rejectedEvents"),
            {"source": about.name, "code": "NO_IDENTIFIER", **always},
        ],
        "Space.sources": pages("Space.sources"),
        "Space.keys": [{"first": 100}, {"first": 100, "after": encode_cursor("key", "")}],
        "Source.statistics": [{"days": 90}],
        "Source.readingRules": [{"first": 100}],
        "Space.previewReadingRules": [
            {"source": about.name, "rules": "identifiers: {userId: shop}", "first": 100}
        ],
        "Space.destinations": pages("Space.destinations"),
        "Space.destinationRecords": [{"customerId": each} for each in ids],
        "Destination.dryRun": [{"everybody": True}],
        "Destination.deadLetters": [{"first": 100, "after": FIRST_DEAD_LETTER}],
        "Destination.events": [
            {"state": Word("DEAD"), "first": 100, "after": encode_cursor("destination event", "a")}
        ],
        "Space.judgements": [
            *pages("Space.judgements"),
            {"author": f"{said} agent", **always},
            *({"customer": each} for each in ids),
        ],
        "Customer.judgements": [{"first": 100, "after": after["Space.judgements"]}],
        "Space.retractions": pages("Space.retractions"),
        "Space.upstreamMerges": [
            *pages("Space.upstreamMerges"),
            {"source": about.name, "state": Word("OPEN")},
        ],
        "Space.upstreamRequests": [
            *pages("Space.upstreamRequests"),
            {"source": about.name, "state": Word("OPEN")},
        ],
        "Space.previewRetraction": [
            {"source": about.name, "from": always["since"], "until": about.filled}
        ],
        # One small difference: all that hangs on each of its identifiers is asked for.
        "Space.preview": [
            {"policy": "extends: quarantine\nblocked: [{value: cids-phone}]"},
            {"policy": "extends: merge_all"},
        ],
        "Space.previewJudgement": [
            {"verdict": Word("SAME"), "a": identifiers[0], "b": identifiers[-1]},
            {"verdict": Word("APART"), "a": identifiers[0], "b": identifiers[1]},
            {"verdict": Word("SAME"), "a": identifiers[0], "messageId": said},
            {"verdict": Word("DETACH"), "a": identifiers[0], "messageId": said},
        ],
        "PolicyPreview.differences": [{"first": 1, "after": BEFORE_ALL_DIFFERENCES}],
        "Customer.identifiers": [{"first": 1000}],
        "Customer.trait": [{"name": "nickname"}],
        "Customer.events": [
            {"first": 100, "names": [said, "seen"], "newestFirst": False},
            always,
            {"after": after["Customer.events"]},
        ],
        "Customer.links": [{"first": 1000}],
        "Customer.sharedDevices": [{"first": 100}],
        "Customer.changes": pages("Customer.changes"),
        "Subscription.changes": [
            {"space": door, "after": FROM_THE_BEGINNING},
            {"space": door, "after": FROM_THE_BEGINNING, "kinds": [Word("CREATED")]},
        ],
        "Space.blastRadius": [{"identifier": identifiers[6]}],
        "Identifier.sharedBy": [{"first": 1}],
        "Identifier.linksBySource": [{"first": 100}],
        "Identifier.linksOverTime": [{"first": 1000}],
        "Subscription.settlement": [{"space": door}],
        "Subscription.membershipChanges": [
            {"space": door, "after": BEFORE_ALL_MEMBERSHIPS, "audiences": ["seers"]}
        ],
        **_journeys(said, identifiers),
        "Mutation.createSpace": [{"name": door, "policy": OURS}],
        "Mutation.deleteSpace": [{"name": door, "again": door}],
        "Mutation.createSource": [
            {
                "name": f"{said}-source",
                "spaces": [door],
                "region": "NL",
                "snowplowAppId": f"{said}-app",
            },
            {"name": f"{said}-both", "spaces": [door, about.name]},
            {"name": f"{said}-both", "spaces": [about.name, door]},
        ],
        "Mutation.createWebhookSource": [
            {"name": f"{said}-{number}", "spaces": spaces, "vendor": Word("SHOPIFY")}
            | {"secret": "shpss_secret", "publicUrl": "https://x.org/", "livemode": True}
            | {"noteAttribute": "aid", "region": "NL"}
            for number, spaces in enumerate(([door], [door, about.name], [about.name, door]))
        ],
        "Mutation.rotateWebhookSecret": [
            {"space": door, "source": f"{said}-shop", "secret": "shpss_another"}
        ],
        "Mutation.createDestination": [
            {"space": door, "name": f"{said}-new", "vendor": Word("WEBHOOK")}
            | {"definition": "connection: {url: https://x.org}"}
            | {"secrets": [{"name": "secret", "value": "whsec_MDEyMzQ1Njc4"}]}
        ],
        "Mutation.changeDestination": [
            {"space": door, "destination": f"{said}-crm"}
            | {"definition": "connection: {url: https://y.org}"}
            | {"secrets": [{"name": "secret", "value": "whsec_MDEyMzQ1Njc4"}]}
        ],
        "Mutation.sendAgain": [
            {"space": door, "destination": f"{said}-crm", "records": ["user_id:ann"]}
            | {"events": ["m1"]}
        ],
        "Mutation.eraseAtDestinations": [{"space": door, "customerId": each} for each in ids],
        **{
            f"Mutation.{each}Destination": [{"space": door, "destination": f"{said}-crm"}]
            for each in ("pause", "resume", "sync", "delete")
        },
        "Mutation.acceptMerge": [
            {"space": door, "id": each, "reason": "so it says"} for each in about.merges
        ],
        "Mutation.acceptAllMerges": [
            {"space": door, "source": about.name, "reason": "so it says"}
            | {"after": after["Space.upstreamMerges"]}
        ],
        "Mutation.dismissMerge": [
            {"space": door, "id": each, "reason": "who knows"} for each in about.merges
        ],
        "Mutation.markRequestHandled": [
            {"space": door, "id": each, "reason": "done"} for each in about.requests
        ],
        "Mutation.createKey": [{"space": door, "role": Word("ADMIN"), "name": "one more"}],
        "Mutation.revokeKey": [
            {"space": door, "name": name} for name in (f"{said} agent", about.name)
        ],
        "Mutation.rotateKey": [{"space": door, "name": f"{said} agent", "graceSeconds": 60}],
        "Mutation.createProofSecret": [
            {"space": door, "source": name} for name in (f"{said}-web", about.name)
        ],
        "Mutation.pauseSource": [{"space": door, "source": about.name}],
        "Mutation.resumeSource": [{"space": door, "source": about.name}],
        "Mutation.limitSource": [{"space": door, "source": about.name, "eventsPerSecond": 0.5}],
        "Mutation.rotateSourceKey": [{"space": door, "source": about.name, "graceSeconds": 60}],
        "Mutation.feedSpaces": [{"space": door, "source": about.name, "spaces": [door]}],
        "Mutation.setReadingRules": [
            {"space": door, "source": about.name, "rules": "", "expectedVersion": 0}
        ],
        "Mutation.resendRejectedEvents": [
            {"space": door, "events": [{"id": each} for each in about.rejected]}
        ],
        "Mutation.dropRejectedEvents": [{"space": door, "ids": list(about.rejected)}],
        "Mutation.applyProfiles": [
            {"space": door, "text": f"features: {{a: {{count: {said}}}}}", "expectedVersion": 1}
            | {"reason": said}
        ],
        "Mutation.setPolicy": [
            {"space": door, "policy": OURS, "expectedVersion": 2, "note": "looked better"}
        ],
        "Mutation.judge": [
            {
                "space": door,
                "verdict": Word("SAME"),
                "a": identifiers[0],
                "b": identifiers[-1],
                "reason": "they look alike",
            }
        ],
        "Mutation.detach": [
            {"space": door, "messageId": said, "identifier": identifiers[0], "reason": "not me"}
        ],
        "Mutation.retract": [
            {"space": door, "source": about.name, "reason": "junk"}
            | {"from": always["since"], "until": about.filled}
        ],
        "Mutation.withdrawRetraction": [
            {"space": door, "id": each, "reason": "who knows"} for each in about.retractions
        ],
        "Mutation.withdrawJudgement": [
            {"space": door, "id": each, "reason": "who knows"} for each in about.judgements
        ],
    }


def _journeys(said: str, identifiers: Sequence[Any]) -> dict[str, Sequence[Way]]:
    """How to ask for journeys: with every argument, about all of the time and all customers."""
    always = {
        "since": "1960-01-01T00:00:00Z",
        "until": "2100-01-01T00:00:00Z",
        "segment": {"kinds": [Word("KNOWN"), Word("ANONYMOUS"), Word("QUARANTINED")]},
    }
    window, first = {"within": "400d"}, {"first": 100}
    start, end = {"startEvent": "seen"}, {"endEvent": said}
    steps: Way = {"steps": ["seen", said]}
    segment = {"did": "seen", "property": "page", "value": said}
    of_profile = {"audience": "seers", "feature": "seen", "featureValue": said}
    return {
        "Journeys.lastPageBefore": [{"event": said, **first, **always}],
        "Journeys.flows": [
            {**start, **end, "depth": 5, "names": 20, **first, **always},
            {"segment": segment},
        ],
        "Journeys.funnel": [
            {**steps, **window, **always},
            {**steps, "segment": segment},
            {**steps, "segment": of_profile},
        ],
        "Journeys.funnelBy": [{**steps, "by": "page", **window, **first, **always}],
        "Journeys.correlation": [{"goal": said, **first, **always}, {"goal": "seen"}],
        "Journeys.dropOff": [{"silentFor": "1d", **first, **always}],
        "Journeys.retention": [{**start, "returnEvent": said, "weeks": 4, **first, **always}],
        "Journeys.timeToConvert": [{**start, "goal": said, **window, **always}],
        "Journeys.customerPath": [
            {"identifier": each, "session": "30m", **first, **always} for each in identifiers
        ],
        "Journeys.hiddenByQuarantine": [{**first, **always}],
        "Journeys.crossAppUsers": [{**first, **always}],
        "Journeys.accounts": [{"steps": ["seen"], **first, **always}],
        "Journeys.newsletterToCustomer": [
            {"subscribed": "seen", "goal": said, **window, **first, **always}
        ],
        "Journeys.changedIdentities": [
            {"changedSince": "1960-01-01T00:00:00Z", "event": "seen", **always}
        ],
        "Journeys.attribution": [
            {"goal": said, **window, "session": "30m", "halfLife": "7d", **first, **always}
        ],
    }


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema(offered.build_schema().as_str())


@pytest.fixture(scope="module")
async def two(database: Database, world: GraphQLWorld, schema: GraphQLSchema) -> Two:
    our_name, their_name = two_names()
    our_space = await world.create_space(OURS, our_name)
    their_space = await world.create_space(THEIRS, their_name)
    ours = await fill(world, our_space, f"ours-{our_name[-6:]}", OURS, day=400, more=1)

    async def answers() -> dict[str, Any]:
        asked = questions(schema, ours.name, ours)
        return {query: told(await world.ask(query, key=ours.space.admin_key)) for query in asked}

    before = await answers()
    theirs = await fill(world, their_space, f"theirs-{our_name[-6:]}", THEIRS, day=11_000, more=4)
    after = await answers()
    theirs_only = only_of(await dump(database, theirs), await dump(database, ours))
    return Two(
        ours=ours,
        theirs=theirs,
        before=before,
        after=after,
        secret=theirs_only | {theirs.day},
        keys={
            "our reader": ours.space.reader_key,
            "our agent": ours.agent_key,
            "our admin": ours.space.admin_key,
            "our write key": ours.space.write_key,
            "their write key": theirs.space.write_key,
            "their revoked key": theirs.revoked_key,
            "the instance administrator": world.admin_key,
            "a key that is none": "ids_admin_of_nothing",
            "nobody": None,
        },
    )


def questions(schema: GraphQLSchema, door: str, about: Neighbour) -> list[str]:
    """Everything that can be read of a space, one question for each way through a field."""
    asked = Asking(schema, ways(door, about)).fields("Space")
    one_each = {each.split("(")[0].split()[0]: each for each in asked}.values()
    return [
        *(f'{{ space(name: "{door}") {{ {each} }} }}' for each in asked),
        *(f"{{ spaces {{ {each} }} }}" for each in one_each),
        *node_questions(schema, about),
    ]


def node_questions(schema: GraphQLSchema, about: Neighbour) -> list[str]:
    """Some nodes of every kind that a space has, with all that hangs on them."""
    asking = Asking(schema, ways(about.name, about))
    return [
        f'{{ node(id: "{node}") {{ ... on {kind} {asking.everything(kind)} }} }}'
        for kind, nodes in about.nodes.items()
        for node in nodes[:3]
    ]


def mutations(schema: GraphQLSchema, door: str, about: Neighbour) -> list[str]:
    """Every mutation, at the door of a space, with what is known of one."""
    asking = Asking(schema, ways(door, about))
    return [f"mutation {{ {each} }}" for each in asking.fields("Mutation", above=("Space",))]


def subscriptions(schema: GraphQLSchema, door: str, about: Neighbour) -> list[str]:
    """Every subscription, at the door of a space, with all that hangs on what it tells."""
    asking = Asking(schema, ways(door, about))
    return [
        f"subscription {{ {each} }}" for each in asking.fields("Subscription", above=("Space",))
    ]


def told(answer: Any) -> Any:
    """An answer without the time at which one that is not stored was made, or would be sent."""

    def steady(held: dict[str, Any]) -> dict[str, Any]:
        if held.get("__typename") == "DestinationRequest":
            return {**held, "body": SENT_NOW.sub("", held["body"])}
        made_now = held.get("live") or held.get("asOf")
        return {**held, "resolvedAt": None} if made_now else held

    return json.loads(json.dumps(answer), object_hook=steady)


def codes(answer: Mapping[str, Any]) -> list[str]:
    return [error["extensions"]["code"] for error in answer.get("errors", ())]


async def test_every_field_and_argument_of_the_schema_is_asked(
    two: Two, schema: GraphQLSchema
) -> None:
    table = ways(two.theirs.name, two.theirs)
    asking = Asking(schema, table)
    asking.fields("Space")
    asking.fields("Mutation", above=("Space",))
    asking.fields("Subscription", above=("Space",))
    fields = output_fields(schema)
    given = {path: {name for way in table[path] for name in way} for path in table}
    node = schema.type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)

    # `questions` goes through the first three itself; a space that was just made holds nothing.
    doors = {
        *("Query.space", "Query.spaces", "Query.sources", "Query.node", "Query.viewer"),
        "Query.spaceDeletions",
        *("Query._entities", "Query._service", "_Service.sdl"),
        *("SpaceCreated.space", "Viewer.name", "Viewer.role", "Viewer.spaces"),
    }
    assert fields.keys() - asking.asked == doors
    assert given == {p: set(names) for p, names in fields.items() if names and p not in doors}
    assert two.theirs.nodes.keys() == {kind.name for kind in schema.get_possible_types(node)}
    assert all(two.theirs.nodes.values())


async def test_what_happens_in_another_space_changes_no_answer(two: Two) -> None:
    changed = {
        query: (two.before[query], two.after[query])
        for query in two.before
        if two.before[query] != two.after[query]
    }

    assert changed == {}
    assert leaked(two.after, two.secret) == set()
    assert {query: answer["errors"] for query, answer in two.after.items() if codes(answer)} == {}


async def test_every_question_has_an_answer_in_its_own_space(two: Two) -> None:
    empty = [query for query, answer in two.after.items() if None in answer["data"].values()]

    assert empty == []


async def test_a_space_looks_to_its_own_keys_as_different_as_it_is(
    world: GraphQLWorld, two: Two, schema: GraphQLSchema
) -> None:
    asked = questions(schema, two.theirs.name, two.theirs)

    answers = [await world.ask(query, key=two.theirs.space.admin_key) for query in asked]

    seen = leaked(answers, two.secret)
    assert {two.theirs.said, two.theirs.day, two.theirs.retired, *two.theirs.customers} <= seen
    assert set(two.theirs.judgements) | set(two.theirs.changes) <= seen


@pytest.mark.parametrize("who", STRANGERS)
async def test_a_key_of_no_business_there_reads_nothing_of_a_space(
    world: GraphQLWorld, two: Two, schema: GraphQLSchema, who: str
) -> None:
    for query in questions(schema, two.theirs.name, two.theirs):
        answer = await world.ask(query, key=two.keys[who])

        if not query.startswith("{ spaces"):
            assert "errors" not in answer, query
            assert set(answer["data"].values()) == {None}, query
        elif who not in INSIDE:
            assert answer["data"] == {"spaces": []}, query
        assert leaked(answer, two.secret, query) == set(), query


async def test_a_key_of_an_entity_finds_it_for_those_alone_who_may_enter_its_space(
    world: GraphQLWorld, two: Two, schema: GraphQLSchema
) -> None:
    asking = Asking(schema, ways(two.theirs.name, two.theirs))
    keys = [
        *({"__typename": kind, "id": node}
          for kind in ("Customer", "Identifier") for node in two.theirs.nodes[kind][:3]),
        *({"__typename": "Identifier", "space": two.theirs.name}
          | dict(zip(("type", "value"), each.split(":"), strict=True))
          for each in SHARED if each != "user_id:blocked-later"),
    ]  # fmt: skip
    for kind in ("Customer", "Identifier"):
        query = entities(keys, f"... on {kind} {asking.everything(kind)}")
        theirs = await world.ask(query, key=two.theirs.space.reader_key)
        assert "errors" not in theirs
        assert None not in theirs["data"]["_entities"]
        for who in STRANGERS:
            answer = await world.ask(query, key=two.keys[who])

            assert answer["data"] == {"_entities": [None] * len(keys)}, who
            assert "errors" not in answer


@pytest.mark.parametrize("who", NO_KEYS)
async def test_a_key_that_is_none_is_refused_whatever_it_asks(
    database: Database, world: GraphQLWorld, two: Two, schema: GraphQLSchema, who: str
) -> None:
    before = await dump(database, two.theirs)
    name = two.theirs.name
    asked = (*questions(schema, name, two.theirs), *mutations(schema, name, two.theirs))

    for query in asked:
        response = await world.post({"query": query}, two.keys[who])

        assert (response.status_code, codes(response.json())) == (401, ["UNAUTHORISED"]), query
        assert leaked(response.json(), two.secret, query) == set(), query

    assert await dump(database, two.theirs) == before


@pytest.mark.parametrize("who", STRANGERS)
async def test_a_key_of_no_business_there_follows_nothing_of_a_space(
    world: GraphQLWorld, two: Two, schema: GraphQLSchema, who: str
) -> None:
    for query in subscriptions(schema, two.theirs.name, two.theirs):
        answers = await world.follow(query, 1, key=two.keys[who])

        assert [codes(answer) for answer in answers] == [["FORBIDDEN"]], query
        assert leaked(answers, two.secret, query) == set(), query


async def test_who_follows_a_space_hears_all_of_it_and_nothing_of_another(
    world: GraphQLWorld, two: Two, schema: GraphQLSchema
) -> None:
    for query in subscriptions(schema, two.ours.name, two.ours):
        # Of a settlement that is done there is only one thing to hear.
        count = 1 if "settlement" in query else 2
        answers = await world.follow(query, 2, key=two.ours.space.reader_key)

        assert [codes(answer) for answer in answers] == [[]] * count, query
        assert leaked(answers, two.secret, query) == set(), query


@pytest.mark.parametrize("who", INSIDE)
async def test_ids_and_cursors_of_another_space_lead_nowhere_in_ones_own(
    world: GraphQLWorld, two: Two, schema: GraphQLSchema, who: str
) -> None:
    for query in questions(schema, two.ours.name, two.theirs):
        answer = await world.ask(query, key=two.keys[who])

        assert leaked(answer, two.secret, query) == set(), query
        if who in MAY_NOT.get(query.split("{")[2].split("(")[0].strip(), ()):
            assert codes(answer) == ["FORBIDDEN"]
        else:
            assert codes(answer) == []


@pytest.mark.parametrize("who", INSIDE)
async def test_a_customer_id_of_another_space_is_unknown(
    world: GraphQLWorld, two: Two, who: str
) -> None:
    for customer in (*two.theirs.customers, two.theirs.retired):
        for live in ("true", "false"):
            answer = await world.ask(
                f'{{ space(name: "{two.ours.name}") {{ customer(id: "{customer}", live: {live})'
                " { __typename ... on NotFound { reason } } } }",
                key=two.keys[who],
            )

            found = {"__typename": "NotFound", "reason": "UNKNOWN"}
            assert answer["data"] == {"space": {"customer": found}}


@pytest.mark.parametrize("who", [who for who in STRANGERS if who != "the instance administrator"])
async def test_a_key_of_no_business_there_changes_nothing_in_a_space(
    database: Database, world: GraphQLWorld, two: Two, schema: GraphQLSchema, who: str
) -> None:
    before = await dump(database, two.theirs), await dump(database, two.ours)

    for query in mutations(schema, two.theirs.name, two.theirs):
        answer = await world.ask(query, key=two.keys[who])

        assert codes(answer) == ["FORBIDDEN"], query
        assert answer["data"] is None, query
        assert leaked(answer, two.secret, query) == set(), query

    assert (await dump(database, two.theirs), await dump(database, two.ours)) == before


async def test_the_instance_administrator_changes_keys_and_sources_only(
    database: Database, world: GraphQLWorld, two: Two, schema: GraphQLSchema
) -> None:
    own = (
        *("createSpace", "deleteSpace", "createSource", "createProofSecret", "revokeKey"),
        *("pauseSource", "resumeSource", "limitSource", "rotateSourceKey", "feedSpaces"),
        "setReadingRules",
        *("createWebhookSource", "rotateWebhookSecret"),
    )
    before = await dump(database, two.theirs)

    for query in mutations(schema, two.theirs.name, two.theirs):
        if not query.startswith(tuple(f"mutation {{ {name}" for name in own)):
            answer = await world.ask(query, key=world.admin_key)

            assert codes(answer) == ["FORBIDDEN"], query

    assert await dump(database, two.theirs) == before


async def test_what_an_administrator_does_at_home_with_ids_from_elsewhere_stays_at_home(
    database: Database, world: GraphQLWorld, two: Two, schema: GraphQLSchema
) -> None:
    """In a third space, so that the others stay as they are."""
    mine = await world.create_space(OURS)
    before = await dump(database, two.theirs)

    outcomes: dict[str, set[str]] = {}
    for query in mutations(schema, mine.name, two.theirs):
        answer = await world.ask(query, key=mine.admin_key)

        [(name, made)] = (answer["data"] or {query.split()[2].split("(")[0]: None}).items()
        outcomes.setdefault(name, set()).add(made["__typename"] if made else codes(answer)[0])
        assert leaked(answer, two.secret, query) == set(), query

    assert outcomes == {
        "createSpace": {"FORBIDDEN"},
        "deleteSpace": {"FORBIDDEN"},
        "createSource": {"SourceCreated", "FORBIDDEN"},
        "createKey": {"KeyCreated"},
        "revokeKey": {"Invalid"},
        "rotateKey": {"Invalid"},
        "createProofSecret": {"Invalid"},
        "pauseSource": {"Invalid"},
        "resumeSource": {"Invalid"},
        "limitSource": {"Invalid"},
        "rotateSourceKey": {"Invalid"},
        "feedSpaces": {"FORBIDDEN"},
        "setReadingRules": {"Invalid"},
        "resendRejectedEvents": {"RejectedEventsResent"},
        "dropRejectedEvents": {"RejectedEventsDropped"},
        "createWebhookSource": {"WebhookSourceCreated", "FORBIDDEN"},
        "rotateWebhookSecret": {"Invalid"},
        "acceptMerge": {"Invalid"},
        "acceptAllMerges": {"MergesAccepted"},
        "dismissMerge": {"Invalid"},
        "markRequestHandled": {"Invalid"},
        "applyProfiles": {"VersionConflict"},
        "setPolicy": {"VersionConflict"},
        "judge": {"Judged"},
        "detach": {"Invalid"},
        "withdrawJudgement": {"Invalid"},
        "retract": {"Invalid"},
        "withdrawRetraction": {"Invalid"},
        "createDestination": {"Destination"},
        "changeDestination": {"Invalid"},
        "pauseDestination": {"Invalid"},
        "resumeDestination": {"Invalid"},
        "syncDestination": {"Invalid"},
        "deleteDestination": {"Invalid"},
        "sendAgain": {"Invalid"},
        "eraseAtDestinations": {"Invalid"},
    }
    assert await dump(database, two.theirs) == before
