"""What an alias or merge call reported is found and said, though a sender joins no accounts."""

from __future__ import annotations

from identity_service.domain.explain.merge_reports import (
    MergeReport,
    describe_report,
    reported_pairs,
)
from identity_service.domain.identifiers import Identifier, parse_identifier

OLD, NEW = parse_identifier("user_id:old"), parse_identifier("user_id:new")


def test_either_id_may_be_kept_as_an_anonymous_one() -> None:
    assert {
        (Identifier("user_id", "new"), Identifier("anonymous_id", "old")),
        (Identifier("anonymous_id", "new"), Identifier("user_id", "old")),
    } <= set(reported_pairs(NEW, OLD))


def test_an_email_is_kept_as_it_is() -> None:
    email = parse_identifier("email:ann@example.com")

    assert reported_pairs(email, OLD) == [
        (email, Identifier("user_id", "old")),
        (email, Identifier("anonymous_id", "old")),
    ]


def test_one_id_as_account_and_as_anonymous_id_was_reported_by_nobody() -> None:
    assert reported_pairs(NEW, Identifier("anonymous_id", "new")) == []


def test_a_report_says_when_by_whom_and_what_can_be_done() -> None:
    assert describe_report(MergeReport(1_700_000_000_000, "shop"), OLD, NEW) == (
        "An alias or merge call of 2023-11-14 from shop reports old and new as one person. "
        "A sender cannot join two accounts: if it is right, judge them the same."
    )
