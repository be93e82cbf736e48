# ruff: noqa: D101, D103  (the schema's descriptions say what a type or field is)
"""Profiles texts: their versions, and how one is applied."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import strawberry
from strawberry import UNSET, Parent

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
from identity_service.api.graphql.context import Info
from identity_service.api.graphql.refused import (
    Invalid,
    Overtaken,
    Refused,
    VersionConflict,
    refused,
)
from identity_service.api.graphql.scalars import Millis
from identity_service.api.graphql.types import shows
from identity_service.domain.recorded import ProfilesVersion
from identity_service.errors import FieldInvalid, ProfilesInvalid
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
) -> str:
    texts = info.context.services.profile_texts
    return await texts.difference(root, older, None if newer is UNSET else newer)


async def apply_profiles(
    info: Info,
    space: str,
    text: str,
    expected_version: int,
    reason: str | None = UNSET,
) -> ProfilesVersion | Refused | Overtaken:
    services = info.context.services
    scope = services.access.require(info.context.caller, space, Role.ADMIN)
    try:
        return await services.profile_texts.apply(scope, text, expected_version, reason or None)
    except (FieldInvalid, ProfilesInvalid) as error:
        return refused(error)
    except errors.VersionConflict as error:
        return Overtaken(str(error), error.current_version)
