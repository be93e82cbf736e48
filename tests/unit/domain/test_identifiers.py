"""How an identifier is written, and which comes first."""

from __future__ import annotations

import pytest

from identity_service.domain.identifiers import Identifier, parse_identifier


@pytest.mark.parametrize(
    ("text", "identifier"),
    [
        ("email:ann@example.com", Identifier("email", "ann@example.com")),
        ("url:https://example.com", Identifier("url", "https://example.com")),
        (" user_id : 7 ", Identifier("user_id", "7")),
    ],
)
def test_the_first_colon_parts_type_and_value(text: str, identifier: Identifier) -> None:
    assert parse_identifier(text) == identifier


@pytest.mark.parametrize("text", ["", "email", "email:", ":ann", " : ", "email: "])
def test_without_a_type_or_a_value_it_is_no_identifier(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not TYPE:VALUE, as in email:ann@example\.com"):
        parse_identifier(text)


def test_an_identifier_is_shown_as_it_is_read() -> None:
    identifier = Identifier("email", "ann@example.com")

    assert str(identifier) == "email:ann@example.com"
    assert parse_identifier(str(identifier)) == identifier


def test_text_order_is_type_then_value_by_code_point() -> None:
    unordered = [Identifier("a", "9"), Identifier("Z", "a"), Identifier("a", "10")]

    assert list(map(str, sorted(unordered))) == ["Z:a", "a:10", "a:9"]
