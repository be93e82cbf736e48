"""A preview is what the policy makes of the evidence, whatever was settled before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given

from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.judgements import Judgement, Verdict
from identity_service.domain.policies.policy import Blocked, Policy, Rule, Sharing
from identity_service.domain.preview import partition
from identity_service.domain.preview.report import CustomerDifference, Preview
from identity_service.domain.preview.snapshot import Snapshot
from identity_service.domain.resolution.changes import Change, ChangeKind
from identity_service.domain.resolution.resolve import resolve
from tests.support.busy import busy_devices
from tests.support.snapshots import observed, previewed, settled_snapshot
from tests.support.worlds import (
    Event,
    dice,
    events,
    in_many_worlds,
    judgements,
    policies,
)

ANN, BEN, TABLET, PHONE = (
    Identifier("user", "ann"),
    Identifier("user", "ben"),
    Identifier("tablet", "t"),
    Identifier("phone", "p"),
)
POLICY = Policy(
    {
        "user": Rule(1, IdentifierKind.PERSON, limit=1),
        "tablet": Rule(2, IdentifierKind.DEVICE, shared=Sharing.QUARANTINE),
        "phone": Rule(3, IdentifierKind.DEVICE),
    }
)

Customers = set[frozenset[Identifier]]


def customers_of(snapshot: Snapshot) -> Customers:
    found: dict[str, set[Identifier]] = {}
    for identifier, customer in zip(snapshot.identifiers, snapshot.customer_of, strict=True):
        if customer is not None:
            found.setdefault(customer, set()).add(identifier)
    return set(map(frozenset, found.values()))


def resolved(happened: list[Event], policy: Policy, judged: list[Judgement]) -> Customers:
    evidence = observed(happened, policy, judged)
    return {
        frozenset(evidence.identifiers[i] for i in cluster)
        for cluster in resolve(evidence, policy).clusters()
    }


def after(before: Customers, differences: Iterable[CustomerDifference]) -> Customers:
    """The customers once those before are replaced by those after."""
    differences = list(differences)
    gone = {frozenset(some) for each in differences for some in each.before}
    assert gone <= before
    return (before - gone) | {frozenset(some) for each in differences for some in each.after}


def blocking(policy: Policy, identifiers: Iterable[Identifier]) -> Policy:
    return replace(
        policy,
        blocked=tuple(Blocked(value=i.value, types=frozenset({i.type})) for i in identifiers),
    )


def assert_comes_true(
    happened: list[Event], judged: list[Judgement], old: Policy, new: Policy
) -> None:
    snapshot = settled_snapshot(happened, old, judged)
    before, expected = customers_of(snapshot), resolved(happened, new, judged)

    preview, changes = previewed(snapshot, new)

    summary = preview.summary
    assert after(before, preview.differences) == expected
    assert summary.customers_before == len(before)
    assert summary.customers_after == len(expected)
    assert summary.ledger == Counter(change.kind for change in changes)
    assert summary.differences == Counter(each.kind for each in preview.differences)
    changed = sum(len(each.before) for each in preview.differences)
    assert summary.unchanged + summary.kind_changed + changed == len(before)
    assert [each.place for each in preview.differences] == sorted(
        each.place for each in preview.differences
    )


@in_many_worlds
@given(events(), judgements(), policies(), policies(), dice)
def test_the_differences_lead_to_what_the_policy_makes_of_the_evidence(
    happened: list[Event], judged: list[Judgement], old: Policy, new: Policy, draw: Random
) -> None:
    seen = sorted({identifier for _, who in happened for identifier in who})
    old, new = (
        blocking(policy, draw.sample(seen, draw.choice([0, 0, 1, min(2, len(seen))])))
        for policy in (old, new)
    )

    assert_comes_true(happened, judged, old, new)


@pytest.mark.parametrize("seed", range(12))
def test_busy_shared_devices_come_out_as_the_policy_makes_them(seed: int) -> None:
    happened, old = busy_devices(seed)
    _, new = busy_devices(seed + 100)

    assert_comes_true(happened, [], old, new)


@in_many_worlds
@given(events(), judgements(), policies())
def test_the_policy_in_force_changes_nothing(
    happened: list[Event], judged: list[Judgement], policy: Policy
) -> None:
    snapshot = settled_snapshot(happened, policy, judged)

    preview, changes = previewed(snapshot, policy)

    assert preview.changes_nothing
    assert changes == []
    assert preview.summary.unchanged == preview.summary.customers_before


@in_many_worlds
@given(events(), judgements(), policies(), policies())
def test_the_size_of_groups_does_not_matter(
    happened: list[Event], judged: list[Judgement], old: Policy, new: Policy
) -> None:
    together = previewed(settled_snapshot(happened, old, judged), new)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(partition, "GROUP_SIZE", 1)
        one_by_one = previewed(settled_snapshot(happened, old, judged), new)

    assert one_by_one[0] == together[0]
    assert without_new_ids(one_by_one[1]) == without_new_ids(together[1])


def without_new_ids(changes: Iterable[Change]) -> Counter[tuple[Any, ...]]:
    def name(customer: str | None) -> str | None:
        return "new" if customer and customer.startswith("new-") else customer

    return Counter((c.kind, name(c.customer_id), name(c.other_id), c.identifiers) for c in changes)


# Single worlds


def test_two_users_of_a_tablet_that_is_no_longer_quarantined_are_split_from_it() -> None:
    snapshot = settled_snapshot([(1, (ANN, TABLET)), (2, (BEN, TABLET))], POLICY)
    first = replace(
        POLICY,
        rules={**POLICY.rules, "tablet": replace(POLICY.rules["tablet"], shared=Sharing.FIRST)},
    )

    preview, changes = previewed(snapshot, first)

    [difference] = preview.differences
    assert difference.kind is ChangeKind.MERGED
    assert difference.before == ((ANN,), (TABLET,))
    assert difference.after == ((ANN, TABLET),)
    assert [(change.kind, change.identifiers) for change in changes] == [
        (ChangeKind.MERGED, (TABLET,)),
        (ChangeKind.RELEASED, (TABLET,)),
    ]
    assert preview.summary.unchanged == 1
    assert preview.summary.identifiers_moved == 1


def test_new_customers_get_names_of_their_own_in_the_ledger() -> None:
    phone, watch = PHONE, Identifier("phone", "w")
    merged = Policy(
        {"user": Rule(1, IdentifierKind.PERSON), "phone": Rule(3, IdentifierKind.DEVICE)}
    )
    snapshot = settled_snapshot([(1, (phone, watch)), (2, (ANN, watch))], merged)

    _, changes = previewed(snapshot, Policy({}))

    assert {change.other_id for change in changes} == {"new-1", "new-2"}


def test_what_the_policy_blocks_belongs_to_nobody() -> None:
    snapshot = settled_snapshot([(1, (ANN, PHONE))], POLICY)

    preview, _ = previewed(snapshot, blocking(POLICY, [PHONE]))

    [difference] = preview.differences
    assert difference.kind is ChangeKind.SPLIT
    assert (difference.before, difference.after) == (((ANN, PHONE),), ((ANN,),))
    assert difference.customer_ids == ("c1",)
    assert preview.summary.identifiers_blocked == 1
    assert preview.summary.identifiers_moved == 0


def test_an_id_whose_anchor_the_policy_blocks_falls_back_to_the_one_that_it_left() -> None:
    snapshot = settled_snapshot([(1, (ANN, PHONE, TABLET))], POLICY)
    snapshot.register = [replace(entry, earlier=(PHONE,)) for entry in snapshot.register]
    apart = Judgement("j", Verdict.APART, PHONE, TABLET, 9)
    snapshot.judgements.append(apart)

    preview, _ = previewed(snapshot, blocking(POLICY, [ANN]))

    [difference] = preview.differences
    assert difference.kind is ChangeKind.SPLIT
    assert difference.after == ((TABLET,), (PHONE,))
    assert difference.customer_ids == ("c1",)


def test_customers_of_a_component_that_is_too_large_stay() -> None:
    small = replace(POLICY, max_component=2)
    snapshot = settled_snapshot(
        [(1, (ANN, TABLET)), (2, (BEN, TABLET)), (3, (Identifier("user", "cat"), PHONE))], POLICY
    )

    preview, changes = previewed(snapshot, small)

    assert preview.summary.over_connected == 1
    assert preview.summary.customers_before == preview.summary.customers_after == 4
    assert preview.summary.unchanged == 4
    assert preview.changes_nothing
    assert changes == []


def test_a_retired_id_of_a_component_that_is_too_large_is_no_customer() -> None:
    snapshot = settled_snapshot([(1, (ANN, PHONE)), (2, (ANN, TABLET))], POLICY)
    snapshot.register.append(replace(snapshot.register[0], id="old", kind=None))
    snapshot.anchors.append(snapshot.anchors[0])

    preview, _ = previewed(snapshot, replace(POLICY, max_component=1))

    assert preview.summary.customers_before == 1


def test_a_type_that_becomes_a_device_changes_only_the_kind_of_a_customer() -> None:
    snapshot = settled_snapshot([(1, (ANN, PHONE))], POLICY)
    device = replace(
        POLICY,
        rules={**POLICY.rules, "user": replace(POLICY.rules["user"], kind=IdentifierKind.DEVICE)},
    )

    preview, _ = previewed(snapshot, device)

    assert preview.summary.kind_changed == 1
    assert preview.summary.unchanged == 0
    assert not preview.changes_nothing
    assert preview.differences == []


def test_what_was_reinstated_is_part_of_the_preview() -> None:
    snapshot = settled_snapshot([(1, (ANN, PHONE))], POLICY)

    preview: Preview = previewed(snapshot, POLICY)[0]

    assert preview.reinstated is snapshot.reinstated
