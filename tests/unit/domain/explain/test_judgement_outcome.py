"""What a judgement came to is told in a sentence."""

from __future__ import annotations

import pytest

from identity_service.domain.explain.judgement_outcome import (
    beside,
    came_to,
    is_one,
    waits,
    withdrawn,
)
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


def told_beside(
    events: list[tuple[int, tuple[Identifier, ...]]],
    made: Judgement,
    moved: list[Identifier] | None = None,
) -> str:
    """What else a judgement moves; `moved` are identifiers of other customers."""
    policy = preset("quarantine")
    before = gather(events, [])
    evidence = gather(events, [made])
    customer_of: list[str | None] = [f"c{root}" for root in resolve(before, policy).cluster_of]
    places = [evidence.identifiers.index(i) for i in moved or ()]
    moves = [(place, customer_of[place], "another") for place in places]
    return beside(made, moves, customer_of, evidence, resolve(evidence, policy), policy)


MAIL, OTHER_MAIL = Identifier("email", "a@b.c"), Identifier("email", "d@e.f")


def test_a_judgement_that_takes_nothing_along_says_nothing_more() -> None:
    events = [(1, (ANN, PHONE)), (2, (BOB, TABLET))]

    assert told_beside(events, said(1, Verdict.SAME, ANN, BOB)) == ""
    assert told_beside(events, said(1, Verdict.APART, ANN, PHONE)) == ""


def test_what_leaves_because_two_were_joined_is_counted_and_has_its_reason() -> None:
    events = [(1, (ANN, MAIL)), (2, (BOB, OTHER_MAIL)), (3, (BOB, OTHER_MAIL, TABLET))]

    told = told_beside(events, said(1, Verdict.SAME, MAIL, OTHER_MAIL))

    assert told == (
        "2 identifiers are no longer theirs: user_id:bob (one customer may have 1 value of user_id,"
        " and here are user_id:ann and user_id:bob); anonymous_id:tablet"
        " (anonymous_id:tablet belongs to several people, so to nobody)."
    )


def test_one_that_leaves_is_counted_in_the_singular() -> None:
    events = [(1, (ANN, MAIL)), (2, (BOB, OTHER_MAIL))]

    told = told_beside(events, said(1, Verdict.SAME, MAIL, OTHER_MAIL))

    assert told.startswith("1 identifier is no longer theirs: user_id:bob (")


def test_of_many_that_leave_the_first_few_are_named() -> None:
    tablets = [Identifier("anonymous_id", f"t{n}") for n in range(7)]
    events = [(1, (ANN, MAIL)), *((n + 2, (OTHER_MAIL, BOB, t)) for n, t in enumerate(tablets))]

    told = told_beside(events, said(1, Verdict.SAME, MAIL, OTHER_MAIL))

    assert told.startswith("8 identifiers are no longer theirs: user_id:bob")
    assert "anonymous_id:t1" in told
    assert "anonymous_id:t2" not in told
    assert told.endswith("; and 5 more.")


def test_what_goes_along_with_one_that_is_parted_is_named() -> None:
    events = [(1, (ANN, PHONE)), (2, (ANN, MAIL)), (3, (MAIL, TABLET))]

    told = told_beside(events, said(1, Verdict.APART, ANN, MAIL))

    assert told == "1 other went with email:a@b.c: anonymous_id:tablet."


def test_what_moves_between_other_customers_is_named() -> None:
    events = [(1, (ANN, MAIL)), (2, (BOB, TABLET))]

    told = told_beside(events, said(1, Verdict.APART, ANN, MAIL), [TABLET])

    assert told == "1 identifier of other customers moved too: anonymous_id:tablet."
