"""Queries made from the schema itself, so that a field that is added is asked for too."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
)

_OF_CUSTOMERS = (
    *("AudienceExplanation", "Change", "Event", "Feature", "FeatureExplanation", "Identifier"),
    *("Judgement", "Link", "Trait"),
)

NOT_BELOW: Mapping[str, tuple[str, ...]] = {
    "AudienceMember": _OF_CUSTOMERS,
    "AudiencePreview": _OF_CUSTOMERS,
    "Cause": ("Customer", "Identifier"),
    "FeatureExplanation": ("Identifier",),
    "MembershipChange": _OF_CUSTOMERS,
    "CustomerDifference": ("Customer",),
    "CustomerResult.OverConnected": ("Change", "Event", "Identifier", "Judgement", "Link", "Trait"),
    "DismissMergeResult": ("Customer",),
    "ExplainResult": ("Customer", "Event"),
    "HandleRequestResult": ("Customer",),
    "JudgeResult": ("Customer",),
    "Judgement": ("Customer",),
    "UpstreamMerge": ("Customer",),
    "UpstreamRequest": ("Customer",),
}
"""Types that are not entered below others, since shorter ways lead to them.

A member of a union can be named as `Union.Member`.
"""

Way = Mapping[str, Any]
"""The arguments of one way to ask for a field."""


class Word(str):
    """An enum value in arguments: written without quotes."""

    __slots__ = ()


@dataclass
class Asking:
    """Writes selections that ask for all that can be reached from a type, in every way.

    `ways` says how to ask for each field with arguments, by `Type.field`; one that is missing is
    a KeyError. A type is not entered again below itself. `asked` gathers the fields written.
    """

    schema: GraphQLSchema
    ways: Mapping[str, Sequence[Way]]
    asked: set[str] = field(default_factory=set[str])

    def fields(self, type_name: str, above: tuple[str, ...] = ()) -> list[str]:
        """Each field of a type in each way, with everything below it; `above` is not entered."""
        parent = cast("GraphQLObjectType", self.schema.type_map[type_name])
        return [
            f"{name}{arguments(way)}{below}"
            for name, asked in parent.fields.items()
            if (below := self._below(parent, name, above)) is not None
            for way in self._ways(parent, name, asked)
        ]

    def everything(self, type_name: str, above: tuple[str, ...] = ()) -> str:
        """A selection of everything below a type, `{ … }`."""
        return f"{{ {' '.join(self._selected(self.schema.type_map[type_name], above))} }}"

    def _selected(self, kind: GraphQLNamedType, above: tuple[str, ...]) -> Iterator[str]:
        yield "__typename"
        if isinstance(kind, GraphQLUnionType | GraphQLInterfaceType):
            members = self.schema.get_possible_types(kind)
            for member in members:
                if member.name not in above:
                    apart = _apart(member, members)
                    beside = NOT_BELOW.get(f"{kind.name}.{member.name}", ())
                    yield f"... on {member.name} {{"
                    yield from self._fields_of(member, (*above, *beside), apart)
                    yield "}"
        else:
            assert isinstance(kind, GraphQLObjectType)
            yield from self._fields_of(kind, above, frozenset())

    def _fields_of(
        self, parent: GraphQLObjectType, above: tuple[str, ...], apart: frozenset[str]
    ) -> Iterator[str]:
        yield "__typename"
        for name, asked in parent.fields.items():
            below = self._below(parent, name, above)
            if below is None:
                continue
            ways = self._ways(parent, name, asked)
            for number, way in enumerate(ways):
                same = len(ways) == 1 and name not in apart
                alias = "" if same else f"{parent.name}_{name}_{number}: "
                yield f"{alias}{name}{arguments(way)}{below}"

    def _below(self, parent: GraphQLObjectType, name: str, above: tuple[str, ...]) -> str | None:
        """What is selected below a field, nothing for a leaf; None where that would go round."""
        kind = cast("GraphQLNamedType", get_named_type(parent.fields[name].type))
        if kind.name in above or kind.name == parent.name:
            return None
        self.asked.add(f"{parent.name}.{name}")
        if not isinstance(kind, GraphQLObjectType | GraphQLUnionType | GraphQLInterfaceType):
            return ""
        below = (*above, parent.name, *NOT_BELOW.get(kind.name, ()))
        return " " + self.everything(kind.name, below)

    def _ways(self, parent: GraphQLObjectType, name: str, asked: GraphQLField) -> Sequence[Way]:
        return self.ways[f"{parent.name}.{name}"] if asked.args else [{}]


def output_fields(schema: GraphQLSchema) -> dict[str, frozenset[str]]:
    """Every field of every type of answers, `Type.field`, with the names of its arguments."""
    return {
        f"{kind.name}.{name}": frozenset(each.args)
        for kind in schema.type_map.values()
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__")
        for name, each in kind.fields.items()
    }


def arguments(way: Way) -> str:
    """`(name: value, …)`; nothing without arguments."""
    if not way:
        return ""
    return f"({', '.join(f'{name}: {literal(value)}' for name, value in way.items())})"


def entities(keys: Sequence[Mapping[str, str]], selection: str) -> str:
    """The question of a gateway for what has these keys."""
    return f"{{ _entities(representations: {literal(list(keys))}) {{ __typename {selection} }} }}"


def literal(value: Any) -> str:
    """A value as it stands in a query."""
    if isinstance(value, Word):
        return str(value)
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, Any]", value).items()
        return f"{{{', '.join(f'{name}: {literal(entry)}' for name, entry in entries)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, cast('list[Any]', value)))}]"
    return json.dumps(value)


def _apart(member: GraphQLObjectType, members: Sequence[GraphQLObjectType]) -> frozenset[str]:
    """Fields of a member that another member has with another type: one answer cannot hold both."""
    return frozenset(
        name
        for name, asked in member.fields.items()
        for other in members
        if name in other.fields and str(other.fields[name].type) != str(asked.type)
    )
