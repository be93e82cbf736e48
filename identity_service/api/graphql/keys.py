# ruff: noqa: D101, D103  (the schema's descriptions say what a type or field is)
"""Who asks, and the keys that enter a space."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, TypeAlias

import strawberry
from strawberry import UNSET, Parent

from identity_service.api.graphql.connections import (
    Connection,
    PageInfo,
    connection,
    decode_cursor,
    encode_cursor,
    page_size,
)
from identity_service.api.graphql.context import Info, require
from identity_service.api.graphql.refused import Invalid, Refused, refused
from identity_service.api.graphql.scalars import Millis
from identity_service.api.graphql.types import by, shows
from identity_service.errors import FieldInvalid
from identity_service.graph.access import SpaceKey
from identity_service.services.spaces import access
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.spaces.keys import RotatedSpaceKey

strawberry.enum(access.Role, name="KeyRole")


@strawberry.enum
class Role(StrEnum):
    READER = "READER"
    AGENT = "AGENT"
    ADMIN = "ADMIN"


def _role(root: Parent[SpaceKey | RotatedSpaceKey]) -> Role:
    return Role(root.role)


@strawberry.type
class Key:
    name: str
    role: Role = by(_role)
    created_at: Millis
    earlier_good_until: Millis | None


@strawberry.type
class KeyEdge:
    cursor: str
    node: Key


@strawberry.type
class KeyConnection:
    edges: list[KeyEdge]
    page_info: PageInfo


@strawberry.type
@shows(RotatedSpaceKey)
class KeyRotated:
    name: str
    role: Role = by(_role)
    key: str
    earlier_good_until: Millis


RotateKeyResult: TypeAlias = Annotated[KeyRotated | Invalid, strawberry.union("RotateKeyResult")]


async def of_space(
    root: Parent[SpaceScope], info: Info, first: int | None = 50, after: str | None = UNSET
) -> Connection[SpaceKey]:
    name = decode_cursor("key", after, 1)[0] if after else ""
    page = await info.context.services.keys.of_space(root, name, page_size(first, 50))
    return connection(
        page, after or None, lambda each: encode_cursor("key", each.name), lambda each: each
    )


async def rotate_key(
    info: Info, space: str, name: str, grace_seconds: int = 86_400
) -> RotatedSpaceKey | Refused:
    scope = require(info, space, access.Role.ADMIN)
    try:
        return await info.context.services.keys.rotate(scope, name, grace_seconds)
    except FieldInvalid as error:
        return refused(error)
