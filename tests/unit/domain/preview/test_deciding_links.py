"""The links that decide a difference."""

from __future__ import annotations

import pytest

from identity_service.domain.explain.explanation import Decision
from identity_service.domain.identifiers import Identifier, IdentifierKind, parse_identifier
from identity_service.domain.policies.policy import Policy, Rule
from identity_service.domain.preview import deciding_links
from identity_service.domain.preview.deciding_links import (
    decided_otherwise,
    lost_to_blocking,
    strongest_links,
)
from identity_service.domain.preview.group_settlement import GroupSettlement
from identity_service.domain.preview.partition import Group
from identity_service.domain.preview.report import DecidingLink
from identity_service.domain.preview.snapshot import Snapshot
from identity_service.domain.resolution.evidence import Evidence, Link
from identity_service.domain.resolution.id_register import Settled
from identity_service.domain.resolution.resolve import BoundaryState, resolve

POLICY = Policy(
    {
        "user": Rule(1, IdentifierKind.PERSON, limit=1),
        "mail": Rule(2, IdentifierKind.PERSON),
        "cookie": Rule(3, IdentifierKind.DEVICE),
    }
)
ANN, BEN = Identifier("user", "ann"), Identifier("user", "ben")
COOKIE, HUB = Identifier("cookie", "c"), Identifier("cookie", "hub")


def settlement(
    links: list[Link], before: list[str | None], after: list[str | None]
) -> GroupSettlement:
    """Ann, Ben and a cookie at 0, 1 and 2, and a super-connector of another group at 3."""
    evidence = Evidence([ANN, BEN, COOKIE, HUB], [0, 0, 0, 0], links)
    resolution = resolve(evidence, POLICY, BoundaryState(super_connectors=frozenset({3})))
    stored, policy_made = (
        Settled([ANN, BEN, COOKIE], customers, frozenset(), frozenset(), [])
        for customers in (before, after)
    )
    return GroupSettlement(stored, policy_made, evidence, resolution, [])


def test_a_link_decides_when_it_joins_before_or_after_only() -> None:
    joins, joined = Link(0, 2, 1, 2, 3), Link(1, 2, 4, 5, 6)
    found = settlement([joins, joined], before=["a", "b", "b"], after=["a", "b", "a"])

    [(by_first, first), (by_second, second)] = decided_otherwise(found, POLICY)

    assert (by_first, by_second) == ("a", "b")
    assert first == DecidingLink(
        ANN, COOKIE, 1, 2, 3,
        Decision(joined=True, message="One customer: they were seen together 3 times."),
    )  # fmt: skip
    assert (second.a, second.b, second.first_seen) == (BEN, COOKIE, 4)
    assert not second.decision.joined


def test_a_link_that_joins_before_and_after_or_never_decides_nothing() -> None:
    found = settlement([Link(0, 2, 1, 1, 1), Link(1, 2, 1, 1, 1)], ["a", "b", "a"], ["x", "b", "x"])

    assert list(decided_otherwise(found, POLICY)) == []


def test_identifiers_without_a_customer_were_not_joined() -> None:
    found = settlement([Link(0, 2, 1, 1, 1)], [None, "b", None], ["a", "b", "a"])

    assert [customer for customer, _ in decided_otherwise(found, POLICY)] == ["a"]


def test_a_link_to_a_super_connector_of_another_group_decides_nothing() -> None:
    found = settlement(
        [Link(3, 0, 1, 1, 1), Link(1, 3, 1, 1, 1), Link(0, 2, 1, 1, 1)],
        [None, "b", None],
        ["a", "b", "a"],
    )

    assert [link.b for _, link in decided_otherwise(found, POLICY)] == [COOKIE]


# Blocked values


def blocked(customer_of: list[str | None], withheld: list[int]) -> list[tuple[str, DecidingLink]]:
    snapshot = Snapshot(identifiers=[ANN, COOKIE, HUB], customer_of=customer_of)
    snapshot.links.append(Link(0, 1, 1, 1, 1))
    snapshot.links.append(Link(2, 1, 4, 5, 6))
    group = Group(withheld=withheld, withheld_links=[1])
    return list(lost_to_blocking(group, snapshot))


def test_a_link_inside_a_customer_is_lost_when_an_end_is_blocked() -> None:
    message = "Joins nothing: the policy blocks cookie:hub."

    assert blocked([None, "c", "c"], [2]) == [
        ("c", DecidingLink(HUB, COOKIE, 4, 5, 6, Decision(joined=False, message=message)))
    ]


def test_a_lost_link_names_both_ends_in_text_order_when_both_are_blocked() -> None:
    [(_, link)] = blocked([None, "c", "c"], [0, 1, 2])

    assert link.decision.message == ("Joins nothing: the policy blocks cookie:c and cookie:hub.")


@pytest.mark.parametrize("customer_of", [["c", "c", "d"], ["c", None, None]])
def test_a_link_that_joined_nothing_is_not_lost(customer_of: list[str | None]) -> None:
    assert blocked(customer_of, [2]) == []


# The strongest


def link(a: str, b: str) -> DecidingLink:
    ends = parse_identifier(a), parse_identifier(b)
    return DecidingLink(*ends, 0, 0, 0, Decision(joined=True, message=""))


def test_links_are_sorted_by_the_weaker_end_then_the_stronger_then_the_pair() -> None:
    in_order = [
        link("mail:z", "user:a"),
        link("mail:x", "mail:y"),
        link("user:z", "cookie:a"),
        link("cookie:b", "user:a"),
        link("mail:a", "cookie:a"),
        link("fax:1", "user:a"),
    ]

    assert strongest_links(reversed(in_order), POLICY) == tuple(in_order)


def test_only_the_strongest_links_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding_links, "MAX_DECIDING", 1)
    weak, strong = link("cookie:a", "user:a"), link("mail:a", "user:a")

    assert strongest_links([weak, strong], POLICY) == (strong,)
