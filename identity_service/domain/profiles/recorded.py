"""Memberships of audiences, as they are read back from the graph.

All times are milliseconds since 1970, UTC.
"""

from __future__ import annotations

from dataclasses import dataclass

from identity_service.domain.profiles.definitions import CauseKind, Of
from identity_service.domain.profiles.memberships import Change


@dataclass(frozen=True, slots=True)
class RecordedMembershipChange:
    """A customer or an account entered an audience, as the text of `version` defines it, or left.

    `position` counts the changes of memberships of a space in the order in which they were
    committed. `at` is when it became true. `cause_ref` names the event, judgement or change that
    caused it, `from_customer` the other customer of a merge or split. `first`: neither was ever in
    the audience before.
    """

    position: int
    audience: str
    version: int
    of: Of
    member_id: str
    change: Change
    at: int
    cause: CauseKind
    cause_ref: str | None
    from_customer: str | None
    first: bool
    starts_campaigns: bool


@dataclass(frozen=True, slots=True)
class Member:
    """A customer or an account that is in an audience, and since when."""

    of: Of
    member_id: str
    since: int
