# ruff: noqa: D101, D103  (the schema's descriptions say what a type or field is)
"""Audiences: their members, who entered and left, and how that is followed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import TypeAlias

import strawberry
from strawberry import ID, UNSET, Parent

from identity_service.api.graphql.account_profiles import ScopedAccount
from identity_service.api.graphql.connections import (
    Connection,
    PageInfo,
    connection,
    decode_cursor,
    encode_cursor,
    number_in,
    page_size,
)
from identity_service.api.graphql.context import Info, Scoped, current_view, require
from identity_service.api.graphql.scalars import Millis
from identity_service.api.graphql.scoped import ScopedCustomer, scoped
from identity_service.api.graphql.types import Account, Customer, by, shows
from identity_service.domain.profiles.definitions import CauseKind, Of
from identity_service.domain.profiles.memberships import Change
from identity_service.domain.profiles.recorded import Member, RecordedMembershipChange
from identity_service.domain.recorded import SettledCustomer
from identity_service.graph.ledger import NEWEST_CHANGE
from identity_service.services.read import view as views
from identity_service.services.read.audiences import NamedAudience
from identity_service.services.read.current import CurrentView
from identity_service.services.spaces.access import Role, SpaceScope

Membership: TypeAlias = Member | RecordedMembershipChange
"""What names a member of an audience."""

strawberry.enum(CauseKind, name="MembershipCause")
strawberry.enum(Change, name="MembershipChangeKind")
strawberry.enum(Of, name="AudienceOf")


async def find(root: Parent[SpaceScope], info: Info, name: str) -> Scoped[NamedAudience] | None:
    found = await info.context.services.audiences.find(root, name)
    return Scoped(current_view(info, root), found) if found else None


async def of_space(root: Parent[SpaceScope], info: Info) -> list[Scoped[NamedAudience]]:
    found = await info.context.services.audiences.all(root)
    return scoped(current_view(info, root), found)


def _of(root: Parent[Scoped[NamedAudience]]) -> Of:
    return root.record.definition.of


def _enabled(root: Parent[Scoped[NamedAudience]]) -> bool:
    return root.record.definition.enabled


async def _size(root: Parent[Scoped[NamedAudience]], info: Info) -> int:
    return await info.context.services.audiences.size(root.scope, root.record)


async def _members(
    root: Parent[Scoped[NamedAudience]],
    info: Info,
    first: int | None = 50,
    after: str | None = UNSET,
) -> Connection[Scoped[Member]]:
    last = decode_cursor("member", after, 1)[0] if after else ""
    page = await info.context.services.audiences.members(
        root.scope, root.record, last, page_size(first, 50)
    )
    return connection(
        page, after or None, lambda each: encode_cursor("member", each.member_id), root.beside
    )


def _customer_id(root: Parent[Scoped[Membership]]) -> ID | None:
    return ID(root.record.member_id) if root.record.of is Of.CUSTOMERS else None


def _account_id(root: Parent[Scoped[Membership]]) -> str | None:
    return root.record.member_id if root.record.of is Of.ACCOUNTS else None


async def _customer(root: Parent[Scoped[Membership]]) -> ScopedCustomer | None:
    if root.record.of is not Of.CUSTOMERS:
        return None
    view = root.view
    assert isinstance(view, CurrentView)  # noqa: S101  (memberships are of now)
    found = await view.find_by_id(root.record.member_id)
    return root.beside(found) if isinstance(found, SettledCustomer) else None


async def _account(root: Parent[Scoped[Membership]], info: Info) -> ScopedAccount | None:
    if root.record.of is not Of.ACCOUNTS:
        return None
    account_id = root.record.member_id
    found = await info.context.services.accounts.traits(root.scope, account_id)
    if found is None:
        return None
    return root.beside(views.Account(account_id, {each.name: each.value for each in found}))


def _cursor(root: Parent[Scoped[RecordedMembershipChange]]) -> str:
    return cursor_of(root.record)


def cursor_of(change: RecordedMembershipChange) -> str:
    """The cursor of a change, in lists and to go on after it."""
    return encode_cursor("membership", change.position)


async def changes(
    root: Parent[SpaceScope],
    info: Info,
    audience: str | None = UNSET,
    first: int | None = 50,
    after: str | None = UNSET,
) -> Connection[Scoped[RecordedMembershipChange]]:
    before = position_of(after) if after else NEWEST_CHANGE
    page = await info.context.services.audiences.changes(
        root, audience or None, before, page_size(first, 50)
    )
    view = current_view(info, root)
    return connection(page, after or None, cursor_of, lambda change: Scoped(view, change))


async def follow(
    info: Info,
    space: str,
    audiences: list[str] | None = UNSET,
    after: str | None = UNSET,
) -> AsyncGenerator[Scoped[RecordedMembershipChange]]:
    services = info.context.services
    scope = require(info, space, Role.READER)
    cursor = info.context.resumed_after(after or None)
    position = position_of(cursor) if cursor else None
    selection: Sequence[str] | None = audiences or None
    async for change in services.following_memberships.changes(scope, selection, position):
        yield Scoped(current_view(info, scope), change)


def position_of(cursor: str) -> int:
    """The position that a cursor holds; raises BadInput."""
    return number_in(cursor, decode_cursor("membership", cursor, 1)[0])


@strawberry.type(description="A customer or an account that is in an audience.")
class AudienceMember:
    customer_id: ID | None = by(_customer_id)
    account_id: str | None = by(_account_id)
    since: Millis
    customer: Customer | None = by(_customer)
    account: Account | None = by(_account)


@strawberry.type
class AudienceMemberEdge:
    cursor: str
    node: AudienceMember


@strawberry.type
class AudienceMemberConnection:
    edges: list[AudienceMemberEdge]
    page_info: PageInfo


@strawberry.type(
    description=(
        "Who fulfils a condition of the profiles text in force. Its members are those that were "
        "computed last, some seconds ago at most."
    )
)
@shows(NamedAudience)
class Audience:
    name: str
    of: Of = by(_of)
    enabled: bool = by(_enabled)
    size: int = by(_size)
    members: AudienceMemberConnection = by(_members, description="By their ids.")


@strawberry.type(description="A customer or an account entered an audience or left it.")
@shows(RecordedMembershipChange)
class MembershipChange:
    audience: str
    version: int = strawberry.field(description="Of the profiles text that it was computed by.")
    customer_id: ID | None = by(_customer_id, description="Null where the audience holds accounts.")
    customer: Customer | None = by(
        _customer, description="As it is now; of a retired id the one that carries on."
    )
    account_id: str | None = by(_account_id, description="Null where the audience holds customers.")
    account: Account | None = by(_account, description="As it is now.")
    change: Change
    at: Millis = strawberry.field(
        description="When it became true: the time of the event, or the instant of the window."
    )
    cause: CauseKind
    cause_ref: str | None = strawberry.field(
        description="The message id of the event, or the id of the change or judgement."
    )
    from_customer: ID | None = strawberry.field(
        description="The other customer of a merge or a split; null of an account."
    )
    first: bool = strawberry.field(
        description="Whether neither it nor the customer it came from was ever in it before."
    )
    starts_campaigns: bool = strawberry.field(
        description=(
            "Whether a campaign is to start: only for the causes EVENT and TIME, unless the "
            "audience says otherwise."
        )
    )
    cursor: str = by(
        _cursor,
        description="Where the change stands; `after` of lists and of the subscription takes it.",
    )


@strawberry.type
class MembershipChangeEdge:
    cursor: str
    node: MembershipChange


@strawberry.type
class MembershipChangeConnection:
    edges: list[MembershipChangeEdge]
    page_info: PageInfo
