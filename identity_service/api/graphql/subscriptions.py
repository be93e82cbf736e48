# ruff: noqa: D101  (the schema's descriptions say what a type is)
"""What can be followed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any

import strawberry

from identity_service.api.graphql import audiences, ledger, spaces
from identity_service.api.graphql.audiences import MembershipChange
from identity_service.api.graphql.context import record_of
from identity_service.api.graphql.types import Change, Settlement
from identity_service.domain.profiles.recorded import RecordedMembershipChange
from identity_service.domain.recorded import RecordedChange


def cursor_of_event(event: object) -> str | None:
    """The cursor of an event of a subscription, at which a client may go on; None without one."""
    record = record_of(event)
    if isinstance(record, RecordedMembershipChange):
        return audiences.cursor_of(record)
    return ledger.cursor_of(record) if isinstance(record, RecordedChange) else None


def follows(resolver: Callable[..., AsyncGenerator[Any]], description: str) -> Any:
    """As `by`, of a function that goes on giving records."""
    return strawberry.subscription(resolver=resolver, description=description)


@strawberry.type
class Subscription:
    changes: AsyncGenerator[Change] = follows(
        ledger.follow_changes,
        description=(
            "Every change of a space in the order in which it was committed, each once: those "
            "after the cursor `after`, without it those from now on."
        ),
    )
    membership_changes: AsyncGenerator[MembershipChange] = follows(
        audiences.follow,
        description=(
            "Every time that a customer or an account enters or leaves an audience, in the order "
            "in which that was committed, each once: those after the cursor `after`, without it "
            "those from now on. `audiences`: only these."
        ),
    )
    settlement: AsyncGenerator[Settlement] = follows(
        spaces.follow_settlement,
        description=(
            "How far the settlement of the newest policy is, with every step; ends when it is done."
        ),
    )
