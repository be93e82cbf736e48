"""Clusters under construction: what may be joined, and why not."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.judgements import Judgement, Verdict
from identity_service.domain.policies.policy import Rule, Sharing
from identity_service.domain.resolution.clusters import Clusters, Ends, Refusal, RefusalReason
from identity_service.domain.resolution.evidence import Evidence

PERSON, DEVICE = IdentifierKind.PERSON, IdentifierKind.DEVICE
OTHER = Rule(9, DEVICE, limit=1)
"""The rule of several types that are not listed."""

RULES = {
    "user": Rule(1, PERSON, limit=1),
    "mail": Rule(2, PERSON, limit=2),
    "cookie": Rule(3, DEVICE, limit=2, within=10),
    "lone": Rule(4, DEVICE, shared=Sharing.ISOLATE),
    "phone": Rule(5, DEVICE),
    "fax": None,
    "pager": OTHER,
    "beeper": OTHER,
}


def clusters_of(
    *names: str, seen: Iterable[int] = (), max_identifiers: int | None = None
) -> Clusters:
    """Identifiers `TYPE:VALUE` by position, each a cluster of its own, first seen at `seen`."""
    identifiers = [identifier(name) for name in names]
    evidence = Evidence(identifiers, list(seen) or [0] * len(names), [])
    return Clusters(evidence, [i.type for i in identifiers], RULES, max_identifiers)


def identifier(name: str) -> Identifier:
    kind, _, value = name.partition(":")
    return Identifier(kind, value)


def take(clusters: Clusters, *links: tuple[int, int]) -> dict[int, Refusal]:
    """Take links in this order; returns what was refused, by the number of the link."""
    refusals: dict[int, Refusal] = {}
    ends = Ends([a for a, _ in links], [b for _, b in links])
    clusters.take(range(len(links)), ends, refusals)
    return refusals


def judgement(verdict: Verdict, a: str, b: str, at: int = 0, name: str = "j") -> Judgement:
    return Judgement(name, verdict, identifier(a), identifier(b), at)


def partition(clusters: Clusters) -> set[frozenset[int]]:
    roots = clusters.roots()
    found = {frozenset(i for i, root in enumerate(roots) if root == each) for each in roots}
    assert all(clusters.find(i) == root for i, root in enumerate(roots))
    return found


def test_links_join_clusters_one_after_the_other() -> None:
    clusters = clusters_of("phone:1", "phone:2", "phone:3", "phone:4", "phone:5")

    refused = take(clusters, (0, 1), (2, 3), (1, 3), (0, 2))

    assert refused == {}
    assert partition(clusters) == {frozenset({0, 1, 2, 3}), frozenset({4})}


def test_a_limit_counts_the_values_of_both_clusters() -> None:
    clusters = clusters_of("mail:a", "phone:1", "mail:b", "mail:c")

    refused = take(clusters, (1, 0), (1, 2), (1, 3))

    assert refused == {2: Refusal(RefusalReason.LIMIT, "mail", (0, 2, 3))}
    assert partition(clusters) == {frozenset({0, 1, 2}), frozenset({3})}


def test_values_in_conflict_are_named_in_text_order() -> None:
    clusters = clusters_of("user:b", "user:a")

    assert take(clusters, (0, 1)) == {0: Refusal(RefusalReason.LIMIT, "user", (1, 0))}


@pytest.mark.parametrize(("last", "joined"), [(9, False), (10, True)])
def test_a_limit_within_a_window_counts_values_first_seen_in_it(last: int, *, joined: bool) -> None:
    clusters = clusters_of("cookie:1", "cookie:2", "cookie:3", seen=[0, 5, last])

    refused = take(clusters, (0, 1), (1, 2))

    assert (refused == {}) is joined


def test_a_type_that_only_one_of_the_two_holds_is_not_counted_again() -> None:
    clusters = clusters_of("user:a", "user:b", "phone:1")
    clusters.take_judgements([judgement(Verdict.SAME, "user:a", "user:b")])

    assert take(clusters, (2, 0)) == {}


def test_of_several_types_over_their_limits_the_strongest_is_named() -> None:
    clusters = clusters_of("user:a", "mail:a", "mail:b", "user:b", "mail:c")

    refused = take(clusters, (0, 1), (1, 2), (3, 4), (0, 3))

    assert refused == {3: Refusal(RefusalReason.LIMIT, "user", (0, 3))}


def test_of_types_with_one_rule_the_first_in_text_order_is_named() -> None:
    clusters = clusters_of("pager:a", "beeper:a", "pager:b", "beeper:b")

    refused = take(clusters, (0, 1), (2, 3), (0, 2))

    assert refused == {2: Refusal(RefusalReason.LIMIT, "beeper", (1, 3))}


def test_a_customer_put_over_its_limit_may_still_share_other_types() -> None:
    clusters = clusters_of("user:a", "user:b", "mail:a", "mail:b")
    clusters.take_judgements([judgement(Verdict.SAME, "user:a", "user:b")])

    assert take(clusters, (2, 0), (3, 0)) == {}


def test_a_cluster_takes_no_more_identifiers_than_a_customer_may_have() -> None:
    clusters = clusters_of("phone:1", "phone:2", "phone:3", "phone:4", "user:a", max_identifiers=3)

    refused = take(clusters, (0, 1), (2, 3), (0, 2), (1, 4), (3, 4))

    assert refused == {2: Refusal(RefusalReason.LIMIT), 4: Refusal(RefusalReason.LIMIT)}
    assert partition(clusters) == {frozenset({0, 1, 4}), frozenset({2, 3})}


def test_the_limit_of_a_type_is_named_before_the_size_of_the_customer() -> None:
    clusters = clusters_of("user:a", "user:b", max_identifiers=1)

    assert take(clusters, (0, 1)) == {0: Refusal(RefusalReason.LIMIT, "user", (0, 1))}


def test_a_judgement_joins_more_than_a_customer_may_have_and_then_nothing_else_joins() -> None:
    clusters = clusters_of("phone:1", "phone:2", "phone:3", max_identifiers=1)
    clusters.take_judgements([judgement(Verdict.SAME, "phone:1", "phone:2")])

    assert take(clusters, (1, 2)) == {0: Refusal(RefusalReason.LIMIT)}
    assert partition(clusters) == {frozenset({0, 1}), frozenset({2})}


def test_people_who_are_too_much_for_one_customer_could_not_be_one() -> None:
    clusters = clusters_of("user:a", "mail:b", "phone:1", max_identifiers=2)

    assert clusters.could_be_one([0, 1])
    take(clusters, (2, 1))
    assert not clusters.could_be_one([clusters.find(0), clusters.find(1)])


# Judgements


def test_every_judgement_that_can_hold_is_accepted() -> None:
    clusters = clusters_of("user:a", "mail:a", "user:b", "mail:b")

    accepted = clusters.take_judgements(
        [
            judgement(Verdict.SAME, "user:a", "mail:a"),
            judgement(Verdict.SAME, "user:b", "mail:b"),
        ]
    )

    assert accepted == {0, 1, 2, 3}
    assert partition(clusters) == {frozenset({0, 1}), frozenset({2, 3})}


def test_judgements_are_taken_by_time_then_by_id() -> None:
    apart = judgement(Verdict.APART, "user:a", "user:b", at=9)
    late = judgement(Verdict.SAME, "phone:1", "user:a", at=1, name="b")
    early = judgement(Verdict.SAME, "phone:1", "user:b", at=1, name="a")
    clusters = clusters_of("user:a", "user:b", "phone:1")

    accepted = clusters.take_judgements([late, apart, early])

    assert accepted == {1, 2}
    assert partition(clusters) == {frozenset({0}), frozenset({1, 2})}


def test_a_judgement_about_what_was_not_seen_is_not_taken() -> None:
    clusters = clusters_of("user:a", "user:b")

    accepted = clusters.take_judgements(
        [
            judgement(Verdict.SAME, "user:a", "user:z"),
            judgement(Verdict.SAME, "user:z", "user:b"),
            judgement(Verdict.APART, "user:z", "user:b"),
        ]
    )

    assert accepted == set()
    assert partition(clusters) == {frozenset({0}), frozenset({1})}


def test_a_judgement_that_says_what_already_holds_is_accepted() -> None:
    clusters = clusters_of("user:a", "user:b", "phone:1")

    accepted = clusters.take_judgements(
        [
            judgement(Verdict.SAME, "user:a", "user:b", at=1),
            judgement(Verdict.SAME, "user:b", "phone:1", at=2),
            judgement(Verdict.SAME, "user:a", "phone:1", at=3),
            judgement(Verdict.APART, "user:a", "phone:1", at=4),
        ]
    )

    assert accepted == {0, 1}


def test_what_was_judged_apart_stays_apart_in_clusters_that_grow() -> None:
    clusters = clusters_of("phone:1", "phone:2", "phone:3", "phone:4")
    clusters.take_judgements([judgement(Verdict.APART, "phone:1", "phone:4")])

    refused = take(clusters, (0, 1), (2, 3), (1, 2))

    assert refused == {2: Refusal(RefusalReason.APART, conflict=(0, 3))}


def test_of_several_judged_apart_the_first_pair_in_text_order_is_named() -> None:
    clusters = clusters_of("phone:3", "phone:1", "phone:4", "phone:2")
    clusters.take_judgements(
        [
            judgement(Verdict.APART, "phone:3", "phone:4"),
            judgement(Verdict.APART, "phone:2", "phone:1"),
        ]
    )

    refused = take(clusters, (0, 1), (2, 3), (0, 2))

    assert refused == {2: Refusal(RefusalReason.APART, conflict=(1, 3))}


# Persons


def test_a_cluster_has_a_person_once_a_member_is_one() -> None:
    clusters = clusters_of("user:a", "phone:1", "phone:2", "fax:1")
    take(clusters, (1, 0))

    at_user, at_phone, at_other, at_fax = clusters.persons_at([0, 1, 2, 3])

    assert at_user == at_phone == clusters.find(0)
    assert at_other is at_fax is None


def test_contested_identifiers_meet_devices_but_no_person() -> None:
    clusters = clusters_of("phone:1", "phone:2", "user:a")
    clusters.mark_contested(0)

    refused = take(clusters, (0, 1), (0, 2), (2, 1))

    assert {number: why.reason for number, why in refused.items()} == {
        1: RefusalReason.QUARANTINE,
        2: RefusalReason.QUARANTINE,
    }


@pytest.mark.parametrize("links", [((0, 1), (1, 2)), ((1, 0), (2, 1))])
def test_isolated_devices_meet_devices_but_no_person(
    links: tuple[tuple[int, int], tuple[int, int]],
) -> None:
    clusters = clusters_of("lone:1", "phone:2", "user:a")

    refused = take(clusters, *links)

    assert refused == {1: Refusal(RefusalReason.ISOLATE)}


def test_an_isolated_device_that_was_judged_the_same_as_a_person_is_its() -> None:
    clusters = clusters_of("lone:1", "mail:a", "mail:b")
    clusters.take_judgements([judgement(Verdict.SAME, "lone:1", "mail:a")])

    assert take(clusters, (0, 2)) == {}


def test_a_given_device_visits_whoever_is_not_its_owner() -> None:
    clusters = clusters_of("phone:1", "user:a", "mail:b", "phone:2")
    clusters.give(0, 1)

    refused = take(clusters, (0, 2), (0, 3), (3, 2), (0, 1), (3, 2))

    assert clusters.owner_of == {0: 1}
    visitor = Refusal(RefusalReason.VISITOR)
    assert refused == {0: visitor, 2: visitor}
    assert partition(clusters) == {frozenset({0, 1, 2, 3})}


@pytest.mark.parametrize("link", [(0, 2), (2, 0)])
def test_a_given_device_brings_nobody_to_its_owner(link: tuple[int, int]) -> None:
    clusters = clusters_of("phone:1", "user:a", "mail:b")
    clusters.give(0, 1)
    take(clusters, (0, 1))

    assert take(clusters, link) == {0: Refusal(RefusalReason.VISITOR)}


def test_two_devices_that_were_given_to_one_person_meet() -> None:
    clusters = clusters_of("phone:1", "phone:2", "user:a")
    clusters.give(0, 2)
    clusters.give(1, 2)

    assert take(clusters, (0, 2), (0, 1)) == {}
    assert partition(clusters) == {frozenset({0, 1, 2})}


def test_a_device_joins_its_owner_although_that_holds_what_was_given_to_another() -> None:
    clusters = clusters_of("mail:a", "phone:1", "phone:2", "user:u")
    clusters.give(0, 3)
    take(clusters, (1, 0))
    clusters.give(2, 1)

    assert take(clusters, (2, 1)) == {}
    assert partition(clusters) == {frozenset({0, 1, 2}), frozenset({3})}


# Whether several clusters could be one


def test_clusters_could_be_one_within_all_limits() -> None:
    clusters = clusters_of("mail:a", "mail:b", "phone:1")

    assert clusters.could_be_one([0, 1, 2])


def test_clusters_could_not_be_one_over_a_limit_that_no_two_of_them_exceed() -> None:
    clusters = clusters_of("mail:a", "mail:b", "mail:c")

    assert not clusters.could_be_one([0, 1, 2])
    assert clusters.could_be_one([0, 2])


@pytest.mark.parametrize("order", [[0, 1, 2], [0, 2, 1], [2, 1, 0]])
def test_clusters_could_not_be_one_over_a_limit_that_two_of_them_exceed(order: list[int]) -> None:
    clusters = clusters_of("user:a", "user:b", "phone:1")

    assert not clusters.could_be_one(order)


def test_clusters_could_not_be_one_if_any_two_were_judged_apart() -> None:
    clusters = clusters_of("phone:1", "phone:2", "phone:3")
    clusters.take_judgements([judgement(Verdict.APART, "phone:2", "phone:3")])

    assert not clusters.could_be_one([0, 1, 2])
    assert clusters.could_be_one([0, 1])


def test_a_cluster_over_its_limit_by_itself_could_be_one_with_others() -> None:
    clusters = clusters_of("user:a", "user:b", "phone:1")
    clusters.take_judgements([judgement(Verdict.SAME, "user:a", "user:b")])

    assert clusters.could_be_one([clusters.find(0), 2])
