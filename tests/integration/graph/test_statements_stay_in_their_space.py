"""Every statement that reads is given the parameters of one space while another holds the same.

Parameters are made from the headers; a statement whose parameter no rule here knows fails.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import permutations
from typing import Any, Final

import pytest

from identity_service.domain.events import EventIdentity
from identity_service.domain.identifiers import parse_identifier
from identity_service.domain.profiles.definitions import Of
from identity_service.domain.resolution.changes import ChangeKind
from identity_service.domain.resolution.id_register import CustomerKind
from identity_service.graph.database import Database
from identity_service.graph.keys import (
    account_key,
    audience_key,
    bounds,
    earlier_event_key,
    event_key,
    events_key,
    identifier_key,
    policy_key,
)
from identity_service.graph.ledger import NEWEST
from identity_service.graph.statements import Access, statement, statement_names
from tests.support.graphql import GraphQLWorld, graphql_world
from tests.support.neighbours import (
    OURS,
    SHARED,
    THEIRS,
    Neighbour,
    dump,
    fill,
    leaked,
    only_of,
    texts,
    two_names,
)
from tests.support.statements import writing

LET_WAIT: Final = writing("MATCH (i:Identifier {key: $key}) SET i:Unsettled", "tests/let_wait")

# What belongs to the instance has no space: keys are found by their hash, which is the secret.
# A source of webhooks is found by its name, and opens nothing without its vendor's signature.
OF_THE_INSTANCE: Final = {"spaces/find_key", "spaces/has_instance_key", "spaces/find_webhook"}
READING: Final = [
    name
    for name in statement_names()
    if not name.startswith(("schema/", "instance/"))
    and statement(name).definition.access is Access.READ
    and name not in OF_THE_INSTANCE
]

HOLDERS: Final = audience_key("holders", Of.ACCOUNTS)

# No id is anchored at what only retracted events carried, no process is at a retraction, and no
# source was replayed. Nobody in these spaces looked at a page, used two apps, did anything on a
# contested device, or was asked for by mParticle's number.
WITHOUT_ANSWER: Final = {
    "ingest/read_anchored",
    "retractions/read_worker",
    "replays/read_progress",
    "journeys/last_page_before",
    "journeys/cross_app_users",
    "journeys/hidden_by_quarantine",
    "mpids/find_customer",
    "deletions/read_deletion",  # of a space that is being deleted
    "loads/read_place",  # of a load that is not done
}


@dataclass(frozen=True)
class Two:
    """Both spaces, and the texts that only theirs holds."""

    ours: Neighbour
    theirs: Neighbour
    secret: frozenset[str]


def identifier_keys(space: str) -> list[str]:
    return [identifier_key(space, parse_identifier(each)) for each in SHARED]


def event_keys(space: str) -> list[str]:
    return [event_key(space, EventIdentity(f"m{n}", "")) for n in range(100)]


def between_events(about: Neighbour) -> int:
    """A moment before which and after which the first customer has events."""
    return int(datetime.fromisoformat(f"{about.day}T00:00:00Z").timestamp() * 1000) + 5


Value = Callable[[str, Neighbour], Any]
"""The value of a parameter for a space, with ids as `about` knows them."""

# By the first pattern that is found in `name: description`.
VALUES: Final[list[tuple[str, Value]]] = [
    (r"list of \[space\]$", lambda space, _: [[space]]),
    (r"list of keys of versions", lambda space, _: [policy_key(space, v) for v in (1, 2, 3)]),
    (r"list of \[space, audience as", lambda space, _: [[space, "seers"], [space, HOLDERS]]),
    (r"^w\.audiences: list of names", lambda _, __: ["seers"]),
    (r"^w\.audience: ", lambda _, __: "seers"),
    (r"^w\.after: string . the last id of", lambda _, __: ""),
    (r"list of customer ids", lambda _, about: sorted((*about.customers, about.retired))),
    (
        r"list of \[for whom, customer id, position in the ledger",
        lambda _, about: [["", each, 0] for each in (*about.customers, about.retired)],
    ),
    (r"^w\.limited: list of limited sources", lambda _, __: ["page"]),
    (
        r"^w\.(identifier|event|profile)_(1|2|3|end): |^w\.starts: beginnings of the text",
        lambda space, about: [f"{space}/", f"{space}/{about.said}"],
    ),
    (r"^w\.start: string . beginning of a text", lambda space, _: f"{space}/"),
    (r"^w\.few: ", lambda _, __: 1000),
    (r"^w\.words: ", lambda _, __: []),
    (r"^w\.now: ", lambda _, __: 2**53),
    (r"^w\.conditions: ", lambda _, __: []),
    (r"^w\.above: ", lambda space, _: f"{space}/seen/"),
    (r"^w\.below: ", lambda space, _: f"{space}/seen0"),
    (r"^key: string . of the destination", lambda space, about: f"{space}/{about.said}-crm"),
    (r"^w\.destination: ", lambda _, about: f"{about.said}-crm"),
    (r"^w\.state: string . of the (records|events)", lambda _, __: "dead"),
    (r"^w\.after: string . (record|name|key without the space) of the last", lambda _, __: ""),
    (r"^w\.since: map of the names of events", lambda _, __: {"seen": 0}),
    (
        r"^w\.(customers|owners): list of (\[customer id, time|the same)",
        lambda _, about: [[each, 0] for each in (*about.customers, about.retired)],
    ),
    (r"list of record keys", lambda _, about: [f"user_id:{about.said}"]),
    (r"^w\.named: ", lambda _, __: "seen"),
    (r"^w\.begin: ", lambda space, _: events_key(space, "m1")),
    (r"^(w\.)?at: integer . the moment", lambda _, __: 2**53),
    (r"^w\.key: string . account key", lambda space, _: account_key(space, "acme")),
    (r"^w\.after: string . only (account )?ids after", lambda _, __: ""),
    (r"^w\.after: .* which is older$", lambda _, __: [0, 0, 0, ""]),
    (r"^w\.excluded: ", lambda _, __: []),
    (r"^w\.mpid: ", lambda _, __: 1),
    (r"list of account ids", lambda _, __: ["acme"]),
    (r"list of account keys", lambda space, _: [account_key(space, "acme")]),
    (r"identifier key$", lambda space, _: identifier_keys(space)[0]),
    (r"map from identifier type to priority", lambda _, __: {"user_id": 1, "email": 2}),
    (r"^w\.other: integer", lambda _, __: 99),
    (r"identifier keys that are ignored", lambda _, __: []),
    (r"^w\.scanned: ", lambda _, __: 1000),
    (r"^id: .*customer id", lambda _, about: about.customers[0]),
    (r"position of the last change", lambda _, __: 2**62),
    (r"position after which to begin", lambda _, __: 0),
    (r"^w\.kinds: list of the kinds of customers", lambda _, __: list(CustomerKind)),
    (r"^w\.kinds: list of kinds", lambda _, __: list(ChangeKind)),
    (r"^w\.(did|property|value|return_event|feature|feature_value): ", lambda _, __: None),
    (r"^w\.(start_event|end_event): string or null", lambda _, __: None),
    (r"^w\.(event|goal|subscribed): ", lambda _, __: "seen"),
    (r"^w\.start_event: ", lambda _, __: "seen"),
    (r"^w\.steps: ", lambda _, __: ["seen", "seen"]),
    (r"^w\.identifier: ", lambda _, __: SHARED[0]),
    (r"^w\.by: ", lambda _, __: "p_page"),
    (r"^w\.names: integer", lambda _, __: 20),
    (r"^w\.(within|half_life|silent_for|session): ", lambda _, __: 86_400_000),
    (r"^w\.depth: ", lambda _, __: 3),
    (r"^w\.after: string . name of the last source", lambda _, __: ""),
    (r"^w\.after: string . key", lambda space, _: f"{space}/"),
    (r"^w\.end: ", lambda space, _: f"{space}0"),
    (
        r"list of \[key, key\]",
        lambda space, _: [[a, b] for a in identifier_keys(space) for b in identifier_keys(space)],
    ),
    (r"^(w\.)?space: ", lambda space, _: space),
    (r"^after: ", lambda space, _: bounds(space)[0]),
    (r"^until: ", lambda space, _: bounds(space)[1]),
    (r"^prefix: ", lambda space, _: f"{space}/"),
    (r"list of policy keys", lambda space, _: [policy_key(space, v) for v in (1, 2, 3)]),
    (r"list of event keys", lambda space, _: event_keys(space)),
    (
        r"list of \[key, key in earlier versions",
        lambda space, _: [[key, key.strip(), key] for key in event_keys(space)],
    ),
    (r"^w\.unread: ", lambda space, _: [[f"{space}/", f"{space}0"]]),
    (r"^w\.earlier_key: ", lambda space, _: earlier_event_key(space, "m1")),
    (r"^w\.keys: what the keys", lambda space, _: events_key(space, "m1")),
    (r"list of rejected events' ids", lambda _, about: list(about.rejected)),
    (r"list of (identifier )?keys", lambda space, _: identifier_keys(space)),
    (r"list of pairs", lambda space, _: list(map(list, permutations(identifier_keys(space), 2)))),
    (r"list of judgement ids", lambda _, about: list(about.judgements)),
    (r"list of identifier", lambda space, _: identifier_keys(space)),
    (r"key of one of its identifiers", lambda space, _: identifier_keys(space)[0]),
    (
        r"list of \[space, customer id, limited sources\]",
        lambda space, about: [[space, each, []] for each in (*about.customers, about.retired)],
    ),
    (
        r"list of \[space, customer id\]",
        lambda space, about: [[space, each] for each in (*about.customers, about.retired)],
    ),
    (r"^w\.(author|code): ", lambda _, __: None),
    (r"^w\.customer: ", lambda _, about: about.customers[0]),
    (r"^id: .*notice id", lambda _, about: about.merges[0]),
    (r"^w\.inbox: ", lambda _, __: "merge"),
    (r"^w\.state: ", lambda _, __: "OPEN"),
    (r"^w\.from_source: ", lambda _, __: None),
    (r"^id: .*retraction id", lambda _, about: about.retractions[0]),
    (r"^w\.source: ", lambda space, _: space),
    (r"^w\.sources: list of \[space, source\]", lambda space, _: [[space, space]]),
    (r"^w\.id: string . retraction of the last", lambda _, __: ""),
    (r"^w\.number: integer . number of that step", lambda _, __: 0),
    (r"^key: string . key of the load", lambda space, _: f"{space}/x"),
    (r"^id: .*change id", lambda _, about: about.changes[0]),
    (r"^id: ", lambda _, about: about.judgements[0]),
    (r"^w\.links: list of \[position", lambda _, __: [[a, b] for a in range(9) for b in range(9)]),
    (r"^w\.(names|kinds): ", lambda _, __: None),
    (r"^w\.(key|other): ", lambda _, __: ""),
    (r"^key: string . key of the replay", lambda space, _: f"{space}/"),
    (
        r"^w\.pairs: ",
        lambda space, _: [[a, b] for a in identifier_keys(space) for b in identifier_keys(space)],
    ),
    (r"^w\.after: ", lambda _, about: [between_events(about), 0, 0, ""]),
    (r"^w\.before: ", lambda _, __: NEWEST),
    (r"^w\.(since|changed_since): ", lambda _, __: -(2**62)),
    (r"^w\.spaces: ", lambda space, _: [space]),
    (r"^w\.day: ", lambda _, __: 0),
    (r"^w\.at: ", lambda _, about: between_events(about)),
    (r"^w\.(until|links|people|policy_version): |^version: ", lambda _, __: 2**62),
    (r"^w\.(cross_boundary|with_claims|consents): ", lambda _, __: True),
    (r"^w\.limited_sources: ", lambda _, __: ["page"]),
    (r"^w\.persons: ", lambda _, __: ["user_id", "email"]),
    (r"^w\.stronger: ", lambda _, __: {"anonymous_id": ["user_id", "email"]}),
    (r"^w\.stronger_than_other: ", lambda _, __: ["user_id", "email"]),
    (r"most|how many|bound", lambda _, __: 1000),
]


def parameters(name: str, space: str, about: Neighbour) -> dict[str, Any]:
    """The parameters of a statement, all of them bound to a space."""
    values: dict[str, Any] = {}
    for parameter, description in statement(name).definition.parameters.items():
        said = f"{parameter}: {description}"
        known = [value for pattern, value in VALUES if re.search(pattern, said)]
        assert known, f"{name} takes “{said}”: say in VALUES what it is for a space."
        head, _, entry = parameter.partition(".")
        if entry:
            values.setdefault(head, {})[entry] = known[0](space, about)
        else:
            values[head] = known[0](space, about)
    return values


@pytest.fixture(scope="module")
async def world(database: Database) -> AsyncGenerator[GraphQLWorld]:
    async with graphql_world(database) as world:
        yield world


@pytest.fixture(scope="module")
async def two(database: Database, world: GraphQLWorld) -> Two:
    names = two_names()
    our_space = await world.create_space(OURS, names[0])
    their_space = await world.create_space(THEIRS, names[1])
    ours = await fill(world, our_space, f"ours-{names[0][-6:]}", OURS, day=400, more=1)
    theirs = await fill(world, their_space, f"theirs-{names[0][-6:]}", THEIRS, day=11_000, more=4)
    secret = only_of(await dump(database, theirs), await dump(database, ours))
    return Two(ours, theirs, secret)


@pytest.mark.parametrize("name", [name for name in READING if name not in WITHOUT_ANSWER])
async def test_a_statement_reads_its_own_space_only(
    database: Database, two: Two, name: str
) -> None:
    asked = parameters(name, two.ours.name, two.ours)
    for each in (two.ours, two.theirs):
        # Now, since a service of another test settles what waits.
        await database.write_one(LET_WAIT, key=identifier_keys(each.name)[0])

    rows = [dict(row) for row in await database.read_all(statement(name), **asked)]

    assert any(map(told, rows)), "It read nothing, so this proves nothing."
    assert leaked(rows, two.secret) == set()


@pytest.mark.parametrize("name", READING)
async def test_ids_of_another_space_give_a_statement_nothing_of_it(
    database: Database, two: Two, name: str
) -> None:
    asked = parameters(name, two.ours.name, two.theirs)

    rows = [dict(row) for row in await database.read_all(statement(name), **asked)]

    assert leaked(rows, two.secret) == set()


async def test_whatever_is_written_into_a_space_leaves_another_as_it_was(
    database: Database, world: GraphQLWorld, two: Two
) -> None:
    before = await dump(database, two.ours), await dump(database, two.theirs)
    space = await world.create_space(OURS, f"{two.theirs.name}-3")

    await fill(world, space, f"more-{space.name[:11]}", OURS, day=401, more=2)

    assert (await dump(database, two.ours), await dump(database, two.theirs)) == before


def told(value: Any) -> bool:
    """Whether there is any text or number in a record, besides its columns' names."""
    if isinstance(value, dict):
        return any(map(told, value.values()))  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]
    if isinstance(value, list):
        return any(map(told, value))  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]
    return any(True for _ in texts(value)) or (isinstance(value, int) and value > 0)
