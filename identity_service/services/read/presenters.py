"""Records of the graph as they are answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Final

import orjson

from identity_service.domain.explain.explanation import Decision
from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.policies.policy import Policy
from identity_service.domain.recorded import LinkDecision, SeenIdentifier
from identity_service.domain.resolution.resolve import strength
from identity_service.domain.traits import merge_account
from identity_service.graph.customers import AccountRow, IdentifierRow
from identity_service.services.read.view import Account, Degree, SourceOfLinks

DAY_MS: Final = 86_400_000
"""Milliseconds."""


def seen_identifier(row: IdentifierRow, policy: Policy) -> SeenIdentifier:
    """One identifier."""
    return SeenIdentifier(*row, kind=identifier_kind(row.type, policy))


def strongest_first(rows: Sequence[IdentifierRow], policy: Policy) -> list[SeenIdentifier]:
    """Identifiers, the strongest first."""
    # On the way of every answer: a rule is looked up once a type, not once an identifier.
    types = {row.type for row in rows}
    priority = {name: strength(Identifier(name, ""), policy)[0] for name in types}
    kind = {name: identifier_kind(name, policy) for name in types}
    ordered = sorted(rows, key=lambda row: (priority[row.type], row.type, row.value))
    return [SeenIdentifier(*row, kind[row.type]) for row in ordered]


def identifier_kind(identifier_type: str, policy: Policy) -> IdentifierKind:
    """What identifiers of a type name: a device unless the policy says that it is a person."""
    rule = policy.rule_of(identifier_type)
    return rule.kind if rule else IdentifierKind.DEVICE


def link_decision(decision: Decision, conflict: Iterable[SeenIdentifier]) -> LinkDecision:
    """What was decided on a link; `conflict` are the identifiers that the decision names."""
    return LinkDecision(
        joined=decision.joined,
        message=decision.message,
        reason=decision.reason,
        type=decision.type,
        conflict=list(conflict),
    )


def account(row: AccountRow) -> Account:
    """An account with the newest value of each of its traits."""
    sets = ((sent_at, orjson.loads(traits_json)) for sent_at, traits_json in row.traits)
    return Account(row.account_id, merge_account(sets))


def degrees(new_links: Iterable[Sequence[int]], first: int) -> list[Degree]:
    """The last `first` degrees, from [days since 1970, new links] in the order of the days."""
    link_count = 0
    found: list[Degree] = []
    for day, links in new_links:
        link_count += links
        found.append(Degree(day * DAY_MS, link_count))
    return found[-first:] if first else []


def sources_of_links(new_links: Iterable[tuple[str, int, int]], first: int) -> list[SourceOfLinks]:
    """The `first` sources with the most links, from (source, days since 1970, new links) in the
    order of the days.
    """
    by_source: dict[str, list[tuple[int, int]]] = {}
    for source, day, links in new_links:
        by_source.setdefault(source, []).append((day, links))
    found = [
        SourceOfLinks(
            source,
            link_count=sum(links for _, links in days),
            since=days[0][0] * DAY_MS,
            peak=max(days, key=itemgetter(1))[0] * DAY_MS,
        )
        for source, days in by_source.items()
    ]
    return sorted(found, key=lambda each: (-each.link_count, each.source))[:first]
