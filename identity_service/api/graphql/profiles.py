# ruff: noqa: D101, D103  (the schema's descriptions say what a type or field is)
"""Profiles texts: their versions, and how one is applied."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any, TypeAlias

import strawberry
from strawberry import ID, UNSET, Parent

from identity_service import errors
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
from identity_service.api.graphql.refused import (
    Invalid,
    Overtaken,
    Problem,
    Refused,
    VersionConflict,
    refused,
)
from identity_service.api.graphql.scalars import Json, Millis, exact_json
from identity_service.api.graphql.scoped import ScopedCustomer, scoped
from identity_service.api.graphql.types import Customer, by, shows
from identity_service.domain.profiles.comparison import MAX_SAMPLE, AudienceDifference, ValueChange
from identity_service.domain.recorded import ProfilesVersion, SettledCustomer
from identity_service.errors import FieldInvalid, NotFound, ProfilesInvalid
from identity_service.services.preview import profile_previews as previews
from identity_service.services.read.current import CurrentView
from identity_service.services.spaces.access import Role, SpaceScope


@strawberry.type(description="A version of the text that says what is computed of customers.")
@shows(ProfilesVersion)
class ProfilesText:
    version: int
    text: str
    applied_at: Millis
    author: str
    reason: str | None


@strawberry.type
class ProfilesTextEdge:
    cursor: str
    node: ProfilesText


@strawberry.type
class ProfilesTextConnection:
    edges: list[ProfilesTextEdge]
    page_info: PageInfo


async def _customers(root: Scoped[Any], ids: Sequence[str]) -> list[ScopedCustomer]:
    """Customers by their ids, those that are still there."""
    view = root.view
    assert isinstance(view, CurrentView)  # noqa: S101  (a preview is of now)
    found = await view.find_all_by_id(ids)
    return [root.beside(each) for each in found if isinstance(each, SettledCustomer)]


async def _sample(root: Parent[Scoped[AudienceDifference]]) -> list[ScopedCustomer]:
    return await _customers(root, root.record.sample)


async def _entering(root: Parent[Scoped[AudienceDifference]]) -> list[ScopedCustomer]:
    return await _customers(root, root.record.entering)


async def _leaving(root: Parent[Scoped[AudienceDifference]]) -> list[ScopedCustomer]:
    return await _customers(root, root.record.leaving)


def _account_of(root: Parent[ValueChange]) -> str:
    return root.id


def _value_before(root: Parent[ValueChange]) -> Json:
    return exact_json(root.before)


def _value_after(root: Parent[ValueChange]) -> Json:
    return exact_json(root.after)


def _customer_of(root: Parent[ValueChange]) -> ID:
    return ID(root.id)


def _audiences(root: Parent[Scoped[previews.ProfilesPreview]]) -> list[Scoped[AudienceDifference]]:
    return scoped(root.view, root.record.audiences)


@strawberry.type(description=f"The samples hold {MAX_SAMPLE} customers at most, by their ids.")
class AudiencePreview:
    name: str
    before: int
    after: int = strawberry.field(description="How many customers it would hold.")
    enter: int
    leave: int
    sample: list[Customer] = by(_sample, description="Of those that it would hold.")
    entering: list[Customer] = by(_entering)
    leaving: list[Customer] = by(_leaving)


@strawberry.type
class FeatureValueChange:
    customer_id: ID = by(_customer_of)
    before: Json | None = by(_value_before)
    after: Json | None = by(_value_after)


@strawberry.type
class FeaturePreview:
    name: str
    changed: int = strawberry.field(description="Of how many customers the value changes.")
    sample: list[FeatureValueChange]


@strawberry.type(description=f"The samples hold {MAX_SAMPLE} account ids at most, in order.")
class AccountAudiencePreview:
    name: str
    before: int
    after: int = strawberry.field(description="How many accounts it would hold.")
    enter: int
    leave: int
    sample: list[str] = strawberry.field(description="Of those that it would hold.")
    entering: list[str]
    leaving: list[str]


@strawberry.type
class AccountFeatureValueChange:
    account_id: str = by(_account_of)
    before: Json | None = by(_value_before)
    after: Json | None = by(_value_after)


@strawberry.type
class AccountFeaturePreview:
    name: str
    changed: int = strawberry.field(description="Of how many accounts the value changes.")
    sample: list[AccountFeatureValueChange]


@strawberry.type(description="What a profiles text would change for the accounts of the space.")
class AccountsPreview:
    accounts: int = strawberry.field(
        description="How many were looked at; none where no text says anything of accounts."
    )
    skipped: int = strawberry.field(
        description="How many were not: they have too many members, or too many events."
    )
    audiences: list[AccountAudiencePreview]
    features: list[AccountFeaturePreview]


@strawberry.type(
    description=(
        "What a profiles text would change, at one instant, for all customers and accounts of the "
        "space: of all features and of all audiences that it or the text in force has."
    )
)
@shows(previews.ProfilesPreview)
class ProfilesPreview:
    customers: int = strawberry.field(description="How many were looked at.")
    skipped: int = strawberry.field(description="How many were not: they have too many events.")
    audiences: list[AudiencePreview] = by(_audiences)
    features: list[FeaturePreview]
    of_accounts: AccountsPreview
    warnings: list[Problem] = strawberry.field(
        description="What is no mistake, but probably not meant."
    )


PreviewProfilesResult: TypeAlias = Annotated[
    ProfilesPreview | Invalid, strawberry.union("PreviewProfilesResult")
]
ApplyProfilesResult: TypeAlias = Annotated[
    ProfilesText | Invalid | VersionConflict, strawberry.union("ApplyProfilesResult")
]


async def in_force(root: Parent[SpaceScope], info: Info) -> ProfilesVersion | None:
    return await info.context.services.profile_texts.in_force(root)


async def history(
    root: Parent[SpaceScope], info: Info, first: int | None = 20, after: str | None = UNSET
) -> Connection[ProfilesVersion]:
    cursor = after or None
    before = number_in(cursor, decode_cursor("profiles", cursor, 1)[0]) if cursor else None
    page = await info.context.services.profile_texts.versions(root, page_size(first, 20), before)
    return connection(
        page, cursor, lambda text: encode_cursor("profiles", text.version), lambda text: text
    )


async def difference(
    root: Parent[SpaceScope], info: Info, older: int, newer: int | None = UNSET
) -> str | None:
    texts = info.context.services.profile_texts
    with suppress(NotFound):
        return await texts.difference(root, older, newer or None)
    return None


async def preview(
    root: Parent[SpaceScope], info: Info, text: str
) -> Scoped[previews.ProfilesPreview] | Refused:
    try:
        found = await info.context.services.profile_previews.preview(root, text)
    except ProfilesInvalid as error:
        return refused(error)
    return Scoped(current_view(info, root), found)


async def apply_profiles(
    info: Info,
    space: str,
    text: str,
    expected_version: int,
    reason: str | None = UNSET,
) -> ProfilesVersion | Refused | Overtaken:
    services = info.context.services
    scope = require(info, space, Role.ADMIN)
    try:
        applied = await services.profile_texts.apply(scope, text, expected_version, reason or None)
    except (FieldInvalid, ProfilesInvalid) as error:
        return refused(error)
    except errors.VersionConflict as error:
        return Overtaken(str(error), error.current_version)
    services.profiles.wake(scope.space)
    return applied
