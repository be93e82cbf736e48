"""The ledger tells what happened to customers, and never calls a merge a deletion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from identity_service.domain.identifiers import Identifier
from identity_service.domain.resolution.changes import (
    Cause,
    CauseKind,
    Change,
    ChangeKind,
    Move,
    ledger,
    parse_cause,
)

ANN, BOB, PHONE = (
    Identifier("user_id", "ann"),
    Identifier("user_id", "bob"),
    Identifier("anonymous_id", "phone"),
)


def told(
    *moves: tuple[Identifier, str | None, str | None],
    minted: Iterable[str] = (),
    revived: Iterable[str] = (),
    successor: Mapping[str, str] | None = None,
    contested: Mapping[str, list[Identifier]] | None = None,
    released: Mapping[str, list[Identifier]] | None = None,
) -> list[Change]:
    return ledger(
        (Move(*move) for move in moves),
        minted=frozenset(minted),
        revived=frozenset(revived),
        successor=successor or {},
        contested=contested or {},
        released=released or {},
    )


def test_a_new_customer_is_created_with_its_identifiers_in_text_order() -> None:
    changes = told((ANN, None, "c1"), (PHONE, None, "c1"), minted=["c1"])

    assert changes == [Change(ChangeKind.CREATED, "c1", None, (PHONE, ANN))]


def test_an_identifier_that_joins_a_customer_is_no_change_of_it() -> None:
    assert told((PHONE, None, "c1")) == []


def test_a_customer_that_retires_is_merged_into_who_carries_on() -> None:
    changes = told((PHONE, "c1", "c2"), successor={"c1": "c2"})

    assert changes == [Change(ChangeKind.MERGED, "c2", "c1", (PHONE,))]


def test_what_leaves_for_a_new_or_a_revived_customer_splits_off() -> None:
    split_off = [Change(ChangeKind.SPLIT, "c1", "c2", (BOB,))]

    assert told((BOB, "c1", "c2"), minted=["c2"]) == split_off
    assert told((BOB, "c1", "c2"), revived=["c2"]) == split_off


def test_what_leaves_for_a_customer_that_was_there_moves() -> None:
    assert told((PHONE, "c1", "c2")) == [Change(ChangeKind.MOVED, "c2", "c1", (PHONE,))]


def test_a_customer_that_splits_off_is_not_created_too() -> None:
    changes = told((BOB, "c1", "c2"), (PHONE, None, "c2"), minted=["c2"])

    assert [change.kind for change in changes] == [ChangeKind.SPLIT]


def test_a_customer_that_lives_again_with_what_had_none_is_created() -> None:
    changes = told((PHONE, None, "c1"), revived=["c1"])

    assert changes == [Change(ChangeKind.CREATED, "c1", None, (PHONE,))]


def test_what_becomes_contested_or_is_released_is_told_with_its_customer() -> None:
    changes = told(contested={"c1": [PHONE]}, released={"c2": [BOB, ANN]})

    assert changes == [
        Change(ChangeKind.QUARANTINED, "c1", None, (PHONE,)),
        Change(ChangeKind.RELEASED, "c2", None, (ANN, BOB)),
    ]


def test_an_identifier_that_stays_or_belongs_to_nobody_any_more_is_no_change() -> None:
    assert told((ANN, "c1", "c1"), (BOB, "c2", None), (PHONE, None, None)) == []


def test_changes_are_told_by_who_they_lead_to_then_by_who_they_come_from() -> None:
    changes = told((ANN, "c9", "c2"), (BOB, "c8", "c2"), (PHONE, "c2", "c1"))

    assert [(change.customer_id, change.other_id) for change in changes] == [
        ("c1", "c2"),
        ("c2", "c8"),
        ("c2", "c9"),
    ]


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("event:m1", Cause(CauseKind.EVENT, "m1", 7)),
        ("event:a:b withdrawn", Cause(CauseKind.EVENT, "a:b withdrawn", 7)),
        ("judgement:j1", Cause(CauseKind.JUDGEMENT, "j1", 7)),
        ("judgement:j1 withdrawn", Cause(CauseKind.JUDGEMENT, "j1", 7, withdrawn=True)),
        ("retraction:r1", Cause(CauseKind.RETRACTION, "r1", 7)),
        ("retraction:r1 withdrawn", Cause(CauseKind.RETRACTION, "r1", 7, withdrawn=True)),
        ("policy:3", Cause(CauseKind.POLICY, "3", 7)),
        ("erasure:x", None),
        ("m1", None),
    ],
)
def test_a_cause_is_read_as_it_is_written(text: str, cause: Cause | None) -> None:
    assert parse_cause(text, 7) == cause
