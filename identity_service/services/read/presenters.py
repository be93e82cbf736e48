"""Identifiers and decisions as they are shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from identity_service.domain.explain.explanation import Decision
from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.policies.policy import Policy
from identity_service.domain.recorded import LinkDecision, SeenIdentifier
from identity_service.domain.resolution.resolve import strength
from identity_service.graph.customers import IdentifierRow


def seen_identifier(row: IdentifierRow, policy: Policy) -> SeenIdentifier:
    """One identifier."""
    return SeenIdentifier._make((*row, _kind_of_type(row[1], policy)))


def strongest_first(rows: Sequence[IdentifierRow], policy: Policy) -> list[SeenIdentifier]:
    """Many, the strongest first."""
    # On the way of every answer: a rule is looked up once a type, not once an identifier.
    types = {row[1] for row in rows}
    priority = {name: strength(Identifier(name, ""), policy)[0] for name in types}
    kind = {name: _kind_of_type(name, policy) for name in types}
    ordered = sorted(rows, key=lambda row: (priority[row[1]], row[1], row[2]))
    return [SeenIdentifier._make((*row, kind[row[1]])) for row in ordered]


def shown_decision(decision: Decision, conflict: Iterable[SeenIdentifier]) -> LinkDecision:
    """What was decided on a link; `conflict` are the identifiers that it names."""
    return LinkDecision(
        joined=decision.joined,
        message=decision.message,
        reason=decision.reason,
        type=decision.type,
        conflict=list(conflict),
    )


def _kind_of_type(identifier_type: str, policy: Policy) -> IdentifierKind:
    rule = policy.rule_of(identifier_type)
    return rule.kind if rule else IdentifierKind.DEVICE
