"""A preview of components that were resolved as a writer would settle them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from identity_service.domain.identifiers import Identifier
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
    before: Settled,
    evidence: Evidence,
    resolution: Resolution,
    policy: Policy,
    gone: Sequence[tuple[Identifier, str | None]] = (),
) -> Preview:
    """Compare what is stored of some identifiers with what was resolved of the same ones.

    Positions in `before`, the evidence and the resolution are the same. `gone` are identifiers
    that belong to nobody afterwards, each with its customer.
    """
    new_ids = count()
    found = change_set(before, resolution, policy, lambda: f"new-{next(new_ids)}")
    settlement = GroupSettlement(
        before, applied(before, found), evidence, resolution, found.changes
    )
    size = len(before.identifiers)
    group = Group(members=list(range(size)), withheld=list(range(size, size + len(gone))))
    snapshot = Snapshot(
        identifiers=[*before.identifiers, *(identifier for identifier, _ in gone)],
        customer_of=[*before.customer_of, *(customer for _, customer in gone)],
    )
    summary, differences = compare(group, settlement, snapshot, policy)
    listed = DifferenceList()
    listed.extend(differences)
    return Preview(summary, listed.listed(), NewEvidence())
