"""What is written of profiles and memberships in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from identity_service.domain.profiles.definitions import Of
from identity_service.domain.profiles.memberships import Change, MembershipChange
from identity_service.domain.profiles.sorting import Moved, Place
from identity_service.graph.keys import account_key, feature_value_key, membership_key

FEATURE: Final = "f_"
"""What the properties begin with that hold values of features."""

_ID_OF: Final = {Of.CUSTOMERS: "customer_id", Of.ACCOUNTS: "account_id"}
"""The property that holds the id of a member."""


class ComputedAccount(NamedTuple):
    """An account that was computed: the mark that was read, and the properties that may differ.

    `members`: those who belong to it, each with the revision that was read.
    """

    mark: int | None
    properties: Mapping[str, Any]
    members: Mapping[str, int] = MappingProxyType({})


class NamedAccount(NamedTuple):
    """An account that is to be computed: `always`, or unless the version at hand computed it.

    What the ledger says after `position` is news to one that never was computed.
    """

    position: int
    always: bool


@dataclass(frozen=True, slots=True)
class ProfilesWrite:
    """What one transaction writes.

    `guards`: customers with the revision that was read. `profiles`: of these, the mark that was
    read, and the properties that differ; `values`: of these, what differs of the places of its
    values. `fellows` are other customers whose profiles rest on the same accounts: they are due at
    once. `gone` are no longer there. `outgoing`: something of them changed that may concern a
    destination.

    `accounts` are by id. `named`: accounts that are to be computed next.
    """

    version: int
    now: int
    guards: Mapping[str, int] = field(default_factory=dict[str, int])
    profiles: Mapping[str, tuple[int | None, Mapping[str, Any]]] = field(
        default_factory=dict[str, tuple[int | None, Mapping[str, Any]]]
    )
    values: Mapping[str, Moved] = field(default_factory=dict[str, Moved])
    accounts: Mapping[str, ComputedAccount] = field(default_factory=dict[str, ComputedAccount])
    named: Mapping[str, NamedAccount] = field(default_factory=dict[str, NamedAccount])
    fellows: Collection[str] = ()
    gone: Sequence[str] = ()
    changes: Sequence[MembershipChange] = ()
    outgoing: Sequence[str] = ()


def rows(space: str, write: ProfilesWrite) -> dict[str, Any]:
    """The parameters of the statement that writes it."""
    entered = [each for each in write.changes if each.change is Change.ENTERED]
    left = [each for each in write.changes if each.change is Change.LEFT]
    keys = {id_: account_key(space, id_) for id_ in (*write.accounts, *write.named)}
    return {
        "version": write.version,
        "guards": sorted([customer, revision] for customer, revision in write.guards.items()),
        "profiles": [[customer, *write.profiles[customer]] for customer in sorted(write.profiles)],
        "values_gone": [
            [customer, _value_keys(space, customer, moved.gone)]
            for customer, moved in sorted(write.values.items())
            if moved.gone
        ],
        "values_changed": [
            [customer, _changed_keys(space, customer, moved.changed)]
            for customer, moved in sorted(write.values.items())
            if moved.changed
        ],
        "values_new": [
            [customer, _value_keys(space, customer, moved.new)]
            for customer, moved in sorted(write.values.items())
            if moved.new
        ],
        "named": sorted([keys[id_], id_, *each] for id_, each in write.named.items()),
        "accounts": [
            [keys[id_], each.mark, each.properties, sorted(map(list, each.members.items()))]
            for id_, each in sorted(write.accounts.items())
        ],
        "fellows": sorted(write.fellows),
        "gone": sorted(write.gone),
        "entered": [
            [_whose(space, each), _membership_key(space, each), _membership_node(space, each)]
            for each in sorted(entered, key=partial(_membership_key, space))
        ],
        "left": sorted([_whose(space, each), _membership_key(space, each)] for each in left),
        "changes": [
            [_whose(space, each), _change_node(space, write, each)] for each in write.changes
        ],
        "outgoing": sorted(write.outgoing),
    }


def _value_keys(space: str, customer: str, places: Iterable[Place]) -> list[str]:
    return sorted(feature_value_key(space, *place, customer) for place in places)


def _changed_keys(
    space: str, customer: str, changed: Iterable[tuple[Place, Place]]
) -> dict[str, str]:
    return {
        feature_value_key(space, *before, customer): feature_value_key(space, *after, customer)
        for before, after in changed
    }


def _whose(space: str, change: MembershipChange) -> str:
    """The customer id, or the key of the account."""
    is_account = change.of is Of.ACCOUNTS
    return account_key(space, change.member_id) if is_account else change.member_id


def _membership_key(space: str, change: MembershipChange) -> str:
    return membership_key(space, change.audience, change.of, change.member_id)


def _membership_node(space: str, change: MembershipChange) -> dict[str, Any]:
    return {
        "space": space,
        "audience": change.audience,
        _ID_OF[change.of]: change.member_id,
        "since": change.cause.at,
    }


def _change_node(space: str, write: ProfilesWrite, change: MembershipChange) -> dict[str, Any]:
    return {
        "space": space,
        "audience": change.audience,
        "audience_version": write.version,
        _ID_OF[change.of]: change.member_id,
        "change": change.change.value,
        "at": change.cause.at,
        "computed_at": write.now,
        "cause": change.cause.kind.value,
        "ref": change.cause.ref,
        "from": change.cause.from_customer,
        "first": change.first,
        "starts_campaigns": change.starts_campaigns,
    }
