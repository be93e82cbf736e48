"""The text of values sorts as the values do."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from identity_service.domain.profiles.sorting import (
    MOST_CHARACTERS,
    Moved,
    is_cut,
    moved_between,
    sort_text,
)

NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.integers(-99, 99)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5) | st.text("\0\1\2a")


def key(value: float | str) -> str:
    """As in a key, where a zero character and a customer follow."""
    return f"{sort_text(value)}\0cus_1"


@given(NUMBERS, NUMBERS)
@example(5, 5.0)
@example(0, -0.0)
@example(-5, -5.1)
@example(2**63 - 1, 2.0**63)
@example(2.0**64 - 2048, 2.0**64)
@example(1.7976931348623157e308, inf)
def test_numbers_sort_by_their_value(one: float, other: float) -> None:
    assert (key(one) < key(other)) == (one < other)
    assert (key(one) == key(other)) == (one == other)


@given(TEXTS, TEXTS)
def test_texts_sort_character_by_character(one: str, other: str) -> None:
    assert (key(one) < key(other)) == (one < other)
    assert (key(one) == key(other)) == (one == other)


def test_types_sort_as_those_of_values_do() -> None:
    mixed = [False, True, -inf, 0, inf, "", "0", "é"]

    assert sorted(mixed, key=sort_text) == mixed


@pytest.mark.parametrize(("more", "cut"), [(0, False), (1, True)])
def test_a_long_text_is_cut(more: int, cut: bool) -> None:
    text = "x" * (MOST_CHARACTERS + more)

    assert sort_text(text) == sort_text("x" * MOST_CHARACTERS)
    assert is_cut(text) is cut


def test_a_customer_moves_by_the_values_that_differ() -> None:
    before = {"same": 1, "equal": 2, "type": 1, "gone": "x", "removed": False, "none": None}
    after = {"same": 1, "equal": 2.0, "type": True, "gone": None, "none": "", "new": 0}

    assert moved_between(before, after) == Moved(
        gone=[("gone", sort_text("x")), ("removed", sort_text(False))],
        new=[("none", sort_text("")), ("new", sort_text(0))],
        changed=[(("type", sort_text(1)), ("type", sort_text(True)))],
    )
