"""Labelled pairs: how they are read, and who is whom by them."""

from __future__ import annotations

import pytest

from identity_service.domain.identifiers import Identifier
from identity_service.domain.policies.parse import preset
from identity_service.domain.policies.value_rules import ValueRules
from identity_service.domain.scoring.truth import (
    Label,
    LabelledPair,
    PersonEvent,
    Truth,
    parse_pairs,
    truth_of_events,
    truth_of_pairs,
)
from identity_service.errors import BadInput

VALUES = ValueRules(preset("quarantine"))
U1, U2, U3 = (Identifier("user_id", f"u{n}") for n in (1, 2, 3))
ANN = Identifier("email", "ann@example.com")


def test_pairs_are_read_with_their_lines() -> None:
    text = (
        "a,b,label\n# two people\n\nuser_id:u1, user_id:u2, different\n"
        '"email:a,b@c.d",user_id:u1,SAME\n'
    )

    pairs = parse_pairs(text)

    assert pairs == [
        LabelledPair(U1, U2, Label.DIFFERENT, 4),
        LabelledPair(Identifier("email", "a,b@c.d"), U1, Label.SAME, 5),
    ]


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        ("user_id:u1,user_id:u2", "line 2: it does not hold three values"),
        ("user_id:u1,u2,same", "line 2: “u2” is not TYPE:VALUE"),
        ("user_id:u1,user_id:u2,maybe", "line 2: “maybe” is neither same nor different"),
        ("user_id:u1,user_id:u1,same", "line 2: user_id:u1 stands on both sides"),
        ('"user_id:u1,user_id:u2,same', "line 2: unexpected end of data"),
    ],
)
def test_a_mistake_is_named_with_its_line(line: str, mistake: str) -> None:
    with pytest.raises(BadInput, match=mistake):
        parse_pairs(f"user_id:u1,user_id:u3,same\n{line}\n")


def test_many_mistakes_are_counted() -> None:
    with pytest.raises(BadInput, match=r"line 1: .*line 10: .*; and 2 more"):
        parse_pairs("x\n" * 12)


def test_a_file_without_a_pair_is_a_mistake() -> None:
    with pytest.raises(BadInput, match=r"pairs\.csv holds no pair"):
        parse_pairs("# nothing yet\n", name="pairs.csv")


def test_a_person_is_all_that_same_connects_in_any_spelling() -> None:
    pairs = parse_pairs(
        "user_id:u1,email:ANN@example.com,same\n"
        "email:ann@example.com,user_id:u2,same\n"
        "user_id:u2,user_id:u3,different\n"
    )

    truth = truth_of_pairs(pairs, VALUES)

    assert truth.person_of == {
        ANN: "email:ann@example.com",
        U1: "email:ann@example.com",
        U2: "email:ann@example.com",
        U3: "user_id:u3",
    }
    assert truth.differs("user_id:u3", frozenset({"email:ann@example.com"}))
    assert truth.differs("email:ann@example.com", frozenset({"user_id:u3"}))


def test_people_who_were_not_compared_are_not_known_to_differ() -> None:
    truth = truth_of_pairs(
        parse_pairs("user_id:u1,user_id:u2,different\nuser_id:u3,email:ann@example.com,same\n"),
        VALUES,
    )

    assert not truth.differs(str(U1), frozenset({str(U1), str(ANN)}))


def test_pairs_that_contradict_each_other_are_named() -> None:
    pairs = parse_pairs(
        "user_id:u1,user_id:u2,same\nuser_id:u2,user_id:u3,same\nuser_id:u1,user_id:u3,different\n"
    )

    with pytest.raises(BadInput, match="line 3: user_id:u1 and user_id:u3 are different here"):
        truth_of_pairs(pairs, VALUES)


def test_a_value_that_the_policy_blocks_is_left_out() -> None:
    pairs = parse_pairs("user_id:null,user_id:u1,same\nuser_id:u2,user_id:u3,different\n")

    assert set(truth_of_pairs(pairs, VALUES).person_of) == {U1, U2, U3}


def test_in_a_population_an_identifier_is_a_persons_own_when_nobody_else_uses_it() -> None:
    tablet = Identifier("anonymous_id", "t")

    truth = truth_of_events([PersonEvent("ann", [U1, tablet]), PersonEvent("bob", [U2, tablet])])

    assert truth == Truth({U1: "ann", U2: "bob"})
    assert truth.differs("ann", frozenset({"ann", "bob"}))
    assert not truth.differs("ann", frozenset({"ann"}))
