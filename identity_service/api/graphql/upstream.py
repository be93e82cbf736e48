# ruff: noqa: D101, D103  (the schema's descriptions say what a type or field is)
"""Upstream notices: what other systems did to their records, and what is decided about it."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import strawberry
from strawberry import ID, UNSET, Parent

from identity_service.api.graphql.connections import Connection, PageInfo, encode_cursor, page_size
from identity_service.api.graphql.context import Info, Scoped, current_view, require
from identity_service.api.graphql.refused import Invalid, Refused, refused, refused_id
from identity_service.api.graphql.scalars import Millis
from identity_service.api.graphql.scoped import by_id, id_before, scoped
from identity_service.api.graphql.types import JudgedIdentifier, by, shows
from identity_service.domain.identifiers import Identifier
from identity_service.domain.upstream import NoticeKind, NoticeState, RecordedNotice
from identity_service.errors import FieldInvalid, NotFound, Stale
from identity_service.services.spaces.access import Role, SpaceScope
from identity_service.services.write.judgements import Judged
from identity_service.services.write.upstream import MAX_ACCEPTED, AcceptedMerges, RefusedMerge

strawberry.enum(NoticeKind, name="UpstreamKind")
strawberry.enum(NoticeState, name="UpstreamState")

ScopedNotice: TypeAlias = Scoped[RecordedNotice]


def _topic(root: Parent[ScopedNotice]) -> str:
    return root.record.notice.topic


def _kind(root: Parent[ScopedNotice]) -> NoticeKind:
    return root.record.notice.kind


def _kept(root: Parent[ScopedNotice]) -> Scoped[Identifier]:
    return root.beside(root.record.notice.identifiers[0])


def _merged(root: Parent[ScopedNotice]) -> Scoped[Identifier]:
    return root.beside(root.record.notice.identifiers[1])


def _identifiers(root: Parent[ScopedNotice]) -> list[Scoped[Identifier]]:
    return scoped(root.view, root.record.notice.identifiers)


def _reported_at(root: Parent[ScopedNotice]) -> Millis | None:
    at = root.record.notice.at
    return None if at is None else Millis(at)


def _judgement_id(root: Parent[ScopedNotice]) -> str | None:
    return root.record.judgement


@strawberry.type(
    description="Another system made one record of two. Nothing follows until an agent accepts it."
)
@shows(RecordedNotice)
class UpstreamMerge:
    id: ID
    source: str
    topic: str = by(_topic, description="The vendor's word for it.")
    kept: JudgedIdentifier = by(_kept, description="Lives on there.")
    merged: JudgedIdentifier = by(_merged, description="Is gone there.")
    reported_at: Millis | None = by(_reported_at, description="When it happened there.")
    received_at: Millis
    state: NoticeState
    decided_at: Millis | None
    decided_by: str | None
    reason: str | None
    judgement_id: ID | None = by(_judgement_id, description="That it was accepted with.")


@strawberry.type(
    description=(
        "Another system deleted its record of a person, or asks to forget one or to say what is "
        "known. Nothing is done by it: an administrator deals with it."
    )
)
@shows(RecordedNotice)
class UpstreamRequest:
    id: ID
    source: str
    kind: NoticeKind = by(_kind)
    topic: str = by(_topic, description="The vendor's word for it.")
    identifiers: list[JudgedIdentifier] = by(
        _identifiers, description="Of the person; none where it is about a whole shop."
    )
    reported_at: Millis | None = by(_reported_at, description="When it happened there.")
    received_at: Millis
    state: NoticeState
    decided_at: Millis | None
    decided_by: str | None
    reason: str | None


@strawberry.type
class UpstreamMergeEdge:
    cursor: str
    node: UpstreamMerge


@strawberry.type
class UpstreamMergeConnection:
    edges: list[UpstreamMergeEdge]
    page_info: PageInfo


@strawberry.type
class UpstreamRequestEdge:
    cursor: str
    node: UpstreamRequest


@strawberry.type
class UpstreamRequestConnection:
    edges: list[UpstreamRequestEdge]
    page_info: PageInfo


@strawberry.type
@shows(RefusedMerge)
class MergeRefused:
    id: ID
    message: str


def _after(root: Parent[AcceptedMerges]) -> str | None:
    return None if root.after is None else encode_cursor("merge", root.after)


@strawberry.type
@shows(AcceptedMerges)
class MergesAccepted:
    accepted: int
    refused: list[MergeRefused] = strawberry.field(description="These stay open.")
    end_cursor: str | None = by(_after, description="`after` of the next call; null when done.")


AcceptMergesResult: TypeAlias = Annotated[
    MergesAccepted | Invalid, strawberry.union("AcceptMergesResult")
]
DismissMergeResult: TypeAlias = Annotated[
    UpstreamMerge | Invalid, strawberry.union("DismissMergeResult")
]
HandleRequestResult: TypeAlias = Annotated[
    UpstreamRequest | Invalid, strawberry.union("HandleRequestResult")
]


async def merges(
    root: Parent[SpaceScope],
    info: Info,
    state: NoticeState = NoticeState.OPEN,
    source: str | None = UNSET,
    first: int | None = 50,
    after: str | None = UNSET,
) -> Connection[ScopedNotice]:
    page = await info.context.services.upstream.merges(
        root, state, source or None, id_before("merge", after), page_size(first, 50)
    )
    return by_id("merge", current_view(info, root), page, after or None, lambda each: each.id)


async def requests(
    root: Parent[SpaceScope],
    info: Info,
    state: NoticeState = NoticeState.OPEN,
    source: str | None = UNSET,
    first: int | None = 50,
    after: str | None = UNSET,
) -> Connection[ScopedNotice]:
    page = await info.context.services.upstream.requests(
        root, state, source or None, id_before("request", after), page_size(first, 50)
    )
    return by_id("request", current_view(info, root), page, after or None, lambda each: each.id)


async def accept_merge(
    info: Info,
    space: str,
    id: ID,  # noqa: A002  (as the other ids are called)
    reason: str,
) -> Scoped[Judged] | Refused:
    scope = require(info, space, Role.AGENT)
    try:
        judged = await info.context.services.upstream.accept(scope, id, reason)
    except (FieldInvalid, NotFound, Stale) as error:
        return _refused(error)
    return Scoped(current_view(info, scope), judged)


async def accept_all_merges(
    info: Info, space: str, source: str, reason: str, after: str | None = UNSET
) -> AcceptedMerges | Refused:
    scope = require(info, space, Role.AGENT)
    before = id_before("merge", after)
    try:
        return await info.context.services.upstream.accept_all(scope, source, reason, before)
    except FieldInvalid as error:
        return refused(error)


async def dismiss_merge(
    info: Info,
    space: str,
    id: ID,  # noqa: A002  (likewise)
    reason: str,
) -> ScopedNotice | Refused:
    scope = require(info, space, Role.AGENT)
    try:
        found = await info.context.services.upstream.dismiss(scope, id, reason)
    except (FieldInvalid, NotFound, Stale) as error:
        return _refused(error)
    return Scoped(current_view(info, scope), found)


async def mark_request_handled(
    info: Info,
    space: str,
    id: ID,  # noqa: A002  (likewise)
    reason: str,
) -> ScopedNotice | Refused:
    scope = require(info, space, Role.ADMIN)
    try:
        found = await info.context.services.upstream.mark_handled(scope, id, reason)
    except (FieldInvalid, NotFound, Stale) as error:
        return _refused(error)
    return Scoped(current_view(info, scope), found)


ACCEPT_ALL: str = (
    f"The open merges of a source, {MAX_ACCEPTED} a call and newest first, each as `acceptMerge`."
)


def _refused(error: FieldInvalid | NotFound | Stale) -> Refused:
    if isinstance(error, FieldInvalid):
        return refused(error)
    return refused_id(error)
