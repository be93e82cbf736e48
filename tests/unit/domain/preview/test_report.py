"""Differences by their places, page by page, and the numbers beside them."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields, replace

import pytest

from identity_service.domain.identifiers import Identifier
from identity_service.domain.preview import report
from identity_service.domain.preview.report import (
    KINDS,
    CustomerDifference,
    DifferenceList,
    Preview,
    PreviewSummary,
)
from identity_service.domain.resolution.changes import ChangeKind
from identity_service.domain.resolution.subgraph import NewEvidence

MERGED, SPLIT, CREATED = ChangeKind.MERGED, ChangeKind.SPLIT, ChangeKind.CREATED


def difference(kind: ChangeKind, *values: str) -> CustomerDifference:
    before = tuple((Identifier("user", value),) for value in values)
    return CustomerDifference(kind, before, (), (), ())


def preview(*differences: CustomerDifference, summary: PreviewSummary | None = None) -> Preview:
    counted = summary or PreviewSummary(differences=Counter(d.kind for d in differences))
    return Preview(counted, differences, NewEvidence())


def test_a_difference_stands_at_its_kind_and_its_first_identifier_before_or_after() -> None:
    b, a = Identifier("user", "b"), Identifier("user", "a")

    assert CustomerDifference(SPLIT, ((b,),), ((a,),), (), ()).place == (KINDS.index(SPLIT), a)
    assert CustomerDifference(SPLIT, ((a,), (b,)), (), (), ()).place == (KINDS.index(SPLIT), a)


def test_differences_are_listed_by_kind_then_by_first_identifier() -> None:
    found = DifferenceList()
    in_order = [
        difference(MERGED, "b", "d"),
        difference(MERGED, "c"),
        difference(SPLIT, "a"),
        difference(CREATED, "0"),
    ]

    found.extend([in_order[3], in_order[1]])
    found.extend([in_order[2], in_order[0]])

    assert found.listed() == in_order


def test_of_each_kind_the_first_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "MAX_LISTED", 2)
    found = DifferenceList()

    found.extend(difference(MERGED, value) for value in "fedcba")
    found.extend([difference(SPLIT, "z")])

    assert found.listed() == [
        difference(MERGED, "a"),
        difference(MERGED, "b"),
        difference(SPLIT, "z"),
    ]


def test_a_page_begins_after_a_place() -> None:
    a, b, c = (difference(MERGED, value) for value in "abc")
    whole = preview(a, b, c)

    first, second, third = (whole.page(after, 2) for after in (None, a.place, b.place))

    assert (list(first.items), first.more) == ([a, b], True)
    assert (list(second.items), second.more) == ([b, c], False)
    assert (list(third.items), third.more) == ([c], False)


def test_nothing_changes_where_nothing_is_found() -> None:
    assert preview(summary=PreviewSummary(customers_before=3, unchanged=3)).changes_nothing


@pytest.mark.parametrize(
    "summary",
    [
        PreviewSummary(differences=Counter({MERGED: 1})),
        PreviewSummary(kind_changed=1),
        PreviewSummary(remarked=1),
        PreviewSummary(ledger=Counter({MERGED: 1})),
    ],
)
def test_a_difference_a_kind_a_super_connector_or_a_ledger_entry_is_a_change(
    summary: PreviewSummary,
) -> None:
    assert not preview(summary=summary).changes_nothing


def test_what_two_readings_found_is_what_both_did() -> None:
    stays, gone, come = (difference(MERGED, value) for value in "abc")
    earlier = preview(
        stays,
        gone,
        summary=PreviewSummary(kind_changed=1, remarked=1, ledger=Counter({MERGED: 2, SPLIT: 1})),
    )
    later = preview(
        stays,
        come,
        summary=PreviewSummary(
            customers_before=9, kind_changed=2, remarked=3, ledger=Counter({MERGED: 3})
        ),
    )

    both = later.found_before(earlier)

    assert both.differences == [stays]
    assert both.summary == PreviewSummary(
        customers_before=9,
        kind_changed=1,
        remarked=1,
        ledger=Counter({MERGED: 2}),
        differences=Counter({MERGED: 1}),
    )


def test_every_number_of_a_summary_is_added() -> None:
    counted = {"ledger", "differences"}
    numbers = [each.name for each in fields(PreviewSummary) if each.name not in counted]
    one = PreviewSummary(
        **{name: n for n, name in enumerate(numbers, start=1)},
        ledger=Counter({MERGED: 1}),
        differences=Counter({SPLIT: 2}),
    )
    total = replace(one, ledger=Counter(one.ledger), differences=Counter(one.differences))

    total.add(one)

    assert total == PreviewSummary(
        **{name: 2 * n for n, name in enumerate(numbers, start=1)},
        ledger=Counter({MERGED: 2}),
        differences=Counter({SPLIT: 4}),
    )
