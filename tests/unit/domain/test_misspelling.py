"""What a text with a slip in it may mean."""

from __future__ import annotations

from string import ascii_lowercase, digits

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity_service.domain.misspelling import Misspelt


@given(
    st.text(ascii_lowercase + " ", min_size=5, max_size=32)
    | st.text(digits, min_size=5, max_size=32),
    st.text(ascii_lowercase, max_size=3),
    st.data(),
)
def test_a_slip_of_the_pen_is_undone_wherever_it_is(
    value: str, rest: str, data: st.DataObject
) -> None:
    n = data.draw(st.integers(0, len(value) - 1))
    one_less = value[:n] + value[n + 1 :]
    one_more = f"{value[:n]}{value[0]}{value[n:]}"
    another = f"{value[:n]}{value[-1]}{value[n + 1 :]}"
    swapped = value[:n] + value[n + 1 : n + 2] + value[n] + value[n + 2 :]
    for text in (one_less, one_more, another, swapped):
        misspelt = Misspelt.of(text)
        if misspelt is None or value.startswith(text):
            continue
        assert misspelt.may_mean(value + rest)
        alike = next(n for n, letter in enumerate(text) if value[n : n + 1] != letter)
        early = misspelt.without_slip(before=alike + 1)
        assert any((value + rest).startswith(each) for each in early)


@given(st.text("ab ", min_size=4, max_size=8), st.text("ab ", max_size=9))
def test_what_may_be_meant_is_what_the_text_is_without_its_slip(text: str, value: str) -> None:
    misspelt = Misspelt(text)
    every = misspelt.without_slip(before=len(text))

    if not value.startswith(text):
        assert misspelt.may_mean(value) == any(value.startswith(each) for each in every)


@pytest.mark.parametrize("text", ["ann", "x" * 33])
def test_what_is_too_short_or_too_long_is_not_guessed_at(text: str) -> None:
    assert Misspelt.of(text) is None


def test_beginnings_go_on_until_the_last_letter() -> None:
    assert Misspelt("anne").beginnings == ["", "a", "an", "ann"]
