"""What types, fields and arguments mean, in words for people who do not program.

The words are in `words.yaml`, beside the schema: what the code describes itself is not there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any, Final, TypeAlias

import yaml
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    is_introspection_type,
    is_specified_scalar_type,
)

from identity_service.domain.policies.yaml_text import LOADER

Described: TypeAlias = (
    GraphQLNamedType | GraphQLField | GraphQLInputField | GraphQLArgument | GraphQLEnumValue
)

KINDS_OF_TYPES: Final = ("Connection", "Edge", "Result")
"""How the names of types end that have words in common."""


def read_words() -> Mapping[str, str]:
    """The words by their keys, as `words.yaml` says."""
    text = files("identity_service.api.graphql").joinpath("words.yaml").read_text(encoding="utf-8")
    return yaml.load(text, LOADER)  # noqa: S506  (the loader is a safe one)


def describe(schema: GraphQLSchema, words: Mapping[str, str]) -> None:
    """Put the words into a schema where it has none.

    Raises ValueError for words that nothing wants: it is not there, or describes itself.
    """
    unused = set(words)
    for part, own, shared in described_parts(schema):
        key = own if own in words else shared
        if not part.description and key in words:
            part.description = words[key]
            unused.discard(key)
    if unused:
        msg = f"Nothing in the schema wants these words: {', '.join(sorted(unused))}."
        raise ValueError(msg)


def described_parts(schema: GraphQLSchema) -> Iterator[tuple[Described, str, str]]:
    """All of a schema that wants a description, each with its own key and the shared one."""
    for name, kind in schema.type_map.items():
        if is_introspection_type(kind) or is_specified_scalar_type(kind):
            continue
        yield kind, name, next((f"*{end}" for end in KINDS_OF_TYPES if name.endswith(end)), name)
        yield from _parts_of(name, kind)


def _parts_of(name: str, kind: GraphQLNamedType) -> Iterator[tuple[Described, str, str]]:
    if isinstance(kind, GraphQLEnumType):
        for value, meant in kind.values.items():
            yield meant, f"{name}.{value}", f"{name}.{value}"
    if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
        fields: Mapping[str, Any] = kind.fields
        for field, shape in fields.items():
            yield shape, f"{name}.{field}", f"*.{field}"
            arguments: Mapping[str, GraphQLArgument] = getattr(shape, "args", {})
            for argument, taken in arguments.items():
                yield taken, f"{name}.{field}({argument})", f"*({argument})"
