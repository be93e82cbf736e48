"""A preview of components that were resolved as a writer would settle them."""

from __future__ import annotations

from itertools import count

from identity_service.domain.policies.policy import Policy
from identity_service.domain.preview.comparison import compare
from identity_service.domain.preview.group_settlement import GroupSettlement
from identity_service.domain.preview.partition import Group
from identity_service.domain.preview.report import DifferenceList, Preview
from identity_service.domain.preview.snapshot import Snapshot
from identity_service.domain.resolution.evidence import Evidence
from identity_service.domain.resolution.id_register import Settled, applied, change_set
from identity_service.domain.resolution.resolve import Resolution
from identity_service.domain.resolution.subgraph import NewEvidence


def preview_resolved(
    before: Settled, evidence: Evidence, resolution: Resolution, policy: Policy
) -> Preview:
    """Compare what is stored of some identifiers with what was resolved of the same ones.

    Positions in `before`, the evidence and the resolution are the same.
    """
    new_ids = count()
    found = change_set(before, resolution, policy, lambda: f"new-{next(new_ids)}")
    settlement = GroupSettlement(
        before, applied(before, found), evidence, resolution, found.changes
    )
    group = Group(members=list(range(len(before.identifiers))))
    snapshot = Snapshot(identifiers=list(before.identifiers))
    summary, differences = compare(group, settlement, snapshot, policy)
    listed = DifferenceList()
    listed.extend(differences)
    return Preview(summary, listed.listed(), NewEvidence())
