"""Numbers are exact, values have one order and one text."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from identity_service.domain.profiles.values import (
    any_key,
    as_number,
    at_path,
    json_text,
    number,
    read_json,
    value_key,
)


def test_numbers_are_read_as_they_are_written() -> None:
    found = read_json('{"a": 0.1, "b": 12, "c": 1e3, "d": -0.0}')

    assert [type(value) for value in found.values()] == [Decimal, int, Decimal, Decimal]
    assert str(found["a"]) == "0.1"


def test_a_number_of_any_length_is_read() -> None:
    assert read_json("9" * 5_000) == Decimal("9" * 5_000)
    with pytest.raises(ValueError, match="Expecting value"):
        read_json("nine")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (3, "3"),
        (Decimal("3.00"), "3"),
        (Decimal("-0.0"), "0"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1.50"), "1.5"),
        (Decimal("1E-7"), "0.0000001"),
        (Decimal("1E+99999"), "1E+99999"),
        ("é“\n", '"é“\\n"'),
        ({"b": [1, Decimal("2.0")], "a": {}}, '{"a": {}, "b": [1, 2]}'),
        ((1, "x"), '[1, "x"]'),
        (0.1, "0.1"),
    ],
)
def test_the_text_of_a_value(value: Any, text: str) -> None:
    assert json_text(value) == text


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (Decimal("2.0"), 2),
        (Decimal("2.50"), Decimal("2.5")),
        (Decimal("1E+2"), 100),
        (7, 7),
    ],
)
def test_a_number_is_written_in_one_way(value: Any, found: Any) -> None:
    assert (str(number(value)), type(number(value))) == (str(found), type(found))


@pytest.mark.parametrize("value", [True, None, "1", [], {}, float("nan"), Decimal("Infinity")])
def test_what_is_no_number(value: Any) -> None:
    assert as_number(value) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [("1.50", Decimal("1.50")), (" 7 ", Decimal(7)), ("1_000", None), ("", None), ("1e500", None)],
)
def test_text_that_is_a_number(text: str, found: Decimal | None) -> None:
    assert as_number(text, from_text=True) == found
    assert as_number("0" * 801, from_text=True) is None


def test_the_largest_numbers_are_those_of_400_digits() -> None:
    assert as_number(10**400 - 1) == 10**400 - 1
    assert as_number(10**400) is None
    assert as_number(-(10**400)) is None
    assert as_number(Decimal("9E+399")) is not None
    assert as_number(Decimal("1E+400")) is None
    assert as_number(Decimal("1E-400")) is not None
    assert as_number(Decimal("1E-401")) is None
    assert as_number(0.1) == Decimal("0.1")


def test_values_have_one_order() -> None:
    in_order = [False, True, Decimal(-1), 0, Decimal("0.5"), 2, 10, "", "10", "B", "a", "é"]

    backwards = in_order[::-1]

    assert sorted(backwards, key=any_key) == in_order
    assert value_key(1) == value_key(Decimal("1.0"))
    assert value_key(1) != value_key(True)
    assert (value_key(None), value_key([1]), value_key({})) == (None, None, None)


def test_lists_and_mappings_are_equal_when_they_hold_the_same() -> None:
    assert any_key({"a": 1, "b": [Decimal("2.0")]}) == any_key({"b": [2], "a": Decimal("1.00")})
    assert any_key([1]) != any_key(["1"])
    assert any_key("x") == value_key("x")


def test_a_property_is_found_by_its_own_name_first() -> None:
    properties = {"a": {"b": {"c": 1}}, "a.b": 2, "n": None}

    assert at_path(properties, "a.b") == 2
    assert at_path(properties, "a.b.c") == 1
    assert at_path(properties, "a.c.b") is None
    assert at_path(properties, "n") is None
    assert at_path(properties, "n.x") is None
