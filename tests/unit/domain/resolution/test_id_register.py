"""Ids are a function of the partition and of the register."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.policies.policy import Policy, Rule
from identity_service.domain.resolution.changes import Change, ChangeKind
from identity_service.domain.resolution.id_register import (
    ChangeSet,
    CustomerKind,
    RegisteredId,
    Settled,
    change_set,
    customers_after,
    standing,
)
from identity_service.domain.resolution.resolve import Resolution

POLICY = Policy(
    {
        "user": Rule(1, IdentifierKind.PERSON),
        "mail": Rule(2, IdentifierKind.PERSON),
        "cookie": Rule(3, IdentifierKind.DEVICE),
    }
)
USER, MAIL = Identifier("user", "u"), Identifier("mail", "m")
COOKIE, OTHER = Identifier("cookie", "c"), Identifier("cookie", "d")

KNOWN, ANONYMOUS = CustomerKind.KNOWN, CustomerKind.ANONYMOUS


def stored(
    clusters: Sequence[tuple[Identifier, ...]],
    before: Mapping[Identifier, str] | None = None,
    register: Iterable[RegisteredId] = (),
) -> Settled:
    """What is stored of the identifiers of these clusters."""
    identifiers = [identifier for cluster in clusters for identifier in cluster]
    return Settled(
        identifiers=identifiers,
        customer_of=[(before or {}).get(identifier) for identifier in identifiers],
        contested=frozenset(),
        super_connectors=frozenset(),
        register=list(register),
    )


def resolved(
    clusters: Sequence[tuple[Identifier, ...]], contested: Iterable[Identifier] = ()
) -> Resolution:
    """A resolution into these clusters."""
    identifiers = [identifier for cluster in clusters for identifier in cluster]
    return Resolution(
        cluster_of=[n for n, cluster in enumerate(clusters) for _ in cluster],
        contested=frozenset(identifiers.index(i) for i in contested),
        super_connectors=frozenset(),
        given={},
        refusals={},
        taken=[],
    )


def settle(
    clusters: Sequence[tuple[Identifier, ...]],
    *,
    before: Mapping[Identifier, str] | None = None,
    register: Iterable[RegisteredId] = (),
    contested: Iterable[Identifier] = (),
) -> ChangeSet:
    """What is to be written so that these are the customers."""
    return change_set(
        stored(clusters, before, register), resolved(clusters, contested), POLICY, lambda: "new"
    )


def alive(name: str, minted_at: int, anchor: Identifier) -> RegisteredId:
    kind = ANONYMOUS if anchor.type == "cookie" else KNOWN
    return RegisteredId(name, minted_at, anchor, kind)


def test_a_cluster_without_an_id_mints_one_at_its_strongest_identifier() -> None:
    found = settle([(COOKIE, USER, MAIL)])

    assert found.minted == [("new", KNOWN)]
    assert found.anchors == [("new", 1)]
    assert found.moves == [(0, None, "new"), (1, None, "new"), (2, None, "new")]


def test_customers_after_a_resolution_are_those_of_the_register_or_not_minted_yet() -> None:
    clusters = [(USER, COOKIE), (MAIL,), (OTHER,)]
    register = [alive("u", 1, USER), alive("c", 2, COOKIE), alive("o", 3, OTHER)]
    before = {USER: "u", COOKIE: "c", OTHER: "o"}

    after = customers_after(stored(clusters, before, register), resolved(clusters), POLICY)

    assert after == ["u", "u", None, "o"]


def test_the_strongest_anchor_carries_on_although_another_id_is_older() -> None:
    found = settle(
        [(COOKIE, USER)],
        before={COOKIE: "old", USER: "known"},
        register=[alive("old", 1, COOKIE), alive("known", 2, USER)],
    )

    assert found.retired == [("old", "known")]
    assert found.moves == [(0, "old", "known")]
    assert found.changes == [Change(ChangeKind.MERGED, "known", "old", (COOKIE,))]


def test_of_anchors_of_one_strength_the_oldest_id_carries_on() -> None:
    found = settle(
        [(COOKIE, OTHER)],
        before={COOKIE: "b", OTHER: "a"},
        register=[alive("b", 1, COOKIE), alive("a", 2, OTHER)],
    )

    assert found.retired == [("a", "b")]


def test_of_ids_minted_at_one_time_the_first_in_text_order_carries_on() -> None:
    found = settle(
        [(COOKIE, OTHER)],
        before={COOKIE: "b", OTHER: "a"},
        register=[alive("b", 1, COOKIE), alive("a", 1, OTHER)],
    )

    assert found.retired == [("b", "a")]


def test_an_id_that_stands_nowhere_is_kept_at_the_strongest_identifier_left() -> None:
    found = settle(
        [(COOKIE, MAIL)], before={COOKIE: "u", MAIL: "u"}, register=[alive("u", 1, USER)]
    )

    assert (found.reserves, found.anchors) == ([("u", 1)], [])
    assert found.minted == found.retired == found.moves == []


def test_an_id_in_reserve_is_as_strong_as_the_identifier_at_which_it_stands() -> None:
    found = settle(
        [(COOKIE, MAIL)],
        before={COOKIE: "u", MAIL: "m"},
        register=[alive("u", 1, USER), alive("m", 2, MAIL)],
    )

    assert found.reserves == [("u", 0)]
    assert found.retired == [("u", "m")]


def test_an_identifier_with_a_younger_id_is_no_reserve() -> None:
    found = settle(
        [(MAIL,), (COOKIE,)],
        before={MAIL: "u", COOKIE: "u"},
        register=[alive("u", 1, USER), RegisteredId("m", 2, MAIL, None, "u")],
    )

    assert found.reserves == [("u", 1)]
    assert found.revived == [("m", KNOWN)]


def test_an_identifier_of_another_customer_is_no_reserve() -> None:
    found = settle(
        [(MAIL,), (COOKIE,)],
        before={MAIL: "u", COOKIE: "c"},
        register=[alive("u", 1, USER), alive("c", 2, COOKIE)],
    )

    assert (found.reserves, found.moves) == ([("u", 0)], [])


def test_an_id_of_which_nothing_is_left_forwards_to_nobody() -> None:
    found = settle([(COOKIE,)], before={COOKIE: "c"}, register=[alive("u", 1, USER)])

    assert ("u", None) in found.retired


def test_an_anchor_that_comes_back_becomes_the_anchor_again() -> None:
    found = settle(
        [(COOKIE, USER)],
        before={COOKIE: "u"},
        register=[replace(alive("u", 1, COOKIE), earlier=(USER,))],
    )

    assert (found.anchors, found.minted) == ([("u", 1)], [])


def test_the_anchor_moves_to_a_stronger_identifier_that_had_no_customer() -> None:
    found = settle([(COOKIE, USER)], before={COOKIE: "c"}, register=[alive("c", 1, COOKIE)])

    assert found.anchors == [("c", 1)]
    assert found.kinds == [("c", KNOWN)]


def test_the_anchor_stays_when_the_newcomer_is_weaker() -> None:
    found = settle([(USER, COOKIE)], before={USER: "c"}, register=[alive("c", 1, USER)])

    assert found.anchors == []


def test_the_anchor_stays_when_the_newcomer_is_as_strong() -> None:
    found = settle([(OTHER, COOKIE)], before={OTHER: "c"}, register=[alive("c", 1, OTHER)])

    assert found.anchors == []


def test_the_anchor_stays_when_the_stronger_one_belonged_to_the_customer_already() -> None:
    found = settle(
        [(COOKIE, USER)], before={COOKIE: "c", USER: "c"}, register=[alive("c", 1, COOKIE)]
    )

    assert found.anchors == []


def test_of_several_stronger_newcomers_the_strongest_becomes_the_anchor() -> None:
    found = settle([(COOKIE, MAIL, USER)], before={COOKIE: "c"}, register=[alive("c", 1, COOKIE)])

    assert found.anchors == [("c", 2)]


def test_a_retired_id_lives_again_where_its_anchor_is_alone() -> None:
    found = settle(
        [(USER,), (MAIL,)],
        before={USER: "u", MAIL: "u"},
        register=[alive("u", 1, USER), RegisteredId("m", 2, MAIL, None, "u")],
    )

    assert found.revived == [("m", KNOWN)]
    assert found.moves == [(1, "u", "m")]
    assert found.minted == found.retired == []


def test_a_retired_id_forwards_to_whoever_its_anchor_belongs_to_now() -> None:
    found = settle(
        [(USER, MAIL)],
        before={USER: "u", MAIL: "u"},
        register=[alive("u", 1, USER), RegisteredId("m", 2, MAIL, None, "elsewhere")],
    )

    assert found.retired == [("m", "u")]
    assert found.changes == []


def test_a_customer_with_a_contested_identifier_is_quarantined() -> None:
    found = settle([(COOKIE, OTHER)], contested=[OTHER])

    assert found.minted == [("new", CustomerKind.QUARANTINED)]
    assert found.contested == [1]


def test_settling_what_is_settled_finds_nothing_to_write() -> None:
    register = [alive("u", 1, USER), RegisteredId("c", 0, COOKIE, None, "u")]

    found = settle([(USER, COOKIE)], before={USER: "u", COOKIE: "u"}, register=register)

    assert found == ChangeSet()


def test_what_becomes_contested_is_told_with_the_customer_that_holds_it_now() -> None:
    found = settle(
        [(COOKIE,), (OTHER, USER)],
        before={COOKIE: "c", OTHER: "c", USER: "u"},
        register=[alive("c", 1, COOKIE), alive("u", 2, USER)],
        contested=[COOKIE, OTHER],
    )

    assert [
        (change.customer_id, change.identifiers)
        for change in found.changes
        if change.kind is ChangeKind.QUARANTINED
    ] == [("c", (COOKIE,)), ("u", (OTHER,))]


def test_what_is_contested_in_a_new_customer_is_told_with_that() -> None:
    found = settle([(COOKIE, OTHER)], contested=[OTHER])

    assert [(change.kind, change.customer_id) for change in found.changes] == [
        (ChangeKind.CREATED, "new"),
        (ChangeKind.QUARANTINED, "new"),
    ]


# Anchors that an id left


def standing_at(register: list[RegisteredId], *blocked: Identifier) -> dict[str, Identifier]:
    """Where each id stands while some identifiers are blocked."""
    return {entry.id: entry.anchor for entry in standing(register, lambda i: i not in blocked)}


SIGNED_UP = RegisteredId("s", 1, USER, KNOWN, earlier=(MAIL, COOKIE))


def test_an_id_stands_at_its_anchor_while_that_is_not_blocked() -> None:
    assert standing_at([SIGNED_UP]) == standing_at([SIGNED_UP], MAIL, COOKIE) == {"s": USER}


def test_an_id_falls_back_to_the_anchor_that_it_left_last() -> None:
    assert standing_at([SIGNED_UP], USER) == {"s": MAIL}
    assert standing_at([SIGNED_UP], USER, MAIL) == {"s": COOKIE}


def test_an_id_that_can_fall_back_nowhere_keeps_its_anchor() -> None:
    assert standing_at([SIGNED_UP], USER, MAIL, COOKIE) == {"s": USER}
    assert standing_at([alive("u", 1, USER)], USER) == {"u": USER}


def test_an_anchor_that_a_younger_id_took_over_is_lost_to_the_one_that_left_it() -> None:
    taken = alive("t", 2, MAIL)
    moved_on = RegisteredId("t", 2, OTHER, ANONYMOUS, earlier=(MAIL,))

    assert standing_at([SIGNED_UP, taken], USER) == {"s": COOKIE, "t": MAIL}
    assert standing_at([SIGNED_UP, moved_on], USER) == {"s": COOKIE, "t": OTHER}


def test_an_older_id_at_an_anchor_does_not_keep_the_one_that_left_it_from_falling_back() -> None:
    assert standing_at([SIGNED_UP, alive("o", 0, MAIL)], USER) == {"s": MAIL, "o": MAIL}


def test_a_customer_keeps_its_id_when_the_anchor_is_blocked_that_it_got_by_signing_up() -> None:
    signed_up = RegisteredId("c", 1, USER, KNOWN, earlier=(COOKIE,))
    [placed] = standing([signed_up], lambda i: i != USER)

    found = settle([(COOKIE,)], before={COOKIE: "c"}, register=[placed])

    assert found.kinds == [("c", ANONYMOUS)]
    assert found.minted == found.retired == found.moves == found.anchors == []


def test_an_id_whose_anchor_no_event_carries_gets_the_anchor_that_it_left_last() -> None:
    gone = replace(alive("u", 1, USER), earlier=(COOKIE, OTHER))
    clusters = [(MAIL,), (COOKIE,)]
    before = stored(clusters, {MAIL: "u", COOKIE: "u"}, [gone])

    found = change_set(
        replace(before, unseen=frozenset({USER})), resolved(clusters), POLICY, lambda: "new"
    )

    assert found.anchors == [("new", 0), ("u", 1)]
    assert (found.reserves, found.retired) == ([], [])


def test_without_one_it_gets_the_strongest_identifier_that_is_left() -> None:
    clusters = [(COOKIE, MAIL)]
    before = stored(clusters, {MAIL: "u", COOKIE: "u"}, [alive("u", 1, USER)])

    found = change_set(
        replace(before, unseen=frozenset({USER})), resolved(clusters), POLICY, lambda: "new"
    )

    assert (found.anchors, found.minted, found.reserves) == ([("u", 1)], [], [])


def test_an_id_of_which_nothing_is_left_that_an_event_carries_is_nobodys() -> None:
    clusters = [(COOKIE,)]
    before = stored(clusters, {COOKIE: "c"}, [alive("c", 2, COOKIE), alive("u", 1, USER)])

    found = change_set(
        replace(before, unseen=frozenset({USER})), resolved(clusters), POLICY, lambda: "new"
    )

    assert found.retired == [("u", None)]


def test_an_id_whose_anchor_no_event_carries_moves_to_a_stronger_newcomer() -> None:
    clusters = [(COOKIE, MAIL)]
    before = stored(clusters, {COOKIE: "u"}, [alive("u", 1, USER)])

    found = change_set(
        replace(before, unseen=frozenset({USER})), resolved(clusters), POLICY, lambda: "new"
    )

    assert found.anchors == [("u", 1)]


def test_an_id_that_leaves_an_anchor_which_nothing_carries_is_to_return_to_it() -> None:
    clusters = [(MAIL,)]
    before = stored(clusters, {MAIL: "c"}, [alive("c", 1, COOKIE)])

    found = change_set(
        replace(before, unseen=frozenset({COOKIE})), resolved(clusters), POLICY, lambda: "new"
    )

    assert (found.anchors, found.unanchored) == ([("c", 0)], {"c": True})


def test_an_id_returns_to_an_anchor_that_an_event_carries_again() -> None:
    clusters = [(MAIL, COOKIE)]
    before = stored(clusters, {MAIL: "c"}, [alive("c", 1, MAIL)])

    found = change_set(
        replace(before, returned={"c": COOKIE}), resolved(clusters), POLICY, lambda: "new"
    )

    assert (found.anchors, found.unanchored) == ([("c", 1)], {"c": False})


def test_an_id_stays_where_its_former_anchor_is_not_among_what_is_settled() -> None:
    clusters = [(MAIL,)]
    before = stored(clusters, {MAIL: "c"}, [alive("c", 1, MAIL)])

    found = change_set(
        replace(before, returned={"c": COOKIE}), resolved(clusters), POLICY, lambda: "new"
    )

    assert (found.anchors, found.unanchored) == ([], {})
