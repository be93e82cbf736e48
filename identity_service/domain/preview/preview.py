"""A preview: what putting another policy in force would change. Nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from identity_service.domain.identifiers import Identifier
from identity_service.domain.policies.policy import Policy
from identity_service.domain.policies.value_rules import ValueRules, WithheldValue
from identity_service.domain.preview.comparison import compare
from identity_service.domain.preview.group_settlement import GroupSettlement, settle
from identity_service.domain.preview.partition import Group, Partition, partition
from identity_service.domain.preview.report import DifferenceList, Preview, PreviewSummary
from identity_service.domain.preview.snapshot import Snapshot
from identity_service.domain.resolution.changes import Change


class PreviewRun:
    """A preview that is computed group by group: `compare` each of `groups`, then ask for `result`.

    The snapshot already holds what events observe again under the policy; `values` are the
    policy's rules about values.
    """

    def __init__(self, snapshot: Snapshot, policy: Policy, values: ValueRules) -> None:
        self._snapshot = snapshot
        self._policy = policy
        withheld = {
            position
            for position, identifier in enumerate(snapshot.identifiers)
            if isinstance(values.identifier(identifier), WithheldValue)
        }
        snapshot.place_ids(values.lets_through)
        self._partition = partition(snapshot, policy, withheld)
        self._summary = _of_skipped(snapshot, self._partition)
        self._differences = DifferenceList()
        self._new_ids = count(1)

    @property
    def groups(self) -> Sequence[Group]:
        """What is to be compared."""
        return self._partition.groups

    @property
    def size(self) -> int:
        """How many identifiers the snapshot holds."""
        return len(self._snapshot.identifiers)

    def identifier(self, position: int) -> Identifier:
        """The identifier at a position of the snapshot."""
        return self._snapshot.identifiers[position]

    def compare(self, group: Group) -> list[Change]:
        """Compare one group. Returns what the ledger would hold, new ids under other names."""
        settlement = self.settle(group)
        summary, differences = compare(group, settlement, self._snapshot, self._policy)
        self._summary.add(summary)
        self._differences.extend(differences)
        return settlement.changes

    def settle(self, group: Group) -> GroupSettlement:
        """Settle one group as the policy would."""
        return settle(
            group, self._snapshot, self._partition.super_connectors, self._policy, self._mint
        )

    def result(self) -> Preview:
        """The preview, once all groups were compared."""
        return Preview(self._summary, self._differences.listed(), self._snapshot.reinstated)

    def _mint(self) -> str:
        return f"new-{next(self._new_ids)}"


def _of_skipped(snapshot: Snapshot, parts: Partition) -> PreviewSummary:
    """Customers of components that are too large stay as they are."""
    customers = sum(
        1
        for entry, anchor in zip(snapshot.register, snapshot.anchors, strict=True)
        if entry.kind and anchor in parts.skipped
    )
    return PreviewSummary(
        customers_before=customers,
        customers_after=customers,
        unchanged=customers,
        over_connected=parts.over_connected,
    )
