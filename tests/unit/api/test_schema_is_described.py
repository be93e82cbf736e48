"""Whoever looks at the schema reads what each type, field, argument and value means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Final

import pytest
from graphql import GraphQLSchema

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


def test_everything_has_a_description(descriptions: Mapping[str, str]) -> None:
    assert len(descriptions) > 1000
    assert [own for own, description in descriptions.items() if not description] == []


def test_a_description_is_a_sentence(descriptions: Mapping[str, str]) -> None:
    found = {
        own: description
        for own, description in descriptions.items()
        if len(WORD.findall(description)) < 3
        or not description.rstrip().endswith((".", "?", "!"))
        or repeats_its_name(own, description)
    }

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
