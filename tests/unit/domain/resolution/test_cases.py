"""Case files: what they say, how their mistakes are named, and what a failing one shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import Verdict
from identity_service.domain.resolution.cases import Sighting, check_case, load_case, parse_case
from identity_service.errors import BadInput

U1, U2 = Identifier("user_id", "u1"), Identifier("user_id", "u2")
COOKIE = Identifier("anonymous_id", "c")

CASE = """
id: two
title: "two people, one cookie"
policy: {extends: quarantine}
events:
  - "user_id:u1, anonymous_id:c"
  - {at: 86400, ids: "user_id:u2, anonymous_id:c"}
  - "user_id:u2, email: Bob@Example.com, anonymous_id:null"
  - "anonymous_id:undefined"
judgements:
  - {same: ["user_id:u1", "anonymous_id:c"]}
  - {apart: ["user_id:u1", "user_id:u2"]}
customers:
  - "user_id:u1, anonymous_id:c"
  - "user_id:u2, email:bob@example.com"
contested: []
"""


def mistakes(text: str) -> str:
    with pytest.raises(BadInput) as caught:
        parse_case(text)
    return caught.value.message


def test_times_are_seconds_and_an_event_without_one_happens_at_its_position() -> None:
    case = parse_case(CASE)

    bob = Identifier("email", "bob@example.com")
    assert case.events == (
        Sighting(1_000, (COOKIE, U1)),
        Sighting(86_400_000, (COOKIE, U2)),
        Sighting(3_000, (bob, U2)),
    )


def test_judgements_are_made_in_their_order() -> None:
    first, second = parse_case(CASE).judgements

    assert (first.verdict, first.a, first.b, first.made_at) == (Verdict.SAME, U1, COOKIE, 1_000)
    assert (second.verdict, second.a, second.b, second.made_at) == (Verdict.APART, U1, U2, 2_000)
    assert first.id < second.id


def test_contested_is_not_checked_where_it_is_absent() -> None:
    assert parse_case(CASE).contested == frozenset()
    assert parse_case(CASE.replace("contested: []", "")).contested is None


def test_a_case_that_comes_out_as_expected_passes() -> None:
    result = check_case(parse_case(CASE))

    assert result.passed
    assert result.message == "passed: two two people, one cookie"


def test_a_case_that_comes_out_otherwise_shows_both_sides() -> None:
    wrong = CASE.replace(
        '"user_id:u1, anonymous_id:c"\n  - "user_id:u2, email',
        '"user_id:u1"\n  - "anonymous_id:c, user_id:u2, email',
    )

    result = check_case(parse_case(wrong))

    assert not result.passed
    assert result.message.splitlines() == [
        "failed: two two people, one cookie",
        "  expected  anonymous_id:c, email:bob@example.com, user_id:u2",
        "  expected  user_id:u1",
        "  found     anonymous_id:c, user_id:u1",
        "  found     email:bob@example.com, user_id:u2",
    ]


def test_a_case_that_expects_other_contested_identifiers_shows_them() -> None:
    result = check_case(parse_case(CASE.replace("contested: []", 'contested: ["anonymous_id:c"]')))

    assert not result.passed
    assert "expected contested  anonymous_id:c" in result.message
    assert "found contested     none" in result.message


@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        ("id: two\n", "", "id: is missing"),
        ("title:", "titel:", "titel: there is no such key"),
        ("quarantine", "quarantin", "policy.extends: there is no preset"),
        (
            '"anonymous_id:undefined"',
            '"anonymous_id"',
            "events.3: “anonymous_id” is not TYPE:VALUE",
        ),
        ('"anonymous_id:undefined"', "5", "events.3: is not text"),
        ("at: 86400", "at: noon", "events.1.at: is not a number"),
        ("at: 86400", "at: 1e300", "events.1.at: is not a number"),
        ("at: 86400", "when: 5", "events.1.when: there is no such key"),
        ("apart:", "different:", "judgements.1: is neither"),
        ('["user_id:u1", "user_id:u2"]', '["user_id:u1"]', "judgements.1: needs two different"),
        ('  - "user_id:u2, email:bob', '  - "user_id:u1, email:bob', "another customer's already"),
        ('  - "user_id:u2, email:bob', '  - "user_id:null, email:bob', "blocked by default"),
        ("contested: []", "contested: 5", "contested: is not a list"),
        ("contested: []", "id: again", "id: stands twice"),
    ],
)
def test_a_mistake_is_named_by_its_path(before: str, after: str, path: str) -> None:
    assert before in CASE
    assert path in mistakes(CASE.replace(before, after))


def test_every_mistake_is_named_at_once() -> None:
    found = mistakes(CASE.replace("quarantine", "x").replace("same:", "sme:").replace("at:", "a:"))

    assert "policy.extends" in found
    assert "judgements.0" in found
    assert "events.1.a" in found


@pytest.mark.parametrize("text", ["", "[1]", "a: [", "hello"])
def test_what_is_no_case_at_all_is_refused(text: str) -> None:
    assert "The case case has mistakes" in mistakes(text)


def test_a_case_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "two.yaml"
    path.write_text(CASE, encoding="utf-8")

    assert load_case(path) == parse_case(CASE)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"missing\.yaml cannot be read"):
        load_case(tmp_path / "missing.yaml")
