"""Whatever text somebody puts in as profiles: it is one that can be computed of any evidence, or
every mistake has its place."""

from __future__ import annotations

import json
import time
from importlib.resources import files
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from identity_service.domain.events import EventOrder
from identity_service.domain.profiles.definitions import Profiles
from identity_service.domain.profiles.evaluate import evaluate, evaluate_account
from identity_service.domain.profiles.explain import explain_audience, explain_feature
from identity_service.domain.profiles.occurrences import (
    AccountEvidence,
    CustomerEvidence,
    ProfileEvent,
    ReportedValue,
)
from identity_service.domain.profiles.parse import parse_profiles
from identity_service.domain.profiles.values import json_text, read_json
from identity_service.domain.profiles.vocabulary import (
    AUDIENCE,
    CONDITIONS,
    FUNCTIONS,
    MODIFIERS,
    OPERATIONS,
    OPERATORS,
)
from identity_service.domain.resolution.id_register import CustomerKind
from identity_service.errors import Problem, ProfilesInvalid
from tests.fuzz.policies import mutated
from tests.support.worlds import in_many_worlds

MOST_SECONDS: Final = 2.0
"""Of the processor, for a text of some thousand characters: a hundred times what one takes."""

NOW: Final = 1_000_000
SHOP: Final = files("identity_service.examples").joinpath("profiles/shop.yaml").read_text("utf-8")
EVERY_FUNCTION: Final = "features:\n" + "".join(
    f"  {name}_{number}: {{{name}: x, {more}}}\n"
    for name in FUNCTIONS
    for number, more in enumerate(("within: 1d", "where: {x: {gte: 1}}", "each: x"))
)
GOOD: Final = (SHOP, EVERY_FUNCTION, EVERY_FUNCTION.replace("features:", "account_features:"))

_WORDS: Final = (
    *("traits", "features", "account_features", "audiences", "gte", "lte", "same", "purpose"),
    *("f", "a", "x", "then", "then_not", *FUNCTIONS, *MODIFIERS, *OPERATIONS, *OPERATORS),
    *(*CONDITIONS, *AUDIENCE),
)
_SCALARS: Final[st.SearchStrategy[Any]] = st.sampled_from(
    [
        None, True, 0, 1, -1, 2**63, 0.1, 1e308, "", "f", "a", "x", "any", "7d", "0d", "101y",
        "2026-01-01", "number", "hour", "Europe/Berlin", "accounts", "KNOWN", "(", "[0-9]+",
        "members", "\x00", "seconds",
    ]
)  # fmt: skip
_VALUES: Final = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(_WORDS), inner, min_size=1, max_size=4)
    ),
    max_leaves=14,
)


def entry(name: str, value: Any, more: dict[str, Any]) -> dict[str, Any]:
    return {name: value, **more}


def group(name: str, parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: parts}


def document(feature: dict[str, Any], who: dict[str, Any], of: str, more: dict[str, Any]) -> str:
    audience = {"who": who, "of": of}
    return json.dumps({"features": {"f": feature}, "audiences": {"a": audience}, **more})


_FEATURE: Final = st.builds(
    entry,
    st.sampled_from((*FUNCTIONS, *OPERATIONS)),
    _SCALARS | st.lists(_SCALARS, max_size=3),
    st.dictionaries(st.sampled_from((*MODIFIERS,)), _VALUES, max_size=2),
)
_CONDITION: Final = st.recursive(
    st.builds(
        entry,
        st.sampled_from((*CONDITIONS,)),
        _SCALARS,
        st.dictionaries(st.sampled_from(_WORDS), _VALUES, max_size=2),
    ),
    lambda inner: st.builds(group, st.sampled_from(("all", "any")), st.lists(inner)),
    max_leaves=5,
)
made: Final = st.builds(
    document,
    _FEATURE,
    _CONDITION,
    st.sampled_from(("customers", "accounts")),
    st.dictionaries(st.sampled_from(("traits", "account_features")), _VALUES, max_size=1),
)
texts: Final = st.one_of(mutated(GOOD), made, _VALUES.map(json.dumps), st.text(max_size=200))
"""Any text that somebody could take for profiles."""

json_values: Final = st.recursive(
    st.sampled_from(
        [
            "null", "true", "0", "-0.0", "1", "1.50", "1e400", "-1e-500", "9" * 5_000, '"x"', '""',
            '"1.5"', '"2026-01-01"', '"0001-01-01T00:00:00+14:00"', '"9999-12-31T23:59:59-12:00"',
            "253402300799", "1e15", '"\\ud800"',
        ]
    ),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]")
        | inner.map(lambda value: f'{{"x": {value}}}')
    ),
    max_leaves=4,
)  # fmt: skip
"""JSON text, as a sender may send it."""


def event(number: int, at: int, value: str) -> ProfileEvent:
    order = EventOrder(at, 0, number, str(number))
    text = f'{{"x": {value}}}'
    return ProfileEvent(order, str(number), "track", "x", "x", text, account_id="acme")


evidence: Final = st.lists(st.tuples(st.integers(0, 2 * NOW), json_values), max_size=5).map(
    lambda said: CustomerEvidence(
        "cus_1",
        CustomerKind.KNOWN,
        [event(number, at, value) for number, (at, value) in enumerate(said)],
        {"x": [ReportedValue(EventOrder(at, 0, 0, ""), "s", read_json(v)) for at, v in said]},
    )
)


def profiles_or_mistakes(text: str) -> Profiles | tuple[Problem, ...]:
    try:
        return parse_profiles(text)
    except ProfilesInvalid as error:
        return error.problems


@in_many_worlds
@given(texts, evidence)
def test_any_text_can_be_computed_or_is_a_list_of_mistakes(
    text: str, customer: CustomerEvidence
) -> None:
    begun = time.thread_time()
    read = profiles_or_mistakes(text)
    if isinstance(read, Profiles):
        compute(read, customer)
    else:
        assert all(problem.path and problem.message for problem in read)

    assert time.thread_time() - begun < MOST_SECONDS


def compute(profiles: Profiles, customer: CustomerEvidence) -> None:
    account = AccountEvidence("acme", {"cus_1": customer.events}, {"x": 1}, [customer])
    found = evaluate(profiles, customer, NOW)
    of_account = evaluate_account(profiles, account, NOW)
    for evaluation in (found, of_account):
        assert evaluation.next_at is None or evaluation.next_at > NOW
        for value in evaluation.features.values():
            assert read_json(json_text(value.value)) == value.value
    for name in profiles.features:
        assert explain_feature(profiles, customer, NOW, name).value == found.features[name]
    for name, audience in profiles.audiences.items():
        who = customer if audience.of == "customers" else account
        members = found.audiences | of_account.audiences
        assert explain_audience(profiles, who, NOW, name).member is (name in members)


def test_the_texts_that_are_mutated_have_no_mistakes() -> None:
    assert all(isinstance(profiles_or_mistakes(text), Profiles) for text in GOOD)
