"""How a policy would settle one group."""

from __future__ import annotations

from itertools import count

from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.judgements import Judgement, Verdict
from identity_service.domain.policies.policy import Policy, Rule, Sharing
from identity_service.domain.preview.group_settlement import GroupSettlement, settle
from identity_service.domain.preview.partition import Group
from identity_service.domain.preview.snapshot import Snapshot
from identity_service.domain.resolution.changes import ChangeKind
from identity_service.domain.resolution.evidence import Evidence, Link, gather
from identity_service.domain.resolution.id_register import CustomerKind, RegisteredId
from tests.support.snapshots import unsettled_snapshot

ANN, BEN = Identifier("user", "ann"), Identifier("user", "ben")
COOKIE, HUB, TABLET = Identifier("cookie", "c"), Identifier("hub", "h"), Identifier("tablet", "t")
POLICY = Policy(
    {
        "user": Rule(1, IdentifierKind.PERSON, limit=1),
        "tablet": Rule(2, IdentifierKind.DEVICE, shared=Sharing.QUARANTINE),
        "cookie": Rule(3, IdentifierKind.DEVICE),
        "hub": Rule(4, IdentifierKind.DEVICE),
    }
)
KNOWN, ANONYMOUS = CustomerKind.KNOWN, CustomerKind.ANONYMOUS


def settlement(
    snapshot: Snapshot, group: Group, super_connectors: set[int] | None = None
) -> GroupSettlement:
    ids = count(1)
    return settle(group, snapshot, super_connectors or set(), POLICY, lambda: f"new-{next(ids)}")


def group_of(snapshot: Snapshot, *members: Identifier, released: set[int] | None = None) -> Group:
    """A group with all links of the snapshot and the whole register."""
    return Group(
        members=[snapshot.identifiers.index(member) for member in members],
        released=released or set(),
        links=list(range(len(snapshot.links))),
        judgements=snapshot.judgements,
        register=snapshot.register,
    )


# What a group rests on


def test_members_come_first_and_super_connectors_of_other_groups_follow() -> None:
    judged = Judgement("j", Verdict.APART, ANN, COOKIE, 1)
    happened = [(7, (COOKIE, HUB)), (9, (COOKIE, ANN)), (9, (ANN, HUB))]
    snapshot = unsettled_snapshot(gather(happened, [judged]))
    hub = snapshot.identifiers.index(HUB)

    found = settlement(snapshot, group_of(snapshot, ANN, COOKIE), {hub})

    assert found.evidence == Evidence(
        [ANN, COOKIE, HUB],
        [9, 7, 7],
        [Link(1, 2, 7, 7, 1), Link(1, 0, 9, 9, 1), Link(2, 0, 9, 9, 1)],
        [judged],
    )
    assert found.resolution.super_connectors == {2}
    assert found.before.identifiers == found.after.identifiers == [ANN, COOKIE]
    assert found.after.customer_of == ["new-1", "new-2"]
    assert found.after.super_connectors == frozenset()


def test_a_super_connector_of_another_group_may_be_the_first_end_of_its_link() -> None:
    snapshot = unsettled_snapshot(gather([(1, (ANN, HUB))]))
    [first_end] = snapshot.links.a
    assert snapshot.identifiers[first_end] == HUB

    found = settlement(snapshot, group_of(snapshot, ANN), {first_end})

    assert found.evidence.identifiers == [ANN, HUB]
    assert found.evidence.links == [Link(1, 0, 1, 1, 1)]


def test_what_is_stored_of_members_is_taken_from_their_positions() -> None:
    snapshot = unsettled_snapshot(gather([(1, (ANN, TABLET)), (2, (BEN, TABLET))]))
    ben, tablet = (snapshot.identifiers.index(i) for i in (BEN, TABLET))
    snapshot.contested, snapshot.super_connectors = {tablet}, {ben}
    snapshot.customer_of[ben] = "b"
    snapshot.register = [RegisteredId("b", 1, BEN, KNOWN)]

    before = settlement(snapshot, group_of(snapshot, TABLET, BEN)).before

    assert before.customer_of == [None, "b"]
    assert (before.contested, before.super_connectors) == ({0}, {1})
    assert before.register == snapshot.register


# What is settled after


def test_new_ids_are_minted_for_clusters_without_one() -> None:
    snapshot = unsettled_snapshot(gather([(1, (COOKIE, ANN)), (2, (BEN, HUB))]))

    found = settlement(snapshot, group_of(snapshot, COOKIE, ANN, BEN, HUB))

    assert found.after.customer_of == ["new-1", "new-1", "new-2", "new-2"]
    assert [(e.id, e.anchor, e.kind) for e in found.after.register] == [
        ("new-1", ANN, KNOWN),
        ("new-2", BEN, KNOWN),
    ]
    assert [(change.kind, change.customer_id) for change in found.changes] == [
        (ChangeKind.CREATED, "new-1"),
        (ChangeKind.CREATED, "new-2"),
    ]


def test_ids_that_retire_live_again_or_move_their_anchor_are_registered_so() -> None:
    snapshot = unsettled_snapshot(gather([(1, (COOKIE, TABLET)), (2, (ANN, TABLET)), (3, (BEN,))]))
    for identifier, customer in {COOKIE: "c", TABLET: "t", BEN: "t"}.items():
        snapshot.customer_of[snapshot.identifiers.index(identifier)] = customer
    snapshot.register = [
        RegisteredId("c", 2, COOKIE, ANONYMOUS),
        RegisteredId("t", 1, TABLET, ANONYMOUS),
        RegisteredId("b", 0, BEN, None, "t"),
    ]

    found = settlement(snapshot, group_of(snapshot, COOKIE, TABLET, ANN, BEN))

    assert found.after.register == [
        RegisteredId("c", 2, COOKIE, None, "t"),
        RegisteredId("t", 1, ANN, KNOWN, earlier=(TABLET,)),
        RegisteredId("b", 0, BEN, KNOWN),
    ]
    assert found.after.customer_of == ["t", "t", "t", "b"]


def test_an_anchor_may_move_while_the_kind_stays() -> None:
    snapshot = unsettled_snapshot(gather([(1, (COOKIE, TABLET))]))
    snapshot.customer_of[snapshot.identifiers.index(COOKIE)] = "c"
    snapshot.register = [RegisteredId("c", 2, COOKIE, ANONYMOUS)]

    found = settlement(snapshot, group_of(snapshot, COOKIE, TABLET))

    assert found.after.register == [RegisteredId("c", 2, TABLET, ANONYMOUS, earlier=(COOKIE,))]


def test_contested_identifiers_and_super_connectors_come_and_go() -> None:
    happened = [(1, (ANN, TABLET)), (2, (BEN, TABLET)), (3, (COOKIE,)), (4, (HUB,))]
    snapshot = unsettled_snapshot(gather(happened))
    cookie, hub = (snapshot.identifiers.index(i) for i in (COOKIE, HUB))
    snapshot.contested, snapshot.super_connectors = {cookie}, {cookie}

    after = settlement(snapshot, group_of(snapshot, TABLET, ANN, BEN, COOKIE, HUB), {hub}).after

    assert (after.contested, after.super_connectors) == ({0}, {4})


# Released super-connectors


def released(*, both_rounds: bool) -> GroupSettlement:
    """Two people who share nothing but a hub, which was a super-connector."""
    snapshot = unsettled_snapshot(gather([(1, (ANN, HUB)), (2, (COOKIE, HUB))]))
    hub = snapshot.identifiers.index(HUB)
    snapshot.super_connectors = {hub}
    names = {ANN: "a", COOKIE: "c", HUB: "h"}
    snapshot.customer_of = [names[identifier] for identifier in snapshot.identifiers]
    snapshot.register = [
        RegisteredId(customer, 1, identifier, KNOWN if identifier is ANN else ANONYMOUS)
        for identifier, customer in names.items()
    ]
    members = group_of(snapshot, ANN, COOKIE, HUB, released={hub} if both_rounds else set())
    return settlement(snapshot, members)


def test_a_released_super_connector_joins_in_the_end() -> None:
    found = released(both_rounds=True)

    assert found.after.customer_of == ["a", "a", "a"]
    assert found.after.super_connectors == frozenset()
    assert found.resolution.super_connectors == frozenset()
    assert found.changes == released(both_rounds=False).changes


def test_all_else_is_settled_before_a_super_connector_is_released() -> None:
    snapshot = unsettled_snapshot(
        gather([(1, (ANN, HUB)), (2, (COOKIE, TABLET)), (3, (TABLET, HUB))])
    )
    hub = snapshot.identifiers.index(HUB)
    snapshot.super_connectors = {hub}

    found = settlement(snapshot, group_of(snapshot, ANN, COOKIE, TABLET, HUB, released={hub}))

    assert [(change.kind, change.identifiers) for change in found.changes] == [
        (ChangeKind.CREATED, (ANN,)),
        (ChangeKind.CREATED, (COOKIE, TABLET)),
        (ChangeKind.CREATED, (HUB,)),
        (ChangeKind.MERGED, (COOKIE, TABLET)),
        (ChangeKind.MERGED, (HUB,)),
    ]


def test_an_id_that_was_there_carries_on_before_one_that_was_minted_on_the_way() -> None:
    other = Identifier("cookie", "d")
    snapshot = unsettled_snapshot(gather([(1, (COOKIE, HUB)), (2, (HUB, other))]))
    hub = snapshot.identifiers.index(HUB)
    snapshot.super_connectors = {hub}
    snapshot.customer_of[snapshot.identifiers.index(other)] = "old"
    snapshot.register = [RegisteredId("old", 1, other, ANONYMOUS)]

    found = settlement(snapshot, group_of(snapshot, COOKIE, other, HUB, released={hub}))

    assert found.after.customer_of == ["old", "old", "old"]
