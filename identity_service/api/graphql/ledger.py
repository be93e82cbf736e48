# ruff: noqa: D103  (the schema's descriptions say what a field is)
"""What the fields of changes do: of a space, of a customer, and as they are followed."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import suppress

from strawberry import ID, UNSET, Parent

from identity_service.api.graphql.connections import (
    Connection,
    connection,
    decode_cursor,
    encode_cursor,
    global_id,
    number_in,
    page_size,
)
from identity_service.api.graphql.context import Info, Scoped, current_view, require
from identity_service.api.graphql.scalars import Millis, earliest, latest
from identity_service.api.graphql.scoped import ScopedCustomer, ScopedIdentifier, scoped
from identity_service.domain.judgements import AnyJudgement
from identity_service.domain.recorded import Page, PolicyVersion, RecordedChange, RecordedEvent
from identity_service.domain.resolution.changes import Cause, CauseKind, ChangeKind, parse_cause
from identity_service.domain.retractions import RetractionProgress
from identity_service.errors import NotFound
from identity_service.graph.ledger import NEWEST_CHANGE, ChangeFilter
from identity_service.services.read.view import CustomerView
from identity_service.services.spaces.access import Role, SpaceScope


async def space_changes(
    root: Parent[SpaceScope],
    info: Info,
    first: int | None = 50,
    after: str | None = UNSET,
    kinds: list[ChangeKind] | None = UNSET,
    customer: ID | None = UNSET,
    since: Millis | None = UNSET,
    until: Millis | None = UNSET,
) -> Connection[Scoped[RecordedChange]]:
    service = info.context.services.ledger
    which = ChangeFilter(kinds or None, earliest(since), latest(until))
    before, most = _position(after or None, NEWEST_CHANGE), page_size(first, 50)
    if customer:
        page = await service.changes_of(root, customer, which, before, most)
    else:
        page = await service.changes(root, which, before, most)
    return _newest_first(current_view(info, root), page, after or None)


async def customer_changes(
    root: Parent[ScopedCustomer],
    first: int | None = 20,
    after: str | None = UNSET,
) -> Connection[Scoped[RecordedChange]]:
    page = await root.view.changes(
        root.record, _position(after or None, NEWEST_CHANGE), page_size(first, 20)
    )
    return _newest_first(root.view, page, after or None)


async def follow_changes(
    info: Info,
    space: str,
    kinds: list[ChangeKind] | None = UNSET,
    after: str | None = UNSET,
) -> AsyncGenerator[Scoped[RecordedChange]]:
    services = info.context.services
    scope = require(info, space, Role.READER)
    cursor = info.context.resumed_after(after or None)
    position = _position(cursor, 0) if cursor else None
    async for change in services.following.changes(scope, kinds or None, position):
        yield Scoped(current_view(info, scope), change)


def change_node_id(root: Parent[Scoped[RecordedChange]]) -> ID:
    return global_id("Change", root.scope.space, root.record.id)


def cursor(root: Parent[Scoped[RecordedChange]]) -> str:
    return cursor_of(root.record)


async def change_identifiers(root: Parent[Scoped[RecordedChange]]) -> list[ScopedIdentifier]:
    return scoped(root.view, await root.view.identifiers(root.record.identifier_keys))


def caused_by(root: Parent[Scoped[RecordedChange]]) -> Scoped[Cause] | None:
    cause = parse_cause(root.record.cause, root.record.at)
    return root.beside(cause) if cause else None


async def cause_event(root: Parent[Scoped[Cause]], info: Info) -> Scoped[RecordedEvent] | None:
    if root.record.kind is not CauseKind.EVENT:
        return None
    view = current_view(info, root.scope)
    found = await view.event_with(root.record.key, root.record.changed_at)
    return root.beside(found) if found else None


async def cause_judgement(root: Parent[Scoped[Cause]], info: Info) -> Scoped[AnyJudgement] | None:
    if root.record.kind is not CauseKind.JUDGEMENT:
        return None
    found = await info.context.services.ledger.judgement(root.scope, root.record.key)
    return root.beside(found) if found else None


async def cause_policy(root: Parent[Scoped[Cause]], info: Info) -> PolicyVersion | None:
    if root.record.kind is not CauseKind.POLICY:
        return None
    version = int(root.record.key)
    page = await info.context.services.spaces.policies(root.scope, 1, version + 1)
    return next((policy for policy in page.items if policy.version == version), None)


async def cause_retraction(root: Parent[Scoped[Cause]], info: Info) -> RetractionProgress | None:
    if root.record.kind is not CauseKind.RETRACTION:
        return None
    with suppress(NotFound):
        return await info.context.services.retractions.find(root.scope, root.record.key)
    return None


def cursor_of(change: RecordedChange) -> str:
    """The cursor of a change, in lists and to go on after it."""
    return encode_cursor("change", change.position)


def _position(cursor: str | None, without: int) -> int:
    """The position that a cursor holds; raises BadInput."""
    return number_in(cursor, decode_cursor("change", cursor, 1)[0]) if cursor else without


def _newest_first(
    view: CustomerView, page: Page[RecordedChange], after: str | None
) -> Connection[Scoped[RecordedChange]]:
    return connection(page, after, cursor_of, lambda change: Scoped(view, change))
