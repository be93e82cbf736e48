"""Traits: the latest value wins, null removes, and an account's are the account's."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity_service.domain.events import EventOrder
from identity_service.domain.traits import (
    DIGEST_LENGTH,
    MAX_NAME,
    OWN,
    AccountSet,
    AccountTrait,
    Trait,
    TraitEvent,
    TraitName,
    Traits,
    account_traits,
    find_traits,
    merge_traits,
    trait_keys,
)


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


def test_what_a_limited_source_says_gives_way_to_what_others_say() -> None:
    mine = [told(1, traits={"plan": "free"}), told(2, traits={"age": None})]
    page = told(9, traits={"plan": "gold", "age": 3, "hat": "red"}, limited=True)

    assert values(*mine, page) == {"plan": "free", "hat": "red"}


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
        AccountSet((2, 0, 0), {"plan": "pro", "x": None}, "crm"),
        AccountSet((1, 9, 9), {"plan": "free", "x": 1, "city": "Kyiv"}, "shop"),
        AccountSet((2, 0, 10), {"plan": "max"}, "app"),
        AccountSet((2, 0, 9), {"plan": "zero"}),
    ]

    assert account_traits(described) == [
        AccountTrait("city", "Kyiv", 1, "shop"),
        AccountTrait("plan", "max", 2, "app"),
    ]


ACCOUNTS: dict[str, tuple[dict[str, Any], ...]] = {
    "acme": ({"plan": 1, "city": "x"}, {"plan": 2}),
    "zeta": ({"plan": 3},),
}
SAID = st.dictionaries(st.sampled_from(["plan", "city"]), st.sampled_from([None, 1, 2, 3, "x"]))


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[str | None, TraitEvent[str]]]:
    """Events of a customer, each with the account that it names."""
    drawn = draw(
        st.lists(st.tuples(st.sampled_from([None, "acme", "zeta"]), SAID, SAID), max_size=8)
    )
    return [
        (
            account,
            told(
                at // 2,
                f"m{at}",
                traits=traits,
                context_traits=context,
                accounts_described=ACCOUNTS[account] if account else (),
            ),
        )
        for at, (account, traits, context) in enumerate(drawn)
    ]


def names_of(
    history: list[tuple[str | None, TraitEvent[str]]], variants: int
) -> tuple[list[TraitName], set[str]]:
    """What the graph finds by the trait keys of events, and the keys of the events found."""
    newest: dict[str, dict[tuple[str, str | None], str]] = {}
    for account, event in sorted(history, key=lambda entry: entry[1].order, reverse=True):
        for key in trait_keys(
            event.traits, event.context_traits, names_account=account is not None
        ):
            own = key.startswith(OWN)
            name = key[len(OWN) :] if own else key[DIGEST_LENGTH:]
            variant = (key, None if own else account)
            newest.setdefault(name, {}).setdefault(variant, event.order.key)
    names = [TraitName(n, [*found.values()][:variants], len(found)) for n, found in newest.items()]
    return names, {key for name in names for key in name.newest}


@given(histories())
def test_the_newest_events_with_each_trait_tell_the_same_as_all(
    history: list[tuple[str | None, TraitEvent[str]]],
) -> None:
    events = {event.order.key: event for _, event in history}
    names, found = names_of(history, len(history))

    traits = find_traits(names, len(names), {key: events[key] for key in found})

    assert traits == Traits(merge_traits(events.values()))


@given(histories(), st.integers(1, 3))
def test_what_few_variants_do_not_decide_is_named_and_the_rest_is_right(
    history: list[tuple[str | None, TraitEvent[str]]], variants: int
) -> None:
    events = {event.order.key: event for _, event in history}
    names, found = names_of(history, variants)

    traits = find_traits(names, len(names), {key: events[key] for key in found})

    right = [t for t in merge_traits(events.values()) if t.name not in traits.undecided]
    assert [t for t in traits.items if t.name not in traits.undecided] == right
    assert traits.undecided <= {name.name for name in names if name.variants > variants}


def test_a_trait_in_an_event_that_was_not_read_is_omitted_and_never_older() -> None:
    old = told(1, "old", traits={"plan": "free", "city": "Graz"})
    names = [TraitName("plan", ["new"], 2), TraitName("city", ["old"], 1)]

    traits = find_traits(names, 5, {"old": old})

    assert [(t.name, t.value) for t in traits.items] == [("city", "Graz")]
    assert traits.omitted == 3 + 1  # those not even named, and the plan


def test_events_without_trait_keys_are_merged_with_the_others() -> None:
    new = told(2, "new", traits={"plan": "pro"})
    earlier = [told(1, "a", traits={"plan": "free", "city": "Graz"}), told(3, traits={"age": 7})]

    traits = find_traits([TraitName("plan", ["new"], 1)], 1, {"new": new}, earlier)

    assert [(t.name, t.value) for t in traits.items] == [
        ("age", 7),
        ("city", "Graz"),
        ("plan", "pro"),
    ]


def test_equal_values_in_a_context_have_equal_keys_and_others_do_not() -> None:
    def keys(value: Any) -> list[str]:
        return trait_keys({}, {"x": value}, names_account=True)

    assert keys({"a": 1, "b": 2}) == keys({"b": 2, "a": 1})
    assert len({*keys(1), *keys(True), *keys(1.0), *keys("1"), *keys(None)}) == 5
    assert keys(1)[0][DIGEST_LENGTH:] == "x"


def test_what_has_too_long_a_name_is_no_trait() -> None:
    long = "n" * (MAX_NAME + 1)

    assert values(told(1, traits={long: 1, long[1:]: 2})) == {long[1:]: 2}
    assert trait_keys({long: 1}, {long: 1}, names_account=False) == []
    assert trait_keys({}, {long: 1}, names_account=True) == []
