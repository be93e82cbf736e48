"""How what callers give for a parameter is read."""

from __future__ import annotations

from typing import Any

import pytest

from identity_service.domain.identifiers import Identifier
from identity_service.domain.journeys.parameters import ALWAYS, MAX_TEXT, Kind, Parameter
from identity_service.errors import FieldInvalid


def read(kind: Kind, given: Any, **more: Any) -> Any:
    return Parameter("what", kind, "something", **more).read(given, "funnel")


def refusal(kind: Kind, given: Any, **more: Any) -> str:
    with pytest.raises(FieldInvalid) as refused:
        read(kind, given, **more)
    [problem] = refused.value.problems
    assert problem.path == "what"
    return problem.message


@pytest.mark.parametrize(
    ("kind", "given", "taken"),
    [
        (Kind.TEXT, "x" * MAX_TEXT, "x" * MAX_TEXT),
        (Kind.TEXTS, "a, b", ["a", "b"]),
        (Kind.TEXTS, ("a", "b, c"), ["a", "b, c"]),
        (Kind.KINDS, "KNOWN,ANONYMOUS,KNOWN", ["ANONYMOUS", "KNOWN"]),
        (Kind.PROPERTY, "utm source", "p_utm_source"),
        (Kind.FEATURE, "orders_30d", "f_orders_30d"),
        (Kind.MOMENT, "1970-01-01T00:00:01Z", 1_000),
        (Kind.MOMENT, 7, 7),
        (Kind.MOMENT, -(10**20), ALWAYS[0]),
        (Kind.MOMENT, 10**20, ALWAYS[1]),
        (Kind.DURATION, "2m", 120_000),
        (Kind.DURATION, 1, 1),
        (Kind.COUNT, "12", 12),
        (Kind.COUNT, 12, 12),
        (Kind.IDENTIFIER, "mail: a@b.example", Identifier("mail", "a@b.example")),
    ],
)
def test_what_is_given_is_read_by_the_kind_of_its_parameter(
    kind: Kind, given: object, taken: object
) -> None:
    assert read(kind, given) == taken


@pytest.mark.parametrize(
    ("kind", "given", "why"),
    [
        (Kind.TEXT, "", "write a text of 1 to 1,024 characters"),
        (Kind.TEXT, "x" * (MAX_TEXT + 1), "write a text of 1 to 1,024 characters"),
        (Kind.TEXT, 7, "write a text of 1 to 1,024 characters"),
        (Kind.TEXTS, 7, "give a list"),
        (Kind.TEXTS, ["a", 7], "write a text of 1 to 1,024 characters"),
        (Kind.KINDS, "NICE", "there is no kind NICE; there are KNOWN, ANONYMOUS, QUARANTINED"),
        (Kind.KINDS, "Z,KNOWN,B", "there is no kind B"),
        (Kind.PROPERTY, "", "write a text of 1 to 1,024 characters"),
        (Kind.MOMENT, "soon", "write a time as 2026-01-31 or 2026-01-31T12:00:00Z"),
        (Kind.DURATION, "soon", "“soon” is not a duration"),
        (Kind.DURATION, 0, "write a number and s, m, h or d"),
        (Kind.DURATION, 1.5, "write a number and s, m, h or d"),
        (Kind.COUNT, "1" * 10, "it may be 1 to 10,000"),
        (Kind.COUNT, "1.0", "it may be 1 to 10,000"),
        (Kind.COUNT, True, "it may be 1 to 10,000"),
        (Kind.COUNT, 1.0, "it may be 1 to 10,000"),
        (Kind.IDENTIFIER, "nobody", "“nobody” is not TYPE:VALUE"),
    ],
)
def test_what_cannot_be_taken_is_answered_with_what_would_be_right(
    kind: Kind, given: object, why: str
) -> None:
    assert refusal(kind, given).startswith(f"“what” cannot be taken: {why}")


@pytest.mark.parametrize(("given", "taken"), [(2, True), (4, True), (1, False), (5, False)])
def test_a_count_has_bounds(given: int, *, taken: bool) -> None:
    if taken:
        assert read(Kind.COUNT, given, least=2, most=4) == given
    else:
        assert "it may be 2 to 4" in refusal(Kind.COUNT, given, least=2, most=4)


@pytest.mark.parametrize(("given", "taken"), [("a", False), ("a,b", True), ("a,b,c", False)])
def test_a_list_has_bounds(given: str, *, taken: bool) -> None:
    if taken:
        assert read(Kind.TEXTS, given, least=2, most=2) == given.split(",")
    else:
        assert "give 2 to 2 values" in refusal(Kind.TEXTS, given, least=2, most=2)


def test_what_is_not_given_takes_its_default_or_is_nothing() -> None:
    assert read(Kind.DURATION, None, default="1s") == 1_000
    assert read(Kind.DURATION, None) is None


def test_what_is_required_must_be_given() -> None:
    with pytest.raises(FieldInvalid) as refused:
        read(Kind.TEXT, None, required=True, default="x")

    assert str(refused.value) == "The journey funnel needs “what”. It is something."
