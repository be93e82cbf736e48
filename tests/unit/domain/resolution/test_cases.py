"""Case files: what they say, how their mistakes are named, and what a failing one shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import Verdict
from identity_service.domain.resolution.cases import (
    MAX_CASE_BYTES,
    Sighting,
    check_case,
    load_case,
    parse_case,
)
from identity_service.errors import BadInput

U1, U2 = Identifier("user_id", "u1"), Identifier("user_id", "u2")
COOKIE = Identifier("anonymous_id", "c")

NO_TEXT = 'is not text like "email:ann@example.com, user_id:u1"'
BLOCKED = "user_id:null is blocked by default; the policy can `allow` it"

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
        Sighting(1_000, (COOKIE, U1), "1"),
        Sighting(86_400_000, (COOKIE, U2), "2"),
        Sighting(3_000, (bob, U2), "3"),
    )


def test_judgements_are_made_in_their_order() -> None:
    first, second = parse_case(CASE).judgements

    assert (first.verdict, first.a, first.b, first.made_at) == (Verdict.SAME, U1, COOKIE, 1_000)
    assert (second.verdict, second.a, second.b, second.made_at) == (Verdict.APART, U1, U2, 2_000)
    assert first.id < second.id


ORDER = """
id: order
title: "an order with the wife's e-mail"
policy: {extends: quarantine}
events:
  - "user_id:u1, email:wife@example.com"
  - "email:wife@example.com, anonymous_id:his"
  - "user_id:u2, anonymous_id:his"
judgements:
  - {detach: "email:Wife@Example.com", event: 2}
customers:
  - "user_id:u1, email:wife@example.com"
  - "user_id:u2, anonymous_id:his"
"""


def test_a_detachment_takes_an_identifier_from_its_event() -> None:
    assert check_case(parse_case(ORDER)).passed
    assert not check_case(parse_case(ORDER.replace("event: 2", "event: 1"))).passed


@pytest.mark.parametrize(
    ("number", "found"),
    [
        ("3", "judgements.0: event 3 does not carry email:wife@example.com"),
        ("9", "judgements.0: event 9 does not carry email:wife@example.com"),
    ],
)
def test_a_detachment_names_an_identifier_that_the_event_carries(number: str, found: str) -> None:
    assert found in mistakes(ORDER.replace("event: 2", f"event: {number}"))


def test_a_detachment_may_say_when_it_was_made() -> None:
    [detachment] = parse_case(ORDER.replace("event: 2", "event: 2, at: 7")).detachments

    assert (detachment.message_id, detachment.made_at) == ("2", 7_000)


@pytest.mark.parametrize(
    ("named", "found"),
    [("5", f"judgements.0: {NO_TEXT}"), ('"user_id:null"', f"judgements.0: {BLOCKED}")],
)
def test_a_detachment_names_its_identifier_as_events_do(named: str, found: str) -> None:
    text = ORDER.replace('"email:Wife@Example.com"', named)

    assert mistakes(text) == f"The case case has mistakes. {found}."


def test_judgements_come_one_by_one_after_the_events() -> None:
    text = ORDER.replace(
        "judgements:\n", 'judgements:\n  - {apart: ["user_id:u1", "user_id:u2"]}\n'
    )

    steps = parse_case(text).evidence_in_turn()

    assert [(len(each.judgements), len(each.links)) for each in steps] == [
        (0, 1),
        (0, 2),
        (0, 3),
        (1, 3),
        (1, 2),
    ]


def test_contested_is_not_checked_where_it_is_absent() -> None:
    assert parse_case(CASE).contested == frozenset()
    assert parse_case(CASE.replace("contested: []", "")).contested is None


def test_a_case_that_comes_out_as_expected_passes() -> None:
    result = check_case(parse_case(CASE))

    assert result.passed is True
    assert result.message == "passed: two two people, one cookie"


def test_a_case_that_comes_out_otherwise_shows_both_sides() -> None:
    wrong = CASE.replace(
        '"user_id:u1, anonymous_id:c"\n  - "user_id:u2, email',
        '"user_id:u1"\n  - "anonymous_id:c, user_id:u2, email',
    )

    result = check_case(parse_case(wrong))

    assert result.passed is False
    assert result.message.splitlines() == [
        "failed: two two people, one cookie",
        "  expected  anonymous_id:c, email:bob@example.com, user_id:u2",
        "  expected  user_id:u1",
        "  found     anonymous_id:c, user_id:u1",
        "  found     email:bob@example.com, user_id:u2",
    ]


def test_a_case_that_expects_other_contested_identifiers_shows_them() -> None:
    result = check_case(parse_case(CASE.replace("contested: []", 'contested: ["anonymous_id:c"]')))

    assert result.passed is False
    assert result.message.splitlines() == [
        "failed: two two people, one cookie",
        "  expected contested  anonymous_id:c",
        "  found contested     none",
    ]


KEYS = "Possible: id, title, policy, events, customers, judgements, contested"
APART = '{apart: ["user_id:u1", "user_id:u2"]}'
NO_SECONDS = "events.1.at: is not a number of seconds"
NEITHER = "judgements.1: is not {same: [ID, ID]}, {apart: [ID, ID]} or {detach: ID, event: NUMBER}"
TOO_FEW = "judgements.1: needs two different identifiers"
NO_IDENTIFIER = "is not TYPE:VALUE, as in email:ann@example.com"


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("id: two\n", "", "id: is missing"),
        ("title:", "titel:", f"titel: there is no such key. {KEYS}; title: is missing"),
        ("{extends: quarantine}", "5", "policy: “5” is not a mapping of `key: value`"),
        (
            "{extends: quarantine}",
            "{extends: quarantine, max_component: 0}",
            "policy.max_component: “0” is not a whole number from 1 to 1,000,000",
        ),
        ('"anonymous_id:undefined"', '"anonymous_id"', f"events.3: “anonymous_id” {NO_IDENTIFIER}"),
        ('"anonymous_id:undefined"', "5", f"events.3: {NO_TEXT}"),
        ("at: 86400", "at: noon", NO_SECONDS),
        ("at: 86400", "at: 1e300", NO_SECONDS),
        ("at: 86400", "at: 100000000001", NO_SECONDS),
        ("at: 86400", "at: -100000000001", NO_SECONDS),
        ("at: 86400", "at: true", NO_SECONDS),
        (
            "at: 86400",
            "when: 5",
            "events.1.when: there is no such key. Possible: at, ids, belongs, source, proof",
        ),
        (', ids: "user_id:u2, anonymous_id:c"', "", f"events.1: {NO_TEXT}"),
        ("apart:", "different:", NEITHER),
        (APART, "5", NEITHER),
        (APART, "{}", NEITHER),
        (APART, APART.replace("}", ", same: []}"), NEITHER),
        (APART, APART.replace("}", ", at: x}"), "judgements.1.at: is not a number of seconds"),
        (APART, '{apart: ["user_id:u1"]}', TOO_FEW),
        (
            APART,
            '{apart: ["user_id:u1", "user_id:u1"]}',
            TOO_FEW,
        ),
        (
            APART,
            '{apart: ["x", "user_id:null"]}',
            f"judgements.1: “x” {NO_IDENTIFIER}; judgements.1: {BLOCKED}; {TOO_FEW}",
        ),
        (
            APART,
            "{apart: x}",
            f"judgements.1: is not a list; {TOO_FEW}",
        ),
        (
            '  - "user_id:u2, email:bob',
            '  - "user_id:u1, email:bob',
            "customers.1: user_id:u1 is another customer's already",
        ),
        ('  - "user_id:u2, email:bob', '  - "user_id:null, email:bob', f"customers.1: {BLOCKED}"),
        (
            '  - "user_id:u1, anonymous_id:c"\n  - "user_id:u2, e',
            '  - 5\n  - "e',
            f"customers.0: {NO_TEXT}",
        ),
        ("policy: {extends: quarantine}\n", "", "policy: is missing"),
        ("contested: []", "contested: 5", "contested: is not a list"),
        (
            "contested: []",
            "id: again\nnote: x",
            f"id: stands twice, in lines 2 and 16: keep one; note: there is no such key. {KEYS}",
        ),
        (
            "contested: []",
            'contested: ["user_id:null", 7]',
            f"contested: {BLOCKED}; contested: {NO_TEXT}",
        ),
        ("contested: []", "id: again", "id: stands twice, in lines 2 and 16: keep one"),
    ],
)
def test_mistakes_are_named_by_their_paths(before: str, after: str, found: str) -> None:
    assert CASE.count(before) == 1
    assert mistakes(CASE.replace(before, after)) == f"The case case has mistakes. {found}."


@pytest.mark.parametrize("key", ["events", "judgements", "customers"])
def test_what_is_no_list_is_named_by_its_key(key: str) -> None:
    text = re.sub(rf"{key}:\n(  .*\n)+", f"{key}: 5\n", CASE)

    assert mistakes(text) == f"The case case has mistakes. {key}: is not a list."


def test_each_judgement_with_a_mistake_is_named() -> None:
    assert mistakes(CASE.replace("{same:", "{sme:").replace("{apart:", "{aprt:")) == (
        f"The case case has mistakes. {NEITHER.replace('1', '0')}; {NEITHER}."
    )


def test_each_judgement_that_names_too_few_is_named() -> None:
    one = CASE.replace(', "anonymous_id:c"]}', "]}").replace(', "user_id:u2"]}', "]}")

    assert mistakes(one) == f"The case case has mistakes. {TOO_FEW.replace('1', '0')}; {TOO_FEW}."


def test_an_identifier_that_two_customers_hold_is_named_wherever_the_second_stands() -> None:
    again = '  - "user_id:u2, email:bob@example.com"\n'

    assert mistakes(CASE.replace(again, f'{again}  - "user_id:u1"\n')) == (
        "The case case has mistakes. customers.2: user_id:u1 is another customer's already."
    )


@pytest.mark.parametrize("at", ["100000000000", "-100000000000", "0.0005"])
def test_a_time_may_be_as_far_away_as_the_bound(at: str) -> None:
    case = parse_case(CASE.replace("at: 86400", f"at: {at}"))

    assert case.events[1].at == round(float(at) * 1_000)


def test_a_judgement_may_say_when_it_was_made() -> None:
    case = parse_case(CASE.replace('{same: ["user_id:u1"', '{at: 7, same: ["user_id:u1"'))

    assert [made.made_at for made in case.judgements] == [7_000, 2_000]


def test_identifiers_of_customers_are_normalised_and_those_that_are_contested_too() -> None:
    text = CASE.replace("contested: []", 'contested: ["email: Bob@Example.com "]')

    assert parse_case(text).contested == {Identifier("email", "bob@example.com")}


def test_every_mistake_is_named_at_once() -> None:
    found = mistakes(CASE.replace("quarantine", "x").replace("same:", "sme:").replace("at:", "a:"))

    assert "policy.extends" in found
    assert "judgements.0" in found
    assert "events.1.a" in found


@pytest.mark.parametrize("text", ["", "[1]", "hello"])
def test_what_is_no_mapping_is_refused(text: str) -> None:
    assert mistakes(text) == (
        "The case case has mistakes. "
        "case: is not a mapping with id, title, policy, events, customers."
    )


def test_what_is_no_yaml_is_named_with_its_place_and_where_to_read_on() -> None:
    with pytest.raises(BadInput) as refused:
        parse_case("a: [", name="two.yaml")

    assert refused.value.message.startswith(
        "The case two.yaml has mistakes. line 2, column 1: not YAML: "
    )
    assert refused.value.remedy == (
        "The format is described in the documentation, on the page about policies."
    )


def test_a_case_that_is_too_long_is_not_read() -> None:
    longest = CASE.ljust(MAX_CASE_BYTES, "\n")

    assert parse_case(longest) == parse_case(CASE)
    assert mistakes(longest + "\n") == (
        "The case case has mistakes. case: 1048577 bytes are too many: at most 1048576 are read."
    )


def test_a_case_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "two.yaml"
    path.write_text(CASE, encoding="utf-8")

    assert load_case(path) == parse_case(CASE)


def test_a_mistake_in_a_file_is_named_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.yaml"
    path.write_text("", encoding="utf-8")

    with pytest.raises(BadInput, match=r"The case .*empty\.yaml has mistakes"):
        load_case(path)


@pytest.mark.parametrize("content", [None, b"title: \xff"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "missing.yaml"
    if content:
        path.write_bytes(content)

    with pytest.raises(BadInput, match=r"The case .*missing\.yaml cannot be read: .+\.") as refused:
        load_case(path)
    assert refused.value.remedy == "Name a case file, written in YAML."


MORE = """
id: more
title: "a sign-up, and a second browser"
policy: {extends: quarantine}
events:
  - "anonymous_id:a"
  - {ids: "anonymous_id:a, user_id:u1", belongs: "user_id:u1"}
  - {ids: "anonymous_id:b", belongs: "anonymous_id:a"}
  - "anonymous_id:b, user_id:u1"
customers:
  - {ids: "user_id:u1, anonymous_id:a, anonymous_id:b", kind: KNOWN, id: 1}
"""


def test_a_case_can_say_whose_an_event_is_the_kind_and_which_id_survives() -> None:
    assert check_case(parse_case(MORE)).message == "passed: more a sign-up, and a second browser"


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        (
            "kind: KNOWN",
            "kind: ANONYMOUS",
            [
                "  expected kind ANONYMOUS  anonymous_id:a, anonymous_id:b, user_id:u1",
                "  found kind KNOWN  anonymous_id:a, anonymous_id:b, user_id:u1",
            ],
        ),
        (
            "id: 1}",
            "id: 3}",
            [
                "  expected the id of event 3  anonymous_id:a, anonymous_id:b, user_id:u1",
                "  found the id of event 1  anonymous_id:a, anonymous_id:b, user_id:u1",
            ],
        ),
        (
            'ids: "anonymous_id:b", belongs: "anonymous_id:a"',
            'ids: "anonymous_id:b", belongs: "email:x@example.com"',
            [
                "  expected event 3 of  email:x@example.com",
                "  found event 3 of     anonymous_id:a, anonymous_id:b, user_id:u1",
            ],
        ),
    ],
)
def test_what_else_a_case_says_and_is_not_so_is_shown(
    before: str, after: str, lines: list[str]
) -> None:
    assert MORE.count(before) == 1

    result = check_case(parse_case(MORE.replace(before, after)))

    assert result.passed is False
    assert result.message.splitlines()[1:] == lines


JUDGED = """
id: judged
title: "two accounts, parted again"
policy: {extends: merge_all}
events:
  - "user_id:a, anonymous_id:c"
  - "user_id:b, anonymous_id:c"
judgements:
  - {apart: ["user_id:a", "user_id:b"]}
customers:
  - {ids: "user_id:a, anonymous_id:c", id: 1}
  - {ids: "user_id:b", id: 2}
"""


def test_an_id_that_a_judgement_brought_is_no_events() -> None:
    result = check_case(parse_case(JUDGED))

    assert result.message.splitlines()[1:] == [
        "  expected the id of event 2  user_id:b",
        "  found an id that a judgement brought  user_id:b",
    ]


DETACHED = """
id: gift
title: "an order with a wife's address"
policy: {extends: quarantine}
events:
  - {ids: "user_id:ann, anonymous_id:a", belongs: "user_id:ann"}
  - {ids: "anonymous_id:b, user_id:ann", belongs: "anonymous_id:b"}
  - {ids: "email:x@example.com", belongs: "email:x@example.com"}
judgements:
  - {detach: "user_id:ann", event: 2}
  - {detach: "email:x@example.com", event: 3}
customers:
  - {ids: "user_id:ann, anonymous_id:a", id: 1}
  - "anonymous_id:b"
"""


def test_an_event_follows_what_a_judgement_left_it_or_nobody() -> None:
    result = check_case(parse_case(DETACHED))

    assert result.message.splitlines() == [
        "failed: gift an order with a wife's address",
        "  expected event 3 of  email:x@example.com",
        "  found event 3 of     none",
    ]


NO_SUCH_KEY = "there is no such key. Possible: ids, kind, id"
NO_NUMBER = "customers.0.id: is not the number of an event: 1 is the first"


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("id: 1}", "id: 0}", NO_NUMBER),
        ("id: 1}", "id: 5}", NO_NUMBER),
        ("id: 1}", "id: cus_1}", NO_NUMBER),
        (
            "kind: KNOWN",
            "kind: known",
            "customers.0.kind: is none of KNOWN, ANONYMOUS, QUARANTINED",
        ),
        (
            "kind: KNOWN",
            "kind: [KNOWN]",
            "customers.0.kind: is none of KNOWN, ANONYMOUS, QUARANTINED",
        ),
        (
            "kind: KNOWN",
            "kid: KNOWN",
            f"customers.0.kid: {NO_SUCH_KEY}",
        ),
        (
            '{ids: "user_id:u1, an',
            '{of: "user_id:u1, an',
            f"customers.0.of: {NO_SUCH_KEY}; customers.0: {NO_TEXT}",
        ),
        (
            'belongs: "user_id:u1"',
            'belongs: "user_id:u1, anonymous_id:a"',
            "events.1.belongs: names several: one identifier of the customer is enough",
        ),
        ('belongs: "user_id:u1"', "belongs: 5", f"events.1.belongs: {NO_TEXT}"),
        (
            'belongs: "user_id:u1"',
            'belongs: "user_id:null"',
            f"events.1.belongs: {BLOCKED}",
        ),
        (
            'ids: "anonymous_id:b", belongs',
            'ids: "anonymous_id:null", belongs',
            "events.2.belongs: is of an event that the policy rejects",
        ),
    ],
)
def test_mistakes_in_what_else_a_case_says_are_named(before: str, after: str, found: str) -> None:
    assert MORE.count(before) == 1
    assert mistakes(MORE.replace(before, after)) == f"The case case has mistakes. {found}."


TRUST = """
id: trust
title: "what a page says, and a proof"
policy: {extends: quarantine, limited_sources: [page]}
events:
  - {source: page, ids: "user_id:u1, email:a@example.com"}
  - {source: page, ids: "user_id:u2, email:b@example.com", proof: true}
  - {ids: "user_id:u3, email:c@example.com"}
customers:
  - "user_id:u1"
  - "email:a@example.com"
  - "user_id:u2, email:b@example.com"
  - "user_id:u3, email:c@example.com"
"""


def test_an_event_of_a_case_has_a_source_and_may_prove_its_user_id() -> None:
    case = parse_case(TRUST)

    assert [event.claim for event in case.events] == [{"page"}, set(), set()]
    assert check_case(case).message == "passed: trust what a page says, and a proof"


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("proof: true", "proof: 1", "events.1.proof: is not true or false"),
        (
            'source: page, ids: "user_id:u1',
            'source: 5, ids: "user_id:u1',
            "events.0.source: is not the name of a source",
        ),
    ],
)
def test_a_source_or_proof_that_is_none_is_a_mistake(before: str, after: str, message: str) -> None:
    assert message in mistakes(TRUST.replace(before, after))
