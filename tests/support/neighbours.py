"""Two spaces that hold the same identifiers and message ids, and nothing else in common.

Their policies differ, and so does whatever is said of the identifiers: values, sources, accounts,
reasons, times and numbers.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast

from identity_service.domain.events import Rejection, RejectionCode
from identity_service.domain.identifiers import Identifier
from identity_service.domain.timestamps import iso
from identity_service.domain.upstream import Notice, NoticeKind
from identity_service.graph.database import Database
from identity_service.graph.destinations import DestinationStore
from identity_service.graph.keys import DestinationKey
from identity_service.services.spaces.access import Role
from tests.support.graphql import GraphQLWorld, OpenSpace, event
from tests.support.statements import reading
from tests.support.waiting import until

SHARED: Final = (
    "user_id:ann",
    "user_id:bob",
    "user_id:cid",
    "user_id:dan",
    "email:ann@example.com",
    "anonymous_id:family-tablet",
    "anonymous_id:cids-phone",
    "hub:newsletter",
    "user_id:blocked-later",
)
"""The identifiers that both spaces hold."""

OURS: Final = """
extends: quarantine
types:
  hub: {priority: 50, kind: device, shared: merge, max_links: 1}
"""
THEIRS: Final = """
extends: dominant_owner
types:
  hub: {priority: 50, kind: device, shared: merge, max_links: 2}
max_component: 999
"""
LATER: Final = "blocked: [{value: blocked-later}]\n"

DAY: Final = 86_400_000

DUMP: Final = reading("""
MATCH (n) WHERE n.space = $space OR n.name = $space OR n.key STARTS WITH $space + '/'
OPTIONAL MATCH (n)-[r]->(m)
WITH n, r, coalesce(m.key, m.id, m.name) AS to ORDER BY to
WITH labels(n) AS labels, properties(n) AS held, collect([type(r), properties(r), to]) AS links
RETURN labels, held, links ORDER BY coalesce(held.key, held.id, held.hash, held.name)
""")


@dataclass(frozen=True)
class Neighbour:
    """A filled space and what somebody could know of it.

    `said` marks every text that was said in it, and `day` every time, as ISO 8601 has it.
    `nodes` holds global ids by type, `cursors` the first cursor of each list by `Type.field`.
    `filled` is a moment after all that.
    """

    space: OpenSpace
    said: str
    day: str
    agent_key: str
    revoked_key: str
    customers: tuple[str, ...]
    retired: str
    changes: tuple[str, ...]
    judgements: tuple[str, ...]
    retractions: tuple[str, ...]
    rejected: tuple[str, ...]
    merges: tuple[str, ...]
    requests: tuple[str, ...]
    nodes: Mapping[str, tuple[str, ...]]
    cursors: Mapping[str, str]
    filled: str

    @property
    def name(self) -> str:
        """Of the space."""
        return self.space.name


def two_names() -> tuple[str, str]:
    """Names of two spaces, of which one begins with the other."""
    name = f"test-{secrets.token_hex(8)}"
    return name, f"{name}-2"


async def fill(
    world: GraphQLWorld, space: OpenSpace, said: str, policy: str, *, day: int, more: int
) -> Neighbour:
    """Have something of every kind happen in a space, `more` events of it over others."""

    async def send(number: int, *identifiers: str, **told: Any) -> None:
        told = {"properties": {"page": said}, "traits": {"nickname": said}, **told}
        at = day * DAY + number
        await world.send(space, event(at, *identifiers, message_id=f"m{number}", **told))

    async def change(text: str) -> dict[str, Any]:
        answer = await world.ask(f"mutation {{ {text} }}", key=space.admin_key)
        assert "errors" not in answer, answer
        [changed] = answer["data"].values()
        assert changed["__typename"] != "Invalid", changed
        return changed

    await send(
        1,
        "anonymous_id:family-tablet",
        "user_id:ann",
        "email:ann@example.com",
        account_id="acme",
        account_traits={"owner": said},
    )
    await send(2, "anonymous_id:family-tablet", "user_id:bob", name=said)
    await send(3, "anonymous_id:cids-phone")
    await send(4, "user_id:cid", account_id="acme", account_traits={"plan": said})
    await send(5, "user_id:cid", "anonymous_id:cids-phone", account_id=said, type="alias")
    await send(6, "user_id:blocked-later", "user_id:dan")
    for number, who in enumerate(("ann", "bob", "cid"), 7):
        await send(number, "hub:newsletter", f"user_id:{who}")
    junk = event(day * DAY + 99, "user_id:ann", f"user_id:{said}-junk", message_id="m98")
    await world.send(space, junk, received_at=day * DAY - 1)
    for number in range(10, 10 + more):
        await send(number, "user_id:ann", f"anonymous_id:{said}-{number}")
    await world.send(
        space, Rejection(RejectionCode.NO_IDENTIFIER, f"About {said}.", "m99", {"told": said})
    )
    keys = [
        (
            await change(
                f'createKey(space: "{space.name}", role: AGENT, name: "{said} {name}")'
                " { __typename ... on KeyCreated { key } ... on Invalid { message } }"
            )
        )["key"]
        for name in ("agent", "revoked")
    ]
    await change(
        f'createSource(name: "{said}-web", spaces: ["{space.name}"], region: "NL")'
        " { __typename ... on Invalid { message } }"
    )
    await change(f'revokeKey(space: "{space.name}", name: "{said} revoked") {{ __typename }}')
    judged = [
        (
            await change(
                f'judge(space: "{space.name}", verdict: APART, reason: "{said} knows",'
                f' a: {{type: "user_id", value: "{a}"}}, b: {{type: "user_id", value: "{b}"}})'
                " { __typename ... on Judged { judgement { id } } ... on Invalid { message } }"
            )
        )["judgement"]["id"]
        for a, b in (("ann", "cid"), ("bob", "dan"))
    ]
    await change(
        f'withdrawJudgement(space: "{space.name}", id: "{judged[1]}", reason: "{said} erred")'
        " { __typename ... on Invalid { message } }"
    )
    about = f'"{space.name}", from: "1970-01-02T00:00:00Z", until: "{retracted_until(day)}"'
    retracted = await change(
        f'retract(space: {about}, source: "{space.name}", reason: "{said} found junk")'
        " { __typename ... on Retraction { id } ... on Invalid { message } }"
    )
    await followed(world, space)
    await world.report(space, *(upstream(said, number, day * DAY) for number in range(4)))
    await change(
        f'setPolicy(space: "{space.name}", policy: {json.dumps(policy + LATER)},'
        f' expectedVersion: 1, note: "{said} asked for it") {{ __typename }}'
    )
    await settled(world, space)
    await change(
        f'applyProfiles(space: "{space.name}", text: {json.dumps(profiles(said))},'
        f' expectedVersion: 0, reason: "{said} asked for it") {{ __typename }}'
    )
    scope = world.access.require(world.access.operator(space.name), space.name, Role.ADMIN)
    await world.services.profiles.computed(scope)
    await change(
        f'createDestination(space: "{space.name}", name: "{said}-crm", vendor: WEBHOOK,'
        f' definition: "connection: {{url: https://{said}.example.com}}",'
        ' secrets: [{name: "secret", value: "whsec_MDEyMzQ1Njc4"}])'
        " { __typename ... on Invalid { message } }"
    )
    await send(90, "user_id:blocked-later", "user_id:dan")
    await world.services.profiles.computed(scope)
    about = await known(
        world,
        space,
        said,
        datetime.fromtimestamp(day * DAY / 1000, UTC),
        keys,
        judged,
        retracted["id"],
    )
    await refused_by_a_destination(world.database, about)
    return about


async def refused_by_a_destination(database: Database, about: Neighbour) -> None:
    """A dead letter of each kind, and a customer that waits for the destination."""
    store = DestinationStore(database, "tests")
    key = DestinationKey(about.name, f"{about.said}-crm")
    letter = {
        "customer_id": about.customers[0],
        "state": "dead",
        "wanted": about.said,
        "answer": f"{about.said} is no name",
    }
    await store.mark(key, about.customers[:1])
    record = f"user_id:{about.said}"
    await store.write_outcomes(key, 0, {record: letter}, {})
    refused = {name: letter[name] for name in ("customer_id", "state", "answer")}
    await store.events.write(
        key, {f"{about.said}-1": (record, refused | {"message_id": f"{about.said}-1"})}
    )


def profiles(said: str) -> str:
    """A profiles text that names what was said in a space."""
    return (
        f"traits: {{nickname: {{prefer: [{said}]}}}}\n"
        f"features: {{seen: {{count: [seen, {said}]}}}}\n"
        f"audiences: {{seers: {{who: {{did: [seen, {said}]}}}},\n"
        f" holders: {{of: accounts, who: {{did: [seen, {said}]}}}}}}\n"
    )


def upstream(said: str, number: int, at: int) -> Notice:
    """A notice of another system: two merges, then two requests."""
    ids = tuple(Identifier("shop_id", f"{said}-{number}-{name}") for name in "ab")
    kind = NoticeKind.MERGE if number < 2 else NoticeKind.ERASURE
    return Notice(kind, f"{said}/topic", f"{said}-{number}", ids, at)


def retracted_until(day: int) -> str:
    """The end of the range of the retraction in a space that was filled with this day."""
    return iso(day * DAY)


async def followed(world: GraphQLWorld, space: OpenSpace) -> None:
    """Wait until the evidence follows every retraction."""

    async def done() -> bool:
        found = await world.of_space(space, "retractions { edges { node { done } } }")
        return all(edge["node"]["done"] for edge in found["retractions"]["edges"])

    await until(done)


async def settled(world: GraphQLWorld, space: OpenSpace) -> None:
    """Wait until the policy in force has reached every customer."""

    async def done() -> bool:
        found = await world.of_space(space, "settlement { done }")
        return found["settlement"]["done"]

    await until(done)


async def known(
    world: GraphQLWorld,
    space: OpenSpace,
    said: str,
    day: datetime,
    keys: list[str],
    judged: list[str],
    retracted: str,
) -> Neighbour:
    """What its own administrator can know of a space."""
    page = "pageInfo { startCursor }"
    customer = (
        "customerId id previousIds identifiers { id }"
        f" events {{ edges {{ node {{ id }} }} {page} }} changes {{ {page} }}"
    )
    asked = [dict(zip(("type", "value"), each.split(":"), strict=True)) for each in SHARED]
    query = (
        f'query($all: [IdentifierInput!]!) {{ space(name: "{space.name}") {{'
        f" customers(identifiers: $all) {{ ... on Customer {{ {customer} }} }}"
        f" changes(first: 500) {{ edges {{ node {{ id }} }} {page} }}"
        f" policies {{ {page} }} contested {{ {page} }} superConnectors {{ {page} }}"
        f" profilesHistory {{ {page} }} membershipChanges {{ {page} }}"
        f" rejectedEvents {{ edges {{ node {{ id }} }} {page} }} judgements {{ {page} }}"
        f" retractions {{ {page} }} sources {{ {page} }} destinations {{ {page} }}"
        f" upstreamMerges {{ edges {{ node {{ id }} }} {page} }}"
        f" upstreamRequests {{ edges {{ node {{ id }} }} {page} }} }} }}"
    )
    answer = await world.ask(query, {"all": asked}, key=space.admin_key)
    assert "errors" not in answer, answer
    found = answer["data"]["space"]
    people = [each for each in found["customers"] if each]
    [retired] = {old for each in people for old in each["previousIds"]}
    changes = [edge["node"]["id"] for edge in found["changes"]["edges"]]
    lists = {
        **{f"Space.{name}": each for name, each in found.items() if name != "customers"},
        "Customer.events": people[0]["events"],
        "Customer.changes": people[0]["changes"],
    }
    return Neighbour(
        space=space,
        said=said,
        day=day.date().isoformat(),
        agent_key=keys[0],
        revoked_key=keys[1],
        customers=tuple(sorted({each["customerId"] for each in people})),
        retired=retired,
        changes=tuple(_decoded(change).rsplit(":", 1)[1] for change in changes),
        judgements=tuple(judged),
        retractions=(retracted,),
        rejected=tuple(edge["node"]["id"] for edge in found["rejectedEvents"]["edges"]),
        merges=tuple(edge["node"]["id"] for edge in found["upstreamMerges"]["edges"]),
        requests=tuple(edge["node"]["id"] for edge in found["upstreamRequests"]["edges"]),
        nodes={
            "Customer": tuple(sorted({each["id"] for each in people})),
            "Identifier": tuple(sorted({i["id"] for each in people for i in each["identifiers"]})),
            "Event": tuple(e["node"]["id"] for each in people for e in each["events"]["edges"]),
            "Change": tuple(changes),
        },
        cursors={name: each["pageInfo"]["startCursor"] for name, each in lists.items()},
        filled=datetime.now(UTC).isoformat(),
    )


async def dump(database: Database, neighbour: Neighbour) -> list[Any]:
    """All that the graph holds of a space, read behind the service's back."""
    rows = await database.read_all(DUMP, space=neighbour.name)
    return [[row["labels"], dict(row["held"]), row["links"]] for row in rows]


def texts(value: Any) -> Iterator[str]:
    """Every text in a value, those in JSON and in base64 inside it too."""
    if isinstance(value, str):
        yield value
        yield from (inner for inner in (_decoded(value), *_json_texts(value)) if inner)
    elif isinstance(value, Mapping):
        for name, entry in cast("Mapping[str, Any]", value).items():
            yield name
            yield from texts(entry)
    elif isinstance(value, list | tuple):
        for entry in cast("list[Any]", value):
            yield from texts(entry)


def only_of(theirs: Any, ours: Any) -> frozenset[str]:
    """The texts of a dump that tell its space from another; too short ones tell nothing."""
    known = "\n".join(texts(ours))
    return frozenset(text for text in texts(theirs) if len(text) > 2 and text not in known)


def leaked(answer: Any, secret: frozenset[str], asked: str = "") -> set[str]:
    """The secrets that are told in an answer, unless they stand in the resolution_input itself."""
    told = "\n".join(texts(answer))
    said = "\n".join((asked, *texts(asked.replace('"', "\n").split("\n"))))
    return {text for text in secret if text in told and text not in said}


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError, ValueError):
        return ""


def _json_texts(text: str) -> Iterator[str]:
    if text[:1] in {"{", "["}:
        try:
            yield from texts(json.loads(text))
        except ValueError:
            return
