"""Somebody decided about each field, type and route who may ask for it.

`tests/integration/api/test_roles.py` asks for all of it with every kind of key.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final, cast

from graphql import (
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    get_named_type,
)

from docs._ext.roles import CALLERS, read_roles
from identity_service.api.graphql import schema as offered
from identity_service.app import create_app
from identity_service.settings import Settings

SCHEMA: Final[GraphQLSchema] = build_schema(offered.build_schema().as_str())
ROLES: Final = read_roles()
ROOTS: Final = ("Query", "Space", "Mutation", "Subscription")
DOORS: Final = {"Query.space", "Query.spaces", "Query.node", "Query._entities"}
"""They give everybody what the key opens, and nothing else."""


def missing(section: str, names: set[str]) -> list[str]:
    """What is to be written, and where: among those who may ask for it."""
    return [f"Write {name} into docs/reference/roles.yaml, “{section}”." for name in sorted(names)]


def test_every_field_at_the_doors_has_its_decision() -> None:
    fields = {f"{kind}.{name}" for kind in ROOTS for name in object_type(kind).fields}

    assert missing("fields", fields - ROLES.fields.keys()) == []
    assert {name for name in ROLES.fields if name.partition(".")[0] in ROOTS} == fields


def test_every_type_is_for_those_who_may_ask_for_a_field_that_leads_to_it() -> None:
    leading = defaultdict[str, set[str]](set)
    for field, may in ROLES.fields.items():
        kind, name = field.split(".")
        if field not in DOORS and kind in ROOTS:
            for reached in below(type_of(object_type(kind), name), set()):
                leading[reached] |= may

    unlike = [
        f"Write {name} into docs/reference/roles.yaml, “types”, where {sorted(may)} may."
        for name, may in sorted(leading.items())
        if ROLES.types.get(name) != frozenset(may)
    ]
    assert unlike == []
    assert ROLES.types.keys() == leading.keys()


def test_every_route_has_its_decision() -> None:
    paths: Mapping[str, Mapping[str, object]] = create_app(Settings()).api.openapi()["paths"]
    routes = {f"{method.upper()} {path}" for path, item in paths.items() for method in item}

    assert missing("routes", routes - ROLES.routes.keys()) == []
    assert ROLES.routes.keys() == routes


def test_only_callers_that_there_are_may_ask() -> None:
    decided = [*ROLES.fields.values(), *ROLES.types.values(), *ROLES.routes.values()]

    assert frozenset[str]().union(*decided) == CALLERS.keys()


def object_type(name: str) -> GraphQLObjectType:
    kind = SCHEMA.type_map[name]
    assert isinstance(kind, GraphQLObjectType)
    return kind


def type_of(kind: GraphQLObjectType, field: str) -> GraphQLNamedType:
    return cast("GraphQLNamedType", get_named_type(kind.fields[field].type))


def below(kind: GraphQLNamedType, found: set[str]) -> Iterator[str]:
    """The types of all that can be asked for below a field of a type; a space has a door."""
    if kind.name in found or kind.name == "Space":
        return
    found.add(kind.name)
    if isinstance(kind, GraphQLUnionType | GraphQLInterfaceType):
        for member in SCHEMA.get_possible_types(kind):
            yield from below(member, found)
    elif isinstance(kind, GraphQLObjectType):
        yield kind.name
        for name in kind.fields:
            yield from below(type_of(kind, name), found)
