"""What a policy makes of one group of a snapshot: as its rollout would settle it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from identity_service.domain.ids import MintId
from identity_service.domain.policies.policy import Policy
from identity_service.domain.preview.partition import Group
from identity_service.domain.preview.snapshot import Snapshot
from identity_service.domain.resolution.changes import Change
from identity_service.domain.resolution.evidence import Evidence, Link
from identity_service.domain.resolution.id_register import (
    Settled,
    applied,
    change_set,
)
from identity_service.domain.resolution.resolve import BoundaryState, Resolution, resolve


@dataclass(frozen=True, slots=True)
class GroupSettlement:
    """The members of a group as they are settled, and as the policy would settle them.

    `evidence` holds the members first, in the order of the group, then the super-connectors of
    other groups that they are linked with. `resolution` is of all of these. `changes` are what
    the ledger will hold.
    """

    before: Settled
    after: Settled
    evidence: Evidence
    resolution: Resolution
    changes: list[Change]


def settle(
    group: Group, snapshot: Snapshot, super_connectors: set[int], policy: Policy, mint: MintId
) -> GroupSettlement:
    """Settle a group. `super_connectors`: positions of those that remain ones under the policy.

    Those that are released join nothing until all else is settled.
    """
    index_of = _index_of(group, snapshot)
    evidence = _evidence(group, snapshot, index_of)
    before = _stored(group, snapshot)
    remaining = frozenset(i for position, i in index_of.items() if position in super_connectors)
    released = frozenset(index_of[position] for position in group.released)
    resolution, after, changes = _settle_once(before, evidence, remaining | released, policy, mint)
    if released:
        resolution, after, later = _settle_once(after, evidence, remaining, policy, mint)
        changes += later
    return GroupSettlement(before, after, evidence, resolution, changes)


def _settle_once(
    before: Settled,
    evidence: Evidence,
    super_connectors: frozenset[int],
    policy: Policy,
    mint: MintId,
) -> tuple[Resolution, Settled, list[Change]]:
    resolution = resolve(evidence, policy, BoundaryState(super_connectors=super_connectors))
    members = _of_first(len(before.identifiers), resolution)
    found = change_set(before, members, policy, mint)
    return resolution, applied(before, found), found.changes


def _index_of(group: Group, snapshot: Snapshot) -> dict[int, int]:
    """By position in the snapshot, the position in the evidence of the group."""
    links = snapshot.links
    index_of = {position: i for i, position in enumerate(group.members)}
    for number in group.links:
        index_of.setdefault(links.a[number], len(index_of))
        index_of.setdefault(links.b[number], len(index_of))
    return index_of


def _evidence(group: Group, snapshot: Snapshot, index_of: Mapping[int, int]) -> Evidence:
    links = snapshot.links
    return Evidence(
        identifiers=[snapshot.identifiers[position] for position in index_of],
        first_seen=[snapshot.first_seen[position] for position in index_of],
        links=[
            Link(
                index_of[links.a[number]],
                index_of[links.b[number]],
                links.first_seen[number],
                links.last_seen[number],
                links.times_seen[number],
                links.claim(number),
            )
            for number in group.links
        ],
        judgements=group.judgements,
    )


def _stored(group: Group, snapshot: Snapshot) -> Settled:
    members = group.members
    return Settled(
        identifiers=[snapshot.identifiers[position] for position in members],
        customer_of=[snapshot.customer_of[position] for position in members],
        contested=_indices(snapshot.contested, members),
        super_connectors=_indices(snapshot.super_connectors, members),
        register=group.register,
    )


def _indices(marked: set[int], members: Iterable[int]) -> frozenset[int]:
    if not marked:
        return frozenset()
    return frozenset(i for i, position in enumerate(members) if position in marked)


def _of_first(size: int, resolution: Resolution) -> Resolution:
    """What was resolved of the first identifiers; the others are super-connectors."""
    if len(resolution.cluster_of) == size:
        return resolution
    return replace(
        resolution,
        cluster_of=resolution.cluster_of[:size],
        super_connectors=frozenset(i for i in resolution.super_connectors if i < size),
    )
