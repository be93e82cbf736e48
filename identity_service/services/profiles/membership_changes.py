"""What changed of memberships, and why: what happened to each customer since it was computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from identity_service.domain.profiles.causes import (
    Circumstances,
    Computed,
    been_in,
    causes,
    gone,
)
from identity_service.domain.profiles.memberships import (
    Cause,
    MembershipChange,
    membership_changes,
)
from identity_service.graph.profile_evidence import CustomerHead, StoredProfile
from identity_service.graph.profiles import History, ProfileStore
from identity_service.services.profiles.computation import Batch, Outcome
from identity_service.services.spaces.profile_texts import ProfilesInForce


async def changes_with_causes(
    store: ProfileStore,
    space: str,
    in_force: ProfilesInForce,
    batch: Batch,
    outcomes: Sequence[Outcome],
    retired: Sequence[StoredProfile],
    now: int,
) -> list[MembershipChange]:
    """What changed of memberships by a batch, and of customers that retired, with the causes."""
    differing = [each for each in outcomes if frozenset(_before(each.head)) != each.audiences]
    leaving = [each for each in retired if each.audiences]
    if not differing and not leaving:
        return []
    histories = await store.histories(
        space,
        {each.head.customer_id: _known_position(each.head.profile) for each in differing}
        | {each.customer_id: each.position for each in leaving},
    )
    found: dict[str, list[Cause]] = {
        each.customer_id: gone(each.customer_id, _history(histories, each.customer_id).entries, now)
        for each in leaving
    }
    for each in differing:
        found[each.head.customer_id] = _causes(in_force, batch, each, histories, now)
    stays = next(iter(histories.values()), History()).stays
    return membership_changes(
        in_force.profiles,
        {each.customer_id: each.audiences for each in leaving}
        | {each.head.customer_id: _before(each.head) for each in differing},
        {each.head.customer_id: each.audiences for each in differing},
        found,
        {customer: been_in(some) for customer, some in stays.items()},
    )


def _causes(
    in_force: ProfilesInForce,
    batch: Batch,
    outcome: Outcome,
    histories: Mapping[str, History],
    now: int,
) -> list[Cause]:
    head = outcome.head
    last = head.profile
    # A revision that is still the same means that nothing happened to the customer itself.
    is_same = last is not None and last.revision == head.revision
    entries = () if is_same else _history(histories, head.customer_id).entries
    return causes(
        Circumstances(
            customer_id=head.customer_id,
            created_at=head.created_at,
            last=None if last is None else Computed(last.version, last.evaluated_at, last.due),
            marked=head.customer_id in batch.touched,
            version=in_force.version,
            applied_at=in_force.applied_at,
            rolled_out=batch.rolled_out,
            entries=entries,
        ),
        outcome.evidence.events,
        now,
    )


def _history(histories: Mapping[str, History], customer: str) -> History:
    return histories.get(customer, History())


def _before(head: CustomerHead) -> tuple[str, ...]:
    return () if head.profile is None else head.profile.audiences


def _known_position(profile: StoredProfile | None) -> int:
    return 0 if profile is None else profile.position
