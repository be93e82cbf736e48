"""What a judgement came to is told in a sentence."""

from __future__ import annotations

import pytest

from identity_service.domain.explain.judgement_outcome import came_to, is_one, waits, withdrawn
from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import Judgement, Verdict
from identity_service.domain.policies.parse import preset
from identity_service.domain.resolution.changes import ChangeKind, in_words
from identity_service.domain.resolution.evidence import Evidence, gather
from identity_service.domain.resolution.resolve import Resolution, resolve

ANN, BOB = Identifier("user_id", "ann"), Identifier("user_id", "bob")
PHONE, TABLET = Identifier("anonymous_id", "phone"), Identifier("anonymous_id", "tablet")


def said(number: int, verdict: Verdict, a: Identifier, b: Identifier) -> Judgement:
    return Judgement(f"jdg_{number}", verdict, a, b, number)


def world(*judgements: Judgement) -> tuple[Evidence, Resolution]:
    """Ann with a phone, Bob with a tablet."""
    evidence = gather([(1, (ANN, PHONE)), (2, (BOB, TABLET))], list(judgements))
    return evidence, resolve(evidence, preset("quarantine"))


def test_same_says_that_they_are_one_now() -> None:
    made = said(1, Verdict.SAME, ANN, BOB)

    assert came_to(made, *world(made), changed=True) == (
        "user_id:ann and user_id:bob are one customer now."
    )


def test_a_judgement_that_changes_nothing_says_so() -> None:
    together, apart = said(1, Verdict.SAME, ANN, PHONE), said(1, Verdict.APART, ANN, BOB)

    for made, number in ((together, "one customer"), (apart, "two customers")):
        assert f"were {number} before, and stay so." in came_to(made, *world(made), changed=False)


def test_same_against_apart_names_what_stands_against_it() -> None:
    apart, owns = said(1, Verdict.APART, ANN, BOB), said(2, Verdict.SAME, ANN, PHONE)
    same = said(3, Verdict.SAME, PHONE, BOB)

    found = world(apart, owns, same)

    assert not is_one(same, *found)
    assert came_to(same, *found, changed=False) == (
        "anonymous_id:phone and user_id:bob stay apart: user_id:ann and user_id:bob were"
        " judged apart (jdg_1), and APART wins. Withdraw that one to join them."
    )


def test_apart_against_same_says_that_it_wins() -> None:
    same, apart = said(1, Verdict.SAME, BOB, ANN), said(2, Verdict.APART, ANN, BOB)

    told = came_to(apart, *world(same, apart), changed=True)

    assert told == (
        "user_id:ann and user_id:bob are two customers now."
        " It wins over jdg_1, which says that they are the same."
    )


def test_a_judgement_made_before_is_named() -> None:
    first, second = said(1, Verdict.SAME, ANN, BOB), said(2, Verdict.SAME, BOB, ANN)

    told = came_to(second, *world(first, second), changed=False)

    assert told.endswith("The same was judged before (jdg_1); each is withdrawn by itself.")


def test_a_withdrawal_says_what_they_are_without_it() -> None:
    made = said(1, Verdict.SAME, ANN, BOB)

    assert withdrawn(made, *world(), changed=True).endswith("are two customers now.")
    assert withdrawn(made, *world(made), changed=False).endswith("are one customer still.")


@pytest.mark.parametrize(
    ("unseen", "told"), [((ANN,), "ann was not seen yet"), ((ANN, BOB), "were not seen yet")]
)
def test_a_judgement_that_waits_says_for_what(unseen: tuple[Identifier, ...], told: str) -> None:
    assert told in waits(unseen)


@pytest.mark.parametrize("kind", ChangeKind)
def test_every_change_is_told_in_words_with_its_customers(kind: ChangeKind) -> None:
    told = in_words(kind, "cus_1", "cus_2", (ANN, PHONE))

    assert "cus_1" in told
    if kind in {ChangeKind.MERGED, ChangeKind.SPLIT, ChangeKind.MOVED}:
        assert "cus_2" in told
    if kind is not ChangeKind.ERASED:
        assert "user_id:ann, anonymous_id:phone" in told
