# ruff: noqa: D101, D103  (the schema's descriptions say what a type or field is)
"""Rejected events: their types and fields, and what sends them again or drops them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeAlias

import strawberry
from strawberry import ID, UNSET, Parent

from identity_service.api.graphql.connections import (
    Connection,
    PageInfo,
    connection,
    encode_cursor,
    page_size,
)
from identity_service.api.graphql.context import Info, require
from identity_service.api.graphql.refused import Invalid, Refused, refused
from identity_service.api.graphql.scalars import Json, Millis, earliest, json_fragment, latest
from identity_service.api.graphql.scoped import id_before
from identity_service.api.graphql.types import by, shows
from identity_service.domain.recorded import RecordedRejection
from identity_service.errors import FieldInvalid
from identity_service.graph.rejected import RejectedFilter
from identity_service.services.spaces.access import Role, SpaceScope
from identity_service.services.write.rejected_events import Resent, ToResend


@dataclass(frozen=True, slots=True)
class Dropped:
    """How many rejected events were deleted."""

    dropped: int


def _body(root: Parent[RecordedRejection]) -> Json | None:
    text = root.body_json
    return None if text is None else json_fragment(text)


@strawberry.type
class RejectedEvent:
    id: ID = strawberry.field(description="The id of the rejected event, such as `rej_…`.")
    message_id: str | None
    received_at: Millis
    source: str
    code: str
    message: str
    body: Json | None = by(_body)


@strawberry.type
class RejectedEventEdge:
    cursor: str
    node: RejectedEvent


@strawberry.type
class RejectedEventConnection:
    edges: list[RejectedEventEdge]
    page_info: PageInfo


@strawberry.input
class ResendInput:
    id: ID
    body: Json | None = strawberry.field(
        default=UNSET, description="What it was repaired to; without it, it is sent as it was."
    )


@strawberry.type
class RejectedAgain:
    id: ID
    code: str
    message: str


@strawberry.type
@shows(Resent)
class RejectedEventsResent:
    accepted: list[ID] = strawberry.field(description="Those that are events now.")
    refused: list[RejectedAgain] = strawberry.field(
        description="Those that stay as they were, with the reason of now."
    )
    gone: list[ID] = strawberry.field(
        description="Those that there are not: sent again or dropped before, or kept long enough."
    )


@strawberry.type
@shows(Dropped)
class RejectedEventsDropped:
    dropped: int = strawberry.field(description="How many of them there were.")


ResendResult: TypeAlias = Annotated[
    RejectedEventsResent | Invalid, strawberry.union("ResendResult")
]
DropResult: TypeAlias = Annotated[RejectedEventsDropped | Invalid, strawberry.union("DropResult")]


async def rejected_events(
    root: Parent[SpaceScope],
    info: Info,
    first: int | None = 50,
    after: str | None = UNSET,
    source: str | None = UNSET,
    code: str | None = UNSET,
    since: Millis | None = UNSET,
    until: Millis | None = UNSET,
) -> Connection[RecordedRejection]:
    which = RejectedFilter(source or None, code or None, earliest(since), latest(until))
    page = await info.context.services.rejected.page(
        root, which, id_before("rejected", after), page_size(first, 50)
    )
    return connection(
        page, after or None, lambda each: encode_cursor("rejected", each.id), lambda each: each
    )


async def resend_rejected_events(
    info: Info, space: str, events: list[ResendInput]
) -> Resent | Refused:
    services = info.context.services
    scope = require(info, space, Role.ADMIN)
    wanted = [ToResend(each.id, None if each.body is UNSET else each.body) for each in events]
    try:
        return await services.rejected.resend(scope, wanted)
    except FieldInvalid as error:
        return refused(error)


async def drop_rejected_events(info: Info, space: str, ids: list[ID]) -> Dropped | Refused:
    services = info.context.services
    scope = require(info, space, Role.ADMIN)
    try:
        return Dropped(await services.rejected.drop(scope, ids))
    except FieldInvalid as error:
        return refused(error)
