"""What changed of memberships, and why: what happened to each member since it was computed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from identity_service.domain.profiles.causes import (
    Circumstances,
    Computed,
    LedgerEntry,
    been_in,
    causes,
    gone,
    of_ledger,
    of_members,
)
from identity_service.domain.profiles.definitions import Of
from identity_service.domain.profiles.memberships import (
    Cause,
    MembershipChange,
    membership_changes,
)
from identity_service.graph.profile_evidence import CustomerHead, StoredProfile
from identity_service.graph.profiles import ProfileStore
from identity_service.services.profiles.account_computation import AccountOutcome
from identity_service.services.profiles.computation import Batch, Outcome
from identity_service.services.spaces.profile_texts import ProfilesInForce

_OWN: Final = ""
"""For whom the ledger is asked where that is the customer itself."""


async def changes_of_customers(
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
    since = {each.head.customer_id: _known_position(each.head.profile) for each in differing}
    since |= {each.customer_id: each.position for each in leaving}
    read = await store.entries(space, [(_OWN, *each) for each in since.items()])
    entries = read.get(_OWN, {})
    found: dict[str, list[Cause]] = {
        each.customer_id: gone(each.customer_id, entries.get(each.customer_id, ()), now)
        for each in leaving
    }
    for each in differing:
        found[each.head.customer_id] = _causes(
            in_force, batch, each, entries.get(each.head.customer_id, ()), now
        )
    met = {
        id_
        for some in entries.values()
        for entry in some
        for id_ in (entry.customer_id, entry.other_customer_id)
        if id_ is not None
    }
    stays = await store.stays(space, Of.CUSTOMERS, since.keys() | met)
    return membership_changes(
        in_force.profiles,
        Of.CUSTOMERS,
        {each.customer_id: each.audiences for each in leaving}
        | {each.head.customer_id: _before(each.head) for each in differing},
        {each.head.customer_id: each.audiences for each in differing},
        found,
        {customer: been_in(some) for customer, some in stays.items()},
    )


async def changes_of_accounts(
    store: ProfileStore,
    space: str,
    in_force: ProfilesInForce,
    outcomes: Sequence[AccountOutcome],
    gone_members: Collection[str],
    now: int,
    *,
    rolled_out: bool,
) -> list[MembershipChange]:
    """What changed of memberships of accounts, with the causes.

    `gone_members`: those who were members of one of them, and are no longer there.
    """
    differing = [each for each in outcomes if each.differs]
    if not differing:
        return []
    read = await store.entries(
        space,
        [
            (each.account_id, member, each.stored.position)
            for each in differing
            for member in each.members_ever
        ],
    )
    found = {
        each.account_id: causes(
            Circumstances(
                created_at=each.created_at(now),
                last=each.stored.last,
                marked=each.stored.mark is not None,
                version=in_force.version,
                applied_at=in_force.applied_at,
                rolled_out=rolled_out,
                ledger=of_members(
                    {
                        member: read.get(each.account_id, {}).get(member, ())
                        for member in each.members_ever
                    },
                    gone_members,
                    now,
                    was_computed=each.stored.last is not None,
                ),
            ),
            (event for member in each.evidence.members for event in member.events),
            now,
        )
        for each in differing
    }
    stays = await store.stays(space, Of.ACCOUNTS, found)
    return membership_changes(
        in_force.profiles,
        Of.ACCOUNTS,
        {each.account_id: each.stored.audiences for each in differing},
        {each.account_id: each.audiences for each in differing},
        found,
        {account: been_in(some) for account, some in stays.items()},
    )


def _causes(
    in_force: ProfilesInForce,
    batch: Batch,
    outcome: Outcome,
    entries: Sequence[LedgerEntry],
    now: int,
) -> list[Cause]:
    head = outcome.head
    last = head.profile
    # A revision that is still the same means that nothing happened to the customer itself.
    is_same = last is not None and last.revision == head.revision
    return causes(
        Circumstances(
            created_at=head.created_at,
            last=None if last is None else Computed(last.version, last.evaluated_at, last.due),
            marked=head.customer_id in batch.touched,
            version=in_force.version,
            applied_at=in_force.applied_at,
            rolled_out=batch.rolled_out,
            ledger=of_ledger(
                head.customer_id, () if is_same else entries, was_computed=last is not None
            ),
        ),
        outcome.evidence.events,
        now,
    )


def _before(head: CustomerHead) -> tuple[str, ...]:
    return () if head.profile is None else head.profile.audiences


def _known_position(profile: StoredProfile | None) -> int:
    return 0 if profile is None else profile.position
