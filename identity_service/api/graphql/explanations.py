# ruff: noqa: D103  (the schema's descriptions say what a field is)
"""Why? The fields about links, and what was decided on each."""

from __future__ import annotations

from typing import Final

from strawberry import Parent

from identity_service.api.graphql.connections import page_size
from identity_service.api.graphql.context import Info, Scoped
from identity_service.api.graphql.scoped import ScopedCustomer, ScopedIdentifier, scoped
from identity_service.domain.recorded import DecidedLink, LinkDecision
from identity_service.services.as_of import AsOf
from identity_service.services.explanations import Explanations

MAX_LINKS: Final = 1_000


async def links(
    root: Parent[ScopedCustomer], info: Info, first: int | None = MAX_LINKS
) -> list[Scoped[DecidedLink]]:
    most = page_size(first, MAX_LINKS, MAX_LINKS)
    found = await _explanations(root, info).links(root.scope, root.record, most)
    return [root.beside(link) for link in found]


async def shared_devices(
    root: Parent[ScopedCustomer], info: Info, first: int | None = 100
) -> list[ScopedIdentifier]:
    most = page_size(first, 100)
    found = await _explanations(root, info).shared_devices(
        root.scope, root.record.customer_id, most
    )
    return scoped(root.scope, found, root.past)


def link_a(root: Parent[Scoped[DecidedLink]]) -> ScopedIdentifier:
    return root.beside(root.record.a)


def link_b(root: Parent[Scoped[DecidedLink]]) -> ScopedIdentifier:
    return root.beside(root.record.b)


def link_decision(root: Parent[Scoped[DecidedLink]]) -> Scoped[LinkDecision]:
    return root.beside(root.record.decision)


def conflict(root: Parent[Scoped[LinkDecision]]) -> list[ScopedIdentifier]:
    return scoped(root.scope, root.record.conflict, root.past)


def _explanations(root: ScopedCustomer, info: Info) -> Explanations | AsOf:
    return root.past or info.context.services.explanations
