"""Queries that would hold up the others are refused before they run."""

from __future__ import annotations

import pytest
from graphql import parse

from identity_service.api.graphql.limits import (
    MAX_ALIASES,
    MAX_DEPTH,
    MAX_QUERY,
    check_document,
    check_text,
)
from identity_service.errors import TooLarge


def nested(depth: int) -> str:
    return "{ a " * depth + "}" * depth


def test_a_query_of_the_greatest_depth_is_taken() -> None:
    check_document(parse(nested(MAX_DEPTH)))


def test_a_query_one_level_deeper_is_refused() -> None:
    with pytest.raises(TooLarge, match="deeper than 20 levels"):
        check_document(parse(nested(MAX_DEPTH + 1)))


def test_depth_counts_through_fragments() -> None:
    half = MAX_DEPTH // 2 + 1
    text = "{ a " * half + "...f" + "}" * half + " fragment f on T " + nested(half)

    with pytest.raises(TooLarge, match="deeper"):
        check_document(parse(text))


def test_a_fragment_in_a_circle_ends() -> None:
    check_document(parse("{ ...f } fragment f on T { a ...g } fragment g on T { b ...f }"))


def test_aliases_count_as_often_as_their_fragment_is_used() -> None:
    # Each fragment uses the next twice, under two names: 2 to the power of 12 fields.
    levels = [
        f"fragment f{i} on T {{ x: a {{ ...f{i + 1} }} y: a {{ ...f{i + 1} }} }}" for i in range(12)
    ]
    text = "{ ...f0 } " + " ".join(levels) + " fragment f12 on T { b }"

    with pytest.raises(TooLarge, match="aliases"):
        check_document(parse(text))


def test_as_many_aliases_as_allowed_are_taken() -> None:
    check_document(parse("{" + " ".join(f"a{i}: b" for i in range(MAX_ALIASES)) + "}"))


def test_a_text_of_the_greatest_length_is_taken() -> None:
    check_text("x" * MAX_QUERY)


@pytest.mark.parametrize("text", ["x" * (MAX_QUERY + 1), "é" * (MAX_QUERY // 2 + 1)])
def test_a_text_of_more_bytes_is_refused(text: str) -> None:
    with pytest.raises(TooLarge, match="longer than 20,000 bytes"):
        check_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "{" + " spaces { name }" * 470 + "}",
        "{ spaces {" + " name" * 1_900 + "} }",
        "{ spaces {" + " ... { name }" * 300 + "} }",
        "{" + " spaces { " * 2 + " spaces { name }" * 50 + " } " + "spaces { name }" * 50 + " } }",
        "{ spaces {"
        + " ".join(f"...f{n}" for n in range(200))
        + "} } "
        + " ".join(f"fragment f{n} on Space {{ name }}" for n in range(200)),
    ],
    ids=["objects", "leaves", "inline fragments", "merged", "fragments"],
)
def test_fields_that_validation_would_compare_for_long_are_refused(text: str) -> None:
    with pytest.raises(TooLarge, match="too often in one place"):
        check_document(parse(text))


def test_fragments_count_as_often_as_they_are_used() -> None:
    levels = [
        f"fragment f{i} on T {{ a {{ ...f{i + 1} }} b {{ ...f{i + 1} }} }}" for i in range(14)
    ]
    text = "{ ...f0 } " + " ".join(levels) + " fragment f14 on T { c }"

    with pytest.raises(TooLarge, match="more than 10,000 fields"):
        check_document(parse(text))


def test_fragments_in_a_circle_through_fields_end() -> None:
    check_document(parse("{ ...f } fragment f on T { a { ...f } }"))
