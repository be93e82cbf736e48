# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# (graphql-core leaves its generic types without arguments)
"""Junk in every argument of the schema: whatever it is, the answer says what is wrong with it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, Final, cast

import orjson
import pytest
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_required_argument,
    is_required_input_field,
)

from identity_service.api.graphql import schema as offered
from identity_service.api.graphql.connections import encode_cursor, global_id
from identity_service.services.spaces.access import Role
from tests.support.graphql import GraphQLWorld, OpenSpace, event

SCHEMA: Final[GraphQLSchema] = build_schema(offered.build_schema().as_str())

CUSTOMER: Final = 'customer(identifier: {type: "user_id", value: "u"}) { ... on Customer { %s } }'

WAY_TO: Final[Mapping[str, str]] = {
    "Query": "{ %s }",
    "Mutation": "mutation { %s }",
    "Space": '{ space(name: "SPACE") { %s } }',
    "Customer": '{ space(name: "SPACE") { ' + CUSTOMER + " } }",
    "Audience": '{ space(name: "SPACE") { audiences { %s } } }',
    "Account": '{ space(name: "SPACE") { ' + CUSTOMER % "accounts { %s }" + " } }",
    "Identifier": '{ space(name: "SPACE") { ' + CUSTOMER % "identifiers { %s }" + " } }",
    "Source": '{ space(name: "SPACE") { sources { edges { node { %s } } } } }',
    "Destination": '{ space(name: "SPACE") { destinations { edges { node { %s } } } } }',
    "Journeys": '{ space(name: "SPACE") { journeys { %s } } }',
    "PolicyPreview": '{ space(name: "SPACE") { preview(policy: "extends: merge_all")'
    " { ... on PolicyPreview { %s } } } }",
}
"""How to ask for a field of each type whose fields have arguments."""

CURSORS: Final = [
    *(
        encode_cursor(kind, *numbers, "x")
        for kind in (
            *("event", "difference", "contested", "super", "source"),
            *("destination", "dead letter", "destination event", "sorted"),
        )
        for numbers in [(2**63,) * 3, (2**62,) * 3, (-(2**62),) * 3, (2**62,), (2**64, "x")]
    ),
    *(
        encode_cursor(kind, number)
        for kind in (
            *("change", "policy", "rejected", "judgement", "merge", "retraction"),
            *("member", "membership", "profiles"),
        )
        for number in (2**63, 2**62, -1, "x\x00", 10**30)
    ),
]

IDS: Final = [
    global_id(kind, "SPACE", key)
    for kind in ("Customer", "Identifier", "Event", "Change", "Nothing")
    for key in ("", "x", "user_id:\x00", ":", "x" * 3_000)
]

ANYTHING: Final[list[Any]] = [
    None, "", "\x00", "\u202e\ud7ff", "x" * 5_000, "-1", -1, 2**31, 2**63 - 1, 1e308, True,
    [[]], {},
]  # fmt: skip

OF_SCALAR: Final[Mapping[str, list[Any]]] = {
    "DateTime": [
        "yesterday",
        "0001-01-01T00:00:00+14:00",
        "0001-01-01",
        "9999-12-31T23:59:59.999-14:00",
        "9999-12-31T23:59:59.999",
        "2026-13-01",
        "2026-02-30T00:00:00Z",
        "2026-01-01T25:00:00Z",
        "2026-W01-1",
        "20260101",
        "2026-01-01T00:00:00.000000000000001Z",
        "1769904000000",
    ],
    "ID": IDS,
    "_Any": [
        {"__typename": "Nothing", "id": "x"},
        {"__typename": "Customer"},
        {"__typename": ["Customer"], "id": {}},
        {"__typename": "Identifier", "space": "SPACE", "type": 1, "value": "u"},
        *({"__typename": kind, "id": node} for kind in ("Customer", "Identifier") for node in IDS),
        *(
            {"__typename": "Identifier", "space": "SPACE", "type": text, "value": text}
            for text in ("", "\x00", "\u202e\ud7ff", "x" * 5_000)
        ),
    ],
}

LITERALS: Final = ["9" * 5_000, "1e400", "[[[1]]]", "X"]


def fields() -> Iterator[Any]:
    """Every field that has arguments, as `Type.field`; subscriptions take the same as queries."""
    for kind in SCHEMA.type_map.values():
        if isinstance(kind, GraphQLObjectType) and kind.name in WAY_TO:
            for name, field in kind.fields.items():
                if field.args:
                    yield pytest.param(kind.name, name, field, id=f"{kind.name}.{name}")


@pytest.fixture(scope="module")
async def space(world: GraphQLWorld) -> OpenSpace:
    space = await world.create_space()
    seen = event(1, "user_id:u", "anonymous_id:a", name="seen", account_id="acme")
    await world.send(space, seen)
    source = f'createSource(name: "junk-{space.name}", spaces: ["{space.name}"])'
    await world.ask(f"mutation {{ {source} {{ __typename }} }}", key=space.admin_key)
    scope = world.access.require(world.access.operator(space.name), space.name, Role.ADMIN)
    text = "features: {seen: {count: seen}}\naudiences: {seers: {who: {did: seen}}}\n"
    await world.services.profile_texts.apply(scope, text, 0, None)
    return space


def test_every_type_whose_fields_have_arguments_is_tried() -> None:
    with_arguments = {
        kind.name
        for kind in SCHEMA.type_map.values()
        if isinstance(kind, GraphQLObjectType) and any(field.args for field in kind.fields.values())
    }

    assert {name for name in with_arguments if not name.startswith("__")} == {
        *WAY_TO,
        "Subscription",
    }


@pytest.mark.parametrize(("kind", "name", "field"), list(fields()))
async def test_junk_in_an_argument_is_the_askers_mistake(
    world: GraphQLWorld, space: OpenSpace, kind: str, name: str, field: GraphQLField
) -> None:
    asked = list(requests(kind, name, field))
    room = asyncio.Semaphore(8)

    async def ask(request: bytes) -> tuple[bytes, Any] | None:
        async with room:
            body = request.replace(b"SPACE", space.name.encode())
            response = await world.post(body, space.admin_key)
        codes = {error["extensions"]["code"] for error in response.json().get("errors", [])}
        return (
            (request, response.json()) if codes - {"BAD_INPUT", "TOO_LARGE", "FORBIDDEN"} else None
        )

    failed = [found for found in await asyncio.gather(*map(ask, asked)) if found]

    assert asked
    assert not failed, failed[0]


def requests(kind: str, name: str, field: GraphQLField) -> Iterator[bytes]:
    """Requests with junk in one argument, or in one field of one, and good values in others."""
    for argument_name, argument in field.args.items():
        good = {
            other: sample(other, each.type)
            for other, each in field.args.items()
            if other != argument_name and is_required_argument(each)
        }
        for value in junk(argument_name, argument):
            operation = "mutation" if kind == "Mutation" else "query"
            selection = written(name, field, good, f"{argument_name}: $junk")
            whole = WAY_TO[kind].replace("%s", selection).removeprefix(operation)
            query = f"{operation}($junk: {argument.type}) {whole}"
            yield orjson.dumps({"query": query, "variables": {"junk": value}})
        for literal in LITERALS:
            selection = written(name, field, good, f"{argument_name}: {literal}")
            yield orjson.dumps({"query": WAY_TO[kind].replace("%s", selection)})


def junk(name: str, argument: GraphQLArgument | GraphQLInputField) -> Iterator[Any]:
    kind = argument.type
    leaf = get_named_type(kind)
    yield from chain(ANYTHING, OF_SCALAR.get(leaf.name, []), CURSORS if name == "after" else [])
    if is_list_type(get_nullable_type(kind)):
        yield [sample(name, kind)[0]] * 1_001
        yield from ([value] for value in OF_SCALAR.get(leaf.name, []))
    if isinstance(leaf, GraphQLInputObjectType):
        for field_name, field in leaf.fields.items():
            good = {
                other: sample(other, each.type)
                for other, each in leaf.fields.items()
                if is_required_input_field(each)
            }
            for value in junk(field_name, field):
                whole = {**good, field_name: value}
                yield [whole] if is_list_type(get_nullable_type(kind)) else whole


def sample(name: str, kind: GraphQLInputType) -> Any:
    """A value that is taken."""
    nullable = get_nullable_type(kind)
    if is_list_type(nullable):
        return [sample(name, nullable.of_type)] * 2
    leaf = get_named_type(kind)
    if isinstance(leaf, GraphQLInputObjectType):
        return {other: sample(other, each.type) for other, each in leaf.fields.items()
                if is_required_input_field(each)}  # fmt: skip
    if isinstance(leaf, GraphQLEnumType):
        return next(iter(leaf.values))
    samples = {"Int": 1, "Boolean": True, "DateTime": "2026-01-01T00:00:00Z", "ID": "x"}
    named = {"space": "SPACE", "type": "user_id", "value": "u", "policy": "extends: merge_all"}
    return samples.get(leaf.name) or named.get(name, "seen")


def written(name: str, field: GraphQLField, good: Mapping[str, Any], junk: str) -> str:
    arguments = ", ".join([*(f"{key}: {literal(value)}" for key, value in good.items()), junk])
    below = "" if is_leaf_type(get_named_type(field.type)) else " { __typename }"
    return f"{name}({arguments}){below}"


def literal(value: Any) -> str:
    if isinstance(value, dict):
        entries = cast("Mapping[str, Any]", value).items()
        return "{" + ", ".join(f"{key}: {literal(each)}" for key, each in entries) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, cast("list[Any]", value))) + "]"
    text = orjson.dumps(value).decode()
    return (
        text.strip('"') if isinstance(value, str) and value.isupper() and value != "SPACE" else text
    )
