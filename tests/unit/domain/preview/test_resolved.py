"""What was resolved is compared with what is stored, as a writer would settle it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from hypothesis import given

from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.judgements import Judgement
from identity_service.domain.policies.policy import Policy, Rule
from identity_service.domain.preview.resolved import preview_resolved
from identity_service.domain.resolution.changes import ChangeKind
from identity_service.domain.resolution.evidence import Evidence, gather
from identity_service.domain.resolution.id_register import (
    CustomerKind,
    RegisteredId,
    Settled,
    change_set,
)
from identity_service.domain.resolution.resolve import resolve
from tests.support.snapshots import observed
from tests.support.worlds import Event, events, in_many_worlds, judgements, policies


def settled(evidence: Evidence, policy: Policy) -> Settled:
    """The evidence as it is stored when it was settled at once. Its customers are `c1`, `c2`, …"""
    names, ids = evidence.identifiers, count(1)
    resolution = resolve(evidence, policy)
    nothing = Settled(names, [None] * len(names), frozenset(), frozenset(), [])
    found = change_set(nothing, resolution, policy, lambda: f"c{next(ids)}")
    customer_of = {i: customer for i, _, customer in found.moves}
    anchors = dict(found.anchors)
    return Settled(
        names,
        [customer_of[i] for i in range(len(names))],
        resolution.contested,
        resolution.super_connectors,
        [RegisteredId(c, at, names[anchors[c]], kind) for at, (c, kind) in enumerate(found.minted)],
    )


@in_many_worlds
@given(events(), judgements(), policies())
def test_the_differences_lead_to_what_judging_makes_of_the_evidence(
    happened: list[Event], judged: list[Judgement], policy: Policy
) -> None:
    evidence = observed(happened, policy)
    before = settled(evidence, policy)
    judged_evidence = replace(evidence, judgements=judged)
    resolution = resolve(judged_evidence, policy)

    found = preview_resolved(before, judged_evidence, resolution, policy)

    was = _customers(before.customer_of, before)
    gone = {frozenset(some) for each in found.differences for some in each.before}
    come = {frozenset(some) for each in found.differences for some in each.after}
    assert gone <= was
    assert (was - gone) | come == _customers(resolution.cluster_of, before)
    written = change_set(before, resolution, policy, iter(map(str, count())).__next__).changes
    assert found.summary.ledger == Counter(change.kind for change in written)
    assert found.summary.customers_before == len(was)
    assert found.summary.customers_after == len(resolution.clusters())
    assert len(found.reinstated.identifiers) == 0


@in_many_worlds
@given(events(), policies())
def test_without_a_judgement_nothing_changes(happened: list[Event], policy: Policy) -> None:
    evidence = observed(happened, policy)
    before = settled(evidence, policy)

    found = preview_resolved(before, evidence, resolve(evidence, policy), policy)

    assert found.changes_nothing
    assert found.summary.unchanged == found.summary.customers_before


def test_what_belongs_to_nobody_afterwards_is_lost_to_its_customer() -> None:
    ann, cookie = Identifier("user", "ann"), Identifier("cookie", "c")
    policy = Policy({"user": Rule(1, IdentifierKind.PERSON)})
    evidence = gather([(1, (cookie,))])
    stored = RegisteredId("c1", 1, cookie, CustomerKind.KNOWN)
    before = Settled([cookie], ["c1"], frozenset(), frozenset(), [stored])

    found = preview_resolved(before, evidence, resolve(evidence, policy), policy, [(ann, "c1")])

    [difference] = found.differences
    assert (difference.kind, difference.customer_ids) == (ChangeKind.SPLIT, ("c1",))
    assert (difference.before, difference.after) == (((ann, cookie),), ((cookie,),))


def _customers(
    of: Sequence[int] | Sequence[str | None], settled: Settled
) -> set[frozenset[object]]:
    found: dict[object, set[object]] = {}
    for identifier, customer in zip(settled.identifiers, of, strict=True):
        found.setdefault(customer, set()).add(identifier)
    return set(map(frozenset, found.values()))
