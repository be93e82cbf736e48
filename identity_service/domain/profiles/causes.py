"""Why memberships were computed again, from what happened since the last time.

Times are milliseconds since 1970, UTC.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from identity_service.domain.profiles.consents import withdraws
from identity_service.domain.profiles.definitions import CauseKind
from identity_service.domain.profiles.memberships import Cause, Change
from identity_service.domain.profiles.occurrences import ProfileEvent
from identity_service.domain.resolution.changes import CauseKind as LedgerCause
from identity_service.domain.resolution.changes import ChangeKind, parse_cause

OF_IDENTITY: Final = frozenset(
    {
        CauseKind.MERGE,
        CauseKind.SPLIT,
        CauseKind.QUARANTINE,
        CauseKind.JUDGEMENT,
        CauseKind.RETRACTION,
        CauseKind.POLICY,
    }
)
"""Causes by which evidence changed its customer. What they did may be undone."""

_SAID_BY: Final = {
    LedgerCause.JUDGEMENT: CauseKind.JUDGEMENT,
    LedgerCause.RETRACTION: CauseKind.RETRACTION,
    LedgerCause.POLICY: CauseKind.POLICY,
}


class LedgerEntry(NamedTuple):
    """An entry of the ledger about a customer.

    `shares`: by it identifiers became contested, or no longer are.
    """

    id: str
    kind: ChangeKind
    at: int
    customer_id: str
    other_customer_id: str | None
    cause: str
    shares: bool


class Stay(NamedTuple):
    """A change of a membership, as it was recorded."""

    audience: str
    change: Change
    cause: CauseKind


@dataclass(frozen=True, slots=True)
class Computed:
    """When a profile was computed last: by which version, at what time, and when it was due again.

    `due` is 0 where the evidence of one of its accounts changed.
    """

    version: int
    evaluated_at: int
    due: int | None


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known of a customer or an account beside its evidence when it is computed.

    `last` is None where it never was computed. `marked`: it was touched since then. `version` is
    that of the text in force, applied at `applied_at`; `rolled_out`: all that there were then are
    computed by it. `ledger` is what the ledger says of it since then.
    """

    created_at: int
    last: Computed | None
    marked: bool
    version: int
    applied_at: int
    rolled_out: bool
    ledger: Sequence[Cause] = ()


def causes(now: Circumstances, events: Iterable[ProfileEvent], at: int) -> list[Cause]:
    """All that can have changed the memberships until `at`; never empty."""
    newest = max(
        (event for event in events if event.at <= at),
        key=lambda event: (event.order.received_at, event.order),
        default=None,
    )
    last = now.last
    found = list(now.ledger)
    if last is None:
        if now.created_at < now.applied_at and not now.rolled_out:
            found.append(Cause(CauseKind.DEFINITION, now.applied_at))
    else:
        if last.version != now.version:
            found.append(Cause(CauseKind.DEFINITION, now.applied_at))
        if last.due == 0:
            found.append(Cause(CauseKind.EVENT, at))
        elif last.due is not None and last.due <= at:
            found.append(Cause(CauseKind.TIME, last.due))
    is_new = newest is not None and (last is None or newest.order.received_at > last.evaluated_at)
    if newest is not None and (is_new or (now.marked and not found)):
        found.append(_of_event(newest))
    return found or [Cause(CauseKind.TIME, at)]


def of_ledger(
    customer: str, entries: Sequence[LedgerEntry], *, was_computed: bool = True
) -> list[Cause]:
    """What the ledger says of a customer, by its entries in their order.

    Of one that was never computed, or not since it lives again, only what happened last counts.
    """
    if not was_computed:
        entries = [each for each in entries if each.cause == entries[-1].cause]
    return [_of_entry(customer, entry) for entry in entries if not _begins(entry)]


def of_members(
    entries: Mapping[str, Sequence[LedgerEntry]],
    gone_members: Collection[str],
    at: int,
    *,
    was_computed: bool = True,
) -> list[Cause]:
    """What the ledger says of an account, by the entries of those who are its members or were.

    An account is no part of a merge or a split itself. `gone_members` are no longer there.
    """
    found = [
        cause
        for member, some in entries.items()
        for cause in (
            gone(member, some, at)
            if member in gone_members
            else of_ledger(member, some, was_computed=was_computed)
        )
    ]
    return [replace(cause, from_customer=None) for cause in found]


def gone(customer: str, entries: Sequence[LedgerEntry], at: int) -> list[Cause]:
    """Why a customer is no longer there; never empty. Without an entry it was erased."""
    return [_of_entry(customer, entry) for entry in entries] or [Cause(CauseKind.ERASURE, at)]


def been_in(stays: Iterable[Stay]) -> set[str]:
    """The audiences that a customer or an account was in, by its changes in their order.

    A stay that a merge, a judgement and the like began and another one ended does not count: that
    was undone.
    """
    been: set[str] = set()
    began: dict[str, CauseKind] = {}
    for stay in stays:
        if stay.change is Change.ENTERED:
            began[stay.audience] = stay.cause
        elif not (
            began.pop(stay.audience, CauseKind.EVENT) in OF_IDENTITY and stay.cause in OF_IDENTITY
        ):
            been.add(stay.audience)
    return been | began.keys()


def _of_event(event: ProfileEvent) -> Cause:
    kind = CauseKind.CONSENT if withdraws(event) else CauseKind.EVENT
    return Cause(kind, event.at, event.message_id)


def _begins(entry: LedgerEntry) -> bool:
    """Whether an event brought a customer, which is then among its events."""
    said = parse_cause(entry.cause, entry.at)
    return entry.kind is ChangeKind.CREATED and (said is None or said.kind is LedgerCause.EVENT)


def _of_entry(customer: str, entry: LedgerEntry) -> Cause:
    others = {entry.customer_id, entry.other_customer_id} - {customer, None}
    other = next(iter(others), None)
    said = parse_cause(entry.cause, entry.at)
    by = None if said is None else _SAID_BY.get(said.kind)
    if entry.shares:
        kind = CauseKind.QUARANTINE
    else:
        kind = _KINDS.get(entry.kind) or by or _by_event(customer, entry)
    return Cause(kind, entry.at, entry.id, other)


_KINDS: Final = {
    ChangeKind.MERGED: CauseKind.MERGE,
    ChangeKind.QUARANTINED: CauseKind.QUARANTINE,
    ChangeKind.RELEASED: CauseKind.QUARANTINE,
    ChangeKind.ERASED: CauseKind.ERASURE,
}
"""Those that say by themselves what they are; others are what caused them."""


def _by_event(customer: str, entry: LedgerEntry) -> CauseKind:
    """Because of an event identifiers split off, or moved from one customer to another."""
    gains = entry.kind is ChangeKind.MOVED and entry.customer_id == customer
    return CauseKind.MERGE if gains else CauseKind.SPLIT
