"""Which identifiers of a space are settled together, and which are skipped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest

from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.judgements import Judgement, Verdict
from identity_service.domain.policies.policy import Policy, Rule
from identity_service.domain.preview import partition as module
from identity_service.domain.preview.partition import Group, Partition, partition
from identity_service.domain.preview.snapshot import Snapshot
from identity_service.domain.resolution.evidence import gather
from identity_service.domain.resolution.id_register import CustomerKind, RegisteredId
from tests.support.snapshots import unsettled_snapshot

POLICY = Policy(
    {
        "user": Rule(1, IdentifierKind.PERSON),
        "hub": Rule(2, IdentifierKind.DEVICE, max_links=2),
    }
)
HUB, HUB2 = Identifier("hub", "h"), Identifier("hub", "i")
A, B, C, D, E = (Identifier("user", value) for value in "abcde")


@pytest.fixture(autouse=True)
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every component is a group, unless customers hold it together with others."""
    monkeypatch.setattr(module, "GROUP_SIZE", 1)


def space(
    *links: tuple[Identifier, Identifier],
    super_connectors: Iterable[Identifier] = (),
    customers: Mapping[Identifier, str] | None = None,
    judged: Iterable[Judgement] = (),
) -> Snapshot:
    snapshot = unsettled_snapshot(gather(((1, link) for link in links), list(judged)))
    position = positions(snapshot)
    snapshot.super_connectors = {position[i] for i in super_connectors}
    for identifier, customer in (customers or {}).items():
        snapshot.customer_of[position[identifier]] = customer
    return snapshot


def positions(snapshot: Snapshot) -> dict[Identifier, int]:
    return {identifier: i for i, identifier in enumerate(snapshot.identifiers)}


def same(a: Identifier, b: Identifier) -> Judgement:
    return Judgement(f"{a} {b}", Verdict.SAME, a, b, 0)


class Parts:
    """A partition, by identifier."""

    def __init__(
        self, snapshot: Snapshot, policy: Policy = POLICY, withheld: Iterable[Identifier] = ()
    ) -> None:
        position = positions(snapshot)
        self.snapshot = snapshot
        self.found: Partition = partition(snapshot, policy, {position[i] for i in withheld})

    def named(self, some: Iterable[int]) -> set[Identifier]:
        return {self.snapshot.identifiers[i] for i in some}

    @property
    def members(self) -> list[set[Identifier]]:
        """Of the groups that have any, in text order."""
        members = [self.named(group.members) for group in self.found.groups if group.members]
        return sorted(members, key=sorted)

    @property
    def super_connectors(self) -> set[Identifier]:
        return self.named(self.found.super_connectors)

    @property
    def skipped(self) -> set[Identifier]:
        return self.named(self.found.skipped)

    def group_of(self, identifier: Identifier) -> Group:
        [group] = [g for g in self.found.groups if identifier in self.named(g.members)]
        return group

    def links(self, numbers: Iterable[int]) -> set[frozenset[Identifier]]:
        links = self.snapshot.links
        return {frozenset(self.named((links.a[n], links.b[n]))) for n in numbers}


def pairs(*links: tuple[Identifier, Identifier]) -> set[frozenset[Identifier]]:
    return set(map(frozenset, links))


# Groups


def test_each_component_is_a_group_with_its_links() -> None:
    parts = Parts(space((A, B), (B, C), (D, E)))

    assert parts.members == [{A, B, C}, {D, E}]
    assert parts.links(parts.group_of(A).links) == pairs((A, B), (B, C))
    assert parts.links(parts.group_of(D).links) == pairs((D, E))
    assert parts.found.over_connected == 0
    assert parts.skipped == set()


def test_components_fill_a_group_up_to_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GROUP_SIZE", 3)

    parts = Parts(space((A, B), (C, D), (E, HUB)))

    assert parts.members == [{HUB, E}, {A, B, C, D}]


def test_withheld_identifiers_count_for_the_size_of_a_group(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "GROUP_SIZE", 2)
    snapshot = space((A, B), (C, D), customers={A: "c", B: "c"})

    assert Parts(snapshot, withheld=[B]).members == [{A}, {C, D}]


def test_an_empty_space_is_one_empty_group() -> None:
    assert Parts(space()).found.groups == [Group()]


def test_what_one_customer_holds_is_in_one_group() -> None:
    parts = Parts(space((A, B), (C, D), (E, HUB), customers={B: "c", C: "c", D: "d", E: "e"}))

    assert parts.members == [{HUB, E}, {A, B, C, D}]


def test_what_was_judged_the_same_is_in_one_group() -> None:
    unseen = Identifier("user", "z")
    apart = Judgement("apart", Verdict.APART, B, E, 0)
    snapshot = space((A, B), (C, D), (E, HUB), judged=[same(A, D), apart, same(unseen, E)])

    parts = Parts(snapshot)

    assert parts.members == [{HUB, E}, {A, B, C, D}]
    assert parts.group_of(A).judgements == [same(A, D)]
    assert parts.group_of(E).judgements == []


def test_one_judgement_is_enough() -> None:
    assert Parts(space((A, B), (C, D), judged=[same(B, C)])).members == [{A, B, C, D}]


def test_a_judgement_about_a_withheld_identifier_joins_nothing() -> None:
    snapshot = space((A, B), (C, D), judged=[same(B, C)])

    assert Parts(snapshot, withheld=[B]).group_of(C).withheld == []
    assert Parts(snapshot, withheld=[C]).group_of(B).withheld == []

    assert Parts(snapshot, withheld=[B]).members == [{A}, {C, D}]
    assert Parts(snapshot, withheld=[C]).members == [{A, B}, {D}]


def test_an_entry_of_the_register_goes_with_its_anchor() -> None:
    snapshot = space((A, B), (C, D))
    entries = [RegisteredId(str(i), 1, i, CustomerKind.KNOWN) for i in (D, A)]
    snapshot.register = entries
    snapshot.anchors.extend(positions(snapshot)[i] for i in (D, A))

    parts = Parts(snapshot)

    assert parts.group_of(D).register == [entries[0]]
    assert parts.group_of(A).register == [entries[1]]


def test_an_id_that_returns_to_its_anchor_is_settled_with_those_who_answer_under_it() -> None:
    snapshot = space((A, B), (C, D), customers={A: "c", B: "c"})
    snapshot.register = [RegisteredId("c", 1, D, CustomerKind.KNOWN)]
    snapshot.anchors.append(positions(snapshot)[D])

    parts = Parts(snapshot)

    assert parts.members == [{A, B, C, D}]


# Withheld identifiers


def test_a_withheld_identifier_joins_nothing_and_is_no_member() -> None:
    parts = Parts(space((A, B), (B, C)), withheld=[B])

    assert parts.members == [{A}, {C}]
    assert all(group.links == group.withheld_links == [] for group in parts.found.groups)


def test_a_withheld_identifier_goes_with_the_customer_that_held_it() -> None:
    held = {A: "c", B: "c", C: "c"}

    parts = Parts(space((A, B), (B, C), (A, D), customers=held), withheld=[B])

    group = parts.group_of(A)
    assert parts.members == [{A, C, D}]
    assert parts.named(group.withheld) == {B}
    assert parts.links(group.withheld_links) == pairs((A, B), (B, C))
    assert parts.links(group.links) == pairs((A, D))


# Super-connectors


def test_a_super_connector_joins_nothing_and_its_links_go_to_the_groups_of_others() -> None:
    links = [(HUB, A), (HUB, B), (C, HUB), (A, D)]

    parts = Parts(space(*links, super_connectors=[HUB]))

    assert parts.super_connectors == {HUB}
    assert parts.members == [{HUB}, {A, D}, {B}, {C}]
    assert parts.links(parts.group_of(A).links) == pairs((HUB, A), (A, D))
    assert parts.links(parts.group_of(C).links) == pairs((C, HUB))
    assert parts.group_of(HUB).links == []
    assert all(group.released == set() for group in parts.found.groups)


def test_a_link_between_super_connectors_goes_to_no_group() -> None:
    links = [(HUB, HUB2), (HUB, A), (HUB, B), (HUB2, C), (HUB2, D)]

    parts = Parts(space(*links, super_connectors=[HUB, HUB2]))

    assert sum(len(group.links) for group in parts.found.groups) == 4


def test_a_super_connector_that_no_longer_has_too_many_links_lies_in_a_group() -> None:
    parts = Parts(space((HUB, A), (B, HUB), (C, D), super_connectors=[HUB]))

    assert parts.super_connectors == set()
    assert parts.members == [{HUB, A, B}, {C, D}]
    assert parts.named(parts.group_of(A).released) == {HUB}
    assert parts.group_of(C).released == set()
    assert parts.links(parts.group_of(A).links) == pairs((HUB, A), (B, HUB))


@pytest.mark.parametrize(("beyond", "released"), [(0, True), (1, False)])
def test_links_beyond_the_snapshot_count(beyond: int, *, released: bool) -> None:
    snapshot = space((HUB, A), (HUB, B), super_connectors=[HUB])
    snapshot.links_beyond = {positions(snapshot)[HUB]: beyond}

    assert (Parts(snapshot).super_connectors == set()) is released


def test_links_to_withheld_identifiers_do_not_count() -> None:
    parts = Parts(space((HUB, A), (B, HUB), (C, HUB), super_connectors=[HUB]), withheld=[B])

    assert parts.super_connectors == set()
    assert parts.members == [{HUB, A, C}]


def test_a_super_connector_whose_type_has_no_bound_any_more_is_released() -> None:
    snapshot = space((HUB, A), (HUB, B), (HUB, C), super_connectors=[HUB])

    assert Parts(snapshot, Policy({})).super_connectors == set()
    assert (
        Parts(snapshot, Policy({"hub": Rule(1, IdentifierKind.DEVICE)})).super_connectors == set()
    )


def test_a_withheld_super_connector_is_none() -> None:
    snapshot = space((HUB, A), (HUB, B), (HUB, C), super_connectors=[HUB])

    parts = Parts(snapshot, withheld=[HUB])

    assert parts.super_connectors == set()
    assert parts.members == [{A}, {B}, {C}]


def test_a_released_super_connector_is_not_joined_with_one_that_remains() -> None:
    links = [(HUB, A), (HUB, B), (HUB, C), (HUB2, HUB), (HUB2, D)]

    parts = Parts(space(*links, super_connectors=[HUB, HUB2]))

    assert parts.super_connectors == {HUB}
    assert parts.members == [{HUB}, {HUB2, D}, {A}, {B}, {C}]
    assert parts.links(parts.group_of(HUB2).links) == pairs((HUB2, HUB), (HUB2, D))


# Components that are too large


def at_most(size: int) -> Policy:
    return replace(POLICY, max_component=size)


def test_a_component_with_more_identifiers_than_the_policy_allows_is_skipped() -> None:
    snapshot = space((A, B), (B, C), (D, E))

    assert Parts(snapshot, at_most(3)).skipped == set()
    parts = Parts(snapshot, at_most(2))
    assert parts.found.over_connected == 1
    assert parts.skipped == {A, B, C}
    assert parts.members == [{D, E}]
    assert parts.links(parts.group_of(D).links) == pairs((D, E))


def test_a_skipped_customer_does_not_hold_others_together() -> None:
    customers = {A: "c", D: "c", E: "e"}

    parts = Parts(space((A, B), (B, C), (D, E), customers=customers), at_most(2))

    assert parts.skipped == {A, B, C}
    assert parts.members == [{D, E}]


def test_withheld_identifiers_do_not_count_for_the_size_of_a_component() -> None:
    snapshot = space((A, B), (B, C), (C, D), customers={A: "c", D: "c"})

    parts = Parts(snapshot, at_most(3), withheld=[D])

    assert parts.skipped == set()
    assert parts.members == [{A, B, C}]


def test_what_is_withheld_from_a_component_that_is_too_large_is_not_skipped() -> None:
    snapshot = space((A, B), (B, C), (C, D))

    parts = Parts(snapshot, at_most(2), withheld=[D])

    assert parts.skipped == {A, B, C}
    assert [parts.named(group.withheld) for group in parts.found.groups] == [{D}]


def test_super_connectors_beside_a_component_count_once_for_its_size() -> None:
    links = [(HUB, A), (HUB, B), (HUB, C), (A, B)]

    assert Parts(space(*links, super_connectors=[HUB]), at_most(3)).skipped == set()
    assert Parts(space(*links, super_connectors=[HUB]), at_most(2)).skipped == {A, B}


def test_a_super_connector_inside_a_component_is_not_counted_again() -> None:
    links = [(HUB, A), (HUB, B), (HUB, C)]
    snapshot = space(*links, super_connectors=[HUB], judged=[same(HUB, A)])

    assert Parts(snapshot, at_most(2)).skipped == set()


def test_a_super_connector_whose_release_would_make_a_component_too_large_remains_one() -> None:
    links = [(HUB, A), (HUB, B), (A, C), (HUB2, D), (HUB2, E)]

    parts = Parts(space(*links, super_connectors=[HUB, HUB2]), at_most(3))

    assert parts.super_connectors == {HUB}
    assert parts.skipped == set()
    assert parts.found.over_connected == 0
    assert parts.members == [{HUB}, {HUB2, D, E}, {A, C}, {B}]
    assert parts.group_of(HUB).released == set()
    assert parts.named(parts.group_of(D).released) == {HUB2}


def test_what_is_too_large_without_the_released_super_connector_too_is_skipped() -> None:
    links = [(HUB, A), (HUB, B), (A, C), (C, D)]

    parts = Parts(space(*links, super_connectors=[HUB]), at_most(2))

    assert parts.skipped == {A, C, D}
    assert parts.found.over_connected == 1
    assert parts.members == [{HUB}, {B}]
