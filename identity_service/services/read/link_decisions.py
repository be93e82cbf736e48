"""What was decided on the stored links of a component. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from identity_service.domain.explain.explanation import (
    Decision,
    describe_decision,
    describe_super_connectors,
)
from identity_service.domain.identifiers import Identifier
from identity_service.domain.policies.policy import Policy
from identity_service.domain.recorded import DecidedLink, SeenIdentifier
from identity_service.graph.links import LinkRow
from identity_service.services.read.live import Component
from identity_service.services.read.presenters import link_decision, seen_identifier


class DecidedRow(NamedTuple):
    """A stored link, and what was decided on it."""

    link: LinkRow
    decision: Decision


def decided_rows(
    links: Sequence[LinkRow], component: Component, policy: Policy
) -> list[DecidedRow]:
    """Each link with its decision, without those that came after the component was loaded."""
    numbers = component.link_numbers()
    decided: list[DecidedRow] = []
    for link in links:
        number = numbers.get(frozenset((link.a.identifier, link.b.identifier)))
        # The component ends at super-connectors: of their links it has those of its identifiers.
        super_connectors = [end.identifier for end in (link.a, link.b) if end.super_connector]
        if number is not None:
            decision = describe_decision(number, component.evidence, component.resolution, policy)
            decided.append(DecidedRow(link, decision))
        elif super_connectors:
            decided.append(DecidedRow(link, describe_super_connectors(super_connectors)))
    return decided


def decided_link(
    row: DecidedRow, conflicts: Mapping[Identifier, SeenIdentifier], policy: Policy
) -> DecidedLink:
    """A link as it is answered; `conflicts` holds the identifiers that decisions name."""
    link, decision = row
    named = [conflicts[i] for i in decision.conflict if i in conflicts]
    return DecidedLink(
        a=seen_identifier(link.a, policy),
        b=seen_identifier(link.b, policy),
        first_seen=link.first_seen,
        last_seen=link.last_seen,
        times_seen=link.times_seen,
        sources=link.sources,
        decision=link_decision(decision, named),
    )
