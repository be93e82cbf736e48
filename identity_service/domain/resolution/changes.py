"""The ledger: what happened to customers, and because of what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from identity_service.domain.identifiers import Identifier


class ChangeKind(StrEnum):
    """What happened. A merge is never a deletion: the other id forwards, and may live again."""

    CREATED = "CREATED"
    MERGED = "MERGED"
    SPLIT = "SPLIT"
    MOVED = "MOVED"
    QUARANTINED = "QUARANTINED"
    RELEASED = "RELEASED"
    ERASED = "ERASED"


class CauseKind(StrEnum):
    """What can change customers."""

    EVENT = "EVENT"
    JUDGEMENT = "JUDGEMENT"
    POLICY = "POLICY"
    RETRACTION = "RETRACTION"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a change happened.

    `key` is the message id of an event, the id of a judgement or a retraction, or the version of a
    policy; `changed_at` is the time of the change, in milliseconds since 1970.
    `withdrawn`: it was not the judgement or retraction itself but its withdrawal.
    """

    kind: CauseKind
    key: str
    changed_at: int
    withdrawn: bool = False


_WITHDRAWN: Final = " withdrawn"


def parse_cause(text: str, changed_at: int) -> Cause | None:
    """Read the cause of a change that was made at a time.

    `event:ID`, `judgement:ID`, `judgement:ID withdrawn`, `retraction:ID`, `retraction:ID withdrawn`
    or `policy:N`; None for any other.
    """
    name, _, key = text.partition(":")
    kind = CauseKind.__members__.get(name.upper())
    withdrawn = key.endswith(_WITHDRAWN)
    if withdrawn and (kind is CauseKind.JUDGEMENT or kind is CauseKind.RETRACTION):
        return Cause(kind, key.removesuffix(_WITHDRAWN), changed_at, withdrawn=True)
    return Cause(kind, key, changed_at) if kind else None


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the ledger.

    `MERGED`: `customer_id` survives, `other_id` retires. `SPLIT`: `customer_id` keeps,
    `other_id` splits off (new, or living again). `MOVED`: `identifiers` went from `other_id`
    to `customer_id`. `QUARANTINED`, `RELEASED`: `identifiers` became contested, or no longer
    are, and now belong to `customer_id`. `identifiers` are those that moved, in text order.
    """

    kind: ChangeKind
    customer_id: str
    other_id: str | None
    identifiers: tuple[Identifier, ...]


def in_words(
    kind: ChangeKind, customer_id: str, other_id: str | None, identifiers: Iterable[Identifier]
) -> str:
    """A change as a sentence; the arguments are the fields of `Change`."""
    what = ", ".join(map(str, identifiers))
    match kind:
        case ChangeKind.CREATED:
            return f"{customer_id} is new and holds {what}."
        case ChangeKind.MERGED:
            return f"{other_id} became part of {customer_id}, which now holds {what} too."
        case ChangeKind.SPLIT:
            return f"{what} left {customer_id} and is the customer {other_id}."
        case ChangeKind.MOVED:
            return f"{what} went from {other_id} to {customer_id}."
        case ChangeKind.QUARANTINED:
            return f"{what} belongs to several people, so to nobody: {customer_id}."
        case ChangeKind.RELEASED:
            return f"{what} is shared no more and belongs to {customer_id}."
        case ChangeKind.ERASED:
            return f"{customer_id} was erased."


@dataclass(frozen=True, slots=True)
class Move:
    """An identifier and the customers that it belonged and belongs to."""

    identifier: Identifier
    before: str | None
    after: str | None


def ledger(
    moves: Iterable[Move],
    *,
    minted: frozenset[str],
    revived: frozenset[str],
    successor: Mapping[str, str],
    contested: Mapping[str, Iterable[Identifier]],
    released: Mapping[str, Iterable[Identifier]],
) -> list[Change]:
    """Tell the difference between two settlements as changes, in a stable order.

    `successor` names, for every id that retires now, who carries on for it. `contested` and
    `released` name by customer the identifiers that became contested, or no longer are.
    """
    flows: dict[tuple[str | None, str], list[Identifier]] = {}
    for move in moves:
        if move.after is not None and move.before != move.after:
            flows.setdefault((move.before, move.after), []).append(move.identifier)
    came_from_others = {after for before, after in flows if before is not None}
    changes: list[Change] = []
    for (before, after), identifiers in sorted(
        flows.items(), key=lambda f: (f[0][1], f[0][0] or "")
    ):
        moved = tuple(sorted(identifiers))
        is_new = after in minted or after in revived
        if before is None:
            if is_new and after not in came_from_others:
                changes.append(Change(ChangeKind.CREATED, after, None, moved))
        elif successor.get(before) == after:
            changes.append(Change(ChangeKind.MERGED, after, before, moved))
        elif is_new:
            changes.append(Change(ChangeKind.SPLIT, before, after, moved))
        else:
            changes.append(Change(ChangeKind.MOVED, after, before, moved))
    for kind, by_customer in (
        (ChangeKind.QUARANTINED, contested),
        (ChangeKind.RELEASED, released),
    ):
        changes += [
            Change(kind, customer, None, tuple(sorted(identifiers)))
            for customer, identifiers in sorted(by_customer.items())
        ]
    return changes
