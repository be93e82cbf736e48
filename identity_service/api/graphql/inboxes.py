# ruff: noqa: D103  (the schema's descriptions say what a field is)
"""Inboxes: the fields about identifiers that are shared, or linked with too much."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from strawberry import UNSET, Parent

from identity_service.api.graphql.connections import (
    Connection,
    connection,
    decode_cursor,
    encode_cursor,
    number_in,
    page_size,
)
from identity_service.api.graphql.context import Info, Scoped, current_view
from identity_service.api.graphql.scalars import Millis
from identity_service.api.graphql.scoped import ScopedCustomer, ScopedIdentifier, scoped
from identity_service.domain.recorded import Page, SeenIdentifier
from identity_service.graph.inboxes import MAX_PEOPLE
from identity_service.services.read.view import CustomerView, Degree, SourceOfLinks
from identity_service.services.spaces.access import SpaceScope

MAX_DAYS: Final = 1_000
"""Most days of `linksOverTime`."""

MAX_SOURCES: Final = 100
"""Most sources of `linksBySource`."""

_MOST: Final = 2**62
"""More than any number of people or links."""


async def contested(
    root: Parent[SpaceScope], info: Info, first: int | None = 20, after: str | None = UNSET
) -> Connection[ScopedIdentifier]:
    people, key = _after("contested", after)
    page = await info.context.services.inboxes.contested(root, people, key, page_size(first, 20))
    return _ranked("contested", current_view(info, root), page, after or None)


async def super_connectors(
    root: Parent[SpaceScope], info: Info, first: int | None = 20, after: str | None = UNSET
) -> Connection[ScopedIdentifier]:
    links, key = _after("super", after)
    page = await info.context.services.inboxes.super_connectors(
        root, links, key, page_size(first, 20)
    )
    return _ranked("super", current_view(info, root), page, after or None)


async def shared_by(root: Parent[ScopedIdentifier], first: int | None = 20) -> list[ScopedCustomer]:
    most = page_size(first, 20, MAX_PEOPLE)
    return scoped(root.view, await root.view.shared_by(root.record, most))


async def links_over_time(
    root: Parent[ScopedIdentifier], first: int | None = 100
) -> Sequence[Degree]:
    return await root.view.links_over_time(root.record, page_size(first, 100, MAX_DAYS))


async def links_by_source(
    root: Parent[ScopedIdentifier], first: int | None = 10
) -> Sequence[SourceOfLinks]:
    return await root.view.links_by_source(root.record, page_size(first, 10, MAX_SOURCES))


def since(root: Parent[SourceOfLinks]) -> Millis:
    return Millis(root.since)


def peak(root: Parent[SourceOfLinks]) -> Millis:
    return Millis(root.peak)


def day(root: Parent[Degree]) -> Millis:
    return Millis(root.day)


def _after(of: str, after: str | None) -> tuple[int, str]:
    if not after:
        return _MOST, ""
    count, key = decode_cursor(of, after, 2)
    return number_in(after, count), key


def _ranked(
    of: str, view: CustomerView, page: Page[tuple[int, SeenIdentifier]], after: str | None
) -> Connection[ScopedIdentifier]:
    return connection(
        page,
        after,
        lambda entry: encode_cursor(of, entry[0], entry[1].key),
        lambda entry: Scoped(view, entry[1]),
    )
