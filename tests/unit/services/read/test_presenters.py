"""Records of the graph become what is answered: kinds, the order of strength, degrees by day."""

from __future__ import annotations

import pytest

from identity_service.domain.identifiers import IdentifierKind
from identity_service.domain.policies.policy import Policy, Rule
from identity_service.graph.customers import AccountRow, IdentifierRow
from identity_service.services.read.presenters import (
    DAY_MS,
    account,
    degrees,
    identifier_kind,
    seen_identifier,
    strongest_first,
)
from identity_service.services.read.view import Degree

POLICY = Policy(
    {
        "email": Rule(2, IdentifierKind.PERSON),
        "user_id": Rule(1, IdentifierKind.PERSON),
        "cookie": Rule(2, IdentifierKind.DEVICE),
    }
)


def row(identifier_type: str, value: str) -> IdentifierRow:
    return IdentifierRow(
        key=f"shop/{identifier_type}:{value}",
        type=identifier_type,
        value=value,
        first_seen=1,
        last_seen=2,
        contested=True,
        super_connector=False,
    )


def test_an_identifier_keeps_what_is_stored_and_has_the_kind_of_its_type() -> None:
    seen = seen_identifier(row("email", "ann@example.com"), POLICY)

    assert seen.identifier == row("email", "ann@example.com").identifier
    assert (seen.first_seen, seen.last_seen) == (1, 2)
    assert (seen.contested, seen.super_connector) == (True, False)
    assert seen.kind is IdentifierKind.PERSON


def test_a_type_without_a_rule_names_devices() -> None:
    assert identifier_kind("fax", POLICY) is IdentifierKind.DEVICE


def test_identifiers_come_by_priority_then_by_type_and_value() -> None:
    rows = [
        row("fax", "1"),
        row("email", "b"),
        row("cookie", "z"),
        row("email", "a"),
        row("user_id", "u"),
    ]

    ordered = strongest_first(rows, POLICY)

    assert [str(seen.identifier) for seen in ordered] == [
        "user_id:u",
        "cookie:z",
        "email:a",
        "email:b",
        "fax:1",
    ]
    assert ordered == [seen_identifier(row(seen.type, seen.value), POLICY) for seen in ordered]


def test_an_account_has_the_newest_value_of_each_trait() -> None:
    stored = AccountRow(
        "acme",
        [((2, 5, 0), '{"size": 4, "plan": null}'), ((1, 5, 0), '{"size": 3, "plan": "pro"}')],
    )

    shown = account(stored)

    assert (shown.account_id, shown.traits) == ("acme", {"size": 4})


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        (0, []),
        (1, [Degree(7 * DAY_MS, 5)]),
        (9, [Degree(2 * DAY_MS, 2), Degree(7 * DAY_MS, 5)]),
    ],
)
def test_degrees_add_up_and_the_last_days_are_answered(first: int, expected: list[Degree]) -> None:
    assert degrees([[2, 2], [7, 3]], first) == expected
