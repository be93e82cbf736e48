"""The membership stream: the exact difference of two sets of memberships, each with its cause."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from identity_service.domain.profiles.definitions import (
    CAMPAIGN_CAUSES,
    CauseKind,
    Of,
    Profiles,
)

PRECEDENCE: Final = (
    CauseKind.ERASURE,
    CauseKind.CONSENT,
    CauseKind.DEFINITION,
    CauseKind.POLICY,
    CauseKind.JUDGEMENT,
    CauseKind.RETRACTION,
    CauseKind.QUARANTINE,
    CauseKind.SPLIT,
    CauseKind.MERGE,
    CauseKind.EVENT,
    CauseKind.TIME,
)
"""Of several causes the first one is reported: what starts no campaign comes first."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why the memberships of a customer or an account were computed again.

    `at`: the time of the event, of the instant, or of the change. `ref` names the event or the
    change of the ledger. `from_customer`: of a merge or a split of a customer, the other one.
    """

    kind: CauseKind
    at: int
    ref: str | None = None
    from_customer: str | None = None


class Change(StrEnum):
    """What happened to a membership."""

    ENTERED = "entered"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class MembershipChange:
    """A customer or an account, by its id, entered an audience or left it.

    `first`: it entered, and neither it nor a customer that it was merged with or split from was
    ever in it before.
    """

    audience: str
    of: Of
    member_id: str
    change: Change
    cause: Cause
    first: bool
    starts_campaigns: bool


def membership_changes(
    profiles: Profiles,
    of: Of,
    before: Mapping[str, Collection[str]],
    after: Mapping[str, Collection[str]],
    causes: Mapping[str, Collection[Cause]],
    been: Mapping[str, Collection[str]],
) -> list[MembershipChange]:
    """What changed of the memberships of customers or of accounts, in order of id, then audience.

    All mappings are by the id of the member. `before` and `after` hold audiences; what is no longer
    there is absent in `after`. `causes` has at least one cause for every member that changes; of
    several, the first in `PRECEDENCE` is reported, and of one kind the latest. `been` holds the
    audiences that a member was ever in.
    """
    changes: list[MembershipChange] = []
    for member in sorted(before.keys() | after.keys()):
        was, now = set(before.get(member, ())), set(after.get(member, ()))
        if was == now:
            continue
        cause = min(causes[member], key=lambda cause: (PRECEDENCE.index(cause.kind), -cause.at))
        known = was.union(been.get(member, ()))
        for other in {c.from_customer for c in causes[member] if c.from_customer is not None}:
            known.update(before.get(other, ()), been.get(other, ()))
        for audience in sorted(was ^ now):
            entered = audience in now
            changes.append(
                MembershipChange(
                    audience=audience,
                    of=of,
                    member_id=member,
                    change=Change.ENTERED if entered else Change.LEFT,
                    cause=cause,
                    first=entered and audience not in known,
                    starts_campaigns=cause.kind in _campaign_causes(profiles, audience),
                )
            )
    return changes


def _campaign_causes(profiles: Profiles, audience: str) -> frozenset[CauseKind]:
    """An audience that is no longer in the text has no say."""
    found = profiles.audiences.get(audience)
    return CAMPAIGN_CAUSES if found is None else found.campaign_causes
