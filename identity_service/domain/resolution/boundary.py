"""When a subgraph may end at a contested identifier or a super-connector.

Without these rules a busy shared device would make every event load everybody who ever used it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import dropwhile

from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.policies.policy import Policy, Sharing
from identity_service.domain.resolution.evidence import Link
from identity_service.domain.resolution.resolve import Resolution
from identity_service.domain.resolution.subgraph import (
    MAX_CO_MEMBERS,
    NewEvidence,
    ResolutionInput,
    Subgraph,
)


def boundary_is_stable(subgraph: Subgraph, new: NewEvidence, policy: Policy) -> bool:
    """Whether every boundary node keeps its state, however the subgraph is resolved.

    A super-connector stays one, since evidence only grows. A contested identifier stays
    contested when more owners than its type allows lie outside the subgraph, no judgement names
    it, and it does not become a super-connector. An identifier of the new evidence is not
    outside, also where it is a boundary node: another person may speak for it from now on.
    """
    touched = (*subgraph.interior, *new.identifiers)
    inside = {node.customer for i in touched if (node := subgraph.nodes.get(i))}
    for identifier, node in subgraph.boundary.items():
        if node.judged:
            return False
        if node.super_connector:
            continue
        rule = policy.rule_of(identifier.type)
        if rule is None or rule.shared is not Sharing.QUARANTINE:
            return False
        if node.co_members >= MAX_CO_MEMBERS or len(node.owners - inside) <= rule.owners:
            return False
        if rule.max_links is not None:
            added = sum(
                1 for pair in new.links if identifier in pair and pair not in subgraph.links
            )
            if node.degree + added > rule.max_links:
                return False
    return True


def boundary_unchanged(
    subgraph: Subgraph, resolved: ResolutionInput, resolution: Resolution, policy: Policy
) -> bool:
    """Whether the customers of all contested boundary nodes leave everything outside unchanged.

    They do when each holds what it held before. It may also have gained devices of the subgraph,
    if those joined after everything that it held before: whatever else tried to join it then met
    the same customer as before, or was refused and would be refused by a larger one too.
    `resolved` is what `resolution` was computed from.
    """
    evidence, settled = resolved.evidence, resolved.settled
    members: dict[int, set[int]] = {}
    for position, root in enumerate(resolution.cluster_of):
        members.setdefault(root, set()).add(position)
    stored: dict[str | None, set[int]] = {}
    for position, customer in enumerate(settled.customer_of):
        stored.setdefault(customer, set()).add(position)
    contested = {i for i, node in subgraph.boundary.items() if not node.super_connector}
    for position, identifier in enumerate(evidence.identifiers):
        if identifier not in contested:
            continue
        customer = settled.customer_of[position]
        now, before = members[resolution.cluster_of[position]], stored[customer]
        if customer is None or not now >= before:
            return False
        joined = now - before
        if joined and not (
            _is_device(identifier, policy)
            and not any(subgraph.is_outside(evidence.identifiers[i]) for i in joined)
            and _joined_last(joined, before, evidence.links, resolution)
        ):
            return False
    return True


def _is_device(identifier: Identifier, policy: Policy) -> bool:
    rule = policy.rule_of(identifier.type)
    return rule is not None and rule.kind is IdentifierKind.DEVICE


def _joined_last(
    joined: set[int], before: set[int], links: Sequence[Link], resolution: Resolution
) -> bool:
    """Whether all links inside the old customer were taken before any link that extended it."""

    def extends(link: Link) -> bool:
        return (link.a in before and link.b in joined) or (link.b in before and link.a in joined)

    taken = (links[number] for number in resolution.taken)
    since_extended = dropwhile(lambda link: not extends(link), taken)
    return not any(link.a in before and link.b in before for link in since_extended)
