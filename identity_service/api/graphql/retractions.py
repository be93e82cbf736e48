# ruff: noqa: D101, D103  (the schema's descriptions say what a type or field is)
"""Retractions: their types and fields, and what makes and withdraws them."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import strawberry
from strawberry import ID, UNSET, Parent

from identity_service.api.graphql.connections import (
    Connection,
    connection,
    encode_cursor,
    page_size,
)
from identity_service.api.graphql.context import Info, Scoped, current_view, require
from identity_service.api.graphql.previews import PolicyPreview
from identity_service.api.graphql.refused import Invalid, Refused, refused, refused_id
from identity_service.api.graphql.scalars import Millis
from identity_service.api.graphql.scoped import id_before
from identity_service.api.graphql.types import Retraction, by, shows
from identity_service.domain.retractions import RetractionProgress
from identity_service.errors import FieldInvalid, NotFound
from identity_service.services.preview import previews
from identity_service.services.preview.retraction_previews import (
    MAX_COMPARED,
)
from identity_service.services.preview.retraction_previews import (
    RetractionPreview as Previewed,
)
from identity_service.services.spaces.access import Role, SpaceScope

From: TypeAlias = Annotated[Millis, strawberry.argument(name="from")]


def _comparison(root: Parent[Scoped[Previewed]]) -> Scoped[previews.PolicyPreview] | None:
    found = root.record.comparison
    return None if found is None else root.beside(found)


@strawberry.type
@shows(Previewed)
class RetractionPreview:
    events: int = strawberry.field(description="That would not count any more.")
    more: bool = strawberry.field(description="Whether there are more than were counted.")
    identifiers: int | None = strawberry.field(description="That these events carry.")
    unseen: int | None = strawberry.field(description="Of these, that no other event carries.")
    links: int | None = strawberry.field(description="Seen less often, or not at all.")
    customers: PolicyPreview | None = by(
        _comparison,
        description=(
            f"What becomes of the customers; null beyond {MAX_COMPARED:,} events, or where too "
            "many identifiers are connected with them. The retraction can be made all the same."
        ),
    )
    message: str


RetractionPreviewResult: TypeAlias = Annotated[
    RetractionPreview | Invalid, strawberry.union("RetractionPreviewResult")
]
RetractResult: TypeAlias = Annotated[Retraction | Invalid, strawberry.union("RetractResult")]


async def retractions(
    root: Parent[SpaceScope], info: Info, first: int | None = 50, after: str | None = UNSET
) -> Connection[RetractionProgress]:
    page = await info.context.services.retractions.list(
        root, id_before("retraction", after), page_size(first, 50)
    )
    return connection(
        page,
        after or None,
        lambda each: encode_cursor("retraction", each.id),
        lambda each: each,
    )


async def preview_retraction(
    root: Parent[SpaceScope], info: Info, source: str, from_: From, until: Millis
) -> Scoped[Previewed] | Refused:
    try:
        found = await info.context.services.retraction_previews.preview(root, source, from_, until)
    except FieldInvalid as error:
        return refused(error)
    return Scoped(current_view(info, root), found)


async def retract(
    info: Info, space: str, source: str, from_: From, until: Millis, reason: str
) -> RetractionProgress | Refused:
    services = info.context.services
    scope = require(info, space, Role.ADMIN)
    try:
        return await services.retractions.retract(scope, source, from_, until, reason)
    except FieldInvalid as error:
        return refused(error)


async def withdraw_retraction(
    info: Info,
    space: str,
    id: ID,  # noqa: A002  (as the other ids are called)
    reason: str,
) -> RetractionProgress | Refused:
    services = info.context.services
    scope = require(info, space, Role.ADMIN)
    try:
        return await services.retractions.withdraw(scope, id, reason)
    except FieldInvalid as error:
        return refused(error)
    except NotFound as error:
        return refused_id(error)
