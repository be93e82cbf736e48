"""Which customers of a group differ, and how."""

from __future__ import annotations

from dataclasses import replace

import pytest

from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.policies.policy import Policy, Rule
from identity_service.domain.preview.comparison import (
    Marks,
    Members,
    RelatedCustomers,
    classify,
    compare,
    related,
)
from identity_service.domain.preview.group_settlement import GroupSettlement
from identity_service.domain.preview.partition import Group
from identity_service.domain.preview.report import CustomerDifference, PreviewSummary
from identity_service.domain.preview.snapshot import Snapshot
from identity_service.domain.resolution.changes import Change, ChangeKind
from identity_service.domain.resolution.evidence import Evidence, Link
from identity_service.domain.resolution.id_register import CustomerKind, RegisteredId, Settled
from identity_service.domain.resolution.resolve import Resolution

MERGED, SPLIT, MOVED = ChangeKind.MERGED, ChangeKind.SPLIT, ChangeKind.MOVED
CREATED, QUARANTINED, RELEASED = ChangeKind.CREATED, ChangeKind.QUARANTINED, ChangeKind.RELEASED

NO_MARKS = Marks(set(), set())
POLICY = Policy({"user": Rule(1, IdentifierKind.PERSON), "cookie": Rule(2, IdentifierKind.DEVICE)})
COOKIE, OTHER, USER = Identifier("cookie", "c"), Identifier("cookie", "d"), Identifier("user", "u")


# Which customers belong together


def test_customers_that_share_no_identifier_stand_alone() -> None:
    assert related({"a": [1], "b": [2]}, {"b": [2], "c": [3]}) == [
        RelatedCustomers({"a": [1]}, {}),
        RelatedCustomers({"b": [2]}, {"b": [2]}),
        RelatedCustomers({}, {"c": [3]}),
    ]


def test_customers_are_related_through_each_other() -> None:
    before: Members = {"a": [1, 2], "b": [3, 4], "z": [9]}
    after: Members = {"a": [1], "b": [2, 3], "c": [4, 5], "z": [9]}

    assert related(before, after) == [
        RelatedCustomers({"a": [1, 2], "b": [3, 4]}, {"a": [1], "b": [2, 3], "c": [4, 5]}),
        RelatedCustomers({"z": [9]}, {"z": [9]}),
    ]


# What became of them


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ({"a": [1, 2]}, {"a": [1, 2]}, None),
        ({}, {"a": [1]}, CREATED),
        ({"a": [1]}, {"a": [1, 2]}, CREATED),
        ({"a": [1]}, {"b": [1]}, MERGED),
        ({"a": [1]}, {"b": [1, 2]}, MERGED),
        ({"a": [1], "b": [2]}, {"a": [1, 2]}, MERGED),
        ({"a": [1, 2]}, {"a": [1]}, SPLIT),
        ({"a": [1, 2]}, {"b": [1]}, SPLIT),
        ({"a": [1, 2]}, {"a": [1, 3]}, SPLIT),
        ({"a": [1]}, {}, SPLIT),
        ({"a": [1, 2]}, {"a": [1], "b": [2]}, SPLIT),
        ({"a": [1, 2], "b": [3]}, {"a": [1], "b": [2, 3]}, MOVED),
    ],
)
def test_related_customers_are_classified_by_what_became_of_them(
    before: Members, after: Members, kind: ChangeKind | None
) -> None:
    assert classify(RelatedCustomers(before, after), NO_MARKS) is kind


@pytest.mark.parametrize(
    ("marks", "kind"),
    [
        (Marks(contested={2}, released=set()), QUARANTINED),
        (Marks(contested=set(), released={2}), RELEASED),
        (Marks(contested={2}, released={1}), QUARANTINED),
        (Marks(contested={3}, released={4}), None),
    ],
)
def test_a_customer_of_the_same_identifiers_is_quarantined_or_released(
    marks: Marks, kind: ChangeKind | None
) -> None:
    same = RelatedCustomers({"a": [1, 2]}, {"a": [1, 2]})

    assert classify(same, marks) is kind


# A group


def registered(name: str, anchor: Identifier, kind: CustomerKind | None) -> RegisteredId:
    return RegisteredId(name, 1, anchor, kind)


KNOWN, ANONYMOUS = CustomerKind.KNOWN, CustomerKind.ANONYMOUS


def settled(
    customer_of: list[str | None],
    register: list[RegisteredId],
    contested: frozenset[int] = frozenset(),
    super_connectors: frozenset[int] = frozenset(),
) -> Settled:
    return Settled([COOKIE, OTHER, USER], customer_of, contested, super_connectors, register)


def compared(
    before: Settled,
    after: Settled,
    changes: list[Change] | None = None,
    withheld: str | None = None,
) -> tuple[PreviewSummary, list[CustomerDifference]]:
    """A cookie, another and a user, at 0, 1 and 2; a value that is withheld stands at 3.

    Links lie between the first cookie and the user, and between the user and the withheld value.
    """
    nobody = Identifier("user", "null")
    snapshot = Snapshot(
        identifiers=[COOKIE, OTHER, USER, nobody], customer_of=[*before.customer_of, withheld]
    )
    group = Group(
        members=[0, 1, 2],
        withheld=[3] if withheld else [],
        withheld_links=[0] if withheld else [],
    )
    snapshot.links.append(Link(3, 2, 1, 1, 1))
    evidence = Evidence([COOKIE, OTHER, USER], [0, 0, 0], [Link(0, 2, 1, 1, 1)])
    resolution = Resolution([0, 1, 2], frozenset(), frozenset(), {}, {}, [])
    settlement = GroupSettlement(before, after, evidence, resolution, changes or [])
    return compare(group, settlement, snapshot, POLICY)


A, B = registered("a", COOKIE, ANONYMOUS), registered("b", USER, KNOWN)
SETTLED = settled(["a", "a", "b"], [A, B])


def test_where_nothing_moves_all_customers_are_unchanged() -> None:
    summary, differences = compared(SETTLED, SETTLED)

    assert summary == PreviewSummary(customers_before=2, customers_after=2, unchanged=2)
    assert differences == []


def test_where_nothing_moves_a_kind_may_change() -> None:
    known = replace(A, kind=KNOWN)

    summary, differences = compared(SETTLED, settled(["a", "a", "b"], [known, B]))

    assert (summary.unchanged, summary.kind_changed) == (1, 1)
    assert differences == []


@pytest.mark.parametrize(("kind", "unchanged"), [(KNOWN, 1), (ANONYMOUS, 0)])
def test_beside_a_difference_others_are_unchanged_or_of_another_kind(
    kind: CustomerKind, unchanged: int
) -> None:
    new = registered("new", OTHER, ANONYMOUS)

    summary, _ = compared(SETTLED, settled(["a", "new", "b"], [A, new, replace(B, kind=kind)]))

    assert (summary.unchanged, summary.kind_changed) == (unchanged, 1 - unchanged)


def test_a_difference_names_customers_by_their_strongest_identifiers() -> None:
    retired = replace(A, kind=None, forwards_to="b")
    merge = Change(MERGED, "b", "a", (COOKIE, OTHER))

    summary, [difference] = compared(SETTLED, settled(["b", "b", "b"], [retired, B]), [merge])

    assert difference.kind is MERGED
    assert difference.before == ((USER,), (COOKIE, OTHER))
    assert difference.after == ((USER, COOKIE, OTHER),)
    assert difference.customer_ids == ("b", "a")
    assert [(link.a, link.b) for link in difference.deciding_links] == [(COOKIE, USER)]
    assert summary.ledger == {MERGED: 1}
    assert summary.differences == {MERGED: 1}
    assert summary.identifiers_moved == 2
    assert (summary.customers_before, summary.customers_after) == (2, 1)


def test_an_id_that_lives_again_is_named_and_a_new_one_is_not() -> None:
    retired = registered("r", OTHER, None)
    before = settled(["a", "a", "a"], [A, retired])
    again, new = registered("r", OTHER, ANONYMOUS), registered("new-1", USER, KNOWN)

    _, [difference] = compared(before, settled(["a", "r", "new-1"], [A, again, new]))

    assert difference.kind is SPLIT
    assert difference.after == ((USER,), (COOKIE,), (OTHER,))
    assert difference.customer_ids == ("a", "r")


def test_identifiers_that_belonged_to_nobody_and_join_a_customer_are_a_difference() -> None:
    before, after = settled(["a", None, "b"], [A, B]), settled(["a", "a", "b"], [A, B])

    summary, [difference] = compared(before, after)

    assert difference.kind is CREATED
    assert (difference.before, difference.after) == (((COOKIE,),), ((COOKIE, OTHER),))
    assert summary.identifiers_moved == 0
    assert summary.unchanged == 1


def test_a_withheld_identifier_is_lost_by_its_customer() -> None:
    summary, [difference] = compared(SETTLED, SETTLED, withheld="b")

    assert difference.kind is SPLIT
    assert difference.before == ((Identifier("user", "null"), USER),)
    assert [link.a for link in difference.deciding_links] == [Identifier("user", "null")]
    assert difference.after == ((USER,),)
    assert summary.identifiers_blocked == 1
    assert summary.unchanged == 1


def test_a_customer_of_which_all_is_withheld_is_gone() -> None:
    gone = registered("x", Identifier("user", "null"), KNOWN)

    summary, [difference] = compared(settled(["a", "a", "b"], [A, B, gone]), SETTLED, withheld="x")

    assert (difference.kind, difference.after) == (SPLIT, ())
    assert difference.customer_ids == ("x",)
    assert (summary.customers_before, summary.customers_after) == (3, 2)


def test_becoming_contested_is_a_difference_although_nothing_moves() -> None:
    contested = replace(SETTLED, contested=frozenset({1}))

    became, no_longer = compared(SETTLED, contested), compared(contested, SETTLED)

    assert [each.kind for each in became[1]] == [QUARANTINED]
    assert [each.kind for each in no_longer[1]] == [RELEASED]
    assert became[0].unchanged == no_longer[0].unchanged == 1


def test_super_connectors_that_come_and_go_are_counted() -> None:
    before, after = (
        replace(SETTLED, super_connectors=frozenset(some)) for some in ({0, 1}, {2, 1})
    )

    assert compared(before, after)[0].remarked == 2
