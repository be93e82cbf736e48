"""Traits: the latest value wins, null removes, and an account's are the account's."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity_service.domain.events import EventOrder
from identity_service.domain.traits import Trait, TraitEvent, merge_account, merge_traits


def told(
    at: int, key: str = "m", received_at: int = 0, place: int = 0, **fields: Any
) -> TraitEvent[str]:
    known: dict[str, Any] = {"traits": {}, "context_traits": {}, "accounts_described": ()}
    order = EventOrder(at, received_at, place, key)
    return TraitEvent(order=order, source="web", owner="u1", **(known | fields))


def values(*events: TraitEvent[str]) -> dict[str, Any]:
    return {trait.name: trait.value for trait in merge_traits(events)}


def test_the_latest_value_wins_and_says_where_it_comes_from() -> None:
    found = merge_traits([told(2, traits={"plan": "pro"}), told(1, traits={"plan": "free"})])

    assert found == [Trait("plan", "pro", 2, "web", "u1")]


def test_null_removes_what_was_told_before_and_not_what_is_told_later() -> None:
    gone = [told(1, traits={"plan": "free"}), told(2, traits={"plan": None})]

    assert values(*gone) == {}
    assert values(*gone, told(3, traits={"plan": "pro"})) == {"plan": "pro"}


def test_of_one_moment_the_later_receipt_wins_then_the_place_then_the_message_id() -> None:
    places = [(5, 1, "z"), (5, 9, "a"), (5, 10, "a"), (5, 10, "b"), (6, 0, "a")]
    events = [
        told(1, key, received_at, place, traits={"x": [received_at, place, key]})
        for received_at, place, key in places
    ]

    for n in range(1, len(places)):
        assert values(*reversed(events[: n + 1])) == {"x": list(places[n])}


def test_what_identify_says_outranks_the_context_of_the_same_event() -> None:
    assert values(told(1, traits={"x": 1}, context_traits={"x": 2, "y": 3})) == {"x": 1, "y": 3}


def test_a_trait_of_the_account_mixed_into_the_context_is_the_accounts() -> None:
    described = ({"plan": "enterprise", "employees": 1},)
    event = told(
        1,
        context_traits={"plan": "enterprise", "employees": True, "name": "Ann"},
        accounts_described=described,
    )

    # 1 and true are different values.
    assert values(event) == {"name": "Ann", "employees": True}


@pytest.mark.parametrize(
    ("mixed_in", "described"),
    [([{"a": 1, "b": 2}], [{"b": 2, "a": 1}]), ({"b": [1], "a": None}, {"a": None, "b": [1]})],
)
def test_an_accounts_trait_is_known_by_its_value_whatever_its_order(
    mixed_in: object, described: object
) -> None:
    event = told(1, context_traits={"x": mixed_in}, accounts_described=({"x": described},))

    assert values(event) == {}


@given(
    st.permutations([told(at, str(at), traits={"x": at % 3, f"y{at % 2}": at}) for at in range(6)])
)
def test_the_order_of_arrival_does_not_matter(events: list[TraitEvent[str]]) -> None:
    assert values(*events) == {"x": 2, "y0": 4, "y1": 5}


def test_an_accounts_traits_are_merged_alike() -> None:
    described = [
        ((2, 0, 0), {"plan": "pro", "x": None}),
        ((1, 9, 9), {"plan": "free", "x": 1}),
        ((2, 0, 10), {"plan": "max"}),
        ((2, 0, 9), {"plan": "zero"}),
    ]

    assert merge_account(described) == {"plan": "max"}
