from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from identity_service.collect.properties import scalar_properties


def test_scalars_are_kept_under_a_prefix_and_nothing_else_is() -> None:
    properties = {"a": "x", "b": 1, "c": 2.5, "d": True, "e": None, "f": [1], "g": {"h": 1}}

    assert scalar_properties(properties) == {"p_a": "x", "p_b": 1, "p_c": 2.5, "p_d": True}


def test_names_are_made_safe_and_short() -> None:
    assert scalar_properties({"Order Total (€)": 1}) == {"p_Order_Total____": 1}
    assert scalar_properties({"n" * 100: 1}) == {"p_" + "n" * 64: 1}


def test_of_names_that_become_the_same_the_first_in_text_order_has_it() -> None:
    assert scalar_properties({"a_b": 3, "a-b": 2, "a b": 1}) == {"p_a_b": 1}


def test_long_text_is_cut() -> None:
    assert scalar_properties({"a": "é" * 2_000}) == {"p_a": "é" * 1_024}


def test_an_integer_beyond_64_bits_becomes_a_float() -> None:
    scalars = scalar_properties({"a": 2**63, "b": 2**63 - 1, "c": -(2**63), "d": 10**400})

    assert scalars == {"p_a": float(2**63), "p_b": 2**63 - 1, "p_c": -(2**63)}
    assert isinstance(scalars["p_a"], float)


def test_numbers_that_are_not_finite_are_left_out() -> None:
    assert scalar_properties({"a": float("nan"), "b": float("-inf")}) == {}


def test_at_most_fifty_are_kept_whatever_the_order_in_which_they_came() -> None:
    names = [f"n{number:03}" for number in range(80)]
    shuffled = random.Random(7).sample(names, len(names))  # noqa: S311 - nothing secret

    scalars = scalar_properties({"null": None} | {name: name for name in shuffled})

    assert scalars == {f"p_{name}": name for name in names[:50]}


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.none())


@given(st.dictionaries(st.text(), SCALARS))
def test_every_result_can_be_stored(properties: dict[str, object]) -> None:
    scalars = scalar_properties(properties)

    for name, value in scalars.items():
        assert name.isascii()
        assert name.replace("_", "a").isalnum()
        assert isinstance(value, str | float | bool) or -(2**63) <= value < 2**63
