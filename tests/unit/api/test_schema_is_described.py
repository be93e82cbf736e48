"""Whoever looks at the schema reads what each type, field, argument and value means."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any, Final, cast

import pytest
from graphql import GraphQLSchema, introspection_from_schema

from identity_service.api.graphql.schema import build_schema
from identity_service.api.graphql.schema_words import describe, described_parts, read_words
from identity_service.domain.policies.yaml_text import read_yaml

WORD: Final = re.compile(r"[^\W_]+")
CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    """The schema that is offered."""
    return build_schema()._schema  # pyright: ignore[reportPrivateUsage]


@pytest.fixture(scope="module")
def descriptions(schema: GraphQLSchema) -> Mapping[str, str]:
    """What it says of each of its parts."""
    return {own: part.description or "" for part, own, _ in described_parts(schema)}


def repeats_its_name(own: str, description: str) -> bool:
    """Whether a description says no more than the name."""
    name = re.split(r"[.(]", own.rstrip(")"))[-1]
    said = [word.lower() for word in WORD.findall(description)]
    words = [word.lower() for word in CAMEL.sub(" ", name).replace("_", " ").split()]
    return [word for word in said if word not in ("the", "a", "an", "of")] == words


def undescribed(part: Any, path: str = "") -> Iterator[str]:
    """What the answer of an introspection does not describe, but what introspection brings."""
    if isinstance(part, list):
        for each in cast("list[Any]", part):
            yield from undescribed(each, path)
    elif isinstance(part, dict):
        said = cast("dict[str, Any]", part)
        name = f"{path}.{said['name']}" if said.get("name") else path
        if name.startswith(".__"):
            return
        if "name" in said and "description" in said and not said["description"]:
            yield name
        for each in said.values():
            yield from undescribed(each, name)


def test_whoever_asks_for_the_schema_gets_a_description_of_everything(
    schema: GraphQLSchema,
) -> None:
    assert list(undescribed(introspection_from_schema(schema)["__schema"]["types"])) == []


def test_a_description_is_a_sentence(descriptions: Mapping[str, str]) -> None:
    found = {
        own: description
        for own, description in descriptions.items()
        if len(WORD.findall(description)) < 3
        or not description.rstrip().endswith((".", "?", "!"))
        or repeats_its_name(own, description)
    }

    assert len(descriptions) > 1000
    assert found == {}


@pytest.mark.parametrize("key", ["Nobody", "Customer.nothing", "Query.space(nobody)", "*.nothing"])
def test_words_for_what_is_not_there_are_refused(key: str, schema: GraphQLSchema) -> None:
    with pytest.raises(ValueError, match=re.escape(key)):
        describe(schema, {key: "It does not exist."})


def test_words_for_what_describes_itself_are_refused(schema: GraphQLSchema) -> None:
    receipt = schema.type_map["Receipt"]

    with pytest.raises(ValueError, match="Receipt"):
        describe(schema, {"Receipt": "Something else about it."})
    assert receipt.description == "What this answer rests on."


def test_no_key_stands_twice() -> None:
    text = files("identity_service.api.graphql").joinpath("words.yaml").read_text("utf-8")

    words, problems = read_yaml(text, name="words.yaml", max_bytes=200_000)

    assert problems == []
    assert words == read_words()
