"""Deciding links: those that join their identifiers before or after, but not both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from identity_service.domain.explain.explanation import Decision, describe_decision
from identity_service.domain.identifiers import Identifier
from identity_service.domain.policies.policy import Policy
from identity_service.domain.preview.group_settlement import GroupSettlement
from identity_service.domain.preview.partition import Group
from identity_service.domain.preview.report import MAX_DECIDING, DecidingLink
from identity_service.domain.preview.snapshot import Snapshot
from identity_service.domain.resolution.resolve import strength


def decided_otherwise(
    settlement: GroupSettlement, policy: Policy
) -> Iterator[tuple[str | None, DecidingLink]]:
    """Links between members that join now and did not, or did and do not.

    Each with the customer that holds its first end after.
    """
    evidence = settlement.evidence
    before, after = settlement.before.customer_of, settlement.after.customer_of
    size = len(before)
    for number, link in enumerate(evidence.links):
        if link.a >= size or link.b >= size:
            continue  # to a super-connector of another group, before as after
        joined = before[link.a] is not None and before[link.a] == before[link.b]
        joins = after[link.a] == after[link.b]
        if joined != joins:
            a, b = evidence.identifiers[link.a], evidence.identifiers[link.b]
            decision = describe_decision(number, evidence, settlement.resolution, policy)
            yield after[link.a], DecidingLink(a, b, *link[2:5], decision)


def lost_to_blocking(group: Group, snapshot: Snapshot) -> Iterator[tuple[str, DecidingLink]]:
    """Links inside one customer of which the policy withholds an end.

    Each with that customer.
    """
    links, customer_of, named = snapshot.links, snapshot.customer_of, snapshot.identifiers
    withheld = set(group.withheld)
    for number in group.withheld_links:
        ends = links.a[number], links.b[number]
        customer = customer_of[ends[0]]
        if customer is not None and customer == customer_of[ends[1]]:
            blocked = sorted(named[i] for i in withheld.intersection(ends))
            message = f"Joins nothing: the policy blocks {' and '.join(map(str, blocked))}."
            yield (
                customer,
                DecidingLink(
                    named[ends[0]],
                    named[ends[1]],
                    links.first_seen[number],
                    links.last_seen[number],
                    links.times_seen[number],
                    Decision(joined=False, message=message),
                ),
            )


def strongest_links(links: Iterable[DecidingLink], policy: Policy) -> tuple[DecidingLink, ...]:
    """At most MAX_DECIDING links.

    By the priority of the weaker end, then of the stronger, then by the pair in text order.
    """

    def key(link: DecidingLink) -> tuple[float, float, list[Identifier]]:
        a, b = strength(link.a, policy)[0], strength(link.b, policy)[0]
        return (max(a, b), min(a, b), sorted((link.a, link.b)))

    return tuple(sorted(links, key=key)[:MAX_DECIDING])
