# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# (graphql-core leaves its generic types without arguments)
"""The schema keeps to Relay's specifications of connections and of global ids."""

from __future__ import annotations

import re
from typing import Final, cast

import pytest
from graphql import (
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    get_named_type,
    get_nullable_type,
    is_list_type,
)

from identity_service.api.graphql import schema as offered

SCHEMA: Final[GraphQLSchema] = build_schema(offered.build_schema().as_str())
TYPES: Final = {
    name: kind
    for name, kind in SCHEMA.type_map.items()
    if isinstance(kind, GraphQLObjectType) and not name.startswith("__")
}
CONNECTIONS: Final = sorted(name for name in TYPES if name.endswith("Connection"))
NO_NODES: Final = frozenset(
    {
        *("Judgement", "MergeRefused", "RejectedAgain", "RejectedEvent", "Retraction"),
        *("UpstreamMerge", "UpstreamRequest"),
    }
)
"""Their `id` is that of a record of the space, as mutations take it."""


def shape(name: str, *fields: str) -> dict[str, str]:
    """Some fields of a type with their types."""
    return {field: str(TYPES[name].fields[field].type) for field in fields}


@pytest.mark.parametrize("connection", CONNECTIONS)
def test_a_connection_has_edges_with_cursors_and_says_where_the_page_stands(
    connection: str,
) -> None:
    edge = connection.replace("Connection", "Edge")

    assert shape(connection, "edges", "pageInfo") == {
        "edges": f"[{edge}!]!",
        "pageInfo": "PageInfo!",
    }
    assert shape(edge, "cursor") == {"cursor": "String!"}
    node = get_nullable_type(TYPES[edge].fields["node"].type)
    assert not is_list_type(node)


def test_the_page_says_whether_there_is_more_and_where_it_begins_and_ends() -> None:
    assert {name: str(field.type) for name, field in TYPES["PageInfo"].fields.items()} == {
        "hasNextPage": "Boolean!",
        "hasPreviousPage": "Boolean!",
        "startCursor": "String",
        "endCursor": "String",
    }


def test_whatever_answers_a_connection_takes_the_number_and_the_cursor_to_go_on_from() -> None:
    taken = {
        f"{kind.name}.{name}": {
            argument: str(field.args[argument].type)
            for argument in ("first", "after")
            if argument in field.args
        }
        for kind in TYPES.values()
        for name, field in kind.fields.items()
        if cast("GraphQLNamedType", get_named_type(field.type)).name in CONNECTIONS
    }

    assert len(taken) >= len(CONNECTIONS)
    assert {
        field: given
        for field, given in taken.items()
        if given != {"first": "Int", "after": "String"}
    } == {}


def test_only_what_pages_is_called_so() -> None:
    paged = {
        kind.name
        for kind in TYPES.values()
        if {"edges", "pageInfo"} & kind.fields.keys() or re.search(r"Connection$", kind.name)
    }

    assert paged == set(CONNECTIONS)


def test_whatever_has_a_global_id_is_a_node() -> None:
    node, query = SCHEMA.type_map["Node"], TYPES["Query"].fields["node"]
    assert isinstance(node, GraphQLInterfaceType)
    assert str(node.fields["id"].type) == "ID!"
    assert (str(query.type), str(query.args["id"].type)) == ("Node", "ID!")

    with_id = {kind.name for kind in TYPES.values() if "id" in kind.fields}
    nodes = {kind.name for kind in SCHEMA.get_possible_types(node)}
    assert with_id == nodes | NO_NODES
