# ruff: noqa: D101, D103  (the schema's descriptions say what a type or field is)
"""What another policy would change: its types and fields."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import strawberry
from strawberry import ID, UNSET, Parent

from identity_service.api.graphql.connections import (
    Connection,
    PageInfo,
    connection,
    decode_cursor,
    encode_cursor,
    number_in,
    page_size,
)
from identity_service.api.graphql.context import Info, Scoped, current_view
from identity_service.api.graphql.fields import IdentifierInput
from identity_service.api.graphql.refused import Invalid, Refused, refused
from identity_service.api.graphql.scoped import ScopedIdentifier, scoped
from identity_service.api.graphql.types import Identifier, Link, by, shows
from identity_service.domain.identifiers import Identifier as IdentifierName
from identity_service.domain.judgements import Verdict
from identity_service.domain.preview.report import MAX_DECIDING, MAX_LISTED, Place
from identity_service.domain.preview.report import PreviewSummary as Summary
from identity_service.domain.recorded import DecidedLink, Page
from identity_service.domain.resolution.changes import ChangeKind
from identity_service.errors import FieldInvalid, PolicyInvalid
from identity_service.services.preview import previews
from identity_service.services.preview.previews import ShownDifference
from identity_service.services.spaces.access import SpaceScope

ScopedDifference: TypeAlias = Scoped[ShownDifference]


async def preview(
    root: Parent[SpaceScope], info: Info, policy: str
) -> Scoped[previews.PolicyPreview] | Refused:
    try:
        found = await info.context.services.previews.preview(root, policy)
    except PolicyInvalid as error:
        return refused(error)
    return Scoped(current_view(info, root), found)


async def preview_judgement(
    root: Parent[SpaceScope],
    info: Info,
    verdict: Verdict,
    a: IdentifierInput,
    b: IdentifierInput | None = UNSET,
    message_id: str | None = UNSET,
) -> Scoped[previews.PolicyPreview] | Refused:
    service = info.context.services.judgement_previews
    try:
        if verdict is Verdict.DETACH:
            found = await service.of_event(root, _of_an_event(b or None, message_id), _named(a))
        else:
            second = _of_a_pair(b or None, message_id or None)
            found = await service.of_pair(root, verdict, _named(a), _named(second))
    except FieldInvalid as error:
        return refused(error)
    return Scoped(current_view(info, root), found)


def _of_a_pair(b: IdentifierInput | None, message_id: str | None) -> IdentifierInput:
    """The second identifier of a verdict about two. Raises FieldInvalid."""
    if b is None:
        raise FieldInvalid("b", "SAME and APART are said of two identifiers: name the second.")
    if message_id is not None:
        raise FieldInvalid("messageId", "SAME and APART are said of no event.")
    return b


def _of_an_event(b: IdentifierInput | None, message_id: str | None) -> str:
    """The message id of a verdict about an event. Raises FieldInvalid."""
    if not message_id:
        raise FieldInvalid("messageId", "DETACH is said of an event: name its message id.")
    if b is not None:
        raise FieldInvalid("b", "DETACH is said of one identifier, `a`.")
    return message_id


def _named(given: IdentifierInput) -> IdentifierName:
    return IdentifierName(given.type, given.value)


def _summary(root: Parent[Scoped[previews.PolicyPreview]]) -> Summary:
    return root.record.preview.summary


async def _differences(
    root: Parent[Scoped[previews.PolicyPreview]],
    info: Info,
    first: int | None = 20,
    after: str | None = UNSET,
) -> Connection[ScopedDifference]:
    found = root.record
    page = found.preview.page(_place(after) if after else None, page_size(first, 20))
    shown = await info.context.services.previews.shown(root.scope, found, page.items)
    return connection(
        Page(shown, page.more),
        after or None,
        lambda each: encode_cursor("difference", *_parts(each.difference.place)),
        root.beside,
    )


def _parts(place: Place) -> tuple[int, str, str]:
    kind, identifier = place
    return kind, identifier.type, identifier.value


def _place(cursor: str) -> Place:
    kind, type_, value = decode_cursor("difference", cursor, 3)
    return number_in(cursor, kind), IdentifierName(type_, value)


def _kind(root: Parent[ScopedDifference]) -> ChangeKind:
    return root.record.difference.kind


def _before(root: Parent[ScopedDifference]) -> list[list[ScopedIdentifier]]:
    return [scoped(root.view, some) for some in root.record.before]


def _after(root: Parent[ScopedDifference]) -> list[list[ScopedIdentifier]]:
    return [scoped(root.view, some) for some in root.record.after]


def _customer_ids(root: Parent[ScopedDifference]) -> list[ID]:
    return [ID(customer) for customer in root.record.difference.customer_ids]


def _deciding_links(root: Parent[ScopedDifference]) -> list[Scoped[DecidedLink]]:
    return scoped(root.view, root.record.deciding_links)


def _merged(root: Parent[Summary]) -> int:
    return root.ledger[ChangeKind.MERGED]


def _split(root: Parent[Summary]) -> int:
    return root.ledger[ChangeKind.SPLIT]


def _quarantined(root: Parent[Summary]) -> int:
    return root.ledger[ChangeKind.QUARANTINED]


def _released(root: Parent[Summary]) -> int:
    return root.ledger[ChangeKind.RELEASED]


def _created(root: Parent[Summary]) -> int:
    return root.ledger[ChangeKind.CREATED]


def _differing(root: Parent[Summary]) -> int:
    return root.differences.total()


@strawberry.type(
    description=(
        "Exact numbers. merged, split, quarantined, released and created count the changes that "
        "the ledger will tell when the policy is put in force."
    )
)
class PreviewSummary:
    customers_before: int
    customers_after: int
    unchanged: int = strawberry.field(description="The same id, identifiers and kind.")
    kind_changed: int = strawberry.field(
        description="Known and then anonymous, or the other way round; all else stays.",
    )
    merged: int = by(_merged)
    split: int = by(_split)
    created: int = by(_created)
    quarantined: int = by(_quarantined)
    released: int = by(_released)
    identifiers_moved: int = strawberry.field(
        description="Identifiers whose customer becomes another."
    )
    identifiers_blocked: int = strawberry.field(
        description="Identifiers that leave their customers, since the policy blocks them."
    )
    over_connected: int = strawberry.field(
        description=(
            "Components with more identifiers than the policy's max_component: their customers "
            "stay as they are."
        )
    )
    differences: int = by(
        _differing, description=f"All of them; the first {MAX_LISTED:,} of each kind are listed."
    )


@strawberry.type(
    description=(
        "A group of customers as they are and as they would be that share identifiers, and are "
        "not the same. MERGED: several become one. SPLIT: one becomes several, or loses "
        "identifiers that the policy blocks. MOVED: several become several others. QUARANTINED, "
        "RELEASED: of a customer only what is contested changes. CREATED: identifiers that "
        "belonged to nobody become a customer or join one."
    )
)
@shows(ShownDifference)
class CustomerDifference:
    kind: ChangeKind = by(_kind)
    before: list[list[Identifier]] = by(_before, description="By customer, the strongest first.")
    after: list[list[Identifier]] = by(_after)
    customer_ids: list[ID] = by(
        _customer_ids,
        description=(
            "Of the customers before, in their order, then of retired ones that would live "
            "again. What would be new has no id yet."
        ),
    )
    deciding_links: list[Link] = by(
        _deciding_links,
        description=(
            "Links that join under one of the two policies and not under the other, with the "
            f"decision of the new one; the {MAX_DECIDING} strongest."
        ),
    )


@strawberry.type
class CustomerDifferenceEdge:
    cursor: str
    node: CustomerDifference


@strawberry.type
class CustomerDifferenceConnection:
    edges: list[CustomerDifferenceEdge]
    page_info: PageInfo


@strawberry.type
@shows(previews.PolicyPreview)
class PolicyPreview:
    policy_text: str = strawberry.field(description="The policy that was previewed.")
    summary: PreviewSummary = by(_summary)
    differences: CustomerDifferenceConnection = by(
        _differences,
        description="By kind, in the order MERGED, SPLIT, MOVED, QUARANTINED, RELEASED, CREATED.",
    )


PreviewResult: TypeAlias = Annotated[PolicyPreview | Invalid, strawberry.union("PreviewResult")]
