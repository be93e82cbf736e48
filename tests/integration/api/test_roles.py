"""Who may ask for what: all that the API has, asked for with every kind of key.

What is asked for is made from the schema and from the OpenAPI document, and held against
`docs/reference/roles.yaml`, where somebody decided about each.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import httpx
import pytest
from graphql import (
    FieldNode,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    build_schema,
    get_named_type,
    parse,
)

from docs._ext.roles import CALLERS, read_roles
from identity_service.api.graphql import schema as offered
from identity_service.api.rest.mparticle import GRANT
from tests.integration.api.test_graphql_keys import create_key
from tests.integration.api.test_isolation import ways
from tests.support.asking import Asking, entities, output_fields
from tests.support.graphql import GraphQLWorld
from tests.support.neighbours import OURS, Neighbour, fill
from tests.support.service import RunningService

pytestmark = pytest.mark.timeout(900)

SCHEMA: Final[GraphQLSchema] = build_schema(offered.build_schema().as_str())
ROLES: Final = read_roles()
ROOTS: Final = ("Query", "Space", "Subscription", "Mutation")

WEAKEST_FIRST: Final = ("nobody", "write", "other", "reader", "agent", "admin", "instance")
"""So that what one of them changes is not refused to the next for another reason than its key."""


@dataclass(frozen=True)
class Asked:
    """What came of asking for everything with every key: who was answered each field."""

    read: Mapping[str, set[str]]
    """Those who did by questions and subscriptions alone, before anything was changed."""

    answered: Mapping[str, set[str]]
    refused: Mapping[str, set[str]]


@pytest.fixture(scope="module")
async def home(world: GraphQLWorld) -> Neighbour:
    space = await world.create_space(OURS)
    return await fill(world, space, f"home-{space.name[-6:]}", OURS, day=400, more=1)


@pytest.fixture(scope="module")
async def keys(world: GraphQLWorld, home: Neighbour) -> Mapping[str, str | None]:
    other = await world.create_space(OURS)
    return {
        "reader": home.space.reader_key,
        "agent": await create_key(world, home.space, "AGENT", "of this test"),
        "admin": home.space.admin_key,
        "instance": world.admin_key,
        "write": home.space.write_key,
        "nobody": None,
        "other": other.admin_key,
    }


@pytest.fixture(scope="module")
async def asked(world: GraphQLWorld, home: Neighbour, keys: Mapping[str, str | None]) -> Asked:
    answered, refused = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)

    def note(who: str, query: str, answer: Mapping[str, Any]) -> None:
        for field, is_refused in outcomes(query, answer):
            (refused if is_refused else answered)[field].add(who)

    for query in questions(home):
        for who in WEAKEST_FIRST:
            note(who, query, await world.ask(query, key=keys[who]))
    for query in operations("Subscription", home):
        for who in WEAKEST_FIRST:
            [answer] = await world.follow(query, 1, key=keys[who])
            note(who, query, answer)
    read = {name: set(who) for name, who in answered.items()}
    for query in operations("Mutation", home):
        for who in WEAKEST_FIRST:
            note(who, query, await world.ask(query, key=keys[who]))
    return Asked(read, answered, refused)


def questions(home: Neighbour) -> list[str]:
    """One for each field of `Query` and of a space, with all that is below it."""
    asking = Asking(SCHEMA, ways(home.name, home))
    nodes = {kind: ids[0] for kind, ids in home.nodes.items()}
    return [
        *(f'{{ space(name: "{home.name}") {{ {each} }} }}' for each in first_ways(asking, "Space")),
        "{ spaces { __typename } }",
        "{ viewer { name role } }",
        "{ _service { sdl } }",
        entities([{"__typename": "Customer", "id": nodes["Customer"]}], "... on Customer { id }"),
        f"{{ sources {asking.everything('SourceConnection')} }}",
        f"{{ spaceDeletions {asking.everything('SpaceDeletion')} }}",
        *(f'{{ node(id: "{node}") {{ ... on {kind} {asking.everything(kind)} }} }}'
          for kind, node in nodes.items()),
    ]  # fmt: skip


def operations(kind: str, home: Neighbour) -> list[str]:
    """One for each field of `Mutation` or `Subscription`, with all that is below it."""
    new = f"{home.name}-new"
    of_spaces = {
        "Mutation.createSpace": [{"name": new}],
        "Mutation.deleteSpace": [{"name": new, "again": new}],
    }
    asking = Asking(SCHEMA, {**ways(home.name, home), **of_spaces})
    return [f"{kind.lower()} {{ {each} }}" for each in first_ways(asking, kind)]


def first_ways(asking: Asking, kind: str) -> Iterable[str]:
    """The fields of a type, each asked for in one way."""
    every = asking.fields(kind, above=("Space",))
    return {re.split(r"\W", each, maxsplit=1)[0]: each for each in reversed(every)}.values()


def outcomes(query: str, answer: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """Every field of an answer, `Type.field`, and whether it was refused."""
    [operation] = parse(query).definitions
    assert isinstance(operation, OperationDefinitionNode)
    root = SCHEMA.get_root_type(operation.operation)
    assert root is not None
    for error in answer.get("errors", ()):
        assert error["extensions"]["code"] == "FORBIDDEN", (query, error)
        # A subscription that is refused has no answer, and so no path; it has one field.
        path = error.get("path", [next(selected(root, operation.selection_set)).key])
        yield at_path(root, operation.selection_set, path), True
    for field in answered(root, operation.selection_set, answer.get("data")):
        yield field, False


def at_path(kind: GraphQLObjectType, selections: SelectionSetNode, path: Sequence[Any]) -> str:
    """The field at a path of an answer."""
    found, place = None, [(kind, selections)]
    for name in (step for step in path if isinstance(step, str)):
        found = next(each for each in selected(*place[-1]) if each.key == name)
        if found.node.selection_set:
            place.append((found.kind, found.node.selection_set))
    assert found is not None
    return found.name


@dataclass(frozen=True)
class Selected:
    """A field of a selection: its key in the answer, `Type.field`, and the type of its value."""

    key: str
    name: str
    node: FieldNode
    kind: GraphQLObjectType


def selected(kind: GraphQLNamedType, selections: SelectionSetNode) -> Iterator[Selected]:
    """The fields of a selection, of all types that the value may have."""
    for each in selections.selections:
        if isinstance(each, InlineFragmentNode) and each.type_condition:
            narrower = SCHEMA.type_map[each.type_condition.name.value]
            yield from selected(narrower, each.selection_set)
        elif isinstance(each, FieldNode) and not each.name.value.startswith("__"):
            name = each.name.value
            field = cast("GraphQLObjectType", kind).fields[name]
            yield Selected(
                (each.alias or each.name).value,
                f"{kind.name}.{name}",
                each,
                cast("GraphQLObjectType", get_named_type(field.type)),
            )


def answered(kind: GraphQLNamedType, selections: SelectionSetNode, value: Any) -> Iterator[str]:
    """The fields that an answer has, `Type.field`; a null says nothing."""
    if isinstance(value, list):
        for entry in cast("list[Any]", value):
            yield from answered(kind, selections, entry)
    elif isinstance(value, dict):
        held = cast("dict[str, Any]", value)
        own = held.get("__typename", kind.name)
        for each in selected(kind, selections):
            if each.name.startswith(f"{own}.") and held.get(each.key) is not None:
                yield each.name
                if each.node.selection_set:
                    yield from answered(each.kind, each.node.selection_set, held[each.key])


async def test_nobody_is_answered_what_they_may_not_ask_for(asked: Asked) -> None:
    beyond = {
        name: sorted(who - (ROLES.of_field(name) or frozenset()))
        for name, who in asked.answered.items()
    }

    assert {name: who for name, who in beyond.items() if who} == {}


async def test_everybody_is_answered_what_they_may_ask_for(asked: Asked) -> None:
    """What is below a mutation differs: the second who does the same finds it done."""
    same = {kind for kind, may in ROLES.types.items() if may == ROLES.fields["Space.name"]}
    fields = {name for name in output_fields(SCHEMA) if name.partition(".")[0] in ROOTS}
    unlike = {
        name: f"answered to {sorted(who)}, refused to {sorted(asked.refused[name])}"
        for kinds, by in ((set(ROOTS), asked.answered), (same, asked.read))
        for name, who in by.items()
        if name.partition(".")[0] in kinds and frozenset(who) != ROLES.of_field(name)
    }

    assert unlike == {}
    assert fields - asked.answered.keys() == set()


async def test_every_route_is_open_to_whom_it_is_decided(
    service: RunningService, home: Neighbour, keys: Mapping[str, str | None]
) -> None:
    wrong: dict[str, str] = {}
    with httpx.Client(base_url=service.url, timeout=60) as client:
        for route, may in ROLES.routes.items():
            opened = frozenset(
                who for who in CALLERS if is_open(client, route, home.name, keys[who])
            )
            if opened != may:
                wrong[route] = f"open to {sorted(opened)}"

    assert wrong == {}


def is_open(client: httpx.Client, route: str, space: str, key: str | None) -> bool:
    """Whether a route takes a key."""
    method, path = route.split()
    given = {"key": key or "none", "collection": "users", "profile": "user_id:ann", "mpid": "1"}
    path = re.sub(r"{(\w+)}", lambda name: given.get(name[1], space), path)
    credentials = {"client_id": space, "client_secret": key or "", "grant_type": GRANT}
    headers: dict[str, str] = {}
    if path.startswith("/userprofile/"):
        token = client.post("/oauth/token", json=credentials).json().get("access_token", "none")
        headers["Authorization"] = f"Bearer {token}"
    elif key:
        headers["Authorization"] = f"Basic {b64encode(f'{key}:'.encode()).decode()}"
    body = credentials if path == "/oauth/token" else {}
    json = None if method == "GET" else body
    response = client.request(method, path, headers=headers, json=json)
    return response.status_code not in (401, 403)
