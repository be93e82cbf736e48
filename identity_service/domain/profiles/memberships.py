"""The membership stream: the exact difference of two sets of memberships, each with its cause."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from identity_service.domain.profiles.definitions import CauseKind, Profiles


@dataclass(frozen=True, slots=True)
class Cause:
    """Why the memberships of a customer were computed again.

    `at`: the time of the event, of the instant, or of the change. `ref` names the event or the
    change of the ledger. `from_customer`: of a merge or a split, the other customer.
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
    """A customer entered an audience or left it.

    `first`: it entered, and neither it nor the customer that it came from was ever in it before.
    """

    audience: str
    customer_id: str
    change: Change
    cause: Cause
    first: bool
    starts_campaigns: bool


def membership_changes(
    profiles: Profiles,
    before: Mapping[str, Collection[str]],
    after: Mapping[str, Collection[str]],
    causes: Mapping[str, Collection[Cause]],
    been: Mapping[str, Collection[str]],
) -> list[MembershipChange]:
    """What changed of the memberships of some customers, in the order of customer, then audience.

    All mappings are by customer id. `before` and `after` hold audiences; a customer that is retired
    is absent in `after`. `causes` has at least one cause for every customer that changes; of
    several, the first in `PRECEDENCE` is reported. `been` holds the audiences that a customer was
    ever in.
    """
    raise NotImplementedError
