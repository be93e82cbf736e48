# ruff: noqa: D101, D103  (the schema's descriptions say what a type or field is)
"""Spaces are deleted, and how far that is."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import strawberry

from identity_service.api.graphql.context import Info
from identity_service.api.graphql.refused import Invalid, Refused, refused
from identity_service.api.graphql.scalars import Millis
from identity_service.api.graphql.types import shows
from identity_service.domain import recorded
from identity_service.errors import FieldInvalid


@strawberry.type
@shows(recorded.SpaceDeletion)
class SpaceDeletion:
    space: str
    begun_at: Millis
    author: str
    deleted: int = strawberry.field(description="How many nodes of the graph are gone.")


DeleteSpaceResult: TypeAlias = Annotated[
    SpaceDeletion | Invalid, strawberry.union("DeleteSpaceResult")
]


async def space_deletions(info: Info) -> list[recorded.SpaceDeletion]:
    context = info.context
    return await context.services.space_deletions.list(context.caller)


async def delete_space(info: Info, name: str, again: str) -> recorded.SpaceDeletion | Refused:
    context = info.context
    try:
        return await context.services.space_deletions.delete(context.caller, name, again)
    except FieldInvalid as error:
        return refused(error)
