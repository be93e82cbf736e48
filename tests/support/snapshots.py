"""Snapshots of spaces that were never stored, and what a policy would change in them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import Judgement
from identity_service.domain.policies.policy import Policy
from identity_service.domain.policies.value_rules import ValueRules, WithheldValue
from identity_service.domain.preview.preview import PreviewRun
from identity_service.domain.preview.report import Preview
from identity_service.domain.preview.snapshot import Snapshot
from identity_service.domain.resolution.changes import Change
from identity_service.domain.resolution.evidence import Evidence, gather
from identity_service.domain.resolution.id_register import RegisteredId, Settled, change_set
from identity_service.domain.resolution.resolve import resolve
from tests.support.worlds import Event


def observed(events: Iterable[Event], policy: Policy, judged: Iterable[Judgement] = ()) -> Evidence:
    """The evidence of events as a policy lets it through."""
    values = ValueRules(policy)

    def withheld(identifier: Identifier) -> bool:
        return isinstance(values.identifier(identifier), WithheldValue)

    return gather(
        ((at, (i for i in identifiers if not withheld(i))) for at, identifiers in events),
        list(judged),
    )


def settled_snapshot(
    events: Iterable[Event], policy: Policy, judged: Iterable[Judgement] = ()
) -> Snapshot:
    """A space of which all was settled at once. Its customers are `c1`, `c2`, …"""
    events, ids = list(events), count(1)
    evidence = observed(events, policy, judged)
    resolution = resolve(evidence, policy)
    nothing = Settled(
        evidence.identifiers, [None] * len(evidence.identifiers), frozenset(), frozenset(), []
    )
    found = change_set(nothing, resolution, policy, lambda: f"c{next(ids)}")
    customer_of = {evidence.identifiers[i]: customer for i, _, customer in found.moves}
    snapshot = unsettled_snapshot(gather(events, list(judged)))
    snapshot.customer_of = [customer_of.get(identifier) for identifier in snapshot.identifiers]
    position = {identifier: i for i, identifier in enumerate(snapshot.identifiers)}
    snapshot.contested = {position[evidence.identifiers[i]] for i in found.contested}
    snapshot.super_connectors = {position[evidence.identifiers[i]] for i in found.super_connectors}
    anchors = dict(found.anchors)
    for minted_at, (customer, kind) in enumerate(found.minted):
        anchor = evidence.identifiers[anchors[customer]]
        snapshot.register.append(RegisteredId(customer, minted_at, anchor, kind))
        snapshot.anchors.append(position[anchor])
    return snapshot


def unsettled_snapshot(evidence: Evidence) -> Snapshot:
    """A space that holds evidence and no customer."""
    snapshot = Snapshot(
        identifiers=list(evidence.identifiers),
        customer_of=[None] * len(evidence.identifiers),
        judgements=list(evidence.judgements),
    )
    snapshot.first_seen.extend(evidence.first_seen)
    for link in evidence.links:
        snapshot.links.append(link)
    return snapshot


def previewed(snapshot: Snapshot, policy: Policy) -> tuple[Preview, list[Change]]:
    """What a policy would change, and the changes that the ledger would hold."""
    run = PreviewRun(snapshot, policy, ValueRules(policy))
    changes = [change for group in run.groups for change in run.compare(group)]
    return run.result(), changes
