# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# (graphql-core leaves its generic types without arguments)
"""Random operations inside a space, written from the schema itself.

Names in `<…>` stand for what only a filled space can tell (`Known` puts it in).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any, Final

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_required_argument,
    is_required_input_field,
)
from hypothesis import strategies as st

from identity_service.api.graphql import schema as offered
from tests.support.neighbours import Neighbour

SCHEMA: Final[GraphQLSchema] = build_schema(offered.build_schema().as_str())
CORPUS: Final = Path(__file__).parent / "corpus" / "operations"
FOUND_FAULTS: Final = {path.name: path.read_text() for path in sorted(CORPUS.iterdir())}
"""Operations that once stopped the service or failed inside it."""

MAX_DEPTH: Final = 4
MAX_FIELDS: Final = 3
MAX_PAGE: Final = 501

_JUNK: Final = ("", "x", "\x00", "\u202e", "-1", "null", "a:b|c/d", "' OR 1=1 //", "é" * 300)
_TEXTS: Final[Mapping[str, tuple[str, ...]]] = {
    "space": ("<ours>", "<ours>", "<theirs>"),
    "spaces": ("<ours>", "<theirs>"),
    "type": ("user_id", "email", "anonymous_id", "hub"),
    "value": ("ann", "bob", "cid", "ann@example.com", "family-tablet", "cids-phone", "newsletter"),
    "policy": ("types: {}", "extends: merge_all", "extends: nothing", "{"),
    "after": ("<cursor>", "<their cursor>"),
    "messageId": ("m1", "m2", "m99"),
    "source": ("<ours>", "<theirs>"),
    "within": ("30d", "1h", "0d"),
    "session": ("30m", "30"),
    "halfLife": ("7d", "7"),
    "silentFor": ("1d", "400d"),
    "region": ("NL", "XX"),
}
"""Texts that mean something, by the name of the argument; all others are names of events."""

_IDS: Final = (
    "<customer>", "<retired>", "<their customer>", "<node>", "<their node>",
    "<judgement>", "<their judgement>", "<retraction>", "<their retraction>",
)  # fmt: skip
_KEYS: Final = (
    '{__typename: "Customer", id: "<node>"}',
    '{__typename: "Customer", id: "<their node>"}',
    '{__typename: "Identifier", space: "<ours>", type: "user_id", value: "ann"}',
    '{__typename: "Identifier", space: "<theirs>", type: "user_id", value: "ann"}',
    '{__typename: "Identifier", id: "<node>"}',
    "{}",
)
"""What a gateway asks for."""

_MOMENTS: Final = (
    "1960-01-01T00:00:00Z", "1971-02-05", "2000-01-01T00:00:00+14:00", "2100-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999-14:00", "yesterday", "2026-02-30",
)  # fmt: skip


def filled_in(operation: str, ours: Neighbour, theirs: Neighbour) -> str:
    """The operation about two filled spaces."""
    known = {"ours": ours.name, "theirs": theirs.name}
    for whose, about in (("", ours), ("their ", theirs)):
        known |= {
            f"{whose}customer": about.customers[0],
            f"{whose}retired": about.retired,
            f"{whose}node": about.nodes["Customer"][0],
            f"{whose}judgement": about.judgements[0],
            f"{whose}retraction": about.retractions[0],
            f"{whose}cursor": about.cursors["Space.changes"],
        }
    for name, value in known.items():
        operation = operation.replace(f"<{name}>", value)
    return operation


class _Writer:
    """Writes one operation; every field has an alias of its own, so that all can stand together."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self._numbers = count()

    def operation(self) -> str:
        if self._draw(st.integers(0, 4)) == 0:
            return f"mutation {{ {self._field(SCHEMA.type_map['Mutation'], MAX_DEPTH - 1)} }}"
        below = self._selection(SCHEMA.type_map["Space"], MAX_DEPTH)
        door = self._draw(st.sampled_from(("<ours>", "<ours>", "<ours>", "<theirs>")))
        beside = self._field(SCHEMA.type_map["Query"], 1) if self._draw(st.booleans()) else ""
        return f'{{ space(name: "{door}") {below} {beside} }}'

    def _selection(self, kind: GraphQLNamedType, depth: int) -> str:
        written = ["__typename"]
        if isinstance(kind, GraphQLUnionType | GraphQLInterfaceType):
            members = SCHEMA.get_possible_types(kind)
            chosen = self._draw(st.lists(st.sampled_from(members), min_size=1, max_size=2))
            written += [
                f"... on {member.name} {self._selection(member, depth)}" for member in chosen
            ]
        elif not isinstance(kind, GraphQLObjectType) or not _fields(kind, depth):
            pass
        else:
            for _ in range(self._draw(st.integers(1, MAX_FIELDS))):
                written.append(self._field(kind, depth - 1))
        return f"{{ {' '.join(written)} }}"

    def _field(self, parent: GraphQLNamedType, depth: int) -> str:
        assert isinstance(parent, GraphQLObjectType)
        name = self._draw(st.sampled_from(_fields(parent, depth + 1)))
        field = parent.fields[name]
        given = [
            f"{argument}: {self._value(argument, each.type)}"
            for argument, each in field.args.items()
            if is_required_argument(each) or self._is_drawn(each)
        ]
        arguments = f"({', '.join(given)})" if given else ""
        kind = get_named_type(field.type)
        below = "" if is_leaf_type(kind) else f" {self._selection(kind, depth)}"
        return f"f{next(self._numbers)}: {name}{arguments}{below}"

    def _is_drawn(self, _given: GraphQLArgument | GraphQLInputField) -> bool:
        return self._draw(st.integers(0, 2)) == 0

    def _value(self, name: str, kind: GraphQLInputType) -> str:
        if self._draw(st.integers(0, 60)) == 60:
            return self._draw(st.sampled_from(("9" * 400, "1e400", "[[1]]", "X", "null", "{}")))
        nullable = get_nullable_type(kind)
        if is_list_type(nullable):
            size = self._draw(st.integers(0, 3))
            return f"[{', '.join(self._value(name, nullable.of_type) for _ in range(size))}]"
        if isinstance(nullable, GraphQLInputObjectType):
            given = [
                f"{field}: {self._value(field, each.type)}"
                for field, each in nullable.fields.items()
                if is_required_input_field(each) or self._is_drawn(each)
            ]
            return f"{{{', '.join(given)}}}"
        if isinstance(nullable, GraphQLEnumType):
            return self._draw(st.sampled_from(sorted(nullable.values)))
        scalar = get_named_type(kind).name
        if scalar == "_Any":
            return self._draw(st.sampled_from(_KEYS))
        return json.dumps(self._leaf(name, scalar))

    def _leaf(self, name: str, scalar: str) -> Any:
        if scalar == "Int":
            return self._draw(st.sampled_from((0, 1, 2, 10, 500, MAX_PAGE, -1, 2**31 - 1)))
        if scalar == "Boolean":
            return self._draw(st.booleans())
        if scalar == "DateTime":
            return self._draw(st.sampled_from(_MOMENTS))
        known = _IDS if scalar == "ID" else _TEXTS.get(name, ("seen", "plan", "page"))
        if self._draw(st.integers(0, 4)) == 0:
            known = _JUNK
        return self._draw(st.sampled_from(known))


def _fields(kind: GraphQLObjectType, depth: int) -> list[str]:
    """The fields that may be asked for; at the end of the depth those that have no more below."""
    return [
        name
        for name, field in kind.fields.items()
        if depth > 0 and (depth > 1 or is_leaf_type(get_named_type(field.type)))
    ]


@st.composite
def operations(draw: st.DrawFn) -> str:
    """A query of a space, or a mutation: it follows the schema, but for a value now and then."""
    return _Writer(draw).operation()
