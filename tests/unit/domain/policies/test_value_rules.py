"""Which identifiers a policy lets through, and what an event says under it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity_service.domain.events import (
    Observation,
    Rejection,
    RejectionCode,
    ReportedEvent,
)
from identity_service.domain.identifiers import Identifier
from identity_service.domain.policies.parse import parse_policy, preset
from identity_service.domain.policies.placeholders import BLOCKED_BY_DEFAULT
from identity_service.domain.policies.value_rules import (
    ValueRules,
    WithheldReason,
    WithheldValue,
    observe,
)

QUARANTINE = ValueRules(preset("quarantine"))

POLICY = ValueRules(
    parse_policy(
        """
types:
  user_id: {priority: 1, kind: person, format: "[A-Za-z]{1,3}-?[0-9]+"}
  email:   {priority: 2, kind: person, normalise: email}
  phone:   {priority: 3, kind: person, normalise: phone}
  stripe:  {priority: 4, kind: person, allow: ["0", "Guest"]}
  card:    {priority: 5, kind: person, normalise: lower}
other: {priority: 99, kind: device}
blocked:
  - {value: "Test"}
  - {value: "NoReply@Example.com", types: [email]}
  - {value: "+1 (415) 555-0123"}
  - {pattern: "tmp-.*", types: [card, cookie]}
"""
    )
)


def kept(type_: str, value: str, values: ValueRules = POLICY) -> str:
    found = values.identifier(Identifier(type_, value))
    assert isinstance(found, Identifier), found
    assert found.type == type_
    return found.value


def withheld(type_: str, value: str, values: ValueRules = POLICY) -> WithheldReason:
    found = values.identifier(Identifier(type_, value))
    assert isinstance(found, WithheldValue), found
    assert found.identifier == Identifier(type_, value)
    return found.reason


def event(*identifiers: tuple[str, str]) -> ReportedEvent:
    return ReportedEvent(
        message_id="m1",
        type="track",
        name="Signed Up",
        at=1_000,
        identifiers=tuple(Identifier(*i) for i in identifiers),
        properties={"plan": "pro"},
        context={"ip": "192.0.2.1"},
        traits={},
        context_traits={},
        account_id=None,
        account_traits={},
        digest="",
        place=0,
    )


def test_an_ordinary_value_stays_as_it_is_but_trimmed() -> None:
    assert kept("cookie", "  AbC-123 ") == "AbC-123"


@pytest.mark.parametrize("value", sorted(BLOCKED_BY_DEFAULT))
@pytest.mark.parametrize("spelling", ["{}", '"{}"', "'{}'", "“{}”", " {} ", "'\"{}\"'"])
@pytest.mark.parametrize("case", [str.lower, str.upper, str.title])
def test_a_value_blocked_by_default_is_so_in_every_spelling(
    value: str, spelling: str, case: type[str]
) -> None:
    sent = spelling.format(case(value))

    assert withheld("cookie", sent) is WithheldReason.BLOCKED_VALUE


@pytest.mark.parametrize(
    "value", ["000", "-", "---", "0-0", "00000000-0000-0000-0000-000000000000"]
)
def test_zeros_and_dashes_alone_are_blocked(value: str) -> None:
    assert withheld("ios.idfa", value) is WithheldReason.BLOCKED_VALUE


@pytest.mark.parametrize(
    "value",
    [
        "01",
        "-2",
        "nullify",
        "guest1",
        "10",
        "user null",
        "tester",
        "test-1",
        "userId-7",
        "Optional(u-1)",
        "{b7c1f6e0-3a52-4d0f-9c55-0a4e5d1c0101}",
        "object Promise",
        "50%",
    ],
)
def test_a_value_that_only_resembles_a_blocked_one_is_kept(value: str) -> None:
    assert kept("cookie", value) == value


@pytest.mark.parametrize(
    "value",
    [
        "(null)",
        "<null>",
        "(none)",
        "Optional(nil)",
        "{{userId}}",
        "{{ user.id }}",
        "${id}",
        "%USER_ID%",
        "{userId}",
        "<%= user.id %>",
        "[object Promise]",
        "[object Undefined]",
        "undefined undefined",
        "null null",
        "nullnull",
        "N/A",
        "distinctId",
        "anonymousId",
        "USER_ID",
        "%22undefined%22",
        "%28null%29",
        "\u200bnull",
        '["u-1"]',
        '{"id": 1}',
        "00:00:00:00:00:00",
        "0.0",
        "user-id",
        "Anonymous ID",
        "(not set)",
        "null@null.com",
        "undefined@undefined",
        "test@test.com",
    ],
)
def test_what_senders_write_where_they_know_nobody_is_blocked(value: str) -> None:
    assert withheld("cookie", value) is WithheldReason.BLOCKED_VALUE


@pytest.mark.parametrize(
    "number",
    [
        "1234567890",
        "0123456789",
        "9876543210",
        "123456789",
        "1111111111",
        "+1234567890",
        "+15555555555",
        "(123) 456-7890",
    ],
)
def test_a_phone_number_that_was_only_typed_in_is_blocked(number: str) -> None:
    assert withheld("phone", number, QUARANTINE) is WithheldReason.BLOCKED_VALUE
    assert kept("cookie", "1234567890", QUARANTINE) == "1234567890"


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        ("123.0", "123"),
        ("3161234561.0", "3161234561"),
        ("a\u200bb\ufeff", "ab"),
        ("\u202aab\u202c", "ab"),
        ("ab\u00adcd", "abcd"),
        ('"a1"', "a1"),
        ("%22a1%22", "a1"),
        ("'a1'", "a1"),
        ('\\"a1\\"', "a1"),
        ("'a1", "'a1"),
        ("test@example.com", "test@example.com"),
        ("a%2D1", "a-1"),
        ("1.5", "1.5"),
        ("1.0.0", "1.0.0"),
        ("100%25", "100%"),
    ],
)
def test_what_transport_put_around_a_value_falls_away(sent: str, found: str) -> None:
    assert kept("cookie", sent) == found
    assert kept("cookie", found) == found


def test_a_float_is_never_another_persons_phone() -> None:
    assert kept("phone", "3161234561.0", QUARANTINE) == "3161234561"
    assert kept("phone", "+31612345611.0", QUARANTINE) == "+31612345611"


def test_a_login_that_is_an_address_compares_like_one_and_another_does_not() -> None:
    assert kept("user_id", "Ann@Example.com", QUARANTINE) == "ann@example.com"
    assert kept("user_id", "Ann-1", QUARANTINE) == "Ann-1"
    assert kept("anonymous_id", "Ann@Example.com", QUARANTINE) == "Ann@Example.com"


def test_national_numbers_are_of_the_country_that_the_policy_or_the_source_names() -> None:
    dutch = parse_policy("types: {phone: {priority: 1, kind: person, normalise: phone(NL)}}")
    nobody_said = parse_policy("types: {phone: {priority: 1, kind: person, normalise: phone}}")

    assert kept("phone", "06 12345601", ValueRules(dutch)) == "+31612345601"
    assert kept("phone", "+49 30 901820", ValueRules(dutch)) == "+4930901820"
    assert kept("phone", "06 12345601", ValueRules(nobody_said)) == "0612345601"
    assert kept("phone", "06 12345601", ValueRules(nobody_said, region="NL")) == "+31612345601"


@pytest.mark.parametrize(("sent", "found"), [("0", "0"), (" 0 ", "0"), ("GUEST", "GUEST")])
def test_a_type_is_given_back_the_values_that_it_allows(sent: str, found: str) -> None:
    assert kept("stripe", sent) == found


@pytest.mark.parametrize("sent", ["00", "null", ""])
def test_a_type_is_given_back_nothing_else(sent: str) -> None:
    assert withheld("stripe", sent) is WithheldReason.BLOCKED_VALUE


def test_another_type_is_not_given_back_what_one_allows() -> None:
    assert withheld("cookie", "0") is WithheldReason.BLOCKED_VALUE


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("cookie", "test"),
        ("user_id", "'TEST'"),
        ("email", "<noreply@example.com>"),
        ("phone", "0014155550123"),
        ("card", "TMP-1"),
        ("cookie", "tmp-1"),
    ],
)
def test_the_policys_own_blocked_values_and_patterns_are_withheld(type_: str, value: str) -> None:
    assert withheld(type_, value) is WithheldReason.BLOCKED_VALUE


@pytest.mark.parametrize(
    ("type_", "value"), [("cookie", "noreply@example.com"), ("stripe", "tmp-1"), ("card", "xtmp-1")]
)
def test_what_is_blocked_for_one_type_is_free_for_another(type_: str, value: str) -> None:
    assert kept(type_, value) == value


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("email", "ann"),
        ("phone", "call me"),
        ("user_id", "abcd-1"),
        ("user_id", "ab-1 " + "x"),
        ("a b", "1"),
        ("", "1"),
    ],
)
def test_what_is_not_of_its_type_is_invalid(type_: str, value: str) -> None:
    assert withheld(type_, value) is WithheldReason.INVALID_VALUE


def test_a_format_holds_for_the_whole_value() -> None:
    assert kept("user_id", "ab-12") == "ab-12"
    assert withheld("user_id", "ab-12x ") is WithheldReason.INVALID_VALUE


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("x" * 1_025, RejectionCode.IDENTIFIER_TOO_LONG),
        ("é" * 513, RejectionCode.IDENTIFIER_TOO_LONG),
        ("x" * 100_000, RejectionCode.IDENTIFIER_TOO_LONG),
        ("a\ud800", RejectionCode.INVALID_IDENTIFIER),
        ("06\t123", RejectionCode.INVALID_IDENTIFIER),
        ("a\x00b", RejectionCode.INVALID_IDENTIFIER),
    ],
)
def test_what_no_policy_could_take_is_invalid_and_says_why(value: str, code: RejectionCode) -> None:
    found = POLICY.identifier(Identifier("cookie", value))

    assert isinstance(found, WithheldValue)
    assert (found.reason, found.code) == (WithheldReason.INVALID_VALUE, code)
    assert not found.can_be_kept


def test_values_are_normalised_as_their_type_says() -> None:
    assert kept("email", " Ann@Example.com") == "ann@example.com"
    assert kept("phone", "+44 (0)20 7946 0000") == "+442079460000"
    assert kept("card", "AB-1") == "ab-1"


def test_the_id_that_many_android_phones_share_is_blocked_by_the_presets() -> None:
    assert withheld("android.id", "9774D56D682E549C", QUARANTINE) is WithheldReason.BLOCKED_VALUE


def test_a_sender_that_invents_types_fills_no_memory() -> None:
    values = ValueRules(preset("quarantine"))
    for n in range(3_000):
        assert kept(f"type{n}", "v", values) == "v"

    assert len(values._types) < 1_100  # pyright: ignore[reportPrivateUsage]


@given(
    type_=st.sampled_from(["user_id", "email", "phone", "stripe", "card", "cookie"]),
    value=st.text(max_size=30),
)
def test_what_is_kept_is_kept_again_unchanged(type_: str, value: str) -> None:
    found = POLICY.identifier(Identifier(type_, value))

    assert isinstance(found, WithheldValue) or POLICY.identifier(found) == found


def test_an_observation_holds_distinct_identifiers_in_text_order_and_what_was_withheld() -> None:
    reported = event(
        ("user_id", "null"),
        ("email", "Bob@example.com"),
        ("email", "bob@example.com "),
        ("anonymous_id", "a1"),
    )

    observation = observe(reported, QUARANTINE, received_at=2_000, source="web")

    assert observation == Observation(
        event=reported,
        identifiers=(Identifier("anonymous_id", "a1"), Identifier("email", "bob@example.com")),
        withheld=(Identifier("user_id", "null"),),
        received_at=2_000,
        source="web",
    )


def test_an_event_of_withheld_identifiers_alone_is_set_aside_with_each_reason() -> None:
    reported = event(("user_id", "null"), ("email", "ann"))

    rejection = observe(reported, QUARANTINE, received_at=2_000, source="web")

    assert isinstance(rejection, Rejection)
    assert rejection.code is RejectionCode.NO_IDENTIFIER
    assert rejection.message_id == "m1"
    assert "user_id “null” is blocked by default" in rejection.message
    assert "email “ann” is not an e-mail address" in rejection.message
    assert rejection.body["properties"] == {"plan": "pro"}


def test_an_event_without_identifiers_is_told_what_to_send() -> None:
    rejection = observe(event(), QUARANTINE, received_at=2_000, source="web")

    assert isinstance(rejection, Rejection)
    assert rejection.code is RejectionCode.NO_IDENTIFIER
    assert "userId" in rejection.message


@pytest.mark.parametrize("value", ["x" * 1_025, "é" * 513])
def test_a_value_beyond_the_bound_does_not_cost_the_event(value: str) -> None:
    reported = event(("user_id", "u1"), ("anonymous_id", value), ("a b", "x"), ("phone", "1\t2"))

    observed = observe(reported, QUARANTINE, received_at=2_000, source="web")
    alone = observe(event(("user_id", value)), QUARANTINE, received_at=2_000, source="web")

    assert isinstance(observed, Observation)
    assert observed.identifiers == (Identifier("user_id", "u1"),)
    assert observed.withheld == ()
    assert isinstance(alone, Rejection)
    assert alone.code is RejectionCode.IDENTIFIER_TOO_LONG


BROKEN_EVENTS = ValueRules(
    parse_policy(
        """
types:
  crm:   {priority: 1, kind: person, per_event: 1, normalise: lower}
  email: {priority: 2, kind: person}
other: {priority: 9, kind: device, per_event: 2}
blocked: [{value: kiosk}]
"""
    )
)


def test_where_an_event_carries_more_values_of_a_type_than_it_may_all_are_withheld() -> None:
    reported = event(("crm", "Alice"), ("crm", "Bob"), ("email", "a@x.org"), ("email", "b@x.org"))

    observed = observe(reported, BROKEN_EVENTS, received_at=2_000, source="web")

    assert isinstance(observed, Observation)
    assert observed.identifiers == (Identifier("email", "a@x.org"), Identifier("email", "b@x.org"))
    assert observed.withheld == (Identifier("crm", "Alice"), Identifier("crm", "Bob"))


def test_spellings_of_one_value_and_withheld_values_do_not_count_among_those_of_an_event() -> None:
    reported = event(("crm", "Alice"), ("crm", " ALICE"), ("crm", "kiosk"))

    observed = observe(reported, BROKEN_EVENTS, received_at=2_000, source="web")

    assert isinstance(observed, Observation)
    assert observed.identifiers == (Identifier("crm", "alice"),)
    assert observed.withheld == (Identifier("crm", "kiosk"),)


def test_types_that_are_not_listed_count_each_by_itself() -> None:
    two, three = [("cookie", "1"), ("cookie", "2")], [("fax", "1"), ("fax", "2"), ("fax", "3")]

    let_through, withheld = BROKEN_EVENTS.let_through(Identifier(*each) for each in (*two, *three))

    assert let_through == {Identifier(*each) for each in two}
    assert [w.identifier for w in withheld] == [Identifier(*each) for each in three]
    assert {w.reason for w in withheld} == {WithheldReason.TOO_MANY_VALUES}


def test_an_event_of_too_many_values_alone_is_set_aside_and_says_so() -> None:
    reported = event(("crm", "Alice"), ("crm", "Bob"))

    rejection = observe(reported, BROKEN_EVENTS, received_at=2_000, source="web")

    assert isinstance(rejection, Rejection)
    assert rejection.code is RejectionCode.NO_IDENTIFIER
    assert (
        "crm “Alice” is one of 2 values of its type on the event, more than the 1 that the policy"
        " takes (`per_event`)" in rejection.message
    )


@pytest.mark.parametrize(("number", "fits"), [(50, True), (51, False)])
def test_an_event_carries_at_most_fifty_identifiers(number: int, fits: bool) -> None:
    reported = event(*(("anonymous_id", f"a{n}") for n in range(number)))

    outcome = observe(reported, QUARANTINE, received_at=2_000, source="web")

    assert isinstance(outcome, Observation) is fits
    assert fits or (isinstance(outcome, Rejection) and outcome.code == "TOO_MANY_IDENTIFIERS")
