"""Case files of profiles: the shipped examples, what differs, and how mistakes are named."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from identity_service.domain.profiles.cases import (
    check_profile_case,
    difference_text,
    load_profile_case,
)
from identity_service.domain.profiles.parse import parse_profiles
from identity_service.errors import BadInput

EXAMPLES = Path(str(files("identity_service.examples").joinpath("profiles")))
CASES = sorted((EXAMPLES / "cases").glob("*.yaml"))

CASE = """
id: one
title: "an order"
profiles:
  traits: {plan: {take: first}}
  features: {orders: {count: Order}, paid: {sum: amount, of: Order}}
  account_features: {used: {count: any}}
  audiences: {buyers: {who: {all: [{did: Order}, {has: email}, {consent: {purpose: ads}}]}}}
customers:
  ann:
    identifiers: [email]
    consents: {ads: true}
    events:
      - {at: 2026-01-01T00:00:00Z, did: Order, properties: {amount: 0.10}, id: m, account: acme}
      - {at: 2026-01-01T00:00:00Z, did: Order, properties: {amount: 0.10}, id: m, account: acme}
      - {at: 2026-01-02T00:00:00Z, call: identify, traits: {plan: gold, size: 1.50}}
accounts:
  acme: {traits: {seats: 3}, members: [ann]}
expected:
  - at: 2026-01-03T00:00:00Z
    features: {orders: 1, paid: 0.1}
    traits: {plan: gold, size: 1.5, other: null}
    audiences: [buyers]
  - {account: acme, at: 2026-01-03T00:00:00Z, features: {used: 1}, traits: {seats: 3}}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "case.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_shipped_examples_come_out_as_they_say(path: Path) -> None:
    case = load_profile_case(path)

    assert [difference_text(each) for each in check_profile_case(case)] == []
    assert case.id == path.stem


def test_there_is_an_example_of_every_story() -> None:
    assert len(CASES) >= 6
    assert parse_profiles((EXAMPLES / "shop.yaml").read_text("utf-8")).warnings == ()


def test_what_a_case_describes_is_what_is_computed(tmp_path: Path) -> None:
    assert check_profile_case(load_profile_case(write(tmp_path, CASE))) == []


def test_every_difference_is_named_with_what_was_expected_and_found(tmp_path: Path) -> None:
    text = (
        CASE.replace("orders: 1, paid: 0.1", "orders: 2, paid: 0.2")
        .replace("{plan: gold, size: 1.5, other: null}", "{plan: silver}")
        .replace("audiences: [buyers]", "audiences: []")
        .replace("{used: 1}, traits: {seats: 3}", "{used: 0}, traits: {seats: 4}")
    )

    found = check_profile_case(load_profile_case(write(tmp_path, text)))

    assert "\n".join(map(difference_text, found)) == (
        "  ann at 2026-01-03T00:00:00.000Z, features.orders\n"
        "    expected  2\n"
        "    found     1\n"
        "  ann at 2026-01-03T00:00:00.000Z, features.paid\n"
        "    expected  0.2\n"
        "    found     0.1\n"
        "  ann at 2026-01-03T00:00:00.000Z, traits.plan\n"
        '    expected  "silver"\n'
        '    found     "gold"\n'
        "  ann at 2026-01-03T00:00:00.000Z, audiences\n"
        "    expected  []\n"
        '    found     ["buyers"]\n'
        "  acme at 2026-01-03T00:00:00.000Z, features.used\n"
        "    expected  0\n"
        "    found     1\n"
        "  acme at 2026-01-03T00:00:00.000Z, traits.seats\n"
        "    expected  4\n"
        "    found     3"
    )


MISTAKES: list[tuple[str, str, str]] = [
    # what stands there, what is written instead, what is said
    ("title:", "titel:", "titel: there is no such key; did you mean title?"),
    ("title:", "titel:", "title: is missing"),
    ("count: Order}", "cont: Order}", "profiles.features.orders: names no function; did you mean"),
    ("profiles:\n", "profiles: [1]\nx:\n", "profiles: this list is not a mapping"),
    ("identifiers: [email]", "kind: known", "customers.ann.kind: “known” is not possible here"),
    ("{ads: true}", "{ads: 1}", "customers.ann.consents.ads: “1” is neither true nor false"),
    ("did: Order, p", "dit: Order, p", "customers.ann.events.0.dit: there is no such key"),
    ("call: identify, ", "", "customers.ann.events.2: says neither what was done (did)"),
    ("at: 2026-01-02", "at: soon", "customers.ann.events.2.at: “soonT00:00:00Z” is no time"),
    ("{at: 2026-01-02T00:00:00Z, ", "{", "customers.ann.events.2.at: nothing is no time"),
    ("properties: {amount: 0.10}", "properties: 3", "events.0.properties: “3” is not a mapping"),
    ("members: [ann]", "members: [bob]", "accounts.acme.members.0: there is no customer “bob”"),
    ("{orders: 1,", "{order: 1,", "expected.0.features.order: there is no such feature; did you"),
    ("[buyers]", "[buyer]", "expected.0.audiences.0: there is no such audience; did you mean"),
    ("- {account: acme,", "- {account: acm,", "expected.1: speaks of one customer or one account"),
    ("- {account: acme,", "- {account: acme, customer: ann,", "expected.1: speaks of one customer"),
    ("expected:\n", "expected: {}\nx:\n", "expected: this mapping is not a list"),
    ("expected:\n", "expected:\n  - 3\n", "expected.0: “3” is not a mapping"),
    ("customers:\n", "customers: []\nx:\n", "customers: this list is not a mapping"),
    ("id: one", "id: [", "not YAML"),
]


@pytest.mark.parametrize(("there", "instead", "said"), MISTAKES)
def test_a_mistake_in_a_case_is_named(there: str, instead: str, said: str, tmp_path: Path) -> None:
    assert there in CASE

    with pytest.raises(BadInput) as caught:
        load_profile_case(write(tmp_path, CASE.replace(there, instead, 1)))

    assert said in str(caught.value)


def test_a_text_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    text = CASE.replace("profiles:\n", "profiles: nowhere.yaml\nx:\n", 1)

    with pytest.raises(BadInput, match=r"profiles: .*nowhere\.yaml cannot be read"):
        load_profile_case(write(tmp_path, text))


def test_a_case_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"nowhere\.yaml cannot be read"):
        load_profile_case(tmp_path / "nowhere.yaml")
